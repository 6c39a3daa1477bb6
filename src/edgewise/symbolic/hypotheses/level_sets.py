"""Other points of the same level: the columns of an expression moved together so that its value stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms import Expression
from edgewise.symbolic.expressions.tape import Tape

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
