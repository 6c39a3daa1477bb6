"""How much there is to read in a formula: its nodes, constants included."""

from __future__ import annotations

from collections.abc import Mapping

from edgewise.symbolic.expressions.algebra import negated, rebuilt
from edgewise.symbolic.expressions.nodes import HALF, MINUS, NUMBER, ONE, Expr, is_negative, is_whole
from edgewise.symbolic.expressions.numeric_values import value_of

_CURVES = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh"})
_NESTED = 3
_MEASURED = 2


def node_count(expression: Expr) -> int:
    """The number of operators, functions, columns and constants.

    A sign costs nothing, and a constant costs one however it is written: 0.5, pi/2 and 3/4 alike. Factors under roots of
    one degree count as under one root: sqrt(x)*sqrt(y) as sqrt(x*y). A wave or a hyperbolic function of another one costs
    three more, a measured exponent two: hardly any law is written so, and as approximations they come in droves.
    """
    if expression.sized is None:
        expression.sized = _counted(expression)
    return expression.sized


def surcharge(expression: Expr, costs: Mapping[str, int]) -> int:
    """Nodes that functions count beside the one that each is; broken powers are roots, columns above make exponentials.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic.expressions.border import canonical
    >>> x = sympy.Symbol("x")
    >>> surcharge(canonical(sympy.sin(x) + sympy.sqrt(x)), {"sin": 3, "sqrt": 2, "exp": 9})
    3
    """
    if not costs or not expression.args:
        return 0
    function = expression.head
    if function == "^":
        exponent = expression.args[1]
        function = "exp" if not exponent.numeric else "" if root_of(expression) is None else "sqrt"
    own = costs.get(function, 1) - 1
    return own + sum(surcharge(argument, costs) for argument in expression.args)


def _counted(expression: Expr) -> int:
    if expression.atom or expression.numeric:
        return 1
    if expression.head == "+":
        constant, terms = _parted(expression)
        sizes = [node_count(term) for term in terms] + ([] if constant is None else [1])
        return len(sizes) - 1 + sum(sizes)
    if expression.head == "*":
        constant, factors = _parted(expression)
        sizes = [_factor(factor) for factor in factors]
        # 1/x alone writes its one; a coefficient of -1 is only a sign.
        unit = constant is None or constant in (ONE, MINUS)
        written = not unit or all(_is_inverse(factor) for factor in factors)
        roots = [factor for factor in map(root_of, factors) if factor is not None]
        shared = sum(map(_exponent, roots)) - sum(map(_exponent, dict.fromkeys(roots)))
        return sum(sizes) - shared + len(sizes) - 1 + (2 if written else 0)
    if expression.head == "^":
        return (2 if _is_inverse(expression) else 0) + _factor(expression)
    sizes = [node_count(argument) for argument in expression.args]
    if expression.head in ("max", "min"):
        # Of three it is one of two and one more, as a sum is.
        return len(sizes) - 1 + sum(sizes)
    nested = expression.head in _CURVES and any(argument.heads & _CURVES for argument in expression.args)
    return 1 + (_NESTED if nested else 0) + sum(sizes)


def root_of(factor: Expr) -> Expr | None:
    """The size of the exponent of a root or another power that is no whole number, above or below a line."""
    if factor.head != "^" or not factor.args[1].numeric:
        return None
    size = _size(factor.args[1])
    return None if is_whole(size) else size


def _parted(expression: Expr) -> tuple[Expr | None, list[Expr]]:
    """The constants of a sum or product joined, if there are any, and the rest."""
    numbers = [argument for argument in expression.args if argument.numeric]
    rest = [argument for argument in expression.args if not argument.numeric]
    return rebuilt(expression, numbers) if numbers else None, rest


def _is_inverse(factor: Expr) -> bool:
    return factor.head == "^" and _is_minus(factor.args[1])


def _is_minus(exponent: Expr) -> bool:
    return is_negative(exponent) or (exponent.numeric and exponent.head != NUMBER and value_of(exponent) < 0)


def _factor(factor: Expr) -> int:
    """A factor without the division sign that an inverse shares with its neighbours."""
    if factor.head != "^":
        return node_count(factor)
    base, exponent = factor.args
    size = _size(exponent)
    return node_count(base) + (0 if size is ONE else _exponent(size))


def _size(exponent: Expr) -> Expr:
    return negated(exponent) if _is_minus(exponent) else exponent


def _exponent(size: Expr) -> int:
    """A root is one node, another power two and what its exponent holds."""
    return 1 + (0 if size == HALF else node_count(size)) + (_MEASURED if type(size.value) is float else 0)
