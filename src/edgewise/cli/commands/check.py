"""`edgewise check`: a certificate and the models it is about go in; accepted or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgewise._core.errors import FileError, InputError
from edgewise.cli.answer import Answer
from edgewise.cli.options import Request, argument, option
from edgewise.cli.outcome import DONE, REFUTED


class CheckRequest(Request, group="Prove", place=51):
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

    proof: Path = argument("A certificate that `edgewise verify` wrote.", default=...)
    models: list[Path] = argument("The .kan file it is about; two for equal(...).", default=...)
    expect: str | None = option(
        "The property that it is to prove, as for `edgewise verify`, with its `where ...`."
    )
    data: Path | None = option("A table whose rows --expect counts.", "-d")

    def check(self) -> None:
        """Refuse files that are not there, and too many of them."""
        for path in (self.proof, *self.models):
            if not path.is_file():
                raise FileError(f"The file {path} cannot be read: there is no such file.")
        if len(self.models) > 2:
            raise InputError(
                subject="A certificate",
                expected="be about one model or two",
                got=f"{len(self.models)} files",
            )

    def run(self) -> Answer:
        """Have the certificate checked, and put what it claims in words."""
        from edgewise.cli.proofs import claimed
        from edgewise.verifying.checker import check as recheck
        from edgewise.verifying.checker.reading import printed
        from edgewise.verifying.language.text import parse_property

        statement = None if self.expect is None else parse_property(self.expect)
        verdict, words, other = recheck(self.proof, *self.models), "", ""
        if verdict.accepted:
            words, refused, other = claimed(self.proof, self.models, statement, self.data)
            if refused:
                verdict = replace(verdict, accepted=False, reason=f"Refused: {refused}.")
        lines = [verdict.reason]
        if verdict.accepted and not self.quiet:
            lines += [*filter(None, [words]), f"As the checker reads it: {verdict.claim}"]
        if other:
            lines.append(printed(f"The certificate does not prove {statement}: {other}."))
        data = {
            "accepted": verdict.accepted,
            "reason": verdict.reason,
            "claim": verdict.claim,
            "words": words,
            "expected": None if statement is None else verdict.accepted and not other,
            "differs": other,
        }
        return Answer(data, "\n".join(lines), code=REFUTED if other or not verdict.accepted else DONE)
