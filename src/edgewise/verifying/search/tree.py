"""Best-first branch and bound over parts of a domain."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.verifying.bounds.bounder import Bounder
from edgewise.verifying.bounds.chain import Chain
from edgewise.verifying.bounds.cuts import Bounded, Split
from edgewise.verifying.bounds.differential import Differential
from edgewise.verifying.domain.space import CellSpace, Subdomains

# Parts that are bounded together at most, and their numbers.
_PARTS_TOGETHER, _NUMBERS_TOGETHER = 32, 4 << 20
# How often it is looked at, in leaves, whether the bound falls by less than such a share of the way to the target; there
# nodes are cut only while that may win such a share of what is missing.
_WATCHED_LEAVES, _SLOW_SHARE, _PICKY_THRESHOLD = 64, 0.12, 0.7


@dataclass
class Node:
    """A node of the tree: a leaf's multipliers, or how it is split into two children."""

    v: Floats
    bound: float
    split: Split | None = None
    children: tuple[int, int] | None = None


@dataclass
class Tree:
    """The state of a search.

    Attributes
    ----------
    nodes : list of Node
    open : heap of (-bound, number, Bounded)
    target : float
        Parts with such a bound are done.
    """

    bounder: Bounder
    target: float
    nodes: list[Node] = field(default_factory=list[Node])
    open: list[tuple[float, int, Bounded]] = field(default_factory=list[tuple[float, int, Bounded]])
    closed: float = -np.inf
    seen: tuple[int, float] = (0, np.inf)

    @property
    def upper(self) -> float:
        """Certified bound over the whole domain."""
        return max(self.closed, -self.open[0][0] if self.open else -np.inf)

    @property
    def leaves(self) -> int:
        """Leaves so far."""
        return (len(self.nodes) + 1) // 2

    def begin(self, root: Subdomains) -> list[Floats]:
        """Bound the root; rows to try."""
        v = self.bounder.start()
        made, rows = self.bounder.solve([root], v[None], self.target, [None], warm=False)
        self.nodes.append(Node(made[0].v, made[0].bound))
        self._keep(0, made[0])
        return rows

    def settle(self) -> None:
        """Close open parts that a raised target covers."""
        kept: list[tuple[float, int, Bounded]] = []
        for entry in self.open:
            if -entry[0] <= self.target:
                self.closed = max(self.closed, -entry[0])
            else:
                kept.append(entry)
        heapq.heapify(kept)
        self.open = kept

    def grow(self) -> list[Floats]:
        """Split the worst parts and bound their children; rows to try. Nothing is lost if it is interrupted."""
        chosen = heapq.nsmallest(self._together(), self.open)
        cut = [(number, text) for _, number, text in chosen if text.split is not None]
        if not cut:
            return []
        space = self.bounder.program.space
        parts: list[Subdomains] = []
        sums: list[Any] = []
        above: list[Bounded] = []
        for _, text in cut:
            assert text.split is not None
            for part in halves(space, text.part, text.split):
                parts.append(part)
                above.append(text)
                sums.append(text.sums if text.split.kind == "node" else None)
        self._watch()
        made, rows = self.bounder.solve(
            parts, np.array([item.v for item in above]), self.target, sums, warm=True, above=above
        )
        # A parent stays open until its children are: wherever this is interrupted, the bound is one.
        for n, (number, parent) in enumerate(cut):
            first = len(self.nodes)
            for child in made[2 * n : 2 * n + 2]:
                # A child's rows are rows of its parent, whose multipliers bound them as well.
                if child.bound > parent.bound:
                    child = replace(child, bound=parent.bound, v=parent.v)
                self.nodes.append(Node(child.v, child.bound))
                self._keep(len(self.nodes) - 1, child)
            self.nodes[number].split, self.nodes[number].children = parent.split, (first, first + 1)
        gone = {number for number, _ in cut}
        left = [entry for entry in self.open if entry[1] not in gone]
        heapq.heapify(left)
        self.open = left
        return rows

    def _watch(self) -> None:
        """Where the bound hardly falls any more, look for what holds it up among the inputs too, and by turns."""
        if self.leaves >= self.seen[0] + _WATCHED_LEAVES:
            way = self.seen[1] - self.target
            slow = np.isfinite(way) and self.seen[1] - self.upper < _SLOW_SHARE * way
            usual = self.bounder.split_threshold == self.bounder.usual_threshold
            self.bounder.split_threshold = (
                _PICKY_THRESHOLD if slow and usual else self.bounder.usual_threshold
            )
            self.seen = (self.leaves, self.upper)

    def _together(self) -> int:
        program = self.bounder.program
        size = max(1, program.size * program.inputs.columns.size * 8 + program.inputs.curves.table.size)
        return int(np.clip(_NUMBERS_TOGETHER // (4 * size), 1, max(1, _PARTS_TOGETHER // 2)))

    def _keep(self, number: int, bounded: Bounded) -> None:
        if bounded.bound <= self.target:
            self.closed = max(self.closed, bounded.bound)
        else:
            heapq.heappush(self.open, (-bounded.bound, number, bounded))


def halves(space: CellSpace, part: Subdomains, split: Split) -> tuple[Subdomains, Subdomains]:
    """The low and the high side of a split part."""
    sides: list[Subdomains] = []
    for low in (True, False):
        side = Subdomains(
            part.low.copy(), part.high.copy(), part.cells.copy(), part.node_low.copy(), part.node_high.copy()
        )
        if split.kind == "cells":
            own = np.nonzero(space.cell_group == split.number)[0]
            listed = np.isin(own - space.first[split.number], split.cells)
            side.cells[0, own[listed != low]] = False
        else:
            ends = (side.low, side.high) if split.kind == "input" else (side.node_low, side.node_high)
            if low:
                ends[1][0, split.number] = min(ends[1][0, split.number], split.at)
            else:
                ends[0][0, split.number] = max(ends[0][0, split.number], split.at)
        sides.append(side)
    return sides[0], sides[1]


def evidence(tree: Tree, lemmas: list[dict[str, Any]]) -> dict[str, Any]:
    """The tree as certificates hold it (docs/certificates.md): each node before its low side, then its high side."""
    nodes: list[dict[str, Any]] = []
    waiting = [0]
    while waiting:
        node = tree.nodes[waiting.pop()]
        if node.children is None or node.split is None:
            nodes.append(leaf(tree.bounder, node.v))
            continue
        split, (low, high) = node.split, node.children
        waiting += [high, low]
        if split.kind == "cells":
            nodes.append({"group": int(split.number), "cells": [int(c) for c in split.cells]})
        else:
            nodes.append({split.kind: int(split.number), "at": float(split.at)})
    return {"lemmas": lemmas, "tree": nodes}


def leaf(bounder: Bounder, v: Floats) -> dict[str, Any]:
    """Multipliers as a leaf holds them."""
    program = bounder.program
    if isinstance(bounder, Chain):
        return {"lambda": [1.0], "slopes": [], "mu": 0.0}
    if isinstance(bounder, Differential):
        return {"paired": bounder.matches}
    # Multipliers of a slope are those of a scaled input.
    shares = [float(value) * bounder.scale for value in v[program.nodes : program.nodes + program.rows]]
    mu = float(v[-1]) if program.budget else 0.0
    return {"lambda": shares, "slopes": v[: program.nodes].tolist(), "mu": mu}
