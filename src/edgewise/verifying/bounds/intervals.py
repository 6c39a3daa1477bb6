"""Interval arithmetic on arrays, rounded outward.

Sums, products, quotients and roots are correctly rounded in IEEE arithmetic, so that one step outward encloses them. Where
a formula has no value in part of a box its enclosure is unbounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise._core.work import charge

# Units of work of an operation, and for each interval.
STEP, NUMBER = 4e-5, 4e-8


@dataclass(frozen=True, eq=False)
class Intervals:
    """Closed intervals [low, high] of one shape; ends may be infinite."""

    low: Floats
    high: Floats

    def __add__(self, other: Intervals) -> Intervals:
        return outward(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Intervals) -> Intervals:
        return outward(self.low - other.high, self.high - other.low)

    def __neg__(self) -> Intervals:
        return Intervals(-self.high, -self.low)

    def __mul__(self, other: Intervals) -> Intervals:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        # Zero times an end at infinity is zero: infinity only means that there is no bound.
        products = np.stack([np.where(np.isnan(end), 0.0, end) for end in ends])
        return outward(products.min(0), products.max(0))

    def inverse(self) -> Intervals:
        """1 / x; unbounded where zero is inside."""
        with np.errstate(divide="ignore"):
            made = outward(1.0 / self.high, 1.0 / self.low)
        across = (self.low <= 0) & (self.high >= 0)
        return made.open_where(across)

    def meet(self, other: Intervals) -> Intervals:
        """What two enclosures of the same value leave."""
        return Intervals(np.maximum(self.low, other.low), np.minimum(self.high, other.high))

    def __getitem__(self, where: Any) -> Intervals:
        """Some of them, or with other axes, as of arrays."""
        return Intervals(self.low[where], self.high[where])

    def swapped(self) -> Intervals:
        """With the second and the third axis exchanged."""
        return Intervals(self.low.swapaxes(1, 2), self.high.swapaxes(1, 2))

    def open_where(self, lost: Bools) -> Intervals:
        """Without a bound at some places, where what they enclose may have no value."""
        return Intervals(np.where(lost, -np.inf, self.low), np.where(lost, np.inf, self.high))

    @property
    def unbounded(self) -> Bools:
        """Where there is no bound on either side."""
        return (self.low == -np.inf) & (self.high == np.inf)

    @property
    def least(self) -> Floats:
        """The smallest absolute value inside, negative where zero is."""
        return np.maximum(self.low, -self.high)

    @property
    def size(self) -> Floats:
        """The largest absolute value inside."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def point(x: Floats) -> Intervals:
    """Intervals of one number each."""
    return Intervals(x, x)


def side_by_side(parts: Sequence[Intervals]) -> Intervals:
    """Intervals stacked along a second axis."""
    return Intervals(np.stack([part.low for part in parts], 1), np.stack([part.high for part in parts], 1))


def outward(low: Floats, high: Floats, ulps: int = 1) -> Intervals:
    """A step outward; what is no number has no bound."""
    charge(STEP + NUMBER * np.size(low))
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = (
            np.where(np.isfinite(end), end + side * ulps * np.spacing(np.abs(end)), end)
            for end, side in ((low, -1), (high, 1))
        )
    return Intervals(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))
