"""The nearest function that has a claimed property, built from a trained network by moving its inputs.

If the law has the property, so do values of the law at other points: y(a, b) = y(a, b') + y(a', b) - y(a', b') for a
sum, y(x) = y(x') on a level set, y(x) = y(-x) for an even law. Read off the network at many such points, each row gets
a second prediction that has the property by construction. Where the claim is true it is as good as the network's own;
where it is false it is off by what the law does besides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms import Expression
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.hypotheses.text import Hypothesis

if TYPE_CHECKING:
    from scipy.spatial import KDTree


# Points that each row is compared with, and those on the line that it is made monotone along.
_MATES = 48
_LINE_POINTS = 41
# The network is asked no farther from a row than so many times the distance of the loneliest row from its neighbour.
_LONELY_TIMES = 1.5

Model = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class DataRegion:
    """The rows the network learned from: where it may be asked.

    Parameters
    ----------
    names
        The columns.
    X
        The rows, (n, d).
    """

    names: tuple[str, ...]
    X: Floats

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Which points lie among the rows: not much farther from one than the loneliest row is from its neighbour."""
        reach = _LONELY_TIMES * self._loneliest
        distance = self._tree.query(points / self._scale, distance_upper_bound=reach)[0]
        return np.isfinite(np.asarray(distance, dtype=np.float64))

    @cached_property
    def _scale(self) -> Floats:
        scale = self.X.std(axis=0)
        return np.where(scale > 0, scale, 1.0)

    @cached_property
    def _tree(self) -> KDTree:
        from scipy.spatial import KDTree

        return KDTree(self.X / self._scale)

    @cached_property
    def _loneliest(self) -> float:
        return float(np.max(self._tree.query(self.X / self._scale, k=2)[0][:, 1]))


def nearest(
    hypothesis: Hypothesis, model: Model, region: DataRegion, X: Floats, generator: np.random.Generator
) -> list[Floats]:
    """Predictions with the claimed property at the rows X, one vector a part of the claim.

    Parameters
    ----------
    hypothesis
        The claim.
    model
        The network as a function of rows.
    region
        The rows it was trained on.
    X
        Rows to predict, (n, d).
    generator
        Draws the points to compare with.

    Returns
    -------
    list of ndarray
        Each (n,); nan where the rows have nothing to compare with.
    """
    if hypothesis.kind == "sum":
        return [_added(hypothesis.groups, model, region, X, generator)]
    if hypothesis.kind == "product":
        groups = hypothesis.groups if len(hypothesis.groups) > 2 else hypothesis.groups[:1]
        return [_multiplied(group, model, region, X, generator) for group in groups]
    if hypothesis.kind in ("increasing", "decreasing"):
        return [_ordered(hypothesis.groups[0][0], hypothesis.kind == "increasing", model, region, X)]
    if hypothesis.kind in ("even", "odd"):
        return [
            _mirrored(hypothesis.groups[0][0], 1.0 if hypothesis.kind == "even" else -1.0, model, region, X)
        ]
    return [_moved(hypothesis, model, region, X, generator)]


def _mates(region: DataRegion, X: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Every row as often as it has mates, and beside it rows of the table."""
    others = region.X[generator.integers(len(region.X), size=len(X) * _MATES)]
    return np.repeat(X, _MATES, axis=0), others


def _exchanged(here: Floats, others: Floats, group: tuple[int, ...]) -> Floats:
    """The other rows with one group of columns taken from here."""
    mixed = others.copy()
    mixed[:, list(group)] = here[:, list(group)]
    return mixed


def _added(
    groups: tuple[tuple[int, ...], ...],
    model: Model,
    region: DataRegion,
    X: Floats,
    generator: np.random.Generator,
) -> Floats:
    here, others = _mates(region, X, generator)
    total, good = -(len(groups) - 1) * model(others), np.ones(len(here), dtype=bool)
    for group in groups:
        mixed = _exchanged(here, others, group)
        good &= region.holds(mixed)
        total = total + model(mixed)
    return _middle(total, np.where(good, 1.0, 0.0), len(X))


def _multiplied(
    group: tuple[int, ...], model: Model, region: DataRegion, X: Floats, generator: np.random.Generator
) -> Floats:
    here, others = _mates(region, X, generator)
    rest = tuple(at for at in range(X.shape[1]) if at not in group)
    first, second = _exchanged(here, others, group), _exchanged(here, others, rest)
    good = region.holds(first) & region.holds(second)
    corner = model(others)
    with np.errstate(all="ignore"):
        values = model(first) * model(second) / corner
    # A small divisor carries little information.
    return _middle(values, np.where(good & np.isfinite(values), np.square(corner), 0.0), len(X))


def _moved(
    hypothesis: Hypothesis, model: Model, region: DataRegion, X: Floats, generator: np.random.Generator
) -> Floats:
    """Rows moved along the level sets of the expressions and along the columns that should not count."""
    here, others = _mates(region, X, generator)
    good = np.ones(len(here), dtype=bool)
    low, high = region.X.min(axis=0), region.X.max(axis=0)
    moved = here
    for expression in hypothesis.expressions:
        moved, found = same_level(expression, moved, low, high, region.names, generator)
        good &= found
    moved = _exchanged(others, moved, hypothesis.ignored)
    good &= region.holds(np.where(good[:, None], moved, here))
    return _middle(model(np.where(good[:, None], moved, here)), np.where(good, 1.0, 0.0), len(X))


def _mirrored(column: int, sign: float, model: Model, region: DataRegion, X: Floats) -> Floats:
    mirrored = X.copy()
    mirrored[:, column] *= -1.0
    return np.where(region.holds(mirrored), (model(X) + sign * model(mirrored)) / 2, np.nan)


def _ordered(column: int, increasing: bool, model: Model, region: DataRegion, X: Floats) -> Floats:
    """The network made monotone along one column, by isotonic regression on a line through every row."""
    from sklearn.isotonic import isotonic_regression

    count = _LINE_POINTS
    line = np.linspace(region.X[:, column].min(), region.X[:, column].max(), count)
    points = np.repeat(X, count, axis=0)
    points[:, column] = np.tile(line, len(X))
    values = model(points).reshape(len(X), count)
    weight = np.where(region.holds(points), 1.0, 1e-9).reshape(len(X), count)
    change = np.array(
        [
            np.interp(x, line, isotonic_regression(value, sample_weight=item, increasing=increasing) - value)
            for x, value, item in zip(X[:, column], values, weight, strict=True)
        ]
    )
    return model(X) + change


def _middle(values: Floats, weight: Floats, rows: int) -> Floats:
    """The weighted median over each row's mates: a few points where the network is poor shall not decide."""
    table, weights = values.reshape(rows, -1), weight.reshape(rows, -1)
    order = np.argsort(table, axis=1)
    table, weights = np.take_along_axis(table, order, 1), np.take_along_axis(weights, order, 1)
    total = weights.sum(axis=1)
    running = np.cumsum(weights, axis=1) - weights / 2
    at = np.argmax(running >= total[:, None] / 2, axis=1)
    return np.where(total > 0, table[np.arange(len(table)), at], np.nan)


# Places that are looked through for a point of the same level.
_GRID_PLACES = 65
# How closely it must meet the level: at a pole the sign changes too, and the level is not met.
_MET_SHARE = 1e-6

# Each halves the distance: these end at rounding.
_HALVINGS = 48


def same_level(
    expression: Expression,
    X: Floats,
    low: Floats,
    high: Floats,
    names: Sequence[str],
    generator: np.random.Generator,
) -> tuple[Floats, NDArray[np.bool_]]:
    """A random point of the box for every row, with the same value of the expression.

    Parameters
    ----------
    expression
        Over some of the columns; the others stay as they are.
    X
        Rows, (n, d).
    low, high
        The box, (d,).
    names
        The columns.
    generator
        Draws the points.

    Returns
    -------
    moved, found
        The points (n, d), and where there is one.

    Notes
    -----
    All columns of the expression but one are drawn from the box, and the one left is solved for: signs of the
    difference on a grid, one change of sign at random, then bisection.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> X = np.array([[0.2, 0.5], [0.9, 0.1]])
    >>> moved, found = same_level(
    ...     parse("x - y", ["x", "y"]), X, np.zeros(2), np.ones(2), ["x", "y"], np.random.default_rng(1)
    ... )
    >>> bool(np.allclose((moved[:, 0] - moved[:, 1])[found], (X[:, 0] - X[:, 1])[found]))
    True
    """
    tape = Tape(expression.tree, names)

    def level(points: Floats) -> Floats:
        return np.asarray(tape.value(tape.start, points), dtype=np.float64)

    columns = [list(names).index(name) for name in expression.variables]
    wanted = level(X)
    moved = X.copy()
    for column in columns:
        moved[:, column] = generator.uniform(low[column], high[column], len(X))
    found = np.zeros(len(X), dtype=bool)
    # Each column is solved for in its turn, on its share of the rows.
    turn = generator.integers(len(columns), size=len(X))
    for at, column in enumerate(columns):
        rows = np.flatnonzero(turn == at)
        ends = float(low[column]), float(high[column])
        values, good = _solved(level, moved[rows], column, wanted[rows], ends, generator)
        moved[rows, column] = values
        found[rows] = good
    return moved, found


def _solved(
    level: Callable[[Floats], Floats],
    X: Floats,
    column: int,
    wanted: Floats,
    ends: tuple[float, float],
    generator: np.random.Generator,
) -> tuple[Floats, NDArray[np.bool_]]:
    """The column's value at which the level is the one wanted, where a grid shows that there is one."""
    if not len(X):
        return np.zeros(0), np.zeros(0, dtype=bool)

    def miss(rows: Floats, values: Floats, goal: Floats) -> Floats:
        placed = rows.copy()
        placed[:, column] = values
        return level(placed) - goal

    count = _GRID_PLACES
    grid = np.linspace(*ends, count)
    table = miss(np.repeat(X, count, axis=0), np.tile(grid, len(X)), np.repeat(wanted, count))
    table = table.reshape(len(X), count)
    finite = np.isfinite(table)
    changes = (np.sign(table[:, 1:]) != np.sign(table[:, :-1])) & finite[:, 1:] & finite[:, :-1]
    pick = np.argmax(np.where(changes, generator.random(changes.shape), -1.0), axis=1)
    good = changes.any(axis=1)
    left, right = grid[pick], grid[pick + 1]
    below = table[np.arange(len(X)), pick]
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        value = miss(X, middle, wanted)
        same = np.sign(value) == np.sign(below)
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    solution = (left + right) / 2
    # At a pole the sign changes too, but the level is not met.
    size = _MET_SHARE * (np.abs(wanted) + np.abs(table).max(axis=1, where=finite, initial=0.0) / count)
    with np.errstate(invalid="ignore"):
        good &= np.abs(miss(X, solution, wanted)) <= size
    return solution, good
