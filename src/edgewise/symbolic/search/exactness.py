"""When a search may say that it has found the law itself, and not something that merely looks like it.

A smooth function can be followed to nine digits by a formula that has enough constants to turn, so a small error alone
says little. What tells the two apart is that an approximation is only as good as the rows it was fitted to: its
constants fitted to the inner rows leave a much larger error on the outer ones, while those of the law leave none.
"""

from __future__ import annotations

import math

import numpy as np

from edgewise.symbolic.expressions.parse import from_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import Rows
from edgewise.symbolic.results.formula import Formula

# A held-out error this small beside the spread of y is a law found exactly, not a good fit.
EXACT = 1e-9
# The same of a formula with measured constants on the outer rows, which an approximation misses by more than the others.
_BEYOND = 1e-10
# With more constants than `_few`, only an error at the level of floating point counts.
_FLOATING, _FLOATING_BEYOND = 1e-13, 1e-11
# Rows for each constant that such a formula must have.
_ROWS_EACH = 20
# Rows for each constant, and besides, that the inner half must have.
_INNER_EACH, _INNER_BESIDES = 3, 4


def exactness(rows: Rows) -> float:
    """A held-out error this small is no longer that of a good fit."""
    return max(EXACT * rows.spread, 10 * rows.rounding_error)


def is_law(formula: Formula, rows: Rows) -> bool:
    """Does the formula hold exactly, as far as the data can tell?

    Parameters
    ----------
    formula
        A fitted formula in the columns of `rows`.
    rows
        The data.

    Examples
    --------
    >>> import numpy as np
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> from edgewise.symbolic.search.exactness import is_law
    >>> from edgewise.symbolic.fitting.train_test import Rows
    >>> x = np.random.default_rng(0).uniform(1, 2, (200, 1))
    >>> rows = Rows.split(("x",), x, 3.7 * x[:, 0] ** 2, 0.2, 0)
    >>> is_law(Formula(3.7 * sympy.Symbol("x") ** 2, ("x",), error=1e-15), rows)
    True
    """
    if not formula.error <= exactness(rows):
        return False
    tape = Tape(from_sympy(formula.sympy), rows.names)
    if tape.size == 0:
        return True
    floor = 10 * rows.rounding_error
    if tape.size <= _few(tape.columns):
        return beyond(tape, rows) <= max(_BEYOND * rows.spread, floor)
    enough = _ROWS_EACH * tape.size <= len(rows.y)
    floating = formula.error <= max(_FLOATING * rows.spread, floor)
    return enough and floating and beyond(tape, rows) <= max(_FLOATING_BEYOND * rows.spread, floor)


def _few(columns: tuple[str, ...]) -> int:
    return max(2, len(columns))


def beyond(tape: Tape, rows: Rows) -> float:
    """The error on the outer half of the rows of a formula whose constants are fitted to the inner half.

    Infinite where there are too few rows to tell.
    """
    X, y = (rows.X, rows.y) if rows.short else (np.vstack([rows.X, rows.X_held]), np.r_[rows.y, rows.y_held])
    low, high = X.min(axis=0), X.max(axis=0)
    half = np.where(high > low, (high - low) / 2, 1.0)
    distance = (np.abs(X - (low + high) / 2) / half).max(axis=1)
    order = np.argsort(distance, kind="stable")
    inner, outer = order[: len(y) // 2], order[len(y) // 2 :]
    if len(inner) < _INNER_EACH * tape.size + _INNER_BESIDES:
        return math.inf
    fit = refit(tape.tree, rows.names, X[inner], y[inner])
    fitted = Tape(fit.tree, rows.names)
    with np.errstate(all="ignore"):
        error = float(np.sqrt(np.mean(np.square(fitted.value(fitted.start, X[outer]) - y[outer]))))
    return error if math.isfinite(error) else math.inf
