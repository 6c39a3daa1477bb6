"""The rows of an objective shared among processes: each sums over pieces of them, and all get the whole sums.

Sums of floating point depend on their order, and conjugate gradients make much of little. So the rows fall into pieces that
depend on their number alone, and the sums of pieces are added as whole numbers of a common unit, which no order changes: any
number of processes goes through the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.training.common.losses import Loss
from edgewise.training.common.workers import added_up, largest, place
from edgewise.training.second_order.native_objective import objective
from edgewise.training.second_order.objective import DataObjective
from edgewise.training.second_order.parameters import Slots

# Pieces of the rows, and so the most processes that share them.
PIECES = 64
# Bits of a sum of all pieces, the sign left out.
BITS = 62


@dataclass(frozen=True, eq=False)
class SharedObjective(DataObjective):
    """Weighted mean of a loss over the rows of all processes; evaluator, targets and weights are of one piece of them.

    Attributes
    ----------
    own : tuple of DataObjective
        The pieces of this process.
    """

    own: tuple[DataObjective, ...]

    @property
    def pieces(self) -> tuple[DataObjective, ...]:
        return self.own

    def value(self, theta: Tensor) -> float:
        return float(self.together([theta.new_tensor(piece.value(theta)) for piece in self.own]))

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        values, gradients, curvatures = zip(*(piece.normal(theta) for piece in self.own), strict=True)
        # No entry of a piece is larger than the roots of its two on the diagonal.
        root = largest(torch.stack([own.diagonal() for own in curvatures]).amax(0)).sqrt()
        return (
            float(self.together([theta.new_tensor(value) for value in values])),
            self.together(gradients),
            _added(curvatures, root[:, None] * root),
        )

    def together(self, sums: Sequence[Tensor]) -> Tensor:
        return _added(sums, largest(torch.stack([own.abs() for own in sums]).amax(0)))

    @cached_property
    def effective(self) -> float:
        return float(1 / self.together([(piece.weight**2).sum() for piece in self.own]))


def _added(sums: Sequence[Tensor], bound: Tensor) -> Tensor:
    """The sum of all pieces of all processes, where nothing is beyond a bound, elementwise."""
    known = bound.isfinite() & (bound > 0)
    _, exponent = torch.frexp(torch.where(known, bound, 1.0))
    unit = torch.ldexp(torch.ones_like(bound), exponent + 1 + PIECES.bit_length() - BITS)
    whole = torch.zeros(bound.shape, dtype=torch.int64)
    for own in sums:
        whole += torch.where(known, own / unit, 0.0).round().to(torch.int64)
    return torch.where(bound.isfinite(), added_up(whole) * unit, torch.nan)


def shared_objective(
    net: KAN, slots: Slots, X: Tensor, y: Tensor, weight: Tensor, loss: Loss
) -> SharedObjective:
    """Mean loss on rows that every process has, of which each takes as many, y in network units."""
    (rank, workers), count = place(), len(X)
    if workers > PIECES:
        raise InputError(
            argument="shared",
            expected=f"go with at most {PIECES} processes",
            got=workers,
            advice="start fewer",
        )
    pieces = list[DataObjective]()
    for k in range(rank * PIECES // workers, (rank + 1) * PIECES // workers):
        part = slice(k * count // PIECES, (k + 1) * count // PIECES)
        if part.stop > part.start or not pieces:
            pieces.append(objective(net, slots, X[part], y[part], weight[part], loss))
    return SharedObjective(pieces[0].evaluator, loss, pieces[0].y, pieces[0].weight, tuple(pieces))
