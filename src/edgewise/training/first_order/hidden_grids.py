"""Grids of hidden layers that follow their nodes while a network is trained by first-order steps.

Hidden nodes move as the layers before them learn: some leave their grid, where an edge is a line, others shrink to a few of
its intervals. At a few moments, close together while the learning rate is high and further apart as it falls, every hidden
grid that no longer fits is laid over the values of some rows, and its edges are fitted to what they were. On the intervals
that old and new grid share this changes an edge by the error of a spline on one interval; a moved grid is worth that early,
and no longer is late.

A fit on a grid is linear in the coefficients, so one small matrix for each node takes the old ones of all its edges to the
new ones: what it costs does not grow with the number of rows, and with that of edges only by one product.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise._core.checks import plural
from edgewise._core.seeds import derive, generator
from edgewise.layers import KANLinear, multiply
from edgewise.network import KAN
from edgewise.network.grids import samples
from edgewise.splines import data_range, fit_coefficients
from edgewise.splines.make import default_grid, make_basis
from edgewise.training.common.rows import TrainingRows

# Shares of the schedule between which the moments lie.
FIRST, LAST = 0.05, 0.5
# Rows that are looked at, and the share of them that may lie beyond either end: one far row does not stretch a grid.
LOOKED_AT, TAIL = 1024, 0.002
# Room beyond the values seen, as a share of their range. A grid is left alone while it covers them and fills so much of it.
MARGIN, WELL_FILLED = 0.05, 0.8
# Nodes whose edges are fitted at once, which bounds the memory.
NODES_AT_ONCE = 64


def moments(epochs: int, count: int) -> frozenset[int]:
    """Epochs before which grids are updated: `count` shares of the schedule in geometric progression."""
    ratio = (LAST / FIRST) ** (1 / max(count - 1, 1))
    return frozenset(max(1, round(epochs * FIRST * ratio**k)) for k in range(count)) - {epochs}


def follow(net: KAN, rows: TrainingRows, seed: int) -> str:
    """Lay the hidden grids of a network anew where they no longer fit, in place; returns how many.

    Parameters
    ----------
    net : KAN
        Its grids and coefficients are changed.
    rows : TrainingRows
        In network units.
    seed : int
        Of the rows that are looked at; they are the same at every call.
    """
    random = generator(derive(seed, 7103))
    index = torch.randperm(len(rows), generator=random)[:LOOKED_AT].to(rows.X.device)
    nodes, moved = rows.X[index], 0
    with torch.no_grad():
        for at, (spec, layer) in enumerate(zip(net.spec.layers, net.layers, strict=True)):
            if at > 0:
                moved += _follow(layer, nodes)
            if at + 1 < len(net.layers):
                nodes = multiply(layer(nodes), spec.nodes.sums, spec.nodes.products)
    return f"The grids of {plural(moved, 'hidden node')} were laid anew." if moved else ""


def _follow(layer: KANLinear, nodes: Tensor) -> int:
    """Lay the grids of the nodes in front of a layer anew where they do not fit; how many."""
    if not bool(nodes.isfinite().all()):
        return 0  # the run is about to be taken back
    skipped = int(TAIL * len(nodes))
    ordered = nodes.to(torch.float64).sort(0).values[skipped : len(nodes) - skipped]
    low, high = data_range(ordered[[0, -1]])
    start, end = layer.domain.to(torch.float64).unbind(1)
    fits = (start <= low) & (high <= end) & (high - low >= WELL_FILLED * (end - start))
    stale = (~fits).nonzero()[:, 0]
    if len(stale) == 0:
        return 0
    room = MARGIN * (high - low)
    grid, coef = layer.grid.clone(), layer.coef.detach().clone()
    for some in stale.split(NODES_AT_ONCE):
        grid[some], coef[some] = _laid(layer, some, (low - room)[some], (high + room)[some])
    # Loading makes the layer's tables anew.
    layer.load_state_dict({"grid": grid, "coef": coef}, strict=False)
    return len(stale)


def _laid(layer: KANLinear, some: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Grids of some nodes between these ends, and the coefficients of their edges fitted to what they are."""
    old, exact = layer.grid[some], torch.float64
    grid = default_grid(layer.basis_name, low, high, layer.intervals, layer.degree).to(old)
    was, will = (
        make_basis(layer.basis_name, item.to(exact), degree=layer.degree, size=layer.size)
        for item in (old, grid)
    )
    points = samples(will, layer.size)
    # The fit of every function of the old basis by the new one, shape (nodes, M, M).
    matrix = fit_coefficients(will, points, was.values(points)).to(layer.coef.device)
    return grid, torch.einsum("inm,imo->ino", matrix, layer.coef[some].to(exact)).to(layer.coef)
