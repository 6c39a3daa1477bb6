"""The output stays between two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import expit

from edgewise._core.errors import InputError
from edgewise.network.calibration import FAR
from edgewise.network.fitted import Fitted
from edgewise.verifying.claims.calibrated import carried_range
from edgewise.verifying.claims.claimed import Claimed, end_in_words
from edgewise.verifying.claims.property import Property, output_name
from edgewise.verifying.claims.tasks import Task, bounded, output_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import number
from edgewise.verifying.domain.goals import Goal, OutputTerm
from edgewise.verifying.results.witness import Case


@dataclass(frozen=True)
class OutputRange(Property):
    """The output stays between two numbers; made by `output_range`."""

    low: float | None
    high: float | None
    output: Any = None
    probability: bool = False

    claims = ("range",)

    def __str__(self) -> str:
        what = "probability" if self.probability else output_name(self.output)
        parts = [f"{number(self.low)} <= "] if self.low is not None else []
        parts += [what]
        parts += [f" <= {number(self.high)}"] if self.high is not None else []
        return "".join(parts)

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """The output is at most the upper end, and its negative at most that of the lower."""
        if self.probability and not columns.view.binary:
            raise InputError(
                subject="The model of a range of probability",
                expected="be a classifier of two classes",
                got="another one",
                advice="ask for a range of output",
            )
        low, high = carried_range(columns.view, self.low, self.high, probability=self.probability)
        o = output_of(columns.view, self.output)
        goals = list[Goal]()
        if high is not None:
            goals.append(bounded((OutputTerm(o),), high))
        if low is not None:
            goals.append(bounded((OutputTerm(o, -1.0),), -low))
        return start.showing({"type": "range", "output": o, "low": low, "high": high}, goals, "level")

    def constraints(self, target: str) -> list[str]:
        """One for each end."""
        if self.output is not None or self.probability:
            return []
        ends = ((">=", self.low), ("<=", self.high))
        return [f"{target} {sign} {end!r}" for sign, end in ends if end is not None]

    def vacuous(self, task: Task) -> str:
        """Maps that give nothing beyond the range."""
        ends = [task.claim["low"], task.claim["high"]]
        if all(end is None or abs(end) >= FAR for end in ends):
            return "the calibration never gives more or less, whatever the network's output."
        return ""

    def kept_by(self, cases: Sequence[Case], view: Fitted) -> bool:
        """Whether the outputs or probabilities that the model computes lie within the range."""
        if view.calibration is not None:
            return False
        o = output_of(view, self.output)
        values = [[*shown_case.outputs.values()][o] for shown_case in cases]
        values = expit(values).tolist() if self.probability else values
        return all(
            (self.low is None or self.low <= value) and (self.high is None or value <= self.high)
            for value in values
        )

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """Between which numbers the output lies."""
        low, high = end_in_words(claimed.claim["low"], -1), end_in_words(claimed.claim["high"], 1)
        return f"{claimed.output} lies between {low} and {high}"
