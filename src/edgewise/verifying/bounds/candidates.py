"""Candidates: the few points of intervals, and cells of groups, among which a smoothed dual function chooses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.verifying.bounds.dual import DualRegion
from edgewise.verifying.bounds.program import BoundsProgram
from edgewise.verifying.domain.space import CellSpace, unit_slots, whole

# Units of work of laying candidates out, and for each of their numbers.
LAYOUT, NUMBER = 2.5e-4, 4e-9


@dataclass(frozen=True, eq=False)
class Choices:
    """Candidates of the sites of a block.

    Attributes
    ----------
    vectors : array of shape (B, S, C, n)
        What each adds for the multipliers `columns`.
    columns : array of shape (n,)
    heights : array of shape (B, S, C) or None
        Values of hidden nodes; None for inputs.
    own : array of shape (S,) or None
    out : array of shape (B, S, C) or (1, S, C)
        0, or -inf where there is no candidate.
    kept : array of shape (B, S, C) or None
        Which of a site's candidates these are; None where they are all there are.
    reach : array of shape (B, S) or None
        By how much an input site moves the bound, function by function.
    """

    vectors: Floats
    columns: Ints
    heights: Floats | None
    own: Ints | None
    out: Floats
    kept: Ints | None = None
    reach: Floats | None = None

    def spread(self, chances: Floats, count: int) -> Floats:
        """Chances of the candidates that are here as those of all `count` candidates of the sites."""
        if self.kept is None:
            return chances
        every = np.zeros((*chances.shape[:2], count))
        np.put_along_axis(every, self.kept, chances, 2)
        return every


@dataclass(frozen=True, eq=False)
class InputSites:
    """How candidates of inputs are laid out, whatever the part of the domain.

    Attributes
    ----------
    group, cell : arrays of shape (S,), (S, C)
        The group of a site; the cell of each candidate (padded with the number of cells).
    slot : array of shape (S, C, most)
        The slots that a candidate uses, padded with the number of slots.
    share, position : arrays of shape (S, C, most)
        Where along a slot a candidate lies: a share of its interval, or (where not NaN) a position.
    point : array of shape (S, C)
        1 where the point part of the cell belongs to the candidate.
    uses : array of shape (S, most)
        The slots of a site, padded with the number of slots.
    table : array of shape (S, C, n)
        What the candidates add for the multipliers of the inputs, where nothing is cut.
    """

    group: Ints
    cell: Ints
    slot: Ints
    share: Floats
    position: Floats
    point: Floats
    uses: Ints
    table: Floats


def input_sites(program: BoundsProgram, seed: int = 0) -> InputSites:
    """Lay out the candidates: a site for each group, or for each slot where a group has one cell."""
    space, config, rng = program.space, program.config, np.random.default_rng(seed)
    by_cell: list[list[int]] = [[] for _ in range(space.cells)]
    for s, cell in enumerate(space.slot_cell):
        by_cell[int(cell)].append(s)
    ends = _whole(space)
    along = [
        [
            *((share, np.nan) for share in config.shares),
            *((0.0, float(x)) for x in _between(breaks, low, high, config.most_breaks)),
        ]
        for breaks, low, high in zip(program.inputs.slots.corners, *ends, strict=True)
    ]
    sites: list[tuple[int, list[tuple[int, list[tuple[int, float, float]], float]]]] = []
    for g in range(space.groups):
        cells = [int(c) for c in space.table[g] if c < space.cells]
        if len(cells) == 1 and len(by_cell[cells[0]]) > 1:
            for n, s in enumerate(by_cell[cells[0]]):
                sites.append((g, [(cells[0], [(s, *x)], float(n == 0)) for x in along[s]]))
            continue
        listed: list[tuple[int, list[tuple[int, float, float]], float]] = []
        for cell in cells:
            mine = by_cell[cell]
            if not mine:
                listed.append((cell, [], 1.0))
            elif len(mine) == 1:
                listed += [(cell, [(mine[0], *x)], 1.0) for x in along[mine[0]]]
            else:
                for _ in range(config.most_joint):
                    drawn = [(s, *along[s][int(rng.integers(len(along[s])))]) for s in mine]
                    listed.append((cell, drawn, 1.0))
        sites.append((g, listed))
    most = max(len(listed) for _, listed in sites)
    deep = max((len(used) for _, listed in sites for _, used, _ in listed), default=0)
    shape = (len(sites), most)
    cell = np.full(shape, space.cells)
    slot = np.full((*shape, max(deep, 1)), len(space.slot_cell))
    share, position, point = np.zeros(slot.shape), np.full(slot.shape, np.nan), np.zeros(shape)
    for s, (_, listed) in enumerate(sites):
        for c, (which, used, one) in enumerate(listed):
            cell[s, c], point[s, c] = which, one
            for n, (each, part, at) in enumerate(used):
                slot[s, c, n], share[s, c, n], position[s, c, n] = each, part, at
    used = [np.unique(each[each < len(space.slot_cell)]) for each in slot]
    uses = np.full((len(sites), max(1, *(len(each) for each in used))), len(space.slot_cell))
    for s, each in enumerate(used):
        uses[s, : len(each)] = each
    bare = InputSites(np.array([g for g, _ in sites]), cell, slot, share, position, point, uses, np.zeros(0))
    every = np.arange(len(sites))
    return replace(
        bare, table=_vectors(program, bare, every, *(np.repeat(end[None], len(every), 0) for end in ends))
    )


def _whole(space: CellSpace) -> tuple[Floats, Floats]:
    """Ends of the slots of the whole domain, in units."""
    low, high = unit_slots(space, whole(space, 0))
    return low[0], high[0]


def _between(breaks: Floats, low: float, high: float, most: int) -> Floats:
    """Breaks inside an interval and the middles between them, thinned to a few."""
    # Ends that are rounded outward may be a break but for that, which need not be a candidate twice.
    hair = 1e-9 * (high - low)
    inside = np.unique(breaks[(breaks > low + hair) & (breaks < high - hair)])
    every = np.concatenate([inside, 0.5 * (inside[1:] + inside[:-1])]) if 2 * len(inside) < most else inside
    every = np.sort(every)
    return every[np.unique(np.linspace(0, len(every) - 1, min(len(every), most)).round().astype(int))]


def input_choices(
    program: BoundsProgram,
    region: DualRegion,
    layout: InputSites,
    low: Floats,
    high: Floats,
    v: Floats,
    most: int | None = None,
) -> Choices:
    """Candidates of the inputs in each part.

    Parameters
    ----------
    low, high : arrays of shape (B, slots)
        Ends of the slots, in units.
    v : array of shape (B, multipliers)
    most : int, optional
        Keep so many of a site: those that are worth most for the multipliers v, near which others play no part.
    """
    space, block = program.space, program.inputs
    weights = v[:, block.columns]
    sites, count = layout.cell.shape
    charge(LAYOUT + NUMBER * len(v) * layout.table.size)
    # Parts share most of their intervals with the whole domain, and what leaves those is known.
    ends = _whole(space)
    cut = np.concatenate([(low != ends[0]) | (high != ends[1]), np.zeros((len(low), 1), bool)], 1)
    out = region.alive[:, layout.cell]
    gone = np.isneginf(out)
    part, site = np.nonzero(cut[:, layout.uses].any(2) | (gone & (layout.cell < space.cells)).any(2))
    own = _vectors(program, layout, site, low[part], high[part])
    worth = (weights @ layout.table.reshape(sites * count, -1).T).reshape(-1, sites, count)
    worth[part, site] = (own @ weights[part, :, None])[..., 0]
    worth[gone] = -np.inf
    index = np.repeat(np.arange(sites)[None], len(low), 0)
    index[part, site] = sites + np.arange(len(site))
    table = np.concatenate([layout.table, own])
    spread = np.concatenate(
        [_spread(layout.table, layout.cell == space.cells), _spread(own, gone[part, site])]
    )
    reach = (np.abs(weights)[:, None] * spread[index]).sum(2)
    if most is None or most >= count:
        return Choices(table[index], block.columns, None, None, out, None, reach)
    kept = np.argpartition(-worth, most - 1, axis=2)[..., :most]
    return Choices(
        table[index[..., None], kept],
        block.columns,
        None,
        None,
        np.take_along_axis(out, kept, 2),
        kept,
        reach,
    )


def _spread(vectors: Floats, out: NDArray[np.bool_]) -> Floats:
    """How far apart the candidates of sites are in each function, (S, C, n) -> (S, n), those that are out aside."""
    least = np.where(out[..., None], np.inf, vectors).min(1)
    most = np.where(out[..., None], -np.inf, vectors).max(1)
    return np.maximum(most - least, 0.0)


def _vectors(program: BoundsProgram, layout: InputSites, site: Ints, low: Floats, high: Floats) -> Floats:
    """What the candidates of some sites add where the slots have the given ends, (N, slots) each -> (N, C, n)."""
    curves = program.inputs.slots
    vectors = program.inputs.points[layout.cell[site]] * layout.point[site][..., None]
    slot = layout.slot[site]
    n, c, m = np.nonzero(slot < len(program.space.slot_cell))
    if len(n):
        which = slot[n, c, m]
        least, most = low[n, which], high[n, which]
        share, at = layout.share[site[n], c, m], layout.position[site[n], c, m]
        x = np.where(np.isnan(at), least + (most - least) * share, np.clip(at, least, most))
        values = curves.of_sites(x, which)
        for nth in range(slot.shape[2]):
            mine = m == nth
            vectors[n[mine], c[mine]] += values[mine]
    return vectors


def node_choices(program: BoundsProgram, region: DualRegion) -> list[Choices]:
    """Candidates of hidden nodes in each part."""
    made, config = list[Choices](), program.config
    for block in program.blocks:
        low, high = region.low[:, block.own, None], region.high[:, block.own, None]
        breaks = block.curves.corners
        every = breaks[
            :,
            np.unique(
                np.linspace(0, breaks.shape[1] - 1, min(breaks.shape[1], config.most_node_breaks))
                .round()
                .astype(int)
            ),
        ]
        if 2 * every.shape[1] <= config.most_breaks:
            every = np.concatenate([every, 0.5 * (every[:, 1:] + every[:, :-1])], 1)
        h = np.concatenate([low + (high - low) * np.array(config.shares), np.clip(every, low, high)], -1)
        values = block.curves.values(h.transpose(0, 2, 1)).transpose(0, 2, 1, 3)
        if region.factors is not None:
            two = region.factors[:, :, block.own, None, None]
            values, h = np.concatenate([values * two[:, 0], values * two[:, 1]], 2), np.concatenate([h, h], 2)
        charge(LAYOUT / 2 + 2 * NUMBER * values.size)
        made.append(Choices(values, block.columns, h, block.own, np.zeros((1, *h.shape[1:]))))
    return made
