"""Bases by name, and the grid each of them starts from."""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise._core.checks import check_choice, check_int
from edgewise._core.errors import InputError
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import MAX_DEGREE, BSpline
from edgewise.splines.global_bases import Chebyshev, Fourier, GaussianRBF, RationalChebyshev, check_domain
from edgewise.splines.grids import MOST_INTERVALS, check_breaks, uniform_grid
from edgewise.splines.pieces import make_pieces

BASES = ("bspline", "chebyshev", "fourier", "rbf", "rational")

# Every function of these bases lives on the whole domain, so that work grows with the square of their number.
_MOST_GLOBAL = 200
_ON_DOMAIN = {"chebyshev": Chebyshev, "fourier": Fourier, "rational": RationalChebyshev}


def make_basis(
    name: str, grid: Tensor, *, degree: int = 3, size: int | None = None, check: bool = True
) -> Basis:
    """Build a basis of edge functions from its name and its grid.

    Parameters
    ----------
    name : str
        "bspline", "chebyshev", "fourier", "rbf" or "rational".
    grid : Tensor
        Breaks (I, G + 1) for "bspline", centres (I, M - 2) for "rbf", ends of the domain (I, 2) for the others.
    degree : int
        Degree of the B-splines, 0 to 5; the other bases have none.
    size : int, optional
        Number of functions M. Needed where the grid does not give it: by "chebyshev", "fourier" and "rational".
    check : bool
        False trusts the numbers in the grid: for a grid that was checked when it was made, on the way through a network.

    Returns
    -------
    Basis

    Raises
    ------
    InputError
        If the name is unknown, the grid is not a strictly increasing table, or the size is missing or contradicts it.

    Examples
    --------
    >>> grid = default_grid("chebyshev", 0.0, 1.0, intervals=5, degree=3)
    >>> make_basis("chebyshev", grid, size=8).size
    8
    """
    check_choice(name, "basis", BASES)
    if name in _ON_DOMAIN:
        if size is None:
            raise InputError(argument="size", expected=f"be an int of at least 1 for {name!r}", got="None")
        check_int(size, "size", low=1)
        if check:
            check_domain(grid)
        return _ON_DOMAIN[name](grid, size)
    if check:
        check_breaks(grid)
    if name == "bspline":
        check_int(degree, "degree", low=0, high=5)
        basis = BSpline(grid, degree, make_pieces(grid, degree))
    else:
        basis = GaussianRBF(grid)
    if size is not None and size != basis.size:
        raise InputError(
            argument="size",
            expected=f"be {basis.size}, the number of functions this grid gives, or left out",
            got=size,
        )
    return basis


def most_intervals(name: str) -> int:
    """The most intervals a layer of this basis may have."""
    return MOST_INTERVALS if name == "bspline" else _MOST_GLOBAL


def default_grid(
    name: str, low: Tensor | float, high: Tensor | float, intervals: int, degree: int = 3
) -> Tensor:
    """Grid over [low, high] that gives a basis of `intervals + degree` functions.

    Parameters
    ----------
    name : str
        Name of the basis, as for `make_basis`.
    low, high : float or Tensor, shape (I,)
        Ends of the domain of each input.
    intervals, degree : int
        Intervals G and degree k of a spline; the other bases get as many functions, G + k.

    Returns
    -------
    Tensor, shape (I, K)
        float64: K is G + 1 for "bspline", G + k - 2 for "rbf" and 2 for the others.

    Examples
    --------
    >>> default_grid("rbf", -1.0, 1.0, intervals=4, degree=3)
    tensor([[-1.0000, -0.5000,  0.0000,  0.5000,  1.0000]], dtype=torch.float64)
    """
    check_choice(name, "basis", BASES)
    check_int(intervals, "intervals", low=1, high=most_intervals(name))
    check_int(degree, "degree", low=0, high=MAX_DEGREE)
    if name == "bspline":
        return uniform_grid(low, high, intervals)
    if name == "rbf":
        if intervals + degree < 4:
            raise InputError(
                subject="The 'rbf' basis is a line and at least two Gaussians: intervals + degree",
                expected="be at least 4",
                got=intervals + degree,
                advice="use more intervals",
            )
        return uniform_grid(low, high, intervals + degree - 3)
    ends = torch.stack([torch.as_tensor(end, dtype=torch.float64).reshape(-1) for end in (low, high)], 1)
    check_domain(ends)
    return ends
