"""Measured values at scattered places, beside the equations that they are to obey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_vector, plural, short
from edgewise._core.errors import InputError
from edgewise.pde.terms.symbols import Coordinate, Expr


@dataclass(frozen=True, eq=False)
class Data:
    """Measured values of a term.

    Attributes
    ----------
    term : Expr
        What was measured: an unknown, a derivative, a sum of such.
    places : dict of str to ndarray
        For each coordinate, where.
    values : ndarray, shape (n,)
    sigma : float or None
        Standard deviation of the noise; None where it is to be seen from the values.
    """

    term: Expr
    places: dict[str, Floats]
    values: Floats
    sigma: float | None


def data(
    term: Expr | Any, places: Mapping[Coordinate | Any, Any] | Any, values: Any, *, sigma: float | None = None
) -> Data:
    """Measured values of a term at scattered places.

    Parameters
    ----------
    term : Expr
        What was measured: `u`, or `dx(psi, y)`.
    places : mapping of Coordinate to array, shape (n,)
    values : array, shape (n,)
    sigma : float, optional
        Standard deviation of the noise, in units of the values; estimated where it is left out.

    Returns
    -------
    Data

    Raises
    ------
    InputError
        Where arrays are of different lengths, or hold what is no number.

    Examples
    --------
    >>> from edgewise.pde import coordinates, unknown
    >>> x, = coordinates("x")
    >>> data(unknown("u", x), {x: [0.1, 0.4]}, [1.0, 2.0], sigma=0.1).values
    array([1., 2.])
    """
    if not isinstance(term, Expr):
        raise InputError(argument="term", expected="be an unknown or a term of unknowns", got=short(term))
    if not isinstance(places, Mapping) or not all(isinstance(place, Coordinate) for place in places):
        raise InputError(argument="places", expected="be an array for each coordinate, {x: [...], t: [...]}")
    wanted = check_vector(values, "values")
    at = {name.name: check_vector(value, f"places['{name.name}']") for name, value in places.items()}
    for name, array in at.items():
        if len(array) != len(wanted):
            raise InputError(
                subject="Places and values of data",
                expected="be of one length",
                got=f"{plural(len(array), 'place')} of '{name}' and {plural(len(wanted), 'value')}",
            )
    if sigma is not None:
        check_float(sigma, "sigma", low=0.0, closed=False)
    return Data(term, at, wanted, sigma)
