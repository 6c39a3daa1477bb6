"""Forms made from sympy expressions."""

from __future__ import annotations

from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms import Form, form_from_text
from edgewise.symbolic.expressions.border import formula_text


def form_from_sympy(expression: Any) -> Form:
    """A form for edges from a sympy expression of one symbol.

    Parameters
    ----------
    expression
        An expression of one symbol, of functions that edgewise knows.

    Returns
    -------
    Form
        Whatever the symbol was called, its text is in x.

    Raises
    ------
    InputError
        Where the expression has no or several symbols, or unknown functions.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import form_from_sympy
    >>> t = sympy.Symbol("t")
    >>> form_from_sympy(t * sympy.exp(-t)).text
    'x*exp(-x)'
    """
    import sympy

    if not isinstance(expression, sympy.Expr):
        raise InputError(argument="expression", expected="be a sympy expression", got=short(expression))
    symbols: list[Any] = sorted(expression.free_symbols, key=str)
    if len(symbols) != 1:
        raise InputError(
            argument="expression",
            expected="hold exactly one symbol",
            got=f"{len(symbols)} in {str(expression)[:60]!r}",
        )
    renamed: Any = expression.xreplace({symbols[0]: sympy.Symbol("x")})
    return form_from_text(formula_text(renamed))
