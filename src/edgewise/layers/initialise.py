"""Initial edge functions that keep the variance of the nodes from layer to layer.

An edge starts as a random line plus a little random curvature. For an input spread evenly over the grid its variance is set
to 1 / fan_in of the input's, so that a sum node spreads as its inputs do and stays on the next layer's grid: the rule of
X. Glorot and Y. Bengio ("Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010) carried
over to spline edges, as S. Rigas et al. study it ("Initialization schemes for Kolmogorov-Arnold networks", 2025,
arXiv:2509.03417).
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise.splines.basis import Basis
from edgewise.splines.lsq import fit_coefficients

# Share of an edge's initial variance that comes from curvature; lines alone would make all sum nodes of a layer alike.
CURVED_SHARE = 0.2
BASE_SHARE = 0.5


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
    points = torch.linspace(-1.0, 1.0, 4 * basis.size + 1, dtype=torch.float64)
    x = centre + points[:, None] * half
    spread = half / 3**0.5
    share = (1.0 / n_inputs) * ((1 - BASE_SHARE) if has_base else 1.0)
    shape = (n_inputs, out_features)
    slopes = torch.randn(shape, generator=random, dtype=torch.float64)
    # Curvature as Legendre polynomials of degree 2 and 3: smooth, orthogonal to the line, of unit variance.
    bends = torch.stack([(3 * points**2 - 1) / 2 * 5**0.5, (5 * points**3 - 3 * points) / 2 * 7**0.5], -1)
    weights = torch.randn((2, *shape), generator=random, dtype=torch.float64) / 2**0.5
    line = points * 3**0.5
    target = (1 - CURVED_SHARE) ** 0.5 * line[:, None, None] * slopes
    target = target + CURVED_SHARE**0.5 * torch.einsum("sk,kio->sio", bends, weights)
    coefficients = fit_coefficients(basis, x, target * (share**0.5 * spread)[None, :, None])
    base = torch.randn(shape, generator=random, dtype=torch.float64) * (BASE_SHARE / n_inputs) ** 0.5
    return coefficients, base


def zero_coefficients(
    basis: Basis, out_features: int, random: torch.Generator | None = None, has_base: bool = False
) -> tuple[Tensor, Tensor]:
    """Coefficients and base weights of edges that are zero; arguments as for `initial_coefficients`."""
    n_inputs = len(basis.grid)
    return torch.zeros(n_inputs, basis.size, out_features, dtype=torch.float64), torch.zeros(
        n_inputs, out_features, dtype=torch.float64
    )
