"""Expressions: the immutable nodes of the algebra, and what can be seen of one without reckoning."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

from edgewise.symbolic.expressions.exact_numbers import Value

NUMBER, SYMBOL, CONSTANT, NOTHING = "number", "symbol", "constant", "undefined"

# What makes an expression in canonical form of its arguments, by head. Powers become functions and functions powers, so the
# rules of neither can stand above the other's; each file enters its own here and looks up the others' (data-directed
# dispatch: H. Abelson and G. J. Sussman, Structure and Interpretation of Computer Programs, 1996, section 2.4.3).
CONSTRUCTORS: dict[str, Callable[..., Expr]] = {}


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
        self.numeric: bool = head != SYMBOL and all(argument.numeric for argument in args)
        self.measured: bool = type(value) is float or any(argument.measured for argument in args)
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
        # As it is stored; `writing.text` writes it the way people do.
        if self.args:
            return f"{self.head}({', '.join(map(repr, self.args))})"
        return self.head if self.head == NOTHING else str(self.value)

    @property
    def atom(self) -> bool:
        """Whether it is a number, a column or a constant."""
        return not self.args

    @property
    def heads(self) -> frozenset[str]:
        """The heads of all its parts."""
        if self._heads is None:
            self._heads = frozenset({self.head}).union(*(argument.heads for argument in self.args))
        return self._heads

    @property
    def real(self) -> bool:
        """Whether it is free of what has no real value."""
        return NOTHING not in self.heads

    @property
    def symbols(self) -> frozenset[str]:
        """The names of its columns."""
        return frozenset(part.value for part in parts(self) if part.head == SYMBOL)


def made(head: str, *args: Expr) -> Expr:
    """An operator or function of expressions, in canonical form."""
    return CONSTRUCTORS[head](*args)


def parts(expression: Expr) -> Iterator[Expr]:
    """An expression and all that it is made of, each as often as it occurs."""
    yield expression
    for argument in expression.args:
        yield from parts(argument)


def distinct(expression: Expr, *heads: str) -> list[Expr]:
    """The different parts with one of these heads, in the order they occur."""
    if not expression.heads.intersection(heads):
        return []
    return list(dict.fromkeys(part for part in parts(expression) if part.head in heads))


def floats(expression: Expr) -> set[float]:
    """The different measured constants."""
    return (
        {part.value for part in parts(expression) if type(part.value) is float}
        if expression.measured
        else set()
    )


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
