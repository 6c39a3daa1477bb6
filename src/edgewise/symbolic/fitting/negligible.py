"""What rounding hides on the rows: terms that are lost in their sums, and functions that are lines there.

A fit may drive a constant to 1e17 so that what stands beside it no longer counts: (x + 1e17) (y + 1) is a multiple of
y + 1 on any rows, and is better written so. Near zero, sin(x), tanh(x) and their like are x itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewise.symbolic.expressions.algebra import add, replaced
from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.nodes import Expr, distinct, floats
from edgewise.symbolic.expressions.writing import values
from edgewise.symbolic.fitting.train_test import SplitRows

# A term below this share of its sum on every row is lost; it takes constants this large or small to bring it there.
_LOST_SHARE = 1e-13
_EXTREME_SIZE = 1e6
# Rows that are looked at.
_LOOKED_ROWS = 200
# An argument below this on every row: its third power is lost beside itself.
_TINY_ARGUMENT = 1e-8


def without_negligible(expression: Any, rows: SplitRows) -> Expr:
    """The formula without terms and functions that change nothing by more than rounding on the rows.

    Parameters
    ----------
    expression
        A formula in the columns of `rows`.
    rows
        The data.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic.expressions.writing import text
    >>> X = np.random.default_rng(0).uniform(1, 2, (200, 2))
    >>> x, y = sympy.symbols("x y")
    >>> text(without_negligible((x + 1e17) * (y + 1), SplitRows.split(("x", "y"), X, X[:, 1], 0.2, 0)))
    '1e+17*y + 1e+17'
    """
    expression = straightened(expression, rows)
    if not any(item and not 1 / _EXTREME_SIZE < abs(item) < _EXTREME_SIZE for item in floats(expression)):
        return expression
    X = rows.X[:_LOOKED_ROWS]
    # The innermost first: what is lost there may have made up a term of the next.
    for total in sorted(distinct(expression, "+"), key=node_count):
        sizes = [np.abs(values(argument, rows.names, X)) for argument in total.args]
        whole = np.max(sizes, axis=0)
        kept = [
            argument
            for argument, size in zip(total.args, sizes, strict=True)
            if not (size <= _LOST_SHARE * whole).all()
        ]
        if 0 < len(kept) < len(total.args):
            fewer = replaced(expression, {total: add(*kept)})
            return without_negligible(fewer, rows) if fewer.real else expression
    return expression


def straightened(expression: Any, rows: SplitRows) -> Expr:
    """Functions that touch the diagonal at zero as their arguments, where these are tiny on all rows.

    Parameters
    ----------
    expression
        A formula in the columns of `rows`.
    rows
        The data.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic.expressions.writing import text
    >>> X = np.random.default_rng(0).uniform(-1e-9, 1e-9, (200, 1))
    >>> text(straightened(2 * sympy.sin(sympy.Symbol("x")), SplitRows.split(("x",), X, 2 * X[:, 0], 0.2, 0)))
    '2*x'
    """
    expression = canonical(expression)
    alike = distinct(expression, "asin", "asinh", "atan", "atanh", "sin", "sinh", "tan", "tanh")
    X = np.vstack([rows.X, rows.X_held]) if alike else rows.X
    # The innermost first: what it becomes may be the argument of the next.
    for function in sorted(alike, key=lambda item: (node_count(item), str(item))):
        if (np.abs(values(function.args[0], rows.names, X)) <= _TINY_ARGUMENT).all():
            return straightened(replaced(expression, {function: function.args[0]}), rows)
    return expression
