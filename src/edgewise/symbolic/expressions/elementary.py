"""What functions make of their arguments: numbers evaluated, signs taken out, inverses undone, whole turns taken off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial

from edgewise.forms.functions import FUNCTIONS
from edgewise.symbolic.expressions.algebra import (
    add,
    divided,
    fraction,
    known_real,
    multiply,
    negated,
    not_negative,
    power,
)
from edgewise.symbolic.expressions.exact_numbers import Value
from edgewise.symbolic.expressions.nodes import (
    CONSTRUCTORS,
    HALF,
    MINUS,
    NOTHING,
    NUMBER,
    ONE,
    PI,
    UNDEFINED,
    ZERO,
    E,
    Expr,
    coefficient,
    is_exact,
    is_negative,
    is_number,
    is_whole,
    number,
    terms_of,
)
from edgewise.symbolic.expressions.numeric_values import HEADS, value_at, value_of
from edgewise.symbolic.expressions.ordering import leads_with_minus


def call(head: str, *args: Expr) -> Expr:
    """A function of expressions."""
    if any(argument.head == NOTHING for argument in args):
        return UNDEFINED
    if head in ("max", "min"):
        return _extreme(head, args)
    if head == "mod":
        return _remainder(*args)
    u = args[0] if args[0].value != 0 or args[0].head != NUMBER else ZERO
    if type(u.value) is float:
        return number(value_at(head, u.value))
    if u.numeric and head not in ("exp", "log") and (exact := _at_number(head, u)) is not None:
        return exact
    known = FUNCTIONS[head]
    if known.parity and leads_with_minus(u):
        other = call(head, negated(u))
        return other if known.parity > 0 else negated(other)
    if u.head == f"a{head}":
        return u.args[0]
    rule = _RULES.get(head)
    found = None if rule is None else rule(u)
    return Expr(head, (u,)) if found is None else found


def _at_number(head: str, u: Expr) -> Expr | None:
    """An exact value at an exact number, where it is one."""
    if head in ("sign", "step", "floor", "abs"):
        value = value_of(u)
        if math.isnan(value):
            return UNDEFINED
        if head == "abs":
            return u if value >= 0 else negated(u)
        return number(int(value_at(head, value)))
    if u is ZERO:
        return {"cos": ONE, "cosh": ONE, "acos": multiply(PI, HALF)}.get(
            head, ZERO if head != "acosh" else UNDEFINED
        )
    if is_exact(u):
        if not FUNCTIONS[head].contains(u.value):
            return UNDEFINED
        turns = _ANGLES.get((head, u.value))
        return None if turns is None else multiply(number(turns), PI)
    return None


# Angles that are simple shares of pi.
_ANGLES: Mapping[tuple[str, Value], Fraction] = {
    ("asin", 1): Fraction(1, 2),
    ("asin", -1): Fraction(-1, 2),
    ("asin", Fraction(1, 2)): Fraction(1, 6),
    ("asin", Fraction(-1, 2)): Fraction(-1, 6),
    ("acos", 1): Fraction(0),
    ("acos", -1): Fraction(1),
    ("acos", Fraction(1, 2)): Fraction(1, 3),
    ("acos", Fraction(-1, 2)): Fraction(2, 3),
    ("atan", 1): Fraction(1, 4),
    ("atan", -1): Fraction(-1, 4),
    ("acosh", 1): Fraction(0),
}


def _exp(u: Expr) -> Expr | None:
    if u is ZERO:
        return ONE
    if u is ONE:
        return E
    if u.head == "log":
        return u.args[0]
    if u.head == "*":
        logs = [argument for argument in u.args if argument.head == "log"]
        rest = [argument for argument in u.args if argument.head != "log"]
        if len(logs) == 1 and all(other.numeric for other in rest):
            return power(logs[0].args[0], multiply(*rest))
    if u.head == "+":
        made = [argument if argument is ONE else call("exp", argument) for argument in u.args]
        inside = [
            argument for argument, own in zip(u.args, made, strict=True) if own is ONE or own.head == "exp"
        ]
        outside = [own for own in made if own is not ONE and own.head != "exp"]
        if outside:
            return multiply(*outside, call("exp", add(*inside)))
    return None


def _log(u: Expr) -> Expr | None:
    if u is ZERO or is_negative(u):
        return UNDEFINED
    if u is ONE:
        return ZERO
    if u is E:
        return ONE
    if u.head == NUMBER and isinstance(u.value, Fraction) and u.value.numerator == 1:
        return negated(call("log", number(u.value.denominator)))
    if u.head == "exp" and known_real(u.args[0]):
        return u.args[0]
    return UNDEFINED if u.numeric and value_of(u) <= 0 else None


def _turns(u: Expr) -> Fraction | None:
    """The share of pi that an angle is; None where it is none."""
    size, rest = coefficient(u)
    return Fraction(size) if rest == PI and type(size) is not float else None


def _without_turns(u: Expr) -> tuple[Expr, Fraction]:
    """An angle without half of the multiples of pi/2 in it, and these as shares of pi."""
    total = Fraction(0)
    rest: list[Expr] = []
    for term in terms_of(u):
        turns = _turns(term)
        if turns is None:
            rest.append(term)
        else:
            total += turns
    some = total % Fraction(1, 2)
    return (add(*rest, multiply(number(some), PI)), total - some) if total - some else (u, Fraction(0))


def _sine(u: Expr) -> Expr | None:
    if (turns := _turns(u)) is not None:
        return _sine_of_turns(turns)
    if u.head == "+":
        rest, turns = _without_turns(u)
        if turns:
            return add(
                multiply(_sine_of_turns(turns), call("cos", rest)),
                multiply(_sine_of_turns(turns + Fraction(1, 2)), call("sin", rest)),
            )
    if u.head == "acos":
        return power(add(ONE, negated(power(u.args[0], number(2)))), HALF)
    if u.head == "atan":
        return divided(u.args[0], power(add(ONE, power(u.args[0], number(2))), HALF))
    return None


def _sine_of_turns(turns: Fraction) -> Expr:
    """sin(turns*pi), written out where it is a root."""
    turns %= 2
    if turns > 1:
        return negated(_sine_of_turns(turns - 1))
    turns = min(turns, 1 - turns)
    known = {
        Fraction(0): ZERO,
        Fraction(1, 6): HALF,
        Fraction(1, 4): multiply(power(number(2), HALF), HALF),
        Fraction(1, 3): multiply(power(number(3), HALF), HALF),
        Fraction(1, 2): ONE,
    }
    return known[turns] if turns in known else Expr("sin", (multiply(number(turns), PI),))


def _cosine(u: Expr) -> Expr | None:
    if (turns := _turns(u)) is not None:
        return _sine_of_turns(turns + Fraction(1, 2))
    if u.head == "+":
        rest, turns = _without_turns(u)
        if turns:
            return add(
                multiply(_sine_of_turns(turns + Fraction(1, 2)), call("cos", rest)),
                negated(multiply(_sine_of_turns(turns), call("sin", rest))),
            )
    if u.head == "asin":
        return power(add(ONE, negated(power(u.args[0], number(2)))), HALF)
    if u.head == "atan":
        return power(add(ONE, power(u.args[0], number(2))), MINUS_HALF)
    return None


MINUS_HALF = number(Fraction(-1, 2))


def _tangent(u: Expr) -> Expr | None:
    if (turns := _turns(u)) is not None:
        below = _sine_of_turns(turns + Fraction(1, 2))
        return UNDEFINED if below is ZERO else divided(_sine_of_turns(turns), below)
    if u.head == "+":
        rest, turns = _without_turns(u)
        if turns:
            own = call("tan", rest)
            return own if turns.denominator == 1 else negated(power(own, MINUS))
    if u.head == "asin":
        return divided(u.args[0], call("cos", u))
    if u.head == "acos":
        return divided(call("sin", u), u.args[0])
    return None


def _absolute(u: Expr) -> Expr | None:
    if not_negative(u):
        return u
    above, below = fraction(u)
    if above.numeric and not below.numeric:
        return divided(call("abs", above), call("abs", below))
    if u.head == "*":
        known = [argument for argument in u.args if argument.numeric or not_negative(argument)]
        rest = [argument for argument in u.args if not (argument.numeric or not_negative(argument))]
        turned = [negated(other) if leads_with_minus(other) else other for other in rest]
        if known or turned != rest:
            rest = turned
            inner = rest[0] if len(rest) == 1 else Expr("*", tuple(rest))
            return multiply(*(call("abs", name) for name in known), call("abs", inner))
    if u.head == "^" and is_whole(u.args[1]):
        if known_real(u.args[0]):
            return u if u.args[1].value % 2 == 0 else power(call("abs", u.args[0]), u.args[1])
        return power(call("abs", power(u, MINUS)), MINUS) if is_negative(u.args[1]) else None
    return u if u.head in ("abs", "exp") else None


def _sign(u: Expr) -> Expr | None:
    if u.head == "*" and is_number(u.args[0]):
        size, rest = coefficient(u)
        return multiply(number(1 if size > 0 else -1), call("sign", rest))
    return ONE if u.head == "exp" else None


def _floor(u: Expr) -> Expr | None:
    if u.head == "+":
        whole = [argument for argument in u.args if is_whole(argument) or argument.head == "floor"]
        rest = [argument for argument in u.args if not (is_whole(argument) or argument.head == "floor")]
        if whole:
            return add(*whole, call("floor", add(*rest)) if rest else ZERO)
    return u if u.head == "floor" else None


_RULES: Mapping[str, Callable[[Expr], Expr | None]] = {
    "exp": _exp,
    "log": _log,
    "sin": _sine,
    "cos": _cosine,
    "tan": _tangent,
    "abs": _absolute,
    "sign": _sign,
    "floor": _floor,
}


def _extreme(head: str, args: tuple[Expr, ...]) -> Expr:
    """The largest or smallest: of one kind inside another one of all, of numbers the one."""
    flat: list[Expr] = []
    for argument in args:
        flat += argument.args if argument.head == head else (argument,)
    numbers = [expression for expression in flat if expression.numeric]
    rest = list(dict.fromkeys(expression for expression in flat if not expression.numeric))
    if numbers:
        values = [value_of(item) for item in numbers]
        if any(math.isnan(value) for value in values):
            return UNDEFINED
        at = values.index(max(values) if head == "max" else min(values))
        one = numbers[at]
        if values[at] <= 0 and head == "max" and any(map(not_negative, rest)) and rest:
            pass
        elif values[at] <= 0 and head == "min" and rest and all(map(not_negative, rest)):
            return one
        else:
            rest.append(one)
    return rest[0] if len(rest) == 1 else Expr(head, tuple(rest))


def _remainder(u: Expr, by: Expr) -> Expr:
    """u - by*floor(u/by), left as it is written unless both are numbers."""
    if by is ZERO:
        return UNDEFINED
    if is_exact(u) and is_exact(by):
        return number(Fraction(u.value) % Fraction(by.value))
    if u.numeric and by.numeric and (u.measured or by.measured) and (is_number(u) or is_number(by)):
        return number(value_at("mod", value_of(u), value_of(by)))
    return Expr("mod", (u, by))


CONSTRUCTORS.update({head: partial(call, head) for head in HEADS})
