"""The small networks a formula is sought in, and how one is trained for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
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


def shapes(columns: int) -> Iterator[Shape]:
    """Shapes in the order they are tried: a sum, a function of a sum, products, sums of functions of sums."""
    if columns == 1:
        yield [1, 1, 1]
        yield [1, Nodes(0, (2,)), 1]
        yield [1, 2, 1]
        return
    yield [columns, 1]
    yield [columns, 1, 1]
    yield [columns, Nodes(0, (2,)), 1]
    yield [columns, Nodes(1, (2,)), 1]
    yield [columns, 2, 1]
    yield [columns, Nodes(0, (2, 2)), 1]
    yield [columns, 1, 1, 1]
    yield [columns, 3, 1]


def train(
    shape: Shape, rows: Rows, *, seconds: float, seed: int | None, callbacks: Sequence[Callable[[Record], Any]] = ()
) -> Trained:
    """Train one shape on the rows to fit."""
    net = KAN(list(shape), input_names=rows.names, seed=seed, dtype=torch.float64)
    result = fit(net, rows.X, rows.y, seconds=seconds, seed=seed or 0, callbacks=tuple(callbacks))
    misfit = result.network.predict(rows.X_held)[:, 0] - rows.y_held
    error = math.sqrt(float(np.mean(np.square(misfit))))
    return Trained(result.network, error, result.reason == "interrupted")
