"""One answer explained: contributions, the nodes that carry them, reasons in words, rows alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edgewise._core.arguments import check_text
from edgewise._core.checks import plural
from edgewise._core.plain import lines_of, plain
from edgewise.explaining.columns import cut, number_text
from edgewise.explaining.reasons import Reason


@dataclass(frozen=True)
class Neighbour:
    """A row of the table that is like the explained one: near in contributions, not in raw numbers.

    Attributes
    ----------
    row : int
        Its number in the table.
    distance : float
        Length of the vector of contributions, column by column, that leads from the explained row to it, in units of the
        output: zero where every difference leaves the output untouched.
    prediction : object
        What the model answers there: a class, or a number.
    same : bool or None
        Whether that is the class of the explained row; None where numbers are predicted.
    actual : object
        The row's own target, where it was given.
    differs : tuple of str
        The columns that differ most in effect, at most three, with both values.
    """

    row: int
    distance: float
    prediction: Any
    same: bool | None
    actual: Any
    differs: tuple[str, ...]


# Contributions below this share of the largest are summed up in one line of text.
FAINT = 0.01
# Characters of a bar at most, to either side.
BAR = 10


@dataclass(frozen=True)
class Contribution:
    """What one column adds to the answer.

    Attributes
    ----------
    column : str
    value : str
        The row's cell, in words.
    effect : float
        In units of the output.
    """

    column: str
    value: str
    effect: float


@dataclass(frozen=True)
class NodeEffect:
    """What passes one hidden node.

    Attributes
    ----------
    layer, node : int
        From 1, as in drawings; layer 1 is the first hidden one.
    effect : float
        What of the answer's difference from the baseline it carries, in units of the output.
    columns : tuple of (str, float)
        The columns whose contributions pass it, largest first, at most four.
    """

    layer: int
    node: int
    effect: float
    columns: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class LocalExplanation:
    """Why the model answers what it answers for one row.

    The contributions sum to `value - base` exactly (within rounding).

    Attributes
    ----------
    row : int or None
        Number of the row in the table, where it was given by number.
    output : str
        What is explained.
    value, base : float
        The output for the row, and its mean over the background rows.
    prediction : object
        The class that is decided for, or the predicted number.
    probability : float or None
        Of the class that the output supports.
    label : object
        That class; None where numbers are predicted.
    contributions : tuple of Contribution
        Largest first.
    reasons : tuple of Reason
    nodes : tuple of NodeEffect
        Hidden nodes that carry most; empty for a network without.
    neighbours : tuple of Neighbour
    outside : tuple of str
        Columns whose value lies beyond the training range, where the network extrapolates.
    method : "exact", "shapley" or "path"
        How joint effects are shared: see `edgewise.explain`.
    background : int
        Number of background rows.
    """

    row: int | None
    output: str
    value: float
    base: float
    prediction: Any
    probability: float | None
    label: Any
    contributions: tuple[Contribution, ...]
    reasons: tuple[Reason, ...]
    nodes: tuple[NodeEffect, ...]
    neighbours: tuple[Neighbour, ...]
    outside: tuple[str, ...]
    method: str
    background: int

    def effect(self, column: str) -> float:
        """The contribution of a column; 0 for one that the model does not read."""
        check_text(column, "column")
        return next((one.effect for one in self.contributions if one.column == column), 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {"kind": "local", **plain(asdict(self))}

    def __str__(self) -> str:
        who = "This row" if self.row is None else f"Row {self.row}"
        answer = number_text(self.prediction) if isinstance(self.prediction, float) else str(self.prediction)
        sure = "" if self.probability is None else f" (probability of {self.label} {self.probability:.3f})"
        lines = [
            f"{who}: {answer}",
            f"{self.output} {number_text(self.value)}{sure}; on average {number_text(self.base)}",
            "",
        ]
        lines += _bars(self.contributions)
        if self.reasons:
            lines += ["", "Why", *(f"  {reason.text}" for reason in self.reasons)]
        if self.neighbours:
            lines += ["", "Rows the model sees as most alike"]
            lines += [_neighbour(one) for one in self.neighbours]
        if self.outside:
            lines += [
                "",
                f"Beyond the training range: {', '.join(self.outside)}; nothing was learned there.",
            ]
        if self.row is not None:
            lines += ["", "Rows are counted from 0."]
        return lines_of(lines)


def _bars(contributions: tuple[Contribution, ...]) -> list[str]:
    """Contributions as lines with bars to the left and right of a middle."""
    largest = max((abs(one.effect) for one in contributions), default=0.0)
    if largest == 0:
        return ["  No column moves it."]
    shown = [one for one in contributions if abs(one.effect) >= FAINT * largest]
    rest = [one.effect for one in contributions if abs(one.effect) < FAINT * largest]
    lines: list[str] = []
    for one in shown:
        bar = "\u2588" * max(round(BAR * abs(one.effect) / largest), 1)
        left, right = (bar, "") if one.effect < 0 else ("", bar)
        lines.append(
            f"  {_signed(one.effect):>10} {left:>{BAR}}\u2502{right:<{BAR}} {cut(one.column, 36)} = {cut(one.value, 40)}"
        )
    if rest:
        lines.append(
            f"  {_signed(sum(rest)):>10} {'':>{BAR}}\u2502{'':<{BAR}} {plural(len(rest), 'more column')}"
        )
    return lines


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else ''}{number_text(value, 3)}"


def _neighbour(one: Neighbour) -> str:
    answer = number_text(one.prediction) if isinstance(one.prediction, float) else str(one.prediction)
    actual = "" if one.actual is None else f", in truth {one.actual}"
    differs = f"; differs in {', '.join(one.differs)}" if one.differs else "; the same to the model"
    return f"  row {one.row}: {answer}{actual}, distance {number_text(one.distance, 2)}{differs}"
