"""Numbers read exactly: what is close to a simple multiple of pi, a root, or a number that the problem itself holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from edgewise.pde.problem.problem import Problem
from edgewise.pde.terms.symbols import tree_of

_LARGEST = 1000
_SUMS = 16
# How many numbers as simple as the one found may lie as near by chance.
_BY_CHANCE = 0.05
_BASES = (
    sp.Integer(1),
    sp.pi,
    1 / sp.pi,
    sp.pi**2,
    sp.sqrt(sp.pi),
    1 / sp.sqrt(sp.pi),
    sp.sqrt(2),
    sp.sqrt(3),
)


@dataclass(frozen=True)
class Exact:
    """What a measured number may stand for: simple fractions of some numbers.

    Attributes
    ----------
    known : tuple of sympy numbers
        Of the problem.
    """

    known: tuple[Any, ...] = ()

    @cached_property
    def bases(self) -> tuple[tuple[Any, float], ...]:
        """Numbers whose fractions are tried, the most usual first."""
        more = [name for name in self.known if name not in _BASES]
        return tuple((basis, float(basis)) for basis in (*_BASES, *more))

    def __call__(self, value: float, tolerance: float) -> Any:
        """The simplest of them within an absolute tolerance; else the float."""
        if abs(value) <= tolerance:
            return sp.Integer(0)
        found: list[tuple[int, int, Any]] = []
        for n, (base, size) in enumerate(self.bases):
            ratio = Fraction(value / size).limit_denominator(_LARGEST)
            effort = abs(ratio.numerator) + ratio.denominator + (0 if n == 0 else 2)
            chance = effort**2 * (n + 1) * tolerance / abs(value)
            if ratio and chance <= _BY_CHANCE and abs(float(ratio) * size - value) <= tolerance:
                found.append((effort, n, sp.Rational(ratio.numerator, ratio.denominator) * base))
        if not found:
            found = list(self._roots(value, tolerance))
        return min(found, key=lambda root: root[:2])[2] if found else sp.Float(value)

    def _roots(self, value: float, tolerance: float) -> Iterator[tuple[int, int, Any]]:
        """Roots of a + b*pi^2, as frequencies of waves are: their squares are sums."""
        for b in range(1, _SUMS + 1):
            a = round(value**2 - b * np.pi**2)
            effort = abs(a) + b
            near = a and abs(np.sqrt(max(a + b * np.pi**2, 0.0)) - abs(value)) <= tolerance
            if near and effort**2 * (len(self.bases) + b) * tolerance / abs(value) <= _BY_CHANCE:
                yield effort, b, sp.sqrt(a + b * sp.pi**2) * (1 if value > 0 else -1)


def numbers_of(problem: Problem) -> Exact:
    """The numbers that the equations and conditions of a problem hold, with their squares and roots."""
    found: dict[Any, None] = {}

    def walk(tree: Any) -> None:
        if tree.is_number:
            if tree.is_real and not tree.is_zero and not tree.is_Integer:
                size = abs(tree)
                found.update(dict.fromkeys((size, sp.sqrt(size), size**2)))
            return
        if tree.is_Mul:
            number, rest = tree.as_independent(*tree.free_symbols, as_Add=False)
            if rest != tree:
                walk(number)
                tree = rest
        for argument in tree.args:
            walk(argument)

    for residual in residuals_of(problem):
        walk(residual)
    return Exact(tuple(none for none in found if 1e-6 < float(none) < 1e6)[:60])


def residuals_of(problem: Problem) -> Sequence[Any]:
    """What is zero by equations and conditions."""
    return [
        *(equation.residual for equation in problem.equations),
        *(condition.equation.residual for condition in problem.conditions),
    ]


def exact_bound(value: float) -> Any:
    """An end of a range: a multiple of pi where it is one to the last digits."""
    if value == 0 or value == round(value, 9):
        return tree_of(value)
    return Exact()(value, 1e-15 * abs(value))
