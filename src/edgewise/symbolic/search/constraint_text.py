"""What a formula must satisfy, read from text: directions, bends, bounds, values, limits, symmetries and nestings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from edgewise._core.checks import among, as_tuple, did_you_mean, short
from edgewise.forms.directions import MONOTONE, read_direction
from edgewise.forms.functions import FUNCTIONS, SPELLINGS
from edgewise.forms.parser import formula
from edgewise.forms.reader import Reader
from edgewise.forms.tree import Node, Number, in_backticks, names_in
from edgewise.symbolic.expressions.tape import Tape

Kind = Literal[
    "increasing", "decreasing", "convex", "concave", "even", "odd", "symmetric", "at least", "at most", "value", "limit",
    "never", "exponents",
]  # fmt: skip

_EXAMPLES = "increasing(x), 0 <= y <= 1, y = 2 at x = 0, y -> 0 as x -> inf or never sin(cos)"
_SHAPES: dict[str, tuple[Kind, int]] = {
    "increasing": ("increasing", 1), "decreasing": ("decreasing", 1), "convex": ("convex", 1),
    "concave": ("concave", 1), "even": ("even", 1), "odd": ("odd", 1), "symmetric": ("symmetric", 2),
}  # fmt: skip
_INFINITE = ("inf", "infinity", "oo")


@dataclass(frozen=True)
class Constraint:
    """What a formula must satisfy on the box of the table.

    Attributes
    ----------
    text
        As it was written.
    kind
        What is asked.
    columns
        The columns it is about: of a direction, a bend, a symmetry, a limit.
    side
        The bound, value or limit as a formula in the columns; infinite where it is a number without end.
    at
        Columns with the number that each has where a value is asked, or goes to where a limit is.
    functions
        Of "never": the outer and the inner one.
    exponents
        Those allowed, without their signs.
    """

    text: str
    kind: Kind
    columns: tuple[str, ...] = ()
    side: Node | None = None
    at: tuple[tuple[str, float], ...] = ()
    functions: tuple[str, str] | None = None
    exponents: frozenset[Fraction] = frozenset()


def read_constraints(given: object, names: Sequence[str], target: str) -> tuple[Constraint, ...]:
    """The constraints of a search.

    Parameters
    ----------
    given
        Texts.
    names
        The columns.
    target
        What the formula gives, by name; it may be called y as well.
    of
        Who asks, for messages.

    Raises
    ------
    InputError
        One sentence about the first that cannot be read.

    Examples
    --------
    >>> [each.kind for each in read_constraints(["0 <= y <= 2*x", "y -> 0 as x -> inf"], ["x"], "y")]
    ['at least', 'at most', 'limit']
    """
    texts = as_tuple(given, "constraints", f"texts such as {_EXAMPLES}")
    return tuple(one for text in texts for one in _Reading.of(text, names, target).all())


@dataclass(frozen=True)
class _Reading:
    reader: Reader
    names: Sequence[str]
    target: str

    @classmethod
    def of(cls, text: object, names: Sequence[str], target: str) -> _Reading:
        refusal, what = "The constraint {text} cannot be read", "Each of the 'constraints'"
        return cls(Reader.of(text, refusal, what), names, target)

    def all(self) -> tuple[Constraint, ...]:
        reader = self.reader
        word = reader.head.text
        if word in (*_SHAPES, MONOTONE) and reader.after().text == "(":
            found = (self.shape(word),)
        elif reader.word("never"):
            found = (self.never(),)
        elif reader.word("exponents"):
            found = (self.allowed(),)
        elif reader.after().text == "(" and self.is_strange(word):
            raise reader.fail(
                f"there is no property {short(word, 40)}{did_you_mean(word, _SHAPES)}; write it as in {_EXAMPLES}"
            )
        else:
            found = self.comparison()
        reader.end("the end")
        return found

    def is_strange(self, word: str) -> bool:
        """Whether a word before a bracket is neither a function nor a column."""
        return self.reader.head.kind == "name" and word not in (
            *FUNCTIONS,
            *SPELLINGS,
            *self.names,
            self.target,
        )

    def shape(self, word: str) -> Constraint:
        if word == MONOTONE:
            column, way = read_direction(self.reader, self.column)
            self.reader.need(")")
            return Constraint(self.reader.text, _SHAPES[way][0], (column,))
        kind, count = _SHAPES[word]
        self.reader.at += 2
        columns = [self.column()]
        while self.reader.take(","):
            columns.append(self.column())
        self.reader.need(")")
        if len(set(columns)) != count:
            raise self.reader.fail(f"{word} takes {('one column', 'two columns')[count - 1]}")
        return Constraint(self.reader.text, kind, tuple(columns))

    def never(self) -> Constraint:
        outer = self.function()
        self.reader.need("(")
        inner = self.function()
        self.reader.need(")")
        return Constraint(self.reader.text, "never", functions=(outer, inner))

    def allowed(self) -> Constraint:
        found = {self.ratio()}
        while self.reader.take(","):
            found.add(self.ratio())
        return Constraint(self.reader.text, "exponents", exponents=frozenset(found | {Fraction(1)}))

    def comparison(self) -> tuple[Constraint, ...]:
        """The target beside bounds, or its value or limit."""
        if self.is_target():
            self.reader.at += 1
            if self.reader.take("="):
                return (self.value(),)
            if self.arrow():
                return (self.limit(),)
            return (self.bound(self.sign()),)
        low = formula(self.reader, self.names)
        sign = self.sign()
        if not self.is_target():
            raise self.reader.unexpected(f"{self.target!r}, what the formula gives,")
        self.reader.at += 1
        turned: Kind = "at least" if sign == "at most" else "at most"
        first = Constraint(self.reader.text, turned, side=low)
        if self.reader.head.kind == "end":
            return (first,)
        second = self.bound(self.sign())
        if second.kind == first.kind:
            raise self.reader.fail("its two bounds are on the same side")
        low, high = (first, second) if first.kind == "at least" else (second, first)
        if _value(low) > _value(high):
            raise self.reader.fail("its lower bound is above its upper one")
        return first, second

    def bound(self, sign: Kind) -> Constraint:
        return Constraint(self.reader.text, sign, side=formula(self.reader, self.names))

    def value(self) -> Constraint:
        side = formula(self.reader, self.names)
        if not self.reader.word("at", "where"):
            raise self.reader.unexpected("'at' and where that is so, as in y = 2 at x = 0,")
        places = [self.place()]
        while self.reader.take(",") or self.reader.word("and"):
            places.append(self.place())
        return Constraint(self.reader.text, "value", side=side, at=tuple(places))

    def place(self) -> tuple[str, float]:
        column = self.column()
        self.reader.need("=")
        return column, self.reader.number()

    def limit(self) -> Constraint:
        infinite = self.infinite()
        side = formula(self.reader, self.names) if infinite is None else Number(infinite)
        if not self.reader.word("as", "for"):
            raise self.reader.unexpected("'as' and which column goes where, as in y -> 0 as x -> inf,")
        column = self.column()
        if not self.arrow():
            raise self.reader.unexpected("'->'")
        end = self.infinite()
        end = self.reader.number("a number or inf") if end is None else end
        return Constraint(self.reader.text, "limit", (column,), side, ((column, end),))

    def infinite(self) -> float | None:
        """inf or -inf, stepped over; None where neither comes."""
        minus = self.reader.head.operator == "-"
        if (self.reader.after() if minus else self.reader.head).text not in _INFINITE:
            return None
        self.reader.at += 1 + minus
        return float("-inf") if minus else float("inf")

    def arrow(self) -> bool:
        if self.reader.head.operator == "-" and self.reader.after().operator == ">":
            self.reader.at += 2
            return True
        return False

    def sign(self) -> Kind:
        # Of floats, below and at most mean the same.
        taken = self.reader.take("<=", "<", ">=", ">")
        if not taken:
            raise self.reader.unexpected("<=, >=, = or ->")
        return "at most" if taken in ("<=", "<") else "at least"

    def is_target(self) -> bool:
        token = self.reader.head
        known = {self.target, *({"y"} - set(self.names))}
        return token.kind in ("name", "quoted", "string") and token.name in known

    def column(self) -> str:
        name = self.reader.name()
        if name not in self.names:
            hint = did_you_mean(name, self.names)
            raise self.reader.fail(
                f"there is no column {short(name, 40)}{hint}; the columns are {among(self.names)}"
                f"{in_backticks(self.names)}"
            )
        return name

    def function(self) -> str:
        name = self.reader.name("the name of a function")
        known = SPELLINGS.get(name, name)
        if known not in FUNCTIONS:
            raise self.reader.fail(f"there is no function {short(name, 40)}{did_you_mean(name, FUNCTIONS)}")
        return known

    def ratio(self) -> Fraction:
        above = Fraction(self.reader.number("an exponent")).limit_denominator(1000)
        if self.reader.take("/"):
            below = Fraction(self.reader.number("a number")).limit_denominator(1000)
            if not below:
                raise self.reader.fail("it divides by zero")
            above /= below
        return abs(above)


def _value(bound: Constraint) -> float:
    """The number that a bound is; NaN where it is a formula."""
    if bound.side is None or any(names_in(bound.side)):
        return math.nan
    tape = Tape(bound.side, ())
    return float(tape.value(tape.start, np.zeros((1, 0)))[0])


def columns_of(constraints: Iterable[Constraint]) -> frozenset[str]:
    """All columns that constraints are about."""
    found = set[str]()
    for constraint in constraints:
        found |= {
            *constraint.columns,
            *(name for name, _ in constraint.at),
            *(() if constraint.side is None else names_in(constraint.side)),
        }
    return frozenset(found)


def texts_of(constraints: Iterable[Constraint]) -> str:
    """Their texts, each once."""
    return ", ".join(dict.fromkeys(constraint.text for constraint in constraints))
