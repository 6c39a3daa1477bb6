"""Quadratic penalties on the edges, each edge with weights of its own.

For the coefficients c of an edge over a domain of length w, in units that do not depend on w,

    roughness = w^3 * integral phi''^2,      tilt = (phi(high) - phi(low))^2.

Roughness leaves lines free, tilt leaves nothing of a line but its constant: with both weights large an edge is gone. Their
ranges complement each other, which keeps the evidence update of each weight in closed form (see `evidence`).
A fixed trace of the change of the jumps of the top derivative makes intervals that hold no rows well posed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise.network import KAN
from edgewise.splines import BSpline
from edgewise.splines.basis import Basis
from edgewise.splines.pieces import make_pieces
from edgewise.training.second_order.parameters import Slots

# Weight of the fixed part. It decides only what rows do not: between the data the (k + 1)-th derivative changes as little as
# possible. The jumps of a resolved function fall as h^(k+1) and their differences faster, so it biases nothing that is
# resolved; without it, refinement beyond the data's spacing turns the error upwards.
STABILISER = 1e-8
# A ridge on all numbers, for directions that neither rows nor penalties see (constants of edges against biases).
RIDGE = 1e-30


@dataclass(frozen=True, eq=False)
class Penalty:
    """Weighted quadratic form on the vector of parameters.

    Attributes
    ----------
    rough : tuple of Tensor, each (E, M, M)
        Roughness of the edges of each layer.
    tilt : tuple of Tensor, each (E, M)
        Functional whose square is the tilt.
    steady : tuple of Tensor, each (E, M, M)
        The fixed part.
    """

    slots: Slots
    rough: tuple[Tensor, ...]
    tilt: tuple[Tensor, ...]
    steady: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of roughness and tilt of every edge, one tensor (E,) a layer."""

    rough: tuple[Tensor, ...]
    tilt: tuple[Tensor, ...]


def make_penalty(net: KAN, slots: Slots) -> Penalty:
    """Penalty matrices of a network's numeric edges."""
    parts = [
        tuple(variable[slot.sources] for variable in _of_inputs(layer.basis))
        for layer, slot in zip(net.layers, slots.layers, strict=True)
    ]
    return Penalty(slots, *(tuple(part[k] for part in parts) for k in range(3)))


def _of_inputs(basis: Basis) -> tuple[Tensor, Tensor, Tensor]:
    """Roughness (I, M, M), tilt (I, M) and fixed part (I, M, M); they know no units, so equal intervals are all alike."""
    if isinstance(basis, BSpline) and basis.pieces is not None and basis.pieces.uniform:
        made = (torch.from_numpy(part) for part in _of_equal_intervals(basis.degree, basis.intervals))
        rough, tilt, steady = (part.expand(len(basis.grid), *part.shape) for part in made)
        return rough, tilt, steady
    width = (basis.domain[:, 1] - basis.domain[:, 0])[:, None, None]
    order = 2 if basis.size > 2 else 1
    rows = _steady(basis)
    return basis.gram(order) * width ** (2 * order - 1), _tilt(basis), rows.mT @ rows


@lru_cache(maxsize=32)
def _of_equal_intervals(degree: int, intervals: int) -> tuple[NDArray[np.float64], ...]:
    grid = torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64)[None]
    pieces = replace(make_pieces(grid, degree), uniform=False)
    return tuple(part[0].numpy() for part in _of_inputs(BSpline(grid, degree, pieces)))


def uniform_weights(penalty: Penalty, rough: float, tilt: float) -> Weights:
    """The same weights for every edge."""
    counts = [slot.n_edges for slot in penalty.slots.layers]
    return Weights(
        tuple(torch.full((n,), rough, dtype=torch.float64) for n in counts),
        tuple(torch.full((n,), tilt, dtype=torch.float64) for n in counts),
    )


def matrix(penalty: Penalty, weights: Weights) -> Tensor:
    """The penalty as one matrix S (P, P): theta^T S theta / 2 is added to the mean loss."""
    total = spread(penalty.slots, edge_blocks(penalty, weights))
    total.diagonal().add_(RIDGE)
    return total


def edge_blocks(penalty: Penalty, weights: Weights) -> tuple[Tensor, ...]:
    """The penalty of every edge on its own coefficients, (E, M, M) a layer; the rest of the matrix is the ridge."""
    blocks = list[Tensor]()
    for k, tilt in enumerate(penalty.tilt):
        rough = weights.rough[k][:, None, None] * penalty.rough[k] + STABILISER * penalty.steady[k]
        blocks.append(rough + weights.tilt[k][:, None, None] * tilt[:, :, None] * tilt[:, None, :])
    return tuple(blocks)


def spread(slots: Slots, blocks: tuple[Tensor, ...]) -> Tensor:
    """Blocks (E, M, M) of the edges of each layer at their places in one matrix (P, P)."""
    total = torch.zeros(slots.total, slots.total, dtype=torch.float64)
    for slot, block in zip(slots.layers, blocks, strict=True):
        index = torch.arange(slot.coef.start, slot.coef.stop).reshape(slot.n_edges, slot.size)
        total[index[:, :, None], index[:, None, :]] = block
    return total


def _tilt(basis: Basis) -> Tensor:
    """Rows (I, M) that give phi(high) - phi(low) of each input's functions."""
    ends = basis.values(basis.domain.T)
    return ends[1] - ends[0]


def _steady(basis: Basis) -> Tensor:
    """Rows (I, R, M): differences of the jumps of the top derivative, each row of unit size."""
    if not isinstance(basis, BSpline) or basis.intervals < 2:
        return basis.grid.new_zeros(len(basis.grid), 1, basis.size)
    jumps = basis.jumps()
    jumps = jumps / jumps.norm(dim=-1, keepdim=True)
    rows = jumps.diff(dim=1, n=min(1, jumps.shape[1] - 1))
    return rows / rows.norm(dim=-1, keepdim=True).clamp(min=1e-300)
