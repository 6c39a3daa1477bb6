"""How well data determine constants that move rows only by jumps, as c does in step(x - c): slopes are zero there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

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

    found: list[float] = []
    for place in at:

        def rss(step: float, place: int = place) -> float:
            moved = constants.copy()
            moved[place] += step
            residual = (y - tape.value(moved, X)) * root
            with np.errstate(all="ignore"):
                return float(residual @ residual)

        found.append(jump_error(rss, float(constants[place]), allowed))
    return np.array(found)


def jump_error(rss: Callable[[float], float], value: float, allowed: float) -> float:
    """The standard error of a constant, of which `rss` tells the sum of squares after a step away from its value."""
    most = rss(0.0) + allowed

    def within(step: float) -> bool:
        total = rss(step)
        return math.isfinite(total) and total <= most

    def reach(sign: int) -> float:
        # A first step must not vanish, whatever the constant.
        size = max(abs(value), _TINIEST) if value else 1.0
        last = min(_LAST * max(size, 1.0), _LARGEST)
        inside, step = 0.0, _FIRST * size
        while within(sign * step):
            inside, step = step, _GROWTH * step
            if step > last:
                return math.inf
        for _ in range(_HALVINGS):
            middle = (inside + step) / 2
            inside, step = (middle, step) if within(sign * middle) else (inside, middle)
        return inside

    down, up = reach(-1), reach(1)
    known = math.isfinite(down + up) and down + up > 0
    return math.sqrt((down**3 + up**3) / (3 * (down + up))) if known else math.inf
