"""The functions that stand in terms of right-hand sides: of one variable or of two, some with constants inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgewise.dynamics.curve_functions import CURVES
from edgewise.dynamics.term_function import Span as Span
from edgewise.dynamics.term_function import TermFunction
from edgewise.forms.tree import Node, Number, apply, inverse


def _saturation(power: int) -> TermFunction:
    def tree(z: Node, k: Node) -> Node:
        return inverse(k + (z if power == 1 else z**power))

    return TermFunction(
        "saturation",
        lambda z, k: 1 / (k + z**power),
        lambda z, k: (-power * z ** (power - 1) / (k + z**power) ** 2,),
        lambda z, k: (-1 / (k + z**power) ** 2,),
        tree,
        3.5 if power == 1 else 4.5,
        reach=lambda k, z: k / z.size**power,
        constants=1,
        saturates=True,
    )


def _plain(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> TermFunction:
    nodes = 3.5 if name == "sin" else 4.0
    return TermFunction(name, value, lambda z: (slope(z),), None, lambda z: apply(name, z), nodes)


def _of_difference(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> TermFunction:
    return TermFunction(
        name,
        lambda a, b: value(a - b),
        lambda a, b: (slope(a - b), -slope(a - b)),
        None,
        lambda a, b: apply(name, a - b),
        4.0,
        2,
    )


_SLOPES: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda z: -np.sin(z)),
}


def _of_angles(one: str, other: str) -> TermFunction:
    (f, f_slope), (g, g_slope) = _SLOPES[one], _SLOPES[other]

    def tree(a: Node, b: Node) -> Node:
        if a == b and one == other:
            return apply(one, a) ** 2
        return apply(one, a) * apply(other, b)

    return TermFunction(
        "sin" if "sin" in (one, other) else "cos",
        lambda a, b: f(a) * g(b),
        lambda a, b: (f_slope(a) * g(b), f(a) * g_slope(b)),
        None,
        tree,
        5.0,
        2,
    )


def _of_distance(power: int) -> TermFunction:
    """A power of the length of the vector of two variables."""
    exponent = Number(power) / 2

    def tree(a: Node, b: Node) -> Node:
        square = a**2 + b**2
        return apply("sqrt", square) if power == 1 else square**exponent

    def value(a: Any, b: Any) -> Any:
        return (a * a + b * b) ** (power / 2)

    def slopes(a: Any, b: Any) -> tuple[Any, Any]:
        outer = power * (a * a + b * b) ** (power / 2 - 1)
        return outer * a, outer * b

    return TermFunction("distance", value, slopes, None, tree, 5.0 if power == 1 else 6.5, 2)


def _root_of_difference() -> TermFunction:
    """Where the first variable is the larger one."""
    return TermFunction(
        "sqrt",
        lambda a, b: np.sqrt(a - b),
        lambda a, b: (0.5 / np.sqrt(a - b), -0.5 / np.sqrt(a - b)),
        None,
        lambda a, b: apply("sqrt", a - b),
        4.0,
        2,
    )


def _over_sum() -> TermFunction:
    """What is shared out among two, such as contacts between the ill and the healthy."""
    return TermFunction(
        "saturation",
        lambda a, b: 1 / (a + b),
        lambda a, b: (-1 / (a + b) ** 2, -1 / (a + b) ** 2),
        None,
        lambda a, b: inverse(a + b),
        4.0,
        2,
    )


def _over_weighted_sum() -> TermFunction:
    """The same where the first counts k times: hunters that share their prey."""
    return TermFunction(
        "saturation",
        lambda a, b, k: 1 / (k * a + b),
        lambda a, b, k: (-k / (k * a + b) ** 2, -1 / (k * a + b) ** 2),
        lambda a, b, k: (-a / (k * a + b) ** 2,),
        lambda a, b, k: inverse(k * a + b),
        5.0,
        2,
        reach=lambda k, a, b: 3 * k * a.size / b.size,
        constants=1,
    )


def _activation() -> TermFunction:
    """How fast reactions go at a temperature (Arrhenius)."""
    return TermFunction(
        "exp",
        lambda z, k: np.exp(-k / z),
        lambda z, k: (k / z**2 * np.exp(-k / z),),
        lambda z, k: (-np.exp(-k / z) / z,),
        lambda z, k: apply("exp", -(k / z)),
        5.0,
        reach=lambda k, z: k / z.size,
        constants=1,
    )


_NOTHING = 1e-300


def _from_zero(z: Any) -> Any:
    """What starts at nothing, and is found to be a little less."""
    return np.maximum(z, _NOTHING)


def _any_power() -> TermFunction:
    return TermFunction(
        "sqrt",
        lambda z, k: _from_zero(z) ** k,
        lambda z, k: (np.where(z > _NOTHING, k * _from_zero(z) ** (k - 1), 0.0),),
        lambda z, k: (_from_zero(z) ** k * np.log(_from_zero(z)),),
        lambda z, k: z**k,
        4.5,
        reach=lambda k, _: abs(k),
        either_sign=True,
        constants=1,
    )


def _scaled(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any], both: bool) -> TermFunction:
    return TermFunction(
        name,
        lambda z, k: value(k * z),
        lambda z, k: (k * slope(k * z),),
        lambda z, k: (z * slope(k * z),),
        lambda z, k: apply(name, k * z),
        4.0,
        reach=lambda k, z: abs(k) * z.size,
        either_sign=both,
        constants=1,
    )


def _tanh_slope(z: Any) -> Any:
    return 1 / np.cosh(z) ** 2


def function_part(name: str) -> str:
    """The name of a function of terms as a part of the search."""
    return f"function: {name}"


SATURATIONS = {f"hill{power}": power for power in (1, 2, 3, 4)}
SCALED = ("scaled exp", "scaled tanh", "scaled sin", "scaled cos")
FUNCTIONS: Mapping[str, TermFunction] = {
    "sin": _plain("sin", np.sin, np.cos),
    "cos": _plain("cos", np.cos, lambda z: -np.sin(z)),
    "exp": _plain("exp", np.exp, np.exp),
    "decay": TermFunction(
        "exp",
        lambda z: np.exp(-z),
        lambda z: (-np.exp(-z),),
        None,
        lambda z: apply("exp", -z),
        4.0,
    ),
    "log": _plain("log", np.log, lambda z: 1 / z),
    "abs": _plain("abs", np.abs, np.sign),
    "tanh": _plain("tanh", np.tanh, _tanh_slope),
    **{name: _saturation(power) for name, power in SATURATIONS.items()},
    "scaled exp": _scaled("exp", np.exp, np.exp, both=True),
    "scaled tanh": _scaled("tanh", np.tanh, _tanh_slope, both=False),
    "scaled sin": _scaled("sin", np.sin, np.cos, both=False),
    "scaled cos": _scaled("cos", np.cos, lambda z: -np.sin(z), both=False),
    "activation": _activation(),
    "any power": _any_power(),
    "over sum": _over_sum(),
    "over weighted sum": _over_weighted_sum(),
    "abs of difference": _of_difference("abs", np.abs, np.sign),
    "root of difference": _root_of_difference(),
    "sin of difference": _of_difference("sin", np.sin, np.cos),
    "cos of difference": _of_difference("cos", np.cos, lambda z: -np.sin(z)),
    "exp of difference": _of_difference("exp", np.exp, np.exp),
    "sin sin": _of_angles("sin", "sin"),
    "sin cos": _of_angles("sin", "cos"),
    "cos cos": _of_angles("cos", "cos"),
    "distance": _of_distance(1),
    "inverse distance": _of_distance(-1),
    "inverse cubed distance": _of_distance(-3),
    **CURVES,
}
