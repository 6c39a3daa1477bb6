"""The rows of a table that the model sees as most alike: near in contributions, not in raw numbers.

The distance of a row is the length of the vector of contributions, column by column, that leads from the explained row to
it: zero where every difference leaves the output untouched, whatever the raw numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.explaining.paths import Paths, Trace


@dataclass(frozen=True)
class Neighbour:
    """A row like the explained one.

    Attributes
    ----------
    row : int
        Its number in the table.
    distance : float
        In units of the output.
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

    def to_dict(self) -> dict[str, Any]:
        """Plain strings and numbers."""
        return {**vars(self), "differs": list(self.differs)}


def contribution_differences(paths: Paths, table: Trace, here: Trace) -> Floats:
    """Contributions that lead from one row to each row of a table, (n, columns)."""
    return paths.effects(table, here).columns


def nearest(distance: Floats, group: NDArray[np.bool_], most: int) -> list[int]:
    """Places of the nearest rows of a group, nearest first."""
    places = np.flatnonzero(group)
    return places[np.argsort(distance[places], kind="stable")[:most]].tolist()
