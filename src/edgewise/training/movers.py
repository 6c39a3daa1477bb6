"""Ways to spend an epoch of first-order training: minibatch AdamW, and L-BFGS on all rows at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from edgewise._core.checks import check_float, check_int
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise.network import KAN
from edgewise.training.losses import Loss
from edgewise.training.rows import Rows

# Updates and epochs that AdamW makes unless told otherwise.
UPDATES, FEWEST_EPOCHS = 4000, 30
# L-BFGS: iterations in all, and between two records.
ITERATIONS, CHUNK = 1000, 10
# Rows that are evaluated at once.
ROWS_AT_ONCE = 8192
WARM_UP = 0.05


@dataclass(frozen=True)
class FirstOrderOptions:
    """Settings of a first-order fit; see `fit`.

    Attributes
    ----------
    method : "adam" or "lbfgs"
    steps : int, optional
        Epochs (AdamW) or iterations (L-BFGS).
    seconds : float, optional
    seed, patience : int
    batch : int, optional
        Rows of a minibatch; by default a power of two near a thirtieth of the rows, 32 to 1024.
    rate : float
        Highest learning rate of AdamW for a layer with one input; it falls with the root of their number. It is reached
        after the first twentieth of the updates and falls as a cosine.
    decay : float
        Weight decay of AdamW on coefficients and base weights.
    """

    method: str = "adam"
    steps: int | None = None
    seconds: float | None = None
    seed: int = 0
    patience: int = 1
    batch: int | None = None
    rate: float = 4e-2
    decay: float = 1e-4

    def __post_init__(self) -> None:
        if self.method not in ("adam", "lbfgs"):
            raise InputError(
                f"The 'method' of a first-order fit must be 'adam' or 'lbfgs'. Got {self.method!r} instead."
            )
        for name, least in (("steps", 1), ("batch", 1), ("patience", 0), ("seed", 0)):
            if getattr(self, name) is not None:
                check_int(getattr(self, name), name, low=least, of="fit")
        check_float(self.rate, "rate", low=0.0, closed=False, of="fit")
        check_float(self.decay, "decay", low=0.0, of="fit")


class Mover(Protocol):
    """A way to spend an epoch."""

    @property
    def epochs(self) -> int:
        """Most epochs."""
        ...

    @property
    def optimizer(self) -> torch.optim.Optimizer: ...

    def epoch(self, number: int, slowdown: float, late: Callable[[], bool]) -> float:
        """Train for one epoch (or until it is late) and give the mean loss met on the way."""
        ...


class AdamW:
    """Minibatch AdamW with warm-up and cosine decay.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101; "SGDR: Stochastic
    gradient descent with warm restarts", ICLR 2017, arXiv:1608.03983.
    """

    def __init__(self, net: KAN, rows: Rows, loss: Loss, options: FirstOrderOptions) -> None:
        self.net, self.rows, self.loss, self.options = net, rows, loss, options
        batch = options.batch or min(max(2 ** round(math.log2(max(len(rows) / 30, 1))), 32), 1024)
        self.batches = max(1, math.ceil(len(rows) / batch))
        self.epochs = options.steps or max(FEWEST_EPOCHS, math.ceil(UPDATES / self.batches))
        self.optimizer = torch.optim.AdamW(list(_groups(net, options)), lr=options.rate, betas=(0.9, 0.99))

    def epoch(self, number: int, slowdown: float, late: Callable[[], bool]) -> float:
        random = generator(derive(self.options.seed, 7101, number))
        order = torch.randperm(len(self.rows), generator=random).to(self.rows.X.device)
        total, seen = 0.0, 0
        for k, index in enumerate(torch.tensor_split(order, self.batches)):
            progress = (number + k / self.batches) / self.epochs
            for group in self.optimizer.param_groups:
                group["lr"] = group["highest"] * slowdown * schedule(progress)
            self.optimizer.zero_grad(set_to_none=True)
            # Row weights of the whole sum to one; times the number of rows they average to one in a batch.
            weight = self.rows.weight[index] * (len(self.rows) / len(index))
            value = self.loss.rows(outputs(self.net, self.rows.X[index]), self.rows.y[index]) @ weight
            value.backward()
            self.optimizer.step()
            total += value.item() * len(index)
            seen += len(index)
            if late():
                break
        return total / seen


class LBFGS:
    """Limited-memory BFGS on all rows, with a line search that satisfies the strong Wolfe conditions.

    References
    ----------
    D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", 1989,
    doi:10.1007/BF01589116.
    """

    def __init__(self, net: KAN, rows: Rows, loss: Loss, options: FirstOrderOptions) -> None:
        self.net, self.rows, self.loss = net, rows, loss
        self.epochs = math.ceil((options.steps or ITERATIONS) / CHUNK)
        self.optimizer = torch.optim.LBFGS(
            net.parameters(),
            max_iter=min(CHUNK, options.steps or ITERATIONS),
            history_size=30,
            tolerance_grad=1e-13,
            tolerance_change=1e-15,
            line_search_fn="strong_wolfe",
        )

    def epoch(self, number: int, slowdown: float, late: Callable[[], bool]) -> float:
        self.optimizer.param_groups[0]["lr"] = slowdown
        self.optimizer.step(self._closure)
        return mean_loss(self.net, self.rows, self.loss)

    def _closure(self) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for part in _parts(len(self.rows)):
            f = outputs(self.net, self.rows.X[part])
            value = self.loss.rows(f, self.rows.y[part]) @ self.rows.weight[part]
            value.backward()
            total += value.item()
        return total


def _groups(net: KAN, options: FirstOrderOptions) -> Iterator[dict[str, Any]]:
    """Parameters with their learning rate and decay.

    A step moves every coefficient by about the rate, and a sum of I edges by up to I times as much, where coefficients start
    at a size of 1 / sqrt(I): the rate falls with the root of I, so that the same number serves 2 inputs and 784.
    """
    for layer in net.layers:
        rate = options.rate / layer.in_features**0.5
        for parameter in (layer.coef, layer.base_weight):
            if parameter is not None:
                yield {"params": [parameter], "highest": rate, "weight_decay": options.decay}
        # Biases are levels and the constants of closed forms have units: zero is no better a value for them than any.
        for parameter in (layer.bias, layer.affine):
            if parameter is not None:
                yield {"params": [parameter], "highest": rate, "weight_decay": 0.0}


def schedule(progress: float) -> float:
    """Share of the highest learning rate: a linear rise over the first twentieth, then half a cosine down to zero."""
    if progress < WARM_UP:
        return (progress + 1e-3) / (WARM_UP + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def outputs(net: KAN, X: Tensor) -> Tensor:
    """Outputs in network units, where the loss is taken."""
    return net.activations(X)[-1]


def mean_loss(net: KAN, rows: Rows, loss: Loss) -> float:
    """Weighted mean loss in network units."""
    with torch.no_grad():
        parts = [loss.rows(outputs(net, rows.X[p]), rows.y[p]) @ rows.weight[p] for p in _parts(len(rows))]
    return float(torch.stack(parts).to(torch.float64).sum())


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, count, ROWS_AT_ONCE))
