"""The small networks a formula is sought in, and how one is trained for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from edgewise.network import KAN, Nodes
from edgewise.symbolic.rows import Rows
from edgewise.training import Record, fit

Shape = Sequence[int | Nodes]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network and its error on the held-out rows, in the units of y."""

    network: KAN
    error: float
    interrupted: bool


def shapes(columns: int) -> tuple[Shape, ...]:
    """Shapes in the order they are tried: a sum, a function of a sum, products, sums of functions of sums."""
    if columns == 1:
        return ([1, 1, 1], [1, Nodes(0, (2,)), 1], [1, 2, 1])
    return (
        [columns, 1],
        [columns, 1, 1],
        [columns, Nodes(0, (2,)), 1],
        [columns, Nodes(1, (2,)), 1],
        [columns, 2, 1],
        [columns, 2, Nodes(0, (2,))],
        [columns, Nodes(0, (2, 2)), 1],
        [columns, 1, 1, 1],
        [columns, 3, 1],
    )


def train(
    shape: Shape,
    rows: Rows,
    *,
    intervals: int,
    seconds: float,
    seed: int,
    callbacks: Sequence[Callable[[Record], Any]] = (),
) -> Trained:
    """Train one shape on the rows to fit."""
    net = KAN(list(shape), input_names=rows.names, intervals=intervals, seed=seed, dtype=torch.float64)
    result = fit(
        net,
        rows.X,
        rows.y,
        intervals=(intervals,),
        starts=_STARTS,
        seconds=seconds,
        seed=seed,
        callbacks=tuple(callbacks),
    )
    misfit = result.network.predict(rows.X_held)[:, 0] - rows.y_held
    error = math.sqrt(float(np.mean(np.square(misfit))))
    return Trained(result.network, error, result.reason == "interrupted")


# Single starts do get stuck.
_STARTS = 3
