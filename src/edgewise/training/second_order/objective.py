"""Mean loss over rows with its gradient and Gauss-Newton matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.training.common.costs import normal_cost, value_cost
from edgewise.training.common.losses import Loss
from edgewise.training.second_order.jacobian import Evaluator
from edgewise.training.second_order.total_variation import Variation


class LeastSquaresProblem(Protocol):
    """What Levenberg-Marquardt needs of a problem; any model that can give it can be trained."""

    def value(self, theta: Tensor) -> float:
        """Objective at theta."""
        ...

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        """Objective, gradient (P,) and Gauss-Newton matrix (P, P) at theta."""
        ...


def effective_rows(weight: Tensor) -> float:
    """How many equally weighted rows the weights amount to (L. Kish): 1 / sum w^2 for weights that sum to one."""
    return float(1.0 / (weight**2).sum())


@dataclass(frozen=True, eq=False)
class DataObjective:
    """Weighted mean of a loss over rows.

    Attributes
    ----------
    evaluator : Evaluator
    loss : Loss
    y : Tensor, shape (n, D)
        Targets in network units.
    weight : Tensor, shape (n,)
        Row weights that sum to one.
    """

    evaluator: Evaluator
    loss: Loss
    y: Tensor
    weight: Tensor

    @property
    def pieces(self) -> tuple[DataObjective, ...]:
        """Objectives of parts of the rows, which add up to this one; itself where they are not shared."""
        return (self,)

    def together(self, sums: Sequence[Tensor]) -> Tensor:
        """The sum over all rows, of those over each of the pieces."""
        return sums[0]

    @cached_property
    def effective(self) -> float:
        """Effective number of rows."""
        return effective_rows(self.weight)

    def value(self, theta: Tensor) -> float:
        charge(value_cost(len(self.y), self.evaluator.read))
        return float(self.loss.rows(self.evaluator.outputs(theta), self.y) @ self.weight)

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        value = 0.0
        size = self.evaluator.slots.total
        gradient, curvature = theta.new_zeros(size), theta.new_zeros(size, size)
        for part, f, jacobian in self.evaluator.jacobians(theta):
            y, w = self.y[part], self.weight[part]
            value += float(self.loss.rows(f, y) @ w)
            flat = jacobian.reshape(-1, size)
            gradient += (self.loss.gradient(f, y) * w[:, None]).reshape(-1) @ flat
            root = self.loss.root(f, y)
            if root.ndim == 2:
                flat.mul_((root * w.sqrt()[:, None]).reshape(-1, 1))
            else:
                flat = torch.einsum("nde,nep->ndp", root * w.sqrt()[:, None, None], jacobian).reshape(
                    -1, size
                )
            curvature.addmm_(flat.T, flat)
            charge(normal_cost(len(y), y.shape[1], self.evaluator.read, size))
        return value, gradient, curvature


@dataclass(frozen=True, eq=False)
class Penalised:
    """A data objective plus theta^T S theta / 2, and the total variation of slopes where it has a weight."""

    data: DataObjective
    S: Tensor
    variation: Variation | None = None

    def value(self, theta: Tensor) -> float:
        value = self.data.value(theta) + 0.5 * float(theta @ (self.S @ theta))
        return value if self.variation is None else value + self.variation.value(theta)

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        value, gradient, curvature = self.data.normal(theta)
        pull = self.S @ theta
        value, gradient, curvature = value + 0.5 * float(theta @ pull), gradient + pull, curvature + self.S
        if self.variation is None:
            return value, gradient, curvature
        form = self.variation.matrix(theta)
        return value + self.variation.value(theta), gradient + form @ theta, curvature + form
