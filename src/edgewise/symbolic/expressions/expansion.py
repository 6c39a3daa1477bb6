"""Formulas multiplied out, and what their terms share taken out of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction
from functools import reduce

from edgewise.symbolic.expressions.algebra import add, fraction, kept, multiply, negated, power, rebuilt
from edgewise.symbolic.expressions.exact_numbers import Value, times
from edgewise.symbolic.expressions.nodes import (
    MINUS,
    ONE,
    Expr,
    coefficient,
    factors_of,
    is_exact,
    is_whole,
    made,
    number,
    terms_of,
)
from edgewise.symbolic.expressions.ordering import whole_power

# Expanding once more what came of expanding ends, as a rule, after two rounds.
_ROUNDS = 6


def expanded(expression: Expr, *, powers: bool = True) -> Expr:
    """Products of sums multiplied out, and whole powers of sums too unless asked otherwise."""
    for _ in range(_ROUNDS):
        before = expression
        expression = _multiplied(_raised(expression) if powers else expression)
        if not powers or expression == before:
            break
    return expression


def _multiplied(expression: Expr) -> Expr:
    """Every product of sums as a sum of products, from the leaves."""
    if expression.atom or "+" not in expression.heads:
        return expression
    expression = rebuilt(expression, [_multiplied(argument) for argument in expression.args])
    return _product(expression) if expression.head == "*" else expression


def _product(expression: Expr) -> Expr:
    above, below = fraction(expression)
    if below.head == "*":
        above = _product(above) if above.head == "*" else above
        expression = multiply(above, power(_product(below), MINUS))
        if expression.head != "*":
            return expression
    sums = [argument for argument in expression.args if argument.head == "+"]
    if not sums:
        return expression
    plain = [argument for argument in expression.args if argument.head != "+"]
    terms = [
        multiply(*plain, *combination) for combination in itertools.product(*(total.args for total in sums))
    ]
    return add(
        *(_product(term) if any(one.head == "+" for one in factors_of(term)) else term for term in terms)
    )


def _raised(expression: Expr) -> Expr:
    """Every whole power of a sum written out, from the leaves."""
    if expression.atom or "^" not in expression.heads:
        return expression
    expression = rebuilt(expression, [_raised(argument) for argument in expression.args])
    if expression.head != "^" or expression.args[0].head != "+" or not is_exact(expression.args[1]):
        return expression
    base, exponent = expression.args[0], Fraction(expression.args[1].value)
    whole, rest = divmod(abs(exponent), 1)
    if whole == 0 or (exponent < 0 and whole == 1 and rest == 0):
        return expression
    total = _power_of_sum(base.args, int(whole))
    if exponent < 0:
        left = power(total, MINUS)
        return multiply(left, power(base, number(-rest))) if rest else left
    if rest:
        return add(*(multiply(term, power(base, number(rest))) for term in terms_of(total)))
    return total


def _power_of_sum(terms: tuple[Expr, ...], exponent: int) -> Expr:
    found: list[Expr] = []
    for composition in compositions(len(terms), exponent):
        count = math.factorial(exponent)
        for part in composition:
            count //= math.factorial(part)
        found.append(
            multiply(
                number(count),
                *(power(one, number(part)) for one, part in zip(terms, composition, strict=True)),
            )
        )
    return add(*found)


def compositions(length: int, total: int) -> Iterable[tuple[int, ...]]:
    """All tuples of so many whole numbers, none negative, with this sum."""
    if length == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in compositions(length - 1, total - first):
            yield (first, *rest)


def factored_terms(expression: Expr) -> Expr:
    """What all terms of a sum share taken out of it, everywhere in a formula: x*y + x*z = x*(y + z)."""
    if expression.atom:
        return expression
    if expression.head not in "+*":
        args = [factored_terms(argument) for argument in expression.args]
        same = all(one is other for one, other in zip(args, expression.args, strict=True))
        return expression if same else made(expression.head, *args)
    content, rest = _content(expression)
    if rest.head == "+":
        terms = [factored_terms(argument) for argument in rest.args]
        if all(coefficient(term)[0] < 0 for term in terms):
            content, terms = -content, [negated(term) for term in terms]
        rest = _shared_out(terms)
    elif rest.head == "*":
        rest = multiply(*(factored_terms(argument) for argument in rest.args))
    elif rest.args:
        rest = made(rest.head, *(factored_terms(argument) for argument in rest.args))
    return kept(content, rest)


def _content(expression: Expr) -> tuple[Value, Expr]:
    """A positive exact number that a formula holds, and the rest."""
    if is_exact(expression):
        return (
            (abs(expression.value), number(1 if expression.value > 0 else -1))
            if expression.value
            else (1, expression)
        )
    if expression.head == "+":
        terms = [kept(*_content(argument)) for argument in expression.args]
        content, total = primitive(terms)
        if isinstance(content, Fraction):
            # Halves stay where some terms have none.
            whole, below = content.numerator, content.denominator
            shares = [multiply(number(Fraction(1, below)), term) for term in terms_of(total)]
            if any(is_whole(number(coefficient(share)[0])) for share in shares):
                return whole, Expr("+", tuple(shares))
        return content, total
    if expression.head == "*":
        content: Value = 1
        found: list[Expr] = []
        for argument in expression.args:
            own, rest = _content(argument)
            content = times(content, own)
            found.append(rest)
        return content, multiply(*found)
    if expression.head == "^" and is_whole(expression.args[1]):
        own, rest = _content(expression.args[0])
        exponent = expression.args[1]
        raised = power(number(own), exponent)
        return raised.value, power(rest, exponent)
    return 1, expression


def primitive(terms: Iterable[Expr]) -> tuple[Value, Expr]:
    """The greatest exact number that goes into the coefficients of all terms, and the sum without it."""
    pairs: list[tuple[Value, Expr]] = []
    for term in terms:
        size, body = coefficient(term)
        pairs.append((1, term) if type(size) is float else (size, body))
    exact = [Fraction(size) for size, _ in pairs]
    above = reduce(math.gcd, (value.numerator for value in exact), 0)
    below = reduce(math.lcm, (value.denominator for value in exact), 1)
    whole = [kept(size, body) for size, body in pairs]
    if above in (0, 1) and below == 1:
        return 1, whole[0] if len(whole) == 1 else Expr("+", tuple(whole))
    content = Fraction(above, below)
    rest = [kept(_plain(value / content), body) for value, (_, body) in zip(exact, pairs, strict=True)]
    return _plain(content), rest[0] if len(rest) == 1 else Expr("+", tuple(rest))


def _plain(value: Fraction) -> Value:
    return value.numerator if value.denominator == 1 else value


def _shared_out(terms: list[Expr]) -> Expr:
    """Powers that all terms have taken out of a sum, and an exact number."""
    rows: list[tuple[Value, dict[Expr, int]]] = []
    for term in terms:
        size, body = coefficient(term)
        powers: dict[Expr, int] = {}
        if type(size) is float:
            # Terms share a measured constant where it is the same number.
            powers[number(abs(size))] = 1
            size = 1 if size > 0 else -1
        for factor in () if body is ONE else factors_of(body):
            base, exponent = whole_power(factor)
            if base.head == "+":
                content, base = primitive(base.args)
                raised = power(number(content), number(exponent))
                size = times(size, raised.value)
            powers[base] = powers.get(base, 0) + exponent
        rows.append((size, powers))
    common: dict[Expr, int] = {}
    for base, exponent in rows[0][1].items():
        others = [powers.get(base, 0) for _, powers in rows]
        least = min(others) if exponent > 0 else -min(-other for other in others)
        if least and all(other * least > 0 for other in others):
            common[base] = least
    left = [
        multiply(
            number(size),
            *(power(base, number(exponent - common.get(base, 0))) for base, exponent in powers.items()),
        )
        for size, powers in rows
    ]
    content, total = primitive(left)
    outside = multiply(*(power(base, number(exponent)) for base, exponent in common.items()))
    return multiply(outside, kept(content, add(*terms_of(total))))


def independent(expression: Expr) -> tuple[Expr, Expr]:
    """Of a product the factors without columns, and those with them."""
    factors = factors_of(expression)
    return (
        multiply(*(factor for factor in factors if factor.numeric)),
        multiply(*(factor for factor in factors if not factor.numeric)),
    )
