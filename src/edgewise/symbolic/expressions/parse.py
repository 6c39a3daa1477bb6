"""Between trees and sympy: formulas written in the language of `forms`, and made of its trees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import sympy

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms.functions import CONSTANTS, FUNCTIONS
from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Number, Variable, apply, inverse, ratio, replaced, summed
from edgewise.symbolic.expressions.steps import Mod, larger, smaller, step
from edgewise.symbolic.expressions.writing import over

_TO_SYMPY: dict[str, Any] = {
    name: getattr(sympy, function.in_language("sympy"))
    for name, function in FUNCTIONS.items()
    if hasattr(sympy, function.in_language("sympy"))
} | {"step": step, "max": larger, "min": smaller, "mod": Mod}
_FROM_SYMPY: dict[Any, str] = {function: name for name, function in _TO_SYMPY.items() if name != "sqrt"}
_CHAINS: dict[Any, str] = {sympy.Max: "max", sympy.Min: "min"}
# Other writings of what the language has, in u and v.
_WRITTEN_OTHERWISE: dict[Any, str] = {
    sympy.ceiling: "-floor(-u)",
    sympy.frac: "mod(u, 1)",
    sympy.Mod: "mod(u, v)",
}
# A step by its value at the jump.
_STEPS: dict[float, str] = {1.0: "step(u)", 0.0: "1 - step(-u)", 0.5: "(1 + sign(u))/2"}
_INVERSES: dict[Any, str] = {
    sympy.cot: "tan",
    sympy.sec: "cos",
    sympy.csc: "sin",
    sympy.coth: "tanh",
    sympy.sech: "cosh",
    sympy.csch: "sinh",
}
# Exact powers of more binary digits than floats have exponents for are numbers nobody reads.
_EXACT_BITS = 2048


def without_ones(expression: Any, digits: int) -> Any:
    """An expression without the factors that are one to so many digits."""
    ones = {atom for atom in expression.atoms(sympy.Float) if f"{float(atom):.{digits}g}" == "1"}
    return expression.xreplace({symbol: sympy.Integer(1) for symbol in ones})


def to_sympy(tree: Node, columns: Sequence[str] = ()) -> sympy.Expr:
    """The sympy expression of a tree; constants pi and e are exact unless a column has their name."""
    if isinstance(tree, Number):
        return sympy.Integer(tree.value) if isinstance(tree.value, int) else sympy.Float(tree.value)
    if isinstance(tree, Variable):
        if tree.name not in columns and tree.name in CONSTANTS:
            return sympy.pi if tree.name == "pi" else sympy.E
        return sympy.Symbol(tree.name)
    return applied_to(tree.function, [to_sympy(argument, columns) for argument in tree.arguments])


def applied_to(function: str, arguments: Sequence[Any]) -> sympy.Expr:
    """What an operator or a function of formulas makes of sympy expressions."""
    if function in FUNCTIONS and function not in _TO_SYMPY:
        spelled: Any = to_sympy(read(FUNCTIONS[function].written, ("x",)))
        return spelled.xreplace({sympy.Symbol("x"): arguments[0]})
    if function == "+":
        return sympy.Add(*arguments)
    if function == "*":
        return sympy.Mul(*arguments)
    if function == "^":
        return _raised(*arguments)
    if function == "neg":
        return -arguments[0]
    if function == "inv":
        return 1 / arguments[0]
    return _TO_SYMPY[function](*arguments)


def _raised(base: Any, exponent: Any) -> sympy.Expr:
    """A power; of exact numbers one that sympy writes out only where that stays short: 9^9^9^9 would fill any memory."""
    if not (base.is_Rational and exponent.is_Rational) or max(abs(base.p), base.q) == 1:
        return sympy.Pow(base, exponent)
    if abs(exponent) * max(abs(base.p), base.q).bit_length() <= _EXACT_BITS:
        return sympy.Pow(base, exponent)
    try:
        value: Any = float(base) ** float(exponent)
    except OverflowError:
        value = None
    if not isinstance(value, float):
        raise InputError(
            argument="text",
            expected="have powers of numbers within the range of floats",
            got=short(f"{base}^{exponent}".replace("**", "^"), 60),
        )
    return sympy.Float(value)


def is_real(expression: Any) -> bool:
    """Whether a sympy formula is free of the imaginary unit, infinities and what is not a number."""
    return not expression.has(sympy.I, sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)


def from_sympy(expression: Any, digits: int | None = None) -> Node:
    """The tree of a sympy expression; every float occurrence becomes a constant of its own."""
    if expression.is_Symbol:
        return Variable(expression.name)
    if expression.is_Float:
        return _float(float(expression), digits)
    if expression.is_Rational:
        return ratio(int(expression.p), int(expression.q))
    if expression is sympy.pi:
        return Variable("pi")
    if expression is sympy.E:
        # Written so that no column called e can be meant.
        return apply("exp", 1)
    if expression.is_Add:
        return _sum(expression, digits)
    if expression.is_Mul:
        return _product(expression, digits)
    if expression.is_Pow:
        return _power(expression, digits)
    if expression.func in _INVERSES and len(expression.args) == 1:
        # What sympy makes of tan(u + pi/2) and the like.
        return inverse(apply(_INVERSES[expression.func], from_sympy(expression.args[0], digits)))
    return _function(expression, digits)


def _function(expression: Any, digits: int | None) -> Node:
    function, arguments = expression.func, expression.args
    if function in _CHAINS:
        # Constants last, as people write them; sympy's own order is one of a set.
        ordered = sorted(arguments, key=lambda argument: bool(argument.is_number))
        return reduce(
            lambda left, right: apply(_CHAINS[function], left, right),
            (from_sympy(argument, digits) for argument in ordered),
        )
    if function is sympy.Heaviside:
        known = _STEPS.get(float(arguments[1])) if arguments[1].is_number else None
        arguments = arguments[:1]
    else:
        known = _WRITTEN_OTHERWISE.get(function)
    parts = [from_sympy(argument, digits) for argument in arguments]
    if known is not None:
        return replaced(read(known, ("u", "v")), dict(zip("uv", parts, strict=False)))
    name = _FROM_SYMPY.get(function)
    if name is None or len(parts) != FUNCTIONS[name].arity:
        raise InputError(
            argument="expression",
            expected=f"be made of + - * / ^ and {', '.join(_TO_SYMPY)}",
            got=f"{str(expression)[:60]!r}",
        )
    return Apply(name, tuple(parts))


def _float(value: float, digits: int | None) -> Node:
    if digits is None:
        return Number(value)
    short = float(f"{value:.{digits}g}")
    # For display only: read back, a whole number is exact and no longer a measured constant.
    return Number(int(short) if short.is_integer() and abs(short) < 1e15 else short)


def _sum(expression: Any, digits: int | None) -> Node:
    terms = sorted(expression.as_ordered_terms(), key=lambda term: bool(term.is_number))
    # A sum reads better when it does not start with a minus.
    first = next((at for at, term in enumerate(terms) if not _negative(term)), 0)
    nodes = [from_sympy(terms[first], digits)]
    for term in [*terms[:first], *terms[first + 1 :]]:
        nodes.append(-from_sympy(-term, digits) if _negative(term) else from_sympy(term, digits))
    return summed(nodes)


def _negative(term: Any) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def _product(expression: Any, digits: int | None) -> Node:
    """One fraction, its sign on the first factor: -2.5*x/(3*y)."""
    coefficient, rest = expression.as_coeff_Mul()
    negative = bool(coefficient.is_negative)
    above: list[Node] = []
    below: list[Node] = []
    size = -coefficient if negative else coefficient
    if size.is_Rational and not size.is_Integer:
        above += [Number(int(size.p))] if size.p != 1 else []
        below.append(Number(int(size.q)))
    elif size != 1:
        above.append(from_sympy(size, digits))
    for factor in rest.as_ordered_factors():
        base, exponent = factor.as_base_exp()
        if exponent.is_number and exponent.is_negative and base is not sympy.E:
            below.append(from_sympy(base if exponent == -1 else sympy.Pow(base, -exponent), digits))
        else:
            above.append(from_sympy(factor, digits))
    return over(above, below, negative)


def _power(expression: Any, digits: int | None) -> Node:
    base, exponent = expression.as_base_exp()
    if exponent.is_number and exponent.is_negative:
        return 1 / from_sympy(sympy.Pow(base, -exponent), digits)
    if exponent == sympy.Rational(1, 2):
        return apply("sqrt", from_sympy(base, digits))
    return from_sympy(base, digits) ** from_sympy(exponent, digits)
