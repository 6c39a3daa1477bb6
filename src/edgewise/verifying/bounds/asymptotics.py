"""Limits of formulas, proved: what a formula is in the end beside scales that are ordered, as far as signs over a box tell.

As t grows without end every part is f = c T + o(T), with a coefficient c that the other columns make and a scale
T = exp(s t^r + ...) t^p log(t)^q. Sums keep the largest scale, products multiply them. Where signs do not settle which scale
is larger, or a coefficient may vanish where it must not, there is no result.

References
----------
Hardy (1910), Orders of Infinity. Cambridge University Press. Gruntz (1996), On computing limits in a symbolic manipulation
system. doi:10.3929/ethz-a-001631582
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.parser import spelled_out
from edgewise.forms.tree import (
    Apply,
    Node,
    Number,
    Variable,
    apply,
    inverse,
    multiplied,
    names_in,
    replaced,
    summed,
)
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.results.box import DataBox
from edgewise.verifying.bounds.enclosure import enclose
from edgewise.verifying.bounds.intervals import Intervals

_T = "the column on its way"
_ABOUT = "about"
_ZERO, _ONE, _HALF = Number(0), Number(1), inverse(2)
# Odd functions of slope one at zero.
_LIKE_THEIR_ARGUMENT = frozenset(
    name for name, function in FUNCTIONS.items() if function.parity < 0 and not function.jump
)


@dataclass(frozen=True)
class _Part:
    """A part of the formula: c T + o(T).

    Attributes
    ----------
    c : Node
        The coefficient, of the other columns.
    power, logs : Fraction
        p and q of the scale.
    rates : tuple of (Fraction, Node)
        r and s, the largest r first.
    loose : bool
        Whether only the logarithm of its size is known, to o(t^r) of the largest r; of the coefficient then only the sign.
    bound : bool
        Whether the scale is but an upper bound.
    exact : bool
        Whether nothing is left beside c T.
    """

    c: Node
    power: Fraction = Fraction(0)
    logs: Fraction = Fraction(0)
    rates: tuple[tuple[Fraction, Node], ...] = ()
    loose: bool = False
    bound: bool = False
    exact: bool = False


def limit_of(tree: Node, column: str, end: float, box: DataBox) -> Node | None:
    """What a formula tends to as a column goes to an end, for all others in their box.

    Parameters
    ----------
    tree
        The formula.
    column, end
        Which column goes where; to a number from the side on which the box lies.
    box
        Of all columns.

    Returns
    -------
    Node or None
        A formula in the other columns, or an infinite number; None where that could not be shown.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> from edgewise.forms.tree import render
    >>> box = DataBox(("x", "z"), np.array([1.0, 1.0]), np.array([2.0, 3.0]))
    >>> render(limit_of(parse("z*x/(2 + x)", ["x", "z"]).tree, "x", math.inf, box))
    'z'
    >>> limit_of(parse("x^9*exp(-z*x)", ["x", "z"]).tree, "x", math.inf, box)
    Number(value=0)
    >>> limit_of(parse("log(x)/z", ["x", "z"]).tree, "x", 0.0, box)
    Number(value=-inf)
    """
    at = box.names.index(column)
    t: Node = Variable(_T)
    if math.isinf(end):
        way = t if end > 0 else -t
    else:
        step = inverse(t)
        below = (box.low[at] + box.high[at]) / 2 < end
        place = Number(int(end) if float(end).is_integer() else end)
        way = place + (-step if below else step)
    others = {
        name: (low, high)
        for name, low, high in zip(box.names, box.low, box.high, strict=True)
        if name != column
    }
    return _Scales(others).limit(replaced(tree, {column: way}))


@dataclass(frozen=True)
class _Scales:
    """Rules over a box of the other columns; None says that nothing could be shown."""

    others: Mapping[str, tuple[float, float]]

    def limit(self, tree: Node) -> Node | None:
        part = self.part(self.plain(tree))
        return None if part is None else self.end(part)

    def end(self, part: _Part) -> Node | None:
        """Where a part goes."""
        grows = self.grows(part)
        if grows is None or (grows >= 0 and part.bound):
            return None
        if grows < 0:
            return _ZERO
        if grows > 0:
            sign = self.sign(part.c)
            return Number(sign * math.inf) if sign else None
        return part.c if self.finite(part.c) else None

    def grows(self, part: _Part) -> int | None:
        """Whether the scale grows, stays or shrinks: 1, 0 or -1."""
        if part.rates:
            return self.sign(part.rates[0][1])
        order = part.power or part.logs
        return (order > 0) - (order < 0)

    def part(self, tree: Node) -> _Part | None:
        if _T not in names_in(tree):
            return _Part(tree, exact=True) if self.finite(tree) else None
        if isinstance(tree, Variable):
            return _Part(_ONE, Fraction(1), exact=True)
        assert isinstance(tree, Apply)
        written = _cosh(tree.arguments[0]) if tree.function == "cosh" else spelled_out(tree)
        if written is not None:
            return self.part(written)
        if tree.function == "^" and _rational(tree.arguments[1]) is None:
            base, above = tree.arguments
            return self.part(apply("exp", above * apply("log", base)))
        if tree.function == "^":
            base, power = self.part(tree.arguments[0]), _rational(tree.arguments[1])
            return None if base is None or power is None else self.power(base, power)
        terms = self.opened(tree.arguments) if tree.function == "+" else tree.arguments
        parts = [self.part(term) for term in terms]
        known = [item for item in parts if item is not None]
        if len(known) < len(parts):
            return None
        if tree.function == "+":
            return self.sum(known)
        if tree.function == "log" and known[0].c == _ONE and self.grows(known[0]) == 0 and not known[0].bound:
            # log(v) is about v - 1 where v tends to 1.
            return self.part(self.plain(tree.arguments[0] + Number(-1)))
        if tree.function == "*":
            return self.product(known)
        if tree.function == _ABOUT:
            return replace(known[0], exact=False)
        if tree.function == "neg":
            return replace(known[0], c=self.plain(-known[0].c))
        if tree.function == "inv":
            return self.power(known[0], Fraction(-1))
        if tree.function in ("max", "min"):
            return self.larger(known[0], known[1], 1 if tree.function == "max" else -1)
        return self.function(tree.function, known[0]) if len(known) == 1 else None

    def opened(self, terms: Sequence[Node]) -> list[Node]:
        """The terms of a sum, with exp(u) as 1 + u and cos(u) as 1 - u^2/2 where u vanishes: others may take the 1 away."""
        found = list[Node]()
        for term in terms:
            inner = term.arguments[0] if isinstance(term, Apply) and term.function == "neg" else term
            if (
                not isinstance(inner, Apply)
                or inner.function not in ("exp", "cos")
                or not self.vanishes(inner.arguments[0])
            ):
                found.append(term)
                continue
            u = inner.arguments[0]
            # Beside u(1 + 1/t), which is no exact u, nothing cancels that must not.
            bent = multiplied([Number(-1), _HALF, u**2])
            rest = apply(_ABOUT, u if inner.function == "exp" else bent)
            found += [_ONE, rest] if inner is term else [Number(-1), -rest]
        return found

    def vanishes(self, u: Node) -> bool:
        part = self.part(u)
        return part is not None and self.grows(part) == -1

    def sum(self, parts: Sequence[_Part]) -> _Part | None:
        left = list(parts)
        while left:
            largest = left[0]
            for part in left[1:]:
                order = self.compare(largest, part)
                if order is None:
                    return None
                largest = part if order < 0 else largest
            alike = [part for part in left if part is largest or self.compare(largest, part) == 0]
            if len(alike) > 1 and any(item.loose for item in alike):
                return None
            left = [part for part in left if all(part is not one for one in alike)]
            bound, exact = any(item.bound for item in alike), all(item.exact for item in alike)
            c = largest.c if len(alike) == 1 else self.plain(summed(item.c for item in alike))
            if not (exact and c == _ZERO):
                return replace(largest, c=c, bound=bound, exact=exact and not left)
        return _Part(_ZERO, exact=True)

    def compare(self, first: _Part, second: _Part) -> int | None:
        """Whether the first scale is larger, the same or smaller: 1, 0 or -1."""
        ratio = self.product([replace(first, c=_ONE), self.inverse_scale(second)])
        return None if ratio is None else self.grows(ratio)

    def inverse_scale(self, part: _Part) -> _Part:
        rates = tuple((r, self.plain(-s)) for r, s in part.rates)
        return replace(part, c=_ONE, power=-part.power, logs=-part.logs, rates=rates)

    def product(self, parts: Sequence[_Part]) -> _Part | None:
        rates: dict[Fraction, Node] = {}
        for part in parts:
            for r, s in part.rates:
                rates[r] = s if r not in rates else self.plain(rates[r] + s)
        loose = any(part.loose for part in parts)
        top = max(rates, default=None)
        left = tuple(sorted(((r, s) for r, s in rates.items() if s != _ZERO), key=lambda one: -one[0]))
        if loose and (not left or left[0][0] != top):
            return None  # the smaller rates are not known
        return _Part(
            self.plain(multiplied(part.c for part in parts)),
            sum((part.power for part in parts), Fraction(0)),
            sum((part.logs for part in parts), Fraction(0)),
            left,
            loose,
            any(part.bound for part in parts),
            all(part.exact for part in parts),
        )

    def power(self, part: _Part, power: Fraction) -> _Part | None:
        whole, positive = power.denominator == 1, power > 0
        if not (whole and positive):
            sign = self.sign(part.c)
            if part.bound or not sign or (sign < 0 and not whole):
                return None
        exponent = _number(power)
        rates = tuple((r, self.plain(exponent * s)) for r, s in part.rates)
        coefficient = self.plain(part.c**exponent)
        return replace(part, c=coefficient, power=part.power * power, logs=part.logs * power, rates=rates)

    def larger(self, first: _Part, second: _Part, way: int) -> _Part | None:
        gap = self.sum([first, replace(second, c=self.plain(-second.c))])
        sign = None if gap is None or gap.bound else self.sign(gap.c)
        return (first if sign == way else second) if sign else None

    def function(self, name: str, u: _Part) -> _Part | None:
        """A function of one argument."""
        grows = self.grows(u)
        if grows is None:
            return None
        if grows < 0 and name in _LIKE_THEIR_ARGUMENT:
            return replace(u, exact=False)
        if name in ("sin", "cos") and (grows > 0 or u.bound):
            return _Part(_ONE, bound=True)
        if name == "log":
            return self.logarithm(u, grows)
        if name in ("abs", "sign", "step"):
            return self.by_sign(name, u)
        if u.bound and grows >= 0:
            return None
        if grows <= 0:
            return self.continuous(name, _ZERO if grows < 0 else u.c)
        sign = self.sign(u.c)
        if not sign:
            return None
        if name == "exp":
            rates = () if u.rates or u.logs else ((u.power, u.c),)
            return _Part(_ONE, rates=rates, loose=True) if rates else None
        if name == "floor":
            return replace(u, exact=False) if u.power > 0 or u.rates else None
        if name in ("tanh", "atan"):
            quarter = apply("asin", _ONE)
            end: Node = _ONE if name == "tanh" else quarter
            return _Part(self.plain(end if sign > 0 else -end))
        if name == "asinh" or (name == "acosh" and sign > 0):
            size = u if sign > 0 else replace(u, c=self.plain(-u.c))
            found = self.logarithm(size, grows)
            return found if found is None or sign > 0 else replace(found, c=self.plain(-found.c))
        return None

    def logarithm(self, u: _Part, grows: int) -> _Part | None:
        if u.bound or (self.sign(u.c) or 0) <= 0:
            return None
        if u.rates:
            return _Part(u.rates[0][1], u.rates[0][0])
        if u.power:
            return _Part(_number(u.power), logs=Fraction(1))
        return self.continuous("log", u.c) if grows == 0 else None

    def by_sign(self, name: str, u: _Part) -> _Part | None:
        sign = None if u.bound else self.sign(u.c)
        if name == "abs":
            return replace(u, c=self.plain(apply("abs", u.c)))
        if not sign:
            return None
        return _Part(Number(sign if name == "sign" else int(sign > 0)))

    def continuous(self, name: str, c: Node) -> _Part | None:
        """A function at the finite limit of its argument, where it is continuous on both sides."""
        inside = self.over(c)
        if name == "floor" or (name in ("asin", "acos") and not (inside.low[0] > -1 and inside.high[0] < 1)):
            return None
        if (name == "acosh" and not inside.low[0] > 1) or (name == "log" and not inside.low[0] > 0):
            return None
        value = self.plain(apply(name, c))
        return _Part(value) if self.finite(value) else None

    def sign(self, c: Node) -> int | None:
        """The sign that a coefficient has all over the box: 1, -1, or 0 for one that is zero; None where that is open."""
        if c == _ZERO:
            return 0
        found = self.over(c)
        return 1 if found.low[0] > 0 else -1 if found.high[0] < 0 else None

    def finite(self, c: Node) -> bool:
        found = self.over(c)
        return bool(np.isfinite(found.low[0]) and np.isfinite(found.high[0]))

    def over(self, c: Node) -> Intervals:
        sides = {name: Intervals(np.array([a]), np.array([b])) for name, (a, b) in self.others.items()}
        return enclose(c, sides or {"": Intervals(np.zeros(1), np.zeros(1))})

    def plain(self, tree: Node) -> Node:
        """The shortest writing that exact algebra gives."""
        return to_tree(from_tree(tree, (*self.others, _T)))


def _number(value: Fraction) -> Node:
    if value.denominator == 1:
        return Number(int(value))
    return Number(value.numerator) / value.denominator


def _rational(node: Node) -> Fraction | None:
    """The exact value of a constant made of numbers."""
    if isinstance(node, Number):
        return Fraction(node.value) if math.isfinite(node.value) else None
    if not isinstance(node, Apply) or node.function not in ("+", "*", "neg", "inv"):
        return None
    parts = [_rational(argument) for argument in node.arguments]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or (node.function == "inv" and not known[0]):
        return None
    if node.function == "+":
        return sum(known, Fraction(0))
    if node.function == "*":
        return math.prod(known, start=Fraction(1))
    return -known[0] if node.function == "neg" else 1 / known[0]


def _cosh(u: Node) -> Node:
    return _HALF * (apply("exp", u) + apply("exp", -u))
