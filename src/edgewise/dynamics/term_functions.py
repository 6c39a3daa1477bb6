"""The functions that stand in terms of right-hand sides: of one variable or of two, some with a constant inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise.forms.tree import Apply, Node, Number


@dataclass(frozen=True)
class TermFunction:
    """A function of one or two variables and, where it has one, of an inner constant k.

    Attributes
    ----------
    word : str
        By which it is excluded.
    value, slopes : callable
        Of the variables and k; the slopes, one for each variable.
    inner : callable or None
        The slope in k; None where there is no inner constant.
    tree : callable
        The formula from those of the variables and k.
    nodes : float
        How much it takes to be written.
    arity : int
        How many variables it is of.
    power : int
        Inner constants have the unit of this power of the variable.
    either_sign : bool
        Whether the inner constant may be negative.
    """

    word: str
    value: Callable[..., Any]
    slopes: Callable[..., tuple[Any, ...]]
    inner: Callable[..., Any] | None
    tree: Callable[..., Node]
    nodes: float
    arity: int = 1
    power: int = 0
    either_sign: bool = False


def _saturation(power: int) -> TermFunction:
    def tree(z: Node, k: Node) -> Node:
        return Apply("inv", (Apply("+", (k, z if power == 1 else Apply("^", (z, Number(power))))),))

    return TermFunction(
        "saturation",
        lambda z, k: 1 / (k + z**power),
        lambda z, k: (-power * z ** (power - 1) / (k + z**power) ** 2,),
        lambda z, k: -1 / (k + z**power) ** 2,
        tree,
        3.5 if power == 1 else 4.5,
        power=power,
    )


def _plain(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> TermFunction:
    return TermFunction(
        name, lambda z, _: value(z), lambda z, _: (slope(z),), None, lambda z, _: Apply(name, (z,)), 2.5
    )


def _of_difference(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> TermFunction:
    return TermFunction(
        name,
        lambda a, b, _: value(a - b),
        lambda a, b, _: (slope(a - b), -slope(a - b)),
        None,
        lambda a, b, _: Apply(name, (Apply("+", (a, Apply("neg", (b,)))),)),
        3.5,
        2,
    )


_SLOPES: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda z: -np.sin(z)),
}


def _of_angles(one: str, other: str) -> TermFunction:
    (f, f_slope), (g, g_slope) = _SLOPES[one], _SLOPES[other]

    def tree(a: Node, b: Node, _: Node) -> Node:
        if a == b and one == other:
            return Apply("^", (Apply(one, (a,)), Number(2)))
        return Apply("*", (Apply(one, (a,)), Apply(other, (b,))))

    return TermFunction(
        "sin" if "sin" in (one, other) else "cos",
        lambda a, b, _: f(a) * g(b),
        lambda a, b, _: (f_slope(a) * g(b), f(a) * g_slope(b)),
        None,
        tree,
        5.0,
        2,
    )


def _of_distance(power: int) -> TermFunction:
    """A power of the length of the vector of two variables."""
    exponent: Node = Number(power)
    exponent = Apply("*", (exponent, Apply("inv", (Number(2),))))

    def tree(a: Node, b: Node, _: Node) -> Node:
        square = Apply("+", tuple(Apply("^", (z, Number(2))) for z in (a, b)))
        return Apply("sqrt", (square,)) if power == 1 else Apply("^", (square, exponent))

    def value(a: Any, b: Any, _: Any) -> Any:
        return (a * a + b * b) ** (power / 2)

    def slopes(a: Any, b: Any, _: Any) -> tuple[Any, Any]:
        outer = power * (a * a + b * b) ** (power / 2 - 1)
        return outer * a, outer * b

    return TermFunction("distance", value, slopes, None, tree, 5.0 if power == 1 else 6.5, 2)


def _scaled(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any], both: bool) -> TermFunction:
    return TermFunction(
        name,
        lambda z, k: value(k * z),
        lambda z, k: (k * slope(k * z),),
        lambda z, k: z * slope(k * z),
        lambda z, k: Apply(name, (Apply("*", (k, z)),)),
        3.5,
        power=-1,
        either_sign=both,
    )


def _tanh_slope(z: Any) -> Any:
    return 1 / np.cosh(z) ** 2


SATURATIONS = {f"hill{power}": power for power in (1, 2, 3, 4)}
SCALED = ("scaled exp", "scaled tanh")
FUNCTIONS: Mapping[str, TermFunction] = {
    "sin": _plain("sin", np.sin, np.cos),
    "cos": _plain("cos", np.cos, lambda z: -np.sin(z)),
    "exp": _plain("exp", np.exp, np.exp),
    "decay": TermFunction(
        "exp",
        lambda z, _: np.exp(-z),
        lambda z, _: (-np.exp(-z),),
        None,
        lambda z, _: Apply("exp", (Apply("neg", (z,)),)),
        3.0,
    ),
    "log": _plain("log", np.log, lambda z: 1 / z),
    "abs": _plain("abs", np.abs, np.sign),
    "tanh": _plain("tanh", np.tanh, _tanh_slope),
    **{name: _saturation(power) for name, power in SATURATIONS.items()},
    "scaled exp": _scaled("exp", np.exp, np.exp, both=True),
    "scaled tanh": _scaled("tanh", np.tanh, _tanh_slope, both=False),
    "sin of difference": _of_difference("sin", np.sin, np.cos),
    "cos of difference": _of_difference("cos", np.cos, lambda z: -np.sin(z)),
    "exp of difference": _of_difference("exp", np.exp, np.exp),
    "sin sin": _of_angles("sin", "sin"),
    "sin cos": _of_angles("sin", "cos"),
    "cos cos": _of_angles("cos", "cos"),
    "distance": _of_distance(1),
    "inverse distance": _of_distance(-1),
    "inverse cubed distance": _of_distance(-3),
}
