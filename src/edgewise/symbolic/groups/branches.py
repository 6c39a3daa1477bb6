"""Which structure each level of a category follows: levels are dealt to structures while Schwarz's criterion falls."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.groups.constants import (
    NODE_NATS,
    ROUNDING,
    TAKEN_FORMULAS,
    TIED_STRUCTURES,
    Fit,
    Tied,
    together,
)
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.template import Structure

# Structures at most, where levels of a category follow different ones.
_MOST_BRANCHES = 4

# What is left by a level of exact rows is at most so many times the squares of their rounding.
_FAR = 100.0
# Where a structure has no value.
_NEVER = 1e12


@dataclass(frozen=True, eq=False)
class Branch:
    """A structure and the levels that follow it, by their numbers."""

    model: Tied
    levels: tuple[int, ...]
    rows: GroupedRows


def branched(
    structures: Sequence[Structure], fits: Sequence[Sequence[Fit | None]], rows: GroupedRows
) -> tuple[Branch, ...]:
    """The branches that describe the rows best, two or more; none where one structure describes them as well.

    Each level takes the structure that describes its rows best among two or a few more. `fits` are those of every structure
    to every level.
    """
    costs = _costs(structures, fits, rows)
    nodes = np.array([node_count(from_tree(tree)) for tree, _, _ in structures], dtype=np.float64)

    def total(chosen: Sequence[int]) -> float:
        described = float(costs[:, list(chosen)].min(axis=1).sum())
        written = NODE_NATS * float(nodes[list(chosen)].sum()) + rows.count * math.log(len(chosen))
        return described + 2 * written

    # Constants that a branch shares count once, which shows only after they are tied: several pairs are.
    useful = sorted({int(at) for level in costs for at in np.argsort(level, kind="stable")[:TAKEN_FORMULAS]})
    every: list[tuple[int, ...]] = list(itertools.combinations(useful, 2))
    pairs = sorted(every, key=total)[:TIED_STRUCTURES]
    if pairs:
        pairs.append(_widened(pairs[0], useful, total, min(rows.count, _MOST_BRANCHES)))
    found = [
        branches
        for chosen in dict.fromkeys(pairs)
        if len(branches := _dealt(chosen, structures, fits, costs, rows)) > 1
    ]
    return min(found, key=lambda item: description_of(item, rows), default=())


def _widened(
    chosen: tuple[int, ...], useful: Sequence[int], total: Callable[[Sequence[int]], float], most: int
) -> tuple[int, ...]:
    """More structures, one after another, while the total falls."""
    while len(chosen) < most and (others := [at for at in useful if at not in chosen]):
        wider = min(((*chosen, at) for at in others), key=total)
        if total(wider) >= total(chosen):
            break
        chosen = wider
    return chosen


def _dealt(
    chosen: tuple[int, ...],
    structures: Sequence[Structure],
    fits: Sequence[Sequence[Fit | None]],
    costs: Floats,
    rows: GroupedRows,
) -> tuple[Branch, ...]:
    """Each level in the branch that describes it best, that of most levels first; none where a branch has no value."""
    dealt = np.array(chosen)[costs[:, list(chosen)].argmin(axis=1)]
    used = sorted(set(dealt.tolist()), key=lambda at: (-int((dealt == at).sum()), at))
    branches = [_branch(structures[at], fits[at], rows, np.flatnonzero(dealt == at).tolist()) for at in used]
    return tuple(branch for branch in branches if branch is not None) if None not in branches else ()


def description_of(branches: Sequence[Branch], rows: GroupedRows) -> float:
    """Schwarz's criterion of all branches, and what it takes to write them down with the branch of each level."""
    left = sum(branch.model.rss for branch in branches)
    constants = sum(branch.model.constants for branch in branches)
    nodes = sum(node_count(from_tree(branch.model.tree)) for branch in branches)
    n = len(rows.y)
    written = 2 * (NODE_NATS * nodes + rows.count * math.log(len(branches)))
    return n * math.log(max(left, _floor(rows)) / n) + math.log(n) * constants + written


def of_one_group(model: Tied) -> Tied:
    """The model of a single group: its constants are all that there are."""
    shared = {name: (float(values[0]), float(errors[0])) for name, (values, errors) in model.own.items()}
    return replace(model, shared={**model.shared, **shared}, own={})


def _branch(
    structure: Structure, fits: Sequence[Fit | None], rows: GroupedRows, levels: list[int]
) -> Branch | None:
    there = np.isin(rows.group, levels)
    group = np.searchsorted(np.array(levels), rows.group[there])
    part = GroupedRows(rows.columns, rows.X[there], rows.y[there], group, len(levels))
    model = together(structure, [fits[level] for level in levels], part)
    if model is None:
        return None
    return Branch(tie(of_one_group(model) if len(levels) == 1 else model, part), tuple(levels), part)


def _costs(
    structures: Sequence[Structure], fits: Sequence[Sequence[Fit | None]], rows: GroupedRows
) -> Floats:
    """What each level (down) takes to be described by each structure (along), the noise being that of the best of them."""
    left = np.array([[math.inf if fit is None else fit[2] for fit in item] for item in fits]).T
    lowest = left.min(axis=1)
    noise = max(float(lowest[np.isfinite(lowest)].sum()), _FAR * _floor(rows)) / len(rows.y)
    counts = np.array([len(names) for _, names, _ in structures])
    return np.minimum(left / noise, _NEVER) + math.log(len(rows.y)) * counts


def _floor(rows: GroupedRows) -> float:
    return max(len(rows.y) * (ROUNDING * float(np.sqrt(np.mean(np.square(rows.y))))) ** 2, 1e-300)
