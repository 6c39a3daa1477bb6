"""`edgewise check`: a certificate and the models it speaks of in; accepted or refused."""

from __future__ import annotations

import json as as_json
from pathlib import Path
from typing import Annotated

import typer

from edgewise._core.errors import FileError, InputError
from edgewise.cli import options
from edgewise.cli.outcome import REFUTED, print_json


def check(
    proof: Annotated[
        Path, typer.Argument(help="A certificate that `edgewise verify` wrote.", show_default=False)
    ],
    models: Annotated[
        list[Path], typer.Argument(help="The .kan file it speaks of; two for equal(...).", show_default=False)
    ],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Check a certificate in exact rational arithmetic, without trusting the prover.

    The checker is a small program of its own. Exit code 0: accepted, so the
    claim holds for every row of its domain. 1: refused, with the reason.

    Examples:

    - `edgewise check proof.json model.kan`

    - `edgewise check proof.json model.kan --json`
    """
    for path in (proof, *models):
        if not path.is_file():
            raise FileError(f"The file {path} cannot be read: there is no such file.")
    if len(models) > 2:
        raise InputError(f"A certificate speaks of one model or two. Got {len(models)} files instead.")
    from edgewise.verify.checker import check as recheck

    verdict = recheck(proof, *models)
    if json:
        print_json(
            as_json.dumps({"accepted": verdict.accepted, "reason": verdict.reason, "claim": verdict.claim})
        )
    else:
        typer.echo(verdict.reason)
        if verdict.accepted and not quiet:
            typer.echo(verdict.claim)
    if not verdict.accepted:
        raise typer.Exit(REFUTED)
