"""How well data determine constants that move rows only by jumps, as c does in step(x - c): slopes are zero there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.expressions.tape import Tape

# The first step from a constant in its own size, how steps grow, and the last; halvings between two of different outcome.
_FIRST, _GROWTH, _LAST, _HALVINGS = 1e-15, 8.0, 1e15, 40
_LARGEST = float(np.finfo(np.float64).max) / _GROWTH
_TINIEST = float(np.finfo(np.float64).tiny) / _FIRST


def jump_errors(
    tape: Tape, constants: Floats, at: Sequence[int], X: Floats, y: Floats, root: Floats, allowed: float
) -> Floats:
    """Standard errors of some constants, each spread evenly over the values that the rows cannot distinguish from its own.

    Parameters
    ----------
    tape
        The formula.
    constants
        All its constants.
    at
        Which are asked about.
    X, y, root
        The data, and the roots of the rows' weights.
    allowed
        How much the weighted residual sum of squares may grow.

    Returns
    -------
    array of shape (len(at),)
        Infinite where a constant may go any way.
    """

    def rss(place: int, step: float) -> float:
        moved = constants.copy()
        moved[place] += step
        residual = (y - tape.value(moved, X)) * root
        with np.errstate(all="ignore"):
            total = float(residual @ residual)
        return total if math.isfinite(total) else math.inf

    def reach(place: int, sign: int) -> float:
        # A first step must not vanish, whatever the constant.
        size = max(abs(float(constants[place])), _TINIEST) if constants[place] else 1.0
        most, last = rss(place, 0.0) + allowed, min(_LAST * max(size, 1.0), _LARGEST)
        inside, step = 0.0, _FIRST * size
        while rss(place, sign * step) <= most:
            inside, step = step, _GROWTH * step
            if step > last:
                return math.inf
        for _ in range(_HALVINGS):
            middle = (inside + step) / 2
            inside, step = (middle, step) if rss(place, sign * middle) <= most else (inside, middle)
        return inside

    found: list[float] = []
    for place in at:
        down, up = reach(place, -1), reach(place, 1)
        known = math.isfinite(down + up) and down + up > 0
        found.append(math.sqrt((down**3 + up**3) / (3 * (down + up))) if known else math.inf)
    return np.array(found)
