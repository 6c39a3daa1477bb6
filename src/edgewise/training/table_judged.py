"""Judging what was fitted to a table by rows that it has not learned from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.training.bag_run import Ground
from edgewise.training.losses import Loss

# Out-of-bag rows that are needed to calibrate, and how far it may go.
FEWEST_TO_CALIBRATE, MOST_TEMPERATURE = 50, 3.0


@dataclass(frozen=True, eq=False)
class Judged:
    """Outputs for the held rows by what has not learned from them, shape (h, D), and their mean loss."""

    outputs: Tensor
    error: float


def judged(outputs: Tensor, ground: Ground, loss: Loss) -> Judged:
    """For each held row the outputs (folds, n, D) of the solution without its fold."""
    own = outputs[ground.fold[ground.held], ground.held]
    weight = ground.rows.weight[ground.held]
    error = float(loss.rows(own, ground.rows.y[ground.held]) @ weight / weight.sum().clamp(min=1e-30))
    return Judged(own, error)


def speaks_for(one: Judged, simple: Judged, ground: Ground, loss: Loss, faint: float) -> bool:
    """Whether the held rows' losses fall from the simple to the other by more than a standard error and what is faint."""
    weight = ground.rows.weight[ground.held]
    weight = weight / weight.sum()
    y = ground.rows.y[ground.held]
    gap = loss.rows(simple.outputs, y) - loss.rows(one.outputs, y)
    mean = float(gap @ weight)
    spread = math.sqrt(float(((gap - mean) ** 2) @ weight**2))
    return mean > spread + faint


def temperature(best: Judged, ground: Ground, loss: Loss) -> float:
    """What logits are divided by so that the out-of-bag likelihood is greatest."""
    if loss.name != "cross_entropy" or len(ground.held) < FEWEST_TO_CALIBRATE:
        return 1.0
    y, weight = ground.rows.y[ground.held], ground.rows.weight[ground.held]
    limit = math.log(MOST_TEMPERATURE)
    trials = torch.linspace(-limit, limit, 121, dtype=torch.float64)
    losses = [float(loss.rows(best.outputs * math.exp(-float(t)), y) @ weight) for t in trials]
    return math.exp(float(trials[int(torch.tensor(losses).argmin())]))
