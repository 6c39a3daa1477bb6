"""Functions with a pole, and with two or three constants inside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgewise.dynamics.term_function import Span, TermFunction
from edgewise.forms.tree import Node, apply, inverse, summed

# Middles of steps lie at most so many widths beyond what a variable goes through, poles so near and so far.
_BEYOND = 0.5


def _pole(power: int) -> TermFunction:
    """A power of one over k - z, for k beyond all z: plates that attract each other, crowds that jam."""

    def reach(k: float, z: Span) -> float:
        gap = k - z.high if k > z.high else z.low - k
        return z.width / gap if gap > 0 else math.nan

    def tree(z: Node, k: Node) -> Node:
        return inverse(k - z if power == 1 else (k - z) ** power)

    return TermFunction(
        "saturation",
        lambda z, k: (k - z) ** -float(power),
        lambda z, k: (power * (k - z) ** -float(power + 1),),
        lambda z, k: (-power * (k - z) ** -float(power + 1),),
        tree,
        4.5 if power == 1 else 5.5,
        reach=reach,
        either_sign=True,
        constants=1,
    )


def _sigmoid(u: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * u))


def _logistic() -> TermFunction:
    """A step of any place and width: gates of nerves, populations of them, a climate's ice."""

    def slope(z: Any, k: Any, c: Any) -> Any:
        s = _sigmoid(k * (z - c))
        return s * (1 - s)

    def reach(k: float, c: float, z: Span) -> float:
        inside = z.low - _BEYOND * z.width <= c <= z.high + _BEYOND * z.width
        return abs(k) * z.width / 2 if inside else math.nan

    return TermFunction(
        "tanh",
        lambda z, k, c: _sigmoid(k * (z - c)),
        lambda z, k, c: (k * slope(z, k, c),),
        lambda z, k, c: ((z - c) * slope(z, k, c), -k * slope(z, k, c)),
        lambda z, k, c: inverse(1 + apply("exp", -(k * (z - c)))),
        6.0,
        reach=reach,
        either_sign=True,
        constants=2,
    )


def _logistic_of_two() -> TermFunction:
    """A step in a sum of two variables, each with its weight: neurons that drive and quiet one another."""

    def slope(a: Any, b: Any, k: Any, m: Any, c: Any) -> Any:
        s = _sigmoid(k * a + m * b - c)
        return s * (1 - s)

    def tree(a: Node, b: Node, k: Node, m: Node, c: Node) -> Node:
        return inverse(1 + apply("exp", c - (k * a + m * b)))

    return TermFunction(
        "tanh",
        lambda a, b, k, m, c: _sigmoid(k * a + m * b - c),
        lambda a, b, k, m, c: (k * slope(a, b, k, m, c), m * slope(a, b, k, m, c)),
        lambda a, b, k, m, c: (
            a * slope(a, b, k, m, c),
            b * slope(a, b, k, m, c),
            -slope(a, b, k, m, c),
        ),
        tree,
        8.0,
        2,
        reach=lambda k, m, _, a, b: (abs(k) * a.width + abs(m) * b.width) / 2,
        either_sign=True,
        constants=3,
    )


def _quadratic() -> TermFunction:
    """What too much of it stops again (J. B. S. Haldane 1930, Enzymes)."""
    return TermFunction(
        "saturation",
        lambda z, k, c: 1 / (k + c * z + z * z),
        lambda z, k, c: (-(c + 2 * z) / (k + c * z + z * z) ** 2,),
        lambda z, k, c: (-1 / (k + c * z + z * z) ** 2, -z / (k + c * z + z * z) ** 2),
        lambda z, k, c: inverse(summed([k, c * z, z**2])),
        6.0,
        reach=lambda k, _, z: k / z.size**2 if k > 0 else math.inf,
        either_sign=True,
        constants=2,
        saturates=True,
        simpler=("hill2", (0,)),
    )


def _two_saturations() -> TermFunction:
    """Each of two variables with a saturation of its own (J. Monod)."""
    return TermFunction(
        "saturation",
        lambda a, b, k, m: 1 / ((k + a) * (m + b)),
        lambda a, b, k, m: (-1 / ((k + a) ** 2 * (m + b)), -1 / ((k + a) * (m + b) ** 2)),
        lambda a, b, k, m: (-1 / ((k + a) ** 2 * (m + b)), -1 / ((k + a) * (m + b) ** 2)),
        lambda a, b, k, m: inverse((k + a) * (m + b)),
        6.0,
        2,
        reach=lambda k, m, a, b: max(k / a.size, m / b.size),
        constants=2,
        saturates=True,
    )


def _over_sum_and_constant() -> TermFunction:
    """Both slow the rate down (J. R. Beddington 1975, doi:10.2307/3866; D. L. DeAngelis and others 1975,
    doi:10.2307/1936298)."""
    return TermFunction(
        "saturation",
        lambda a, b, k, m: 1 / (k + m * a + b),
        lambda a, b, k, m: (-m / (k + m * a + b) ** 2, -1 / (k + m * a + b) ** 2),
        lambda a, b, k, m: (-1 / (k + m * a + b) ** 2, -a / (k + m * a + b) ** 2),
        lambda a, b, k, m: inverse(summed([k, m * a, b])),
        6.0,
        2,
        reach=lambda k, m, a, b: k / min(m * a.size, b.size),
        constants=2,
        saturates=True,
        simpler=("over weighted sum", (1,)),
    )


CURVES: Mapping[str, TermFunction] = {
    "pole": _pole(1),
    "double pole": _pole(2),
    "logistic": _logistic(),
    "logistic of two": _logistic_of_two(),
    "quadratic": _quadratic(),
    "two saturations": _two_saturations(),
    "over sum and constant": _over_sum_and_constant(),
}
