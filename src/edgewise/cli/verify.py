"""`edgewise verify`: a model and a property in; proved, refuted with a row, or undecided."""

from __future__ import annotations

import typer

from edgewise.cli.outcome import (
    INTERRUPTED,
    REFUTED,
    STANDARD_OUTPUT,
    UNDECIDED,
    Interrupts,
)
from edgewise.cli.requests import VerifyRequest
from edgewise.cli.terminal import print_bytes, print_json, say


def run(asked: VerifyRequest) -> None:
    """Carry a request out and show what came of it."""
    printed = asked.certificate == STANDARD_OUTPUT
    from edgewise.cli.proofs import ProofProgress, read_question, verdict_json
    from edgewise.verifying.entry_points.verify import verify as prove
    from edgewise.verifying.results.verdicts import Proved

    question = read_question(asked.model, asked.property, asked.where, asked.data, quiet=asked.quiet)
    progress = ProofProgress(asked.quiet)
    with Interrupts() as interrupts, progress:
        progress.begin(f"prove {question.text}")
        verdict = prove(
            question.model,
            question.statement.property,
            where=question.statement.conditions,
            work=asked.work,
            seconds=asked.seconds,
            seed=asked.seed,
            rows=question.rows,
            callbacks=(progress.step, interrupts),
            file=asked.model,
        )
    if asked.certificate is not None and isinstance(verdict, Proved) and verdict.certificate is not None:
        if printed:
            print_bytes(verdict.certificate.text.encode("ascii"))
        else:
            verdict.certificate.save(asked.certificate, overwrite=asked.force)
    if asked.json:
        print_json(verdict_json(verdict, asked.certificate))
    else:
        say(str(verdict), err=printed)
        if asked.certificate is not None and not asked.quiet and not printed:
            say(question.saved(verdict, asked.certificate), err=True)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if verdict.status != "proved":
        raise typer.Exit(REFUTED if verdict.status == "refuted" else UNDECIDED)
