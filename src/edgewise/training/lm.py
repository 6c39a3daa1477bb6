"""Levenberg-Marquardt on the normal equations, one accepted step at a time.

Steps solve (H + mu diag(H)) d = -g. The damping follows the ratio of actual to predicted decrease: D. Marquardt, 1963,
doi:10.1137/0111030, with the update of H. B. Nielsen, "Damping parameter in Marquardt's method", 1999.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise.training.objective import Quadratic

MU_START = 1e-2
MU_MAX = 1e14
# The damping never vanishes: diag(H) is zero where no row reaches a coefficient.
FLOOR = 1e-14


@dataclass(frozen=True, eq=False)
class LMState:
    """A point on the way.

    Attributes
    ----------
    theta : Tensor, shape (P,)
    value : float
        Objective at theta.
    mu, nu : float
        Damping and its next growth factor.
    decrease : float
        Relative decrease of the objective by the last step; 0 when no step improves it any more.
    stuck : bool
        True when the damping ran out without an improving step.
    """

    theta: Tensor
    value: float
    mu: float = MU_START
    nu: float = 2.0
    decrease: float = math.inf
    stuck: bool = False


def start(objective: Quadratic, theta: Tensor) -> LMState:
    """State at a starting point."""
    return LMState(theta, objective.value(theta))


def step(objective: Quadratic, state: LMState) -> LMState:
    """The next improving step (inner trials raise the damping until one is found), or the same point, stuck.

    A trial that yields NaN or infinity counts as no improvement.
    """
    value, gradient, curvature = objective.normal(state.theta)
    if not (math.isfinite(value) and bool(gradient.isfinite().all())):
        return replace(state, decrease=0.0, stuck=True)
    diagonal = curvature.diagonal()
    scale = diagonal.clamp(min=FLOOR * float(diagonal.max()))
    mu, nu = state.mu, state.nu
    while mu <= MU_MAX:
        damped = curvature + torch.diag(mu * scale)
        factor, info = torch.linalg.cholesky_ex(damped)
        if int(info) == 0:
            move = -torch.cholesky_solve(gradient[:, None], factor)[:, 0]
            predicted = -float(gradient @ move + 0.5 * move @ (curvature @ move))
            trial = state.theta + move
            new = objective.value(trial)
            gain = (value - new) / predicted if predicted > 0 else -1.0
            if math.isfinite(new) and new < value and gain > 1e-4:
                mu = max(mu * max(1 / 3, 1 - (2 * min(gain, 1.5) - 1) ** 3), 1e-15)
                return LMState(trial, new, mu, 2.0, (value - new) / max(value, 1e-300))
            if predicted <= 1e-15 * abs(value):
                break
        mu, nu = mu * nu, nu * 2
    return replace(state, value=value, mu=MU_START, nu=2.0, decrease=0.0, stuck=True)
