"""Formulas in canonical form: like terms and powers of one base collected, numbers folded, signs and exponents in place.

One class of immutable expressions. Integers and fractions are exact, floats are measured constants and make whatever they
meet a float; nothing is expanded or cancelled that a reader did not write so. What has no real value is `UNDEFINED`, and so
is everything made of it. Symbols stand for real columns, of which some are known to be positive.

Sums and products keep their arguments in the order they came in and are equal to those in any other order; how they are
written is decided by `writing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction

from edgewise.symbolic.expressions.exact_numbers import Value, plus, radicals, times
from edgewise.symbolic.expressions.nodes import (
    CONSTANT,
    CONSTRUCTORS,
    MINUS,
    NOTHING,
    NUMBER,
    ONE,
    SYMBOL,
    UNDEFINED,
    ZERO,
    E,
    Expr,
    base_exponent,
    coefficient,
    distinct,
    factors_of,
    is_negative,
    is_whole,
    made,
    number,
    symbol,
)


def replaced(expression: Expr, new: Mapping[Expr, Expr]) -> Expr:
    """The expression with some of its parts replaced, all at once."""
    if expression in new:
        return new[expression]
    if not expression.args:
        return expression
    args = [replaced(argument, new) for argument in expression.args]
    if all(one is other for one, other in zip(args, expression.args, strict=True)):
        return expression
    return rebuilt(expression, args)


def rebuilt(expression: Expr, args: Iterable[Expr]) -> Expr:
    """The operator or function of an expression applied to other arguments."""
    return made(expression.head, *args)


def negated(expression: Expr) -> Expr:
    """Minus an expression."""
    return multiply(MINUS, expression)


def divided(above: Expr, below: Expr) -> Expr:
    """A quotient."""
    return multiply(above, power(below, MINUS))


def fraction(expression: Expr) -> tuple[Expr, Expr]:
    """What stands above and below the line."""
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in factors_of(expression):
        if factor.head == "^" and is_negative(factor.args[1]):
            below.append(power(factor, MINUS))
        elif isinstance(factor.value, Fraction):
            above.append(number(factor.value.numerator))
            below.append(number(factor.value.denominator))
        else:
            above.append(factor)
    return multiply(*above), multiply(*below)


def _apart(
    parts: Iterable[Expr], head: str, total: Value, joined: Callable[[Value, Value], Value]
) -> tuple[Value, list[Expr]] | None:
    """The numbers among the parts of a sum or product joined to one, and the other parts; None where one has no value."""
    others: list[Expr] = []
    waiting = list(parts)
    for part in waiting:
        if part.head == NUMBER:
            total = joined(total, part.value)
        elif part.head == head:
            waiting.extend(part.args)
        elif part.head == NOTHING:
            return None
        else:
            others.append(part)
    return total, others


def add(*terms: Expr) -> Expr:
    """A sum, like terms collected."""
    apart = _apart(terms, "+", 0, plus)
    if apart is None:
        return UNDEFINED
    total, others = apart
    sizes: dict[Expr, Value] = {}
    for other in others:
        size, body = coefficient(other)
        sizes[body] = plus(sizes[body], size) if body in sizes else size
    found = [_times(size, body) for body, size in sizes.items() if size != 0]
    if total != 0:
        found.insert(0, number(total))
    if UNDEFINED in found:
        return UNDEFINED
    return ZERO if not found else found[0] if len(found) == 1 else Expr("+", tuple(found))


def _times(size: Value, body: Expr) -> Expr:
    """A number before an expression that has none, left before a sum."""
    if size == 1 and type(size) is not float:
        return body
    if body.head in ("*", "+") and math.isfinite(size):
        return Expr("*", (number(size), *(body.args if body.head == "*" else (body,))))
    return multiply(number(size), body)


def kept(size: Value, body: Expr) -> Expr:
    """A number before an expression, left before a sum: 2*(x + y) is not written out."""
    if body.head == NUMBER:
        return number(times(size, body.value))
    own, rest = coefficient(body)
    return _times(times(size, own), rest)


def multiply(*factors: Expr) -> Expr:
    """A product, powers of one base collected; a number before a sum alone goes into it."""
    apart = _apart(factors, "*", 1, times)
    if apart is None:
        return UNDEFINED
    size, others = apart
    exponents: dict[Expr, dict[Expr, Value]] = {}
    roots: dict[Value, Value] = {}
    for other in others:
        base, exponent = base_exponent(other)
        own, rest = coefficient(exponent)
        if base.head == NUMBER and rest is ONE:
            roots[base.value] = plus(roots.get(base.value, 0), own)
        else:
            known = exponents.setdefault(base, {})
            known[rest] = plus(known[rest], own) if rest in known else own
    if size == 0:
        return ZERO
    found: list[Expr] = []
    again = False
    for base, known in exponents.items():
        for rest, own in known.items():
            if own != 0:
                made_ = power(base, kept(own, rest))
                again = again or made_.head in ("*", NUMBER, NOTHING)
                found.append(made_)
    if again:
        return multiply(number(size), *(power(number(b), number(e)) for b, e in roots.items()), *found)
    if roots:
        whole, left = radicals(roots)
        size = times(size, whole)
        found = [*(Expr("^", (number(bottom), number(rest))) for bottom, rest in left), *found]
    if not found:
        return number(size)
    if size == 1 and type(size) is not float:
        return found[0] if len(found) == 1 else Expr("*", tuple(found))
    if len(found) == 1 and found[0].head == "+":
        return add(*(multiply(number(size), argument) for argument in found[0].args))
    first = number(size)
    return UNDEFINED if first is UNDEFINED else Expr("*", (first, *found))


def power(base: Expr, exponent: Expr) -> Expr:
    """A power; (v^p)^q = v^(p q) and (u v)^p = u^p v^p where that is so for every real v."""
    if NOTHING in (base.head, exponent.head):
        return UNDEFINED
    if exponent.head == NUMBER:
        if exponent.value == 0:
            return ONE
        if exponent is ONE:
            return base
    if base is ONE:
        return ONE
    if base.head == NUMBER:
        return _number_to(base.value, exponent)
    if base == E:
        return made("exp", exponent)
    if base.head == "^":
        inner, own = base.args
        if is_whole(exponent) or (own.head == NUMBER and (abs(own.value) < 1 or not_negative(inner))):
            return power(inner, multiply(own, exponent))
        if is_whole(own) and own.value % 2 == 0 and known_real(inner):
            return power(made("abs", inner), multiply(own, exponent))
    elif base.head == "exp" and (is_whole(exponent) or known_real(base.args[0])):
        return made("exp", multiply(base.args[0], exponent))
    elif base.head == "*" and exponent.head == NUMBER:
        if is_whole(exponent):
            return multiply(*(power(argument, exponent) for argument in base.args))
        return _product_to(base, exponent)
    elif base.head == "abs" and is_whole(exponent) and exponent.value % 2 == 0 and known_real(base.args[0]):
        return power(base.args[0], exponent)
    return Expr("^", (base, exponent))


def _number_to(base: Value, exponent: Expr) -> Expr:
    if exponent.head != NUMBER:
        return Expr("^", (number(base), exponent))
    raised: Value = exponent.value
    if base == 0:
        return ZERO if raised > 0 else UNDEFINED
    if base < 0 and isinstance(raised, Fraction):
        return UNDEFINED
    size, left = radicals({base: raised})
    roots = tuple(Expr("^", (number(bottom), number(rest))) for bottom, rest in left)
    if not roots:
        return number(size)
    return roots[0] if size == 1 and len(roots) == 1 else _bare(size, roots)


def _bare(size: Value, factors: tuple[Expr, ...]) -> Expr:
    """A product of a number and what is in its place already."""
    return Expr("*", factors if size == 1 else (number(size), *factors))


def _product_to(base: Expr, exponent: Expr) -> Expr:
    """A broken power of a product, of which what is not negative comes out."""
    outside = [argument for argument in base.args if not_negative(argument)]
    inside = [argument for argument in base.args if not not_negative(argument)]
    if inside and is_negative(inside[0]) and inside[0] != MINUS:
        outside.append(negated(inside[0]))
        inside[0] = MINUS
    if not outside:
        return Expr("^", (base, exponent))
    rest = ONE if not inside else inside[0] if len(inside) == 1 else Expr("*", tuple(inside))
    raised = [power(item, exponent) for item in outside]
    left = power(rest, exponent) if rest.head in (NUMBER, "^") else Expr("^", (rest, exponent))
    return multiply(*raised, ONE if rest is ONE else left)


def known_real(expression: Expr) -> bool:
    """Whether it has a real value wherever its positive columns are positive; others may stand for anything."""
    if expression.head in (NUMBER, CONSTANT, "abs"):
        return True
    if expression.head == SYMBOL:
        return expression.positive
    if expression.head in ("+", "*", "exp", "sin", "cos", "atan", "tanh", "sinh", "cosh", "asinh"):
        return all(known_real(argument) for argument in expression.args)
    if expression.head == "^":
        base, exponent = expression.args
        return known_real(base) and (is_whole(exponent) or (not_negative(base) and known_real(exponent)))
    return expression.head == "log" and not_negative(expression.args[0])


def not_negative(expression: Expr) -> bool:
    """Whether it is known to be at least zero."""
    head = expression.head
    if head == NUMBER:
        return expression.value >= 0
    if head in (CONSTANT, "abs"):
        return True
    if head == SYMBOL:
        return expression.positive
    if head == "+":
        return all(not_negative(argument) for argument in expression.args)
    if head == "*":
        return all(not_negative(argument) for argument in expression.args) or (
            sum(is_negative(argument) or _negative(argument) for argument in expression.args) % 2 == 0
            and all(
                not_negative(argument) or is_negative(argument) or _negative(argument)
                for argument in expression.args
            )
        )
    if head == "^":
        base, exponent = expression.args
        even = is_whole(exponent) and exponent.value % 2 == 0
        return (even and known_real(base)) or (not_negative(base) and known_real(exponent))
    if head in ("atan", "tanh", "sinh", "asinh"):
        return not_negative(expression.args[0])
    return head in ("exp", "cosh") and known_real(expression.args[0])


def _negative(expression: Expr) -> bool:
    """Whether a sum or product is known to be at most zero."""
    if expression.head == "+":
        return all(is_negative(argument) or not_negative(negated(argument)) for argument in expression.args)
    return False


def with_signs(expression: Expr, positive: Collection[str]) -> Expr:
    """The expression with some columns known to be positive, and no others."""
    new = {
        item: symbol(item.value, positive=item.value in positive)
        for item in distinct(expression, SYMBOL)
        if item.positive != (item.value in positive)
    }
    return replaced(expression, new) if new else expression


CONSTRUCTORS.update({"+": add, "*": multiply, "^": power})
