"""Two laws, of which one takes over from the other at a place of a column.

A break that polynomials show (`border_scan`) parts the rows; the formulas of each side that need no long search are put
together, and the rows near the break show to which of the two they belong.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgewise.forms.tree import Node, Number, Variable, apply, substitute
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.border_scan import borders
from edgewise.symbolic.structure.direct_candidates import direct_candidates
from edgewise.symbolic.structure.simple_numbers import simplest
from edgewise.symbolic.structure.stairs import less
from edgewise.symbolic.univariate.search import one_variable

# Rows that formulas of a side are fitted to.
MOST_ROWS = 600
# Share of the column's range beside the break that neither side is fitted to.
_UNSURE_SHARE = 0.03
# Rows of a side at least; work on a curve of it; its formulas that are combined; of two the longer must have an error so
# much smaller.
SIDE_ROWS = 12
_SIDE_WORK = 0.3
_SIDE_FORMULAS = 2
_SIDE_GAIN = 0.8


@proposes("two laws")
def two_laws(rows: SplitRows) -> Iterator[Node]:
    """Pairs of laws, each on its side of a place of one column, where the rows show such a place.

    Parameters
    ----------
    rows
        The table.
    """
    for border in borders(rows, math.inf):
        used = np.flatnonzero(border.weights)
        if border.kind != "floor" and len(used) == 1:
            yield from _joined(rows, int(used[0]), border.place)


@dataclass(frozen=True)
class _Side:
    error: float
    tree: Node


def _joined(rows: SplitRows, at: int, place: float) -> Iterator[Node]:
    """f + (g - f)*step(x - c) for the best formulas of either side."""
    column = rows.X[:, at]
    unsure = _UNSURE_SHARE * float(np.ptp(column))
    sides = [_side(rows, column < place - unsure), _side(rows, column > place + unsure)]
    for f, g in itertools.product(*sides):
        where = _takes_over(rows, at, f.tree, g.tree)
        if where is None:
            continue
        step = apply("step", less(Variable(rows.names[at]), where))
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
            substitute(form.tree, "x", name)
            for form in one_variable(own.X[:, 0], own.y, work=_SIDE_WORK, top=4)
        ]
    thin = own.thinned(MOST_ROWS)
    found = list[_Side]()
    for tree in trees:
        fit = refit(tree, rows.names, thin.X, thin.y)
        error = math.sqrt(fit.rss / len(thin.y)) if math.isfinite(fit.rss) else math.inf
        found.append(_Side(error, fit.tree))
    found.sort(key=lambda side: Tape(side.tree, rows.names).operations)
    floor = 1e-10 * float(np.abs(own.y).max())
    kept = list[_Side]()
    for side in found:
        if not kept or max(side.error, floor) < _SIDE_GAIN * max(kept[-1].error, floor):
            kept.append(side)
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
