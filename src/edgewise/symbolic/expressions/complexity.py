"""How much there is to read in a formula: its nodes, constants included."""

from __future__ import annotations

from typing import Any

import sympy

_CURVES = (sympy.sin, sympy.cos, sympy.tan, sympy.sinh, sympy.cosh, sympy.tanh)
_NESTED = 3
_MEASURED = 2


def complexity(expression: Any) -> int:
    """The number of operators, functions, columns and constants.

    A sign costs nothing, and a constant costs one however it is written: 0.5, pi/2 and 3/4 alike. A wave or a hyperbolic
    function of another one costs three more, a measured exponent two: hardly any law is written so, and as approximations
    they come in droves.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import complexity
    >>> x = sympy.Symbol("x")
    >>> complexity(x), complexity(2 * x), complexity(1 / x), complexity(sympy.exp(-x) + sympy.pi / 2)
    (1, 3, 3, 4)
    >>> complexity(sympy.sin(sympy.sqrt(x))), complexity(sympy.sin(sympy.cos(x)))
    (3, 6)
    """
    if expression.is_Atom or expression.is_number:
        return 1
    if expression.is_Add:
        constant, terms = _parted(expression)
        parts = [complexity(term) for term in terms] + ([] if constant == 0 else [1])
        return len(parts) - 1 + sum(parts)
    if expression.is_Mul:
        constant, factors = _parted(expression)
        parts = [_factor(factor) for factor in factors]
        # 1/x alone writes its one; a coefficient of -1 is only a sign.
        written = abs(constant) != 1 or all(_is_inverse(factor) for factor in factors)
        return sum(parts) + len(parts) - 1 + (2 if written else 0)
    if expression.is_Pow and _is_inverse(expression):
        return 2 + _factor(expression)
    if expression.is_Pow:
        return _factor(expression)
    if isinstance(expression, (sympy.Max, sympy.Min)):
        # Of three it is one of two and one more, as a sum is.
        return len(expression.args) - 1 + sum(complexity(argument) for argument in expression.args)
    if isinstance(expression, sympy.Heaviside):
        return 1 + complexity(expression.args[0])
    nested = isinstance(expression, _CURVES) and any(argument.has(*_CURVES) for argument in expression.args)
    return 1 + (_NESTED if nested else 0) + sum(complexity(argument) for argument in expression.args)


def _parted(expression: Any) -> tuple[Any, list[Any]]:
    """The constants of a sum or product joined, and the rest."""
    numbers = [argument for argument in expression.args if argument.is_number]
    rest = [argument for argument in expression.args if not argument.is_number]
    return expression.func(*numbers), rest


def _is_inverse(factor: Any) -> bool:
    return bool(factor.is_Pow and factor.exp.is_number and factor.exp.is_negative)


def _factor(factor: Any) -> int:
    """A factor without the division sign that an inverse shares with its neighbours."""
    if not factor.is_Pow:
        return complexity(factor)
    base, exponent = factor.base, factor.exp
    size = abs(exponent) if exponent.is_number else exponent
    if size == 1:
        return complexity(base)
    root = size == sympy.Rational(1, 2)
    return complexity(base) + 1 + (0 if root else complexity(size)) + (_MEASURED if size.is_Float else 0)
