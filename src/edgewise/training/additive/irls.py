"""Additive networks, solved rather than trained: penalised iteratively reweighted least squares.

One function an input makes the outputs linear in the coefficients, so the best ones follow from normal equations; what is
left to choose is how smooth each function may be. Every input has two weights, for its slope and for what bends, set by
maximising the evidence; an input without effect is shrunk to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.work import StopError, charge
from edgewise.training.additive.design import ROWS_AT_ONCE, DesignMatrix, design_matrix
from edgewise.training.common.costs import solve_cost
from edgewise.training.common.losses import Loss, in_units_of_y, squared_residuals

# Initial weights of functions, and their limits, per row of weight one. From smooth to rough: the other way round a table of
# few rows and many columns is explained to the last digit before anything is shrunk.
FIRST_WEIGHT, _LEAST_WEIGHT, _MOST_WEIGHT = 1e2, 1e-9, 1e6
# The least weight for logits: where a word decides every row, the likelihood alone would go on for ever.
_LEAST_LOGIT_WEIGHT = 0.01
# Weights that change by less (in their logarithm) are settled; so is a fit of classes whose loss a row falls by less, twice
# running.
SETTLED, _SETTLED_FALL = 0.03, 1e-5
# Of long tables a part so long finds the smoothness that all rows start from; up to twice as many rows smoothness is learned
# anew without each fold: chosen on all rows it knows the rows left out, and these would praise the model.
_SCOUT_ROWS, RELEARNED_ROWS = 6_000, 12_000
# Steps of Newton's method on all rows, and without a fold where smoothness stays.
_STEPS_OF_ALL, _STEPS_OF_FOLD = 40, 8
# Curvatures that have changed by less than this share of their size leave the normal equations as they are: gradients stay
# exact, and so does what the steps end in.
_STALE = 0.04
# Means of outputs on which nothing was counted, beside the largest.
_SMALLEST_MEAN = 1e-9
# A row's pull on its own prediction, as far as it counts: directions of different inputs are counted one by one.
_MOST_LEVERAGE = 0.9
# Share of the rows that are left to estimate the noise, however many coefficients there are.
LEAST_FREEDOM = 0.05
# A function of so small a share of the outputs' spread is exactly nothing.
_NOTHING = 1e-6


def weight_limits(total: float, dispersed: bool) -> tuple[float, float]:
    """The least and the largest weight of a function of rows of this total weight."""
    least = _LEAST_WEIGHT * total
    return least if dispersed else max(least, _LEAST_LOGIT_WEIGHT), _MOST_WEIGHT * total


@dataclass(frozen=True, eq=False)
class Additive:
    """A solved additive network.

    Attributes
    ----------
    theta : Tensor, shape (P, D)
        Smooth coordinates of all functions.
    bias : Tensor, shape (D,)
    fold_theta, fold_bias : Tensor, shape (folds, P, D) and (folds, D)
        Solutions without one of the folds each.
    penalty, fold_penalty : Tensor, shape (P, D) and (folds, P, D)
        Weight of each coordinate's square; zero for the constants, which the bias stands for.
    steps : int
        Steps that all rows, or scouts, have taken.
    late : bool
        Whether the work allowed was too little to settle.
    stop : StopError or None
        What broke it off; the solutions are those until then, and folds that were not reached have that of all rows.
    """

    theta: Tensor
    bias: Tensor
    fold_theta: Tensor
    fold_bias: Tensor
    penalty: Tensor
    fold_penalty: Tensor
    steps: int = 0
    late: bool = False
    stop: StopError | None = None

    def outputs(self, table: Tensor) -> Tensor:
        """Outputs of the solutions without a fold, (folds, n, D)."""
        chunks = [
            torch.einsum("np,kpd->knd", chunk.to(torch.float64), self.fold_theta)
            for chunk in table.split(ROWS_AT_ONCE)
        ]
        return torch.cat(chunks, 1) + self.fold_bias[:, None]

    def degrees(self, table: Tensor, owner: Tensor, y: Tensor, weight: Tensor, loss: Loss) -> Tensor:
        """Degrees of freedom that the function of each input makes use of, its constant apart; the most of all outputs.

        Directions of one input are orthogonal under the rows, so each keeps the share g / (g + penalty) of itself, with g
        the curvature of the loss along it.

        Parameters
        ----------
        table, owner, y, weight, loss
            As in `solve_additive`.

        Returns
        -------
        Tensor, shape (I,)
        """
        size = torch.zeros_like(self.penalty)
        parts = (part.split(ROWS_AT_ONCE) for part in (table, y, weight))
        for chunk, own, w in zip(*parts, strict=True):
            f = chunk.to(torch.float64) @ self.theta + self.bias
            size += chunk.square().to(torch.float64).T @ (loss.curvature(f, own) * w[:, None])
        share = torch.where(self.penalty > 0, size / (size + self.penalty).clamp(min=1e-300), 0.0)
        inputs = int(owner.max()) + 1
        return torch.zeros(inputs, share.shape[1], dtype=torch.float64).index_add(0, owner, share).amax(1)


def solve_additive(
    table: Tensor,
    owner: Tensor,
    y: Tensor,
    weight: Tensor,
    loss: Loss,
    fold: Tensor,
    late: Callable[[], bool] = lambda: False,
) -> Additive:
    """Solve for all functions on all rows, then once more without each fold.

    Parameters
    ----------
    table : Tensor, shape (n, P)
        Design in smooth coordinates, the constant of each input first and its slope second.
    owner : Tensor, shape (P,)
        Input of each column.
    y : Tensor, shape (n, D)
    weight : Tensor, shape (n,)
    loss : Loss
    fold : Tensor, shape (n,)
        Fold of each row, or -1.
    late : callable
        Whether the work that may be done is; the solution reached by then is returned.

    References
    ----------
    S. Wood and M. Fasiolo, "A generalized Fellner-Schall method for smoothing parameter optimization", 2017,
    doi:10.1111/biom.12666.
    """
    # The constant of every input is the bias's business.
    first = torch.cat([torch.tensor([True]), owner[1:] != owner[:-1]])
    kept = (~first).nonzero()[:, 0]
    second = torch.cat([torch.tensor([True]), owner[kept][1:] != owner[kept][:-1]])
    group = 2 * owner[kept] + (~second).to(owner.dtype)
    group = torch.unique(group, return_inverse=True)[1]
    count = int(group.max()) + 1 if len(group) else 0
    outputs = y.shape[1]
    penalty = torch.full((count, outputs), FIRST_WEIGHT * float(weight.sum()), dtype=torch.float64)
    theta = torch.zeros(len(kept) + 1, outputs, dtype=torch.float64)
    theta[-1] = _level(y, weight, loss)
    folds = int(fold.max()) + 1
    now, steps, short, stop = (theta, penalty), 0, False, None
    own = list[tuple[Tensor, Tensor]]()
    try:
        part = design_matrix(table[:, kept], owner[kept])
        if len(y) > RELEARNED_ROWS and not in_units_of_y(loss):
            # Rows come in an order of their own (by their values): every n-th is a fair part of them.
            few = torch.linspace(0, len(y) - 1, _SCOUT_ROWS).round().long()
            scout = _Solver(part.part(few), group, count, y[few], loss)
            for reached in scout.steps(*now, weight[few], _STEPS_OF_ALL, True, late):
                now, steps = reached, steps + 1
        solver = _Solver(part, group, count, y, loss)
        for reached in solver.steps(*now, weight, _STEPS_OF_ALL, True, late):
            now, steps = reached, steps + 1
        short = late()
        for k in range(folds):
            out = fold == k
            split = bool(out.any()) and float(weight[~out].sum()) > 0
            own.append(solver.without(out, *now, weight, late) if split else now)
    except StopError as error:
        stop = error
    solutions = [now, *own, *[now] * (folds - len(own))]
    whole, weights = torch.zeros(2, len(solutions), len(owner), outputs, dtype=torch.float64)
    biases = torch.stack([theta[-1] for theta, _ in solutions])
    whole[:, kept] = torch.stack([theta[:-1] for theta, _ in solutions])
    weights[:, kept] = torch.stack([penalty[group] for _, penalty in solutions])
    return Additive(whole[0], biases[0], whole[1:], biases[1:], weights[0], weights[1:], steps, short, stop)


def without_nothing(theta: Tensor, table: Tensor, owner: Tensor) -> Tensor:
    """Coordinates (P, D) in which functions that are next to nothing on all rows, (n, P), are exactly nothing.

    That an input has no effect is then plain to see, and proved at once.
    """
    sizes = torch.zeros(int(owner.max()) + 1, theta.shape[1], dtype=torch.float64)
    sums = list[Tensor]()
    for chunk in table.split(ROWS_AT_ONCE):
        rows, total = chunk.to(torch.float64), torch.zeros(len(chunk), theta.shape[1], dtype=torch.float64)
        for i in range(len(sizes)):
            own = rows[:, owner == i] @ theta[owner == i]
            sizes[i] = torch.maximum(sizes[i], own.abs().amax(0))
            total += own
        sums.append(total)
    spread = torch.cat(sums).std(0, correction=0)
    return torch.where((sizes < _NOTHING * spread)[owner], 0.0, theta)


def _level(y: Tensor, weight: Tensor, loss: Loss) -> Tensor:
    """Best constant."""
    mean = (y * weight[:, None]).sum(0) / weight.sum()
    if loss.link == "log":
        return mean.clamp(min=_SMALLEST_MEAN * float(mean.max())).log()
    if loss.name != "cross_entropy":
        return mean
    mean = mean.clamp(1e-6, 1 - 1e-6)
    return torch.log(mean / (1 - mean)) if len(mean) == 1 else mean.log() - mean.log().mean()


class _Solver:
    """Normal equations of one table."""

    def __init__(self, part: DesignMatrix, group: Tensor, count: int, y: Tensor, loss: Loss) -> None:
        self.part, self.group, self.count, self.y, self.loss = part, group, count, y, loss
        self.sizes = torch.bincount(group, minlength=count).to(torch.float64)
        # Of the last normal equations: their matrices and the curvatures that they are for, output by output.
        self._grams: list[Tensor] = []
        self._bends: list[Tensor] = []

    def outputs(self, theta: Tensor) -> Tensor:
        """Outputs of the rows, (n, D)."""
        return self.part.times(theta[:-1]) + theta[-1]

    def without(
        self, out: Tensor, theta: Tensor, penalty: Tensor, weight: Tensor, late: Callable[[], bool]
    ) -> tuple[Tensor, Tensor]:
        """The solution without some rows, and its penalties; the rows' share is taken out of the normal equations, which are
        not made anew unless the smoothness is learned anew as well."""
        part = _Solver(self.part, self.group, self.count, self.y, self.loss)
        learns = torch.where(out, 0.0, weight)
        if self._grams:
            gone = self.part.part(out)
            part._grams = [
                gram - gone.gram(bend[out]) for gram, bend in zip(self._grams, self._bends, strict=True)
            ]
            part._bends = [torch.where(out, 0.0, bend) for bend in self._bends]
        if anew := len(self.y) <= RELEARNED_ROWS:
            # What was shrunk to nothing on all rows may grow again.
            penalty = penalty.clamp(max=FIRST_WEIGHT * float(learns.sum()))
        most = _STEPS_OF_ALL if anew else _STEPS_OF_FOLD
        *_, own = part.steps(theta, penalty, learns, most, anew, late)
        return own

    def _normal(self, f: Tensor, weight: Tensor, anew: bool) -> list[Tensor]:
        """Normal equations of every output, made anew where asked for or where the curvatures have moved."""
        bends = list((self.loss.curvature(f, self.y) * weight[:, None]).unbind(1))
        if self._grams and not (anew and not in_units_of_y(self.loss)):
            pairs = zip(bends, self._bends, strict=True)
            moved = max(
                float((new - old).abs().sum() / old.abs().sum().clamp(min=1e-300)) for new, old in pairs
            )
            if moved <= _STALE:
                return self._grams
        self._grams, self._bends = [self.part.gram(bend) for bend in bends], bends
        return self._grams

    def steps(
        self,
        theta: Tensor,
        penalty: Tensor,
        weight: Tensor,
        iterations: int,
        learn: bool,
        late: Callable[[], bool],
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Newton steps (halved where they do not help), each followed by an update of the penalties if asked for: where each
        of them leads to, and the penalties."""
        value, total = self._objective(theta, penalty, weight), float(weight.sum())
        limits = weight_limits(total, self.loss.dispersed)
        halved, quiet = False, 0
        for _ in range(iterations):
            f = self.outputs(theta)
            slope = self.loss.gradient(f, self.y) * weight[:, None]
            gram = self._normal(f, weight, halved)
            old_penalty, step = penalty, torch.zeros_like(theta)
            renewed = penalty.clone()
            for k in range(self.y.shape[1]):
                charge((3 if learn else 1) * solve_cost(len(gram[k])))
                whole = gram[k].clone()
                whole.diagonal()[:-1] += penalty[self.group, k]
                root, ill = torch.linalg.cholesky_ex(whole)
                if int(ill):
                    whole.diagonal().add_(1e-8 * float(whole.diagonal().mean()))
                    root = torch.linalg.cholesky(whole)
                pull = torch.cat([self.part.pulled(slope[:, k]), slope[:, k].sum()[None]])
                pull[:-1] += penalty[self.group, k] * theta[:-1, k]
                step[:, k] = -torch.cholesky_solve(pull[:, None], root)[:, 0]
                if learn:
                    renewed[:, k] = self._renewed(
                        root, theta[:, k] + step[:, k], penalty[:, k], weight, k, limits
                    )
            theta, value, moved, size = self._line(theta, step, penalty, weight, value)
            halved, quiet = size < 1, quiet + 1 if moved < _SETTLED_FALL * total else 0
            settled = not learn and moved < 1e-6 * (abs(value) + 1e-12)
            if learn:
                penalty = renewed
                value = self._objective(theta, penalty, weight)
                change = float((penalty / old_penalty).log().abs().max() if len(penalty) else 0.0)
                settled = change < SETTLED
                settled = settled or (quiet == 2 and not in_units_of_y(self.loss))
            yield theta, penalty
            if settled or late():
                break

    def _line(
        self, theta: Tensor, step: Tensor, penalty: Tensor, weight: Tensor, value: float
    ) -> tuple[Tensor, float, float, float]:
        """Where the step leads to, the objective there, how far it fell, and the share of the step that was taken."""
        size = 1.0
        for _ in range(8):
            trial = theta + size * step
            reached = self._objective(trial, penalty, weight)
            if reached <= value + 1e-12 * abs(value):
                return trial, reached, value - reached, size
            size *= 0.5
        return theta, value, 0.0, 0.0

    def _renewed(
        self,
        root: Tensor,
        theta: Tensor,
        penalty: Tensor,
        weight: Tensor,
        k: int,
        limits: tuple[float, float],
    ) -> Tensor:
        """Fellner-Schall: the penalty at which the size of a function equals what its uncertainty lets one expect."""
        inverse = torch.cholesky_inverse(root).diagonal()[:-1]
        zeros = torch.zeros(self.count, dtype=torch.float64)
        trace = zeros.scatter_add(0, self.group, inverse)
        size = zeros.scatter_add(0, self.group, theta[:-1] ** 2)
        free = (self.sizes - penalty * trace).clamp(min=1e-6)
        noise = self._noise(theta, penalty, weight, k, float(free.sum())) if self.loss.dispersed else 1.0
        return (noise * free / size.clamp(min=1e-30)).clamp(*limits)

    def _noise(self, theta: Tensor, penalty: Tensor, weight: Tensor, k: int, free: float) -> Tensor:
        """Variance of the noise that each group of directions has to do with.

        Rows count by what they weigh in these directions: where a few large values decide a function, whether it is one is
        judged by how well it describes *them*, not by the ease with which all others are described. What a row has pulled
        the function towards itself is added to its residual (J. MacKinnon and H. White, 1985,
        doi:10.1016/0304-4076(85)90158-7).
        """
        f, y, total = self.outputs(theta[:, None]), self.y[:, k : k + 1], float(weight.sum())
        # Outliers count as little here as in the normal equations.
        bend = self.loss.curvature(f, y)[:, 0]
        rest = squared_residuals(self.loss, f, y)[:, 0] * weight
        noise = float(rest.sum()) / max(total - 1 - free, LEAST_FREEDOM * total)
        share = 1 / (self.part.pulled(bend * weight, 2) + penalty[self.group])
        leverage = bend * self.part.times(share[:, None], 2)[:, 0]
        rest = rest / (1 - leverage.clamp(max=_MOST_LEVERAGE))
        zeros = torch.zeros(self.count, dtype=torch.float64)
        pull = 1.0 if in_units_of_y(self.loss) else bend
        own = zeros.scatter_add(0, self.group, share * self.part.pulled(pull * rest, 2))
        even = zeros.scatter_add(0, self.group, share * self.part.pulled(pull * weight, 2))
        typical = float(rest.sum()) / total
        return (
            noise * own / (typical * even).clamp(min=1e-300) if typical > 0 else torch.full_like(zeros, noise)
        )

    def _objective(self, theta: Tensor, penalty: Tensor, weight: Tensor) -> float:
        data = float(self.loss.rows(self.outputs(theta), self.y) @ weight)
        value = data + 0.5 * float((penalty[self.group] * theta[:-1] ** 2).sum())
        return value if math.isfinite(value) else math.inf
