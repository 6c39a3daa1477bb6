"""Levenberg-Marquardt without matrices: damped systems solved by conjugate gradients, cut short where that is enough.

    (H + mu D) d = -g,      H v = J^T W (J v) + S v,      D = diag H

The preconditioner solves the blocks of H + mu D that belong to one edge each, which takes away what the overlap of the basis
and the penalty do to the condition. Far from the solution a step is not worth an exact solve: the tolerance follows the
progress (S. Eisenstat and H. Walker, 1996, doi:10.1137/0917003; T. Steihaug, 1983, doi:10.1137/0720042). H is positive
semi-definite, so that the damping alone bounds the step. Memory is a few vectors, the blocks and one chunk of rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.training.common.costs import BOTH_WAYS, value_cost
from edgewise.training.second_order import lm
from edgewise.training.second_order.damped import FLOOR
from edgewise.training.second_order.jacobian_products import DiagonalBlocks, Sweeps, products
from edgewise.training.second_order.lm import LMState
from edgewise.training.second_order.objective import DataObjective
from edgewise.training.second_order.penalty import RIDGE, Penalty, Weights, edge_blocks
from edgewise.training.second_order.total_variation import Variation

# Share of the first residual at which a solve ends, from far away to near the solution.
LOOSE, TIGHT = 0.1, 1e-3
MOST_ITERATIONS = 200


@dataclass(frozen=True, eq=False)
class LinearisedProblem:
    """A least-squares problem about a point: what Gauss and Newton would solve.

    Attributes
    ----------
    value : float
    gradient : Tensor, shape (P,)
    times : callable
        H v of a vector (P,).
    blocks : DiagonalBlocks
        Diagonal blocks of H.
    """

    value: float
    gradient: Tensor
    times: Callable[[Tensor], Tensor]
    blocks: DiagonalBlocks


class _LinearisedPart:
    """A data objective about a point: its value, its gradient, and products with its Gauss-Newton matrix J^T W J."""

    def __init__(self, data: DataObjective, theta: Tensor) -> None:
        self.data, self.theta, self._own = data, theta, products(data.evaluator)
        f, w = data.evaluator.outputs(theta), data.weight
        self.value = data.loss.rows(f, data.y) @ w
        self.gradient = self._own.pull(theta, data.loss.gradient(f, data.y) * w[:, None])
        root = data.loss.root(f, data.y)
        self.root = root * w.sqrt().reshape(-1, *(1,) * (root.ndim - 1))

    def times(self, v: Tensor) -> Tensor:
        """J^T W J v of a vector (P,)."""
        charge(BOTH_WAYS * value_cost(len(self.data.y), self.data.evaluator.read))
        u, root = self._own.push(self.theta, v), self.root
        bent = root.square() * u if root.ndim == 2 else (root.mT @ (root @ u[..., None]))[..., 0]
        return self._own.pull(self.theta, bent)


@dataclass(frozen=True, eq=False)
class MatrixFree:
    """A data objective plus the penalty of its edges, known by products alone.

    Attributes
    ----------
    data : DataObjective
    penalty : Penalty
    weights : Weights
    variation : Variation, optional
    """

    data: DataObjective
    penalty: Penalty
    weights: Weights
    variation: Variation | None = None

    def value(self, theta: Tensor) -> float:
        return self.data.value(theta) + self._penalty(theta)

    def linearise(self, theta: Tensor) -> LinearisedProblem:
        """The problem about theta."""
        data, parts = self.data, [_LinearisedPart(piece, theta) for piece in self.data.pieces]
        penalties = self._edges
        if self.variation is not None:
            forms = self.variation.blocks(theta)
            penalties = tuple(block + form for block, form in zip(penalties, forms, strict=True))
        value = float(data.together([part.value for part in parts])) + self._penalty(theta)
        gradient = data.together([part.gradient for part in parts]) + self._pull(theta, penalties)

        def times(v: Tensor) -> Tensor:
            return data.together([part.times(v) for part in parts]) + self._pull(v, penalties)

        found = [Sweeps(part.data.evaluator).edge_blocks(theta, part.root) for part in parts]
        layers = zip(*(item.edges for item in found), strict=True)
        edges = tuple(data.together(own) + penalty for own, penalty in zip(layers, penalties, strict=True))
        diagonal = data.together([item.diagonal for item in found]) + RIDGE
        for slot, block in zip(self.penalty.slots.layers, edges, strict=True):
            diagonal[slot.coef] = block.diagonal(dim1=1, dim2=2).reshape(-1)
        return LinearisedProblem(value, gradient, times, DiagonalBlocks(edges, diagonal))

    @cached_property
    def _edges(self) -> tuple[Tensor, ...]:
        return edge_blocks(self.penalty, self.weights)

    def _penalty(self, theta: Tensor) -> float:
        value = 0.5 * float(theta @ self._pull(theta, self._edges))
        return value if self.variation is None else value + self.variation.value(theta)

    def _pull(self, v: Tensor, edges: tuple[Tensor, ...]) -> Tensor:
        """S v."""
        out = RIDGE * v
        for slot, block in zip(self.penalty.slots.layers, edges, strict=True):
            c = v[slot.coef].reshape(slot.n_edges, slot.size, 1)
            out[slot.coef] += (block @ c).reshape(-1)
        return out


def step(objective: MatrixFree, state: LMState) -> LMState:
    """The next improving step, as `lm.step` makes it."""
    at = objective.linearise(state.theta)
    if not (math.isfinite(at.value) and bool(at.gradient.isfinite().all())):
        return lm.stopped(state, state.value)
    damping = at.blocks.diagonal.clamp(min=FLOOR * float(at.blocks.diagonal.max()))
    tolerance = min(LOOSE, max(TIGHT, state.decrease**2))
    mu, nu = state.mu, state.nu
    while mu <= lm.most_damping(state):
        move, predicted = solve(at, damping, mu, _preconditioner(objective, at, damping, mu), tolerance)
        trial = state.theta + move
        taken = lm.accepted(state, trial, at.value, objective.value(trial), predicted, mu)
        if taken is not None:
            return taken
        if not predicted > 1e-15 * abs(at.value):
            break
        mu, nu = mu * nu, nu * 2
    return lm.stopped(state, at.value)


def solve(
    at: LinearisedProblem,
    damping: Tensor,
    mu: float,
    precondition: Callable[[Tensor], Tensor],
    tolerance: float,
    most: int = MOST_ITERATIONS,
) -> tuple[Tensor, float]:
    """Preconditioned conjugate gradients on (H + mu D) d = -g from d = 0.

    Returns
    -------
    Tensor, shape (P,)
        d; the model falls at every iteration, so that any number of them gives a step downhill.
    float
        Decrease of the objective that the model without damping foresees.
    """
    move, residual = torch.zeros_like(at.gradient), -at.gradient
    ahead = precondition(residual)
    direction, rho = ahead, float(residual @ ahead)
    first = rho
    for _ in range(most):
        if not rho > tolerance**2 * first or not math.isfinite(rho):
            break
        image = at.times(direction) + mu * damping * direction
        bend = float(direction @ image)
        if not bend > 0:
            break
        move = move + (rho / bend) * direction
        residual = residual - (rho / bend) * image
        ahead = precondition(residual)
        rho, before = float(residual @ ahead), rho
        direction = ahead + (rho / before) * direction
    # H d = -g - residual - mu D d, so that -(g d + d H d / 2) takes no further product.
    predicted = 0.5 * float(move @ (residual - at.gradient + mu * damping * move))
    return move, predicted


def _preconditioner(
    objective: MatrixFree, at: LinearisedProblem, damping: Tensor, mu: float
) -> Callable[[Tensor], Tensor]:
    """Solves with the blocks of H + mu D of every edge, and with the diagonal of the other numbers."""
    slots = objective.penalty.slots.layers
    factors = list[Tensor]()
    for slot, block in zip(slots, at.blocks.edges, strict=True):
        own = damping[slot.coef].reshape(slot.n_edges, slot.size)
        unit = own.rsqrt()
        scaled = block * unit[:, :, None] * unit[:, None, :]
        # Blocks of edges that few rows reach are singular; a preconditioner need not be exact.
        scaled.diagonal(dim1=1, dim2=2).add_(max(mu, 1e-10))
        factor, _ = torch.linalg.cholesky_ex(scaled)
        factors.append(factor)

    def apply(v: Tensor) -> Tensor:
        out = v / ((1 + mu) * damping)
        for slot, factor in zip(slots, factors, strict=True):
            unit = damping[slot.coef].rsqrt()
            scaled = (v[slot.coef] * unit).reshape(slot.n_edges, slot.size, 1)
            out[slot.coef] = torch.cholesky_solve(scaled, factor).reshape(-1) * unit
        return out

    return apply
