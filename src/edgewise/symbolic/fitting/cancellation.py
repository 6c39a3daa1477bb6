"""Sums whose terms all but cancel: a curve imitated by the difference of two huge numbers.

7.7e7*exp(-1.3e-8*(x - 2)^2) - 7.7e7 is a parabola in disguise, not to be shown, nor 1e-37*(8 - x)^41 for a
decay. Measured constants make such sums; the exact numbers of a law may cancel (1/sqrt(1 - v^2/c^2) - 1 at low speed), and
so may a column that is far from zero and its origin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.expansion import independent
from edgewise.symbolic.expressions.nodes import SYMBOL, Expr, distinct
from edgewise.symbolic.expressions.numeric_values import value_of
from edgewise.symbolic.expressions.writing import values

# Terms cancel that are so many times their sum on more than this share of the rows.
_CANCELLING_TIMES = 1e3
_CANCELLING_SHARE = 0.5
# Laws have no exponents as large.
LARGEST_EXPONENT = 9.0


def cancels(expression: Any, names: tuple[str, ...], X: NDArray[np.float64]) -> bool:
    """Whether measured terms of some sum are a thousand times the sum on most rows.

    Parameters
    ----------
    expression
        A formula.
    names
        Names of the columns of X.
    X
        Rows (n, d).

    Examples
    --------
    >>> from edgewise.symbolic import parse_formula
    >>> X = np.linspace(0, 4, 50)[:, None]
    >>> cancels(parse_formula("7.7e7*exp(-1.3e-8*(x - 2)^2) - 7.7e7", ["x"]), ("x",), X)
    True
    >>> cancels(parse_formula("x^2 - 4.1*x + 4.2", ["x"]), ("x",), X)
    False
    """
    for total in distinct(canonical(expression), "+"):
        measured = [argument for argument in total.args if argument.measured and _bends(argument)]
        if not measured:
            continue
        largest = np.max([np.abs(values(item, names, X)) for item in measured], axis=0)
        with np.errstate(all="ignore"):
            share = float(np.mean(largest > _CANCELLING_TIMES * np.abs(values(total, names, X))))
        if share > _CANCELLING_SHARE:
            return True
    return False


def too_steep(expression: Any) -> bool:
    """Whether a measured power is larger than those of laws: with it, the power of a sum imitates an exponential.

    Parameters
    ----------
    expression
        A formula.

    Examples
    --------
    >>> from edgewise.symbolic import parse_formula
    >>> too_steep(parse_formula("9.9e-38*(8.1 - x)^40.6", ["x"])), too_steep(parse_formula("2.5*x^3.14", ["x"]))
    (True, False)
    """
    return any(
        not base.numeric
        and exponent.numeric
        and exponent.measured
        and abs(value_of(exponent)) > LARGEST_EXPONENT
        for base, exponent in (part.args for part in distinct(canonical(expression), "^"))
    )


def _bends(term: Expr) -> bool:
    """Whether a term is more than a number or a multiple of a column."""
    return not term.numeric and independent(term)[1].head != SYMBOL
