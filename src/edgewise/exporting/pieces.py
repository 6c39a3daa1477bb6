"""The pieces of an edge: polynomials between breaks, or the functions of another basis, with the straight tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.exporting.program import EdgeBlock, ProgramLayer
from edgewise.splines.bspline import BSpline
from edgewise.splines.make import make_basis
from edgewise.splines.pieces import make_pieces


@dataclass(frozen=True, eq=False)
class Piece:
    """sum_r coefficients[r] * (x - origin)^r for x from low to high (infinite ends for the tails)."""

    low: float
    high: float
    origin: float
    coefficients: Floats


def spline_pieces(layer: ProgramLayer, block: EdgeBlock) -> list[list[tuple[Piece, ...]]]:
    """Pieces of every edge of a block of B-splines, by source and target, from the left tail to the right one."""
    k = layer.degree
    breaks = torch.from_numpy(block.grid[:, k : block.grid.shape[1] - k].copy())
    pieces = make_pieces(breaks, k)
    table, origin, width = (each.numpy() for each in (pieces.table, pieces.origin, pieces.width))
    n_pieces = table.shape[1]
    first = np.clip(np.arange(n_pieces), 1, n_pieces - 2) - 1
    ends = np.pad(breaks.numpy(), ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
    found: list[list[tuple[Piece, ...]]] = []
    for s in range(len(block.sources)):
        live = block.coef[s][first[:, None] + np.arange(k + 1)]  # (pieces, k + 1, T)
        local = np.einsum("pmt,pmr->tpr", live, table[s]) / width[s][:, None] ** np.arange(k + 1)
        found.append(
            [
                tuple(
                    Piece(float(ends[s, p]), float(ends[s, p + 1]), float(origin[s, p]), one[p])
                    for p in range(n_pieces)
                )
                for one in local
            ]
        )
    return found


def end_values(layer: ProgramLayer, block: EdgeBlock) -> Floats:
    """Values of every edge at both ends of the domain, (S, 2, T), for any basis."""
    if layer.basis == "bspline":
        k = layer.degree
        basis = BSpline(torch.from_numpy(block.grid[:, k : block.grid.shape[1] - k].copy()), k)
    else:
        basis = make_basis(layer.basis, torch.from_numpy(block.grid), size=layer.size)
    values = basis.values(torch.from_numpy(block.domain.T.copy())).numpy()
    return np.einsum("esm,smt->set", values, block.coef[:, : layer.size])
