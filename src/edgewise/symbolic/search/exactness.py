"""When a search may state that it has found the law itself, and not something that merely looks like it.

A law holds on every row within the rounding of its own operations. A smooth function can be followed that closely, too, by
a formula that has enough constants to turn; what distinguishes the two is that an approximation is only as good as the rows
it was fitted to: its constants fitted to the inner rows leave a larger error on the outer ones, while those of the law leave
none. And a formula that imitates, such as tanh(1000 x) for a step, holds a number that might as well be another.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.expressions.algebra import replaced
from edgewise.symbolic.expressions.nodes import Expr, is_exact, number, parts
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.rounding import DIGITS_LOST, FittedFormula, rounded
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.structure.state import EXACT

# What a law may leave, in multiples of what rounding makes of its operations. Over laws of the published tables the
# largest multiple is below one; other ways to write a law round otherwise.
ROUNDED = 50.0
# A number that a law needs shows this relative change of it on some row.
_SHOWN = 1e-3
# Whole numbers and ratios from this size on are not counted among the simple ones, which need not show.
_SIMPLE = 1000
# The error on the outer rows with constants from the inner ones, beside the spread of y: with few constants, and with more.
_BEYOND, _BEYOND_MANY = 1e-10, 1e-11
# Rows for each constant that a formula with more than a few must have.
_ROWS_EACH = 20
# Rows for each constant, and besides, that the inner half must have.
_INNER_EACH, _INNER_BESIDES = 3, 4


def exactness(rows: SplitRows) -> float:
    """A held-out error this small is no longer that of a good fit."""
    return max(EXACT * rows.spread, 10 * rows.rounding_error)


def is_law(formula: Formula, rows: SplitRows) -> bool:
    """Does the formula hold exactly, as far as the data can show?

    Parameters
    ----------
    formula
        A fitted formula in the columns of `rows`.
    rows
        The data.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> x = np.random.default_rng(0).uniform(1, 2, (200, 1))
    >>> rows = SplitRows.split(("x",), x, 3.7 * x[:, 0] ** 2, 0.2, 0)
    >>> is_law(Formula(3.7 * sympy.Symbol("x") ** 2, ("x",), error=1e-15), rows)
    True
    """
    # The error on held-out rows is known already; a look at all rows costs more.
    if not formula.error <= exactness(rows):
        return False
    X, y, _ = rows.everything
    tape = Tape(formula.tree, rows.names)
    return (
        within_rounding(tape, X, y)
        and _determined(formula.expression, rows.names, X)
        and _predicts(tape, rows)
    )


def within_rounding(tape: Tape, X: Floats, y: Floats) -> bool:
    """Whether the formula leaves nothing on any row but what rounding makes of its operations, and of y."""
    room = tape.rounding(tape.start, X) + np.finfo(np.float64).eps * np.abs(y)
    return bool((np.abs(tape.value(tape.start, X) - y) <= ROUNDED * room).all())


def fitted_to_rounding(fitted: FittedFormula, rows: SplitRows) -> FittedFormula:
    """A formula that might be the law, with each row weighted by the inverse square of its rounding error.

    By equal weights the largest values of y decide: of a sum whose second term is seen on small values alone, the constant
    of this term stays as inexact as rounding of the large ones is coarse.

    Parameters
    ----------
    fitted
        A formula whose held-out error is that of rounding, but not on every row.
    rows
        The data.

    Returns
    -------
    FittedFormula
        Within rounding on every row, or `fitted` where no constants are.

    Examples
    --------
    >>> from edgewise.symbolic.fitting.rounding import fit_expression
    >>> import sympy
    >>> X = 10 ** np.random.default_rng(0).uniform([-9, 0], [9, 1], (300, 2))
    >>> rows = SplitRows.split(("x", "z"), X, 3.7 * X[:, 0] + 0.123456789 * X[:, 1], 0.2, 0)
    >>> rough = fit_expression(3.7 * sympy.Symbol("x") + 0.12 * sympy.Symbol("z"), rows)
    >>> [f"{each:.9g}" for each in fitted_to_rounding(rough, rows).fit.constants]
    ['3.7', '0.123456789']
    """
    tape = Tape(fitted.fit.tree, rows.names)
    if tape.size == 0:
        return fitted
    room = tape.rounding(tape.start, rows.X) + np.finfo(np.float64).eps * np.abs(rows.y)
    if not (np.isfinite(room).all() and (room > 0).all()):
        return fitted
    fit = refit(fitted.fit.tree, rows.names, rows.X, rows.y, np.square(room.min() / room))
    X, y, _ = rows.everything
    tape = Tape(fit.tree, rows.names)
    if not within_rounding(tape, X, y):
        return fitted
    short = [
        rounded(value, error / DIGITS_LOST)
        for value, error in zip(fit.constants.tolist(), fit.standard_errors.tolist(), strict=True)
    ]
    tree = tape.with_constants(short)
    if within_rounding(Tape(tree, rows.names), X, y):
        fit = replace(fit, tree=tree, constants=np.array(short))
    return FittedFormula(from_tree(fit.tree, rows.names), fit, rows.held_error(fit))


def _determined(expression: Expr, names: tuple[str, ...], X: Floats) -> bool:
    """Whether the numbers of the formula, but for the simple ones, show: others would leave more than rounding on rows."""
    exact = {part for part in parts(expression) if is_exact(part)}
    long = {value for value in exact if max(abs(value.value.numerator), value.value.denominator) >= _SIMPLE}
    tape = Tape(to_tree(replaced(expression, {item: number(float(item.value)) for item in long})), names)
    if tape.size == 0:
        return True
    _, jacobian = tape.jacobian(tape.start, X)
    room = ROUNDED * tape.rounding(tape.start, X) + np.finfo(np.float64).tiny
    changes = _SHOWN * jacobian * tape.start / room[:, None]
    changes = changes[np.isfinite(changes).all(axis=1)]
    # The direction in which all numbers together show least.
    return len(changes) >= tape.size and float(np.linalg.svd(changes, compute_uv=False)[-1]) > 1.0


def _predicts(tape: Tape, rows: SplitRows) -> bool:
    """Whether constants from the inner rows are right on the outer ones; more constants need more rows."""
    if tape.size == 0:
        return True
    few = tape.size <= max(2, len(tape.columns))
    error = (_BEYOND if few else _BEYOND_MANY) * rows.spread
    enough = few or _ROWS_EACH * tape.size <= len(rows.y)
    return enough and beyond(tape, rows) <= max(error, 10 * rows.rounding_error)


def beyond(tape: Tape, rows: SplitRows) -> float:
    """The error on the outer half of the rows of a formula whose constants are fitted to the inner half.

    Infinite where there are too few rows to judge.
    """
    X, y, _ = rows.everything
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
