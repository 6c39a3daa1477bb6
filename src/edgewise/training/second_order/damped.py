"""Damped Gauss-Newton systems (H + mu D) d = -g, solved whatever the rank of H, and inverses of H.

H is scaled to a unit diagonal first, so that what counts as small does not hang on the units of a parameter. A Cholesky
factor serves as long as its pivots stay above rounding. Where they do not (columns that repeat each other, constants of
edges against biases) the factor is made anew with pivoting, which ends at the rank: numbers whose columns the others span
stay where they are.

References
----------
N. J. Higham, "Analysis of the Cholesky decomposition of a semi-definite matrix", 1990.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.linalg import get_lapack_funcs
from torch import Tensor

from edgewise._core.work import charge
from edgewise.training.common.costs import solve_cost

# Diagonal entries below this share of the largest are as good as zero.
FLOOR = 1e-14
# Pivots of the scaled matrix below P times this are rounding.
RANK = 4 * torch.finfo(torch.float64).eps
# Cholesky with complete pivoting, which torch does not offer.
_pivoted: Any = get_lapack_funcs("pstrf", dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Damped:
    """The systems of one point, for any damping.

    Attributes
    ----------
    gradient : Tensor, shape (P,)
    curvature : Tensor, shape (P, P)
        Symmetric, positive semi-definite up to rounding.

    Examples
    --------
    Of two columns that repeat each other one does the work:

    >>> J = torch.tensor([[1.0, 1.0], [2.0, 2.0]], dtype=torch.float64)
    >>> step = Damped(J.T @ torch.tensor([1.0, 2.0], dtype=torch.float64), J.T @ J).solve(0.0)
    >>> step.sum().item()
    -1.0
    """

    gradient: Tensor
    curvature: Tensor

    @cached_property
    def damping(self) -> Tensor:
        """The diagonal D, (P,)."""
        diagonal = self.curvature.diagonal()
        return diagonal.clamp(min=FLOOR * float(diagonal.max()))

    @cached_property
    def _unit(self) -> Tensor:
        """What brings D to one; nothing depends on a number without curvature, and it shall not move."""
        return torch.where(self.curvature.diagonal() > 0, self.damping.rsqrt(), 0.0)

    @cached_property
    def _scaled(self) -> Tensor:
        return self.curvature * self._unit[:, None] * self._unit

    @property
    def tolerance(self) -> float:
        """What counts as rounding in the scaled matrix."""
        return RANK * len(self.gradient)

    def solve(self, mu: float) -> Tensor:
        """The step d, shape (P,); finite wherever gradient and curvature are."""
        factor, chosen = self._factor(mu)
        pull = (self.gradient * self._unit)[chosen]
        step = torch.zeros_like(self.gradient)
        step[chosen] = -torch.cholesky_solve(pull[:, None], factor)[:, 0]
        return step * self._unit

    def inverse(self) -> Tensor:
        """The inverse of H, shape (P, P); where there is none, that of the largest part that has one, and zeros."""
        factor, chosen = self._factor(0.0)
        charge(2 * solve_cost(len(factor)))
        inverse = torch.zeros_like(self.curvature)
        inverse[chosen[:, None], chosen] = torch.cholesky_inverse(factor)
        return inverse * self._unit[:, None] * self._unit

    def _factor(self, mu: float) -> tuple[Tensor, Tensor]:
        """The lower factor of the scaled H + mu D in the rows and columns chosen, and their numbers."""
        charge(solve_cost(len(self.gradient)))
        damped = self._scaled.clone()
        damped.diagonal().add_(mu)
        factor, info = torch.linalg.cholesky_ex(damped)
        if int(info) == 0 and float(factor.diagonal().min()) ** 2 > self.tolerance:
            return factor, torch.arange(len(factor))
        found, order, rank, _ = _pivoted(damped.numpy(), tol=self.tolerance, lower=1)
        return torch.from_numpy(np.tril(found[:rank, :rank])), torch.from_numpy(
            order[:rank].astype(np.int64) - 1
        )
