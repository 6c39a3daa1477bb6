"""Elementwise functions of tensors and of arrays alike: torch has the ones, numpy the others, which do not load torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise.forms.tree import Node, apply

# A Tensor or an array of float64; functions return what they are given; most take nodes of formulas, too.
Values = Any

_ARRAYS = (np.ndarray, np.generic, float, int)


def is_array(x: Values) -> bool:
    """Whether numpy has it, and not torch."""
    return isinstance(x, _ARRAYS)


def library(x: Values) -> Any:
    """The library that x belongs to: numpy or torch."""
    return np if is_array(x) else sys.modules["torch"]


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A function that both libraries have; of a node of a formula it makes a node.

    Attributes
    ----------
    name : str
        In formulas.
    array : callable
        Of arrays and numbers.
    tensor : callable or str
        Of tensors, or torch's name for it.

    Examples
    --------
    >>> Elementwise("square", np.square)(np.array([1.0, 3.0]))
    array([1., 9.])
    """

    name: str
    array: Callable[..., Values]
    tensor: Callable[..., Values] | str = ""

    def __call__(self, *arguments: Values) -> Values:
        first = arguments[0]
        if is_array(first):
            return self.array(*arguments)
        if isinstance(first, Node):
            return apply(self.name, *arguments)
        function = self.tensor or self.name
        return (getattr(sys.modules["torch"], function) if isinstance(function, str) else function)(
            *arguments
        )


exp, expm1, log = Elementwise("exp", np.exp), Elementwise("expm1", np.expm1), Elementwise("log", np.log)
sqrt, rsqrt = Elementwise("sqrt", np.sqrt), Elementwise("rsqrt", lambda x: 1 / np.sqrt(x))
sin, cos, tan = Elementwise("sin", np.sin), Elementwise("cos", np.cos), Elementwise("tan", np.tan)
asin, acos = Elementwise("asin", np.arcsin), Elementwise("acos", np.arccos)
atan = Elementwise("atan", np.arctan)
sinh, cosh, tanh = Elementwise("sinh", np.sinh), Elementwise("cosh", np.cosh), Elementwise("tanh", np.tanh)
asinh, acosh = Elementwise("asinh", np.arcsinh), Elementwise("acosh", np.arccosh)
atanh = Elementwise("atanh", np.arctanh)
absolute, sign = Elementwise("abs", np.abs), Elementwise("sign", np.sign)
floor, remainder = Elementwise("floor", np.floor), Elementwise("mod", np.mod, "remainder")
maximum, minimum = Elementwise("max", np.maximum, "maximum"), Elementwise("min", np.minimum, "minimum")
# In this form it keeps its digits where it is small.
sigmoid = Elementwise("sigmoid", lambda x: np.exp(-np.logaddexp(0.0, -x)))
gaussian = Elementwise("gaussian", lambda x: np.exp(-x * x), lambda x: exp(-x * x))
# 1 where x >= 0, else 0; what is no number stays none.
step = Elementwise(
    "step",
    lambda x: np.heaviside(x, 1.0),
    lambda x: library(x).where(x >= 0, ones_like(x), library(x).where(x < 0, zeros_like(x), x)),
)
reciprocal = Elementwise("reciprocal", np.reciprocal)
ones_like, zeros_like = Elementwise("ones_like", np.ones_like), Elementwise("zeros_like", np.zeros_like)


def power(x: Values, exponent: float) -> Values:
    """x to a fixed power; small whole ones are products, as torch has them by itself."""
    if not is_array(x) or exponent not in (1, 2, 3, 4, 5, -1, -2, -3):
        return x**exponent
    size, square = abs(exponent), x * x
    found = x if size == 1 else square if size == 2 else square * x if size == 3 else square * square
    found = found * x if size == 5 else found
    return found if exponent > 0 else 1 / found
