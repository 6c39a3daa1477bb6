"""Laws with breaks: steps, stairs and teeth of a column, and two laws with the place where one takes over from the other.

A stair is s*x + a*floor((x - c)/p) + d: between neighbours its slope is s but where it jumps, and the jumps are equally
high and equally far apart. Two laws f and g are seen by the fit of two polynomials, which is good where the rows are cut
at the break and bad where they are cut beside it; each side is then searched by itself, and the rows near the break show
to which of the two they belong.

References
----------
Bai and Perron (2003), Computation and analysis of multiple structural change models. doi:10.1002/jae.659
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, Variable, apply, substitute, summed
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.direct_candidates import direct_candidates
from edgewise.symbolic.structure.simple_numbers import number, simplest
from edgewise.symbolic.univariate.search import one_variable

# Columns and rows at most, powers of the column whose break is looked for, places tried at a time.
_MOST_COLUMNS = 4
MOST_ROWS = 600
_DEGREE = 4
_PLACES = 19
# A break must take the error down to this share; cutting this share of the rows beside it must raise it so many times.
_BREAK_GAIN = 0.5
_BESIDE_SHARE = 0.05
_SHARP_TIMES = 2.0
# Share of the column's range beside the break that neither side is fitted to.
_UNSURE_SHARE = 0.03
# Rows of a side at least, as a number and a share; work on a curve of it; its formulas that are combined; of two the longer
# must have an error so much smaller.
SIDE_ROWS = 12
_SIDE_SHARE = 0.05
_SIDE_WORK = 0.3
_SIDE_FORMULAS = 2
_SIDE_GAIN = 0.8
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


@proposes("two laws")
def two_laws(rows: SplitRows) -> Iterator[Node]:
    """Pairs of laws, each on its side of a place of one column, where the rows show such a place.

    Parameters
    ----------
    rows
        The table.
    """
    if len(rows.names) > _MOST_COLUMNS or rows.short:
        return
    for at in range(len(rows.names)):
        place = _break(rows, at)
        if place is not None:
            yield from _joined(rows, at, place)


# ---- stairs


def _stair(x: Floats, y: Floats) -> Node | None:
    """s*x + a*floor((x - c)/p) + d, or a step where there is one jump; None where y is no such function of x alone."""
    values, first, counts = np.unique(x, return_index=True, return_counts=True)
    if len(values) < SIDE_ROWS:
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
    return apply("step", _less(Variable("x"), simplest(float(lows[0]), float(highs[0]))))


def _less(x: Node, place: Fraction) -> Node:
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
    return apply("floor", _less(Variable("x"), start) * number(1 / period))


# ---- two laws


@dataclass(frozen=True)
class _Side:
    error: float
    tree: Node


def _break(rows: SplitRows, at: int) -> float | None:
    """Where two polynomials fit much better than one of as many constants; None where no place stands out."""
    thin = rows.thinned(MOST_ROWS)
    order = np.argsort(thin.X[:, at], kind="stable")
    X, y = thin.X[order], thin.y[order]
    column = X[:, at]
    if len(np.unique(column)) < 4 * SIDE_ROWS:
        return None
    design = _design(X, at, _DEGREE)
    least = max(int(_SIDE_SHARE * len(y)), SIDE_ROWS, design.shape[1] + 2)
    if len(y) < 3 * least:
        return None

    def error(cut: int) -> float:
        return _left_over(design[:cut], y[:cut]) + _left_over(design[cut:], y[cut:])

    whole = _left_over(_design(X, at, 2 * _DEGREE + 1), y)
    low, high, cut, smallest = least, len(y) - least, least, math.inf
    while high - low > 1:
        places = np.unique(np.linspace(low, high, _PLACES).astype(int))
        errors = np.array([error(int(each)) for each in places])
        best = int(errors.argmin())
        cut, smallest = int(places[best]), float(errors[best])
        if len(places) == high - low + 1:
            break
        low, high = int(places[max(best - 1, 0)]), int(places[min(best + 1, len(places) - 1)])
    tiny = 1e-24 * float(y @ y)
    aside = int(_BESIDE_SHARE * len(y))
    beside = [error(each) for each in (cut - aside, cut + aside) if least <= each <= len(y) - least]
    if smallest > _BREAK_GAIN * whole or not beside or min(beside) < _SHARP_TIMES * smallest + tiny:
        return None
    return float((column[cut - 1] + column[cut]) / 2)


def _design(X: Floats, at: int, degree: int) -> Floats:
    """Powers of one column, and the others to the second degree with their products with it."""
    spread = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    powers = [Z[:, at] ** k for k in range(degree + 1)]
    others = [k for k in range(X.shape[1]) if k != at]
    mixed = [
        Z[:, i] * Z[:, j]
        for i, j in itertools.combinations_with_replacement(range(X.shape[1]), 2)
        if (i, j) != (at, at)
    ]
    return np.column_stack([*powers, *(Z[:, k] for k in others), *mixed])


def _left_over(design: Floats, y: Floats) -> float:
    charge(ROUTINE + FACTORED * design.size * design.shape[1])
    q, _ = np.linalg.qr(design)
    left = y - q @ (q.T @ y)
    return float(left @ left)


def _joined(rows: SplitRows, at: int, place: float) -> Iterator[Node]:
    """f + (g - f)*step(x - c) for the best formulas of either side."""
    column = rows.X[:, at]
    unsure = _UNSURE_SHARE * float(np.ptp(column))
    sides = [_side(rows, column < place - unsure), _side(rows, column > place + unsure)]
    for f, g in itertools.product(*sides):
        where = _takes_over(rows, at, f.tree, g.tree)
        if where is None:
            continue
        step = apply("step", _less(Variable(rows.names[at]), where))
        if isinstance(f.tree, Number) and f.tree.value == 0:
            yield g.tree * step
        yield f.tree + (g.tree - f.tree) * step


def _side(rows: SplitRows, chosen: NDArray[np.bool_]) -> list[_Side]:
    """The best formulas for some of the rows, the simplest that comes close to the most accurate first."""
    if chosen.sum() < SIDE_ROWS:
        return []
    own = replace(rows, X=rows.X[chosen], y=rows.y[chosen])
    own = replace(own, X_held=own.X, y_held=own.y)
    trees = [*direct_candidates(own)]
    if len(rows.names) == 1 and len(own.y) >= SIDE_ROWS:
        name = Variable(rows.names[0])
        trees += [
            substitute(each.tree, "x", name)
            for each in one_variable(own.X[:, 0], own.y, work=_SIDE_WORK, top=4)
        ]
    thin = own.thinned(MOST_ROWS)
    found = list[_Side]()
    for tree in trees:
        fit = refit(tree, rows.names, thin.X, thin.y)
        error = math.sqrt(fit.rss / len(thin.y)) if math.isfinite(fit.rss) else math.inf
        found.append(_Side(error, fit.tree))
    found.sort(key=lambda each: Tape(each.tree, rows.names).operations)
    floor = 1e-10 * float(np.abs(own.y).max())
    kept = list[_Side]()
    for each in found:
        if not kept or max(each.error, floor) < _SIDE_GAIN * max(kept[-1].error, floor):
            kept.append(each)
    return kept[::-1][:_SIDE_FORMULAS]


def _takes_over(rows: SplitRows, at: int, f: Node, g: Node) -> Fraction | None:
    """The simplest place from which on g holds, by the rows."""
    order = np.argsort(rows.X[:, at], kind="stable")
    X, y, column = rows.X[order], rows.y[order], rows.X[order, at]
    errors = []
    for tree in (f, g):
        tape = Tape(tree, rows.names)
        errors.append(np.square(tape.value(tape.start, X) - y))
    before, after = np.nan_to_num(errors, nan=1e300, posinf=1e300)
    totals = np.r_[0.0, np.cumsum(before)] + np.r_[np.cumsum(after[::-1])[::-1], 0.0]
    # Rows that both sides fit alike, where two laws meet, leave several places as good as the best.
    best = np.flatnonzero(totals <= totals.min() + 1e-20 * float(y @ y))
    low, high = int(best[0]), int(best[-1])
    if low == 0 or high == len(y) or not column[low - 1] < column[high]:
        return None
    return simplest(float(column[low - 1]), float(column[high]))
