"""The dual function of a program and its minimisation, many parts of a domain at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.verifying.bounds.curves import LocalIntervals, peak
from edgewise.verifying.bounds.program import BoundsProgram, NodeBlock
from edgewise.verifying.domain.space import Subdomains, living, unit_slots

# A bound is trusted to this share of the size of the terms it is the sum of.
MARGIN = 1e-9
# Units of work of an evaluation, besides the maxima.
EVALUATION = 1.5e-4


@dataclass(frozen=True, eq=False)
class DualRegion:
    """Parts of a domain, ready for the dual function.

    Attributes
    ----------
    windows : tuple of LocalIntervals, one a block
    slots : LocalIntervals
    alive : array of shape (B, cells + 1)
        0 where a cell is left, else -inf.
    low, high : arrays of shape (B, nodes)
        Ranges of hidden nodes.
    factors : array of shape (B, 2, nodes) or None
        Of a slope: what leaves a node is multiplied by the worse of two factors.
    """

    windows: tuple[LocalIntervals, ...]
    slots: LocalIntervals
    alive: Floats
    low: Floats
    high: Floats
    factors: Floats | None = None

    def take(self, rows: Ints) -> DualRegion:
        """Some of them."""
        return DualRegion(
            tuple(window.take(rows) for window in self.windows),
            self.slots.take(rows),
            self.alive[rows],
            self.low[rows],
            self.high[rows],
            None if self.factors is None else self.factors[rows],
        )


@dataclass(frozen=True, eq=False)
class DualPoint:
    """The dual function and what attains it, for B parts.

    Attributes
    ----------
    value, gradient : arrays of shape (B,), (B, multipliers)
    size : array of shape (B,)
        Sum of the magnitudes of the terms.
    nodes, heights : arrays of shape (B, nodes)
        Maximisers of the hidden nodes and the values there of what leaves them.
    cells : array of shape (B, groups)
    inputs : array of shape (B, inputs)
    """

    value: Floats
    gradient: Floats
    size: Floats
    nodes: Floats
    heights: Floats
    cells: Ints
    inputs: Floats


def make_region(
    program: BoundsProgram, part: Subdomains, low: Floats, high: Floats, factors: Floats | None = None
) -> DualRegion:
    """Windows of the nodes' ranges and of the slots."""
    left = living(program.space, part)
    # A group without a cell (no row is there) keeps all, so that numbers stay finite.
    for cells in program.space.table:
        mine = cells[cells < program.space.cells]
        left[np.ix_(~left[:, mine].any(1), mine)] = True
    alive = np.full((len(low), program.space.cells + 1), -np.inf)
    alive[:, :-1][left] = 0.0
    return DualRegion(
        tuple(block.curves.window(low[:, block.own], high[:, block.own]) for block in program.blocks),
        program.inputs.slots.window(*unit_slots(program.space, part)),
        alive,
        low,
        high,
        factors,
    )


def dual(program: BoundsProgram, region: DualRegion, v: Floats) -> DualPoint:
    """The dual function at multipliers v, (B, multipliers)."""
    charge(EVALUATION)
    batch = len(v)
    parts = v * program.constant
    value, size = parts.sum(1), np.abs(parts).sum(1)
    gradient = np.repeat(program.constant[None], batch, 0)
    nodes, heights = np.zeros((batch, program.nodes)), np.zeros((batch, program.nodes))
    for block, window in zip(program.blocks, region.windows, strict=True):
        curves, slope = block.curves, v[:, block.own]
        poly = curves.combined(v[:, block.columns])
        factor = 1.0
        if region.factors is None:
            best, piece, u = _less_line(block, poly, slope, window)
        else:
            two = region.factors[:, :, block.own]
            one = _less_line(block, poly * two[:, 0, None, :, None], slope, window)
            other = _less_line(block, poly * two[:, 1, None, :, None], slope, window)
            second = other[0] > one[0]
            best, piece, u = (np.where(second, b, a) for a, b in zip(one, other, strict=True))
            factor = np.where(second, two[:, 1], two[:, 0])[..., None]
        site = np.arange(len(block.own))
        h = curves.origin[site, piece] + u * curves.width[site, piece]
        f = curves.at(piece, u) * factor
        off = np.abs(v[:, block.columns]) @ curves.loose
        if region.factors is not None:
            off *= np.abs(region.factors[:, :, block.own]).max(1)
        value += best.sum(1) + off.sum(1)
        size += np.abs(best).sum(1) + np.abs(slope * h).sum(1)
        gradient[:, block.columns] += f.sum(1)
        gradient[:, block.own] -= h
        nodes[:, block.own], heights[:, block.own] = h, best + slope * h
    cells, inputs = _inputs(program, region, v, value, size, gradient)
    return DualPoint(value, gradient, size, nodes, heights, cells, inputs)


def _less_line(
    block: NodeBlock, poly: Floats, slope: Floats, window: LocalIntervals
) -> tuple[Floats, Ints, Floats]:
    """Maxima of what leaves the nodes less slope * h."""
    lines = poly.copy()
    lines[:, 0] -= slope[..., None] * block.curves.origin
    lines[:, 1] -= slope[..., None] * block.curves.width
    return peak(lines, window)


def _inputs(
    program: BoundsProgram, region: DualRegion, v: Floats, value: Floats, size: Floats, gradient: Floats
) -> tuple[Ints, Floats]:
    """Add the maxima over the inputs; the cells and inputs that attain them."""
    space, block = program.space, program.inputs
    weights = v[:, block.columns]
    total = weights @ block.points.T + np.abs(weights) @ block.loose.T + region.alive
    best, piece, u = peak(block.slots.combined(weights), region.slots)
    best = best + np.abs(weights) @ block.slots.loose
    if len(space.slot_cell):
        np.add.at(total.T, space.slot_cell, best.T)
    grouped = total[:, space.table]
    which = grouped.argmax(2)
    cells = space.table[np.arange(space.groups), which]
    tops = np.take_along_axis(grouped, which[..., None], 2)[..., 0]
    value += tops.sum(1)
    size += np.abs(tops).sum(1)
    gradient[:, block.columns] += block.points[cells].sum(1)
    inputs = space.centre[cells].sum(1)
    if len(space.slot_cell):
        site = np.arange(len(space.slot_cell))
        taken = cells[:, space.cell_group[space.slot_cell]] == space.slot_cell
        x = block.slots.origin[site, piece] + u * block.slots.width[site, piece]
        f = block.slots.at(piece, u)
        gradient[:, block.columns] += (f * taken[..., None]).sum(1)
        b, s = np.nonzero(taken)
        x = space.from_units(x, space.slot_input)
        c, i = space.slot_cell, space.slot_input
        inputs[b, i[s]] = np.clip(x, space.low[c, i], space.high[c, i])[b, s]
    return cells, inputs


def node_heights(program: BoundsProgram, region: DualRegion, v: Floats, h: Floats) -> Floats:
    """What leaves the hidden nodes at X values h of them, weighted by v, (B, X, nodes)."""
    heights = np.zeros_like(h)
    for block in program.blocks:
        f = block.curves.values(h[..., block.own])
        total = (f * v[:, None, None, block.columns]).sum(-1)
        if region.factors is not None:
            total = (region.factors[:, :, None, block.own] * total[:, None]).max(1)
        heights[..., block.own] = total
    return heights
