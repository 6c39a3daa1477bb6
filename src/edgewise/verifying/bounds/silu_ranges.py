"""Ranges of silu(x) = x / (1 + e^-x) and of its first two derivatives over intervals.

Each is monotone between the few places where it turns, so that its range over an interval is that of its ends and of the
places inside. Far out all three are a hair from 0, x or 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from edgewise._core.arrays import Floats
from edgewise.verifying.bounds.exact import silu, silu_slope
from edgewise.verifying.bounds.intervals import Intervals, outward

# Where silu, its slope and its second derivative turn, to within NEAR; they are flat there to twice as many digits.
TURNS = (
    (-1.2784645427610738,),
    (-2.399357280515468, 2.399357280515468),
    (-3.4358158992166136, 0.0, 3.4358158992166136),
)
NEAR = 1e-7
# Errors of the formulas in floats: of the value, and of the largest of its terms. silu itself is one product, which may
# become zero where it should be tiny.
_ULPS, _HAIR, _TINY = 32, 1e-14, 1e-300


def _bend(x: Floats) -> Floats:
    """Second derivative."""
    s = expit(x)
    return s * (1 - s) * (2 + x * (1 - 2 * s))


_KINDS: tuple[Callable[[Floats], Floats], ...] = (silu, silu_slope, _bend)


def silu_ranges(x: Intervals, order: int = 0) -> Intervals:
    """Enclosures of silu over intervals, or of its first or second derivative.

    Parameters
    ----------
    x : Intervals
    order : int
        0, 1 or 2.
    """
    kind = _KINDS[order]
    ends = [kind(x.low), kind(x.high)]
    for turn in TURNS[order]:
        inside = (x.low <= turn + NEAR) & (turn - NEAR <= x.high)
        ends.append(np.where(inside, kind(np.full_like(x.low, turn)), ends[0]))
    both = np.stack(ends)
    low, high = both.min(0), both.max(0)
    hair = _HAIR if order else _TINY
    return outward(low - hair, high + hair, _ULPS)
