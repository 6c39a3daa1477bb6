"""Steps, stairs and teeth of a column, in exact rows.

A stair is s*x + a*floor((x - c)/p) + d: between neighbours its slope is s but where it jumps, and the jumps are equally
high and equally far apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Node, Number, Variable, apply, substitute, summed
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.simple_numbers import number, simplest

# Places that a column needs at least.
_FEWEST_PLACES = 12
# Slopes beside the common one and jumps beside the common height, as shares of the spread; share of the neighbours that
# jumps may part.
_STAIR_ALIKE = 1e-6
_STAIR_SHARE = 0.5


@proposes("stairs")
def stairs(rows: SplitRows) -> Iterator[Node]:
    """A step, stairs or teeth of one column, where y is such a function.

    Parameters
    ----------
    rows
        The table.

    Examples
    --------
    >>> from edgewise.forms.tree import render
    >>> t = np.arange(60.0)[:, None]
    >>> render(next(stairs(SplitRows.split(("t",), t, 2 * np.floor(t[:, 0] / 7), 0.2, 0))))
    '2.0*floor(t*(1/7)) + 0.0'
    """
    for at, name in enumerate(rows.names):
        stair = _stair(rows.X[:, at], rows.y)
        if stair is not None:
            yield substitute(stair, "x", Variable(name))


def _stair(x: Floats, y: Floats) -> Node | None:
    """s*x + a*floor((x - c)/p) + d, or a step where there is one jump; None where y is no such function of x alone."""
    values, first, counts = np.unique(x, return_index=True, return_counts=True)
    if len(values) < _FEWEST_PLACES:
        return None
    heights = y[first]
    spread = float(np.ptp(y))
    alike = _STAIR_ALIKE * spread
    if not 0 < spread < math.inf or ((counts > 1).any() and not _function(x, y, alike)):
        return None
    slopes = np.diff(heights) / np.diff(values)
    slope = float(np.median(slopes))
    left = np.diff(heights) - slope * np.diff(values)
    jumps = np.flatnonzero(np.abs(left) > alike)
    if not len(jumps) or len(jumps) > _STAIR_SHARE * len(left):
        return None
    whole = float(np.min(np.abs(left[jumps])))
    steps = np.rint(left[jumps] / whole)
    if (np.abs(left[jumps] - steps * whole) > alike).any() or (np.sign(steps) != steps[0]).any():
        return None
    slope = 0.0 if abs(slope) * float(np.ptp(values)) <= alike else slope
    height = float(left[jumps].mean())
    line = [slope * Variable("x")] if slope else []
    lows, highs = values[jumps], values[jumps + 1]
    inner = _one_jump(lows, highs) if len(jumps) == 1 else equal_jumps(lows, highs)
    if inner is None:
        return None
    terms = [*line, height * inner]
    tape = Tape(summed(terms), ("x",))
    offset = float(np.mean(heights - tape.value(tape.start, values[:, None])))
    return summed([*terms, Number(offset)])


def _function(x: Floats, y: Floats, alike: float) -> bool:
    """Whether equal x have equal y."""
    order = np.argsort(x, kind="stable")
    same = np.diff(x[order]) == 0
    return bool((np.abs(np.diff(y[order]))[same] <= alike).all())


def _one_jump(lows: Floats, highs: Floats) -> Node:
    return apply("step", less(Variable("x"), simplest(float(lows[0]), float(highs[0]))))


def less(x: Node, place: Fraction) -> Node:
    """x - place, without a zero."""
    if place == 0:
        return x
    return x + (-number(place) if place > 0 else number(-place))


def equal_jumps(lows: Floats, highs: Floats) -> Node | None:
    """floor((x - c)/p) whose k-th jump lies in the k-th interval (low, high]; None where no p does."""
    k = np.arange(len(lows), dtype=np.float64)
    # Any two intervals bound the period.
    first, second = np.triu_indices(len(lows), 1)
    apart = k[second] - k[first]
    shortest = float(np.max((lows[second] - highs[first]) / apart))
    longest = float(np.min((highs[second] - lows[first]) / apart))
    if not shortest < longest:
        return None
    period = simplest(shortest, longest)
    starts = lows - float(period) * k, highs - float(period) * k
    low, high = float(np.max(starts[0])), float(np.min(starts[1]))
    if not low < high:
        return None
    # A start that differs by whole periods only moves the constant term.
    turns = Fraction(math.floor(low / float(period)))
    start = simplest(low - float(turns * period), high - float(turns * period))
    start = Fraction(0) if start == period else start
    return apply("floor", less(Variable("x"), start) * number(1 / period))
