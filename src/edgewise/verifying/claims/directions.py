"""How the output goes along a column of numbers: it never falls, or changes by at most so much for each unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms.directions import DIRECTIONS
from edgewise.forms.tree import quote
from edgewise.verifying.claims.calibrated import carried_change
from edgewise.verifying.claims.claimed import Claimed, end_in_words, name_in_words
from edgewise.verifying.claims.property import Property, output_argument
from edgewise.verifying.claims.tasks import Subgoal, Task, bounded, numbers_of, of_numbers, output_of
from edgewise.verifying.domain.columns import COLUMN, Columns
from edgewise.verifying.domain.conditions import number
from edgewise.verifying.domain.domain import Domain, Group
from edgewise.verifying.domain.goals import Goal, OutputTerm, Slope
from edgewise.verifying.results.witness import Case

_FALLS = {1: "falls", -1: "rises"}


@dataclass(frozen=True)
class Monotone(Property):
    """The output never falls (or never rises) as a column grows; made by `monotone`."""

    feature: str
    direction: str
    output: Any = None

    claims = ("monotone",)
    stronger = "the calibration is level there"

    def __str__(self) -> str:
        return f"monotone({quote(self.feature)}, {self.direction}{output_argument(self.output)})"

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """The slope is never negative where the column has intervals, and values beside each other are in order."""
        g, i = numbers_of(columns, self.feature)
        o = output_of(columns.view, self.output)
        rising = 1 if self.direction == DIRECTIONS[0] else -1
        direction = rising if columns.scale(g)[1] > 0 else -rising
        domain = of_numbers(start.domain, g)
        parts, group = list[Subgoal](), domain.groups[g]
        sloping = _intervals(domain, g)
        if sloping is not None:
            parts.append(Subgoal(Slope(o, i, -direction, 0.0), sloping, "slope", g))
        for cells in _alike(group):
            for a, b in pairwise(sorted(cells, key=lambda c: group.cells[c][0][0])):
                first, second = (a, b) if direction == 1 else (b, a)
                terms = (OutputTerm(o, 1.0, 0, (g, first)), OutputTerm(o, -1.0, 0, (g, second)))
                parts.append(Subgoal(bounded(terms, 0.0), domain, "pair", g))
        if not parts:
            raise InputError(
                subject=COLUMN,
                expected="have values to compare",
                got=f"{short(self.feature, 40)}, which is left with one value",
            )
        claim = {"type": "monotone", "output": o, "input": i, "direction": direction}
        # A map that rises may be level where the network falls.
        exact = columns.view.calibration is None
        return replace(start, claim=claim, domain=domain, exact=exact, parts=tuple(parts))

    def constraints(self, target: str) -> list[str]:
        """The direction."""
        return [f"{self.direction}({quote(self.feature)})"] if self.output is None else []

    def broken_by(self, goal: Goal, cases: Sequence[Case]) -> bool:
        """Whether the calibrated output too goes the wrong way from one row to the other."""
        first, second = ([*shown_case.outputs.values()] for shown_case in cases)
        if isinstance(goal, Slope):
            return goal.sign * (second[goal.output] - first[goal.output]) > 0
        return first[0] > second[0]

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """Which way the output never goes."""
        name = claimed.columns.names[claimed.column_of(claimed.claim["input"])]
        return f"{claimed.output} never {_FALLS[claimed.claim['direction']]} as {name_in_words(name)} rises"


@dataclass(frozen=True)
class Lipschitz(Property):
    """The output changes by at most `bound` for each unit of a column; made by `lipschitz`."""

    feature: str
    bound: float
    output: Any = None

    claims = ("lipschitz",)
    maps = "straight"

    def __str__(self) -> str:
        return f"lipschitz({quote(self.feature)}, {number(self.bound)}{output_argument(self.output)})"

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """The slope is at most the bound either way."""
        g, i = numbers_of(columns, self.feature)
        o = output_of(columns.view, self.output)
        domain = of_numbers(start.domain, g)
        sloping = _intervals(domain, g)
        if sloping is None:
            raise InputError(
                subject=COLUMN,
                expected="have a range to move in",
                got=f"{short(self.feature, 40)}, which holds two values",
                advice=f"ask changes_at_most({self.feature}, ...) instead",
            )
        transform, scale = columns.scale(g)
        bound = carried_change(columns.view, self.bound) * abs(scale)
        claim = {"type": "lipschitz", "output": o, "input": i, "bound": bound}
        parts = tuple(Subgoal(Slope(o, i, sign, bound), sloping, "slope", g) for sign in (1, -1))
        # asinh is steepest at its centre: the claim is then stronger than what is asked.
        return replace(start, claim=claim, domain=domain, exact=transform != "asinh", parts=parts)

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """How far the output changes, for a unit of the column where that is one number."""
        g = claimed.column_of(claimed.claim["input"])
        transform, scale = claimed.columns.scale(g)
        what = "on the scale on which the model reads it" if transform == "asinh" else "a unit"
        bound = end_in_words(claimed.claim["bound"] / (1.0 if transform == "asinh" else abs(scale)), 1)
        return (
            f"{claimed.output} changes by at most {bound} {what} of {name_in_words(claimed.columns.names[g])}"
        )


def _alike(group: Group) -> list[list[int]]:
    """Cells that differ in the first input only, together; in the order of their first ones."""
    found: dict[Any, list[int]] = {}
    for c, cell in enumerate(group.cells):
        found.setdefault(cell[1:], []).append(c)
    return list(found.values())


def _intervals(domain: Domain, g: int) -> Domain | None:
    """The part of a domain where the first input of a group has an interval to move in."""
    group = domain.groups[g]
    alone = [group.labelled[cells[0]] for cells in _alike(group) if len(cells) == 1]
    part = group.of((cell, label) for cell, label in alone if cell[0][0] < cell[0][1])
    return Domain((*domain.groups[:g], part, *domain.groups[g + 1 :])) if part.cells else None
