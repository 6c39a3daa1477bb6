"""Functions of pairs of inputs, solved rather than trained: products of smooth directions, shrunk by the evidence.

A function of two inputs is a sum of products of their smooth directions, smoother ones more likely to be large: a Gaussian
process whose covariance is the product of those of two splines. Products fall into blocks by how rough they are in either
input, each with a weight that maximises the evidence; of few rows, blocks as rough as each other lend each other strength.
Where a pair has no effect, its function is shrunk to nothing. Pairs join in rounds, and all parts are solved in turn on what
the others leave over, those of single inputs too. The same is done without each fold, choice of pairs included, so that the
rows left out judge all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgewise._core.work import StopError
from edgewise.training.additive.irls import Additive
from edgewise.training.bag.out_of_bag import OutOfBag, oob_score, significantly_better
from edgewise.training.bag.run import TableProblem
from edgewise.training.common.losses import Loss
from edgewise.training.config import TableConfig
from edgewise.training.interactions.factor import PenalisedRoot
from edgewise.training.interactions.pair_columns import PairParts, ProductColumns, Which
from edgewise.training.interactions.pair_weights import pace_of, precision
from edgewise.training.interactions.two_way_tables import Pair, TwoWay, all_pairs, strongest, two_way

HALVINGS = 5


@dataclass(frozen=True, eq=False)
class PairFunctions:
    """Functions of single inputs and of pairs, in products of smooth coordinates.

    Attributes
    ----------
    theta : Tensor, shape (P, D)
        Of single inputs.
    bias : Tensor, shape (D,)
    products : mapping of pairs to (Tensor, Tensor), shapes (K, 2) and (K, D)
        Columns of the design that are multiplied, and what the products are multiplied by.
    """

    theta: Tensor
    bias: Tensor
    products: Mapping[Pair, tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class Joined:
    """What pairs add to an additive part.

    Attributes
    ----------
    whole : PairFunctions
        Learned from all rows.
    mean : PairFunctions
        The mean of those without a fold each.
    outputs : Tensor, shape (folds, n, D)
        Of those without a fold.
    out_of_bag : OutOfBag
        These, by the rows left out.
    negligible : float
        Variance that a function of a pair may lose with its smallest products.
    """

    whole: PairFunctions
    mean: PairFunctions
    outputs: Tensor
    out_of_bag: OutOfBag
    negligible: float = 0.0


def solve_pairs(
    problem: TableProblem,
    additive: Additive,
    loss: Loss,
    degrees: Sequence[int],
    *,
    table: Tensor,
    spent: float,
    most: int | None = None,
    without: Collection[int] = (),
    fixed: bool = False,
    late: Callable[[], bool] = lambda: False,
) -> tuple[Joined | None, StopError | None]:
    """Choose pairs and solve for their functions, as far as out-of-bag rows support them.

    Parameters
    ----------
    problem : TableProblem
    additive : Additive
        Where everything starts from.
    loss : Loss
    degrees : sequence of int
        Directions of each input that pairs make use of.
    table : Tensor, shape (n, P)
        The design that the additive part is stated in: that of `problem`, or one under constraints.
    spent : float
        Degrees of freedom of the additive part.
    most : int, optional
        So many pairs, the strongest, whatever the out-of-bag error.
    without : collection of int
        Inputs that are in no pair.
    fixed : bool
        Whether the functions of single inputs stay as they are.
    late : callable
        Whether no round shall begin any more.

    Returns
    -------
    Joined or None
        None where nothing supports any pair.
    StopError or None
        What broke it off; the rounds until then are the answer.

    References
    ----------
    S. Wood and M. Fasiolo, "A generalized Fellner-Schall method for smoothing parameter optimization", 2017,
    doi:10.1111/biom.12666.
    """
    config, faint = problem.config, problem.config.negligible(loss.dispersed)
    patience = config.patience_of_numbers if loss.dispersed else config.pair_patience
    parts, folds = PairParts(problem, degrees), len(additive.fold_theta)
    best, first = None, oob_score(additive.outputs(table), problem, loss)
    try:
        screen = two_way(problem.design, problem.table, problem.rows.X, config)
        start = all_pairs(len(degrees), without)
        models = [
            _PairFunctions(parts, additive, table, spent, fold, loss, fixed, start)
            for fold in (None, *range(folds))
        ]
        whole = models[0]
        idle = 0
        for room in _rooms(None if most is None else min(most, len(start)), config.pair_rounds):
            joined = [model.join(screen, room, None if model is whole else whole) for model in models]
            if not any(joined):
                break
            outputs = torch.stack([model.f for model in models[1:]])
            now = oob_score(outputs, problem, loss)
            # Rounds are so many chances to be deceived: the first pairs have to be distinguished from none beyond doubt.
            before, errors = (first, config.first_pair_errors) if best is None else (best.out_of_bag, 1.0)
            if most is not None or significantly_better(now, before, problem, loss, faint, errors):
                functions = whole.functions(faint if most is None else -1.0)
                mean = mean_of([model.functions() for model in models[1:]])
                best, idle = Joined(functions, mean, outputs, now), 0
            else:
                idle += 1
            if idle == patience or late():
                break
    except StopError as stop:
        return best, stop
    return best, None


def _rooms(most: int | None, rounds: Sequence[int]) -> list[int]:
    """How many pairs join in each round."""
    if most is None:
        return list(rounds)
    rooms, left = list[int](), most
    while left > 0:
        rooms.append(min(left, rounds[min(len(rooms), len(rounds) - 1)]))
        left -= rooms[-1]
    return rooms


class _PairFunctions:
    """Functions of single inputs and of pairs, learned from all rows or without a fold."""

    def __init__(
        self,
        parts: PairParts,
        additive: Additive,
        table: Tensor,
        spent: float,
        fold: int | None,
        loss: Loss,
        fixed: bool,
        candidates: Sequence[Pair],
    ) -> None:
        problem = parts.problem
        self.parts, self.fold, self.loss, self.y = parts, fold, loss, problem.rows.y
        weight = problem.rows.weight
        self.weight = weight if fold is None else torch.where(problem.fold == fold, 0.0, weight)
        self.total = float(self.weight.sum())
        self.theta = (additive.theta if fold is None else additive.fold_theta[fold]).clone()
        self.bias = (additive.bias if fold is None else additive.fold_bias[fold]).clone()
        self.f = table.to(torch.float64) @ self.theta + self.bias
        self.smoothness = (additive.penalty if fold is None else additive.fold_penalty[fold]).clone()
        self.fixed = fixed
        self.candidates = candidates
        self.pairs = dict[Pair, Tensor]()
        self.penalty = dict[Pair, Tensor]()
        # Degrees of freedom that pairs, and all single inputs together, make use of.
        self.free = dict[Pair, float]()
        self.spent = spent
        self.bent = dict[tuple[int, int], float]()
        self.config: TableConfig = problem.config
        self.few = len(self.y) <= self.config.relearned_rows
        self.pace = pace_of(self.config, self.few)
        self.factors = dict[tuple[Which, int], PenalisedRoot]()

    def functions(self, faint: float = -1.0) -> PairFunctions:
        """What has been solved, without pairs that lower the loss by less than what is faint."""
        kept = [pair for pair in self.pairs if self._share(pair) > faint]
        products = {pair: (self.parts.of(pair).places, self.pairs[pair].clone()) for pair in kept}
        return PairFunctions(self.theta.clone(), self.bias.clone(), products)

    def join(self, screen: TwoWay, room: int, leader: _PairFunctions | None) -> bool:
        """Let the strongest pairs of what is left over join, and solve for all parts; False where there are none.

        Parameters
        ----------
        leader : _PairFunctions, optional
            One of all rows: of many rows, what it knows of how smooth a pair is holds here as well.
        """
        rest = -self.loss.gradient(self.f, self.y) * self.weight[:, None]
        gains = screen.gains(rest, self.candidates)
        fresh = strongest(gains, self.candidates)[:room]
        # A pair that is lost in noise now may be seen once others have joined.
        order = [self.candidates[k] for k in np.argsort(-gains, kind="stable")]
        self.candidates = [pair for pair in order if pair not in fresh][: self.config.pair_candidates]
        for pair in fresh:
            shape = len(self.parts.of(pair).places), self.y.shape[1]
            self.pairs[pair] = torch.zeros(shape, dtype=torch.float64)
            blocks = int(self.parts.of(pair).block.max()) + 1
            first = self.config.first_weight * self.total
            self.penalty[pair] = torch.full((blocks, shape[1]), first, dtype=torch.float64)
        # Of few rows, smoothness that was found on all of them would know those left out.
        config = self.config
        known = {} if leader is None or self.few else leader.penalty
        for sweep in range(config.pair_sweeps):
            # What has been given more products has not settled yet.
            grown = any(len(self.parts.of(pair).places) > config.pair_products for pair in fresh)
            if sweep >= self.pace.sweeps and not grown:
                break
            for pair in self.pairs:
                self._fit(pair)
                if pair in known:
                    self.penalty[pair] = known[pair]
                    self._solve(pair, 0)
                else:
                    self._solve(pair, config.pair_updates if pair in fresh else 1)
                full = self.free[pair] > config.pair_full * len(self.pairs[pair])
                last = config.pair_sweeps if pair in fresh else self.pace.sweeps
                if leader is None and full and sweep < last - 1:
                    self.parts.grown(pair)
            for i in range(0 if self.fixed else len(self.parts.problem.design.maps)):
                self._smooth(i)
            self._level()
        return bool(fresh)

    def _share(self, pair: Pair) -> float:
        """About what the function of a pair takes from the loss of a row."""
        part, total = self.parts.of(pair), 0.0
        bend = self.loss.curvature(self.f, self.y)
        for k in range(self.y.shape[1]):
            own = part.times(self.pairs[pair][:, k])
            own = own - (own @ self.weight) / self.total
            total += 0.5 * float((own**2 * bend[:, k]) @ self.weight) / self.total
        return total

    def _fit(self, pair: Pair) -> None:
        """Numbers for products that have been added since; their weights are those of the last so far."""
        part = self.parts.of(pair)
        more = len(part.places) - len(self.pairs[pair])
        if more > 0:
            self.pairs[pair] = torch.nn.functional.pad(self.pairs[pair], (0, 0, 0, more))
        blocks = int(part.block.max()) + 1 - len(self.penalty[pair])
        if blocks > 0:
            last = self.penalty[pair][-1:].expand(blocks, -1)
            self.penalty[pair] = torch.cat([self.penalty[pair], last])

    def _quadratic(self, which: Which, part: ProductColumns, k: int, old: Tensor) -> tuple[Tensor, Tensor]:
        """Matrix and right side of the normal equations of one part."""
        bend = self.parts.problem.rows.weight * self.loss.curvature(self.f, self.y)[:, k]
        gram = self.parts.gram(which, k, self.fold, bend)
        slope = self.loss.gradient(self.f, self.y)[:, k] * self.weight
        return gram, gram @ old - part.pulled(slope)

    def _solve(self, pair: Pair, updates: int) -> None:
        """The function of a pair beside the others; at most so many updates of its weights."""
        part, config = self.parts.of(pair), self.config
        least = config.least_weight * self.total
        if not self.loss.dispersed:
            least = max(least, config.least_logit_weight)
        sizes = torch.bincount(part.block).to(torch.float64)
        self.penalty[pair] = self.penalty[pair].clone()
        free = self.free.get(pair, 0.0) if updates == 0 else 0.0
        for k in range(self.y.shape[1]):
            old, penalty = self.pairs[pair][:, k].clone(), self.penalty[pair][:, k]
            gram, right = self._quadratic(pair, part, k, old)
            noise = self._noise(k)
            for _ in range(updates):
                factor = self._factor(pair, k, gram, penalty[part.block])
                theta = factor.solved(right)
                size = torch.zeros_like(sizes).index_add(0, part.block, theta**2)
                own = (sizes - penalty * factor.trace(part.block)).clamp(min=1e-6)
                aim = noise * precision(own, size, part.level, self.pace.prior)
                renewed = (penalty * (aim / penalty) ** self.pace.beyond).clamp(
                    least, config.most_weight * self.total
                )
                free = max(free, float(own.sum()))
                if float((renewed / penalty).log().abs().max()) < config.settled:
                    break
                penalty = renewed
            theta = self._factor(pair, k, gram, penalty[part.block]).solved(right)
            self.pairs[pair][:, k] = self._moved(part, k, old, theta, penalty[part.block])
            self.penalty[pair][:, k] = penalty
        self.free[pair] = free

    def _factor(self, which: Which, k: int, gram: Tensor, penalty: Tensor) -> PenalisedRoot:
        """That of the last time where neither products nor weights have changed since."""
        known = self.factors.get((which, k))
        if known is None or len(known.root) != len(gram) or not torch.equal(known.penalty, penalty):
            known = self.factors[which, k] = PenalisedRoot(gram, penalty)
        return known

    def _smooth(self, i: int) -> None:
        """The function of a single input beside the others, as smooth as it has been found to be; of few rows as the
        evidence gives now, for pairs have taken much of what was noise then."""
        part = self.parts.of((i,))
        columns = part.places[:, 0]
        # The slope is a group of its own.
        group = (torch.arange(len(columns)) > 0).long()
        sizes = torch.bincount(group).to(torch.float64)
        for k in range(self.y.shape[1] if len(columns) else 0):
            old, penalty = self.theta[columns, k], self.smoothness[columns, k]
            gram, right = self._quadratic((i,), part, k, old)
            factor = self._factor((i,), k, gram, penalty)
            if self.few and self.loss.dispersed:
                size = torch.zeros_like(sizes).index_add(0, group, factor.solved(right) ** 2)
                first = torch.tensor([0, len(columns) - 1])[: len(sizes)]
                own = (sizes - penalty[first] * factor.trace(group)).clamp(min=1e-6)
                renewed = self._noise(k) * own / size.clamp(min=1e-30)
                renewed = renewed.clamp(
                    self.config.least_weight * self.total, self.config.most_weight * self.total
                )
                penalty = self.smoothness[columns, k] = renewed[group]
                self.bent[i, k] = float(own.sum())
                factor = self._factor((i,), k, gram, penalty)
            self.theta[columns, k] = self._moved(part, k, old, factor.solved(right), penalty)

    def _level(self) -> None:
        slope = (self.loss.gradient(self.f, self.y) * self.weight[:, None]).sum(0)
        bend = (self.loss.curvature(self.f, self.y) * self.weight[:, None]).sum(0)
        step = -slope / bend.clamp(min=1e-12)
        self.bias, self.f = self.bias + step, self.f + step

    def _noise(self, k: int) -> float:
        if not self.loss.dispersed:
            return 1.0
        bend = self.loss.curvature(self.f, self.y)[:, k]
        rest = float(((self.f[:, k] - self.y[:, k]) ** 2 * bend) @ self.weight)
        spent = sum(self.bent[at] for at in self.bent if at[1] == k) or self.spent
        left = self.total - 1 - spent - sum(self.free.values())
        return rest / max(left, self.config.least_freedom * self.total)

    def _moved(self, part: ProductColumns, k: int, old: Tensor, new: Tensor, penalty: Tensor) -> Tensor:
        """Go from old to new, less far where that does not lower the loss."""
        step, size = new - old, 1.0
        change = part.times(step)
        before = self._objective(self.f, old, penalty)
        for _ in range(HALVINGS):
            f = self.f.clone()
            f[:, k] += size * change
            theta = old + size * step
            if self._objective(f, theta, penalty) <= before + 1e-7 * abs(before):
                self.f = f
                return theta
            size *= 0.5
        return old

    def _objective(self, f: Tensor, theta: Tensor, penalty: Tensor) -> float:
        return float(self.loss.rows(f, self.y) @ self.weight) + 0.5 * float(penalty @ theta**2)


def mean_of(models: Sequence[PairFunctions]) -> PairFunctions:
    """The mean of some functions; a pair that one of them lacks counts as nothing there."""
    products = dict[Pair, tuple[Tensor, Tensor]]()
    for pair in dict.fromkeys(pair for model in models for pair in model.products):
        own = [model.products[pair] for model in models if pair in model.products]
        # Products come in one order, so a shorter list is the beginning of a longer one.
        places = max((places for places, _ in own), key=len)
        total = torch.zeros(len(places), own[0][1].shape[1], dtype=torch.float64)
        for _, theta in own:
            total[: len(theta)] += theta / len(models)
        products[pair] = places, total
    theta = torch.stack([model.theta for model in models]).mean(0)
    return PairFunctions(theta, torch.stack([model.bias for model in models]).mean(0), products)
