"""What a search over groups of rows found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise.data.row_labels import row_labels
from edgewise.symbolic.groups.branched_formula import BranchedFormula
from edgewise.symbolic.groups.grouped_formula import GroupedFormula
from edgewise.symbolic.provenance import Failure

# Formulas of the table that is printed.
_SHOWN = 6


@dataclass(frozen=True, eq=False)
class GroupedResult:
    """What a search over groups found.

    Attributes
    ----------
    best : GroupedFormula
        A `BranchedFormula` where the words of a column call for different formulas.
    rivals : tuple of the same
        Others, best first.
    message : str
    stop_reason : StopReason
    seconds : float
    broken : tuple of str
        The constraints that `best` breaks in some group: no formula was found that satisfies all.
    contradicted : tuple of str
        The constraints that the rows of groups speak against: formulas that break them are far closer there.
    failures : tuple of Failure
        Parts of the search that failed on these rows and proposed no more: the others went on.
    """

    best: GroupedFormula | BranchedFormula
    rivals: tuple[GroupedFormula | BranchedFormula, ...]
    message: str
    stop_reason: StopReason
    seconds: float
    broken: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        return "\n".join([str(self.best), self.message, *self._table()])

    def _table(self) -> list[str]:
        """The best formula beside its rivals: the error on all rows, and on the worst end or group that was left out."""
        shown = [rival for rival in (self.best, *self.rivals) if isinstance(rival, GroupedFormula)][:_SHOWN]
        if len(shown) < 2 or all(item.outside is None for item in shown):
            return []
        head = f"  {'error':>9}  {'outside':>9}  own  formula"
        return [
            head,
            *(
                f"{'*' if item is self.best else ' '} {item.rmse:>9.3g}  "
                f"{'' if item.outside is None else f'{item.outside.error:.3g}':>9}  "
                f"{len(next(iter(item.own.values()), ())):>3}  {item.text}"
                for item in shown
            ),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        rivals = [rival.to_dict() for rival in self.rivals]
        return {
            **fields(self, "message", "stop_reason", "seconds", "broken", "contradicted"),
            "best": self.best.to_dict(),
            "rivals": rivals,
            "failures": list(map(str, self.failures)),
        }


def group_labels(groups: Any, n: int) -> tuple[list[Any], NDArray[np.int64]]:
    """The distinct groups in the order they come, and the number of each row's."""
    cells = row_labels(groups, n)
    known = {group: at for at, group in enumerate(dict.fromkeys(cells))}
    return list(known), np.array([known[cell] for cell in cells], dtype=np.int64)
