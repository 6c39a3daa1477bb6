"""`edgewise ask`: places to measure at out, measurements in, until the law behind them is known."""

from __future__ import annotations

from pathlib import Path

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.cli.options import Force, Loss, Request, Seconds, Seed, Work, option
from edgewise.cli.outcome import refuse_to_overwrite


class AskRequest(Request, group="Find the law", place=22, whole_table=True):
    """Find a law by measuring where it tells most.

    Says where to measure, reads the value, searches formulas, and says where
    to measure next: where those that are still possible differ. It ends when
    the formula has predicted what the others did not.

    You type the values, or --command names a program that gives them. Typed,
    nan is a measurement that failed and q ends; so does Ctrl-C. The
    measurements are in the file of --out, whatever happens; --resume goes on
    from there, without measuring anything twice. Exit code 130: it was ended
    before.

    Columns without a step are set, where you type, to a thousandth of their
    range or so.

    Examples:

    - `edgewise ask --bounds 'm=1:5,r=1:3:0.1' --target F --out measured.csv`

    - `edgewise ask -b m=1:5,r=1:3 -t F -o measured.csv --command 'python measure.py {m} {r}'`

    - `edgewise ask -b m=1:5,r=1:3 -t F -o measured.csv --resume`
    """

    bounds: list[str] = option(
        "Between which values each column can be set, and in which steps: 'm=1:5,r=1:3:0.1'.",
        "-b",
        default=...,
    )
    target: str = option("What is measured, by name.", "-t", default=...)
    out: Path = option(
        "A .csv file for the measurements; each is in it as soon as it is made.", "-o", default=...
    )
    command: str | None = option(
        "A program that measures, such as 'python measure.py {m} {r}'; it prints the value as its last line."
    )
    most: int = option("Measurements at most.", default=60, min=1)
    sigma: float | None = option(
        "Standard deviation of a measurement; where it is not given, places are measured again."
    )
    loss: Loss = "squared"
    resume: bool = option(
        "Go on after the measurements in the file of --out; with the same options as if nothing had ended.",
        bars=["force"],
        default=False,
    )
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    force: Force = False

    def check(self) -> None:
        """Refuse options that contradict, and a file that has no place."""
        super().check()
        if self.out.suffix.lower() != ".csv":
            raise InputError(
                subject="The file of --out",
                expected="end in .csv, whose rows are added one by one",
                got=short(self.out.name),
            )
        if not self.resume or not self.out.exists():
            refuse_to_overwrite([self.out], self.force)
