"""Functions of single inputs and of pairs of few rows: solved at once, as smooth as their joint evidence supports.

How smooth each function may be is estimated on half of the rows first, then on all, and once more those without each fold;
pairs stay that the evidence supports. For many rows `pair_functions` solves for one part after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from edgewise._core.work import StopError
from edgewise.training.additive.irls import Additive
from edgewise.training.bag.out_of_bag import oob_score, significantly_better
from edgewise.training.bag.run import TableProblem, same_rows
from edgewise.training.common.losses import Loss, negligible_gain
from edgewise.training.interactions.joint_evidence import Floats, Process, evidence_cost, supported
from edgewise.training.interactions.pair_functions import CANDIDATES, Joined, PairFunctions, mean_of
from edgewise.training.interactions.two_way_tables import Pair, all_pairs, two_way

# Numbers of the covariances of all inputs: time grows with the cube of the rows.
_MOST_NUMBERS = 25_000_000
# Steps at most towards the greatest evidence (of half the rows, of all, and without a fold), and what a step has to gain of
# it, as a share of that of a row of noise.
_STEPS, _SETTLED = (25, 8, 4), 1e-4
# The least variance that a function is given back before more rows are used.
_RESTART = 1e-3
# What a pair has to gain in the logarithm of the evidence; and what one of them has to gain beyond that of the number of
# pairs to choose from, for among many one is strong by chance.
_PAIR_NATS = 4.0
# Share of the error's variance that a pair may lose with its smallest products: rough functions have many of them.
FAINT_SHARE = 1e-3
# Pairs, and the logarithms of all variances.
_Learned = tuple[list[Pair], Floats]


def suits(problem: TableProblem, loss: Loss, work: float) -> bool:
    """Whether rows are few enough, for a squared loss and some work, to solve for all functions at once."""
    config = problem.config
    rows, inputs = problem.rows.X.shape
    if loss.name != "squared" or rows > config.joint_rows or rows**2 * inputs > _MOST_NUMBERS:
        return False
    pairs = min(CANDIDATES, inputs * (inputs - 1) // 2)
    scouts, of_all, of_folds = _STEPS
    share = scouts / 8 + of_all + pairs / 3 + of_folds * config.folds
    return pairs > 0 and problem.rows.y.shape[1] * share * evidence_cost(rows, inputs, pairs) <= work


def solve_jointly(
    problem: TableProblem,
    finer: TableProblem,
    additive: Additive,
    loss: Loss,
    *,
    most: int | None = None,
) -> tuple[Joined | None, StopError | None]:
    """Choose pairs and solve for all functions, as far as the evidence and out-of-bag rows support pairs.

    Parameters
    ----------
    problem : TableProblem
    finer : TableProblem
        The same rows on the grids that the functions are to be on.
    additive : Additive
        What pairs are judged against.
    loss : Loss
        A squared one.
    most : int, optional
        So many pairs, the strongest, whatever the out-of-bag error.

    Returns
    -------
    Joined or None
        None where nothing supports any pair.
    StopError or None
        What broke it off.

    References
    ----------
    C. Gu and G. Wahba, "Minimizing GCV/GML scores with multiple smoothing parameters via the Newton method", 1991,
    doi:10.1137/0912021. D. Duvenaud, H. Nickisch and C. E. Rasmussen, "Additive Gaussian processes", 2011,
    arXiv:1112.4394.
    """
    faint = negligible_gain(loss)
    first = oob_score(additive.outputs(problem.table), problem, loss)
    outputs = range(problem.rows.y.shape[1])
    try:
        candidates = _candidates(problem, additive, loss)
        rows = _DistinctRows(finer)
        found = [rows.solved(k, candidates, most, faint) for k in outputs]
        whole = _together([functions for functions, _ in found])
        if not whole.products:
            return None, None
        folds = [
            _together(
                [rows.without(fold, k, whole_of_k) for k, (_, whole_of_k) in zip(outputs, found, strict=True)]
            )
            for fold in range(len(additive.fold_theta))
        ]
    except StopError as stop:
        return None, stop
    predicted = torch.stack([rows.outputs(functions) for functions in folds])
    now = oob_score(predicted, problem, loss)
    if most is None and not significantly_better(now, first, problem, loss):
        return None, None
    return Joined(whole, mean_of(folds), predicted, now, FAINT_SHARE * 2 * now.error), None


def _candidates(problem: TableProblem, additive: Additive, loss: Loss) -> list[Pair]:
    """Pairs to choose from: all, or those that what the additive part leaves over supports most."""
    constant = [i for i, turn in enumerate(problem.design.maps) if turn.shape[1] < 2]
    every = all_pairs(len(problem.design.maps), constant)
    most = CANDIDATES
    if len(every) <= most:
        return every
    f = problem.table.to(torch.float64) @ additive.theta + additive.bias
    rest = -loss.gradient(f, problem.rows.y) * problem.rows.weight[:, None]
    gains = two_way(problem.design, problem.table, problem.rows.X).gains(rest, every)
    return sorted(every[k] for k in np.argsort(-gains, kind="stable")[:most])


class _DistinctRows:
    """The distinct rows of a problem."""

    def __init__(self, problem: TableProblem) -> None:
        self.problem, rows = problem, problem.rows
        self.design, self.table = problem.design, problem.table
        owner = self.design.owner
        places = [(owner == i).nonzero()[1:, 0] for i in range(len(self.design.maps))]
        # Inputs with a direction besides the constant.
        self.inputs = [i for i, own in enumerate(places) if len(own)]
        self.places = [places[i] for i in self.inputs]
        self.parts = [self.table[:, own].to(torch.float64) for own in self.places]
        # A row given again is no second measurement: what it has in common with the first would pass for certainty.
        group = same_rows(rows.X, rows.y)
        count = int(group.max()) + 1
        self.first = torch.full((count,), len(rows)).scatter_reduce(0, group, torch.arange(len(rows)), "amin")
        self.weight = torch.zeros(count, dtype=torch.float64).index_add(0, group, rows.weight)
        self.fold = problem.fold[self.first]

    def _process(self, which: Tensor, k: int, pairs: Sequence[Pair]) -> Process:
        rows, y = self.first[which], self.problem.rows.y
        at = {i: place for place, i in enumerate(self.inputs)}
        own = [(at[i], at[j]) for i, j in pairs]
        return Process([part[rows] for part in self.parts], y[rows, k], self.weight[which], own)

    def solved(
        self, k: int, candidates: Sequence[Pair], most: int | None, faint: float
    ) -> tuple[PairFunctions, _Learned]:
        """Functions of output k, and how smooth they are."""
        scouts, of_all, of_folds = _STEPS
        learns = (self.weight > 0).nonzero()[:, 0]
        # Rows come in an order of their own (by their values): every second is a fair part of them.
        process = self._process(learns[::2], k, candidates)
        logs = process.learned(process.start, scouts, _SETTLED)
        process = self._process(learns, k, candidates)
        logs = process.learned(self._again(logs), of_all, _SETTLED)
        if most is None:
            nats = _PAIR_NATS
            kept = supported(process, logs, nats, nats + math.log(max(len(candidates), 1)), faint)
        else:
            kept = process.strongest(logs)[:most]
        pairs = [candidates[at] for at in kept]
        logs = process.only(logs, kept)
        if pairs != list(candidates):
            process = self._process(learns, k, pairs)
            logs = process.learned(logs, of_folds, _SETTLED)
        return self._functions(process, logs, pairs), (pairs, logs)

    def without(self, fold: int, k: int, whole: _Learned) -> PairFunctions:
        """Functions that have not learned from a fold; nor has their smoothness, but for where it starts."""
        pairs, logs = whole
        learns = ((self.fold != fold) & (self.weight > 0)).nonzero()[:, 0]
        process = self._process(learns, k, pairs)
        logs = process.learned(self._again(logs), _STEPS[2], _SETTLED)
        return self._functions(process, logs, pairs)

    def _again(self, logs: Floats) -> Floats:
        """A start from what has been learned: what has been shrunk to nothing may grow again."""
        return np.maximum(logs, math.log(_RESTART))

    def _functions(self, process: Process, logs: Floats, pairs: Sequence[Pair]) -> PairFunctions:
        single, products, level = process.coefficients(process.variances(logs))
        theta = torch.zeros(self.table.shape[1], 1, dtype=torch.float64)
        for own, numbers in zip(self.places, single, strict=True):
            theta[own, 0] = numbers
        columns = dict(zip(self.inputs, self.places, strict=True))
        made = {
            (i, j): (torch.cartesian_prod(columns[i], columns[j]), numbers.reshape(-1, 1))
            for (i, j), numbers in zip(pairs, products, strict=True)
        }
        return PairFunctions(theta, torch.tensor([level], dtype=torch.float64), made)

    def outputs(self, functions: PairFunctions) -> Tensor:
        """Outputs of all rows, (n, D)."""
        total = self.table.to(torch.float64) @ functions.theta + functions.bias
        columns = dict(zip(self.inputs, self.parts, strict=True))
        for (i, j), (_, theta) in functions.products.items():
            left, right = columns[i], columns[j]
            for k, numbers in enumerate(theta.T):
                total[:, k] += ((left @ numbers.view(left.shape[1], -1)) * right).sum(1)
        return total


def _together(item: Sequence[PairFunctions]) -> PairFunctions:
    """Functions of several outputs from those of one output each."""
    if len(item) == 1:
        return item[0]
    products = dict[Pair, tuple[Tensor, Tensor]]()
    for pair in dict.fromkeys(pair for one in item for pair in one.products):
        places = next(one.products[pair][0] for one in item if pair in one.products)
        none = torch.zeros(len(places), 1, dtype=torch.float64)
        products[pair] = places, torch.cat([one.products.get(pair, (places, none))[1] for one in item], 1)
    return PairFunctions(
        torch.cat([one.theta for one in item], 1), torch.cat([one.bias for one in item]), products
    )
