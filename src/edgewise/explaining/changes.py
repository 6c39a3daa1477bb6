"""Counterfactuals as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.plain import lines_of
from edgewise._core.stopping import StopReason
from edgewise.explaining.columns import Cell, number_text


@dataclass(frozen=True)
class Change:
    """One changed column.

    Attributes
    ----------
    column : str
    before, after : float, str or None
        Raw cells: numbers (dates as days since 1970), words, None where missing.
    before_text, after_text : str
    cost : float
    """

    column: str
    before: Cell
    after: Cell
    before_text: str
    after_text: str
    cost: float


@dataclass(frozen=True)
class Counterfactual:
    """Changes that lead to the wanted answer.

    Attributes
    ----------
    changes : tuple of Change
        Dearest first.
    cost : float
        Sum of the costs of the changes and of the price of each changed column.
    value : float
        The output after the changes.
    prediction : object
        What `model.predict` answers for the changed row.
    """

    changes: tuple[Change, ...]
    cost: float
    value: float
    prediction: Any

    @property
    def columns(self) -> frozenset[str]:
        """The changed columns."""
        return frozenset(change.column for change in self.changes)

    def row(self) -> dict[str, Cell]:
        """The changed cells."""
        return {change.column: change.after for change in self.changes}

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {
            "changes": [vars(change).copy() for change in self.changes],
            "cost": self.cost,
            "value": self.value,
            "prediction": self.prediction,
        }


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """The least changes found, cheapest first.

    Attributes
    ----------
    row : int or None
        Number of the row, where it was given by number.
    wanted : str
    output : str
    value : float
        The output for the row as it is.
    items : tuple of Counterfactual
        Each changes a set of columns of its own, none of which contains that of a cheaper one. Empty where the observed
        ranges and levels hold no way.
    fixed : tuple of str
    exact : bool
        Whether no cheaper way exists among the values tried, because the network is additive and all combinations count.
    message : str
    stop_reason : StopReason
        "exhausted" where every combination that may matter was tried, "work_spent" where only those that promised most.
    seconds : float
    """

    row: int | None
    wanted: str
    output: str
    value: float
    items: tuple[Counterfactual, ...]
    fixed: tuple[str, ...]
    exact: bool
    message: str
    stop_reason: StopReason
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {
            "kind": "counterfactuals",
            "row": self.row,
            "wanted": self.wanted,
            "output": self.output,
            "value": self.value,
            "items": [item.to_dict() for item in self.items],
            "fixed": list(self.fixed),
            "exact": self.exact,
            "message": self.message,
            "stop_reason": self.stop_reason.value,
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        who = "this row" if self.row is None else f"row {self.row}"
        lines = [
            f"What would have to change for {who}: {self.wanted}",
            f"{self.output} is {number_text(self.value)}",
            "",
        ]
        for at, item in enumerate(self.items, start=1):
            lines.append(f"  {at}. cost {number_text(item.cost, 3)}, {self.output} {number_text(item.value)}")
            width = max(len(change.column) for change in item.changes)
            lines += [
                f"       {change.column:<{width}}  {change.before_text} \u2192 {change.after_text}"
                for change in item.changes
            ]
        lines += ["", f"  {self.message}"] if self.items else [f"  {self.message}"]
        if self.fixed:
            lines.append(f"  Left as they are: {', '.join(self.fixed)}")
        return lines_of(lines)
