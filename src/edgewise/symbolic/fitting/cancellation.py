"""Sums whose terms all but cancel: a curve imitated by the difference of two huge numbers.

7.7e7*exp(-1.3e-8*(x - 2)^2) - 7.7e7 is a parabola that nobody should be shown. Measured constants make such sums; the exact
numbers of a law may cancel (1/sqrt(1 - v^2/c^2) - 1 at low speed), and so may a column that is far from zero and its origin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise.symbolic.config import DEFAULT, SearchConfig
from edgewise.symbolic.expressions.parse import from_sympy
from edgewise.symbolic.expressions.tape import Tape


def cancels(
    expression: Any, names: tuple[str, ...], X: NDArray[np.float64], config: SearchConfig = DEFAULT
) -> bool:
    """Whether measured terms of some sum are a thousand times the sum on most rows.

    Parameters
    ----------
    expression
        A sympy formula.
    names
        Names of the columns of X.
    X
        Rows (n, d).
    config
        The thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic.expressions.parse import parse_formula
    >>> X = np.linspace(0, 4, 50)[:, None]
    >>> cancels(parse_formula("7.7e7*exp(-1.3e-8*(x - 2)^2) - 7.7e7", ["x"]), ("x",), X)
    True
    >>> cancels(parse_formula("x^2 - 4.1*x + 4.2", ["x"]), ("x",), X)
    False
    """
    from sympy import Add, Float

    for total in expression.atoms(Add):
        measured = [each for each in total.args if each.has(Float) and _bends(each)]
        if not measured:
            continue
        with np.errstate(all="ignore"):
            largest = np.max([np.abs(_values(each, names, X)) for each in measured], axis=0)
            share = float(np.mean(largest > config.cancelling * np.abs(_values(total, names, X))))
        if share > config.cancelling_share:
            return True
    return False


def _bends(term: Any) -> bool:
    """Whether a term is more than a number or a multiple of a column."""
    rest = term.as_independent(*term.free_symbols)[1] if term.free_symbols else None
    return rest is not None and not rest.is_Symbol


def _values(term: Any, names: tuple[str, ...], X: NDArray[np.float64]) -> NDArray[np.float64]:
    tape = Tape(from_sympy(term), names)
    return np.broadcast_to(tape.value(tape.start, X), len(X))
