"""`edgewise verify`: a model and a property in; proved, refuted with a row, or undecided."""

from __future__ import annotations

from pathlib import Path

from edgewise.cli.answer import Answer, code_of
from edgewise.cli.options import Force, Model, Request, Seconds, Seed, Work, argument, file, option
from edgewise.cli.outcome import DONE, REFUTED, STANDARD_OUTPUT, UNDECIDED

_CODES = {"proved": DONE, "refuted": REFUTED, "undecided": UNDECIDED}


class VerifyRequest(Request, group="Prove", place=50, whole_table=True):
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

    model: Model
    property: str = argument(
        "What must hold, as in 'monotone(income, increasing)'; the list is below.", default=...
    )
    where: str | None = option("Of which rows: 'age in [18, 65], job = \"skilled\"'.", "-w")
    data: Path | None = option("A table of rows to try first, and for 'row 5' to count in.", "-d")
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    certificate: Path | None = file("Write the evidence here once proved; `edgewise check` reads it.", "-c")
    force: Force = False

    def run(self) -> Answer:
        """Have the property proved, and the evidence kept."""
        from edgewise.cli.progress import at_work
        from edgewise.cli.proofs import ProofProgress, read_question, verdict_as_data
        from edgewise.verifying.entry_points.verify import verify as prove
        from edgewise.verifying.results.verdicts import Proved

        question = read_question(self.model, self.property, self.where, self.data, quiet=self.quiet)
        progress = ProofProgress(self.quiet)
        with at_work(progress, f"prove {question.text}") as interrupts:
            verdict = self.call(
                prove,
                question.model,
                question.statement.property,
                where=question.statement.conditions,
                rows=question.rows,
                callbacks=(progress.step, interrupts),
                file=self.model,
            )
        printed = self.certificate == STANDARD_OUTPUT
        content: bytes | None = b"" if printed else None
        if self.certificate is not None and isinstance(verdict, Proved) and verdict.certificate is not None:
            if printed:
                content = verdict.certificate.text.encode("ascii")
            else:
                verdict.certificate.save(self.certificate, overwrite=self.force)
        told = None if printed or self.json else self.certificate
        return Answer(
            lambda: verdict_as_data(verdict, self.certificate),
            str(verdict),
            content=content,
            remark="" if told is None else question.saved(verdict, told),
            code=code_of(interrupts, _CODES[verdict.status]),
        )
