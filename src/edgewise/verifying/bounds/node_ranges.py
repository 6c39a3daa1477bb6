"""Between which ends the sums of a network's nodes stay over parts of a domain."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise.verifying.bounds.curves import spans
from edgewise.verifying.bounds.cuts import Sums
from edgewise.verifying.bounds.program import BoundsProgram
from edgewise.verifying.domain.space import CellSpace, Subdomains, living, stack, unit_slots

# Ranges are widened by this share of their size, so that those computed exactly lie inside.
WIDER = 1e-12


def first_sums(program: BoundsProgram, part: Subdomains) -> Sums:
    """Interval sums of the first hidden layers over the groups, (B, nodes) each (0 at other nodes); parts without a row."""
    batch, space = len(part.cells), program.space
    alive = living(space, part)
    empty = ~np.asarray(_group_any(space, alive).all(1), dtype=bool)
    low, high = np.zeros((batch, program.nodes)), np.zeros((batch, program.nodes))
    first = [layer for layer in program.layers if layer.columns is not None]
    if first:
        where = np.concatenate([layer.nodes for layer in first])
        sums = _sums(program, part, alive, np.searchsorted(program.inputs.columns, where))
        bias = np.concatenate([layer.bias for layer in first])
        low[:, where], high[:, where] = sums[0] + bias, sums[1] + bias
    return low, high, empty


def ranges(program: BoundsProgram, part: Subdomains, sums: Sums | None = None) -> Sums:
    """Ranges of the hidden nodes in each part, (B, nodes) each, and which parts hold no row.

    Interval sums over the groups for first layers, and over the nodes below for higher ones; limits of the part cut
    them.
    """
    known = first_sums(program, part) if sums is None else sums
    low, high, empty = known[0].copy(), known[1].copy(), known[2].copy()
    for layer in program.layers:
        if layer.columns is None:
            assert layer.curves is not None
            assert layer.below is not None
            shift = np.zeros(len(layer.below)) if layer.shift is None else layer.shift
            for b in range(len(low)):
                window = layer.curves.window(
                    (low[b, layer.below] + shift)[None], (high[b, layer.below] + shift)[None]
                )
                least, most = spans(layer.curves, window)
                low[b, layer.nodes] = least.sum(1) + layer.bias
                high[b, layer.nodes] = most.sum(1) + layer.bias
        _cut(low, high, part, layer.nodes, empty)
    return low, high, empty


def _cut(low: Floats, high: Floats, part: Subdomains, where: Ints, empty: Bools) -> None:
    size = np.abs(low[:, where]) + np.abs(high[:, where])
    low[:, where] = np.maximum(low[:, where] - WIDER * size, part.node_low[:, where])
    high[:, where] = np.minimum(high[:, where] + WIDER * size, part.node_high[:, where])
    gap = low[:, where] - high[:, where]
    empty |= (gap > 1e-9 * (1 + size)).any(1)
    # Ranges that miss each other by no more than rounding hold the points between.
    least, most = np.minimum(low[:, where], high[:, where]), np.maximum(low[:, where], high[:, where])
    low[:, where], high[:, where] = least, most


def _sums(program: BoundsProgram, part: Subdomains, alive: Bools, column: Ints) -> tuple[Floats, Floats]:
    """Least and greatest sums of edge functions over the groups, (B, columns) each."""
    space, block = program.space, program.inputs
    curves = block.slots.functions(column)
    low, high = unit_slots(space, part)
    batch, count = len(low), len(column)
    ends = np.zeros((2, batch, space.cells + 1, count))
    for side, sign in ((0, -1.0), (1, 1.0)):
        ends[side, :, :-1] = (block.points + sign * block.loose)[:-1, column]
    # Parts share most of their intervals: each is looked at once, as a site of its own.
    slot, least, most, which = _distinct(low, high)
    known = curves.sites(slot)
    for side, values in enumerate(spans(known, known.window(least[None], most[None]))):
        for s, cell in enumerate(space.slot_cell):
            ends[side, :, cell] += values.T[which[:, s]]
    ends[0, :, -1], ends[1, :, -1] = np.inf, -np.inf
    for side, never in ((0, np.inf), (1, -np.inf)):
        ends[side, :, :-1][~alive] = never
    least = ends[0][:, space.table].min(2).sum(1)
    most = ends[1][:, space.table].max(2).sum(1)
    gone = ~np.isfinite(least).all(1) | ~np.isfinite(most).all(1)
    least[gone], most[gone] = 0.0, 0.0
    return least, most


def _distinct(low: Floats, high: Floats) -> tuple[Ints, Floats, Floats, Ints]:
    """The intervals of all slots, each once (slot, low, high), and which of them each part has, (B, slots)."""
    known: dict[tuple[int, float, float], int] = {}
    which = [
        [known.setdefault((s, *ends), len(known)) for s, ends in enumerate(zip(*part, strict=True))]
        for part in zip(low.tolist(), high.tolist(), strict=True)
    ]
    slot, least, most = np.array(list(known)).reshape(-1, 3).T
    return slot.astype(np.int64), least, most, np.array(which, np.int64).reshape(low.shape)


def _group_any(space: CellSpace, alive: Bools) -> Bools:
    padded = np.concatenate([alive, np.zeros((len(alive), 1), bool)], 1)
    return np.asarray(padded[:, space.table].any(2), dtype=bool)


def known_sums(program: BoundsProgram, parts: list[Subdomains], sums: list[Sums | None]) -> list[Sums]:
    """Sums of the first layers over each part, those that are not known found together."""
    open_parts = [part for part, total in zip(parts, sums, strict=True) if total is None]
    found = first_sums(program, stack(open_parts)) if open_parts else ()
    fresh = iter([tuple(total[b : b + 1] for total in found) for b in range(len(open_parts))])
    return [next(fresh) if total is None else total for total in sums]  # pyright: ignore[reportReturnType]
