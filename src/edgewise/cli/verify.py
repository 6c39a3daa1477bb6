"""`edgewise verify`: a model and a property in; proved, refuted with a row, or undecided."""

from __future__ import annotations

from edgewise.cli.answer import Answer, code_of
from edgewise.cli.outcome import (
    DONE,
    REFUTED,
    STANDARD_OUTPUT,
    UNDECIDED,
    Interrupts,
)
from edgewise.cli.requests import VerifyRequest

_CODES = {"proved": DONE, "refuted": REFUTED, "undecided": UNDECIDED}


def run(asked: VerifyRequest) -> Answer:
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
    content: bytes | None = b"" if printed else None
    if asked.certificate is not None and isinstance(verdict, Proved) and verdict.certificate is not None:
        if printed:
            content = verdict.certificate.text.encode("ascii")
        else:
            verdict.certificate.save(asked.certificate, overwrite=asked.force)
    told = None if printed or asked.json else asked.certificate
    return Answer(
        lambda: verdict_json(verdict, asked.certificate),
        str(verdict),
        content,
        remark="" if told is None else question.saved(verdict, told),
        code=code_of(interrupts, _CODES[verdict.status]),
    )
