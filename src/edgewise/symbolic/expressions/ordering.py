"""In which order terms and factors are written: by degree and by name, as sympy writes them.

Columns come before functions, higher powers before lower ones, numbers stand where their rest would.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from edgewise.forms.functions import FUNCTIONS
from edgewise.symbolic.expressions.algebra import multiply, negated, power
from edgewise.symbolic.expressions.nodes import (
    CONSTANT,
    NOTHING,
    NUMBER,
    ONE,
    SYMBOL,
    Expr,
    base_exponent,
    coefficient,
    is_negative,
    number,
    terms_of,
)
from edgewise.symbolic.expressions.numeric_values import value_of

_NUMBER_KEY = ((1, 0, "Number"), (0, ()), (), 1)


def sort_key(expression: Expr) -> Any:
    """What expressions are sorted by: kind and arguments, then the exponent, then the number in front."""
    if expression.sorted is None:
        expression.sorted = _sort_key(expression)
    return expression.sorted


def _sort_key(expression: Expr) -> Any:
    if expression.head == NUMBER:
        return ((1, 0, "Number"), (0, ()), (), expression.value)
    size, body = coefficient(expression)
    exponent = ONE
    if body.head == "^":
        body, exponent = body.args
    head = body.head
    args: tuple[Any, ...]
    if head in (SYMBOL, CONSTANT, NOTHING, NUMBER):
        args = (str(body.value),)
    elif head == "+":
        args = tuple(sort_key(term) for term in ordered_terms(body))
    elif head == "*":
        args = tuple(sort_key(factor) for factor in ordered_factors(body))
    else:
        args = tuple(sort_key(argument) for argument in body.args)
        if head == "step":
            args = (*args, _NUMBER_KEY)
    return _class(body), (len(args), args), sort_key(exponent), size


def _class(expression: Expr) -> tuple[int, int, str]:
    head = expression.head
    if head == NUMBER:
        return 1, 0, "Number"
    if head == SYMBOL:
        return 2, 0, "Symbol"
    if head in (CONSTANT, NOTHING):
        return 2, 0, "Pi" if expression.value == "pi" else "Exp1"
    if head == "*":
        return 3, 0, "Mul"
    if head == "+":
        return 3, 1, "Add"
    if head == "^":
        return 3, 2, "Pow"
    if head in ("max", "min"):
        return 5, 0, head.capitalize()
    place, name = FUNCTIONS[head].place, FUNCTIONS[head].in_language("sympy")
    return 4, place, name


def ordered_factors(expression: Expr) -> list[Expr]:
    """The factors of a product in the order they are written."""
    if expression.head != "*":
        return [expression]
    return sorted(expression.args, key=sort_key)


def ordered_terms(expression: Expr) -> list[Expr]:
    """The terms of a sum in the order they are written: by their powers of what they are products of."""
    terms = terms_of(expression)
    if len(terms) == 1:
        return list(terms)
    if special := _one_less(terms):
        return special
    rows: list[tuple[Expr, float, dict[Expr, int]]] = []
    generators: dict[Expr, None] = {}
    for term in terms:
        size, body = coefficient(term)
        value, powers = float(size), dict[Expr, int]()
        for factor in () if body is ONE else body.args if body.head == "*" else (body,):
            if factor.numeric:
                value *= value_of(factor)
            else:
                base, exponent = whole_power(factor)
                powers[base] = exponent
                generators[base] = None
        rows.append((term, value, powers))
    order = sorted(generators, key=sort_key)
    rows.sort(key=lambda row: (tuple(-row[2].get(base, 0) for base in order), row[1]))
    return [item for item, _, _ in rows]


def _one_less(terms: tuple[Expr, ...]) -> list[Expr] | None:
    """1 - x starts with the number."""
    if len(terms) != 2:
        return None
    first, second = terms if terms[0].head in (NUMBER, CONSTANT) else terms[::-1]
    if first.head not in (NUMBER, CONSTANT) or second.head != "*" or len(second.args) != 2:
        return None
    positive = first.head == CONSTANT or first.value > 0
    return [first, second] if positive and is_negative(second.args[0]) else None


def whole_power(expression: Expr) -> tuple[Expr, int]:
    """A base and a whole exponent: x^(2/3) is (x^(1/3))^2."""
    base, exponent = base_exponent(expression)
    if exponent.head == NUMBER:
        if type(exponent.value) is float:
            return expression, 1
        exact = Fraction(exponent.value)
        if exact.denominator != 1:
            base = power(base, number(Fraction(1, exact.denominator)))
        return base, exact.numerator
    size, rest = coefficient(exponent)
    if type(size) is float or size == 1:
        return expression, 1
    exact = Fraction(size)
    return power(base, multiply(number(Fraction(1, exact.denominator)), rest)), exact.numerator


def leads_with_minus(expression: Expr) -> bool:
    """Whether a sign can be taken out: of a product its number's, of a sum that of most of its terms."""
    if expression.head == NUMBER:
        return expression.value < 0
    if expression.head == "*":
        return is_negative(expression.args[0])
    if expression.head != "+":
        return False
    minus = sum(leads_with_minus(argument) for argument in expression.args)
    if 2 * minus != len(expression.args):
        return 2 * minus > len(expression.args)
    return sort_key(expression) < sort_key(negated(expression))
