"""Where a formula has no value: logarithms, roots, divisions and inverse functions that leave their domain.

Each part of a formula that not every number can enter is a condition on its argument, and a condition is a function that
must not fall below (or reach) zero. Its smallest value over a box shows whether it holds there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms.functions import FUNCTIONS, Function
from edgewise.forms.tree import Apply, Node, Number, apply, names_in
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.results.box import DataBox, Place, lowest, place_text
from edgewise.symbolic.units.rules import written

# Conditions are looked at in a box so many times as wide as that of the data, at so many places: a few milliseconds.
_WIDER = 1.5
_PLACES = 512
# Halvings of the way to where a condition fails: 60 leave rounding.
_HALVINGS = 60
# A minimum this small beside the values around it, at this share of the box and so many places, is zero.
_ZERO_SHARE = 1e-6
_NEAR_SHARE = 1e-3
_NEAR_PLACES = 64

# Rounding error of a sum beside its terms.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class DomainCondition:
    """What a part of a formula asks of the columns, and whether it gets it.

    Parameters
    ----------
    part
        The part, such as "log(x - y)".
    text
        What it asks, such as "x - y > 0".
    fails_on_data, fails_in_box, fails_around
        Does it fail on a row of the table, in the box of the data, in the box half as wide again?
    witness
        A place where it fails, in the columns it is about; None where it holds.
    """

    part: str
    text: str
    fails_on_data: bool
    fails_in_box: bool
    fails_around: bool
    witness: Place | None

    @property
    def holds(self) -> bool:
        """Does it hold in the box and around it?"""
        return self.witness is None

    def __str__(self) -> str:
        if self.witness is None:
            return f"{self.part} needs {self.text}, which holds in the box of the data and around it."
        if self.fails_on_data:
            where = "on rows of the data"
        elif self.fails_in_box:
            where = "inside the box of the data, though on none of its rows"
        else:
            where = "beyond the box of the data"
        return (
            f"{self.part} needs {self.text}, which fails {where}, for example at {place_text(self.witness)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "part": self.part,
            "condition": self.text,
            "fails_on_data": self.fails_on_data,
            "fails_in_box": self.fails_in_box,
            "fails_around": self.fails_around,
            "witness": None if self.witness is None else dict(self.witness),
        }


def conditions(tree: Node, names: Sequence[str], X: Any) -> tuple[DomainCondition, ...]:
    """Every condition a formula puts on the columns.

    Parameters
    ----------
    tree
        The formula.
    names
        The columns of X.
    X
        The data, (n, d).

    Returns
    -------
    tuple of DomainCondition
        In the order of the formula; none twice.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> X = np.array([[1.0, 0.0], [4.0, 3.0]])
    >>> for each in conditions(parse("log(x - y) + 1/x", ["x", "y"]).tree, ["x", "y"], X):
    ...     print(each)
    log(x - y) needs x - y > 0, which fails inside the box of the data, though on none of its rows, for example at
    x = 1.992, y = 2.042.
    1/x needs x != 0, which holds in the box of the data and around it.
    """
    box = DataBox.around(names, X)
    wide = box.widened(_WIDER)
    found: dict[str, DomainCondition] = {}
    for need in _needs(tree, set(names)):
        if need.text not in found:
            found[need.text] = _condition(need, X, box, wide)
    return tuple(found.values())


@dataclass(frozen=True)
class _Need:
    """`margin` must not be below zero, nor zero where `strict`; where `crossing`, only zero itself is forbidden."""

    part: str
    text: str
    margin: Node
    strict: bool
    crossing: bool = False


@dataclass(frozen=True)
class _Margin:
    """The values that a condition is about, and the rounding error in them."""

    need: _Need
    value: Callable[[Floats], Floats]
    terms: tuple[Callable[[Floats], Floats], ...]

    @classmethod
    def of(cls, need: _Need, names: Sequence[str]) -> _Margin:
        node = need.margin
        parts = node.arguments if isinstance(node, Apply) and node.function == "+" else ()
        return cls(need, _evaluator(node, names), tuple(_evaluator(part, names) for part in parts))

    def bad(self, rows: Floats) -> NDArray[np.bool_]:
        """Where the condition fails, rounding errors in its favour where it may be met with equality."""
        values, rounding = self.value(rows), np.zeros(len(rows))
        for term in self.terms:
            rounding = rounding + _ROUNDING * np.abs(term(rows))
        if self.need.crossing:
            return np.abs(values) <= rounding
        return values <= rounding if self.need.strict else values < -rounding

    def violation(self, box: DataBox) -> Floats | None:
        """A point of a box where the condition fails, or None."""
        points = box.points(_PLACES)
        bad = points[self.bad(points)]
        if len(bad):
            return bad[np.argmin(box.distance(bad))]
        if self.need.crossing:
            crossing = self._crossing(points)
            return self._touching(points, box) if crossing is None else crossing
        return self._touching(points, box)

    def _touching(self, points: Floats, box: DataBox) -> Floats | None:
        """The place of the smallest value, where that is none or below."""
        size = (lambda rows: np.abs(self.value(rows))) if self.need.crossing else self.value
        point, value = lowest(size, box, points)
        if not np.isfinite(value):
            return None
        if self.bad(point[None])[0]:
            return point
        # A square is never found to be zero exactly, but it is far below its surroundings, and ever further.
        near = box.near(point, _NEAR_SHARE, _NEAR_PLACES)
        ends = (point == box.low) | (point == box.high)
        near = np.where(ends, point, near)
        return point if self.need.strict and value <= _ZERO_SHARE * float(np.median(size(near))) else None

    def _crossing(self, points: Floats) -> Floats | None:
        """A zero between two points of different sign."""
        values = self.value(points)
        above, below = np.flatnonzero(values > 0), np.flatnonzero(values < 0)
        if not (above.size and below.size):
            return None
        first, second = above[np.argmin(values[above])], below[np.argmax(values[below])]
        left, right = points[first], points[second]
        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            left, right = (middle, right) if self.value(middle[None])[0] > 0 else (left, middle)
        # At a pole the sign changes too, but there the values grow.
        return left if self.value(left[None])[0] <= 0.5 * min(values[first], -values[second]) else None


def _evaluator(node: Node, names: Sequence[str]) -> Callable[[Floats], Floats]:
    tape = Tape(node, names)
    return lambda rows: tape.value(tape.start, rows)


def _condition(need: _Need, X: Floats, box: DataBox, wide: DataBox) -> DomainCondition:
    margin = _Margin.of(need, box.names)
    rows = np.flatnonzero(margin.bad(X))
    witness = X[rows[0]] if rows.size else margin.violation(box)
    in_box = witness is not None
    if witness is None:
        witness = margin.violation(wide)
    place = None if witness is None else box.place(witness, set(names_in(need.margin)))
    return DomainCondition(need.part, need.text, bool(rows.size), in_box, place is not None, place)


def _needs(node: Node, names: set[str]) -> Iterator[_Need]:
    """The conditions of a tree, innermost first."""
    if not isinstance(node, Apply):
        return
    for argument in node.arguments:
        yield from _needs(argument, names)
    inner = node.arguments[0]
    if node.function == "^":
        yield from _power_needs(node, names)
    elif node.function in ("inv", "mod"):
        for factor in _zeros(node.arguments[-1], names):
            if not _fixed(factor, names):
                yield _Need(written(node), f"{written(factor)} != 0", factor, strict=True, crossing=True)
    elif node.function == "tan":
        cosine = apply("cos", inner)
        yield _Need(written(node), f"{written(cosine)} != 0", cosine, strict=True, crossing=True)
    elif node.function in FUNCTIONS and not _fixed(inner, names):
        yield from _function_needs(node, FUNCTIONS[node.function])


def _function_needs(node: Apply, function: Function) -> Iterator[_Need]:
    """That its argument is within the function's domain: above an end, or from minus a number to that number."""
    inner, strict, bar = node.arguments[0], not function.closed, "" if not function.closed else "="
    if math.isfinite(function.high):
        size, most = apply("abs", inner), int(function.high)
        yield _Need(written(node), f"{written(size)} <{bar} {most}", _sum(-size, most), strict)
    elif math.isfinite(function.low):
        least = int(function.low)
        yield _Need(written(node), f"{written(inner)} >{bar} {least}", _sum(inner, -least), strict)


def _power_needs(node: Apply, names: set[str]) -> Iterator[_Need]:
    base, exponent = node.arguments
    if _fixed(base, names):
        value = _value(base)
        if value < 0 and not _fixed(exponent, names):
            yield _Need(written(node), f"{written(base)} > 0", base, strict=True)
        return
    if not _fixed(exponent, names):
        yield _Need(written(node), f"{written(base)} > 0", base, strict=True)
        return
    power = _value(exponent)
    if power != round(power):
        text = f"{written(base)} {'>' if power < 0 else '>='} 0"
        yield _Need(written(node), text, base, strict=power < 0)
    elif power < 0:
        yield _Need(written(node), f"{written(base)} != 0", base, strict=True, crossing=True)


def _zeros(node: Node, names: set[str]) -> Iterator[Node]:
    """The parts of which one must be zero for the whole to be."""
    if not isinstance(node, Apply):
        yield node
    elif node.function == "*":
        for argument in node.arguments:
            yield from _zeros(argument, names)
    elif node.function in ("neg", "sqrt", "abs"):
        yield from _zeros(node.arguments[0], names)
    elif node.function == "^":
        # With any other exponent the base is no zero either.
        if _fixed(node.arguments[1], names) and _value(node.arguments[1]) > 0:
            yield from _zeros(node.arguments[0], names)
    elif node.function not in ("inv", "exp", "cosh", "gaussian", "sigmoid"):
        yield node


def _fixed(node: Node, names: set[str]) -> bool:
    return not any(name in names for name in names_in(node))


def _value(node: Node) -> float:
    tape = Tape(node, ())
    value = float(tape.value(tape.start, np.zeros((1, 0)))[0])
    return value if math.isfinite(value) else math.nan


def _sum(node: Node, added: int) -> Node:
    if added == 0:
        return node
    term: Node = Number(added) if added > 0 else -Number(-added)
    return node + term
