"""Breaks where a local edit of one edge function needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from edgewise.explaining.shape_edits import wanted_breaks
from edgewise.network.state import LayerState
from edgewise.splines import BSpline


def refined_between(state: LayerState, source: int, low: float, high: float) -> LayerState:
    """The layer with the breaks a local edit needs; the grids of the other inputs get as many, where they are coarsest."""
    grid = state.grid.to("cpu", torch.float64)
    fresh = wanted_breaks(grid[source], low, high)
    if not fresh:
        return state
    finer = torch.stack(
        [_with_breaks(row, fresh if i == source else _halves(row, len(fresh))) for i, row in enumerate(grid)]
    )
    turn = BSpline(grid, state.spec.degree).refine(finer)
    coef = (turn @ state.coef.to("cpu", torch.float64)).to(state.coef)
    return replace(
        state, spec=replace(state.spec, intervals=finer.shape[1] - 1), grid=finer.to(state.grid), coef=coef
    )


def _with_breaks(row: Tensor, fresh: Sequence[float]) -> Tensor:
    return torch.cat([row, torch.tensor(list(fresh), dtype=row.dtype)]).sort().values


def _halves(row: Tensor, count: int) -> list[float]:
    """Middles of the widest intervals, one after the other."""
    breaks, found = row.tolist(), list[float]()
    for _ in range(count):
        widest = max(range(len(breaks) - 1), key=lambda k: breaks[k + 1] - breaks[k])
        middle = (breaks[widest] + breaks[widest + 1]) / 2
        breaks.insert(widest + 1, middle)
        found.append(middle)
    return found
