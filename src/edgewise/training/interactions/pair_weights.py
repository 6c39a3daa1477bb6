"""How large the coefficients of a pair's blocks are likely to be, by the evidence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.training.config import TableConfig


@dataclass(frozen=True)
class Pace:
    """How far the weights of pairs follow the evidence.

    Attributes
    ----------
    sweeps : int
        Times that all parts are solved in turn in a round where no pair that joined is given more products.
    beyond : float
        Share of the way, in logarithms, that an update of weights goes: fixed points of this kind are neared from one side.
    prior : float
        Degrees of freedom as which it counts that blocks as rough as each other are alike.
    """

    sweeps: int
    beyond: float
    prior: float


def pace_of(config: TableConfig, few: bool) -> Pace:
    """That of few rows, or of many.

    The evidence of each pair takes the others for known, and of few rows is too sure of many weights followed to the end.
    """
    if few:
        return Pace(config.few_sweeps, config.few_stride, config.few_prior)
    return Pace(config.many_sweeps, config.many_stride, config.many_prior)


def precision(free: Tensor, size: Tensor, level: Tensor, prior: float) -> Tensor:
    """Inverse variance of the coefficients of each block, (blocks,), in units of that of the noise.

    Parameters
    ----------
    free : Tensor, shape (blocks,)
        Degrees of freedom that each makes use of.
    size : Tensor, shape (blocks,)
        Sum of the squares of its coefficients.
    level : Tensor, shape (blocks,)
        Blocks of one level are taken to be alike.
    prior : float
        Degrees of freedom of a gamma prior around their common estimate.
    """
    size = size.clamp(min=1e-30)
    if prior == 0:
        return free / size
    sums = torch.zeros(2, int(level.max()) + 1, dtype=free.dtype).index_add(
        1, level, torch.stack([free, size])
    )
    together = (sums[0] / sums[1])[level]
    return (free + prior) / (size + prior / together)
