"""Interval arithmetic on arrays, rounded outward.

Sums, products, quotients and roots are correctly rounded in IEEE arithmetic, so that one step outward encloses them. Where
a formula has no value in part of a box its enclosure is unbounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
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
        return Intervals(np.where(across, -np.inf, made.low), np.where(across, np.inf, made.high))

    def meet(self, other: Intervals) -> Intervals:
        """What two enclosures of the same value leave."""
        return Intervals(np.maximum(self.low, other.low), np.minimum(self.high, other.high))

    @property
    def size(self) -> Floats:
        """The largest absolute value inside."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def point(x: Floats) -> Intervals:
    """Intervals of one number each."""
    return Intervals(x, x)


def outward(low: Floats, high: Floats, ulps: int = 1) -> Intervals:
    """A step outward; what is no number has no bound."""
    charge(STEP + NUMBER * np.size(low))
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = (
            np.where(np.isfinite(end), end + side * ulps * np.spacing(np.abs(end)), end)
            for end, side in ((low, -1), (high, 1))
        )
    return Intervals(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))
