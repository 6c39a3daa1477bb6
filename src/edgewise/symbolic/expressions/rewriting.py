"""Canonical formulas: redundant constants merged, logarithms and exponentials cancelled, the shortest writing chosen.

`sympy.simplify` may run for minutes and dislikes floats; these few rules are applied once, from the leaves to the root.
They take what stands under a root or in a logarithm to be positive, as it is wherever the formula has a value.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import sympy

from edgewise.symbolic.costs import TIDIED
from edgewise.symbolic.expressions.complexity import complexity
from edgewise.symbolic.expressions.kinks import larger_or_smaller, leading, product_of_kinks, sum_of_kinks
from edgewise.symbolic.expressions.steps import Mod, applied

# Expanding a larger expression costs more than a reader gains.
_LARGEST = 120
_MOST_TERMS = 60


def simplify_expression(expression: sympy.Expr, positive: Collection[str] = ()) -> sympy.Expr:
    """The shortest of a formula's canonical writings, in bounded time.

    Parameters
    ----------
    expression
        A real formula with integer, rational or float constants.
    positive
        Names of columns that are positive throughout, so that sqrt(x^2) is x.

    Returns
    -------
    sympy.Expr
        Equal to it wherever it has a value and these columns are positive.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import simplify_expression
    >>> x, y = sympy.symbols("x y")
    >>> simplify_expression(sympy.exp(2 * sympy.log(x) - 3 * sympy.log(y)))
    x**2/y**3
    """
    TIDIED(complexity(expression))
    symbols: set[Any] = expression.free_symbols
    signs = {each: sympy.Symbol(each.name, positive=True) for each in symbols if each.name in positive}
    return _shortest(expression.xreplace(signs)).xreplace({new: old for old, new in signs.items()})


def _shortest(expression: Any) -> Any:
    first = tidy(expression)
    found = [first]
    if complexity(first) <= _LARGEST and _terms(first) <= _MOST_TERMS:
        found.append(tidy(sympy.expand_mul(first)))
        found.append(tidy(sympy.expand(first, log=False, power_base=False, power_exp=False)))
        found += [tidy(sympy.factor_terms(each)) for each in found[:2]]
        if first.has(sympy.sin, sympy.cos):
            found.append(tidy(_halved_powers(first)))
    return min(found, key=lambda each: (complexity(each), len(each.atoms(sympy.Float))))


def tidy(expression: Any) -> Any:
    """One pass of the rules, leaves first."""
    if expression.is_Atom:
        return expression
    rebuilt = applied(expression.func, *(tidy(argument) for argument in expression.args))
    if rebuilt.is_Atom:
        return rebuilt
    if isinstance(rebuilt, sympy.exp):
        return _exponential(rebuilt.args[0])
    if isinstance(rebuilt, sympy.log):
        return _logarithm(rebuilt.args[0])
    if isinstance(rebuilt, (sympy.sin, sympy.cos)):
        return _wave(rebuilt)
    if isinstance(rebuilt, sympy.Abs):
        size, rest = leading(rebuilt.args[0])
        return abs(size) * sympy.Abs(rest)
    if isinstance(rebuilt, sympy.Heaviside):
        size, rest = leading(rebuilt.args[0])
        return applied(sympy.Heaviside, sympy.sign(size) * rest, *rebuilt.args[1:])
    if isinstance(rebuilt, (sympy.Max, sympy.Min)):
        return larger_or_smaller(rebuilt)
    if rebuilt.is_Pow and isinstance(rebuilt.base, sympy.Heaviside) and rebuilt.exp.is_positive:
        return rebuilt.base
    if rebuilt.is_Pow and rebuilt.exp.is_number:
        return _power(rebuilt.base, rebuilt.exp)
    if rebuilt.is_Mul or isinstance(rebuilt, Mod):
        return product_of_kinks(_product(rebuilt))
    if rebuilt.is_Add:
        return sum_of_kinks(rebuilt)
    return rebuilt


def _exponential(inner: Any) -> Any:
    """exp(c + k*log(v) + u) = exp(c) * v^k * exp(u)."""
    factors: list[Any] = []
    rest: list[Any] = []
    for term in sympy.Add.make_args(inner):
        coefficient, body = term.as_coeff_Mul()
        if isinstance(body, sympy.log):
            factors.append(_power(body.args[0], coefficient))
        elif term.is_Float and abs(term) < 600:
            factors.append(sympy.Float(math.exp(float(term))))
        else:
            rest.append(term)
    return sympy.Mul(*factors, sympy.exp(sympy.Add(*rest)))


def _logarithm(inner: Any) -> Any:
    """log(c * v^k * exp(u)) = log(c) + k*log(v) + u."""
    size, inner = leading(inner)
    terms: list[Any] = []
    if size.is_Float or size.is_Rational:
        if size < 0:
            size, inner = -size, -inner
        terms.append(sympy.log(size) if size.is_Rational else sympy.Float(math.log(float(size))))
    else:
        inner = size * inner
    rest: list[Any] = []
    factors = sympy.Mul.make_args(inner)
    for factor in factors:
        base, exponent = factor.as_base_exp()
        if isinstance(factor, sympy.exp):
            terms.append(factor.args[0])
        elif factor.is_Pow and exponent.is_number and not _even(exponent):
            # With several factors each may be negative while the product is not.
            terms.append(exponent * sympy.log(base)) if len(factors) == 1 else rest.append(factor)
        else:
            rest.append(factor)
    return sympy.Add(*terms, sympy.log(sympy.Mul(*rest)))


def _power(base: Any, exponent: Any) -> Any:
    """(c*u)^p = c^p * u^p and (v^q)^p = v^(p*q), where that loses no sign."""
    whole = bool(exponent.is_Integer)
    if isinstance(base, sympy.exp):
        return sympy.exp(exponent * base.args[0])
    if base.is_Pow and base.exp.is_number and (whole or not _even(base.exp)):
        return sympy.Pow(base.base, base.exp * exponent)
    size, rest = leading(base)
    if size == 1 or size.is_zero:
        return sympy.Pow(base, exponent)
    if not whole and size < 0:
        size, rest = -size, -rest
    if size.is_Float or size.is_Rational:
        outer = (
            sympy.Pow(size, exponent)
            if whole or size.is_Rational
            else sympy.Float(float(size) ** float(exponent))
        )
        return outer * sympy.Pow(rest, exponent)
    return sympy.Pow(base, exponent)


def _product(product: Any) -> Any:
    """exp(u)*exp(v) = exp(u + v), and sums give up their leading coefficients: (2x + 4)*(3y + 3) = 6*(x + 2)*(y + 1).

    A measured constant takes in the irrational numbers that stand beside it: 0.7071*sqrt(2) is one number.
    """
    numbers: list[Any] = [factor for factor in product.args if product.is_Mul and factor.is_number]
    # The root of what is negative throughout has no real number to take in.
    real = all(number.is_extended_real is not False for number in numbers)
    if real and len(numbers) > 1 and any(number.is_Float for number in numbers):
        rest = [factor for factor in product.args if not factor.is_number]
        product = sympy.Mul(sympy.Float(float(sympy.Mul(*numbers))), *rest)
    exponents: list[Any] = [factor.args[0] for factor in product.args if isinstance(factor, sympy.exp)]
    if len(exponents) > 1:
        others = [factor for factor in product.args if not isinstance(factor, sympy.exp)]
        product = sympy.Mul(*others, sympy.exp(sympy.Add(*exponents)))
    factors = product.args if product.is_Mul else (product,)
    if sum(not factor.is_number for factor in factors) < 2:
        return product
    sizes: list[Any] = []
    rests: list[Any] = []
    for factor in factors:
        size, rest = leading(factor) if factor.is_Add else (sympy.Integer(1), factor)
        sizes.append(size)
        rests.append(rest)
    return sympy.Mul(*sizes, *rests)


def _wave(wave: Any) -> Any:
    """Float phases brought into (-pi/2, pi/2], with the sign outside."""
    inner = wave.args[0]
    constant, rest = inner.as_coeff_Add()
    if not constant.is_Float:
        return wave
    turns = math.floor(float(constant) / math.pi + 0.5)
    phase = float(constant) - turns * math.pi
    sign = -1 if turns % 2 else 1
    return sign * wave.func(rest + sympy.Float(phase)) if turns else wave


def _terms(expression: Any) -> int:
    """How many terms multiplying out would give, at most."""
    if expression.is_Add:
        return sum(_terms(term) for term in expression.args)
    if expression.is_Mul:
        return math.prod(_terms(factor) for factor in expression.args)
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        return int(_terms(expression.base) ** min(int(expression.exp), 8))
    return max([1, *(_terms(argument) for argument in expression.args)])


def _halved_powers(expression: Any) -> Any:
    """sin(u)^2 = (1 - cos(2u))/2, and cos alike."""
    u = sympy.Wild("u")
    half = sympy.Rational(1, 2)
    expression = expression.replace(sympy.sin(u) ** 2, half - sympy.cos(2 * u) / 2)
    return expression.replace(sympy.cos(u) ** 2, half + sympy.cos(2 * u) / 2)


def _even(exponent: Any) -> bool:
    return bool(exponent.is_Integer and exponent % 2 == 0) or bool(
        exponent.is_Float and float(exponent) == round(float(exponent)) and round(float(exponent)) % 2 == 0
    )
