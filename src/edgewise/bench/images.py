"""MNIST: an epoch of [784, 64, 10] in the same loop as a perceptron of the same widths, and how accurate it gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgewise.bench.results import Comparison, NotMeasured, compare
from edgewise.bench.settings import Settings
from edgewise.bench.timing import clock, no_collection
from edgewise.layers import KANLinear

TABLE = "images"
_BATCH, _EPOCHS = 256, 10
# Rates and the coarse grid of the pixels are the best of a few on 10,000 held-out training images.
_RATES = {"edgewise": 4e-3, "perceptron": 2e-3}
_PIXEL_INTERVALS = 2
_GOAL = 98.0


def measure(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """Epochs of both networks in turn; then the accuracy after the last of them on the test images."""
    if settings.data is None:
        yield NotMeasured(TABLE, "MNIST", "give mnist.npz (x_train, y_train, x_test, y_test) by --data")
        return
    x, y, x_test, y_test = _read(settings)
    torch.manual_seed(0)
    ours = nn.Sequential(
        KANLinear(784, 64, intervals=_PIXEL_INTERVALS, grid=(0.0, 1.0), base="silu", seed=0),
        nn.LayerNorm(64, elementwise_affine=False),
        KANLinear(64, 10, grid=(-3.0, 3.0), base="silu", seed=1),
    )
    theirs = nn.Sequential(nn.Linear(784, 64), nn.SiLU(), nn.Linear(64, 10))
    epochs = 2 if settings.quick else _EPOCHS
    rivals = (
        Trainer(ours, _RATES["edgewise"], epochs, x, y),
        Trainer(theirs, _RATES["perceptron"], epochs, x, y),
    )
    now, times = clock(settings.threads), ([], [])
    for epoch in range(epochs):
        for rival, taken in zip(rivals, times, strict=True):
            start = now()
            with no_collection():
                rival.epoch(epoch)
            taken.append(now() - start)
    setting: dict[str, int | str] = {"network": "[784, 64, 10]", "batch": _BATCH}
    yield compare(TABLE, setting, "epoch", "MLP, same widths", *times, most=2.0)
    right = [100 * rival.accuracy(x_test, y_test) for rival in rivals]
    found = compare(
        TABLE,
        setting | {"epochs": epochs},
        "test accuracy",
        "MLP, same widths",
        right[:1],
        right[1:],
        unit="%",
    )
    yield found if settings.quick else replace(found, goal=f"at least {_GOAL:.0f} %", met=right[0] >= _GOAL)


class Trainer:
    """A network, its optimiser and a loop in plain torch.

    Parameters
    ----------
    network : nn.Module
    rate : float
        Of AdamW in torch's fused step, falling to zero along a cosine.
    epochs : int
    x, y : Tensor
        Images as rows (n, 784) of numbers in [0, 1], and digits (n,).
    """

    def __init__(self, network: Any, rate: float, epochs: int, x: Tensor, y: Tensor) -> None:
        self.network, self._x, self._y = network, x, y
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-2, fused=True)
        steps = epochs * -(-len(x) // _BATCH)
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, steps)

    def epoch(self, number: int) -> None:
        """All images once, in a new order."""
        order = torch.randperm(len(self._x), generator=torch.Generator().manual_seed(number))
        for rows in order.split(_BATCH):
            self._optimizer.zero_grad()
            nn.functional.cross_entropy(self.network(self._x[rows]), self._y[rows]).backward()
            self._optimizer.step()
            self._schedule.step()

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        """Share of images whose digit is the likeliest."""
        with torch.no_grad():
            return float((self.network(x).argmax(1) == y).double().mean())


def _read(settings: Settings) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images and digits to learn from and to judge by."""
    assert settings.data is not None
    with np.load(settings.data, allow_pickle=False) as arrays:
        parts = [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    count = 512 if settings.smoke else 12_800 if settings.quick else len(parts[0])
    few = torch.randperm(len(parts[0]), generator=torch.Generator().manual_seed(0))[
        :count
    ]  # files may be sorted
    x, x_test = (torch.from_numpy(part.reshape(len(part), -1)).float() / 255 for part in parts[::2])
    y, y_test = (torch.from_numpy(part).long() for part in parts[1::2])
    return x[few], y[few], x_test, y_test
