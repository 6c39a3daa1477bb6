"""Gaussian radial basis functions around centres beside a straight line, with linear C1 tails."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.splines.basis import quadrature_gram
from edgewise.splines.tails import first_unit, to_unit, with_tails

# exp(-u^2) is zero in float64 well before this, so nothing is lost and no power of u overflows.
FAR = 30.0


@dataclass(frozen=True, eq=False)
class GaussianRBF:
    """The functions 1, u and Gaussians exp(-((x - centre) / h)^2), with u from -1 to 1 over the domain.

    The straight line is what Gaussians alone fit worst: without it their error at the ends of the domain does not go away
    with more centres.

    Parameters
    ----------
    grid : Tensor, shape (I, M - 2)
        Strictly increasing centres, at least two; the domain runs from the first to the last.
    width : float
        h in units of the mean distance to the neighbouring centres. Wider Gaussians fit smooth functions better and are
        worse conditioned.

    References
    ----------
    V. Maz'ya and G. Schmidt, "On approximate approximations using Gaussian kernels", 1996, doi:10.1093/imanum/16.1.13.

    Examples
    --------
    >>> basis = GaussianRBF(torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64), width=1.0)
    >>> basis.values(torch.tensor([[1.0]], dtype=torch.float64))
    tensor([[[1.0000, 0.0000, 0.3679, 1.0000, 0.3679]]], dtype=torch.float64)
    """

    grid: Tensor
    width: float = 1.5

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "rbf"

    @property
    def size(self) -> int:
        """Number of functions M."""
        return self.grid.shape[1] + 2

    @property
    def domain(self) -> Tensor:
        """Range of each input, shape (I, 2)."""
        return self.grid[:, [0, -1]]

    @property
    def one(self) -> Tensor:
        """Coefficients of the function that is 1 everywhere, shape (M,)."""
        return first_unit(self.grid, self.size)

    def values(self, x: Tensor, order: int = 0) -> Tensor:
        """Derivative of the given order of every function: (B, I) -> (B, I, M)."""
        return with_tails(self._inner, self.domain, x, order)

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        # Cells follow every single Gaussian down to where it vanishes, however unequal their widths.
        reach = torch.tensor(
            [-6.0, -4.5, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.5, 6.0], device=self.grid.device
        )
        edges = (self.grid[..., None] + self._widths()[..., None] * reach.to(self.grid)).flatten(1)
        low, high = self.grid[:, :1], self.grid[:, -1:]
        edges = torch.minimum(torch.maximum(edges, low), high).sort(1).values
        return quadrature_gram(self, order, edges, 10)

    def _widths(self) -> Tensor:
        """Width of each Gaussian, (I, M): mean distance to its neighbours."""
        gaps = self.grid.diff(dim=1)
        left, right = torch.cat([gaps[:, :1], gaps], 1), torch.cat([gaps, gaps[:, -1:]], 1)
        return (left + right) * (self.width / 2)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        line, slope = to_unit(self.domain, x)
        one = line * 0 + 1  # NaN where x is NaN
        pair = [one, line] if order == 0 else [one - 1, one * slope] if order == 1 else [one - 1, one - 1]
        inverse = 1.0 / self._widths()
        u = ((x[..., None] - self.grid) * inverse).clamp(-FAR, FAR)
        # Hermite's recurrence, carried by the Gaussian itself: g^(r+1) = -2 u g^(r) - 2 r g^(r-1).
        below, current = torch.zeros_like(u), torch.exp(-u * u)
        for r in range(order):
            below, current = current, -2.0 * (u * current + r * below)
        return torch.cat([torch.stack(pair, -1), current * inverse**order], -1)
