"""Lemmas: ranges of hidden nodes proved by the multipliers of the layers below, tighter than sums of intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgewise._core.work import spent
from edgewise.verifying.bounds.dual import make_region
from edgewise.verifying.bounds.newton import input_choices, input_sites, minimise
from edgewise.verifying.bounds.node_ranges import ranges
from edgewise.verifying.bounds.program import BoundsProgram, Family, RowSum, RowTerm, make_program
from edgewise.verifying.domain.space import Subdomains, unit_slots

# A lemma must cut a range by such a share of it (less costs more than it is worth), and so many are sought in one batch.
_LEAST_GAIN, _LEMMAS_TOGETHER = 1e-3, 16


def tighten(
    program: BoundsProgram, root: Subdomains, until: float
) -> tuple[Subdomains, list[dict[str, Any]]]:
    """The root with tighter limits of hidden nodes, layer by layer from below, and the lemmas that prove them.

    It ends where the count of work (`edgewise._core.work.spent`) has come to `until`.
    """
    part = replace(root, node_low=root.node_low.copy(), node_high=root.node_high.copy())
    lemmas: list[dict[str, Any]] = []
    for f, family in enumerate(program.families):
        for layer in range(1 if program.budget else 2, family.hidden + 1):
            for unit in range(1 if layer == 1 else len(family.moved)):
                if spent() >= until:
                    return part, lemmas
                lemmas += _layer(program, part, f, unit, layer, until)
    return part, lemmas


def _layer(
    program: BoundsProgram,
    part: Subdomains,
    f: int,
    unit: int,
    layer: int,
    until: float,
) -> list[dict[str, Any]]:
    """Lemmas about the nodes of one layer of a unit; `part` is cut in place."""
    family, place = program.families[f], {name: k for k, name in enumerate(program.names)}
    own = Family(family.model, family.layers[:layer], family.group, (family.moved[unit],), family.number)
    count = len(own.layers[-1].bias)
    sums = tuple(RowSum((RowTerm(0, 0, k, 1.0),)) for k in range(count))
    below = make_program(program.space, (own,), sums, ends=False)
    known = [place[f, unit if item > 1 else 0, item, k] for _, _, item, k in below.names]
    mine = np.array([place[f, unit, layer, k] for k in range(count)])
    inside = replace(part, node_low=part.node_low[:, known], node_high=part.node_high[:, known])
    low, high, empty = ranges(below, inside)
    whole_low, whole_high, _ = ranges(program, part)
    region = make_region(below, inside, low, high)
    layout = input_sites(below)
    free = np.ones(below.size, bool)
    free[below.nodes : below.nodes + below.rows] = False
    lemmas: list[dict[str, Any]] = []
    if empty[0]:
        return lemmas
    jobs = [(k, sign) for k in range(count) for sign in (1.0, -1.0)]
    for at in range(0, len(jobs), _LEMMAS_TOGETHER):
        if spent() >= until:
            break
        some = jobs[at : at + _LEMMAS_TOGETHER]
        v = np.zeros((len(some), below.size))
        for b, (k, sign) in enumerate(some):
            v[b, below.nodes + k] = sign
        if below.budget:
            v[:, -1] = 1e-6
        rows = np.zeros(len(some), np.int64)
        many, (least, most) = region.take(rows), unit_slots(program.space, inside)
        choices = input_choices(below, many, layout, least[rows], most[rows], v)
        middle = 0.5 * (whole_low + whole_high)[0, mine]
        target = np.array([sign * middle[k] for k, sign in some])
        found = minimise(below, many, lambda _, choices=choices: choices, v, target, free, warm=False)
        for b, (k, sign) in enumerate(some):
            node = int(mine[k])
            bound = sign * float(found.bound[b])
            now = float(whole_high[0, node] if sign > 0 else whole_low[0, node])
            width = float(whole_high[0, node] - whole_low[0, node])
            if sign * (now - bound) <= _LEAST_GAIN * width:
                continue
            if sign > 0:
                part.node_high[0, node] = min(part.node_high[0, node], bound)
            else:
                part.node_low[0, node] = max(part.node_low[0, node], bound)
            line = np.zeros(max([-1, *known]) + 1)
            line[known] = found.v[b, : below.nodes]
            lemmas.append(
                {
                    "node": node,
                    "side": "upper" if sign > 0 else "lower",
                    "bound": bound,
                    "slopes": line.tolist(),
                    "mu": float(found.v[b, -1]) if below.budget else 0.0,
                }
            )
    return lemmas
