"""Least squares for what is straight in a new block, and what a trained block gives to begin with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain

import torch
from torch import Tensor, nn

from edgewise._core.work import charge
from edgewise.network.feed_forward import StraightEdges
from edgewise.replacing.tracing import Block, parts

# Rows that are worked on at once.
ROWS = 4096
# Ridges that are tried, as shares of the mean of the diagonal.
RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
PRODUCT = 1e-10


def weighted_least_squares(
    features: Callable[[slice], Tensor], target: Tensor, now: Tensor, alive: Tensor
) -> Tensor:
    """Weights and constants (K + 1, O) of features, by weighted least squares, the ridge judged by rows left out.

    Parameters
    ----------
    features : callable
        Features (rows, K) of some rows.
    target : Tensor, shape (n, O)
        In units of its spread.
    now : Tensor, shape (K + 1, O)
        What stays where those rows do not speak for a change.
    alive : Tensor of bool, shape (K + 1, O)
        What is not at zero for good.
    """

    def design(rows: slice) -> Tensor:
        made = features(rows)
        return torch.cat([made, torch.ones_like(made[:, :1])], 1)

    size, outputs = now.shape
    # A few rows that are far out would rule the squares of all others.
    weight = 1 / (1 + target.square().mean(1, keepdim=True))
    held = slice(0, left_out(target))
    matrix = torch.zeros(size, size, dtype=torch.float64, device=target.device)
    right = torch.zeros(size, outputs, dtype=torch.float64, device=target.device)
    for start in range(held.stop, len(target), ROWS):
        rows = slice(start, start + ROWS)
        a, w = design(rows), weight[rows]
        charge(PRODUCT * len(a) * size * (size / 2 + outputs))
        matrix += ((a * w).T @ a).to(torch.float64)
        right += ((a * w).T @ target[rows]).to(torch.float64)
    a = design(held).to(torch.float64)
    charge(1e-9 * size**2 * (size / 100 + len(RIDGES)))
    best = math.inf, right
    for answer in chain([now.to(torch.float64)], _ridged(matrix, right, alive)):
        error = float(((a @ answer - target[held]).square() * weight[held]).mean())
        best = min(best, (error, answer), key=lambda pair: pair[0])
    return best[1].to(target)


def left_out(rows: Tensor) -> int:
    """Rows at the front of a sample that nothing is fitted to, by which choices are judged."""
    return len(rows) // 10


def _ridged(matrix: Tensor, right: Tensor, alive: Tensor) -> Iterator[Tensor]:
    """Solutions of the normal equations with more and more of the mean of their diagonal added to it."""
    mean = matrix.diagonal().mean()
    if bool(alive.all()):
        values, vectors = torch.linalg.eigh(matrix)
        turned, values = vectors.T @ right, values.clamp(min=0)[:, None]
        yield from (vectors @ (turned / (values + ridge * mean)) for ridge in RIDGES)
        return
    for ridge in RIDGES:
        answer, sound = torch.zeros_like(right), True
        own = matrix + ridge * mean * torch.eye(len(matrix)).to(matrix)
        for k in range(right.shape[1]):
            rows = alive[:, k].nonzero()[:, 0]
            factor, failed = torch.linalg.cholesky_ex(own[rows[:, None], rows])
            sound = sound and not bool(failed)  # rounding may outweigh a small ridge
            answer[rows, k] = torch.cholesky_solve(right[rows, k : k + 1], factor)[:, 0]
        if sound:
            yield answer


def matrix_of(module: nn.Module, inputs: int) -> Tensor:
    """The matrix (outputs, inputs) of an affine map, which may keep it the other way."""
    matrix = parts(module)[0].detach()
    known = isinstance(module, (nn.Linear, StraightEdges))
    upright = matrix.shape[1] == inputs and (known or matrix.shape[0] != inputs)
    return matrix if upright or matrix.shape[0] != inputs else matrix.T


def directions_in(model: nn.Module, block: Block) -> list[tuple[Tensor, Tensor]]:
    """Directions (hidden, inputs) and constants (hidden,) of the units of a block; of a gated one twice."""
    found = list[tuple[Tensor, Tensor]]()
    for name in block.first:
        module = model.get_submodule(name)
        matrix, constants = matrix_of(module, block.inputs), parts(module)[1]
        constants = matrix.new_zeros(len(matrix)) if constants is None else constants.detach()
        found += zip(matrix.split(block.hidden), constants.split(block.hidden), strict=True)
    return found


def spread(y: Tensor) -> Tensor:
    """Deviation of each column, by its quartiles, which a few values far out do not move."""
    quartiles = torch.quantile(
        y[:: max(1, len(y) // 8192)].float(), torch.tensor([0.25, 0.75]).to(y.device), 0
    )
    return ((quartiles[1] - quartiles[0]) / 1.349).to(y)


def not_flat(scale: Tensor) -> Tensor:
    """Scales, with those that are next to nothing at the largest."""
    largest = scale.max()
    return torch.where(
        scale > 1e-6 * largest, scale, torch.where(largest > 0, largest, torch.ones_like(scale))
    )
