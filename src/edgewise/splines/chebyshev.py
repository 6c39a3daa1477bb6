"""Chebyshev polynomials on the domain, with linear C1 tails."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.splines.basis import quadrature_gram
from edgewise.splines.tails import SmoothBasis, to_unit


@dataclass(frozen=True, eq=False)
class Chebyshev(SmoothBasis):
    """Chebyshev polynomials T_0..T_{M-1} of the coordinate that runs from -1 to 1 over the domain.

    Parameters
    ----------
    grid : Tensor, shape (I, 2)
        Ends of the domain of each input.
    size : int
        Number of functions M.

    Notes
    -----
    d^r T_n / du^r = 2^(r-1) (r-1)! n C_{n-r}^{(r)}(u) with the Gegenbauer polynomials C, whose three-term recurrence is
    stable on [-1, 1]: derivatives of every order cost the same.

    References
    ----------
    NIST Digital Library of Mathematical Functions, 18.7.4, 18.9.1 and 18.9.19, https://dlmf.nist.gov/18.9.

    Examples
    --------
    >>> basis = Chebyshev(torch.tensor([[0.0, 2.0]], dtype=torch.float64), 3)
    >>> basis.values(torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64))[:, 0]
    tensor([[ 1., -1.,  1.],
            [ 1.,  0., -1.],
            [ 1.,  1.,  1.]], dtype=torch.float64)
    """

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        return "chebyshev"

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of the products of two derivatives, shape (I, M, M)."""
        # Products have degree 2 (M - 1): M Gauss nodes over the whole domain are exact.
        return quadrature_gram(self, order, self.grid, self.size)

    def _inner(self, x: Tensor, order: int) -> Tensor:
        u, slope = to_unit(self.grid, x)
        if order == 0:
            return torch.stack(_three_term(u, self.size, 0), -1)
        zero = u * 0  # NaN where u is NaN
        columns = [zero] * min(order, self.size)
        factor = 2.0 ** (order - 1) * math.factorial(order - 1)
        for r, c in enumerate(_three_term(u, self.size - order, order)):
            columns.append(c * (factor * (r + order)))
        return torch.stack(columns, -1) * (slope**order)[:, None]


def _three_term(u: Tensor, count: int, order: int) -> list[Tensor]:
    """The first `count` Chebyshev (order 0) or Gegenbauer (lambda = order) polynomials at u."""
    columns = [u * 0 + 1, u * 2 * order if order else u][: max(count, 0)]
    for n in range(2, count):
        if order:
            a, b = 2 * (n + order - 1) / n, (n + 2 * order - 2) / n
        else:
            a, b = 2.0, 1.0
        columns.append(a * u * columns[-1] - b * columns[-2])
    return columns
