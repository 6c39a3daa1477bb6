"""Between the units of y and those in which a network is trained."""

from __future__ import annotations

import math

from torch import Tensor

from edgewise.network import KAN
from edgewise.training.common.losses import Loss
from edgewise.training.common.rows import TrainingRows


def scaled(net: KAN, rows: TrainingRows, loss: Loss) -> Tensor:
    """Targets in network units."""
    return (rows.y - net.output_shift) / net.output_scale if loss.dispersed else rows.y


def in_units(net: KAN, value: float, loss: Loss) -> float:
    """A mean loss in network units as an error in the units of y: exact for squared loss of one output."""
    if not loss.dispersed:
        return value
    # Scaled before it is squared: y may be of any size.
    largest = net.output_scale.max()
    scale = float(((net.output_scale / largest) ** 2).mean().sqrt() * largest)
    return math.sqrt(max(2 * value, 0.0) / net.shape[-1]) * scale
