"""Functions of y that a sum, or a ratio of sums, may be: y itself, its square, its logarithm, its sine.

What is linear in its constants is fitted to the transformed target, and the function that undoes it is put around the fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, substitute, summed
from edgewise.symbolic.structure.state import TOO_LARGE, product


@dataclass(frozen=True, slots=True)
class TransformedTarget:
    """y = tree(u) where u = value(y): for |y| and its sign unless `anywhere`."""

    tree: str
    value: Callable[[Floats], Floats]
    anywhere: bool = False
    low: float = -math.inf
    high: float = math.inf


# Noise may carry an angle a little beyond its range.
_OVER = 0.15
_QUARTER = math.pi / 2 + _OVER

OUTERS = (
    TransformedTarget("u", lambda y: y, anywhere=True),
    TransformedTarget("s*sqrt(u)", np.square),
    TransformedTarget("s/u", lambda y: 1 / y),
    TransformedTarget("s/sqrt(u)", lambda y: y**-2.0),
    TransformedTarget("s*u^(3/2)", lambda y: y ** (2 / 3)),
    TransformedTarget("s/u^(3/2)", lambda y: y ** (-2 / 3)),
    TransformedTarget("s*exp(u)", np.log),
    TransformedTarget("log(u)", np.exp, anywhere=True, high=300.0),
    TransformedTarget("s*u^2", np.sqrt),
    TransformedTarget("s/u^2", lambda y: y**-0.5),
    TransformedTarget("asin(u)", np.sin, anywhere=True, low=-_QUARTER, high=_QUARTER),
    TransformedTarget("s*acos(u)", np.cos, low=0.0, high=math.pi + _OVER),
    TransformedTarget("tan(u)", np.arctan, anywhere=True),
    TransformedTarget("atan(u)", np.tan, anywhere=True, low=-1.57, high=1.57),
)


@dataclass(frozen=True, eq=False)
class TargetFunction:
    """A function of y, the values of y that it is taken of, and its own."""

    outer: TransformedTarget
    y: Floats
    values: Floats


def transformed(
    y: Floats, outers: Sequence[TransformedTarget] = OUTERS, *, astray: float = 0.0, about_zero: float = 0.0
) -> tuple[int, NDArray[np.bool_], list[TargetFunction]]:
    """The sign of y, the rows that noise has turned, and the functions of y that have values.

    Parameters
    ----------
    y
        The target, (n,).
    outers
        Functions to try.
    astray, about_zero
        Noise about zero turns the sign of at most this share of the rows, and by at most this share of the largest; zero
        where there is none.
    """
    sign, off = _sign(y, astray, about_zero)
    # Where noise has turned a sign, only y itself is known.
    positive = np.where(off, sign * np.median(np.abs(y)), y)
    found: list[TargetFunction] = []
    for outer in outers:
        own = y if outer.anywhere else positive
        values = target_values(outer, own, sign)
        if values is not None:
            found.append(TargetFunction(outer, own, values))
    return sign, off, found


def _sign(y: Floats, astray: float, about_zero: float) -> tuple[int, NDArray[np.bool_]]:
    """The sign of y, and the rows that noise may have given the other one; 0 where y has none."""
    sign = 1 if 2 * int((y > 0).sum()) >= len(y) else -1
    off = sign * y <= 0
    if off.any() and (off.mean() > astray or np.abs(y[off]).max() > about_zero * np.abs(y).max()):
        return 0, np.zeros(len(y), dtype=bool)
    return sign, off


def target_values(outer: TransformedTarget, y: Floats, sign: int) -> Floats | None:
    """The function of y that an outer function undoes; None where it has no values."""
    if not outer.anywhere:
        if sign == 0:
            return None
        y = np.abs(y)
    if y.min() < outer.low or y.max() > outer.high:
        return None
    with np.errstate(all="ignore"):
        values = outer.value(y)
    good = (
        np.isfinite(values).all()
        and np.abs(values).max() < TOO_LARGE
        and np.ptp(values) > 1e-9 * np.abs(values).max()
    )
    return values if good else None


def outside(outer: TransformedTarget, tree: Node, sign: int) -> Node:
    """The outer function of a tree."""
    outside = read(outer.tree, ("u", "s"))
    return substitute(substitute(outside, "s", Number(sign or 1)), "u", tree)


def linear(trees: Sequence[Node], weights: Floats) -> Node:
    """The weighted sum of some trees."""
    parts = tuple(
        Number(float(weight)) if tree == Number(1) else product(Number(float(weight)), tree)
        for tree, weight in zip(trees, weights, strict=True)
    )
    return summed(parts)
