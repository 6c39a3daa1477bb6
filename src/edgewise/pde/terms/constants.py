"""Constants of equations that data are to tell."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

from edgewise._core.checks import check_float
from edgewise._core.errors import InputError
from edgewise.pde.terms.symbols import Expr


class ConstantSymbol(sp.Symbol):
    """The symbol of a constant, with a first guess and the range that it lies in."""

    guess: float
    low: float
    high: float

    def __new__(cls, name: str, guess: float, low: float, high: float) -> ConstantSymbol:
        # Symbols of one name are one object to sympy's cache, which would share guesses between problems.
        make: Any = sp.Symbol.__xnew__
        made = make(cls, name, real=True)
        made.guess, made.low, made.high = guess, low, high
        return made


def constant(name: str, guess: float = 1.0, bounds: tuple[float, float] = (-math.inf, math.inf)) -> Expr:
    """A constant of an equation that data are to tell, by `identify`.

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
    if not name.isidentifier():
        raise InputError(
            f"The name of a constant must be a word of letters, digits and '_', such as 'nu'. Got {name!r}."
        )
    low, high = (float(end) for end in bounds)
    check_float(guess, "guess", of="constant")
    if not low <= guess <= high or not low < high:
        raise InputError(
            f"The 'guess' parameter of constant must lie within the bounds, {low:g} to {high:g}. Got {guess:g} for '{name}'."
        )
    return Expr(ConstantSymbol(name, float(guess), low, high))
