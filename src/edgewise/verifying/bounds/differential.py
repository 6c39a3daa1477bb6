"""How far two evaluations of networks can differ: ranges of the differences of their nodes, layer by layer.

Nodes of the one are compared with nodes of the other. Where h and h + d are what two compared nodes hold, for some slope of
phi2 between them

    phi2(h + d) - phi1(h) = (phi2 - phi1)(h) + slope * d,

so that little differences stay little, where bounds of either network alone would let them drift apart by the width of what
is not known of it. Nodes without a partner count with all they may hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise.verifying.bounds.chain import OneByOne
from edgewise.verifying.bounds.curves import Curves, LocalIntervals, merge, spans
from edgewise.verifying.bounds.cuts import NARROW, Bounded, Split, Sums
from edgewise.verifying.bounds.dual import MARGIN
from edgewise.verifying.bounds.exact import ExactLayer, ExactModel
from edgewise.verifying.bounds.node_ranges import first_sums, ranges
from edgewise.verifying.bounds.program import (
    BoundsProgram,
    Family,
    RowSum,
    RowTerm,
    make_program,
    moved_values,
    unit_curves,
)
from edgewise.verifying.domain.space import CellSpace, Subdomains, divisible, draw, living, slots, unit_slots

# Differences are known to this share of the size of what they are differences of, and exactly where both are the same.
ROUNDED = 1e-13
# Rows that show which nodes of two evaluations belong together.
_PAIR_ROWS = 256


@dataclass(frozen=True, eq=False)
class DifferentialStep:
    """From the compared nodes of one hidden layer (sites) to those of the next, or to the outputs (functions).

    Attributes
    ----------
    first, second : array of shape (sites,)
        The nodes of either unit, as the program numbers them.
    gaps, slopes : Curves
        phi2 - phi1, as functions of the first unit's node, and the derivatives of phi2, of the second unit's.
    sizes : Curves
        phi2 and phi1 side by side: what rounding is measured in.
    same : array of bool, shape (functions, sites)
        Where both functions are the same.
    bias : array of shape (2, functions)
        Second and first.
    alone : tuple of (nodes, Curves)
        What nodes without a partner add: those of the second unit, and those of the first with their sign changed.
    """

    first: Ints
    second: Ints
    gaps: Curves
    slopes: Curves
    sizes: Curves
    same: Bools
    bias: Floats
    alone: tuple[tuple[Ints, Curves], ...]


@dataclass(frozen=True, eq=False)
class Unit:
    """One evaluation: its layers (the last one in units of y), its nodes in the program and the shifts of the first ones."""

    model: ExactModel
    layers: tuple[ExactLayer, ...]
    nodes: tuple[Ints, ...]
    shift: Floats
    raw: Curves

    def hidden(self, x: Floats) -> list[Floats]:
        """Hidden nodes at rows of inputs in units; of the first layer without what moving adds."""
        found, h = list[Floats](), self.raw.values(x).sum(-2) + self.layers[0].bias
        for n, layer in enumerate(self.layers[1:]):
            found.append(h)
            h = layer.forward(h + self.shift if n == 0 else h)
        return found


class Differential(OneByOne):
    """Bounds of weight * (output of one unit - output of another) - bound."""

    def __init__(self, program: BoundsProgram, root: Subdomains) -> None:
        self.program = program
        self.split_threshold = self.usual_threshold = 0.0
        (row,) = program.sums
        one, two = row.terms
        self.weight, self.limit = one.weight, row.bound
        units = _unit(program, one), _unit(program, two)
        pairs = [*_compared(units, program, root), (np.array([one.output]), np.array([two.output]))]
        self.matches = [
            [int(second[first == k][0]) if k in first else None for k in range(len(layer.bias))]
            for layer, (first, second) in zip(units[0].layers, pairs[:-1], strict=False)
        ]
        self.first, self.sizes = _first(units, program.space, *pairs[0])
        self.steps = [_step(units, n, pairs[n - 1], pairs[n]) for n in range(1, len(pairs))]

    def _one(self, part: Subdomains, sums: Sums | None) -> Bounded:
        program = self.program
        known = first_sums(program, part) if sums is None else sums
        low, high, empty = ranges(program, part, known)
        if empty[0]:
            return Bounded(part, -np.inf, np.zeros(0), None, known)
        low, high = low[0], high[0]
        least, most, _ = (total[0] for total in first_sums(self.first, part))
        least, most = least - self.sizes, most + self.sizes
        reach, steep = [np.maximum(np.abs(least), np.abs(most))], list[Floats]()
        loose = list[Floats]()
        for step in self.steps:
            least, most, slope, width = _through(step, least, most, low, high)
            loose.append((width * reach[-1]).T)
            steep.append(slope)
            reach.append(np.maximum(np.abs(least), np.abs(most)))
        bound = float(max(-self.weight * least[0], -self.weight * most[0])) - self.limit
        bound += MARGIN * abs(self.weight) * float(reach[-1][0])
        return Bounded(part, bound, np.zeros(0), self._split(part, low, high, loose, steep), known)

    def _split(
        self, part: Subdomains, low: Floats, high: Floats, loose: list[Floats], steep: list[Floats]
    ) -> Split | None:
        """The node whose slopes, or the input whose differences, leave most open for the output."""
        space, found, weight = self.program.space, list[tuple[float, Split]](), np.ones(1)
        for step, wide, slope in zip(self.steps[::-1], loose[::-1], steep[::-1], strict=True):
            for worth, nodes in zip(wide @ weight, zip(step.first, step.second, strict=True), strict=True):
                node = max(nodes, key=lambda k: high[k] - low[k])
                if high[node] - low[node] > NARROW * (1 + abs(high[node])):
                    found.append(
                        (float(worth), Split("node", int(node), float(0.5 * (low[node] + high[node]))))
                    )
            weight = slope.T @ weight
        curves, ends, alive = self.first.inputs.slots, slots(space, part), living(space, part)[0]
        least, most = spans(curves, curves.window(*unit_slots(space, part)))
        worth = np.zeros(len(curves.breaks)) if not len(most) else (most - least)[: len(weight)].T @ weight
        for s, (c, i) in enumerate(zip(space.slot_cell, space.slot_input, strict=True)):
            bottom, top = ends[0][0, s], ends[1][0, s]
            if alive[c] and divisible(space, s, bottom, top):
                found.append((float(worth[s]), Split("input", int(i), float(0.5 * (bottom + top)))))
        for g in range(space.groups):
            cells = space.cells_of(g, alive)
            if len(cells) > 1:
                values = self.first.inputs.points[cells][:, : len(weight)]
                half = tuple(c - int(space.first[g]) for c in cells[: len(cells) // 2])
                found.append((float(np.ptp(values, axis=0) @ weight), Split("cells", g, cells=half)))
        return max(found, key=lambda item: item[0])[1] if found else None


def pairable(program: BoundsProgram) -> bool:
    """Whether a goal is one row that bounds how much an output of one unit may exceed that of another.

    Units of one model that share their only hidden layer are compared as well without.
    """
    if len(program.sums) != 1 or program.sums[0].inputs or len(program.sums[0].terms) != 2:
        return False
    one, two = program.sums[0].terms
    families = [program.families[term.family] for term in (one, two)]
    shared = one.family == two.family and families[0].hidden < 2
    return one.weight == -two.weight and families[0].hidden == families[1].hidden and not shared


def _unit(program: BoundsProgram, term: RowTerm) -> Unit:
    family, space = program.families[term.family], program.space
    model, last = family.model, family.layers[-1]
    scaled = ExactLayer(
        last.curves.weighted(model.out_scale[:, None]),
        last.bias * model.out_scale + model.out_shift,
        None if last.base is None else last.base * model.out_scale[:, None],
        None if last.plain is None else last.plain.weighted(model.out_scale[:, None]),
    )
    layers = (*family.layers[:-1], scaled)
    raw = unit_curves(replace(model, layers=layers), space)
    shift = np.zeros(len(layers[0].bias))
    if family.group is not None:
        mine = (space.input_group == family.group)[:, None]
        moved = moved_values(replace(model, layers=layers), space, [family.moved[term.unit]])
        shift = (moved[0] * mine).sum(0)
        raw = raw.weighted(~mine[:, 0])
    if not family.hidden:
        layers = (ExactLayer(layers[0].curves, layers[0].bias + shift),)
    own = {name: k for k, name in enumerate(program.names)}
    nodes = tuple(
        np.array([own[term.family, term.unit if n > 1 else 0, n, k] for k in range(len(layer.bias))])
        for n, layer in enumerate(layers[:-1], 1)
    )
    return Unit(model, layers, nodes, shift, raw)


def _compared(units: tuple[Unit, Unit], program: BoundsProgram, root: Subdomains) -> list[tuple[Ints, Ints]]:
    """Nodes of each hidden layer that hold nearly the same at random rows."""
    space, rng = program.space, np.random.default_rng(0)
    x = space.to_units(draw(space, _PAIR_ROWS, root, rng))
    found = list[tuple[Ints, Ints]]()
    for one, two in zip(*(unit.hidden(x) for unit in units), strict=True):
        apart = np.abs(one[:, :, None] - two[:, None]).mean(0)
        first, second = linear_sum_assignment(apart - 1e-9 * apart.max() * np.eye(*apart.shape))
        found.append((first, second))
    return found


def _first(
    units: tuple[Unit, Unit], space: CellSpace, first: Ints, second: Ints
) -> tuple[BoundsProgram, Floats]:
    """A program whose hidden nodes are the differences of compared nodes of the first layers, and what rounding may cost."""
    one, two = units
    both = merge([two.raw, one.raw])
    of_two, of_one = both.functions(second), both.functions(two.raw.count + first)
    alike = (one.model.shift == two.model.shift) & (one.model.scale == two.model.scale)
    gaps = _less(of_two, of_one, alike)
    bias = two.layers[0].bias[second], one.layers[0].bias[first]
    ends = Curves(np.tile([0.0, 1.0], (len(first), 1)), np.zeros((1, 4, len(first), 3)))
    layers = (ExactLayer(gaps, bias[0] - bias[1]), ExactLayer(ends, np.zeros(1)))
    model = ExactModel(layers, space.shift, space.scale, np.zeros(1), np.ones(1))
    program = make_program(space, (Family(model, layers, None, (-1,)),), (RowSum((RowTerm(0, 0, 0, 1.0),)),))
    same = _zero(gaps)
    low = space.to_units(np.where(space.owns(), space.low, np.inf).min(0), side=-1)
    high = space.to_units(np.where(space.owns(), space.high, -np.inf).max(0), side=1)
    sizes = [_sizes(curves, both.window(low[None], high[None])) for curves in (of_two, of_one)]
    size = (np.add(*sizes) * ~same).sum(1) + (bias[0] != bias[1]) * (np.abs(bias[0]) + np.abs(bias[1]))
    return program, ROUNDED * size


def _step(
    units: tuple[Unit, Unit], n: int, below: tuple[Ints, Ints], above: tuple[Ints, Ints]
) -> DifferentialStep:
    one, two = units
    layers = one.layers[n], two.layers[n]
    shifts = [unit.shift if n == 1 else np.zeros(len(unit.nodes[n - 1])) for unit in units]

    def part(k: int, sites: Ints) -> Curves:
        """Functions of one unit's nodes, without what moving adds to them."""
        curves = layers[k].curves
        return merge([curves.functions(above[k]).sites(sites)], shifts=[shifts[k][sites]])

    both = merge([part(1, below[1]), part(0, below[0])])
    count = len(above[0])
    alike = shifts[1][below[1]] == shifts[0][below[0]]
    gaps = _less(both.functions(slice(count)), both.functions(slice(count, None)), alike)
    alone = list[tuple[Ints, Curves]]()
    for k, sign in ((1, 1.0), (0, -1.0)):
        left = np.setdiff1d(np.arange(len(shifts[k])), below[k])
        if len(left):
            rest = part(k, left)
            alone.append((units[k].nodes[n - 1][left], rest.weighted(np.array(sign))))
    return DifferentialStep(
        one.nodes[n - 1][below[0]],
        two.nodes[n - 1][below[1]],
        gaps,
        part(1, below[1]).derivative(),
        both,
        _zero(gaps),
        np.stack([layers[1].bias[above[1]], layers[0].bias[above[0]]]),
        tuple(alone),
    )


def _less(one: Curves, other: Curves, alike: Bools) -> Curves:
    """Differences of functions; at sites that are alike the errors are those of the same base function."""
    rough = None
    if one.rough is not None and other.rough is not None:
        rough = np.where(alike, one.rough - other.rough, np.abs(one.rough) + np.abs(other.rough))
    return replace(one, table=one.table - other.table, rough=rough)


def _zero(gaps: Curves) -> Bools:
    """Which functions are nothing, (n, S)."""
    return ~((gaps.table != 0).any((1, 3)) | (gaps.loose != 0))


def _through(
    step: DifferentialStep, least: Floats, most: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Differences one layer up: least and greatest, and the sizes and widths of slopes, (functions, sites) each."""
    one = low[step.first], high[step.first]
    hull = np.minimum(one[0], low[step.second]), np.maximum(one[1], high[step.second])
    window = step.gaps.window(one[0][None], one[1][None])
    gaps = spans(step.gaps, window)
    size = np.add(*(_sizes(Curves(step.sizes.breaks, t), window) for t in np.split(step.sizes.table, 2)))
    pad = ROUNDED * size * ~step.same
    slopes = spans(step.slopes, step.slopes.window(hull[0][None], hull[1][None]))
    hair = ROUNDED * (np.abs(slopes[0]) + np.abs(slopes[1]))
    slopes = slopes[0] - hair, slopes[1] + hair
    corners = np.stack([s * d for s in slopes for d in (least, most)])
    bottom, top = gaps[0] - pad + corners.min(0), gaps[1] + pad + corners.max(0)
    bias = step.bias[0] - step.bias[1]
    lost = ROUNDED * np.abs(step.bias).sum(0) * (bias != 0)
    down, up = bottom.sum(1) + bias - lost, top.sum(1) + bias + lost
    for nodes, curves in step.alone:
        window = curves.window(low[nodes][None], high[nodes][None])
        ends = spans(curves, window)
        room = ROUNDED * _sizes(curves, window)
        down, up = down + (ends[0] - room).sum(1), up + (ends[1] + room).sum(1)
    # The sums round, too.
    fuzz = ROUNDED * (np.abs(bottom) + np.abs(top)).sum(1)
    return down - fuzz, up + fuzz, np.maximum(np.abs(slopes[0]), np.abs(slopes[1])), slopes[1] - slopes[0]


def _sizes(curves: Curves, window: LocalIntervals) -> Floats:
    """Sums of the sizes of the terms of each function, at most, over a window of one interval a site, (n, S)."""
    u = np.maximum(np.abs(window.low), np.abs(window.high))[0]
    used = np.isfinite(window.outside[0])
    powers = np.stack([np.ones_like(u), u, u**2, u**3]) * used
    return np.einsum("nrsp,rsp->nsp", np.abs(curves.table), powers).max(-1)
