"""What every basis of edge functions offers.

An edge function is phi(x) = sum_m c_m B_m(x): linear in its coefficients. A basis knows its functions B_m for every input
node, with derivatives of any order; it never knows coefficients. Everything above (kernels, layers, training, plots) talks
to this protocol; `BSpline` adds what only splines have (local support, exact refinement).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from edgewise._core.errors import InputError


@runtime_checkable
class Basis(Protocol):
    """Functions B_1..B_M of one variable for each of I inputs."""

    @property
    def name(self) -> str:
        """Name under which `make_basis` builds it."""
        ...

    @property
    def grid(self) -> Tensor:
        """The table, shape (I, K), that fixes the functions: breaks, centres or the ends of the domain."""
        ...

    @property
    def size(self) -> int:
        """Number of functions M."""
        ...

    @property
    def domain(self) -> Tensor:
        """Range of each input the basis was laid over, shape (I, 2)."""
        ...

    @property
    def one(self) -> Tensor:
        """Coefficients of the function that is 1 everywhere, shape (M,)."""
        ...

    def values(self, x: Tensor, order: int = 0) -> Tensor:
        """Derivative of the given order of every function at x: (B, I) -> (B, I, M)."""
        ...

    def gram(self, order: int = 0) -> Tensor:
        """Integral over the domain of B_m^(order) B_n^(order), shape (I, M, M)."""
        ...


def quadrature_gram(basis: Basis, order: int, edges: Tensor, points: int) -> Tensor:
    """Gram matrix by Gauss-Legendre quadrature with `points` nodes on each of the cells `edges` (I, C + 1)."""
    nodes, weights = gauss_legendre(points, edges)
    low, width = edges[:, :-1], edges.diff(dim=1)
    # The nodes lie strictly inside each cell, so discontinuous derivatives at the breaks are never sampled.
    x = low[..., None] + width[..., None] * nodes
    w = (width[..., None] * weights).reshape(edges.shape[0], -1)
    values = basis.values(x.reshape(edges.shape[0], -1).T, order)
    return torch.einsum("sim,is,sin->imn", values, w, values)


def gauss_legendre(points: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = _rule(points)
    return torch.tensor(nodes, dtype=torch.float64).to(like), torch.tensor(weights, dtype=torch.float64).to(
        like
    )


@lru_cache(maxsize=64)
def _rule(points: int) -> tuple[list[float], list[float]]:
    """Kept as numbers: a tensor would keep the mode it was made under."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return ((nodes + 1) / 2).tolist(), (weights / 2).tolist()


def check_finite(table: Tensor, argument: str) -> None:
    """Refuse a table of the ends or breaks of a domain that are no numbers."""
    if not bool(table.isfinite().all()):
        raise InputError(
            argument=argument,
            expected="be finite",
            got="NaN or infinity",
            advice="clean or clip the data first",
        )
