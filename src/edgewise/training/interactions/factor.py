"""Penalised normal equations, factored once for all that is asked of them."""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.training.common.costs import solve_cost


class PenalisedRoot:
    """The root of penalised normal equations, and what is asked of it."""

    def __init__(self, gram: Tensor, penalty: Tensor) -> None:
        charge(solve_cost(len(gram)))
        self.penalty = penalty.clone()
        whole = gram.clone()
        # Single precision made the matrix: a trace of it keeps the whole definite.
        whole.diagonal().add_(penalty + 1e-6 * float(gram.diagonal().mean()))
        self.root = torch.linalg.cholesky(whole)
        self._trace: Tensor | None = None

    def solved(self, right: Tensor) -> Tensor:
        return torch.cholesky_solve(right[:, None], self.root)[:, 0]

    def trace(self, block: Tensor) -> Tensor:
        """Of the inverse, block by block."""
        if self._trace is None:
            charge(solve_cost(len(self.root)))
            inverse = torch.cholesky_inverse(self.root).diagonal()
            self._trace = torch.zeros(int(block.max()) + 1, dtype=torch.float64).index_add(0, block, inverse)
        return self._trace
