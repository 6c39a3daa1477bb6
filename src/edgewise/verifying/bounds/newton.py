"""Multipliers by Newton's method on a smoothed dual function.

Each maximum of a program is replaced by that over a few *candidates* (points of its interval, cells of its group),
and that by `t log sum exp(. / t)`; as the temperature t falls, minimisers approach those of the dual function itself.
Gradients are means and Hessians covariances of the candidates, which also show how the relaxation mixes them: where to
branch. Whatever multipliers come out, `dual.dual` bounds with them exactly: nothing here has to be right for a proof
to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.verifying.bounds.candidates import Choices, node_choices
from edgewise.verifying.bounds.dual import MARGIN, DualPoint, DualRegion, dual
from edgewise.verifying.bounds.program import BoundsProgram

# Units of work of a step, for each number of the candidates, of the Hessians, and of what solving multiplies.
STEP, NUMBER, ENTRY, PRODUCT = 4e-4, 4e-9, 6e-8, 4e-10


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
    config = program.config
    nodal, inputs = node_choices(program, region), choose(start)
    blocks, stale = [*nodal, inputs], False
    batch, moving = len(start), np.nonzero(free)[0]
    point = dual(program, region, start)
    best, v_best, v = point, start.copy(), start.copy()
    tried = [point.inputs]
    sites = sum(each.out.shape[1] for each in blocks)
    done = point.value + MARGIN * point.size <= target
    # No term can gain more than the whole gap, so a share of that is a temperature to begin with.
    reach = np.maximum(point.value - target, 1e-6 * point.size + 1e-12)
    heat = reach * (config.warm if warm else config.cold) / np.sqrt(sites)
    lowest, highest = heat * config.lowest, np.maximum(heat, point.size / np.sqrt(sites))
    natural = np.full_like(v, 1e-9)
    natural[:, : program.nodes] = np.maximum(region.high - region.low, 1e-9 * (1 + np.abs(region.high)))
    rounds = (config.warm_steps if warm else config.cold_steps) if len(moving) else 0
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
        most = config.farthest * reach[:, None] / np.maximum(natural, 1e-300)
        step = np.clip(np.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0), -most, most)
        length = _damped(blocks, shares, step, heat, program, v, moving)
        v = v + length[:, None] * step
        _fix(program, v, free)
        # Cooled no faster than the multipliers follow, and heated where they cannot move: far from the minimum (as in
        # a part without rows) the gap that is left shows little of the distance to go.
        change = np.where(
            length > config.long_step,
            config.cool,
            np.where(
                length > config.middling_step,
                config.cool_slowly,
                np.where(length < config.short_step, config.heat, 1.0),
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
    numbers = sum(each.vectors.size for each in blocks)
    products = sum(each.vectors.size * each.vectors.shape[-1] for each in blocks) + batch * size**3
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
    for each in blocks:
        b, sites, count, n = each.vectors.shape
        x = each.vectors.reshape(b, sites * count, n)
        worth = (x @ v[:, each.columns, None])[..., 0].reshape(b, sites, count)
        rest = worth
        if each.heights is not None:
            worth = worth - each.heights * v[:, each.own, None]
        logits = worth / heat[:, None, None] + each.out
        top = logits.max(-1, keepdims=True)
        # A site without candidates (of a part without rows) has some that weigh the same.
        logits = np.where(np.isneginf(top), 0.0, logits) - np.where(np.isneginf(top), 0.0, top)
        p = np.exp(logits)
        total = p.sum(-1, keepdims=True)
        p /= total
        shares.append(logits - np.log(total))
        weighted = x * p.reshape(b, -1, 1)
        mean = weighted.reshape(b, sites, count, n).sum(2)
        where = each.columns
        gradient[:, where] += mean.sum(1)
        hessian[:, where[:, None], where] += weighted.transpose(0, 2, 1) @ x - mean.transpose(0, 2, 1) @ mean
        if each.heights is not None and each.own is not None:
            own, h = each.own, each.heights
            ph = p * h
            mean_h = ph.sum(-1)
            nodes[:, own], heights[:, own] = mean_h, (p * rest).sum(-1)
            gradient[:, own] -= mean_h
            hessian[:, own, own] += (ph * h).sum(-1) - mean_h**2
            cross = (ph[..., None] * each.vectors).sum(2) - mean_h[..., None] * mean  # (B, S, n)
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
    for each, now in zip(blocks, logits, strict=True):
        b, sites, count, n = each.vectors.shape
        change = (each.vectors.reshape(b, -1, n) @ step[:, each.columns, None])[..., 0].reshape(
            b, sites, count
        )
        if each.heights is not None:
            change = change - each.heights * step[:, each.own, None]
        change = change / heat[:, None, None]
        rise = change - (change * np.exp(now)).sum(-1, keepdims=True)
        rising = rise > 1e-12
        room = np.where(rising, program.config.rise - now, np.inf) / np.where(rising, rise, 1.0)
        length = np.minimum(length, room.min((1, 2)))
    low = moving[moving >= program.nodes]
    if len(low):
        down = np.where(step[:, low] < 0, -v[:, low] / np.minimum(step[:, low], -1e-300), np.inf)
        length = np.minimum(length, program.config.stay_above * down.min(1))
    return length


def _fix(program: BoundsProgram, v: Floats, free: Bools) -> None:
    """Shares that are not negative and sum to one, whatever rounding did."""
    at, rows = program.nodes, program.rows
    if rows > 1 and free[at]:
        lam = np.maximum(v[:, at : at + rows], 0.0)
        total = lam.sum(1, keepdims=True)
        v[:, at : at + rows] = np.where(total > 0, lam / np.where(total > 0, total, 1), 1 / rows)
