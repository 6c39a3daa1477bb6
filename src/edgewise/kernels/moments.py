"""Moments of every edge function over the rows, without the (B, I, O) values of the edges.

Values are summed about a shift s close to their mean, so that an edge that hardly moves about a large constant loses
nothing: with d the mean of phi - s, the centred square is the mean of (phi - s)^2 less d^2 (T. F. Chan, G. H. Golub and
R. J. LeVeque, "Algorithms for computing the sample variance", The American Statistician 37, 1983, doi:10.2307/2683386).
"""

from __future__ import annotations

from ctypes import c_char_p, c_int, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.kernels import reference
from edgewise.kernels.native.library import load
from edgewise.kernels.native_backend import DTYPES, run_call
from edgewise.kernels.shapes import check
from edgewise.kernels.trilinear import grad_coef, spline_edges
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline

# Values of edges that torch holds at once.
CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class EdgeMoments:
    """Means over the rows of what an edge gives, each (I, O), float64.

    Attributes
    ----------
    mean : mean of phi
    absolute : mean of ``|phi|``
    variance : mean of (phi - mean)^2
    weighted : mean of w (phi - mean)^2, w the weight of the row at the node the edge feeds; without weights the variance
    """

    mean: Tensor
    absolute: Tensor
    variance: Tensor
    weighted: Tensor


def edge_moments(
    basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None = None, weight: Tensor | None = None
) -> EdgeMoments:
    """Moments of every edge function phi_io(x_i) = sum_m B_m(x_i) c_imo + silu(x_i) w_io.

    Parameters
    ----------
    basis : Basis
        For I inputs with M functions each.
    x : Tensor, shape (B, I)
    coef : Tensor, shape (I, M, O)
    base : Tensor, shape (I, O), optional
        Weights of the base function silu on every edge.
    weight : Tensor, shape (B, O), optional
        Weight of each row at each output.

    Returns
    -------
    EdgeMoments
        NaN where there are no rows. No gradient flows through it.

    Raises
    ------
    InputError
        If shapes, dtypes or devices do not fit together.

    Examples
    --------
    >>> from edgewise.splines import BSpline, uniform_grid
    >>> basis = BSpline(uniform_grid(-1, 1, 4, n_inputs=2), 3)
    >>> found = edge_moments(basis, torch.zeros(5, 2, dtype=torch.float64), torch.ones(2, 7, 3, dtype=torch.float64))
    >>> found.mean.shape, float(found.variance.sum())
    (torch.Size([2, 3]), 0.0)
    """
    if x.dim() != 2:
        raise InputError(argument="x", expected="have shape (B, I)", got=tuple(x.shape))
    with torch.no_grad():
        x, coef = x.detach(), coef.detach()
        base = None if base is None else base.detach()
        check(basis, x, None, coef, base, weight)
        shift = _shift(basis, x, coef, base)
        native = x.is_cpu and x.dtype in DTYPES and isinstance(basis, BSpline)
        function = _native() if native else None
        if function is None:
            sums = _chunked(basis, x, coef, base, weight, shift)
        else:
            sums = torch.empty(5, *shift.shape, dtype=torch.float64)
            about, to = shift.data_ptr(), sums.data_ptr()
            run_call(
                lambda call: function(call, about, to), basis, 0, coef.shape[-1], x, None, coef, base, weight
            )
        return _moments(sums, shift, weight, len(x))


def moments_of_values(values: Tensor, weight: Tensor | None = None) -> EdgeMoments:
    """Moments of values at hand, (B, ...), with weights of the same shape."""
    values = values.to(torch.float64)
    mean = values.mean(0)
    square = (values - mean) ** 2
    variance = square.mean(0)
    weighted = variance if weight is None else (square * weight).mean(0)
    return EdgeMoments(mean, values.abs().mean(0), variance, weighted)


def _shift(basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None) -> Tensor:
    """The means of the edges up to rounding: the means of the basis functions, times the coefficients."""
    ones = x.new_ones(1, 1).expand(len(x), 1)
    mass, silus = grad_coef(basis, x, None, ones, base is not None, 0)
    count = max(len(x), 1)
    shift = (mass.mT @ coef).squeeze(1) / count
    return shift if base is None or silus is None else shift + silus / count * base


def _moments(sums: Tensor, shift: Tensor, weight: Tensor | None, count: int) -> EdgeMoments:
    """From sums about the shift to moments about the mean."""
    off, absolute, square, weighted, weighted_square = sums / count if count else sums.fill_(torch.nan)
    variance = (square - off**2).clamp_(min=0)
    centred = variance
    if weight is not None:
        total = weight.sum(0, dtype=torch.float64) / max(count, 1)
        centred = (weighted_square - 2 * off * weighted + off**2 * total).clamp_(min=0)
    return EdgeMoments(shift + off, absolute, variance, centred)


def _chunked(
    basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, weight: Tensor | None, shift: Tensor
) -> Tensor:
    """The sums of `ew_edge_moments`, by torch."""
    sums = torch.zeros(5, *shift.shape, dtype=torch.float64, device=x.device)
    rows = max(1, CHUNK // max(1, shift.numel()))
    for start in range(0, len(x), rows):
        part = x[start : start + rows]
        phi = spline_edges(basis, part, coef)
        if base is not None:
            phi = phi + reference.silu(part)[..., None] * base
        phi = phi.to(torch.float64)
        off = phi - shift
        sums[0] += off.sum(0)
        sums[1] += phi.abs().sum(0)
        sums[2] += (off**2).sum(0)
        if weight is not None:
            w = weight[start : start + rows].to(torch.float64)
            sums[3] += torch.einsum("bio,bo->io", off, w)
            sums[4] += torch.einsum("bio,bo->io", off**2, w)
    return sums


@cache
def _native() -> Any:
    """`ew_edge_moments`, or None where there is no library."""
    library = load()
    if library is None:
        return None
    function = library.c["ew_edge_moments"]
    function.argtypes, function.restype = (c_char_p, c_void_p, c_void_p), c_int
    return function
