"""What a property comes to: goals on parts of a domain; and the outputs, classes and columns that properties name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from edgewise._core.arguments import place_among
from edgewise._core.checks import UNREADABLE, among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.network.fitted import Fitted
from edgewise.verifying.domain.columns import COLUMN, Columns
from edgewise.verifying.domain.domain import Cell, Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, Term
from edgewise.verifying.domain.raw_values import shown


@dataclass(frozen=True, eq=False)
class Subgoal:
    """One goal, on its part of the domain.

    Attributes
    ----------
    goal : OutputBounds or Slope
    domain : Domain
    focus : str
        What a row that breaks it shows: "level", "decision", "pair" (of two values of `group`) or "slope".
    group : int or None
        The group that is moved, or along which the slope runs.
    """

    goal: Goal
    domain: Domain
    focus: str
    group: int | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """All that a property asks of the prover.

    Attributes
    ----------
    claim : dict
        As certificates write it.
    domain : Domain
        Of the claim.
    parts : tuple of Subgoal
    models : tuple of KAN
    views : tuple of Fitted
    exact : bool
        Whether a row that breaks a goal breaks the property as well.
    copies : tuple of (int, int)
        Inputs that a second row has of its own, and where these stand behind the inputs of the first.
    """

    claim: dict[str, Any]
    domain: Domain
    parts: tuple[Subgoal, ...]
    models: tuple[KAN, ...]
    views: tuple[Fitted, ...]
    exact: bool = True
    copies: tuple[tuple[int, int], ...] = ()

    def showing(
        self, claim: dict[str, Any], goals: Iterable[Goal], focus: str, group: int | None = None
    ) -> Task:
        """The task with a claim that goals show, each on the whole of its domain."""
        parts = tuple(Subgoal(goal, self.domain, focus, group) for goal in goals)
        return replace(self, claim=claim, parts=parts)


def bounded(terms: tuple[Term, ...], bound: float) -> OutputBounds:
    """The goal that one sum is at most a bound."""
    return OutputBounds((terms,), (bound,))


def output_of(view: Fitted, output: Any) -> int:
    """The index of an output given by its name, its class or its number.

    Raises
    ------
    InputError
        If there are several and none is given, or there is none of that name.
    """
    count = view.network.shape[-1]
    names = (
        [str(label) for label in view.classes] if len(view.classes) > 2 else list(view.network.output_names)
    )
    if output is None:
        if count == 1:
            return 0
        what = "class" if view.classes else "output"
        raise InputError(
            argument="output",
            expected=f"name one of the {count} {what}s {among(names)}",
            got="none",
            advice="give output=",
        )
    if (
        count == 1
        and place_among(_truth(output, view.classes), (*view.classes[-1:], view.target)) is not None
    ):
        return 0
    place = place_among(output, names)
    if place is not None:
        return place
    if (
        isinstance(output, (int, float))
        and not isinstance(output, bool)
        and float(output).is_integer()
        and 0 <= output < count
    ):
        return int(output)
    raise InputError(
        argument="output",
        expected=f"be one of {among(names)}",
        got=f"{short(output)}{did_you_mean(output, names)}",
    )


def class_of(view: Fitted, label: Any) -> int:
    """The place of a class.

    Raises
    ------
    InputError
        If the model decides nothing, or has no such class.
    """
    if len(view.classes) < 2:
        raise InputError(
            subject="The model of 'decision = ...'",
            expected="be a classifier",
            got="a model of numbers",
            advice="ask for a range of its output, as in output <= 3",
        )
    label = _truth(label, view.classes)
    place = place_among(label, view.classes)
    if place is not None:
        return place
    for place, known in enumerate(view.classes):
        if _same_number(known, label):
            return place
    names = [str(known) for known in view.classes]
    raise InputError(
        subject="The class",
        expected=f"be one of {among(names)}",
        got=f"{short(label)}{did_you_mean(label, names)}",
    )


def _truth(label: Any, classes: tuple[Any, ...]) -> Any:
    """Of truth values, what answers call yes and no."""
    known = {shown(one): one for one in classes if isinstance(one, bool)}
    return known.get(label, label) if isinstance(label, str) else label


def _same_number(known: Any, label: Any) -> bool:
    try:
        return float(known) == float(label)
    except UNREADABLE:
        return False


def has_numbers(columns: Columns, g: int) -> bool:
    """Whether a column holds numbers, of two values or many."""
    value = columns.raw(g, [cell[0] for cell in columns.whole.groups[g].cells[0]])
    return not isinstance(value, str)


def numbers_of(columns: Columns, name: str) -> tuple[int, int]:
    """The group and the first input of a column of numbers.

    Raises
    ------
    InputError
        If it holds words.
    """
    g = columns.group(name)
    if not has_numbers(columns, g):
        raise InputError(
            subject=COLUMN,
            expected="hold numbers, which have an order",
            got=f"{short(name, 40)}, which holds words",
            advice=f"ask changes_at_most({name}, ...) or never_flips({name}) instead",
        )
    return g, columns.inputs[g][0]


def is_number(cell: Cell, label: str) -> bool:
    """Whether a cell of a column of numbers stands for numbers, and neither for missing values nor for a code."""
    return label != "missing" and not any(high for _, high in cell[1:])


def of_numbers(domain: Domain, g: int) -> Domain:
    """The rows of a domain where a column holds a number: a missing cell and a code, which stands for a word, have none.

    Raises
    ------
    InputError
        If there are none.
    """
    group = domain.groups[g]
    kept = group.of(pair for pair in group.labelled if is_number(*pair))
    if not kept.cells:
        raise InputError(
            subject=f"Column {short(group.name, 40)}",
            expected="have rows where it is not missing",
            got="none",
        )
    if kept.cells == group.cells:
        return domain
    return replace(domain, groups=(*domain.groups[:g], kept, *domain.groups[g + 1 :]), whole=False)


LeftOut = tuple[tuple[str, tuple[str, ...]], ...]
