"""Training of a bag: minibatch AdamW on all members at once, each judged on rows that it does not learn from.

The rows are dealt into folds, and two members leave out the same one; the mean of the two on that fold is what the whole bag
would say there, were it half as large. These out-of-bag predictions choose when to stop, compare recipes and calibrate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise._core.stopping import StopReason
from edgewise._core.work import StopError, charge
from edgewise.training.additive.design import Design, make_design
from edgewise.training.bag.members import Bag, BagShape, MonotoneConstraint
from edgewise.training.common.losses import Loss
from edgewise.training.config import DEFAULT, TableConfig
from edgewise.training.first_order.epoch_optimizers import schedule

ROWS_AT_ONCE = 4096
# Rows that a fold seeks, and the most of all rows that it may hold out: others learn from them.
_HELD_ROWS, _HELD_SHARE = 2000, 0.25
# Equal rows are one row given again if they are at most so many, or this share of all; a larger crowd is what the inputs
# cannot distinguish.
REPEATED_ROWS, _REPEATED_SHARE = 10, 0.01
# Intervals of the grids of hidden nodes, and how much rough directions of an edge are scaled down before training.
HIDDEN_INTERVALS, ROUGHNESS_POWER = 4, 1.0
# Of AdamW: the decay of weights, and the highest rate.
_WEIGHT_DECAY, _LEARNING_RATE = 0.3, 1e-2
# Of the exponential moving average of the numbers, which is what is judged and kept.
_AVERAGING = 0.02
# Times the bag is judged, and the share of the plan it may go on without a better judgement.
_JUDGEMENTS, _PATIENCE = 30, 0.35
# Share of the error at the start that a bag must take away to be kept.
_WORTHWHILE = 1e-3


@dataclass(frozen=True)
class BagRecipe:
    """How a bag is built and trained.

    Attributes
    ----------
    hidden : tuple of int
        Hidden nodes of one member, layer by layer.
    members : int
        An even number: two members share a fold.
    batch, steps : int
        Rows of a minibatch; updates in all.
    cost : float
        Work of an update.
    seed : int
        Of the start, and of the order of the rows.
    """

    hidden: tuple[int, ...]
    members: int
    batch: int = 256
    steps: int = 2000
    cost: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class TableRows:
    """Rows to learn from: inputs (n, I), targets (n, D) in network units, weights (n,) that average to one; where there are
    groups, their numbers (n,)."""

    X: Tensor
    y: Tensor
    weight: Tensor
    group: Tensor | None = None

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True, eq=False)
class TableProblem:
    """What every bag on the same rows shares.

    Attributes
    ----------
    rows : TableRows
    design : Design
    table : Tensor, shape (n, P)
        The design of the rows, float32.
    coarse, coarse_table : Design and Tensor
        What bags read: the same, or fewer directions of it.
    fold : Tensor, shape (n,)
        Fold that each row is left out with, or -1.
    held : Tensor, shape (h,)
        Numbers of the rows that are in a fold.
    config : TableConfig
    """

    rows: TableRows
    design: Design
    table: Tensor
    coarse: Design
    coarse_table: Tensor
    fold: Tensor
    held: Tensor
    config: TableConfig


def make_problem(
    rows: TableRows, intervals: int, folds: int, seed: int, config: TableConfig = DEFAULT
) -> TableProblem:
    """Design and folds of some rows."""
    design = make_design(rows.X, rows.weight, intervals, ROUGHNESS_POWER, seed)
    group = (
        same_rows(rows.X, rows.y) if rows.group is None else torch.unique(rows.group, return_inverse=True)[1]
    )
    count = int(group.max()) + 1
    fold = deal(count, min(folds, count), seed, None if rows.group is None else len(rows))[group]
    values = design.rows(rows.X)
    held = (fold >= 0).nonzero()[:, 0]
    return TableProblem(rows, design, values, design, values, fold, held, config)


def refined(problem: TableProblem, intervals: int, seed: int) -> TableProblem:
    """The same rows and folds on other grids; what bags read stays as it is."""
    rows = problem.rows
    design = make_design(rows.X, rows.weight, intervals, ROUGHNESS_POWER, seed)
    return replace(problem, design=design, table=design.rows(rows.X))


@dataclass(frozen=True, eq=False)
class TrainedBag:
    """A trained bag and how it does on rows it has not seen.

    Attributes
    ----------
    recipe : BagRecipe
    bag : Bag
    out_of_bag : Tensor, shape (h, D)
        Outputs for the held rows, by the members (and with the offset) that have not learned from them.
    error : float
        Weighted mean loss of these outputs.
    steps : int
    stop : StopError or None
        What broke it off.
    """

    recipe: BagRecipe
    bag: Bag
    out_of_bag: Tensor
    error: float
    steps: int
    stop: StopError | None


def deal(count: int, folds: int, seed: int, rows: int | None = None) -> Tensor:
    """Fold that each row is left out with, or -1, shape (n,); of so many groups that hold all `rows`, each group's."""
    share = min(_HELD_SHARE, max(_HELD_ROWS / (rows or count), 0.02), 1 / folds)
    size = max(1, round(share * count))
    order = torch.randperm(count, generator=generator(derive(seed, 7203)))
    fold = torch.full((count,), -1)
    for k in range(folds):
        fold[order[k * size : (k + 1) * size]] = k
    return fold


def same_rows(X: Tensor, y: Tensor) -> Tensor:
    """Numbers of groups that must not be parted, shape (n,): a row that was given twice must not be learned from in one
    place and judged in another.

    Where rows of equal inputs have different targets, or are so many that no row is given so often, they are a crowd that
    the inputs cannot distinguish. Each of them is a group of its own: were all those of one target left out together, the
    solution would know the place by those of the other target alone.
    """
    place, target = (torch.unique(part, dim=0, return_inverse=True)[1] for part in (X, y))
    _, key, size = torch.unique(place * len(X) + target, return_inverse=True, return_counts=True)
    first = torch.full((len(X),), len(X)).scatter_reduce(0, place, target, "amin")
    last = torch.full((len(X),), -1).scatter_reduce(0, place, target, "amax")
    repeated = max(REPEATED_ROWS, _REPEATED_SHARE * len(X))
    crowd = (first != last)[place] | (size[key] > repeated)
    # Numbered in the order in which they first come, so that distinct rows are dealt one by one.
    own = torch.where(crowd, len(X) + torch.arange(len(X)), key)
    _, group = torch.unique(own, return_inverse=True)
    begin = torch.full((len(X),), len(X)).scatter_reduce(0, group, torch.arange(len(X)), "amin")
    return torch.unique(begin[group], return_inverse=True)[1]


def train_bag(
    problem: TableProblem,
    recipe: BagRecipe,
    loss: Loss,
    *,
    offset: Tensor | None = None,
    links: Tensor | None = None,
    monotone: MonotoneConstraint | None = None,
    report: Callable[[int, float, float], bool] = lambda step, train, held: False,
) -> TrainedBag:
    """Train a bag.

    Parameters
    ----------
    problem : TableProblem
    recipe : BagRecipe
    loss : Loss
    offset : Tensor, shape (folds, n, D), optional
        Outputs that the members add to, for each fold those of a model without it.
    links : Tensor of bool, shape (I, members * width), optional
        Which inputs each node of the first layer reads.
    monotone : MonotoneConstraint, optional
        What holds it monotone in some inputs.
    report : callable
        Told (step, training loss, out-of-bag loss) at every judgement; returning True stops.
    """
    rows, table = problem.rows, problem.coarse_table
    y, weight = rows.y.to(torch.float32), rows.weight.to(torch.float32)
    shape = BagShape(recipe.members, recipe.hidden, y.shape[1], HIDDEN_INTERVALS, ROUGHNESS_POWER)
    bag = Bag(problem.coarse, shape, links, (table[:ROWS_AT_ONCE] ** 2).mean(0).sqrt(), recipe.seed, monotone)
    folds = int(problem.fold.max()) + 1
    owners = torch.arange(recipe.members) % folds
    base = torch.zeros(folds, len(rows), y.shape[1]) if offset is None else offset.to(torch.float32)
    judge = _OutOfBagError(bag, problem, base, owners, loss)
    base = base.transpose(0, 1).contiguous()  # what a minibatch takes lies together

    weights, biases = bag.weights, bag.biases
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": _WEIGHT_DECAY}, {"params": biases, "weight_decay": 0.0}],
        lr=_LEARNING_RATE,
        betas=(0.9, 0.99),
        fused=True,
    )
    numbers = bag.parameters
    mean = [p.detach().clone() for p in numbers]
    best, best_error, best_step = [p.clone() for p in mean], judge(mean)[0], 0
    # What is added has to show: a gain too small to measure is none.
    margin = _WORTHWHILE * best_error
    every = max(1, recipe.steps // _JUDGEMENTS)
    seen, running, step = _batches(len(rows), recipe.batch, recipe.seed), math.nan, 0
    stop: StopError | None = None

    def update() -> float:
        index = next(seen)
        design, own, target, share, left = (
            part.index_select(0, index) for part in (table, base, y, weight, problem.fold)
        )
        f = bag.forward(design) + own.transpose(0, 1).index_select(0, owners)
        per_row = loss.rows(f.flatten(0, 1), target.expand(len(f), -1, -1).flatten(0, 1)).view(len(f), -1)
        value = (per_row * (share * (left != owners[:, None]))).sum() / len(index)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        return float(value.detach()) / recipe.members

    while step < recipe.steps:
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * schedule(step / recipe.steps)
        try:
            charge(recipe.cost)
            now = update()
        except (StopError, KeyboardInterrupt) as error:
            stop = error if isinstance(error, StopError) else StopError(StopReason.INTERRUPTED)
            break
        step += 1
        running = now if math.isnan(running) else running + _AVERAGING * (now - running)
        with torch.no_grad():
            pace = max(_AVERAGING, 1 / (step + 1))
            for own, trained in zip(mean, numbers, strict=True):
                own.lerp_(trained, pace)
        if step % every == 0 or step == recipe.steps:
            error, _ = judge(mean)
            if error < best_error - (margin if best_step == 0 else 0.0):
                best, best_error, best_step = [p.clone() for p in mean], error, step
            if report(step, running, error) or step - best_step > _PATIENCE * recipe.steps:
                break
    if not math.isfinite(best_error):
        best = mean
    error, outputs = judge(best)
    bag.copy_from(best)
    return TrainedBag(recipe, bag, outputs, error, step, stop)


class _OutOfBagError:
    """Out-of-bag error of some numbers."""

    def __init__(self, bag: Bag, problem: TableProblem, base: Tensor, owners: Tensor, loss: Loss) -> None:
        held = problem.held
        self.bag, self.loss = bag, loss
        self.y, weight = problem.rows.y[held], problem.rows.weight[held]
        self.weight = weight / weight.sum().clamp(min=1e-30)
        fold = problem.fold[held]
        self.parts: list[tuple[Tensor, Tensor, Tensor]] = []
        for k in range(int(fold.max()) + 1):
            # A fold that no member leaves out is judged by all: better than nothing, and only of very small bags.
            members = (
                (owners == k).nonzero()[:, 0] if bool((owners == k).any()) else torch.arange(len(owners))
            )
            places = (fold == k).nonzero()[:, 0]
            self.parts += [(part, held[part], members) for part in places.split(ROWS_AT_ONCE)]
        self.table, self.base = problem.coarse_table, base[fold, held]

    def __call__(self, numbers: Sequence[Tensor]) -> tuple[float, Tensor]:
        own = [p.detach().clone() for p in self.bag.parameters]
        self.bag.copy_from(numbers)
        outputs = self.base.clone()
        with torch.no_grad():
            for places, rows, members in self.parts:
                outputs[places] += self.bag.forward(self.table[rows], members).mean(0)
        self.bag.copy_from(own)
        error = float(self.loss.rows(outputs.to(torch.float64), self.y) @ self.weight)
        return (error if math.isfinite(error) else math.inf), outputs


def _batches(count: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Endless minibatches, epoch by epoch in an order of its own."""
    epoch = 0
    while True:
        order = torch.randperm(count, generator=generator(derive(seed, 7204, epoch)))
        yield from torch.tensor_split(order, max(1, math.ceil(count / batch)))
        epoch += 1
