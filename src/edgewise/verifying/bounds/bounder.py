"""Bounds of a goal's excess over parts of a domain: by Lagrangian programs, or by chained ranges of derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Bools, Floats
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.verifying.bounds.chain import Chain, derivative_spans
from edgewise.verifying.bounds.cuts import NARROW, Bounded, Idle, Split, Sums, turns
from edgewise.verifying.bounds.differential import Differential, pairable
from edgewise.verifying.bounds.dual import DualRegion, make_region, node_heights
from edgewise.verifying.bounds.exact import ExactModel
from edgewise.verifying.bounds.newton import Choices, Minimum, input_choices, input_sites, minimise
from edgewise.verifying.bounds.node_ranges import known_sums, ranges
from edgewise.verifying.bounds.program import BoundsProgram, Family, NodeBlock, RowSum, RowTerm, make_program
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputBounds, Slope, times
from edgewise.verifying.domain.space import CellSpace, Subdomains, divisible, living, slots, stack, unit_slots


def vanishing(program: BoundsProgram, v: Floats) -> float:
    """The bound where all functions vanish, with no rounding; inf where they do not.

    What nothing depends on is a tie, which no margin allows: a constant is compared with its bound as fractions.
    """
    plain = (program.budget and v[-1] != 0) or v[: program.nodes].any()
    blocks = [(block.curves, block.columns) for block in program.blocks]
    blocks.append((program.inputs.curves, program.inputs.columns))
    if plain or any(curves.combined(v[None, columns]).any() for curves, columns in blocks):
        return np.inf
    if any((curves.loose * v[columns, None]).any() for curves, columns in blocks):
        return np.inf
    if (program.inputs.points @ v[program.inputs.columns]).any():
        return np.inf
    total = Fraction(0)
    for weight, row in zip(v[program.nodes :], program.sums, strict=False):
        share = Fraction(float(weight))
        total -= share * Fraction(row.bound)
        for term in row.terms:
            family = program.families[term.family]
            if not family.hidden and family.group is not None:
                return np.inf  # what the moved group adds is known to rounding only
            scale, shift = (
                float(family.model.out_scale[term.output]),
                float(family.model.out_shift[term.output]),
            )
            bias = Fraction(float(family.layers[-1].bias[term.output]))
            total += share * Fraction(term.weight) * (Fraction(shift) + Fraction(scale) * bias)
    return float(total) if total <= 0 else np.inf


# Units of work of choosing where to cut, and for each part.
CUT, PART = 2e-4, 1e-4
# Nodes are cut while that may win such a share of what is missing, else inputs, where two models follow the same inputs, so
# that their nodes hang together; one model's nodes are always worth it.
_TWO_MODELS_THRESHOLD = 0.7
# A node is cut where it gains at least such a share of what an input does.
_NODE_PREFERENCE = 0.7
# A cut is in vain that gains less than this share of the way to the target; what its variable keeps of its worth; and what
# a cut is worth at least, as a share of what its variable moves the bound at all.
_IDLE_GAIN, _IDLE_KEPT, _LEAST_WORTH = 0.02, 0.25, 0.01
# How near an end, as a share of the range, a node or an interval is cut.
_NODE_MARGIN, _INPUT_MARGIN = 0.1, 0.2
# Share of a group that its second value needs for a cut between values rather than in an interval, and the share of the
# first below which its values are cut in any case.
_RIVAL_CELL, _UNMIXED = 1e-3, 1e-9
# Candidates of a site that a search near its minimum looks at; inputs that are tried for one that can be cut.
_NEAR_CANDIDATES, _SITES_TRIED = 6, 6


def rows_program(models: tuple[ExactModel, ...], space: CellSpace, goal: OutputBounds) -> BoundsProgram:
    """The program of a goal of rows, its families and units numbered as in docs/certificates.md."""
    keys: list[tuple[int, int | None]] = []
    units: list[list[int]] = []
    sums: list[RowSum] = []
    if len(goal.rows) != len(goal.bounds) or not goal.rows:
        raise InputError(
            argument="bounds",
            expected="be one for each row",
            got=f"{len(goal.bounds)} for {len(goal.rows)} rows",
        )
    for row, bound in zip(goal.rows, goal.bounds, strict=True):
        terms: list[RowTerm] = []
        inputs: list[tuple[int, float]] = []
        for term in row:
            if isinstance(term, InputTerm):
                inputs.append((term.input, float(term.weight)))
                continue
            group, cell = (
                (None, -1)
                if term.moved is None
                else (term.moved[0], int(space.first[term.moved[0]]) + term.moved[1])
            )
            if group is not None and not space.points()[cell][space.input_group == group].all():
                raise InputError(argument="moved", expected="be a cell of points", got="one with an interval")
            if (term.model, group) not in keys:
                keys.append((term.model, group))
                units.append([])
            family = keys.index((term.model, group))
            if cell not in units[family]:
                units[family].append(cell)
            terms.append(RowTerm(family, units[family].index(cell), term.output, float(term.weight)))
        sums.append(RowSum(tuple(terms), tuple(inputs), float(bound)))
    families = tuple(
        Family(models[m], models[m].layers, group, tuple(cells), m)
        for (m, group), cells in zip(keys, units, strict=True)
    )
    return make_program(space, families, tuple(sums))


def slope_program(
    models: tuple[ExactModel, ...],
    space: CellSpace,
    goal: Slope,
    unit: float = 1.0,
) -> BoundsProgram:
    """The program of a slope through at most one hidden layer; its excess is per unit of the scaled input."""
    model = models[goal.model]
    family = Family(model, model.layers[:2], None, (-1,), goal.model)
    term = RowTerm(0, 0, goal.output, unit * goal.sign)
    made = make_program(space, (family,), (RowSum((term,)),))
    constant = made.constant.copy()
    constant[made.nodes] = -unit * goal.bound * model.scale[goal.input]
    block = made.blocks[0]
    return replace(
        made, constant=constant, blocks=(NodeBlock(block.curves.derivative(), block.columns, block.own),)
    )


class Lagrange:
    """Bounds by Lagrangian duality, for rows and for slopes through one hidden layer.

    Parameters
    ----------
    program : BoundsProgram
    slope : (ExactModel, Slope), optional
        The model and the slope that is asked of it.
    unit : float
        How many times its excess the program's is.
    """

    def __init__(
        self, program: BoundsProgram, slope: tuple[ExactModel, Slope] | None = None, unit: float = 1.0
    ) -> None:
        self.program = program
        # Nodes are cut while that may win such a share of what is missing; else inputs are.
        # (Two models follow the same inputs, so that their nodes hang together.)
        self.split_threshold = self.usual_threshold = (
            _TWO_MODELS_THRESHOLD if len({family.number for family in program.families}) > 1 else 0.0
        )
        self.slope = slope
        self.scale = unit * (1.0 if slope is None else float(slope[0].scale[slope[1].input]))
        self.layout = input_sites(program)
        self.free = np.ones(program.size, bool)
        if program.rows == 1:
            self.free[program.nodes] = False

    def start(self) -> Floats:
        """Multipliers to begin with."""
        v = np.zeros(self.program.size)
        at, rows = self.program.nodes, self.program.rows
        v[at : at + rows] = 1 / rows
        if self.program.budget:
            v[-1] = 0.0
        return v

    def factors(self, part: Subdomains) -> Floats | None:
        """Least and greatest slopes of the edges of the input that a slope is asked of, (B, 2, nodes)."""
        if self.slope is None:
            return None
        model, goal = self.slope
        low, high = derivative_spans(model, self.program.space, part, goal.input)
        return np.stack([low, high], 1)

    def solve(
        self,
        parts: list[Subdomains],
        starts: Floats,
        target: float,
        sums: list[Sums | None],
        warm: bool,
        above: Sequence[Bounded] = (),
    ) -> tuple[list[Bounded], list[Floats]]:
        """Bound the excess over each part; also rows to try. `above` are what the parts are halves of."""
        program, part = self.program, stack(parts)
        known = known_sums(program, parts, sums)
        joined = tuple(np.concatenate([name[k] for name in known]) for k in range(3))
        low, high, empty = ranges(program, part, joined)  # pyright: ignore[reportArgumentType]
        factors = self.factors(part)
        region = make_region(program, part, low, high, factors)
        starts = starts.copy()
        if program.budget:
            starts[:, -1] = np.maximum(starts[:, -1], 1e-6)
        ends = unit_slots(program.space, part)
        # A price that has far to go may come to need any of them.
        few = _NEAR_CANDIDATES if warm and not program.budget else None

        def choose(v: Floats) -> Choices:
            return input_choices(program, region, self.layout, *ends, v, few)

        found = minimise(
            program,
            region,
            choose,
            starts,
            np.full(len(parts), target * self.scale),
            self.free,
            warm=warm,
        )
        bounds = found.bound / self.scale
        idle = [item.after(float(bounds[b]), target, _IDLE_GAIN) for b, item in enumerate(above)] or [
            {}
        ] * len(parts)
        splits = self.splits(part, region, found, target * self.scale, idle)
        made: list[Bounded] = []
        for b, item in enumerate(parts):
            bound = -np.inf if empty[b] else float(bounds[b])
            if bound > target >= 0 and self.slope is None:
                bound = min(bound, vanishing(program, found.v[b]) / self.scale)
            made.append(Bounded(item, bound, found.v[b], splits[b], known[b], idle[b]))
        rows = [x[~empty] for x in found.tried[-2:]]
        return made, rows

    def splits(
        self, part: Subdomains, region: DualRegion, found: Minimum, target: float, idle: Sequence[Idle]
    ) -> list[Split | None]:
        """Where the relaxation gains most, at a hidden node that is mixed or at a group; idle ones lose their turns."""
        charge(CUT + PART * len(found.v))
        program, space = self.program, self.program.space
        v, nodes = found.v, found.nodes
        line = v[:, : program.nodes]
        at_mean = node_heights(program, region, v, nodes[:, None])[:, 0]
        width = region.high - region.low
        gains = np.maximum(found.heights - at_mean, 0.0)
        gains[width <= 1e-7 * (1 + np.abs(region.high))] = 0.0
        mixed = found.choices.vectors
        chances = found.chances
        mode = chances.argmax(-1)
        mean = (chances[..., None] * mixed).sum(2)
        picked = np.take_along_axis(mixed, mode[..., None, None], 2)[:, :, 0]
        offset = picked - mean  # (B, sites, columns)
        columns = found.choices.columns
        first = columns < program.nodes
        score = np.zeros(offset.shape[:2])
        if program.nodes:
            moved = np.repeat(nodes[:, None], offset.shape[1], 1)
            moved[:, :, columns[first]] += offset[:, :, first]
            np.clip(moved, region.low[:, None], region.high[:, None], out=moved)
            lost = (at_mean - line * nodes)[:, None] - (
                node_heights(program, region, v, moved) - line[:, None] * moved
            )
            score = np.maximum(lost, 0.0).sum(2)
        score += np.abs(offset[:, :, ~first] * v[:, None, columns[~first]]).sum(2)
        splits: list[Split | None] = []
        low, high = slots(space, part)
        alive = living(space, part)
        every = found.choices.spread(chances, self.layout.cell.shape[1])
        if self.slope is not None:
            score = self._slope_score(region, found, score)
        # How much each site moves the bound at all.
        reach = found.choices.reach
        assert reach is not None
        for b in range(len(nodes)):
            own = every[b], v[b, columns], alive[b], low[b], high[b]
            if idle[b]:
                spread = width[b] * np.abs(line[b]) * (width[b] > NARROW * (1 + np.abs(region.high[b])))
                of_nodes = turns(idle[b], program.nodes, "node", _IDLE_KEPT) * np.maximum(
                    gains[b], _LEAST_WORTH * spread
                )
                of_sites = turns(idle[b], space.groups, "group", _IDLE_KEPT)[self.layout.group]
                of_sites *= np.maximum(score[b], _LEAST_WORTH * reach[b])
                split = self._first_split(np.argsort(-of_sites), *own)
                if program.nodes and of_nodes.max() > (of_sites.max() if split is not None else 0.0):
                    split = self._node_split(int(of_nodes.argmax()), b, region, nodes)
                if split is not None:
                    splits.append(split)
                    continue
            node = int(gains[b].argmax()) if program.nodes else -1
            of_node: Split | None = None
            if node >= 0 and gains[b, node] > 0:
                of_node = self._node_split(node, b, region, nodes)
            elif program.nodes:
                spread = width[b] * (1e-6 + np.abs(line[b]))
                node = int(spread.argmax())
                if width[b, node] > NARROW * (1 + abs(region.high[b, node])):
                    of_node = self._node_split(node, b, region, nodes)
            # Fixing all nodes at their means would lower the bound by their gains and no more.
            promising = gains[b].sum() >= self.split_threshold * (found.bound[b] - target)
            if (
                of_node is not None
                and (promising or not score[b].max() > 0)
                and gains[b].max() >= _NODE_PREFERENCE * score[b].max()
            ):
                splits.append(of_node)
                continue
            first_input = self._first_split(np.argsort(-(score if promising else reach)[b]), *own)
            splits.append(of_node if first_input is None else first_input)
        return splits

    def _first_split(
        self, order: NDArray[np.int64], chances: Floats, v: Floats, alive: Bools, low: Floats, high: Floats
    ) -> Split | None:
        for s in order[:_SITES_TRIED]:
            split = self._input_split(int(s), chances[s], v, alive, low, high)
            if split is not None:
                return split
        return None

    def _slope_score(self, region: DualRegion, found: Minimum, score: Floats) -> Floats:
        """For the input that a slope is asked of: what the range of its own slopes gains."""
        assert self.slope is not None
        assert region.factors is not None
        i = self.slope[1].input
        group = int(self.program.space.input_group[i])
        gain = np.zeros(len(score))
        for block in self.program.blocks:
            f = block.curves.values(found.point.nodes[:, block.own])[..., 0]
            two = region.factors[:, :, block.own]
            gain += np.abs(0.5 * (two[:, 1] - two[:, 0]) * f).sum(1)
        score = score.copy()
        score[:, self.layout.group == group] += gain[:, None]
        return score

    def _node_split(self, node: int, b: int, region: DualRegion, nodes: Floats) -> Split:
        low, high = region.low[b, node], region.high[b, node]
        room = _NODE_MARGIN * (high - low)
        at = float(np.clip(nodes[b, node], low + room, high - room))
        return Split("node", node, at)

    def _input_split(
        self, site: int, chance: Floats, v: Floats, alive: Bools, low: Floats, high: Floats
    ) -> Split | None:
        """Cut a group: between cells where several are mixed, else an interval."""
        space, layout = self.program.space, self.layout
        group = int(layout.group[site])
        cells = space.cells_of(group, alive)
        if len(cells) > 1:
            worth = np.array([chance[layout.cell[site] == c].sum() for c in cells])
            first, second = np.argsort(-worth)[:2]
            if worth[second] > _RIVAL_CELL or worth.max() < _UNMIXED:
                # Each cell goes with the one of the two that it is more like.
                vector = [self._cell_vector(site, c, chance, v) for c in cells]
                near = [
                    k
                    for k in range(len(cells))
                    if np.abs(vector[k] - vector[first]).sum() <= np.abs(vector[k] - vector[second]).sum()
                ]
                near = near if 0 < len(near) < len(cells) else [int(first)]
                return Split(
                    "cells", group, cells=tuple(cells[k] - int(space.first[group]) for k in near), group=group
                )
        mine = [s for s in range(len(space.slot_cell)) if space.slot_cell[s] in cells and high[s] > low[s]]
        if self.slope is not None:
            mine = [s for s in mine if space.slot_input[s] == self.slope[1].input] or mine
        if mine:
            sizes = [
                (high[s] - low[s]) / (space.high - space.low)[space.slot_cell[s], space.slot_input[s]]
                for s in mine
            ]
            s = mine[int(np.argmax(sizes))]
            if divisible(space, s, low[s], high[s], 1e-7):
                used = layout.slot[site] == s
                at = 0.5 * (low[s] + high[s])
                if used.any() and self.slope is None:
                    share, position = layout.share[site][used], layout.position[site][used]
                    x = np.where(
                        np.isnan(position),
                        low[s] + (high[s] - low[s]) * share,
                        np.clip(space.from_units(position, space.slot_input[s]), low[s], high[s]),
                    )
                    p = np.repeat(chance[:, None], layout.slot.shape[2], 1)[used]
                    if p.sum() > 1e-6:
                        at = float((p * x).sum() / p.sum())
                room = _INPUT_MARGIN * (high[s] - low[s])
                at = float(np.clip(at, low[s] + room, high[s] - room))
                return Split("input", int(space.slot_input[s]), at, group=group)
        if len(cells) > 1:
            return Split(
                "cells",
                group,
                cells=tuple(c - int(space.first[group]) for c in cells[: len(cells) // 2]),
                group=group,
            )
        return None

    def _cell_vector(self, site: int, cell: int, chance: Floats, v: Floats) -> Floats:
        """What a cell's likeliest candidate adds."""
        mine = np.nonzero(self.layout.cell[site] == cell)[0]
        best = mine[int(chance[mine].argmax())]
        return self.layout.table[site, best] * v


Bounder = Lagrange | Chain | Differential


def make_bounders(
    models: tuple[ExactModel, ...],
    space: CellSpace,
    goal: Goal,
    root: Subdomains,
    unit: float = 1.0,
) -> tuple[Bounder, ...]:
    """Ways to bound a goal, the cheaper first. The root's limits of nodes must fit their program.

    Programs are of `unit` times the goal: a power of two that makes a tiny excess one of about 1, for a search judges what
    is small by fixed thresholds.
    """
    if isinstance(goal, OutputBounds):
        program = rows_program(models, space, goal)
        scaled = program if unit == 1 else rows_program(models, space, times(goal, unit))
        plain = Lagrange(scaled, unit=unit)
        return (Differential(program, root), plain) if pairable(program) else (plain,)
    model = models[goal.model]
    if model.hidden == 1:
        return (Lagrange(slope_program(models, space, goal, unit), slope=(model, goal), unit=unit),)
    row = RowSum((RowTerm(0, 0, goal.output, float(goal.sign)),))
    family = Family(model, model.layers, None, (-1,), goal.model)
    program = make_program(space, (family,), (row,))
    return (Chain(program, models, goal),)
