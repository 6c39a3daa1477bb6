"""Initial edge functions that keep the variance of the nodes from layer to layer.

An edge starts as a random line plus a little random curvature. Its variance is 1 / fan_in of the input's, so that a sum
node spreads as its inputs do and stays on the next layer's grid: the rule of X. Glorot and Y. Bengio ("Understanding the
difficulty of training deep feedforward neural networks", AISTATS 2010) carried over to spline edges, as S. Rigas et al.
study it ("Initialization schemes for Kolmogorov-Arnold networks", 2025, arXiv:2509.03417).

Sums of many edges are nearly normal, so one node value in twelve lies outside the next grid. The curved part therefore ends
with slope zero: on the tails an edge goes on as its line, and a few far values cannot blow up the layers behind.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.lsq import fit_coefficients

# Share of an edge's initial variance that comes from curvature; lines alone would make all sum nodes of a layer alike.
CURVED_SHARE = 0.2
BASE_SHARE = 0.5
# Functions of a basis that the initial curves need at most; what a finer one adds is knots, not shape.
RESOLUTION = 128
# Of a uniform input over [-1, 1]; also the deviation of the normal values that hidden nodes take.
SPREAD = 3**-0.5


def initial_coefficients(
    basis: Basis, out_features: int, random: torch.Generator | None, has_base: bool = False
) -> tuple[Tensor, Tensor]:
    """Coefficients (I, M, O) and base weights (I, O) of fresh edges.

    Parameters
    ----------
    basis : Basis
        Of the layer's I inputs.
    out_features : int
        Number of sum nodes O.
    random : torch.Generator
        Source of the draws.
    has_base : bool
        Leave half of the variance to the base function.
    """
    domain = basis.domain.to(torch.float64)
    n_inputs = len(domain)
    centre, half = domain.mean(1), (domain[:, 1] - domain[:, 0]) / 2
    share = (1.0 / n_inputs) * ((1 - BASE_SHARE) if has_base else 1.0)
    shape = (n_inputs, out_features)
    slopes = torch.randn(shape, generator=random, dtype=torch.float64)
    weights = torch.randn((2, *shape), generator=random, dtype=torch.float64)
    draws = torch.cat([(1 - CURVED_SHARE) ** 0.5 * slopes[None], CURVED_SHARE**0.5 * weights])
    if isinstance(basis, BSpline) and basis.pieces is not None and basis.pieces.uniform:
        unit = torch.tensor(_unit_curves(basis.degree, basis.intervals), dtype=torch.float64)[None]
    else:
        unit = _curves(basis)
    scale = share**0.5 * SPREAD * half
    coefficients = torch.einsum("imk,kio->imo", unit.expand(n_inputs, -1, -1), draws * scale[:, None])
    base = torch.randn(shape, generator=random, dtype=torch.float64)
    return coefficients, base * _base_size(centre, half)[:, None] if has_base else base


def _curves(basis: Basis) -> Tensor:
    """Coefficients (I, M, 3) of a line of unit variance over the grid, and of one even and one odd curve of variance 1/2
    that end with slope zero."""
    domain = basis.domain.to(torch.float64)
    centre, half = domain.mean(1), (domain[:, 1] - domain[:, 0]) / 2
    # The fit sees the tails as normal values do, so that a basis too coarse for the curves still gets their flat ends.
    points = torch.linspace(-2.0, 2.0, 8 * min(basis.size, RESOLUTION) + 1, dtype=torch.float64)
    inside = points.clamp(-1.0, 1.0) * math.pi
    curves = torch.stack([points / SPREAD, torch.cos(inside), torch.sin(1.5 * inside)], -1)
    return _fitted(
        basis,
        centre + points[:, None] * half,
        curves[:, None].expand(-1, len(domain), -1),
        torch.exp(-0.5 * (points / SPREAD) ** 2),
    )


@lru_cache(maxsize=64)
def _unit_curves(degree: int, intervals: int) -> list[list[float]]:
    """The curves over equal intervals, whatever the ends (M, 3)."""
    grid = torch.linspace(-1.0, 1.0, intervals + 1, dtype=torch.float64)[None]
    return _curves(BSpline(grid, degree))[0].tolist()


def _base_size(centre: Tensor, half: Tensor) -> Tensor:
    """What brings the base function to its share of the variance over each grid, (I,)."""
    points = torch.linspace(-2.0, 2.0, 257, dtype=torch.float64)
    density = torch.exp(-0.5 * (points / SPREAD) ** 2)
    base = torch.nn.functional.silu(centre + points[:, None] * half)
    mean = density @ base / density.sum()
    spread = (density @ (base - mean) ** 2 / density.sum()).sqrt()
    # On a grid far below zero the base function hardly moves; it is not blown up beyond tenfold there.
    return (BASE_SHARE / len(half)) ** 0.5 * SPREAD * half / torch.maximum(spread, 0.1 * SPREAD * half)


def _fitted(basis: Basis, x: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Least squares; of a fine spline on some of its breaks, then on all of them by knot insertion, which is exact."""
    if not isinstance(basis, BSpline) or basis.size <= RESOLUTION:
        return fit_coefficients(basis, x, target, weight)
    chosen = torch.linspace(0, basis.intervals, RESOLUTION - basis.degree + 1).round().long()
    coarse = BSpline(basis.breaks[:, chosen], basis.degree)
    matrix = coarse.refine(basis.breaks)
    return torch.einsum("inm,imo->ino", matrix, fit_coefficients(coarse, x, target, weight))


def zero_coefficients(
    basis: Basis, out_features: int, random: torch.Generator | None = None, has_base: bool = False
) -> tuple[Tensor, Tensor]:
    """Coefficients and base weights of edges that are zero; arguments as for `initial_coefficients`."""
    n_inputs = len(basis.grid)
    return torch.zeros(n_inputs, basis.size, out_features, dtype=torch.float64), torch.zeros(
        n_inputs, out_features, dtype=torch.float64
    )
