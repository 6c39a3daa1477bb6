"""`edgewise verify`: a model and a property in; proved, refuted with a row, or undecided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgewise.cli import options
from edgewise.cli.outcome import (
    INTERRUPTED,
    REFUTED,
    UNDECIDED,
    Interrupts,
    refuse_to_overwrite,
    to_standard_output,
)
from edgewise.cli.terminal import print_bytes, print_json, say


def verify(
    model: options.Model,
    property: Annotated[  # noqa: A002
        str,
        typer.Argument(
            help="What must hold, as in 'monotone(income, increasing)'; the list is below.",
            show_default=False,
        ),
    ],
    where: Annotated[
        str | None,
        options.unset("--where", "-w", help="Of which rows: 'age in [18, 65], job = \"skilled\"'."),
    ] = None,
    data: Annotated[
        Path | None,
        options.unset("--data", "-d", help="A table of rows to try first, and for 'row 5' to count in."),
    ] = None,
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    seed: options.Seed = 0,
    certificate: Annotated[
        Path | None,
        options.unset(
            "--certificate", "-c", help="Write the evidence here once proved; `edgewise check` reads it."
        ),
    ] = None,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Prove that a property holds for every row, or find a row that breaks it.

    Exit code 0: proved. 1: refuted, with the row. 3: undecided with the
    work allowed, with the bounds reached. Ctrl-C ends early with the bounds so far and
    exit code 130.

    Properties:

    - `0 <= output <= 1`, `probability <= 0.9`, `2*age - output <= 3`

    - `increasing(income)` or `monotone(income, increasing)`, `lipschitz(income, 0.01)`

    - `never_flips(sex)`, `changes_at_most(sex, 0.1)`: changing this column alone

    - `never_flips(sex, race) with age within 5`: these together, at will, and
    a number a little besides

    - `decision = "good"`, `robust(row 5, 0.05)`, `robust(row 5, {age: 2})`

    - `equal("other.kan", 0.01)`, `formula("2*x + 1", 0.1)`

    Rows are narrowed by `--where`, or by `where ...` after the property. Names
    that are no single word stand in backticks.

    Examples:

    - `edgewise verify model.kan "monotone(income, increasing)"`

    - `edgewise verify model.kan "never_flips(sex)" --where "age in [18, 65]" -c proof.json`

    - `edgewise verify model.kan "robust(row 5, 0.05)" --data rows.csv --json`
    """
    printed = to_standard_output(certificate, json=json)
    refuse_to_overwrite([None if printed else certificate], force)
    from edgewise.cli.proofs import ProofProgress, asked, verdict_json
    from edgewise.verifying.entry_points.verify import verify as prove
    from edgewise.verifying.results.verdicts import Proved

    question = asked(model, property, where, data, quiet=quiet)
    progress = ProofProgress(quiet)
    with Interrupts() as interrupts, progress:
        progress.begin(f"prove {question.text}")
        verdict = prove(
            question.model,
            question.statement.property,
            where=question.statement.conditions,
            work=work,
            seconds=seconds,
            seed=seed,
            rows=question.rows,
            callbacks=(progress.step, interrupts),
            file=model,
        )
    if certificate is not None and isinstance(verdict, Proved) and verdict.certificate is not None:
        if printed:
            print_bytes(verdict.certificate.text.encode("ascii"))
        else:
            verdict.certificate.save(certificate, overwrite=force)
    if json:
        print_json(verdict_json(verdict, certificate))
    else:
        say(str(verdict), err=printed)
        if certificate is not None and not quiet and not printed:
            say(question.saved(verdict, certificate), err=True)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if verdict.status != "proved":
        raise typer.Exit(REFUTED if verdict.status == "refuted" else UNDECIDED)
