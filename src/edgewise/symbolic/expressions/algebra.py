"""Formulas in canonical form: like terms and powers of one base collected, numbers folded, signs and exponents in place.

One class of immutable expressions. Integers and fractions are exact, floats are measured constants and make whatever they
meet a float; nothing is expanded or cancelled that a reader did not write so. What has no real value is `UNDEFINED`, and so
is everything made of it. Symbols stand for real columns, of which some are known to be positive.

Sums and products keep their arguments in the order they came in and are equal to those in any other order; how they are
written is decided by `writing`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

Value = int | Fraction | float

NUMBER, SYMBOL, CONSTANT, NOTHING = "number", "symbol", "constant", "undefined"
# Exact powers of more binary digits than floats have exponents for are numbers nobody reads.
_EXACT_BITS = 2048


class Expr:
    """A formula: a number, a column, or an operator (`+`, `*`, `^`) or a function of formulas.

    Parameters
    ----------
    head
        What it is: an operator, the name of a function, or `NUMBER`, `SYMBOL`, `CONSTANT`, `NOTHING`.
    args
        What that is applied to.
    value
        The number, or the name of a column or of a constant.
    positive
        Whether a column is positive throughout.
    """

    __slots__ = (
        "_hash",
        "_heads",
        "args",
        "head",
        "measured",
        "numeric",
        "positive",
        "sized",
        "sorted",
        "value",
    )

    def __init__(
        self, head: str, args: tuple[Expr, ...] = (), value: Any = None, positive: bool = False
    ) -> None:
        self.head, self.args, self.value, self.positive = head, args, value, positive
        # Whether it holds no column, and whether it holds a measured constant.
        self.numeric: bool = head != SYMBOL and all(each.numeric for each in args)
        self.measured: bool = type(value) is float or any(each.measured for each in args)
        inner: Any = frozenset(args) if head in "+*" else args
        self._hash = hash((head, value, type(value) is float, positive, inner))
        self._heads: frozenset[str] | None = None
        # Its size and its place in an order, once they were asked for.
        self.sized: int | None = None
        self.sorted: Any = None

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Expr) or self._hash != other._hash or self.head != other.head:
            return False
        if self.value != other.value or type(self.value) is not type(other.value):
            return False
        if self.positive != other.positive or len(self.args) != len(other.args):
            return False
        return self.args == other.args or (
            self.head in "+*" and frozenset(self.args) == frozenset(other.args)
        )

    def __reduce__(self) -> Any:
        # Hashes of texts differ from process to process.
        return (
            (number, (self.value,))
            if self.head == NUMBER
            else (Expr, (self.head, self.args, self.value, self.positive))
        )

    def __repr__(self) -> str:
        from edgewise.symbolic.expressions.writing import text

        return text(self)

    @property
    def atom(self) -> bool:
        """Whether it is a number, a column or a constant."""
        return not self.args

    @property
    def heads(self) -> frozenset[str]:
        """The heads of all its parts."""
        if self._heads is None:
            self._heads = frozenset({self.head}).union(*(each.heads for each in self.args))
        return self._heads

    @property
    def real(self) -> bool:
        """Whether it is free of what has no real value."""
        return NOTHING not in self.heads

    @property
    def symbols(self) -> frozenset[str]:
        """The names of its columns."""
        return frozenset(each.value for each in parts(self) if each.head == SYMBOL)


def parts(expression: Expr) -> Iterator[Expr]:
    """An expression and all that it is made of, each as often as it occurs."""
    yield expression
    for each in expression.args:
        yield from parts(each)


def distinct(expression: Expr, *heads: str) -> list[Expr]:
    """The different parts with one of these heads, in the order they occur."""
    if not expression.heads.intersection(heads):
        return []
    return list(dict.fromkeys(each for each in parts(expression) if each.head in heads))


def floats(expression: Expr) -> set[float]:
    """The different measured constants."""
    return (
        {each.value for each in parts(expression) if type(each.value) is float}
        if expression.measured
        else set()
    )


def replaced(expression: Expr, new: Mapping[Expr, Expr]) -> Expr:
    """The expression with some of its parts replaced, all at once."""
    if expression in new:
        return new[expression]
    if not expression.args:
        return expression
    args = [replaced(each, new) for each in expression.args]
    if all(one is other for one, other in zip(args, expression.args, strict=True)):
        return expression
    return rebuilt(expression, args)


def rebuilt(expression: Expr, args: Iterable[Expr]) -> Expr:
    """The operator or function of an expression applied to other arguments."""
    return made(expression.head, *args)


def made(head: str, *args: Expr) -> Expr:
    """An operator or function of expressions."""
    if head == "+":
        return add(*args)
    if head == "*":
        return multiply(*args)
    if head == "^":
        return power(*args)
    from edgewise.symbolic.expressions.elementary import call

    return call(head, *args)


def number(value: Value) -> Expr:
    """A number; what is none, or infinite, is undefined."""
    if type(value) is int:
        return _whole(value) if -20 <= value <= 20 else Expr(NUMBER, (), value)
    if isinstance(value, Fraction):
        return Expr(NUMBER, (), value) if value.denominator != 1 else number(value.numerator)
    value = float(value)
    return Expr(NUMBER, (), value) if math.isfinite(value) else UNDEFINED


@lru_cache(maxsize=64)
def _whole(value: int) -> Expr:
    return Expr(NUMBER, (), value)


def symbol(name: str, *, positive: bool = False) -> Expr:
    """A column."""
    return Expr(SYMBOL, (), name, positive)


UNDEFINED = Expr(NOTHING)
ZERO, ONE, MINUS = number(0), number(1), number(-1)
HALF = number(Fraction(1, 2))
PI, E = Expr(CONSTANT, (), "pi"), Expr(CONSTANT, (), "e")


def is_number(expression: Expr) -> bool:
    """Whether it is an integer, a fraction or a float."""
    return expression.head == NUMBER


def is_exact(expression: Expr) -> bool:
    """Whether it is an integer or a fraction."""
    return expression.head == NUMBER and type(expression.value) is not float


def is_whole(expression: Expr) -> bool:
    """Whether it is an integer."""
    return type(expression.value) is int


def is_negative(expression: Expr) -> bool:
    """Whether it is a number below zero."""
    return expression.head == NUMBER and expression.value < 0


def evaluated(expression: Expr) -> float:
    """The value of an expression without columns; not a number where it has none."""
    from edgewise.symbolic.expressions.elementary import value_of

    return value_of(expression)


def terms_of(expression: Expr) -> tuple[Expr, ...]:
    """The terms of a sum; of anything else itself."""
    return expression.args if expression.head == "+" else (expression,)


def factors_of(expression: Expr) -> tuple[Expr, ...]:
    """The factors of a product; of anything else itself."""
    return expression.args if expression.head == "*" else (expression,)


def coefficient(expression: Expr) -> tuple[Value, Expr]:
    """The number that stands before an expression, and the rest."""
    if expression.head == NUMBER:
        return expression.value, ONE
    if expression.head == "*" and expression.args[0].head == NUMBER:
        first, *rest = expression.args
        return first.value, rest[0] if len(rest) == 1 else Expr("*", tuple(rest))
    return 1, expression


def base_exponent(expression: Expr) -> tuple[Expr, Expr]:
    """A power's base and exponent; exp(u) is one of e."""
    if expression.head == "^":
        return expression.args[0], expression.args[1]
    if expression.head == "exp":
        return E, expression.args[0]
    return expression, ONE


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
    for each in factors_of(expression):
        if each.head == "^" and is_negative(each.args[1]):
            below.append(power(each, MINUS))
        elif isinstance(each.value, Fraction):
            above.append(number(each.value.numerator))
            below.append(number(each.value.denominator))
        else:
            above.append(each)
    return multiply(*above), multiply(*below)


def plus(one: Value, other: Value) -> Value:
    """A sum of numbers; zero is exact."""
    total = one + other
    return total if total else 0


def times(one: Value, other: Value) -> Value:
    """A product of numbers; zero is exact."""
    try:
        total = one * other
    except OverflowError:
        total = math.inf
    return total if total else 0


def add(*terms: Expr) -> Expr:
    """A sum, like terms collected."""
    total: Value = 0
    sizes: dict[Expr, Value] = {}
    waiting = list(terms)
    for each in waiting:
        if each.head == NUMBER:
            total = plus(total, each.value)
        elif each.head == "+":
            waiting.extend(each.args)
        elif each.head == NOTHING:
            return UNDEFINED
        else:
            size, body = coefficient(each)
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
    size: Value = 1
    exponents: dict[Expr, dict[Expr, Value]] = {}
    roots: dict[Value, Value] = {}
    waiting = list(factors)
    for each in waiting:
        if each.head == NUMBER:
            size = times(size, each.value)
        elif each.head == "*":
            waiting.extend(each.args)
        elif each.head == NOTHING:
            return UNDEFINED
        else:
            base, exponent = base_exponent(each)
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
        number_, left = _radicals(roots)
        size = times(size, number_)
        found = [*left, *found]
    if not found:
        return number(size)
    if size == 1 and type(size) is not float:
        return found[0] if len(found) == 1 else Expr("*", tuple(found))
    if len(found) == 1 and found[0].head == "+":
        return add(*(multiply(number(size), each) for each in found[0].args))
    first = number(size)
    return UNDEFINED if first is UNDEFINED else Expr("*", (first, *found))


def _radicals(roots: Mapping[Value, Value]) -> tuple[Value, list[Expr]]:
    """A product of broken powers of numbers: sqrt(2)*sqrt(3) = sqrt(6)."""
    size: Value = 1
    bases: dict[Fraction, int] = {}
    for base, exponent in roots.items():
        if type(base) is float or type(exponent) is float:
            size = times(size, _power_of_numbers(base, exponent))
            continue
        number_, left = _root(Fraction(base), Fraction(exponent))
        size = times(size, number_)
        for bottom, rest in left.items():
            bases[rest] = bases.get(rest, 1) * bottom
    found: list[Expr] = []
    for rest, bottom in bases.items():
        number_, left = _root(Fraction(bottom), rest)
        size = times(size, number_)
        found += [Expr("^", (number(b), number(e))) for b, e in ((b, e) for b, e in left.items())]
    return size, found


def _root(base: Fraction, exponent: Fraction) -> tuple[Value, dict[int, Fraction]]:
    """A broken power of a positive number as a number times powers of whole ones with exponents below one."""
    size = Fraction(1)
    left: dict[Fraction, int] = {}
    for part, turn in ((base.numerator, 1), (base.denominator, -1)):
        for prime, count in _primes(part):
            whole, rest = divmod(turn * count * exponent, 1)
            size *= Fraction(prime) ** int(whole)
            if rest:
                left[rest] = left.get(rest, 1) * prime
    return (size.numerator if size.denominator == 1 else size), {
        bottom: rest for rest, bottom in left.items()
    }


def _primes(value: int) -> Iterator[tuple[int, int]]:
    """Factors of a whole number, prime unless they are very large."""
    factor = 2
    while factor * factor <= value and factor < 2**15:
        count = 0
        while value % factor == 0:
            value, count = value // factor, count + 1
        if count:
            yield factor, count
        factor += 1 if factor == 2 else 2
    if value > 1:
        yield value, 1


def _power_of_numbers(base: Value, exponent: Value) -> float:
    try:
        value = float(base) ** float(exponent)
    except (ZeroDivisionError, OverflowError):
        return math.inf
    return value if isinstance(value, float) else math.nan


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
        from edgewise.symbolic.expressions.elementary import call

        return call("exp", exponent)
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
            return multiply(*(power(each, exponent) for each in base.args))
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
    if type(base) is float or type(raised) is float:
        return number(_power_of_numbers(base, raised))
    exact = Fraction(base)
    bits = max(abs(exact.numerator), exact.denominator).bit_length()
    if isinstance(raised, int):
        if abs(exact) != 1 and abs(raised) * bits > _EXACT_BITS:
            return number(_power_of_numbers(base, raised))
        return number(exact**raised)
    if base < 0:
        return UNDEFINED
    if abs(raised) * bits > _EXACT_BITS:
        return number(_power_of_numbers(base, raised))
    size, left = _radicals({base: raised})
    if not left:
        return number(size)
    return (
        left[0]
        if size == 1 and len(left) == 1
        else Expr("*", ((number(size),) if size != 1 else ()) + tuple(left))
    )


def _product_to(base: Expr, exponent: Expr) -> Expr:
    """A broken power of a product, of which what is not negative comes out."""
    outside = [each for each in base.args if not_negative(each)]
    inside = [each for each in base.args if not not_negative(each)]
    if inside and is_negative(inside[0]) and inside[0] != MINUS:
        outside.append(negated(inside[0]))
        inside[0] = MINUS
    if not outside:
        return Expr("^", (base, exponent))
    rest = ONE if not inside else inside[0] if len(inside) == 1 else Expr("*", tuple(inside))
    raised = [power(each, exponent) for each in outside]
    left = power(rest, exponent) if rest.head in (NUMBER, "^") else Expr("^", (rest, exponent))
    return multiply(*raised, ONE if rest is ONE else left)


def known_real(expression: Expr) -> bool:
    """Whether it has a real value wherever its positive columns are positive; others may stand for anything."""
    if expression.head in (NUMBER, CONSTANT, "abs"):
        return True
    if expression.head == SYMBOL:
        return expression.positive
    if expression.head in ("+", "*", "exp", "sin", "cos", "atan", "tanh", "sinh", "cosh", "asinh"):
        return all(known_real(each) for each in expression.args)
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
        return all(not_negative(each) for each in expression.args)
    if head == "*":
        return all(not_negative(each) for each in expression.args) or (
            sum(is_negative(each) or _negative(each) for each in expression.args) % 2 == 0
            and all(not_negative(each) or is_negative(each) or _negative(each) for each in expression.args)
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
        return all(is_negative(each) or not_negative(negated(each)) for each in expression.args)
    return False


def with_signs(expression: Expr, positive: Collection[str]) -> Expr:
    """The expression with some columns known to be positive, and no others."""
    new = {
        each: symbol(each.value, positive=each.value in positive)
        for each in distinct(expression, SYMBOL)
        if each.positive != (each.value in positive)
    }
    return replaced(expression, new) if new else expression
