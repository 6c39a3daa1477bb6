"""The decision is always one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise.network.fitted import Fitted
from edgewise.verifying.claims.claimed import Claimed, name_in_words
from edgewise.verifying.claims.property import Property
from edgewise.verifying.claims.tasks import Task, bounded, class_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import word
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, OutputTerm


@dataclass(frozen=True)
class Decides(Property):
    """The decision is always this class; made by `decides`."""

    label: Any

    claims = ("decision",)

    def __str__(self) -> str:
        return f"decision = {word(self.label)}"

    @property
    def of_decision(self) -> bool:
        """True: it is about nothing else."""
        return True

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """No other class has the larger output."""
        return decision_task(class_of(columns.view, self.label), columns.view, start.domain)

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """The class by its name."""
        label = str(claimed.columns.view.classes[claimed.claim["class"]])
        return f"the decision is {name_in_words(label)}"


def decision_task(label: int, view: Fitted, domain: Domain) -> Task:
    """That a class is always the decision, as a task."""
    if view.binary:
        sign = -1.0 if label else 1.0
        goals: list[Goal] = [bounded((OutputTerm(0, sign),), sign * view.threshold)]
    else:
        others = [j for j in range(len(view.classes)) if j != label]
        goals = [bounded((OutputTerm(j), OutputTerm(label, -1.0)), 0.0) for j in others]
    start = Task({}, domain, (), (view.network,), (view,))
    return start.showing({"type": "decision", "class": label}, goals, "decision")


def not_decided_task(label: int, view: Fitted, domain: Domain) -> Task:
    """That one of many classes never is the decision: some other output is always as large.

    Certificates know no such claim.
    """
    rows = tuple((OutputTerm(label), OutputTerm(j, -1.0)) for j in range(len(view.classes)) if j != label)
    start = Task({}, domain, (), (view.network,), (view,))
    return start.showing({}, [OutputBounds(rows, (0.0,) * len(rows))], "decision")
