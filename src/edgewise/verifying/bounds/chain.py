"""Slopes through any number of layers: ranges of derivatives, multiplied and added layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.verifying.bounds.curves import Curves, spans
from edgewise.verifying.bounds.cuts import NARROW, Bounded, Split, Sums
from edgewise.verifying.bounds.dual import MARGIN
from edgewise.verifying.bounds.exact import ExactModel
from edgewise.verifying.bounds.node_ranges import first_sums, ranges
from edgewise.verifying.bounds.program import BoundsProgram, unit_curves
from edgewise.verifying.domain.goals import Slope
from edgewise.verifying.domain.space import CellSpace, Subdomains, divisible, living, slots

# The widest input is cut while that is more than this share of its range, else between values.
_WIDE_INPUT = 0.05


def derivative_spans(model: ExactModel, space: CellSpace, part: Subdomains, i: int) -> tuple[Floats, Floats]:
    """Least and greatest derivative, per unit of the scaled input, of input i's edges over each part, (B, nodes) each."""
    scaled = model.layers[0].curves.derivative()
    one = replace(scaled, breaks=unit_curves(model, space).breaks).sites(np.array([i]))
    alive = living(space, part)
    count = one.count
    own = np.array([i])
    least, most = np.full((len(alive), count), np.inf), np.full((len(alive), count), -np.inf)
    for b in range(len(alive)):
        for c in np.nonzero(alive[b] & space.owns()[:, i])[0]:
            low = max(space.low[c, i], part.low[b, i])
            high = min(space.high[c, i], part.high[b, i])
            low, high = (float(space.to_units(np.array([x]), own)[0]) for x in (low, high))
            # A hair wider, so that at a break both one-sided derivatives count.
            hair = 1e-12 * (1 + abs(low) + abs(high))
            ends = spans(one, one.window(np.array([[low - hair]]), np.array([[high + hair]])))
            ends = [end[:, 0] for end in ends]
            jumps = _jumps(one, low - hair, high + hair)
            least[b] = np.minimum(least[b], np.minimum(ends[0], jumps[0]))
            most[b] = np.maximum(most[b], np.maximum(ends[1], jumps[1]))
    least[~np.isfinite(least)], most[~np.isfinite(most)] = 0.0, 0.0
    size = WIDER_SLOPE * (np.abs(least) + np.abs(most))
    return least - size, most + size


WIDER_SLOPE = 1e-12


def _jumps(one: Curves, low: float, high: float) -> tuple[Floats, Floats]:
    """Values from the left at breaks inside an interval, which count where a derivative jumps."""
    inside = np.nonzero((one.breaks[0] >= low) & (one.breaks[0] <= high))[0]
    if not len(inside):
        return np.full(one.count, np.inf), np.full(one.count, -np.inf)
    u = np.where(inside == 0, 0.0, 1.0)
    c = one.table[:, :, 0, inside]
    values = ((c[:, 3] * u + c[:, 2]) * u + c[:, 1]) * u + c[:, 0]
    return values.min(1) - one.loose[:, 0], values.max(1) + one.loose[:, 0]


def middles(space: CellSpace, made: list[Bounded]) -> list[Floats]:
    """The row in the middle of each part that holds one."""
    rows = list[Floats]()
    for item in made:
        if item.bound > -np.inf:
            low, high = slots(space, item.part)
            alive = living(space, item.part)[0]
            cells = [space.cells_of(g, alive)[0] for g in range(space.groups)]
            x = space.centre[cells].sum(0)
            for s, c in enumerate(space.slot_cell):
                if c in cells:
                    x[space.slot_input[s]] = 0.5 * (low[0, s] + high[0, s])
            rows.append(x[None])
    return rows


class OneByOne:
    """A way to bound parts that knows no multipliers and looks at one part at a time."""

    program: BoundsProgram

    def start(self) -> Floats:
        """No multipliers."""
        return np.zeros(0)

    def solve(
        self,
        parts: list[Subdomains],
        starts: Floats,
        target: float,
        sums: list[Sums | None],
        warm: bool,
        above: Sequence[Bounded] = (),
    ) -> tuple[list[Bounded], list[Floats]]:
        """As `Lagrange.solve`."""
        made = [self._one(part, known) for part, known in zip(parts, sums, strict=True)]
        return made, middles(self.program.space, made)

    def _one(self, part: Subdomains, sums: Sums | None) -> Bounded:
        """What is known of a part."""
        raise NotImplementedError


class Chain(OneByOne):
    """Bounds of a slope by multiplying and adding ranges of derivatives, layer by layer."""

    def __init__(self, program: BoundsProgram, models: tuple[ExactModel, ...], goal: Slope) -> None:
        self.program, self.goal = program, goal
        self.split_threshold = self.usual_threshold = 0.0
        self.model = models[goal.model]

    def _one(self, part: Subdomains, sums: Sums | None) -> Bounded:
        program, goal, model = self.program, self.goal, self.model
        known = first_sums(program, part) if sums is None else sums
        low, high, empty = ranges(program, part, known)
        least, most = (span[0] for span in derivative_spans(model, program.space, part, goal.input))
        worth: list[tuple[float, Split]] = []
        at = 0
        for depth in range(1, len(model.layers)):
            layer = model.layers[depth].curves.derivative()
            h_low, h_high = low[0, at : at + len(least)], high[0, at : at + len(least)]
            hair = 1e-12 * (1 + np.abs(h_low) + np.abs(h_high))
            ends = spans(layer, layer.window((h_low - hair)[None], (h_high + hair)[None]))
            under, over = ends[0].copy(), ends[1].copy()
            for s in range(len(least)):
                jump = _jumps(layer.sites(np.array([s])), h_low[s] - hair[s], h_high[s] + hair[s])
                under[:, s], over[:, s] = np.minimum(under[:, s], jump[0]), np.maximum(over[:, s], jump[1])
            corners = np.stack([under * least, under * most, over * least, over * most])
            reach = np.maximum(np.abs(least), np.abs(most))
            loose = ((over - under) * reach).sum(0)
            for s in np.nonzero((h_high - h_low) > NARROW * (1 + np.abs(h_high)))[0]:
                worth.append(
                    (float(loose[s]), Split("node", at + int(s), float(0.5 * (h_low[s] + h_high[s]))))
                )
            at += len(least)
            size = 1e-12 * np.abs(corners).max(0).sum(1)
            least, most = corners.min(0).sum(1) - size, corners.max(0).sum(1) + size
        weight = goal.sign * model.out_scale[goal.output]
        top = max(weight * least[goal.output], weight * most[goal.output])
        size = max(abs(weight * least[goal.output]), abs(weight * most[goal.output]))
        bound = float((top + MARGIN * size) / model.scale[goal.input] - goal.bound)
        bound += MARGIN * abs(goal.bound)
        best = self._best(part, worth)
        return Bounded(part, -np.inf if empty[0] else bound, np.zeros(0), best, known)

    def _best(self, part: Subdomains, worth: list[tuple[float, Split]]) -> Split | None:
        """The widest input or the loosest node."""
        space, i = self.program.space, self.goal.input
        low, high = slots(space, part)
        alive = living(space, part)[0]
        sizes: list[tuple[float, int]] = []
        for s, (c, j) in enumerate(zip(space.slot_cell, space.slot_input, strict=True)):
            if alive[c] and divisible(space, s, low[0, s], high[0, s]):
                share = (high[0, s] - low[0, s]) / (space.high[c, j] - space.low[c, j])
                sizes.append((float(share) * (2.0 if j == i else 1.0), s))
        if sizes and (max(sizes)[0] > _WIDE_INPUT or not worth):
            s = max(sizes)[1]
            return Split("input", int(space.slot_input[s]), float(0.5 * (low[0, s] + high[0, s])))
        for g in range(space.groups):
            cells = space.cells_of(g, alive)
            if len(cells) > 1:
                half = cells[: len(cells) // 2]
                return Split("cells", g, cells=tuple(c - int(space.first[g]) for c in half))
        return max(worth, key=lambda item: item[0])[1] if worth else None
