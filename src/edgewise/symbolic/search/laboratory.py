"""Experiments with a function that measures without noise: columns are changed while the others are held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.search.coordinates import Coordinates
from edgewise.symbolic.search.measured_rows import MeasuredRows

# Places of each later turn at least.
LEAST_PLACES = 4
# Distance over which slopes are measured, as a share of a column's range; small, since there is no noise then.
_SLOPE_STEP = 2e-8
# Values are equal within this share of the largest of those compared: the rounding of what was done to them.
EQUAL_SHARE = 1e-10
# Share of the largest value by which three must differ where it is asked how they bend.
BENDING_SHARE = 1e-4
# Values of a column that are measured with all others fixed: first so many, then, where no law was found, more.
LEVELS = (7, 12)

# Finds a law of one column that leaves nothing, if it can: values, y and the column's name.
OneColumn = Callable[[Floats, Floats, str], Formula | None]


@dataclass(frozen=True, eq=False)
class Laboratory:
    """Where it can be measured, and what finds the law along one column.

    Parameters
    ----------
    rows : MeasuredRows
    low, high : ndarray, shape (d,)
        Between which values the columns can be set.
    one_column : callable
    """

    rows: MeasuredRows
    low: Floats
    high: Floats
    one_column: OneColumn

    def pair(self) -> tuple[Floats, Floats] | None:
        """Two of the places measured so far that differ in all columns as much as can be."""
        X = self.rows.X / (self.high - self.low)
        if len(X) < 2:
            return None
        least = np.abs(X[:, None] - X[None]).min(2)
        a, b = np.unravel_index(int(least.argmax()), least.shape)
        return (self.rows.X[a], self.rows.X[b]) if least[a, b] > 0 else None

    def levels(self, column: int, place: Floats, count: int) -> Floats:
        """Places along a column, close to both of its ends (Chebyshev's), everything else held."""
        places = np.repeat(place[None], count, axis=0)
        share = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
        places[:, column] = self.low[column] + share * (self.high[column] - self.low[column])
        return places

    def seen(self, view: Coordinates, places: Floats) -> tuple[Floats, Floats] | None:
        """Places in the coordinates, and what is seen there; None where it cannot be measured."""
        y = self.rows.known(places, keep=LEAST_PLACES)
        if y is None:
            return None
        z, seen = view.seen(places, y)
        return (z, seen) if np.isfinite(seen).all() else None

    def slopes(self, view: Coordinates, place: Floats) -> Floats | None:
        """Differences of what is seen over those of the coordinates, close to a place."""
        beside = np.repeat(place[None], 1 + len(view.entries), axis=0)
        for k, one in enumerate(view.entries):
            lead = one.lead
            step = _SLOPE_STEP * (self.high[lead] - self.low[lead])
            inwards = step if place[lead] + step <= self.high[lead] else -step
            beside[k + 1, lead] += inwards
        y = self.rows.known(beside, keep=LEAST_PLACES, searched=False)
        if y is None or not np.isfinite(y).all():
            return None
        z, seen = view.seen(beside, y)
        change = np.diag(z[1:] - z[0])
        if not np.isfinite(seen).all() or (change == 0).any():
            return None
        slopes = (seen[1:] - seen[0]) / change
        slopes[np.abs(seen[1:] - seen[0]) <= 4 * np.finfo(float).eps * abs(seen[0])] = 0.0
        return slopes
