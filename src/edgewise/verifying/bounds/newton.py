"""Multipliers by Newton's method on a smoothed dual function.

Each maximum of a program is replaced by that over a few *candidates* (points of its interval, cells of its group),
and that by `t log sum exp(. / t)`; as the temperature t falls, minimisers approach those of the dual function itself.
Gradients are means and Hessians covariances of the candidates, which also show how the relaxation mixes them: where to
branch. Whatever multipliers come out, `dual.dual` bounds with them exactly: nothing here has to be right for a proof
to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.verifying.bounds.dual import MARGIN, DualPoint, DualRegion, dual
from edgewise.verifying.bounds.program import BoundsProgram
from edgewise.verifying.domain.space import CellSpace, unit_slots, whole

# Units of work of laying candidates out, and for each of their numbers.
LAYOUT, CANDIDATE = 2.5e-4, 4e-9
# Where along an interval the relaxation looks, besides breaks.
_SHARES = (0.0, 0.2, 0.5, 0.8, 1.0)
# Candidates that are breaks, or between them, of an input; of a cell of several intervals; breaks of a hidden node.
_MOST_BREAKS, _MOST_JOINT, _MOST_NODE_BREAKS = 22, 48, 40


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


def input_sites(program: BoundsProgram) -> InputSites:
    """Lay out the candidates: a site for each group, or for each slot where a group has one cell."""
    space, rng = program.space, np.random.default_rng(0)
    by_cell: list[list[int]] = [[] for _ in range(space.cells)]
    for s, cell in enumerate(space.slot_cell):
        by_cell[int(cell)].append(s)
    ends = _whole(space)
    along = [
        [
            *((share, np.nan) for share in _SHARES),
            *((0.0, float(x)) for x in _between(breaks, low, high, _MOST_BREAKS)),
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
                for _ in range(_MOST_JOINT):
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
            for n, (item, part, at) in enumerate(used):
                slot[s, c, n], share[s, c, n], position[s, c, n] = item, part, at
    used = [np.unique(item[item < len(space.slot_cell)]) for item in slot]
    uses = np.full((len(sites), max(1, *(len(item) for item in used))), len(space.slot_cell))
    for s, item in enumerate(used):
        uses[s, : len(item)] = item
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
    charge(LAYOUT + CANDIDATE * len(v) * layout.table.size)
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
    made = list[Choices]()
    for block in program.blocks:
        low, high = region.low[:, block.own, None], region.high[:, block.own, None]
        breaks = block.curves.corners
        every = breaks[
            :,
            np.unique(
                np.linspace(0, breaks.shape[1] - 1, min(breaks.shape[1], _MOST_NODE_BREAKS))
                .round()
                .astype(int)
            ),
        ]
        if 2 * every.shape[1] <= _MOST_BREAKS:
            every = np.concatenate([every, 0.5 * (every[:, 1:] + every[:, :-1])], 1)
        h = np.concatenate([low + (high - low) * np.array(_SHARES), np.clip(every, low, high)], -1)
        values = block.curves.values(h.transpose(0, 2, 1)).transpose(0, 2, 1, 3)
        if region.factors is not None:
            two = region.factors[:, :, block.own, None, None]
            values, h = np.concatenate([values * two[:, 0], values * two[:, 1]], 2), np.concatenate([h, h], 2)
        charge(LAYOUT / 2 + 2 * CANDIDATE * values.size)
        made.append(Choices(values, block.columns, h, block.own, np.zeros((1, *h.shape[1:]))))
    return made


# Units of work of a step, for each number of the candidates, of the Hessians, and of what solving multiplies.
STEP, NUMBER, ENTRY, PRODUCT = 4e-4, 4e-9, 6e-8, 4e-10
# Temperatures to begin with, as shares of what a maximum may gain, and steps: anew, and from a parent's multipliers. The
# least temperature is a share of the first.
_COLD, _WARM, _LOWEST = 0.5, 0.05, 2e-4
_COLD_STEPS, _WARM_STEPS = 18, 8
# What is a long, a middling and a short step, as shares of Newton's, and the factors of the temperature after each: after a
# short one the multipliers cannot move.
_LONG_STEP, _MIDDLING_STEP, _SHORT_STEP = 0.5, 0.2, 0.002
_COOL, _COOL_SLOWLY, _HEAT = 0.25, 0.7, 10.0
# How far a multiplier may go in one step, in units of the gap over the range of its node; how far above the rest a candidate
# may rise, in logarithms; how much of the way to zero a number may go that must stay above it.
_FARTHEST, _RISE, _STAY_ABOVE = 1e3, 3.0, 0.9


@dataclass(frozen=True, eq=False)
class Minimum:
    """What `minimise` found, for B parts.

    Attributes
    ----------
    v : array of shape (B, multipliers)
    bound : array of shape (B,)
        The dual function there, rounded outward.
    point : DualPoint
        What attains it.
    nodes, heights : arrays of shape (B, nodes)
        Means over the mixture of hidden nodes and of what leaves them.
    chances : array of shape (B, input sites, candidates)
        The mixture of the inputs' candidates.
    choices : Choices of the inputs
    tried : list of arrays of shape (B, inputs)
        Rows that the maxima suggest.
    """

    v: Floats
    bound: Floats
    point: DualPoint
    nodes: Floats
    heights: Floats
    chances: Floats
    choices: Choices
    tried: list[Floats]


# Where no row is left multipliers may run away to infinity: whatever comes of that is no bound, and not kept.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def minimise(
    program: BoundsProgram,
    region: DualRegion,
    choose: Callable[[Floats], Choices],
    start: Floats,
    target: Floats,
    free: Bools,
    *,
    warm: bool,
) -> Minimum:
    """Lower the dual function, until it is at most the target or no longer falls.

    Parameters
    ----------
    choose : callable
        Candidates of the inputs near multipliers, (B, multipliers).
    start : array of shape (B, multipliers)
    target : array of shape (B,)
    free : array of bool, shape (multipliers,)
        Which multipliers may move.
    warm : bool
        Whether the start is near the minimum.

    References
    ----------
    Y. Nesterov, "Smooth minimization of non-smooth functions", Mathematical Programming 103 (2005),
    doi:10.1007/s10107-004-0552-5.
    """
    nodal, inputs = node_choices(program, region), choose(start)
    blocks, stale = [*nodal, inputs], False
    batch, moving = len(start), np.nonzero(free)[0]
    point = dual(program, region, start)
    best, v_best, v = point, start.copy(), start.copy()
    tried = [point.inputs]
    sites = sum(block.out.shape[1] for block in blocks)
    done = point.value + MARGIN * point.size <= target
    # No term can gain more than the whole gap, so a share of that is a temperature to begin with.
    reach = np.maximum(point.value - target, 1e-6 * point.size + 1e-12)
    heat = reach * (_WARM if warm else _COLD) / np.sqrt(sites)
    lowest, highest = heat * _LOWEST, np.maximum(heat, point.size / np.sqrt(sites))
    natural = np.full_like(v, 1e-9)
    natural[:, : program.nodes] = np.maximum(region.high - region.low, 1e-9 * (1 + np.abs(region.high)))
    rounds = (_WARM_STEPS if warm else _COLD_STEPS) if len(moving) else 0
    chances, nodes, heights = (
        np.zeros(inputs.out.shape),
        np.zeros((batch, program.nodes)),
        np.zeros((batch, program.nodes)),
    )
    for n in range(rounds):
        if done.all():
            break
        if stale:
            inputs, stale = choose(v), False
            blocks = [*nodal, inputs]
        charge(_cost(blocks, batch, v.shape[1]))
        gradient, hessian, chances, shares = _smooth(program, blocks, v, heat, nodes, heights)
        step = _newton(program, v, gradient, hessian, heat, moving)
        # Where no row is left the multipliers run away; they need not go all the way.
        most = _FARTHEST * reach[:, None] / np.maximum(natural, 1e-300)
        step = np.clip(np.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0), -most, most)
        length = _damped(blocks, shares, step, heat, program, v, moving)
        v = v + length[:, None] * step
        _fix(program, v, free)
        # Cooled no faster than the multipliers follow, and heated where they cannot move: far from the minimum (as in
        # a part without rows) the gap that is left shows little of the distance to go.
        change = np.where(
            length > _LONG_STEP,
            _COOL,
            np.where(
                length > _MIDDLING_STEP,
                _COOL_SLOWLY,
                np.where(length < _SHORT_STEP, _HEAT, 1.0),
            ),
        )
        heat = np.clip(heat * change, lowest, highest)
        if (n >= 3 and n % 2) or n == rounds - 1:
            point = dual(program, region, v)
            better = point.value < best.value
            if better.any():
                v_best[better] = v[better]
                best = _choose(better, point, best)
            tried.append(point.inputs)
            done = best.value + MARGIN * best.size <= target
            stale = inputs.kept is not None
    if rounds == 0 or not chances.any():
        _, _, chances, _ = _smooth(program, blocks, v_best, heat, nodes, heights)
    return Minimum(v_best, best.value + MARGIN * best.size, best, nodes, heights, chances, inputs, tried)


def _cost(blocks: list[Choices], batch: int, size: int) -> float:
    """Units of work of a step."""
    numbers = sum(block.vectors.size for block in blocks)
    products = sum(block.vectors.size * block.vectors.shape[-1] for block in blocks) + batch * size**3
    return STEP + NUMBER * numbers + ENTRY * batch * size**2 + PRODUCT * products


def _choose(better: Bools, new: DualPoint, old: DualPoint) -> DualPoint:
    one, many = better, better[:, None]
    return DualPoint(
        np.where(one, new.value, old.value),
        np.where(many, new.gradient, old.gradient),
        np.where(one, new.size, old.size),
        np.where(many, new.nodes, old.nodes),
        np.where(many, new.heights, old.heights),
        np.where(many, new.cells, old.cells),
        np.where(many, new.inputs, old.inputs),
    )


def _smooth(
    program: BoundsProgram, blocks: list[Choices], v: Floats, heat: Floats, nodes: Floats, heights: Floats
) -> tuple[Floats, Floats, Floats, list[Floats]]:
    """Gradient and Hessian (times the temperature); the mixture of the inputs' candidates, and of all in logarithms."""
    batch, size = v.shape
    gradient = np.repeat(program.constant[None], batch, 0)
    hessian = np.zeros((batch, size, size))
    p, shares = np.zeros(0), list[Floats]()
    for block in blocks:
        b, sites, count, n = block.vectors.shape
        x = block.vectors.reshape(b, sites * count, n)
        worth = (x @ v[:, block.columns, None])[..., 0].reshape(b, sites, count)
        rest = worth
        if block.heights is not None:
            worth = worth - block.heights * v[:, block.own, None]
        logits = worth / heat[:, None, None] + block.out
        top = logits.max(-1, keepdims=True)
        # A site without candidates (of a part without rows) has some that weigh the same.
        logits = np.where(np.isneginf(top), 0.0, logits) - np.where(np.isneginf(top), 0.0, top)
        p = np.exp(logits)
        total = p.sum(-1, keepdims=True)
        p /= total
        shares.append(logits - np.log(total))
        weighted = x * p.reshape(b, -1, 1)
        mean = weighted.reshape(b, sites, count, n).sum(2)
        where = block.columns
        gradient[:, where] += mean.sum(1)
        hessian[:, where[:, None], where] += weighted.transpose(0, 2, 1) @ x - mean.transpose(0, 2, 1) @ mean
        if block.heights is not None and block.own is not None:
            own, h = block.own, block.heights
            ph = p * h
            mean_h = ph.sum(-1)
            nodes[:, own], heights[:, own] = mean_h, (p * rest).sum(-1)
            gradient[:, own] -= mean_h
            hessian[:, own, own] += (ph * h).sum(-1) - mean_h**2
            cross = (ph[..., None] * block.vectors).sum(2) - mean_h[..., None] * mean  # (B, S, n)
            hessian[:, own[:, None], where] -= cross
            hessian[:, where[:, None], own] -= cross.transpose(0, 2, 1)
    return gradient, hessian, p, shares


def _newton(
    program: BoundsProgram, v: Floats, gradient: Floats, hessian: Floats, heat: Floats, moving: Ints
) -> Floats:
    """Newton's step of the free multipliers; shares lambda keep their sum, and barriers keep lambda and mu positive."""
    h = hessian[:, moving[:, None], moving]
    g = gradient[:, moving] * heat[:, None]
    count = len(moving)
    diagonal = np.arange(count)
    at = program.nodes
    positive = moving >= at
    if positive.any():
        size = np.maximum(v[:, moving[positive]], 1e-12)
        g[:, positive] -= heat[:, None] ** 2 / size
        h[:, diagonal[positive], diagonal[positive]] += heat[:, None] ** 2 / size**2
    lam = np.nonzero((moving >= at) & (moving < at + program.rows))[0]
    scale = np.sqrt(np.maximum(h[:, diagonal, diagonal], 1e-300))
    most = scale.max(1, keepdims=True)
    scale = np.maximum(scale, 1e-9 * most + 1e-150)
    h = h / (scale[:, :, None] * scale[:, None, :])
    h[:, diagonal, diagonal] += 1e-7
    g = g / scale
    if len(lam) > 1:
        # One more unknown holds the sum of the shares.
        full = np.zeros((len(v), count + 1, count + 1))
        full[:, :count, :count] = h
        full[:, count, lam] = full[:, lam, count] = 1 / scale[:, lam]
        step = _solved(full, np.concatenate([-g, np.zeros((len(v), 1))], 1))[:, :count]
    else:
        step = _solved(h, -g)
    out = np.zeros_like(v)
    out[:, moving] = step / scale
    return out


def _solved(matrix: Floats, right: Floats) -> Floats:
    """Solutions of the systems; 0 for those that have none."""
    bad = ~(np.isfinite(matrix).all((1, 2)) & np.isfinite(right).all(1))
    if bad.any():
        matrix, right = matrix.copy(), right.copy()
        matrix[bad], right[bad] = np.eye(matrix.shape[1]), 0.0
    try:
        return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0], np.float64)
    except np.linalg.LinAlgError:
        return np.asarray((np.linalg.pinv(matrix, rcond=1e-9) @ right[..., None])[..., 0], dtype=np.float64)


def _damped(
    blocks: list[Choices],
    logits: list[Floats],
    step: Floats,
    heat: Floats,
    program: BoundsProgram,
    v: Floats,
    moving: Ints,
) -> Floats:
    """A length of the step at which no candidate rises far above those that matter now."""
    length = np.ones(len(step))
    for block, now in zip(blocks, logits, strict=True):
        b, sites, count, n = block.vectors.shape
        change = (block.vectors.reshape(b, -1, n) @ step[:, block.columns, None])[..., 0].reshape(
            b, sites, count
        )
        if block.heights is not None:
            change = change - block.heights * step[:, block.own, None]
        change = change / heat[:, None, None]
        rise = change - (change * np.exp(now)).sum(-1, keepdims=True)
        rising = rise > 1e-12
        room = np.where(rising, _RISE - now, np.inf) / np.where(rising, rise, 1.0)
        length = np.minimum(length, room.min((1, 2)))
    low = moving[moving >= program.nodes]
    if len(low):
        down = np.where(step[:, low] < 0, -v[:, low] / np.minimum(step[:, low], -1e-300), np.inf)
        length = np.minimum(length, _STAY_ABOVE * down.min(1))
    return length


def _fix(program: BoundsProgram, v: Floats, free: Bools) -> None:
    """Shares that are not negative and sum to one, whatever rounding did."""
    at, rows = program.nodes, program.rows
    if rows > 1 and free[at]:
        lam = np.maximum(v[:, at : at + rows], 0.0)
        total = lam.sum(1, keepdims=True)
        v[:, at : at + rows] = np.where(total > 0, lam / np.where(total > 0, total, 1), 1 / rows)
