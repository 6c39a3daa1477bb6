"""Constants and functions in the weights of equations that are to be found from data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from scipy.interpolate import BSpline

from edgewise._core.arguments import as_pair
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise.pde.terms.symbols import Coordinate, Expr


@dataclass(frozen=True)
class CoefficientFunction:
    """A function of one coordinate to be found from data: a cubic spline on equal intervals.

    Attributes
    ----------
    name, coordinate : str
    low, high : float
        The range of the coordinate.
    intervals : int
    """

    name: str
    coordinate: str
    low: float
    high: float
    intervals: int

    def basis(self, at: Floats) -> Floats:
        """Values of the intervals + 3 splines at places: (n,) -> (n, m)."""
        breaks = np.linspace(self.low, self.high, self.intervals + 1)
        knots = np.concatenate([[self.low] * 3, breaks, [self.high] * 3])
        inside = np.clip(np.asarray(at, dtype=float), self.low, self.high)
        return np.asarray(BSpline.design_matrix(inside, knots, 3).toarray())

    def tree(self, symbol: Any, weights: list[Any]) -> Any:
        """The spline as a sympy expression: 1, s, s^2, s^3 and the cubes of positive parts behind every break."""
        count = self.intervals + 3
        steps = np.linspace(0, self.intervals, count)
        powers = steps[:, None] ** np.arange(4)
        parts = np.maximum(steps[:, None] - np.arange(1, self.intervals), 0.0) ** 3
        places = self.low + (self.high - self.low) * steps / self.intervals
        change = np.linalg.solve(np.concatenate([powers, parts], axis=1), self.basis(places))
        place = (symbol - self.low) * (self.intervals / (self.high - self.low))
        found = [place**n for n in range(4)]
        found += [sp.Piecewise(((place - n) ** 3, place > n), (0, True)) for n in range(1, self.intervals)]
        return sum(
            own * sum(float(c) * weight for c, weight in zip(row, weights, strict=True) if abs(c) > 1e-12)
            for own, row in zip(found, change, strict=True)
        )


class ConstantSymbol(sp.Symbol):
    """The symbol of a constant, with a first guess and the range that it lies in."""

    guess: float
    low: float
    high: float
    function: CoefficientFunction | None

    def __new__(
        cls, name: str, guess: float, low: float, high: float, function: CoefficientFunction | None = None
    ) -> ConstantSymbol:
        # Symbols of one name are one object to sympy's cache, which would share guesses between problems.
        make: Any = sp.Symbol.__xnew__
        made = make(cls, name, real=True)
        made.guess, made.low, made.high, made.function = guess, low, high, function
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        # sympy's cache would put a constant of another problem with the same name in its place.
        return (*super()._hashable_content(), self.guess, self.low, self.high, self.function)


def constant(name: str, guess: float = 1.0, bounds: tuple[float, float] = (-math.inf, math.inf)) -> Expr:
    """A constant of an equation to be found from data, by `identify`.

    Parameters
    ----------
    name : str
    guess : float
        Where the search begins; the right size is enough.
    bounds : (float, float)
        The range that it lies in.

    Returns
    -------
    Expr

    Raises
    ------
    InputError
        Where the guess is outside the bounds, or the name is no word.

    Examples
    --------
    >>> from edgewise.pde import coordinates, dx, unknown
    >>> x, = coordinates("x")
    >>> u, k = unknown("u", x), constant("k", guess=0.5, bounds=(0, 10))
    >>> k * dx(u, x, 2) == -1
    k*Derivative(u(x), (x, 2)) == -1
    """
    if not isinstance(name, str) or not name.isidentifier():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            subject="The name of a constant",
            expected="be a word of letters, digits and '_', such as 'nu'",
            got=short(name),
        )
    low, high = as_pair(bounds, "bounds")
    check_float(guess, "guess")
    if not low <= guess <= high or not low < high:
        raise InputError(
            argument="guess",
            expected=f"lie within the bounds, {low:g} to {high:g}",
            got=f"{guess:g} for '{name}'",
        )
    return Expr(ConstantSymbol(name, float(guess), low, high))


def function(
    name: str,
    coordinate: Coordinate | Any,
    over: tuple[float, float],
    *,
    guess: float = 1.0,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    intervals: int = 4,
) -> Expr:
    """A function of one coordinate in the weights of an equation, such as a conductivity k(x), to be found from data.

    Parameters
    ----------
    name : str
    coordinate : Coordinate
        What it depends on.
    over : (float, float)
        The range of the coordinate in the domain.
    guess : float
        Where the search begins: a constant.
    bounds : (float, float)
        The range that its values lie in.
    intervals : int
        Of the cubic spline that it is taken to be; more follow finer detail, and ask for more data.

    Returns
    -------
    Expr

    Raises
    ------
    InputError
        Where the guess is outside the bounds, or the coordinate is none.

    Examples
    --------
    >>> from edgewise import pde
    >>> (x,) = pde.coordinates("x")
    >>> u, k = pde.unknown("u", x), pde.function("k", x, (0, 1), bounds=(0.1, 10))
    >>> equation = pde.dx(k * pde.dx(u, x), x) == -1
    """
    if not isinstance(coordinate, Coordinate):
        raise InputError(
            argument="coordinate", expected="be made by coordinates('x') or time('t')", got=short(coordinate)
        )
    low, high = (check_float(end, "over") for end in as_pair(over, "over"))
    if not low < high:
        raise InputError(
            argument="over",
            expected="be a range of the coordinate, such as (0, 1)",
            got=f"({low:g}, {high:g})",
        )
    check_int(intervals, "intervals", low=1, high=64)
    made = CoefficientFunction(name, coordinate.name, low, high, intervals)
    first = constant(name, guess, bounds).tree
    assert isinstance(first, ConstantSymbol)
    weights = [
        ConstantSymbol(f"{name}_{i:02d}", first.guess, first.low, first.high, made)
        for i in range(intervals + 3)
    ]
    return Expr(made.tree(coordinate.tree, weights))
