"""Laws of two short parts, found where what is taken off y from outside meets what is built up from the columns.

All short expressions g are laid out with their values on a few rows. From y are taken, one after another, a short factor
or term, up to two functions (through their inverses), and another factor or term; each t that this leaves is looked up
among the g, where t = a g + b for any a and b is one place of a sorted list: (t2 - t0)/(t1 - t0) does not depend on a and b.
So y = f1 * F(f2 * (a g + b)) is found in the time of a look-up for each (f1, F, f2), not for each (f1, F, f2, g). The rows
of the look-up are neighbours, as an inverse such as that of the sine is one function only from one turn to the next.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, apply, inverse
from edgewise.symbolic.costs import EXPRESSION
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.short_expressions import Ints, ShortExpressions, marks, short_expressions
from edgewise.symbolic.structure.state import power, product

# With more columns short expressions do not reach far; fewer rows do not tell formulas apart.
_MOST_COLUMNS = 5
_FEWEST_ROWS = 60
# Expressions of the columns, and targets that are looked up among them: round numbers that take about a second.
_EXPRESSIONS = 100_000
_LOOK_UPS = 3_000_000
# Expressions that are taken off y itself, and those of them after which two functions are undone.
_OUTER_PARTS = 1000
_TWICE_INVERTED = 60
# Rows that a look-up goes by, and rows more by which expressions are told apart.
_LOOK_UP_ROWS = 6
_DISTINCT_ROWS = 6
# Meetings that are looked at on all rows, and formulas that come of it.
_JUDGED = 40
_FORMULAS = 3

Wrap = Callable[[Node], Node]
Bools = NDArray[np.bool_]
# t of (y, f), and y of (f, t).
_PARTS: Sequence[tuple[Callable[[Any, Any], Any], Callable[[Node, Node], Node]]] = (
    (lambda y, f: y / f, product),
    (lambda y, f: y - f, lambda f, t: f + t),
    (lambda y, f: y + f, lambda f, t: t - f),
    (lambda y, f: f / y, lambda f, t: product(f, inverse(t))),
    (lambda y, f: y * f, lambda f, t: product(t, inverse(f))),
)
# The inverse of a function, the function, and whether the inverse wants positive values.
_INVERSES: Sequence[tuple[Callable[[Any], Any], Wrap, bool]] = (
    (np.log, lambda u: apply("exp", u), True),
    (np.sqrt, lambda u: power(u, 2.0), True),
    (np.square, lambda u: apply("sqrt", u), False),
    (np.reciprocal, inverse, False),
    (np.exp, lambda u: apply("log", u), False),
    (np.cbrt, lambda u: power(u, 3.0), False),
    (np.arccos, lambda u: apply("cos", u), False),
    (np.arcsin, lambda u: apply("sin", u), False),
    (np.arctanh, lambda u: apply("tanh", u), False),
    (np.arctan, lambda u: apply("tan", u), False),
    (np.tan, lambda u: apply("atan", u), False),
    (np.sin, lambda u: apply("asin", u), False),
)
# Two numbers are the same, and what is taken off leaves enough of y to be recognised.
_SAME, _SEEN = 1e-9, 1e-4
# Two rows where an expression is this close, as a share of what it varies by, tell nothing.
_CLOSE = 1e-5
_NONE = -1
# Neighbours share so much of each column's rows and are looked for in so many places; y varies there by so much of itself,
# and bends by so much of that.
_NEAR, _PLACES, _FLAT, _BENT = 0.06, 24, 0.003, 0.03


@dataclass(frozen=True, eq=False)
class _Targets:
    """What is left of y on the rows, (rows, count), its price in nodes, (count,), and what was taken off.

    That is, (count, 6): which part and how, two inverses from outside in, and for each whether it had the opposite.
    """

    values: Floats
    sizes: Ints
    taken: Ints

    def where(self, chosen: NDArray[Any]) -> _Targets:
        return _Targets(self.values[:, chosen], self.sizes[chosen], self.taken[chosen])


@dataclass(frozen=True, eq=False)
class _Meeting:
    """A target, a part taken off it, if any, and the expression that it is a multiple of."""

    size: int
    target: int
    how: int
    part: int
    inner: int


@proposes("meeting of short parts")
def meetings(rows: SplitRows, *, expressions: int = _EXPRESSIONS, look_ups: int = _LOOK_UPS) -> list[Node]:
    """Formulas of two short parts that give y on every row, the shortest first.

    Parameters
    ----------
    rows
        The columns and y, without noise.
    expressions, look_ups
        Expressions of the columns, and targets that are looked up among them, at most.
    """
    if not 0 < len(rows.names) <= _MOST_COLUMNS or len(rows.y) < _FEWEST_ROWS:
        return []
    near = neighbours(rows.X, rows.y, _LOOK_UP_ROWS)
    far = np.linspace(0, len(rows.y) - 1, _DISTINCT_ROWS).astype(np.intp)
    with np.errstate(all="ignore"):
        short = short_expressions(rows.X[np.r_[near, far]], rows.names, expressions)
        short = replace(short, values=short.values[: len(near)])
        targets = _targets(rows.y[near], short)
        charge(EXPRESSION * look_ups)
        met = sorted(_met(short, targets, look_ups), key=lambda meeting: meeting.size)[:_JUDGED]
        trees = (_written(meeting, short, targets) for meeting in met)
        return list(itertools.islice((tree for tree in trees if _holds(tree, rows)), _FORMULAS))


def price() -> float:
    """The work of one call of `meetings`, at most."""
    return EXPRESSION * (_EXPRESSIONS + _LOOK_UPS)


def neighbours(X: Floats, y: Floats, count: int) -> Ints:
    """Rows close to one another where y bends, but little, (count,): there no inverse turns back, and every term shows.

    Parameters
    ----------
    X, y
        The rows, (n, d) and (n,).
    count
        How many rows.
    """
    rank = np.argsort(np.argsort(X, axis=0, kind="stable"), axis=0) / len(X)
    some = int(np.clip(len(X) * _NEAR ** X.shape[1], 2 * count + X.shape[1], len(X) // 4))
    best: tuple[float, Ints] | None = None
    for middle in np.linspace(0, len(X) - 1, _PLACES).astype(np.intp):
        near = np.argsort(np.abs(rank - rank[middle]).max(axis=1), kind="stable")[:some]
        table = np.column_stack([np.ones(some), X[near] - X[middle]])
        # Of columns over decades each has its own size.
        table /= np.abs(table).max(axis=0) + 1e-300
        left = y[near] - table @ linear_fit(table, y[near])
        varies = float(np.ptp(y[near]))
        bent = float(np.abs(left).max()) / max(varies, 1e-300) + 1e-12
        off = abs(math.log(bent / _BENT)) + (100.0 if varies < _FLAT * float(y.std()) else 0.0)
        if best is None or off < best[0]:
            best = off, near[np.linspace(0, some - 1, count).astype(np.intp)]
    assert best is not None
    return best[1]


def _targets(y: Floats, short: ShortExpressions) -> _Targets:
    """y, y without a part, and these through the inverses of a function or two; the cheapest first."""
    none = np.full((1, 6), _NONE)
    plain = _joined([_Targets(y[:, None], np.zeros(1, dtype=np.intp), none), *_without(y, short)])
    once = _joined(list(_inverted(plain, 2)))
    twice = _joined(list(_inverted(once.where(once.taken[:, 0] < _TWICE_INVERTED), 3)))
    every = _joined([plain, once, twice])
    return every.where(np.argsort(every.sizes, kind="stable"))


def _without(y: Floats, short: ShortExpressions) -> Iterator[_Targets]:
    parts = short.values[:, :_OUTER_PARTS]
    for how, (off, _) in enumerate(_PARTS):
        left, before = off(y[:, None], parts), np.broadcast_to(y[:, None], parts.shape)
        good = np.flatnonzero(_varies(left) & _seen(left, before))
        taken = np.full((len(good), 6), _NONE)
        taken[:, 0], taken[:, 1] = good, how
        yield _Targets(left[:, good], 1 + short.sizes[good], taken)


def _inverted(targets: _Targets, place: int) -> Iterator[_Targets]:
    values = targets.values
    below = values.max(axis=0) < 0
    for at, (undo, _, positive) in enumerate(_INVERSES):
        minus = below & positive
        left = undo(np.where(minus, -values, values))
        good = np.flatnonzero(_varies(left))
        taken = targets.taken[good]
        taken[:, place], taken[:, place + 2] = at, minus[good]
        yield _Targets(left[:, good], targets.sizes[good] + 1, taken)


def _varies(values: Floats) -> Bools:
    """Where numbers vary by more than rounding."""
    size = np.abs(values).max(axis=0)
    return np.isfinite(size) & (values.max(axis=0) - values.min(axis=0) > 1e-7 * size)


def _seen(left: Floats, before: Floats) -> Bools:
    """Where what is left still tells what was there before, beside something large that was taken off."""
    spread = np.minimum(left.max(axis=0) - left.min(axis=0), np.abs(left).max(axis=0))
    return before.max(axis=0) - before.min(axis=0) > _SEEN * spread


def _joined(parts: Sequence[_Targets]) -> _Targets:
    return _Targets(
        np.hstack([part.values for part in parts]),
        np.concatenate([part.sizes for part in parts]),
        np.vstack([part.taken for part in parts]),
    )


def _met(short: ShortExpressions, targets: _Targets, look_ups: int) -> Iterator[_Meeting]:
    """Every target, less a part or not, that is a multiple of an expression and a constant."""
    keys, good = _keys(short.values)
    kept = np.flatnonzero(good)
    # Of expressions that are multiples of each other the shortest.
    kept = kept[np.sort(np.unique(marks(np.round(keys[:, kept], 8)), return_index=True)[1])]
    order = kept[np.argsort(keys[0, kept], kind="stable")]
    listed = keys[:, order]
    for row, place in _looked_up(targets.values, None, listed):
        inner = int(order[place])
        yield _Meeting(int(targets.sizes[row] + short.sizes[inner]), row, _NONE, _NONE, inner)
    # As many look-ups for parts 1, for 2 and 3, for 4 to 7, ...: the longer a part, the fewer targets lose it.
    count = len(short.sizes)
    most = look_ups // (len(_PARTS) * count.bit_length())
    for start in (2**number for number in range(count.bit_length())):
        parts = np.arange(start - 1, min(2 * start - 1, count))
        few = min(most // start, len(targets.sizes))
        if not few or not len(parts):
            break
        before = np.repeat(targets.values[:, :few], len(parts), axis=1)
        after = np.tile(short.values[:, parts], few)
        for how, (off, _) in enumerate(_PARTS):
            for at, place in _looked_up(off(before, after), before, listed):
                row, part = divmod(at, len(parts))
                inner, part = int(order[place]), int(parts[part])
                size = 1 + int(short.sizes[part] + targets.sizes[row] + short.sizes[inner])
                yield _Meeting(size, row, how, part, inner)


def _looked_up(values: Floats, before: Floats | None, listed: Floats) -> Iterator[tuple[int, int]]:
    """Each target and the places of the list that it agrees with."""
    if not listed.shape[1]:
        return
    keys, good = _keys(values)
    if before is not None:
        good &= _seen(values, before)
    lines = np.flatnonzero(good)
    wanted = keys[0, lines]
    room = _SAME * (1 + np.abs(wanted))
    low = np.searchsorted(listed[0], wanted - room)
    near = np.flatnonzero(listed[0, np.minimum(low, listed.shape[1] - 1)] <= wanted + room)
    high = np.searchsorted(listed[0], (wanted + room)[near], "right")
    for at, end in zip(near, high, strict=True):
        line, places = int(lines[at]), np.arange(low[at], end)
        off = np.abs(listed[1:, places] - keys[1:, line, None])
        for place in places[(off <= 10 * _SAME * (1 + np.abs(keys[1:, line, None]))).all(axis=0)]:
            yield line, int(place)


def _keys(values: Floats) -> tuple[Floats, Bools]:
    """What multiples and constants do not change, (rows - 2, count), and where it can be told."""
    steps = values[1:] - values[0]
    keys = steps[1:] / steps[0]
    spread = steps.max(axis=0) - steps.min(axis=0)
    good = (np.abs(steps[0]) > _CLOSE * spread) & (spread > 1e-7 * np.abs(values[0])) & np.isfinite(spread)
    return keys, good & np.isfinite(keys.sum(axis=0))


def _written(met: _Meeting, short: ShortExpressions, targets: _Targets) -> Node:
    """The formula: its multiple and constant by the rows looked at."""
    target, inner = targets.values[:, met.target], short.values[:, met.inner]
    if met.part != _NONE:
        target = _PARTS[met.how][0](target, short.values[:, met.part])
    middle = inner.mean()
    slope = float((inner - middle) @ (target - target.mean()) / np.square(inner - middle).sum())
    offset = float(target.mean() - slope * middle)
    tree = _linear(slope, short.tree(met.inner), offset, float(np.abs(target).max()))
    if met.part != _NONE:
        tree = _PARTS[met.how][1](short.tree(met.part), tree)
    part, how, *functions = (int(item) for item in targets.taken[met.target])
    for at, opposite in zip(functions[1::-1], functions[:1:-1], strict=True):
        if at != _NONE:
            tree = _INVERSES[at][1](tree)
            tree = -tree if opposite else tree
    return tree if part == _NONE else _PARTS[how][1](short.tree(part), tree)


def _linear(slope: float, tree: Node, offset: float, size: float) -> Node:
    if abs(slope + 1) < 1e-8:
        tree = -tree
    elif abs(slope - 1) >= 1e-8:
        tree = product(Number(slope), tree)
    return tree if abs(offset) < 1e-8 * size else tree + offset


def _holds(tree: Node, rows: SplitRows) -> bool:
    """Whether a formula gives y everywhere, but for the last digits of its constants."""
    tape = Tape(tree, rows.names)
    error = tape.value(tape.start, rows.X) - rows.y
    return math.sqrt(float(np.mean(np.square(error)))) <= 1e-6 * rows.spread
