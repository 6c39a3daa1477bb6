"""`edgewise check`: a certificate and the models it is about go in; accepted or refused."""

from __future__ import annotations

import json as as_json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from edgewise._core.errors import FileError, InputError
from edgewise.cli import options
from edgewise.cli.outcome import REFUTED
from edgewise.cli.terminal import print_json, say


def check(
    proof: Annotated[
        Path, typer.Argument(help="A certificate that `edgewise verify` wrote.", show_default=False)
    ],
    models: Annotated[
        list[Path], typer.Argument(help="The .kan file it is about; two for equal(...).", show_default=False)
    ],
    expect: Annotated[
        str | None,
        options.unset(
            "--expect",
            help="The property that it is to prove, as for `edgewise verify`, with its `where ...`.",
        ),
    ] = None,
    data: Annotated[
        Path | None, options.unset("--data", "-d", help="A table whose rows --expect counts.")
    ] = None,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Check a certificate in exact rational arithmetic, without trusting the prover.

    The checker is a small program of its own. Exit code 0: accepted, so the
    claim holds for every row of its domain. 1: refused, with the reason, or
    accepted and about something else than --expect. The claim is shown in the
    model's own words and units, then as the checker reads it.

    Examples:

    - `edgewise check proof.json model.kan`

    - `edgewise check proof.json model.kan --expect "never_flips(sex)"`

    - `edgewise check proof.json model.kan --json`
    """
    for path in (proof, *models):
        if not path.is_file():
            raise FileError(f"The file {path} cannot be read: there is no such file.")
    if len(models) > 2:
        raise InputError(
            subject="A certificate", expected="be about one model or two", got=f"{len(models)} files"
        )
    from edgewise.verifying.checker import check as recheck
    from edgewise.verifying.checker.reading import printed

    statement = None
    if expect is not None:
        from edgewise.verifying.language.text import parse_property

        statement = parse_property(expect)
    verdict = recheck(proof, *models)
    words = other = ""
    if verdict.accepted:
        from edgewise.cli.proofs import claimed

        words, refused, other = claimed(proof, models, statement, data)
        if refused:
            verdict = replace(verdict, accepted=False, reason=f"Refused: {refused}.")
    if json:
        result = {
            "accepted": verdict.accepted,
            "reason": verdict.reason,
            "claim": verdict.claim,
            "words": words,
        }
        as_expected = None if statement is None else verdict.accepted and not other
        print_json(as_json.dumps({**result, "expected": as_expected, "differs": other}))
    else:
        say(verdict.reason)
        if verdict.accepted and not quiet:
            if words:
                say(words)
            say(f"As the checker reads it: {verdict.claim}")
    if other and not json:
        say(printed(f"The certificate does not prove {statement}: {other}."))
    if other or not verdict.accepted:
        raise typer.Exit(REFUTED)
