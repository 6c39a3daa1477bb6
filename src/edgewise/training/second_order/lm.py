"""Levenberg-Marquardt on the normal equations, one accepted step at a time.

Steps solve (H + mu diag(H)) d = -g (see `damped`). The damping follows the ratio of actual to predicted decrease:
D. Marquardt, 1963, doi:10.1137/0111030, with the update of H. B. Nielsen, "Damping parameter in Marquardt's method", 1999.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from torch import Tensor

from edgewise.training.second_order.damped import Damped
from edgewise.training.second_order.objective import LeastSquaresProblem

MU_START = 1e-2
MU_MIN, MU_MAX = 1e-15, 1e14
# An objective below this (in network units, where y has unit variance) is rounding of the penalty; steps that lower it lead
# nowhere, and damping beyond the second finds no better one.
ROUNDING, ROUNDING_MU = 1e-21, 1e-6
# A trial counts when the objective falls by at least this share of what the quadratic model predicts.
LEAST_GAIN = 1e-4


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


def start(objective: LeastSquaresProblem, theta: Tensor) -> LMState:
    """State at a starting point."""
    return LMState(theta, objective.value(theta))


def step(objective: LeastSquaresProblem, state: LMState) -> LMState:
    """The next improving step (inner trials raise the damping until one is found), or the same point, stuck.

    A trial that yields NaN or infinity counts as no improvement.
    """
    value, gradient, curvature = objective.normal(state.theta)
    if not (math.isfinite(value) and bool(gradient.isfinite().all()) and bool(curvature.isfinite().all())):
        return stopped(state, state.value)
    system = Damped(gradient, curvature)
    mu, nu = state.mu, state.nu
    while mu <= most_damping(state):
        move = system.solve(mu)
        predicted = -float(gradient @ move + 0.5 * move @ (curvature @ move))
        trial = state.theta + move
        taken = accepted(state, trial, value, objective.value(trial), predicted, mu)
        if taken is not None:
            return taken
        # Not even the model predicts an improvement beyond rounding.
        if not predicted > 1e-15 * abs(value):
            break
        mu, nu = mu * nu, nu * 2
    return stopped(state, value)


def most_damping(state: LMState) -> float:
    """The damping beyond which no step is sought."""
    return MU_MAX if state.value > ROUNDING else max(ROUNDING_MU, state.mu)


def accepted(
    state: LMState, trial: Tensor, value: float, new: float, predicted: float, mu: float
) -> LMState | None:
    """The state after a trial, its damping by how well the model predicted the decrease; None where it did not pay."""
    gain = (value - new) / predicted if predicted > 0 else -1.0
    if not (math.isfinite(new) and new < value and gain > LEAST_GAIN):
        return None
    mu = max(mu * max(1 / 3, 1 - (2 * min(gain, 1.5) - 1) ** 3), MU_MIN)
    return replace(
        state, theta=trial, value=new, mu=mu, nu=2.0, decrease=(value - new) / max(value, 1e-300), stuck=False
    )


def stopped(state: LMState, value: float) -> LMState:
    """The same point, where no step improves any more."""
    return replace(state, value=value, mu=MU_START, nu=2.0, decrease=0.0, stuck=True)
