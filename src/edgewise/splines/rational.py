"""Rational Chebyshev functions on the domain, with linear C1 tails."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.splines.basis import quadrature_gram
from edgewise.splines.tails import SmoothBasis, to_unit


@dataclass(frozen=True, eq=False)
class RationalChebyshev(SmoothBasis):
    """Boyd's functions TB_n(u) = cos(n arccot(u)), n = 0..M-1, with u from -1 to 1 over the domain.

    They are T_n(u / sqrt(1 + u^2)): rational for even n, bounded on the whole line and linear in their coefficients, with
    poles half the domain's width above and below its middle. They suit functions that peak or saturate.

    Parameters
    ----------
    grid : Tensor, shape (I, 2)
        Ends of the domain of each input. The map parameter L is half its width.
    size : int
        Number of functions M.

    Notes
    -----
    With w = 1 + u^2 they satisfy w (w f')' + n^2 f = 0. Leibniz's rule turns it into a five-term recurrence between the
    derivatives, started from f = cos(n t) and f' = n sin(n t) / w.

    References
    ----------
    J. P. Boyd, "Spectral methods using rational basis functions on an infinite interval", 1987,
    doi:10.1016/0021-9991(87)90158-6.

    Examples
    --------
    >>> basis = RationalChebyshev(torch.tensor([[-1.0, 1.0]], dtype=torch.float64), 3)
    >>> basis.values(torch.tensor([[0.0]], dtype=torch.float64)).round(decimals=12)
    tensor([[[ 1.,  0., -1.]]], dtype=torch.float64)
    """

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "rational"

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        return quadrature_gram(self, order, self.grid, 2 * (self.size + order) + 24)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        u, slope = to_unit(self.grid, x)
        n = torch.arange(self.size, dtype=x.dtype, device=x.device)
        angle = torch.atan2(torch.ones_like(u), u)[..., None] * n
        u, square = u[..., None], n * n
        w = 1.0 + u * u
        found = [torch.cos(angle), n * torch.sin(angle) / w]
        # Derivatives of w^2 and of 2 u w, the coefficients of w^2 f'' + 2 u w f' + n^2 f = 0.
        second = (w * w, 4 * u * w, 4 + 12 * u * u, 24 * u, torch.full_like(u, 24.0))
        first = (2 * u * w, 2 + 6 * u * u, 12 * u, torch.full_like(u, 12.0))
        for r in range(order - 1):
            total = square * found[r]
            for j in range(1, min(r + 2, 4) + 1):
                share = math.comb(r, j) * second[j] + math.comb(r, j - 1) * first[j - 1]
                total = total + share * found[r + 2 - j]
            found.append(-total / second[0])
        return found[order] * (slope**order)[:, None]
