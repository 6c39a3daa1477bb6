"""Parity: a law that is even or odd in columns of both signs is one of their absolute values.

Columns of both signs have no logarithm, so that a smooth model of a law over decades of them is poor: of the field
I a^2/(a^2 + x^2)^1.5 it misses three quarters where I and x have both signs, half a percent where |y| is seen over |I| and
|x|. Whether y has the sign of a product of columns shows on every row; whether it depends on nothing but their absolute
values is for the smooth models to say.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.chebyshev_surrogate import landscape
from edgewise.symbolic.structure.state import State

# Terms of a quick smooth model, and rows that judge blind steps by it.
QUICK_TERMS = 220
GUESSED_ROWS = 800
# To this share of the error absolute values in place of columns must take it.
_REFLECTED_SHARE = 0.4


@proposes("reflections")
def reflections(state: State) -> Iterator[State]:
    """Tables in absolute values that a smooth model explains much better than the table itself.

    Parameters
    ----------
    state
        The state before any move.

    Yields
    ------
    State
        All columns of both signs by their absolute values, or one of them.

    Examples
    --------
    >>> from edgewise.symbolic.fitting.train_test import SplitRows
    >>> random = np.random.default_rng(0)
    >>> X = 10 ** random.uniform(-2, 2, (500, 2)) * random.choice([-1, 1], (500, 2))
    >>> table = State.table(SplitRows.split(("a", "x"), X, X[:, 0] * X[:, 1] / (1 + X[:, 1] ** 2), 0.2, 0))
    >>> found = next(reflections(table))
    >>> found.reflected, found.odd, table.error > 0.1, found.error < 0.01
    (('a', 'x'), ('a', 'x'), True, True)
    """
    rows = state.rows
    before = _quick_error(rows)
    signs = np.sign(np.vstack([rows.X, rows.X_held]))
    both = [at for at, column in enumerate(signs.T) if column.min() < 0 < column.max()]
    target = np.sign(np.r_[rows.y, rows.y_held])
    for columns in dict.fromkeys([tuple(both), *((at,) for at in both)]):
        odd = _odd(signs, target, columns)
        if columns and odd is not None:
            made = _reflected(state, columns, odd)
            if _quick_error(made.rows) <= _REFLECTED_SHARE * before:
                yield made


def _quick_error(rows: SplitRows) -> float:
    """What a small smooth model leaves, as a share of the spread."""
    thin = rows.thinned(GUESSED_ROWS)
    model = landscape(thin.X, thin.y, most=QUICK_TERMS)
    return 1.0 if model is None else model.error


def _odd(signs: Floats, target: Floats, columns: tuple[int, ...]) -> tuple[int, ...] | None:
    """The columns whose signs, multiplied, are that of the target on every row, up to one sign for all.

    Where there are none, the target may still be even in a single column and keep its sign; for several, None is returned.
    """
    for size in range(min(len(columns), 3) + 1):
        for odd in itertools.combinations(columns, size):
            product = target * signs[:, list(odd)].prod(axis=1)
            if product[0] != 0 and (product == product[0]).all():
                return odd
    return () if len(columns) == 1 else None


def _reflected(state: State, columns: tuple[int, ...], odd: tuple[int, ...]) -> State:
    rows = state.rows

    def folded(X: Floats) -> Floats:
        Z = X.copy()
        Z[:, list(columns)] = np.abs(Z[:, list(columns)])
        return Z

    def unsigned(X: Floats, y: Floats) -> Floats:
        return y * np.sign(X[:, list(odd)]).prod(axis=1)

    return replace(
        state,
        rows=replace(
            rows,
            X=folded(rows.X),
            y=unsigned(rows.X, rows.y),
            X_held=folded(rows.X_held),
            y_held=unsigned(rows.X_held, rows.y_held),
        ),
        reflected=tuple(rows.names[at] for at in columns),
        odd=tuple(rows.names[at] for at in odd),
        story=(*state.story, "reflection"),
    )
