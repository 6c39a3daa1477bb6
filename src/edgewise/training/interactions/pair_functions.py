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

from edgewise._core.work import StopError, charge
from edgewise.training.additive.irls import (
    FIRST_WEIGHT,
    LEAST_FREEDOM,
    RELEARNED_ROWS,
    SETTLED,
    Additive,
    weight_limits,
)
from edgewise.training.bag.out_of_bag import OutOfBag, oob_score, significantly_better
from edgewise.training.bag.run import TableProblem
from edgewise.training.common.costs import solve_cost
from edgewise.training.common.losses import Loss, in_units_of_y, negligible_gain, squared_residuals
from edgewise.training.interactions.pair_columns import PairParts, ProductColumns, Which
from edgewise.training.interactions.two_way_tables import Pair, TwoWay, all_pairs, strongest, two_way

# Pairs that join in each round: one by one while the strongest hide the others, then in heaps.
_ROUNDS = (1, 1, 2, 3, 4, 5, 8, 8, 8)
# Rounds that may pass without out-of-bag rows speaking for them; where the target is a number a pair that explains little
# alone may explain more beside others.
_PATIENCE, _PATIENCE_OF_NUMBERS = 2, 4
# Standard errors by which the first pairs have to lower the out-of-bag loss: rounds are so many chances to be deceived.
_FIRST_ERRORS = 2.0
# Pairs that later rounds choose from: the strongest at first.
CANDIDATES = 96
# Times that all parts are solved in turn in a round, and updates of the weights of a pair that has just joined.
_SWEEPS, _UPDATES = 3, 4
# A pair that makes use of more than this share of its products is given more.
_FULL = 0.4
# Share of the way, in logarithms, that an update of weights goes, of few rows and of many: fixed points of this kind are
# neared from one side, and of few rows the evidence of a pair, which takes the others for known, is too sure to be outrun.
_FEW_STRIDE, _MANY_STRIDE = 1.0, 1.7
# Degrees of freedom as which it counts, of few rows, that blocks as rough as each other are alike.
_FEW_PRIOR = 20.0
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


@dataclass(frozen=True, eq=False)
class Beginning:
    """The additive part that pairs are added to.

    Attributes
    ----------
    additive : Additive
    table : Tensor, shape (n, P)
        The design that it is stated in: that of the problem, or one under constraints.
    spent : float
        Its degrees of freedom.
    fixed : bool
        Whether its functions stay as they are.
    """

    additive: Additive
    table: Tensor
    spent: float
    fixed: bool


def solve_pairs(
    problem: TableProblem,
    begun: Beginning,
    loss: Loss,
    degrees: Sequence[int],
    *,
    most: int | None,
    without: Collection[int],
    late: Callable[[], bool],
) -> tuple[Joined | None, StopError | None]:
    """Choose pairs and solve for their functions, as far as out-of-bag rows support them.

    Parameters
    ----------
    problem : TableProblem
    begun : Beginning
    loss : Loss
    degrees : sequence of int
        Directions of each input that pairs make use of.
    most : int, optional
        So many pairs, the strongest, whatever the out-of-bag error.
    without : collection of int
        Inputs that are in no pair.
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
    faint = negligible_gain(loss)
    patience = _PATIENCE_OF_NUMBERS if in_units_of_y(loss) else _PATIENCE
    parts, folds = PairParts(problem, degrees), len(begun.additive.fold_theta)
    best, first = None, oob_score(begun.additive.outputs(begun.table), problem, loss)
    try:
        screen = two_way(problem.design, problem.table, problem.rows.X)
        start = all_pairs(len(degrees), without)
        models = [_PairFunctions(parts, begun, fold, loss, start) for fold in (None, *range(folds))]
        whole = models[0]
        idle = 0
        for room in _rooms(None if most is None else min(most, len(start))):
            joined = [model.join(screen, room, None if model is whole else whole) for model in models]
            if not any(joined):
                break
            outputs = torch.stack([model.f for model in models[1:]])
            now = oob_score(outputs, problem, loss)
            # Rounds are so many chances to be deceived: the first pairs have to be distinguished from none beyond doubt.
            before, errors = (first, _FIRST_ERRORS) if best is None else (best.out_of_bag, 1.0)
            if most is not None or significantly_better(now, before, problem, loss, errors):
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


def _rooms(most: int | None) -> list[int]:
    """How many pairs join in each round."""
    if most is None:
        return list(_ROUNDS)
    rooms, left = list[int](), most
    while left > 0:
        rooms.append(min(left, _ROUNDS[min(len(rooms), len(_ROUNDS) - 1)]))
        left -= rooms[-1]
    return rooms


class _PairFunctions:
    """Functions of single inputs and of pairs, learned from all rows or without a fold."""

    def __init__(
        self,
        parts: PairParts,
        begun: Beginning,
        fold: int | None,
        loss: Loss,
        candidates: Sequence[Pair],
    ) -> None:
        problem, additive, table = parts.problem, begun.additive, begun.table
        self.parts, self.fold, self.loss, self.y = parts, fold, loss, problem.rows.y
        weight = problem.rows.weight
        self.weight = weight if fold is None else torch.where(problem.fold == fold, 0.0, weight)
        self.total = float(self.weight.sum())
        self.theta = (additive.theta if fold is None else additive.fold_theta[fold]).clone()
        self.bias = (additive.bias if fold is None else additive.fold_bias[fold]).clone()
        self.f = table.to(torch.float64) @ self.theta + self.bias
        self.smoothness = (additive.penalty if fold is None else additive.fold_penalty[fold]).clone()
        self.fixed = begun.fixed
        self.candidates = candidates
        self.pairs = dict[Pair, Tensor]()
        self.penalty = dict[Pair, Tensor]()
        # Degrees of freedom that pairs, and all single inputs together, make use of.
        self.free = dict[Pair, float]()
        self.spent = begun.spent
        self.bent = dict[tuple[int, int], float]()
        self.limits = weight_limits(self.total, loss.dispersed)
        self.few = len(self.y) <= RELEARNED_ROWS
        self.stride, self.prior = (_FEW_STRIDE, _FEW_PRIOR) if self.few else (_MANY_STRIDE, 0.0)
        self.factors = dict[tuple[Which, int], _PenalisedRoot]()

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
        self.candidates = [pair for pair in order if pair not in fresh][:CANDIDATES]
        for pair in fresh:
            shape = len(self.parts.of(pair).places), self.y.shape[1]
            self.pairs[pair] = torch.zeros(shape, dtype=torch.float64)
            blocks = int(self.parts.of(pair).block.max()) + 1
            first = FIRST_WEIGHT * self.total
            self.penalty[pair] = torch.full((blocks, shape[1]), first, dtype=torch.float64)
        # Of few rows, smoothness that was found on all of them would know those left out.
        known = {} if leader is None or self.few else leader.penalty
        for sweep in range(_SWEEPS):
            for pair in self.pairs:
                self._fit(pair)
                if pair in known:
                    self.penalty[pair] = known[pair]
                    self._solve(pair, 0)
                else:
                    self._solve(pair, _UPDATES if pair in fresh else 1)
                full = self.free[pair] > _FULL * len(self.pairs[pair])
                if leader is None and full and sweep < _SWEEPS - 1:
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
        part = self.parts.of(pair)
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
                aim = noise * precision(own, size, part.level, self.prior)
                renewed = (penalty * (aim / penalty) ** self.stride).clamp(*self.limits)
                free = max(free, float(own.sum()))
                if float((renewed / penalty).log().abs().max()) < SETTLED:
                    break
                penalty = renewed
            theta = self._factor(pair, k, gram, penalty[part.block]).solved(right)
            self.pairs[pair][:, k] = self._moved(part, k, old, theta, penalty[part.block])
            self.penalty[pair][:, k] = penalty
        self.free[pair] = free

    def _factor(self, which: Which, k: int, gram: Tensor, penalty: Tensor) -> _PenalisedRoot:
        """That of the last time where neither products nor weights have changed since."""
        known = self.factors.get((which, k))
        if known is None or len(known.root) != len(gram) or not torch.equal(known.penalty, penalty):
            known = self.factors[which, k] = _PenalisedRoot(gram, penalty)
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
                renewed = (self._noise(k) * own / size.clamp(min=1e-30)).clamp(*self.limits)
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
        rest = float(squared_residuals(self.loss, self.f, self.y)[:, k] @ self.weight)
        spent = sum(self.bent[at] for at in self.bent if at[1] == k) or self.spent
        left = self.total - 1 - spent - sum(self.free.values())
        return rest / max(left, LEAST_FREEDOM * self.total)

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


class _PenalisedRoot:
    """The root of penalised normal equations, and what is asked of it."""

    def __init__(self, gram: Tensor, penalty: Tensor) -> None:
        charge(solve_cost(len(gram)))
        self.penalty = penalty.clone()
        whole = gram.clone()
        # Single precision made the matrix: a trace of it keeps the whole definite.
        whole.diagonal().add_(penalty + 1e-6 * float(gram.diagonal().mean()))
        self.root = torch.linalg.cholesky(whole)
        self._trace: Tensor | None = None

    def solved(self, right: Tensor) -> Tensor:
        return torch.cholesky_solve(right[:, None], self.root)[:, 0]

    def trace(self, block: Tensor) -> Tensor:
        """Of the inverse, block by block."""
        if self._trace is None:
            charge(solve_cost(len(self.root)))
            inverse = torch.cholesky_inverse(self.root).diagonal()
            self._trace = torch.zeros(int(block.max()) + 1, dtype=torch.float64).index_add(0, block, inverse)
        return self._trace


def precision(free: Tensor, size: Tensor, level: Tensor, prior: float) -> Tensor:
    """Inverse variance of the coefficients of each block, (blocks,), in units of that of the noise.

    Parameters
    ----------
    free : Tensor, shape (blocks,)
        Degrees of freedom that each makes use of.
    size : Tensor, shape (blocks,)
        Sum of the squares of its coefficients.
    level : Tensor, shape (blocks,)
        Blocks of one level are taken to be alike.
    prior : float
        Degrees of freedom of a gamma prior around their common estimate.
    """
    size = size.clamp(min=1e-30)
    if prior == 0:
        return free / size
    sums = torch.zeros(2, int(level.max()) + 1, dtype=free.dtype).index_add(
        1, level, torch.stack([free, size])
    )
    together = (sums[0] / sums[1])[level]
    return (free + prior) / (size + prior / together)


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
