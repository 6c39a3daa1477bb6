"""Training of a bag: minibatch AdamW on all members at once, each judged on rows that it does not learn from.

The rows are dealt into folds, and two members leave out the same one; the mean of the two on that fold is what the whole bag
would say there, were it half as large. These out-of-bag predictions choose when to stop, compare recipes and calibrate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise.training.bag import Bag, BagShape, Design, make_design
from edgewise.training.losses import Loss
from edgewise.training.movers import schedule
from edgewise.training.results import Record

# Most of the rows that one fold may hold out, and the number of held-out rows a fold seeks.
MOST_HELD, HELD_ROWS = 0.25, 2000
PER_FOLD = 2
# Of the exponential moving average of the numbers, which is what is judged and kept.
AVERAGING = 0.02
# Times the bag is judged, and the share of the plan it may go on without a better judgement.
JUDGEMENTS, PATIENCE = 30, 0.35
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Recipe:
    """How a bag is built and trained.

    Attributes
    ----------
    hidden : tuple of int
        Hidden nodes of one member, layer by layer; empty for an additive network.
    members : int
        An even number: two members share a fold.
    intervals, hidden_intervals : int
        Of the grids of inputs and of hidden nodes.
    power : float
        How much rough directions are scaled down (see `smooth_basis`).
    decay, rate : float
        Weight decay and highest learning rate of AdamW.
    batch, steps : int
        Rows of a minibatch; updates in all.
    """

    hidden: tuple[int, ...] = (32,)
    members: int = 8
    intervals: int = 24
    hidden_intervals: int = 4
    power: float = 1.0
    decay: float = 0.3
    rate: float = 1e-2
    batch: int = 256
    steps: int = 2000


@dataclass(frozen=True, eq=False)
class TableRows:
    """Rows to learn from: inputs (n, I), targets (n, D) in network units, weights (n,) that average to one."""

    X: Tensor
    y: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained bag and how it does on rows it has not seen.

    Attributes
    ----------
    rows, out_of_bag : Tensor
        Numbers of the rows that some members left out, and their mean outputs there, shape (h, D).
    error : float
        Weighted mean loss of these outputs.
    """

    recipe: Recipe
    bag: Bag
    design: Design
    rows: Tensor
    out_of_bag: Tensor
    error: float
    steps: int


def deal(count: int, members: int, seed: int) -> Tensor:
    """Fold that each row is left out with, or -1: shape (n,)."""
    folds = max(members // PER_FOLD, 1)
    share = min(MOST_HELD, max(HELD_ROWS / count, 0.02), 1 / (folds + 1) if folds == 1 else 1 / folds)
    size = max(1, round(share * count))
    order = torch.randperm(count, generator=generator(derive(seed, 7203)))
    fold = torch.full((count,), -1)
    for k in range(folds):
        fold[order[k * size : (k + 1) * size]] = k
    return fold


def train_bag(
    rows: TableRows,
    recipe: Recipe,
    loss: Loss,
    *,
    links: Tensor | None = None,
    seed: int = 0,
    share: Callable[[], float] = lambda: 0.0,
    report: Callable[[int, float, float], bool] = lambda step, train, held: False,
) -> Trained:
    """Train a bag.

    Parameters
    ----------
    rows : TableRows
    recipe : Recipe
    loss : Loss
    links : Tensor of bool, shape (I, members * width), optional
        Which inputs each node of the first layer reads.
    seed : int
    share : callable
        Share of the time that is used up; the learning rate falls with it where it is ahead of the steps.
    report : callable
        Told (step, training loss, out-of-bag loss) at every judgement; returning True stops.
    """
    design = make_design(rows.X, rows.weight, recipe.intervals, recipe.power, seed)
    table = design.rows(rows.X)
    y, weight = rows.y.to(torch.float32), rows.weight.to(torch.float32)
    shape = BagShape(recipe.members, recipe.hidden, y.shape[1], recipe.hidden_intervals, recipe.power)
    bag = Bag(design, shape, links, (table[:ROWS_AT_ONCE] ** 2).mean(0).sqrt(), seed)
    fold = deal(len(rows), recipe.members, seed)
    owners = torch.arange(recipe.members) // PER_FOLD
    learns = (fold[None, :] != owners[:, None]).to(torch.float32)
    held = (fold >= 0).nonzero()[:, 0]
    judge = _Judge(bag, table[held], y[held], weight[held], fold[held], owners, loss)

    weights, biases = bag.weights, bag.biases
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": recipe.decay}, {"params": biases, "weight_decay": 0.0}],
        lr=recipe.rate,
        betas=(0.9, 0.99),
        fused=True,
    )
    mean = [p.detach().clone() for p in bag.parameters]
    best, best_error, best_step = [p.clone() for p in mean], math.inf, 0
    every = max(1, recipe.steps // JUDGEMENTS)
    seen, running, step = _batches(len(rows), recipe.batch, seed), math.nan, 0
    while step < recipe.steps:
        progress = max(step / recipe.steps, share())
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * schedule(progress)
        index = next(seen)
        f = bag.forward(table[index])
        target = y[index].expand(len(f), -1, -1).flatten(0, 1)
        each = loss.rows(f.flatten(0, 1), target).view(len(f), -1)
        pull = learns[:, index] * weight[index]
        value = (each * pull).sum() / len(index)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        step += 1
        now = float(value.detach()) / recipe.members
        running = now if math.isnan(running) else running + AVERAGING * (now - running)
        with torch.no_grad():
            pace = max(AVERAGING, 1 / (step + 1))
            torch._foreach_lerp_(mean, [p.detach() for p in bag.parameters], pace)
        if step % every == 0 or step == recipe.steps:
            error, _ = judge(mean)
            if error < best_error:
                best, best_error, best_step = [p.clone() for p in mean], error, step
            if report(step, running, error) or step - best_step > PATIENCE * recipe.steps:
                break
    if not math.isfinite(best_error):
        best = mean
    error, outputs = judge(best)
    bag.copy_from(best)
    return Trained(recipe, bag, design, held, outputs, error, step)


class _Judge:
    """Out-of-bag error of some numbers."""

    def __init__(
        self, bag: Bag, table: Tensor, y: Tensor, weight: Tensor, fold: Tensor, owners: Tensor, loss: Loss
    ) -> None:
        self.bag, self.table, self.y, self.loss = bag, table, y, loss
        self.weight = weight / weight.sum().clamp(min=1e-30)
        out = (fold[None, :] == owners[:, None]).to(torch.float32)
        self.out = out / out.sum(0, keepdim=True)

    def __call__(self, numbers: Sequence[Tensor]) -> tuple[float, Tensor]:
        own = [p.detach().clone() for p in self.bag.parameters]
        self.bag.copy_from(numbers)
        with torch.no_grad():
            parts = zip(self.table.split(ROWS_AT_ONCE), self.out.split(ROWS_AT_ONCE, 1), strict=True)
            outputs = torch.cat([(self.bag.forward(t) * o[..., None]).sum(0) for t, o in parts])
        self.bag.copy_from(own)
        error = float(self.loss.rows(outputs, self.y) @ self.weight)
        return (error if math.isfinite(error) else math.inf), outputs


def _batches(count: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Endless minibatches, epoch by epoch in an order of its own."""
    epoch = 0
    while True:
        order = torch.randperm(count, generator=generator(derive(seed, 7204, epoch)))
        yield from torch.tensor_split(order, max(1, math.ceil(count / batch)))
        epoch += 1


__all__ = ["Recipe", "Record", "TableRows", "Trained", "deal", "time", "train_bag"]
