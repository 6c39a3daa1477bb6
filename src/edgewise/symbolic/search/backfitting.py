"""Parts of a formula read anew: each function of one feature, against what the rest of the formula leaves for it.

Where a law is put together of several functions, a search under noise often finds all but one of them and imitates that one,
with a few constants more than it needs. To first order the rows themselves determine what the part would have to be on each
of them (the working response of generalised linear models), and how well: a noisy curve in one feature, which is read as any
other. A feature is a column, a product of powers of columns, or a sum or difference of them.

References
----------
Breiman, Friedman (1985), Estimating optimal transformations for multiple regression and correlation. J. American
Statistical Association 80(391). doi:10.1080/01621459.1985.10478157
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import spent
from edgewise.forms.tree import Apply, Node, Number, Variable, apply, names_in, replaced, summed
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.cancellation import LARGEST_EXPONENT
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.search.shortlist import settled, shortlist
from edgewise.symbolic.structure.curves import curves
from edgewise.symbolic.structure.forward_selection import nodes, selected_sums
from edgewise.symbolic.structure.quotients import quotients
from edgewise.symbolic.structure.state import EXACT, powers

# A part that is read anew has at least so many nodes, and values and slopes on so many rows and on this share of them.
_PART_NODES = 4
_PART_ROWS = 60
_PART_SHARE = 0.9
# Rows that show whether it depends on one feature of its columns, and how far its slopes may be from multiples of each
# other, as a share of them: rounding.
_GLANCE_ROWS = 200
_SAME_SLOPES = 1e-6
# Exponents in that feature have denominators up to the first, and ratios of slopes are no further from them.
_LARGEST_DENOMINATOR = 4
_RATIO_ERROR = 1e-4


@dataclass(frozen=True, eq=False)
class _FeaturePart:
    """A part that depends on one feature, and the formula around it."""

    tree: Node
    feature: Node
    whole: Callable[[Node], Node]


@proposes("backfitting")
def backfitted(formulas: Iterable[Formula], rows: SplitRows, until: float) -> Iterator[Node]:
    """Formulas with one part read anew, the best few of each part.

    Parameters
    ----------
    formulas
        What comes close to the rows.
    rows
        The table.
    until
        The count of work (see `spent`) where it ends.
    """
    seen: set[Node] = set()
    for formula in formulas:
        for part in _parts(formula.tree, rows, lambda new: new):
            if spent() >= until:
                return
            if part.tree in seen or not _worth_reading(part.tree, rows):
                continue
            seen.add(part.tree)
            read = (settled(part.whole(tree), rows, EXACT) for tree in _read(part, rows))
            yield from (tree for _, tree in shortlist([item for item in read if math.isfinite(item[0])]))


def _worth_reading(tree: Node, rows: SplitRows) -> bool:
    """Whether the part holds a measured constant and is more than a multiple of a power."""
    if nodes(tree) < _PART_NODES or not _measured(tree):
        return False
    columns, thin = sorted(set(names_in(tree))), rows.thinned(_GLANCE_ROWS)
    rates = _slopes(tree, columns[:1], thin, scaled=True)[:, 0] / _value(tree, thin)
    return bool(np.ptp(rates) > _SAME_SLOPES * np.abs(rates).max())


def _measured(tree: Node) -> int:
    if isinstance(tree, Number):
        return int(isinstance(tree.value, float))
    return sum(map(_measured, tree.arguments)) if isinstance(tree, Apply) else 0


def _read(part: _FeaturePart, rows: SplitRows) -> Iterator[Node]:
    """Closed forms of the curve that the part would have to be."""
    u, now = _value(part.feature, rows), _value(part.tree, rows)
    tape = Tape(part.whole(part.tree + _MARK), rows.names)
    (at,) = np.flatnonzero(tape.start == _MARK)
    value, slopes = tape.jacobian(tape.start, rows.X)
    slope = slopes[:, at]
    good = np.isfinite(value) & np.isfinite(slope) & np.isfinite(u) & np.isfinite(now) & (slope != 0)
    if good.sum() < max(_PART_ROWS, _PART_SHARE * len(good)) or not np.ptp(u[good]) > 0:
        return
    target = now[good] + (rows.y - value)[good] / slope[good]
    weight = np.abs(slope[good])
    name = Variable("#part")
    curve = SplitRows((name.name,), u[good][:, None], target, u[:0, None], u[:0])
    found = itertools.chain(
        curves(curve, weight), selected_sums(curve, weight=weight), quotients(curve, now[good], weight=weight)
    )
    yield from (replaced(tree, {name.name: part.feature}) for tree in found)


# Nothing beside any number that a formula holds, and different from all of them.
_MARK = 1e-290


def _value(tree: Node, rows: SplitRows) -> Floats:
    tape = Tape(tree, rows.names)
    return np.broadcast_to(tape.value(tape.start, rows.X), len(rows.y))


def _parts(tree: Node, rows: SplitRows, whole: Callable[[Node], Node]) -> Iterator[_FeaturePart]:
    """The largest parts of a formula that depend on one feature; of sums and products those terms that share it."""
    if not isinstance(tree, Apply):
        return
    feature = _feature(tree, rows)
    if feature is not None:
        yield _FeaturePart(tree, feature, whole)
        return
    if tree.function not in ("+", "*"):
        for at, argument in enumerate(tree.arguments):
            yield from _parts(argument, rows, _beside(tree, [at], whole))
        return
    groups: dict[Node, list[int]] = {}
    # A number in a sum may belong to any of its terms.
    numbers = [at for at, argument in enumerate(tree.arguments) if not {*names_in(argument)} & {*rows.names}]
    for at, argument in enumerate(tree.arguments):
        own = _feature(argument, rows)
        if own is None:
            yield from _parts(argument, rows, _beside(tree, [at], whole))
        else:
            groups.setdefault(own, []).append(at)
    for own, terms in groups.items():
        places = [*terms, *numbers] if tree.function == "+" else terms
        chosen = tuple(tree.arguments[at] for at in places)
        part = chosen[0] if len(chosen) == 1 else Apply(tree.function, chosen)
        yield _FeaturePart(part, own, _beside(tree, places, whole))


def _beside(tree: Apply, places: list[int], whole: Callable[[Node], Node]) -> Callable[[Node], Node]:
    """The formula with some arguments of an operator replaced by one."""

    def made(new: Node) -> Node:
        kept = list(tree.arguments)
        kept[places[0]] = new
        return whole(
            Apply(tree.function, tuple(argument for at, argument in enumerate(kept) if at not in places[1:]))
        )

    return made


def _feature(tree: Node, rows: SplitRows) -> Node | None:
    """The one feature of the columns that a part depends on; None where there are several, or none."""
    columns = sorted(set(names_in(tree)) & set(rows.names))
    if len(columns) < 2:
        return Variable(columns[0]) if columns else None
    thin = rows.thinned(_GLANCE_ROWS)
    for scaled in (True, False):
        slopes = _slopes(tree, columns, thin, scaled=scaled)
        size = np.linalg.norm(slopes, axis=0)
        first = int(np.argmin(size))
        if not np.isfinite(size).all() or not size[first] > 0:
            continue
        ratios = slopes.T @ slopes[:, first] / size[first] ** 2
        # The same multiple on all rows.
        missed = np.linalg.norm(slopes - np.outer(slopes[:, first], ratios), axis=0)
        if (missed > _SAME_SLOPES * size).any():
            continue
        simple = [float(Fraction(ratio).limit_denominator(_LARGEST_DENOMINATOR)) for ratio in ratios]
        if (
            not np.allclose(simple, ratios, rtol=0, atol=_RATIO_ERROR)
            or max(map(abs, simple)) > LARGEST_EXPONENT
        ):
            continue
        names = [Variable(name) for name in columns]
        if scaled:
            return powers(names, simple)
        if set(map(abs, simple)) == {1.0}:
            return summed(one if sign > 0 else -one for one, sign in zip(names, simple, strict=True))
    return None


def _slopes(tree: Node, columns: list[str], rows: SplitRows, *, scaled: bool) -> Floats:
    """How the part changes with each column, or with its logarithm."""
    marks = [(1 if scaled else 0) + (at + 1) * (1e-12 if scaled else _MARK) for at in range(len(columns))]
    moved = {
        name: apply("*" if scaled else "+", Variable(name), Number(mark))
        for name, mark in zip(columns, marks, strict=True)
    }
    tape = Tape(replaced(tree, moved), rows.names)
    slopes = tape.jacobian(tape.start, rows.X)[1]
    places = [np.flatnonzero(tape.start == mark) for mark in marks]
    return np.column_stack([slopes[:, at].sum(axis=1) for at in places])
