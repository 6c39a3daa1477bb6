"""The best sums of one to four terms out of many, by inner products alone.

All pairs are judged at once; longer sums grow from the best pairs, with every member then exchanged for whichever lowers
the residual most (A. Miller, "Subset Selection in Regression", 2002). A constant is always part of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number
from edgewise.symbolic.costs import ENTRY, FACTORED, PRODUCT, ROUTINE, STEP
from edgewise.symbolic.univariate.trees import add, multiply

# Terms closer than this to the span of others cannot be distinguished from them.
_APART = 1e-11


@dataclass(frozen=True, eq=False)
class SubsetTerms:
    """Terms a sum may be made of: trees, values (points, terms), and the nodes each costs to read."""

    trees: Sequence[Node]
    values: Floats
    nodes: NDArray[np.float64]

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> SubsetTerms:
        """Some of the terms."""
        rows = np.asarray(rows, dtype=np.intp)
        return SubsetTerms([self.trees[at] for at in rows], self.values[:, rows], self.nodes[rows])


@dataclass(frozen=True, eq=False)
class Chosen:
    """A sum of terms: which, their factors, the constant, and the share of variance unexplained."""

    members: tuple[int, ...]
    factors: Floats
    constant: float
    unexplained: float

    def tree(self, terms: SubsetTerms) -> Node:
        """The sum as a tree, its factors floats to be fitted."""
        parts = [
            multiply(Number(float(a)), terms.trees[at])
            for a, at in zip(self.factors, self.members, strict=True)
        ]
        return add(*parts, Number(float(self.constant)))


class SubsetSelection:
    """Terms prepared for one target: unit columns without their mean, and all inner products."""

    def __init__(self, terms: SubsetTerms, y: Floats, weight: Floats) -> None:
        self.terms, self.y, self.weight = terms, y, weight
        root = np.sqrt(weight / weight.sum())
        self._root = root
        columns = terms.values * root[:, None]
        columns = columns - np.outer(root, root @ columns)
        norms = np.linalg.norm(columns, axis=0)
        peak = np.abs(terms.values).max(axis=0)
        good = np.isfinite(norms) & (norms > 1e-12 * peak) & (peak > 0)
        self.index = np.flatnonzero(good)
        self.unit = columns[:, good] / norms[good]
        target = y * root
        target = target - root * (root @ target)
        self.total = float(target @ target)
        self.target = target / np.sqrt(self.total) if self.total > 0 else target
        self.along = self.unit.T @ self.target
        self.nodes = terms.nodes[good]

    @cached_property
    def gram(self) -> Floats:
        """Inner products of the unit columns."""
        charge(PRODUCT * self.unit.size * self.unit.shape[1])
        return np.asarray(self.unit.T @ self.unit)

    def sums(self, longest: int, price: float, keep: int = 4) -> list[Chosen]:
        """The best few sums of each length up to the longest, by fit alone and by fit and nodes."""
        found: list[Chosen] = []
        if self.total == 0 or len(self.index) == 0:
            return found
        singles = np.log(np.maximum(1 - self.along**2, 1e-30))
        groups: list[list[tuple[int, ...]]] = [_best(singles, self.nodes, price, keep)]
        if longest >= 2 and len(self.index) >= 2:
            groups.append(self._pairs(price, 6 * keep))
        for _ in range(3, longest + 1):
            groups.append(self._longer(groups[-1], price, 3 * keep))
        for group in groups:
            solved = [self.solve(members) for members in dict.fromkeys(group)]
            found += self._sifted(solved, price, keep)
        return found

    def _sifted(self, solved: list[Chosen], price: float, keep: int) -> list[Chosen]:
        def cost(item: Chosen) -> float:
            return float(
                np.log(max(item.unexplained, 1e-30)) + price * sum(self.terms.nodes[list(item.members)])
            )

        plain = sorted(solved, key=lambda item: item.unexplained)[: max(keep // 2, 1)]
        cheap = sorted(solved, key=cost)[:keep]
        return list({item.members: item for item in (*plain, *cheap)}.values())

    def solve(self, members: tuple[int, ...]) -> Chosen:
        """The sum's factors by least squares; members count the kept columns."""
        own = [int(self.index[at]) for at in members]
        design = np.column_stack([self.terms.values[:, own], np.ones(len(self.y))]) * self._root[:, None]
        norms = np.linalg.norm(design, axis=0)
        solution = np.linalg.lstsq(design / norms, self.y * self._root, rcond=None)[0] / norms
        left = self.y * self._root - design @ solution
        unexplained = float(left @ left) / self.total
        order = sorted(range(len(own)), key=lambda at: own[at])
        factors = solution[:-1][order]
        return Chosen(tuple(own[at] for at in order), factors, float(solution[-1]), unexplained)

    def _pairs(self, price: float, keep: int) -> list[tuple[int, ...]]:
        charge(STEP + ENTRY * len(self.along) ** 2)
        left = _left(self.gram, self.along)
        logs = np.log(np.maximum(left, 1e-30))
        upper = np.triu_indices(len(self.along), 1)
        flat = logs[upper]
        costs = flat + price * (self.nodes[upper[0]] + self.nodes[upper[1]])
        chosen: list[tuple[int, ...]] = []
        for values in (flat, costs):
            count = min(keep, len(values))
            best = np.argpartition(values, count - 1)[:count]
            chosen += [(int(upper[0][at]), int(upper[1][at])) for at in best[np.argsort(values[best])]]
        return chosen

    def _longer(self, shorter: list[tuple[int, ...]], price: float, keep: int) -> list[tuple[int, ...]]:
        grown: dict[tuple[int, ...], float] = {}
        for members in dict.fromkeys(shorter):
            costs = self._costs(list(members), price)
            for at in np.argsort(costs)[:2]:
                new = tuple(sorted((*members, int(at))))
                grown[new] = float(costs[at])
        best = sorted(grown, key=lambda item: grown[item])[:keep]
        return [self._exchanged(list(item), grown[item], price) for item in best]

    def _exchanged(self, members: list[int], value: float, price: float) -> tuple[int, ...]:
        for _ in range(4):
            moved = False
            for place in range(len(members)):
                rest = members[:place] + members[place + 1 :]
                costs = self._costs(rest, price)
                at = int(np.argmin(costs))
                if costs[at] < value - 1e-6:
                    value, members[place], moved = float(costs[at]), at, True
            if not moved:
                break
        return tuple(sorted(members))

    def _costs(self, rest: list[int], price: float) -> Floats:
        """log RSS plus the price of the nodes, for each term added to the rest."""
        charge(ROUTINE + FACTORED * self.unit.size * (len(rest) + 3))
        basis, _ = np.linalg.qr(self.unit[:, rest])
        across = basis.T @ self.unit
        apart = 1 - np.square(across).sum(axis=0)
        left = self.target - basis @ (basis.T @ self.target)
        gained = np.square(self.unit.T @ left) / np.maximum(apart, _APART)
        squares = np.where(apart > _APART, float(left @ left) - gained, np.inf)
        costs = np.log(np.maximum(squares, 1e-30)) + price * (self.nodes + self.nodes[rest].sum())
        costs[rest] = np.inf
        return np.where(np.isfinite(costs), costs, np.inf)


def _best(logs: Floats, nodes: Floats, price: float, keep: int) -> list[tuple[int, ...]]:
    orders = (np.argsort(logs)[:keep], np.argsort(logs + price * nodes)[:keep])
    return [(int(at),) for order in orders for at in order]


def _left(gram: Floats, along: Floats) -> Floats:
    """What each pair leaves unexplained; everything where two terms are collinear."""
    apart = 1 - gram * gram
    cross = along[:, None] * along[None, :]
    explained = along[:, None] ** 2 + along[None, :] ** 2 - 2 * gram * cross
    with np.errstate(all="ignore"):
        return np.where(apart > _APART, 1 - explained / apart, 1.0)
