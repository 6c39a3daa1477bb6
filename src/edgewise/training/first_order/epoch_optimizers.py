"""Ways to spend an epoch of first-order training: minibatch AdamW, and L-BFGS on all rows at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import torch
from torch import Tensor

from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise._core.work import charge
from edgewise.network import KAN
from edgewise.training.common.costs import descent_cost, numbers_read, value_cost
from edgewise.training.common.losses import Loss
from edgewise.training.common.rows import TrainingRows
from edgewise.training.first_order.adamw import FusedAdamW
from edgewise.training.first_order.batch_gradient import BatchGradient, outputs
from edgewise.training.first_order.centring import Centring

# Updates and epochs that AdamW makes unless asked otherwise.
UPDATES, FEWEST_EPOCHS = 4000, 30
# L-BFGS: iterations in all, and between two records.
ITERATIONS, CHUNK = 1000, 10
# Rows that are evaluated at once.
ROWS_AT_ONCE = 8192
WARM_UP = 0.05
# Numbers gathered at once: enough to make the calls cheap for narrow rows, little enough to be still in the cache when a
# batch is read.
BLOCK = 1 << 18


@dataclass(frozen=True)
class FirstOrderOptions:
    """Settings of a first-order fit; see `fit`.

    Attributes
    ----------
    method : "adam" or "lbfgs"
    steps : int, optional
        Epochs (AdamW) or iterations (L-BFGS).
    work : float
        Factor on the steps where they are not given.
    seed, patience : int
    batch : int, optional
        Rows of a minibatch; by default a power of two, 32 to 1024.
    minibatches : int
        Minibatches of an epoch that the default `batch` comes near.
    rate : float
        Highest learning rate of AdamW for a layer with one input; it falls with the root of their number. It is reached
        after the first twentieth of the updates and falls as a cosine.
    decay : float
        Weight decay of AdamW on coefficients and base weights.
    accumulate : int
        Parts in which AdamW evaluates a batch one after another, so that memory holds one of them; their gradients are
        added up, and the step is that of the whole batch.
    regrids : int
        Times at which the grids of hidden layers are laid anew over the values that have come to reach them; see
        `hidden_grids`.
    """

    method: str = "adam"
    steps: int | None = None
    work: float = 1.0
    seed: int = 0
    patience: int = 1
    batch: int | None = None
    minibatches: int = 30
    rate: float = 4e-2
    decay: float = 1e-4
    accumulate: int = 1
    regrids: int = 4

    def __post_init__(self) -> None:
        if self.method not in ("adam", "lbfgs"):
            raise InputError(argument="method", expected="be 'adam' or 'lbfgs'", got=short(self.method))
        least = {
            "steps": 1,
            "batch": 1,
            "minibatches": 1,
            "patience": 0,
            "seed": 0,
            "accumulate": 1,
            "regrids": 0,
        }
        for name, low in least.items():
            if getattr(self, name) is not None:
                check_int(getattr(self, name), name, low=low)
        check_float(self.rate, "rate", low=0.0, closed=False)
        check_float(self.decay, "decay", low=0.0)


class EpochOptimizer(Protocol):
    """A way to spend an epoch."""

    @property
    def epochs(self) -> int:
        """Most epochs."""
        ...

    @property
    def optimizer(self) -> torch.optim.Optimizer: ...

    @property
    def done(self) -> float:
        """Share of the present epoch that is done."""
        ...

    def epoch(self, number: int, slowdown: float) -> float:
        """Train for one epoch and give the mean loss met on the way."""
        ...


class AdamW:
    """Minibatch AdamW with warm-up and cosine decay.

    Nothing in an epoch waits for a number: the loss is summed on the device, in float64.

    Parameters
    ----------
    net : KAN or callable
        A network, or what takes the rows' X to what the loss takes.
    groups : iterable of dict
        Its parameters, with the highest learning rate ("highest") and the "weight_decay" of each group.
    rows : TrainingRows
    loss : Loss
    options : FirstOrderOptions
    centring : Centring, optional
        The centred view of a KAN's layers, in which the steps are taken.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101; "SGDR: Stochastic
    gradient descent with warm restarts", ICLR 2017, arXiv:1608.03983.
    """

    def __init__(
        self,
        net: KAN | Callable[[Tensor], Tensor],
        groups: Iterable[dict[str, Any]],
        rows: TrainingRows,
        loss: Loss,
        options: FirstOrderOptions,
        centring: Centring | None = None,
    ) -> None:
        self.options, self.centring = options, centring
        self.batches = Batches(rows, rows_at_once(len(rows), options), options.seed)
        epochs = max(FEWEST_EPOCHS, math.ceil(UPDATES / self.batches.count))
        self.epochs, self.done = options.steps or max(1, round(options.work * epochs)), 0.0
        self.optimizer = FusedAdamW(groups)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._gradient = BatchGradient(net, parameters, loss, options.accumulate)

    def epoch(self, number: int, slowdown: float) -> float:
        count = self.batches.count
        self._gradient.begin(self.batches.most)
        if self.centring is not None:
            self.optimizer.centre(self.centring.look())
        total, seen = torch.zeros((), dtype=torch.float64, device=self.batches.device), 0
        for k, (x, y, weight) in enumerate(self.batches.epoch(number)):
            self.done = k / count
            share = slowdown * schedule((number + k / count) / self.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = group["highest"] * share
            total += self._gradient(x, y, weight, len(x))
            self.optimizer.step()
            seen += len(x)
        return float(total) / seen


class LBFGS:
    """Limited-memory BFGS on all rows, with a line search that satisfies the strong Wolfe conditions.

    References
    ----------
    D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", 1989,
    doi:10.1007/BF01589116.
    """

    def __init__(self, net: KAN, rows: TrainingRows, loss: Loss, options: FirstOrderOptions) -> None:
        self.net, self.rows, self.loss = net, rows, loss
        iterations = options.steps or max(1, round(options.work * ITERATIONS))
        self.epochs, self.done = math.ceil(iterations / CHUNK), 0.0
        self.optimizer = torch.optim.LBFGS(
            net.parameters(),
            max_iter=min(CHUNK, iterations),
            history_size=30,
            tolerance_grad=1e-13,
            tolerance_change=1e-15,
            line_search_fn="strong_wolfe",
        )

    def epoch(self, number: int, slowdown: float) -> float:
        self.optimizer.param_groups[0]["lr"] = slowdown
        self.optimizer.step(self._closure)
        return mean_loss(self.net, self.rows, self.loss)

    def _closure(self) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for part in _parts(len(self.rows)):
            charge(descent_cost(ROWS_AT_ONCE, self.net.n_parameters))
            f = outputs(self.net, self.rows.X[part])
            value = self.loss.rows(f, self.rows.y[part]) @ self.rows.weight[part]
            value.backward()
            total += value.item()
        return total


def rows_at_once(count: int, options: FirstOrderOptions) -> int:
    """Rows whose gradients are taken at once: a minibatch, or a part of all rows."""
    if options.method == "lbfgs":
        return ROWS_AT_ONCE
    near = 2 ** round(math.log2(max(count / options.minibatches, 1)))
    return options.batch or min(max(near, 32), 1024)


def groups(net: KAN, options: FirstOrderOptions) -> Iterator[dict[str, Any]]:
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


def mean_loss(net: KAN, rows: TrainingRows, loss: Loss) -> float:
    """Weighted mean loss of rows in network units."""
    losses, read = list[Tensor](), numbers_read(net)
    with torch.no_grad():
        for part in _parts(len(rows)):
            own = loss.rows(outputs(net, rows.X[part]), rows.y[part]).to(rows.weight)
            losses.append(own @ rows.weight[part])
            charge(value_cost(len(own), read))
    return float(torch.stack(losses).sum())


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, count, ROWS_AT_ONCE))


class Batches:
    """Rows in a new order every epoch.

    Parameters
    ----------
    rows : TrainingRows
    size : int
        Most rows of a batch; batches differ by one row at most.
    seed : int
        Seed of the orders; that of an epoch depends on its number alone.

    Attributes
    ----------
    count, most : int
        Batches of an epoch, and most rows of one.
    device : torch.device
    """

    def __init__(self, rows: TrainingRows, size: int, seed: int) -> None:
        self.rows, self.seed, self.device = rows, seed, rows.X.device
        self.count = max(1, math.ceil(len(rows) / size))
        # Row weights of the whole sum to one; times the number of rows they average to one in a batch.
        self._columns = (rows.X, rows.y, rows.weight.to(torch.float64) * len(rows))
        self._ends = [round(k * len(rows) / self.count) for k in range(self.count + 1)]
        self.most = math.ceil(len(rows) / self.count)
        self._at_once = max(1, BLOCK // (self.most * max(1, rows.X.shape[1])))
        most = max(
            self._ends[min(k + self._at_once, self.count)] - self._ends[k]
            for k in range(0, self.count, self._at_once)
        )
        self._buffers = [column.new_empty((most, *column.shape[1:])) for column in self._columns]

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Inputs, targets and weights (float64, one on average) of every batch; they are gone when the next is asked for."""
        random = generator(derive(self.seed, 7101, number))
        order = torch.randperm(len(self.rows), generator=random).to(self.device)
        for first in range(0, self.count, self._at_once):
            ends = self._ends[first : first + self._at_once + 1]
            index = order[ends[0] : ends[-1]]
            gathered = [buffer[: len(index)] for buffer in self._buffers]
            for column, into in zip(self._columns, gathered, strict=True):
                torch.index_select(column, 0, index, out=into)
            for start, end in pairwise(ends):
                x, y, weight = (column[start - ends[0] : end - ends[0]] for column in gathered)
                yield x, y, weight
