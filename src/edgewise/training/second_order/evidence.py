"""Weights of the penalties from the data themselves, by maximising the evidence.

With noise variance s2 and N residuals, the weight of a penalty with effective degrees of freedom gamma becomes
(s2 / N) gamma / (theta^T S_j theta): the fixed point of D. MacKay ("Bayesian interpolation", 1992,
doi:10.1162/neco.1992.4.3.415), which S. Wood and M. Fasiolo showed to increase the restricted likelihood of smoothing models
(2017, doi:10.1111/biom.12666). Every edge has its own weights, so smooth edges are smoothed, wiggly ones are left alone and
edges that explain nothing are turned to zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.training.second_order.damped import Damped
from edgewise.training.second_order.fit_problem import FitProblem
from edgewise.training.second_order.objective import DataObjective
from edgewise.training.second_order.penalty import Penalty, Weights, matrix

LIMITS = (1e-30, 1e8)
# One update changes a weight by at most this factor: far from the fixed point its quadratic model means little.
STRIDE = 1e4
# Before the first step weights mean nothing: an update may take them anywhere within their limits.
ANY_STRIDE = 1e30


@dataclass(frozen=True, eq=False)
class PenaltyUpdate:
    """Updated weights with what the update learned.

    Attributes
    ----------
    weights : Weights
    degrees : float
        Effective degrees of freedom of the fit.
    noise : float
        Standard deviation of the noise, in network units (1 where the likelihood fixes it).
    """

    weights: Weights
    degrees: float
    noise: float


def update(
    problem: FitProblem,
    weights: Weights,
    theta: Tensor,
    tilt: bool,
    rough: bool = True,
    stride: float = STRIDE,
) -> PenaltyUpdate:
    """One fixed-point update of all weights at theta.

    Parameters
    ----------
    problem, weights, theta
        The problem and where it stands.
    tilt, rough : bool
        Which weights to update; the others stay.
    stride : float
        Largest factor by which a weight may change.
    """
    objective, penalty, size = problem.data, problem.penalty, len(theta)
    value, gradient, curvature = objective.normal(theta)
    prior = matrix(penalty, weights) + _gauge(objective, size, float(curvature.diagonal().mean()))
    if problem.variation is not None:
        # Its weight was given; it takes degrees of freedom away.
        prior = prior + problem.variation.matrix(theta)
    inverse = Damped(gradient, curvature + prior).inverse()
    degrees = float(size - (inverse * prior).sum())
    rows = objective.effective * objective.y.shape[1]
    noise2 = (
        2 * value * objective.effective / max(rows - degrees, 0.05 * rows)
        if objective.loss.dispersed
        else 1.0
    )
    unit = noise2 / objective.effective
    new_rough, new_tilt = list[Tensor](), list[Tensor]()
    for k, slot in enumerate(penalty.slots.layers):
        c = theta[slot.coef].reshape(slot.n_edges, slot.size)
        index = torch.arange(slot.coef.start, slot.coef.stop).reshape(slot.n_edges, slot.size)
        block = inverse[index[:, :, None], index[:, None, :]]
        own = torch.einsum("emn,emn->e", block, penalty.rough[k])
        size_of = torch.einsum("em,emn,en->e", c, penalty.rough[k], c)
        gamma = (slot.size - 2) - weights.rough[k] * own
        new_rough.append(
            _next(weights.rough[k], unit * gamma.clamp(min=1e-3) / size_of, stride)
            if rough
            else weights.rough[k]
        )
        own = torch.einsum("em,emn,en->e", penalty.tilt[k], block, penalty.tilt[k])
        size_of = (penalty.tilt[k] * c).sum(-1) ** 2
        gamma = 1 - weights.tilt[k] * own
        new_tilt.append(
            _next(weights.tilt[k], unit * gamma.clamp(min=1e-3) / size_of, stride)
            if tilt
            else weights.tilt[k]
        )
    return PenaltyUpdate(Weights(tuple(new_rough), tuple(new_tilt)), degrees, noise2**0.5)


def _gauge(objective: DataObjective, size: int, strength: float) -> Tensor:
    """A penalty on the constants of edges, (P, P), which the biases make up for at no cost.

    It fixes what neither rows nor penalties see. Left free, every constant would count as a degree of freedom of its own,
    and its huge variance would drown the others in rounding.
    """
    evaluator = objective.evaluator
    total = torch.zeros(size, size, dtype=torch.float64)
    for layer, basis, slot in zip(evaluator.net.layers, evaluator.bases, evaluator.slots.layers, strict=True):
        mean = basis.one / (basis.one @ basis.one)
        seen = set[int]()
        for e, target in enumerate(slot.targets.tolist()):
            # Without a bias one edge has to carry the constant of its sum.
            free = layer.bias is None and target not in seen
            seen.add(target)
            if not free:
                at = slice(slot.coef.start + e * slot.size, slot.coef.start + (e + 1) * slot.size)
                total[at, at] += strength * mean[:, None] * mean
    return total


def group_sparse(penalty: Penalty, weights: Weights, theta: Tensor, strength: float) -> Weights:
    """Weights whose quadratic form majorises `strength` times the sum of edge sizes, a group lasso over edges.

    The size of an edge is the root of its roughness plus its tilt; each update solves the lasso's quadratic bound at the
    present sizes (M. Yuan and Y. Lin, 2006, doi:10.1111/j.1467-9868.2005.00532.x; D. Hunter and R. Li, 2005).
    """
    rough, tilt = list[Tensor](), list[Tensor]()
    for k, slot in enumerate(penalty.slots.layers):
        c = theta[slot.coef].reshape(slot.n_edges, slot.size)
        square = torch.einsum("em,emn,en->e", c, penalty.rough[k], c) + (penalty.tilt[k] * c).sum(-1) ** 2
        bound = strength / (square + 1e-12).sqrt()
        rough.append(torch.maximum(weights.rough[k], bound))
        tilt.append(bound)
    return Weights(tuple(rough), tuple(tilt))


def _next(old: Tensor, proposed: Tensor, stride: float) -> Tensor:
    """The proposal, kept finite, within a stride of the old weight and within the limits."""
    proposed = torch.where(proposed.isfinite(), proposed, old * stride)
    return proposed.clamp(min=old / stride, max=old * stride).clamp(*LIMITS)
