"""The shortest writing: redundant constants merged, logarithms and exponentials cancelled, the shortest form chosen.

A few rules are applied once, from the leaves to the root. They take what stands under a root or in a logarithm to be
positive, as it is wherever the formula has a value.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction

from edgewise._core.work import charge
from edgewise.symbolic.costs import NODE
from edgewise.symbolic.expressions.algebra import add, divided, multiply, negated, power, rebuilt, with_signs
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.expansion import expanded, factored_terms
from edgewise.symbolic.expressions.kinks import (
    larger_or_smaller,
    leading,
    product_of_kinks,
    straight_in_steps,
    sum_of_kinks,
)
from edgewise.symbolic.expressions.nodes import (
    HALF,
    MINUS,
    ONE,
    SYMBOL,
    UNDEFINED,
    Expr,
    coefficient,
    factors_of,
    floats,
    is_number,
    is_whole,
    made,
    number,
    terms_of,
)
from edgewise.symbolic.expressions.numeric_values import value_of

# Expanding a larger expression costs more than a reader gains.
_LARGEST = 120
_MOST_TERMS = 60
# A larger exponential is left as it is written.
_LARGEST_EXPONENT = 600


def shortest(expression: Expr, positive: Collection[str] = ()) -> Expr:
    """The shortest of a formula's canonical writings, in bounded time.

    Parameters
    ----------
    expression
        A formula with integer, rational or float constants.
    positive
        Names of columns that are positive throughout, so that sqrt(x^2) is x.

    Returns
    -------
    Expr
        Equal to it wherever it has a value and these columns are positive.
    """
    charge(NODE * node_count(expression))
    return _signed_below(with_signs(_shortest(with_signs(expression, positive)), ()))


def _shortest(expression: Expr) -> Expr:
    first = tidy(expression)
    found = [first]
    if node_count(first) <= _LARGEST and _terms(first) <= _MOST_TERMS:
        found.append(tidy(expanded(first, powers=False)))
        found.append(tidy(expanded(first)))
        found += [tidy(factored_terms(item)) for item in found[:2]]
        if "log" in first.heads:
            found.append(tidy(expanded(_with_scaled_logarithms(first), powers=False)))
        if first.heads & {"sin", "cos"}:
            found.append(tidy(_halved_powers(first)))
        straight = straight_in_steps(first)
        if straight is not first:
            found += [tidy(straight), tidy(expanded(straight))]
    # Of what has a value no writing without one is the shortest.
    return min(
        (item for item in found if item.real == first.real),
        key=lambda item: (node_count(item), len(floats(item)), _columns_in(item)),
    )


def _columns_in(expression: Expr) -> int:
    """How many places of a formula hold a column: (a - b)^2/s^2 is written in fewer than (a/s - b/s)^2."""
    return sum(map(_columns_in, expression.args)) if expression.args else int(expression.head == SYMBOL)


def _with_scaled_logarithms(expression: Expr) -> Expr:
    """log(c*u + 1) = log(c) + log(u + 1/c), which is shorter where another constant takes log(c) in."""
    if expression.atom:
        return expression
    whole = rebuilt(expression, [_with_scaled_logarithms(argument) for argument in expression.args])
    if whole.head != "log" or whole.args[0].head != "+":
        return whole
    size, inner = leading(whole.args[0])
    if type(size) is not float or size <= 0:
        return whole
    return add(number(math.log(size)), made("log", inner))


def tidy(expression: Expr) -> Expr:
    """One pass of the rules, leaves first."""
    if expression.atom:
        return expression
    whole = rebuilt(expression, [tidy(argument) for argument in expression.args])
    if whole.atom:
        return whole
    head, u = whole.head, whole.args[0]
    if head == "exp":
        return _exponential(u)
    if head == "log":
        return _logarithm(u)
    if head in ("sin", "cos"):
        return _wave(whole)
    if head == "abs":
        size, rest = leading(u)
        return multiply(number(abs(size)), made("abs", rest))
    if head == "step":
        size, rest = leading(u)
        return made("step", rest if size > 0 else negated(rest))
    if head in ("max", "min"):
        return larger_or_smaller(whole)
    if head == "^":
        if u.head == "step" and is_number(whole.args[1]) and whole.args[1].value > 0:
            return u
        if u.head == "abs" and is_whole(whole.args[1]) and whole.args[1].value % 2 == 0:
            # Columns are real, whatever symbols may stand for.
            return power(u.args[0], whole.args[1])
        return _power(u, whole.args[1]) if whole.args[1].numeric else whole
    if head in ("*", "mod"):
        return product_of_kinks(_product(whole))
    return sum_of_kinks(_without_cancelling(whole)) if head == "+" else whole


def _without_cancelling(total: Expr) -> Expr:
    """1/tanh(u) - 1 = 2/(exp(2u) - 1), which keeps its digits where u is not small."""
    if total.head != "+" or "tanh" not in total.heads:
        return total
    for term in total.args:
        for factor in factors_of(term):
            if factor.head != "^" or factor.args[0].head != "tanh" or factor.args[1] != MINUS:
                continue
            size, turn = divided(term, factor), factor.args[0].args[0]
            if negated(size) in total.args:
                rest = (argument for argument in total.args if argument not in (term, negated(size)))
                below = add(made("exp", multiply(number(2), turn)), MINUS)
                return add(divided(multiply(number(2), size), below), *rest)
    return total


def _signed_below(expression: Expr) -> Expr:
    """The minus before a fraction taken into a difference below it: 1/(x - 1) for -1/(1 - x)."""
    if expression.atom or not {"*", "^"} <= expression.heads:
        return expression
    whole = rebuilt(expression, [_signed_below(argument) for argument in expression.args])
    if whole.head != "*" or coefficient(whole)[0] >= 0:
        return whole
    for factor in factors_of(whole):
        base, exponent = factor.args if factor.head == "^" else (factor, ONE)
        odd = is_whole(exponent) and exponent.value < 0 and exponent.value % 2
        if odd and base.head == "+" and any(coefficient(argument)[0] < 0 for argument in base.args):
            others = (negated(term) for term in terms_of(base))
            return multiply(MINUS, divided(whole, factor), power(add(*others), exponent))
    return whole


def _exponential(inner: Expr) -> Expr:
    """exp(c + k*log(v) + u) = exp(c) * v^k * exp(u)."""
    factors: list[Expr] = []
    rest: list[Expr] = []
    for term in terms_of(inner):
        size, body = coefficient(term)
        if body.head == "log":
            factors.append(_power(body.args[0], number(size)))
        elif type(term.value) is float and abs(term.value) < _LARGEST_EXPONENT:
            factors.append(number(math.exp(term.value)))
        else:
            rest.append(term)
    return multiply(*factors, made("exp", add(*rest)))


def _logarithm(inner: Expr) -> Expr:
    """log(c * v^k * exp(u)) = log(c) + k*log(v) + u; log(c*u + 1) stays, for log(c) would be a constant more."""
    whole, (size, inner) = inner, leading(inner)
    if whole.head == "+" and ONE in whole.args and type(size) is float:
        return made("log", whole)
    if size == 0:
        return UNDEFINED
    if size < 0:
        size, inner = -size, negated(inner)
    terms = [number(math.log(size)) if type(size) is float else made("log", number(size))]
    rest: list[Expr] = []
    factors = factors_of(inner)
    for factor in factors:
        if factor.head == "exp":
            terms.append(factor.args[0])
        elif (
            factor.head == "^" and factor.args[1].numeric and not _even(factor.args[1]) and len(factors) == 1
        ):
            # With several factors each may be negative while the product is not.
            terms.append(multiply(factor.args[1], made("log", factor.args[0])))
        else:
            rest.append(factor)
    return add(*terms, made("log", multiply(*rest)))


def _power(base: Expr, exponent: Expr) -> Expr:
    """(c*u)^p = c^p * u^p and (v^q)^p = v^(p*q), where that loses no sign."""
    whole = is_whole(exponent)
    if base.head == "exp":
        return made("exp", multiply(exponent, base.args[0]))
    if base.head == "^" and base.args[1].numeric and (whole or not _even(base.args[1])):
        return power(base.args[0], multiply(base.args[1], exponent))
    size, rest = leading(base)
    if size == 0 or (size == 1 and type(size) is not float):
        return power(base, exponent)
    if not whole and size < 0:
        size, rest = -size, negated(rest)
    if not is_number(exponent) and type(size) is float:
        return multiply(number(size ** value_of(exponent)), power(rest, exponent))
    return multiply(power(number(size), exponent), power(rest, exponent))


def _product(product: Expr) -> Expr:
    """exp(u)*exp(v) = exp(u + v), and sums give up their leading coefficients: (2x + 4)*(3y + 3) = 6*(x + 2)*(y + 1).

    A measured constant takes in the irrational numbers that stand beside it: 0.7071*sqrt(2) is one number.
    """
    if product.head != "*":
        return product
    numbers = [argument for argument in product.args if argument.numeric]
    if len(numbers) > 1 and any(type(item.value) is float for item in numbers):
        rest = [argument for argument in product.args if not argument.numeric]
        product = multiply(number(value_of(multiply(*numbers))), *rest)
    exponents = [factor.args[0] for factor in factors_of(product) if factor.head == "exp"]
    if len(exponents) > 1:
        others = [argument for argument in product.args if argument.head != "exp"]
        product = multiply(*others, made("exp", add(*exponents)))
    factors = factors_of(product)
    if sum(not factor.numeric for factor in factors) < 2:
        return product
    found: list[Expr] = []
    for factor in factors:
        size, rest = leading(factor) if factor.head == "+" else (1, factor)
        found += [number(size), rest]
    return multiply(*found)


def _wave(wave: Expr) -> Expr:
    """Float phases brought into (-pi/2, pi/2], with the sign outside."""
    terms = terms_of(wave.args[0])
    constant = next((term.value for term in terms if type(term.value) is float), None)
    if constant is None:
        return wave
    rest = add(*(term for term in terms if type(term.value) is not float))
    turns = math.floor(constant / math.pi + 0.5)
    if not turns:
        return wave
    turned = made(wave.head, add(rest, number(constant - turns * math.pi)))
    return negated(turned) if turns % 2 else turned


def _terms(expression: Expr) -> int:
    """How many terms multiplying out would give, at most."""
    if expression.head == "+":
        return sum(_terms(term) for term in expression.args)
    if expression.head == "*":
        return math.prod(_terms(factor) for factor in expression.args)
    if expression.head == "^" and is_whole(expression.args[1]) and expression.args[1].value > 0:
        return int(_terms(expression.args[0]) ** min(expression.args[1].value, 8))
    return max([1, *(_terms(argument) for argument in expression.args)])


def _halved_powers(expression: Expr) -> Expr:
    """sin(u)^2 = (1 - cos(2u))/2, and cos alike."""
    if not expression.heads & {"sin", "cos"} or expression.atom:
        return expression
    whole = rebuilt(expression, [_halved_powers(argument) for argument in expression.args])
    if whole.head != "^" or whole.args[1] != number(2) or whole.args[0].head not in ("sin", "cos"):
        return whole
    half = multiply(HALF, made("cos", multiply(number(2), whole.args[0].args[0])))
    return add(HALF, negated(half) if whole.args[0].head == "sin" else half)


def _even(exponent: Expr) -> bool:
    value = exponent.value
    if not is_number(exponent) or isinstance(value, Fraction):
        return False
    return value == round(value) and round(value) % 2 == 0
