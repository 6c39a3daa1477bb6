"""B-splines of any degree on uniform or non-uniform breaks, with linear C1 tails."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.splines.basis import quadrature_gram
from edgewise.splines.grids import check_breaks
from edgewise.splines.pieces import (
    GridPieces,
    equal_widths,
    extended_knots,
    live_values,
    locate,
    make_pieces,
)

MAX_DEGREE = 5


@dataclass(frozen=True, eq=False)
class BSpline:
    """The B-spline basis of a grid: M = G + k functions for each input.

    Inside the grid the functions sum to one. Outside it each continues linearly with its end value and end slope, so an
    edge function is C1 there and never falls into a dead zone. A NaN input gives NaN.

    Parameters
    ----------
    breaks : Tensor, shape (I, G + 1)
        Strictly increasing.
    degree : int
        Polynomial degree k, 0 to 5.
    pieces : GridPieces, optional
        The table of pieces, when it is at hand already.

    Examples
    --------
    >>> basis = BSpline(torch.linspace(0, 1, 6, dtype=torch.float64)[None], 3)
    >>> x = torch.rand(7, 1, dtype=torch.float64)
    >>> bool(torch.allclose(basis.values(x).sum(-1), torch.ones(7, 1, dtype=torch.float64)))
    True

    References
    ----------
    C. de Boor, "A Practical Guide to Splines", revised edition, 2001.
    """

    breaks: Tensor
    degree: int = 3
    pieces: GridPieces | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.degree <= MAX_DEGREE:
            raise InputError(
                argument="degree", expected=f"be an int in the range [0, {MAX_DEGREE}]", got=self.degree
            )
        if self.pieces is None:
            check_breaks(self.breaks)
            object.__setattr__(self, "pieces", make_pieces(self.breaks, self.degree))

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "bspline"

    @property
    def grid(self) -> Tensor:
        """The table, shape (I, K), that fixes the functions."""
        return self.breaks

    @property
    def intervals(self) -> int:
        """Number of intervals G."""
        return self.breaks.shape[-1] - 1

    @property
    def size(self) -> int:
        """Number of functions M."""
        return self.intervals + self.degree

    @property
    def domain(self) -> Tensor:
        """Range of each input, shape (I, 2)."""
        return self.breaks[:, [0, -1]]

    @property
    def one(self) -> Tensor:
        """Coefficients of the function that is 1 everywhere, shape (M,)."""
        return torch.ones(self.size, dtype=self.breaks.dtype, device=self.breaks.device)

    def live(self, x: Tensor, order: int = 0) -> tuple[Tensor, Tensor]:
        """Number of the first live function (B, I) and the k + 1 live values (B, I, k + 1) of every x."""
        assert self.pieces is not None
        piece = locate(self.breaks, x)
        return piece.clamp(1, self.intervals) - 1, live_values(self.pieces, piece, x, order)

    def values(self, x: Tensor, order: int = 0) -> Tensor:
        """Derivative of the given order of every function: (B, I) -> (B, I, M)."""
        first, live = self.live(x, order)
        index = first[..., None] + torch.arange(self.degree + 1, device=x.device)
        room = torch.zeros_like(torch.nn.functional.pad(live, (0, self.size - self.degree - 1)))
        return room.scatter(-1, index, live)

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        # Products of two derivatives have degree 2 (k - order): k + 1 Gauss nodes are exact for every order.
        return quadrature_gram(self, order, self.breaks, self.degree + 1)

    def jumps(self) -> Tensor:
        """Jumps of the k-th derivative at the inner breaks, shape (I, G - 1, M), scaled to the grid's span.

        They vanish exactly for polynomials of degree k: the natural stand-in for the (k + 1)-th derivative of a spline.
        """
        assert self.pieces is not None
        k, n = self.degree, self.intervals
        span = (self.breaks[:, -1] - self.breaks[:, 0])[:, None, None]
        width = self.pieces.width[:, 1:-1, None]
        top = self.pieces.table[:, 1:-1, :, k] * (span / width) ** k
        rows = top.new_zeros(top.shape[0], n, self.size)
        index = torch.arange(n, device=top.device)[:, None] + torch.arange(k + 1, device=top.device)
        rows = rows.scatter(-1, index.expand(top.shape[0], -1, -1), top)
        return rows.diff(dim=1)

    def greville(self) -> Tensor:
        """Greville abscissae, shape (I, M): coefficients equal to them give the identity function (degree >= 1)."""
        if self.degree == 0:
            return (self.breaks[:, 1:] + self.breaks[:, :-1]) / 2
        knots = extended_knots(self.breaks, self.degree)
        return knots[:, 1:-1].unfold(1, self.degree, 1).mean(-1)

    def refine(self, breaks: Tensor) -> Tensor:
        """Matrix (I, M', M) that takes coefficients to those of the same function on finer breaks.

        Parameters
        ----------
        breaks : Tensor, shape (I, G' + 1)
            Must contain the present breaks of every input.

        Raises
        ------
        InputError
            If a present break is missing from the finer ones or the ends differ.

        Notes
        -----
        A new coefficient is the polar form (blossom) of the polynomial on the middle interval of its support, taken at its
        k inner knots (L. Ramshaw, "Blossoms are polar forms", 1989, doi:10.1016/0167-8396(89)90032-0).
        """
        old, fine = self.breaks, breaks.shape[-1] - 1
        even = old.dtype == torch.float64 and old.ndim == 2 and equal_widths(old) and equal_widths(breaks)
        if fine % self.intervals or not even or not old.is_cpu:
            return knot_insertion(old, breaks, self.degree)
        check_breaks(breaks)
        _check_nested(old, breaks)
        unit = torch.from_numpy(_unit_insertion(self.degree, self.intervals, fine))
        return unit.to(old.dtype).expand(len(old), -1, -1)


@lru_cache(maxsize=32)
def _unit_insertion(degree: int, intervals: int, fine: int) -> NDArray[np.float64]:
    """The matrix (M', M) for equal intervals, whatever the ends."""
    old, new = (torch.arange(0, n + 1, dtype=torch.float64, device="cpu")[None] for n in (intervals, fine))
    return knot_insertion(old * (fine // intervals), new, degree)[0].numpy()


def knot_insertion(old: Tensor, new: Tensor, degree: int) -> Tensor:
    """See `BSpline.refine`."""
    check_breaks(new)
    _check_nested(old, new)
    k, fine = degree, new.shape[1] - 1
    n_inputs, coarse = old.shape[0], old.shape[1] - 1
    size = fine + k
    old_knots, new_knots = extended_knots(old, k), extended_knots(new, k)
    # The middle one of the new intervals below each new B-spline, and the old interval that holds it.
    middle = (torch.arange(size, device=old.device) - k // 2).clamp(0, fine - 1)
    centre = (new[:, middle] + new[:, middle + 1]) / 2
    interval = (torch.searchsorted(old.contiguous(), centre.contiguous(), right=True) - 1).clamp(
        0, coarse - 1
    )
    # De Boor's triangle with one knot an argument, applied to the k + 1 unit vectors at once.
    eye = torch.eye(k + 1, dtype=old.dtype, device=old.device)
    triangle = eye.expand(n_inputs, size, k + 1, k + 1).clone()
    row = torch.arange(n_inputs, device=old.device)[:, None]
    for d in range(1, k + 1):
        argument = new_knots[:, d : d + size]
        following = triangle.clone()
        for m in range(d, k + 1):
            left = old_knots[row, interval + m]
            right = old_knots[row, interval + m + k + 1 - d]
            share = ((argument - left) / (right - left))[..., None]
            following[:, :, m] = (1 - share) * triangle[:, :, m - 1] + share * triangle[:, :, m]
        triangle = following
    live = triangle[:, :, k]
    index = interval[..., None] + torch.arange(k + 1, device=old.device)
    return live.new_zeros(n_inputs, size, coarse + k).scatter(-1, index, live)


def evaluate(breaks: Tensor, coefficients: Tensor, x: Tensor, degree: int = 3, order: int = 0) -> Tensor:
    """Value or derivative of splines: one for each input.

    Parameters
    ----------
    breaks : Tensor, shape (I, G + 1)
    coefficients : Tensor, shape (I, G + k)
    x : Tensor, shape (B, I)
    degree, order : int
        Degree k and order of the derivative (0 the value).

    Returns
    -------
    Tensor, shape (B, I)

    Examples
    --------
    >>> breaks = torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64)
    >>> line = BSpline(breaks, 3).greville()
    >>> evaluate(breaks, line, torch.tensor([[0.3], [5.0]], dtype=torch.float64))
    tensor([[0.3000],
            [5.0000]], dtype=torch.float64)
    """
    first, live = BSpline(breaks, degree).live(x, order)
    index = first[..., None] + torch.arange(degree + 1, device=x.device)
    row = torch.arange(x.shape[1], device=x.device)[:, None]
    return (coefficients[row, index] * live).sum(-1)


def derivative(breaks: Tensor, coefficients: Tensor, degree: int) -> Tensor:
    """Coefficients, shape (I, G + k - 1), of the derivative as a spline of degree k - 1 on the same breaks."""
    if degree < 1:
        raise InputError(
            argument="degree", expected="be at least 1", got="0", advice="a step function has no derivative"
        )
    knots = extended_knots(breaks, degree)
    size = coefficients.shape[1]
    span = knots[:, degree + 1 : degree + size] - knots[:, 1:size]
    return degree * coefficients.diff(dim=1) / span


def antiderivative(breaks: Tensor, coefficients: Tensor, degree: int) -> Tensor:
    """Coefficients, shape (I, G + k + 1), of the antiderivative that is zero at the left end, a spline of degree k + 1.

    It is exact on the grid; its tails are linear as every spline's are.
    """
    if not 0 <= degree <= MAX_DEGREE:
        raise InputError(argument="degree", expected=f"be in the range [0, {MAX_DEGREE}]", got=degree)
    knots = extended_knots(breaks, degree)
    size = coefficients.shape[1]
    span = knots[:, degree + 1 : degree + 1 + size] - knots[:, :size]
    steps = coefficients * span / (degree + 1)
    total = torch.cat([torch.zeros_like(steps[:, :1]), steps.cumsum(1)], 1)
    pieces = make_pieces(breaks, degree + 1)
    at_left = (total[:, : degree + 2] * pieces.table[:, 1, :, 0]).sum(1, keepdim=True)
    return total - at_left


def _check_nested(old: Tensor, new: Tensor) -> None:
    """Every old break must be among the new ones, the ends included."""
    if old.shape[0] != new.shape[0]:
        raise InputError(
            subject="The new 'breaks'", expected=f"have {old.shape[0]} rows, one an input", got=new.shape[0]
        )
    near = torch.searchsorted(new.contiguous(), old.contiguous()).clamp(max=new.shape[1] - 1)
    ends = bool((old[:, 0] == new[:, 0]).all()) and bool((old[:, -1] == new[:, -1]).all())
    if not ends or not bool((new.gather(1, near) == old).all()):
        raise InputError(
            subject="The new 'breaks'",
            expected="contain every present break, the ends included",
            got="others",
            advice="use regrid to move them",
        )
