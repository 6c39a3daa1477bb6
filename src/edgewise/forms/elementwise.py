"""Elementwise functions of tensors and of arrays alike: torch has the ones, numpy the others, which do not load torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

# A Tensor or an array of float64; functions return what they are given.
Values = Any

_ARRAYS = (np.ndarray, np.generic, float, int)


def is_array(x: Values) -> bool:
    """Whether numpy has it, and not torch."""
    return isinstance(x, _ARRAYS)


def library(x: Values) -> Any:
    """The library that x belongs to: numpy or torch."""
    return np if is_array(x) else sys.modules["torch"]


def elementwise(name: str, array: Callable[..., Values] | None = None) -> Callable[..., Values]:
    """A function that both libraries have, by torch's name; and numpy's, where that is another.

    Examples
    --------
    >>> elementwise("square")(np.array([1.0, 3.0]))
    array([1., 9.])
    """
    of_arrays = array or getattr(np, name)

    def function(*arguments: Values) -> Values:
        if is_array(arguments[0]):
            return of_arrays(*arguments)
        return getattr(sys.modules["torch"], name)(*arguments)

    return function


exp, expm1, log, sqrt = (elementwise(name) for name in ("exp", "expm1", "log", "sqrt"))
sin, cos, tan = (elementwise(name) for name in ("sin", "cos", "tan"))
asin, acos, atan = (
    elementwise("asin", np.arcsin),
    elementwise("acos", np.arccos),
    elementwise("atan", np.arctan),
)
sinh, cosh, tanh = (elementwise(name) for name in ("sinh", "cosh", "tanh"))
asinh, acosh, atanh = (
    elementwise("asinh", np.arcsinh),
    elementwise("acosh", np.arccosh),
    elementwise("atanh", np.arctanh),
)
absolute, sign, floor = elementwise("abs"), elementwise("sign"), elementwise("floor")
maximum, minimum, remainder = (elementwise(name) for name in ("maximum", "minimum", "remainder"))
sigmoid = elementwise("sigmoid", lambda x: np.exp(-np.logaddexp(0.0, -x)))
reciprocal, rsqrt = elementwise("reciprocal"), elementwise("rsqrt", lambda x: 1 / np.sqrt(x))
ones_like, zeros_like = elementwise("ones_like"), elementwise("zeros_like")


def power(x: Values, exponent: float) -> Values:
    """x to a fixed power; small whole ones are products, as torch has them by itself."""
    if not is_array(x) or exponent not in (1, 2, 3, 4, 5, -1, -2, -3):
        return x**exponent
    size, square = abs(exponent), x * x
    found = x if size == 1 else square if size == 2 else square * x if size == 3 else square * square
    found = found * x if size == 5 else found
    return found if exponent > 0 else 1 / found


def gaussian(x: Values) -> Values:
    """exp(-x^2)."""
    return exp(-x * x)


def step(x: Values) -> Values:
    """1 where x >= 0, else 0; what is no number stays none."""
    where = library(x).where
    return where(x >= 0, ones_like(x), where(x < 0, zeros_like(x), x))
