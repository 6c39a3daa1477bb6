"""Curves seen through the inverse of an outer function: where y = f(g(x)), f^-1(y) is the simpler curve g.

What the inverse stretches it makes less certain, so each point counts by the inverse square of its slope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms import parse
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import Node, Number
from edgewise.symbolic.univariate.curve import CurvePoints
from edgewise.symbolic.univariate.library import LibraryColumn
from edgewise.symbolic.univariate.trees import X, add, call, multiply, power


@dataclass(frozen=True)
class OuterFunction:
    """y = wrap(g): the inverse, the size of the inverse's slope, and where y may lie.

    `needs` is the function of the library that the outer one uses, if any.
    """

    name: str
    inverse: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    wrap: Callable[[Node], Node]
    admits: Callable[[Floats], bool]
    needs: str = ""


def _one_sign(y: Floats) -> bool:
    return bool((y > 0).all() or (y < 0).all())


def _not_negative(y: Floats) -> bool:
    return bool((y >= 0).all())


def _positive(y: Floats) -> bool:
    return bool((y > 0).all())


def _moderate(y: Floats) -> bool:
    return float(y.max() - y.min()) < 40 and float(np.abs(y).max()) < 200


def _within(low: float, high: float) -> Callable[[Floats], bool]:
    return lambda y: bool(y.min() >= low and y.max() <= high)


def _undoing(name: str, allowed: Callable[[Floats], bool]) -> OuterFunction:
    """A function of the catalogue."""
    inverse = parse(FUNCTIONS[name].inverse, ("x",))
    slope = inverse.derivative("x")
    return OuterFunction(
        name,
        lambda y: inverse.evaluate({"x": y}),
        lambda y: np.abs(slope.evaluate({"x": y})),
        lambda g: call(name, g),
        allowed,
        name,
    )


OUTERS: Sequence[OuterFunction] = (
    _undoing("exp", _positive),
    OuterFunction("inv", lambda y: 1 / y, lambda y: 1 / y**2, lambda g: call("inv", g), _one_sign),
    _undoing("sqrt", _not_negative),
    OuterFunction(
        "1/sqrt",
        lambda y: y**-2.0,
        lambda y: 2 * np.abs(y) ** -3.0,
        lambda g: call("inv", call("sqrt", g)),
        _positive,
        "sqrt",
    ),
    _undoing("log", _moderate),
    OuterFunction(
        "log/2",
        lambda y: np.exp(2 * y),
        lambda y: 2 * np.exp(2 * y),
        lambda g: multiply(Number(0.5), call("log", g)),
        _moderate,
        "log",
    ),
    OuterFunction(
        "2*log",
        lambda y: np.exp(y / 2),
        lambda y: np.exp(y / 2) / 2,
        lambda g: multiply(Number(2.0), call("log", g)),
        _moderate,
        "log",
    ),
    OuterFunction(
        "square",
        np.sqrt,
        lambda y: 0.5 / np.sqrt(np.maximum(y, 1e-300)),
        lambda g: power(g, 2),
        _not_negative,
    ),
    OuterFunction(
        "cube",
        np.cbrt,
        lambda y: 1 / (3 * np.maximum(np.cbrt(y) ** 2, 1e-200)),
        lambda g: power(g, 3),
        _one_sign,
    ),
    _undoing("asin", _within(-1.571, 1.571)),
    _undoing("acos", _within(0.0, 3.1416)),
    _undoing("atan", _within(-1.57, 1.57)),
    _undoing("tanh", _within(-1 + 1e-9, 1 - 1e-9)),
    _undoing("asinh", lambda y: float(np.abs(y).max()) < 20),
)


@dataclass(frozen=True, eq=False)
class InnerCurve:
    """The inner curve, and how its formula becomes one of y."""

    name: str
    points: CurvePoints
    wrap: Callable[[Node], Node]


def _factors(x: Floats) -> list[LibraryColumn]:
    """Powers of x that y may be divided by first."""
    if not (np.abs(x) > 0).all():
        return []
    return [
        LibraryColumn(X, x),
        LibraryColumn(power(X, 2), x**2),
        LibraryColumn(call("inv", X), 1 / x),
        LibraryColumn(power(X, 3), x**3),
    ]


def views(points: CurvePoints, allowed: frozenset[str]) -> Iterator[InnerCurve]:
    """The curve through every outer function that y allows: of y itself, of its opposite, less a whole number."""
    y = points.y
    for offset, sign in ((0.0, 1.0), (0.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)):
        # The sign only matters where the inverse needs y positive, the offset where it has no constant itself.
        for outer in OUTERS:
            if outer.needs and outer.needs not in allowed:
                continue
            if offset and outer.name not in ("exp", "inv", "sqrt", "1/sqrt", "square", "tanh"):
                continue
            if sign < 0 and outer.name not in ("exp", "sqrt", "1/sqrt", "square"):
                continue
            target = sign * (y - offset)
            with np.errstate(all="ignore"):
                if not outer.admits(target):
                    continue
                view = _view(points, target, outer, sign, offset)
            if view is not None:
                yield view
    for factor in _factors(points.x):
        target = y / factor.values
        for outer in OUTERS[:4]:
            if outer.name == "exp" or (outer.needs and outer.needs not in allowed):
                continue
            with np.errstate(all="ignore"):
                sign = 1.0 if outer.admits(target) else -1.0
                if not outer.admits(sign * target):
                    continue
                view = _view(points, sign * target, outer, sign, 0.0, factor)
            if view is not None:
                yield view


def _view(
    points: CurvePoints,
    target: Floats,
    outer: OuterFunction,
    sign: float,
    offset: float,
    factor: LibraryColumn | None = None,
) -> InnerCurve | None:
    inner = outer.inverse(target)
    slope = np.abs(outer.slope(target))
    scale = np.ones_like(target) if factor is None else np.abs(factor.values)
    # A point next to where the inverse has no slope or no bound must not decide everything.
    weight = points.weight * np.square(scale / np.maximum(slope, 1e-8))
    weight = np.minimum(weight, 1e6 * np.median(weight[np.isfinite(weight)]))
    inside = points.with_target(inner, weight)
    if inside is None or float(np.ptp(inside.y)) == 0:
        return None
    name = outer.name if factor is None else f"{outer.name}, factor"

    def wrap(node: Node) -> Node:
        value = multiply(Number(int(sign)), outer.wrap(node))
        if factor is not None:
            value = multiply(factor.tree, value)
        return add(value, Number(float(offset))) if offset else value

    return InnerCurve(name, inside, wrap)
