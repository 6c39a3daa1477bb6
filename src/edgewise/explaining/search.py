"""The search for least changes: exact for additive networks, by levels with exact evaluation for others.

A solution changes some columns, at most so many, and costs the sum of its moves plus a price for each changed column.

* Additive network, linear goal: gains add, so this is a multiple-choice knapsack. Dynamic programming goes from column to
  column and keeps, for each number of changes, the pairs of (cost, gain) that no other pair beats in both.
* Otherwise: all single moves, then pairs, and so on; a level keeps the partial solutions that no other beats in cost and
  margin, and gives up those that cost more than the best whole one. What a move adds to the sums of the first layer is known
  beforehand, so only the rest of the network is evaluated. Where all combinations of a level are few they are all tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.explaining.moves import Moves, OutputGoal
from edgewise.explaining.subject import ExplainedModel
from edgewise.layers import multiply

# Combinations that one level evaluates with the normal work, and partial solutions that it hands on.
MOST_TRIED, KEPT = 2000, 50
# Pairs of (cost, gain) that dynamic programming keeps for one number of changes; beyond, the dearest go.
MOST_PAIRS = 20_000
# Values tried at once on the way back to the nearest one that will do.
TRIALS = 17
# Units of work of an evaluation, of each edge of a row, and of each pair.
LOOK, READ, PAIR = 2e-4, 1e-8, 2e-7


@dataclass(frozen=True)
class ReachingChange:
    """Changes that reach the goal.

    Attributes
    ----------
    moves : tuple of (int, int)
        (column, number of its move), ascending.
    cost : float
    """

    moves: tuple[tuple[int, int], ...]
    cost: float


class MoveSearch:
    """The moves of a row, evaluated once, for searches that leave out this column or that.

    Parameters
    ----------
    subject : ExplainedModel
    goal : OutputGoal
    x : array of shape (inputs,)
    moves : dict of int to Moves
    price : float
        What each changed column costs by itself.
    most : int
        How many columns may change.
    work : float
        How many times the normal number of combinations are tried.

    Attributes
    ----------
    whole : bool
        Whether no combination that may matter was left out so far.
    """

    def __init__(
        self,
        subject: ExplainedModel,
        goal: OutputGoal,
        x: Floats,
        moves: dict[int, Moves],
        price: float,
        most: int,
        work: float = 1.0,
    ) -> None:
        self.goal, self.moves, self.price, self.most = goal, moves, price, most
        self.tried, self.kept = max(1, round(MOST_TRIED * work)), max(1, round(KEPT * work))
        self.pairs, self.whole = max(1, round(MOST_PAIRS * work)), True
        self.net = subject.network
        self._cost = READ * sum(layer.mask.numel() for layer in self.net.layers)
        rows, self.places = list[Floats](), list[tuple[int, int]]()
        for k, own in moves.items():
            changed = np.repeat(x[None], len(own.cells), axis=0)
            changed[:, list(own.column.inputs)] = own.column.encode(own.cells)
            rows.append(changed)
            self.places += [(k, at) for at in range(len(own.cells))]
        table = np.concatenate([x[None], *rows])
        with torch.no_grad():
            h = (torch.from_numpy(table) - self.net.input_shift) / self.net.input_scale
            sums = self.net.layers[0](h)
        self.start, self.step = sums[0], sums[1:] - sums[0]
        self.column = np.array([k for k, _ in self.places], dtype=np.int64)
        self.cost = np.concatenate([own.cost for own in moves.values()]) + price if moves else np.zeros(0)
        start = self._margin(self.start[None])
        self.clear = goal.clear(self._outputs(self.start[None]))
        self.need = self.clear - float(start[0])
        self.gain = self._margin(self.start + self.step) - float(start[0]) if moves else np.zeros(0)
        self.linear = subject.terms.additive and goal.weights is not None

    def best(self, banned: frozenset[int]) -> list[ReachingChange]:
        """The cheapest solutions found that leave the banned columns alone, cheapest first."""
        usable = np.flatnonzero(~np.isin(self.column, list(banned)))
        if not len(usable):
            return []
        found = self._knapsack(usable) if self.linear else self._levels(usable)
        return sorted(found, key=lambda one: (one.cost, one.moves))[:8]

    def _margin(self, sums: torch.Tensor) -> Floats:
        return self.goal.margin(self._outputs(sums))

    def _outputs(self, sums: torch.Tensor) -> Floats:
        """The rest of the network, from sums of the first layer to outputs."""
        charge(LOOK + self._cost * len(sums))
        with torch.no_grad():
            specs = self.net.spec.layers
            h = multiply(sums, specs[0].nodes.sums, specs[0].nodes.products)
            for spec, layer in zip(specs[1:], list(self.net.layers)[1:], strict=True):
                h = multiply(layer(h), spec.nodes.sums, spec.nodes.products)
            return (self.net.output_shift + self.net.output_scale * h).numpy()

    # -- additive --------------------------------------------------------------------------------------------------

    def _knapsack(self, usable: NDArray[np.int64]) -> list[ReachingChange]:
        """Exact on the moves: the cheapest sets whose gains reach the need."""
        empty = _Front(np.zeros(1), np.zeros(1), np.zeros((1, 0), dtype=np.int64))
        fronts: list[_Front] = [empty] + [_Front.none(m) for m in range(1, self.most + 1)]
        best = np.inf
        solved: dict[tuple[int, ...], ReachingChange] = {}
        for k in dict.fromkeys(self.column[usable].tolist()):
            own = usable[self.column[usable] == k]
            own = own[self.gain[own] > 0]
            own = own[_undominated(self.cost[own], self.gain[own])]
            if not len(own):
                continue
            for m in range(self.most, 0, -1):
                before = fronts[m - 1]
                if not len(before.cost):
                    continue
                charge(PAIR * len(before.cost) * len(own))
                cost = (before.cost[:, None] + self.cost[own]).ravel()
                gain = (before.gain[:, None] + self.gain[own]).ravel()
                which = np.column_stack(
                    [np.repeat(before.which, len(own), axis=0), np.tile(own, len(before.cost))]
                )
                reached = gain >= self.need
                for at in np.flatnonzero(reached)[np.argsort(cost[reached], kind="stable")[:40]].tolist():
                    self._note(solved, which[at].tolist(), float(cost[at]))
                best = min(best, float(cost[reached].min(initial=np.inf)))
                keep = ~reached & (cost + self.price < best)
                joined = _Front(
                    np.concatenate([fronts[m].cost, cost[keep]]),
                    np.concatenate([fronts[m].gain, gain[keep]]),
                    np.concatenate([fronts[m].which, which[keep]]),
                )
                fronts[m] = joined.pruned(self.pairs)
                self.whole &= len(fronts[m].cost) < self.pairs
        return list(solved.values())

    # -- any network -----------------------------------------------------------------------------------------------

    def _levels(self, usable: NDArray[np.int64]) -> list[ReachingChange]:
        solved: dict[tuple[int, ...], ReachingChange] = {}
        best = np.inf
        margin = self.gain[usable]
        which, cost = usable[:, None], self.cost[usable]
        for level in range(1, self.most + 1):
            reached = margin >= self.need
            for at in np.flatnonzero(reached)[np.argsort(cost[reached], kind="stable")].tolist():
                self._note(solved, which[at].tolist(), float(cost[at]))
            best = min(best, float(cost[reached].min(initial=np.inf)))
            if level == self.most:
                break
            # Whole solutions are not built upon: one more change can only cost more.
            open_ = np.flatnonzero(~reached & (cost + self.cost[usable].min() < best))
            if not len(open_):
                break
            which, margin, cost = self._next(which[open_], margin[open_], cost[open_], usable, best)
            if not len(cost):
                break
        return list(solved.values())

    def _next(
        self, which: NDArray[np.int64], margin: Floats, cost: Floats, usable: NDArray[np.int64], best: float
    ) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Evaluate partial solutions with one more move each."""
        if len(which) * len(usable) > self.tried:
            kept = _promising(cost, margin, self.kept)
            self.whole &= len(kept) == len(which)
            which, margin, cost = which[kept], margin[kept], cost[kept]
        left = np.repeat(np.arange(len(which)), len(usable))
        right = np.tile(usable, len(which))
        held = self.column[which]
        allowed = ~(held[left] == self.column[right][:, None]).any(axis=1)
        total = cost[left] + self.cost[right]
        allowed &= total < best
        left, right, total = left[allowed], right[allowed], total[allowed]
        sets = np.sort(np.column_stack([which[left], right]), axis=1)
        sets, first = np.unique(sets, axis=0, return_index=True)
        left, right, total = left[first], right[first], total[first]
        if len(total) > self.tried:
            self.whole = False
            # Effects of moves nearly add up: what should reach the goal is tried from the cheapest on, and a third of the
            # trials go to what comes nearest to it.
            guess = margin[left] + self.gain[right]
            near = np.flatnonzero(guess >= 0.7 * self.need)
            near = near[np.argsort(total[near], kind="stable")[: 2 * self.tried // 3]]
            rest = np.argsort(-guess, kind="stable")[: self.tried - len(near)]
            chosen = np.union1d(near, rest)
            sets, total = sets[chosen], total[chosen]
        sums = self.start + self.step[torch.from_numpy(sets)].sum(1)
        start = self.clear - self.need
        return sets, self._margin(sums) - start, total

    def _note(self, solved: dict[tuple[int, ...], ReachingChange], which: list[int], cost: float) -> None:
        """Keep a solution where it is the cheapest one of its columns."""
        columns = tuple(sorted(self.column[which].tolist()))
        if columns not in solved or cost < solved[columns].cost:
            solved[columns] = self._solution(which, cost)

    def _solution(self, moves: list[int], cost: float) -> ReachingChange:
        return ReachingChange(tuple(sorted(self.places[at] for at in moves)), cost)


@dataclass(frozen=True, eq=False)
class _Front:
    """Partial solutions of m changes: their costs, gains and moves (n, m)."""

    cost: Floats
    gain: Floats
    which: NDArray[np.int64]

    @classmethod
    def none(cls, changes: int) -> _Front:
        return cls(np.zeros(0), np.zeros(0), np.zeros((0, changes), dtype=np.int64))

    def pruned(self, most: int) -> _Front:
        kept = _undominated(self.cost, self.gain)[:most]
        return _Front(self.cost[kept], self.gain[kept], self.which[kept])


def _undominated(cost: Floats, gain: Floats) -> NDArray[np.int64]:
    """Places that no other beats in cost and gain, cheapest first."""
    order = np.lexsort((-gain, cost))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], gain[order][:-1]]))
    return order[gain[order] > best]


def _promising(cost: Floats, margin: Floats, most: int) -> NDArray[np.int64]:
    """Partial solutions worth going on with: the undominated ones, then those with most gain for their cost."""
    front = _undominated(cost, margin)
    if len(front) > most:
        front = front[np.linspace(0, len(front) - 1, most).round().astype(int)]
    ratio = np.argsort(-margin / np.maximum(cost, 1e-12), kind="stable")[:most]
    return np.unique(np.concatenate([front, ratio]))[: 2 * most]


def nearest_reached(
    before: float,
    after: float,
    decimals: int,
    reached: Callable[[Floats], NDArray[np.bool_]],
) -> float:
    """The value nearest to `before`, on the way to `after` (which reaches the goal), that reaches it too.

    The way is halved into ever finer lattices of `decimals` places around the first value that reaches the goal.
    """
    start = before
    while True:
        lattice = np.round(np.linspace(start, after, TRIALS), decimals)
        lattice = lattice[np.concatenate([[True], np.diff(lattice) != 0])]
        lattice = lattice[lattice != before]
        if not len(lattice):
            return after
        good = np.flatnonzero(reached(lattice))
        if not len(good):
            return after
        first = int(good[0])
        after = float(lattice[first])
        previous = float(lattice[first - 1]) if first else start
        if abs(after - previous) <= 1.5 * 10.0**-decimals or abs(after - previous) <= 1e-9 * abs(
            after - before
        ):
            return after
        start = previous
