"""Rows to learn from: checked, in float64, split and weighted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgewise._core.arguments import dimensions
from edgewise._core.checks import check_float, check_matrix, check_vector
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise.network import KAN
from edgewise.training.common.losses import Loss, check_target, in_units_of_y

# Below this many rows nothing is held out unless asked: generalised cross-validation judges instead.
FEWEST_TO_SPLIT = 40
# Rows that are looked at once a time limit has passed.
FEW = 5000


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Inputs (n, I) in their own units, targets (n, D) and weights (n,) that sum to one; float64."""

    X: Tensor
    y: Tensor
    weight: Tensor

    def take(self, index: Tensor) -> TrainingRows:
        """Some of the rows."""
        weight = self.weight[index]
        return TrainingRows(self.X[index], self.y[index], weight / weight.sum())

    def few(self) -> TrainingRows:
        """Every n-th row, where there are too many to look at all."""
        step = -(-len(self) // FEW)
        return self if step == 1 else self.take(torch.arange(0, len(self), step))

    def __len__(self) -> int:
        return len(self.X)


def as_rows(net: KAN, X: Any, y: Any, loss: Loss, sample_weight: Any = None) -> TrainingRows:
    """Checked rows for a network and a loss."""
    inputs = torch.from_numpy(check_matrix(X, "X", columns=net.shape[0]))
    targets = check_matrix(_column(y), "y", rows=len(inputs))
    target = check_target(loss, torch.from_numpy(targets), net.shape[-1])
    if sample_weight is None:
        return TrainingRows(inputs, target, torch.full((len(inputs),), 1 / len(inputs), dtype=torch.float64))
    weight = torch.from_numpy(check_vector(sample_weight, "sample_weight", length=len(inputs)))
    if bool((weight < 0).any()) or float(weight.sum()) <= 0:
        raise InputError(
            argument="sample_weight",
            expected="be non-negative with a positive sum",
            got=f"weights from {float(weight.min()):g} to {float(weight.max()):g}",
        )
    weight = weight / weight.max()
    return TrainingRows(inputs, target, weight / weight.sum())


def hold_out(
    rows: TrainingRows, net: KAN, loss: Loss, validation: Any, seed: int
) -> tuple[TrainingRows, TrainingRows | None]:
    """Training rows and held-out rows from a share, a pair (X, y), or None."""
    if isinstance(validation, tuple):
        if len(validation) != 2:
            raise InputError(
                argument="validation",
                expected="be a share, a pair (X, y) or None",
                got=f"a tuple of {len(validation)}",
            )
        try:
            return rows, as_rows(net, validation[0], validation[1], loss)
        except InputError as error:
            raise error.about(subject=f"The '{error.argument}' of 'validation'") from None
    if validation is None:
        return rows, None
    share = check_float(validation, "validation", low=0.0, high=0.9)
    if share == 0.0 or len(rows) < FEWEST_TO_SPLIT:
        return rows, None
    order = torch.randperm(len(rows), generator=generator(derive(seed, 7001)))
    count = max(1, round(share * len(rows)))
    held = rows.weight[order[:count]].sum()
    if float(held) <= 0 or float(held) >= 1:
        return rows, None
    return rows.take(order[count:].sort().values), rows.take(order[:count].sort().values)


def tensors_of(train: TrainingRows, held: TrainingRows | None, net: KAN) -> list[Tensor]:
    """All numbers that a fit begins with."""
    tensors = [train.X, train.y, train.weight, *net.state_dict().values()]
    return tensors + ([] if held is None else [held.X, held.y, held.weight])


def _column(y: Any) -> Any:
    """One-dimensional targets as a column."""
    return check_vector(y, "y")[:, None] if dimensions(y) == 1 else y


def scaled(net: KAN, rows: TrainingRows, loss: Loss) -> Tensor:
    """Targets in network units."""
    return (rows.y - net.output_shift) / net.output_scale if in_units_of_y(loss) else rows.y


def in_units(net: KAN, value: float, loss: Loss) -> float:
    """A mean loss in network units as an error in the units of y: exact for squared loss of one output."""
    if not in_units_of_y(loss):
        return value
    # Scaled before it is squared: y may be of any size.
    largest = net.output_scale.max()
    scale = float(((net.output_scale / largest) ** 2).mean().sqrt() * largest)
    return math.sqrt(max(2 * value, 0.0) / net.shape[-1]) * scale
