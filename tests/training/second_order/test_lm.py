"""Levenberg-Marquardt on problems whose solution is known, and on problems that go wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from torch import Tensor

from edgewise.network import KAN
from edgewise.training import Squared
from edgewise.training.common.rows import TrainingRows
from edgewise.training.second_order import lm
from edgewise.training.second_order.fit_problem import FitProblem
from edgewise.training.second_order.native_objective import NativeObjective, descended
from edgewise.training.second_order.parameters import pack
from edgewise.training.second_order.penalty import uniform_weights


class Residuals:
    """Half the squared norm of residuals, with what Levenberg-Marquardt asks for by autograd."""

    def __init__(self, residuals: Callable[[Tensor], Tensor]) -> None:
        self.residuals = residuals

    def value(self, theta: Tensor) -> float:
        return float(0.5 * (self.residuals(theta) ** 2).sum())

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        J = torch.autograd.functional.jacobian(self.residuals, theta)
        r = self.residuals(theta)
        return self.value(theta), r @ J, J.T @ J


def rosenbrock(theta: Tensor) -> Tensor:
    return torch.cat([10 * (theta[1:] - theta[:-1] ** 2), 1 - theta[:-1]])


def powell(t: Tensor) -> Tensor:
    """Powell's singular function: its curvature vanishes at the solution."""
    return torch.stack(
        [t[0] + 10 * t[1], 5**0.5 * (t[2] - t[3]), (t[1] - 2 * t[2]) ** 2, 10**0.5 * (t[0] - t[3]) ** 2]
    )


def run(problem: Residuals, theta: Tensor, steps: int) -> list[lm.LMState]:
    states = [lm.start(problem, theta)]
    while len(states) <= steps and not states[-1].stuck:
        states.append(lm.step(problem, states[-1]))
    return states


def vector(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize(
    ("residuals", "start"),
    [
        (rosenbrock, vector(-1.2, 1.0)),
        (rosenbrock, vector(-1.2, 1.0, -0.5, 1.5)),
        (powell, vector(3, -1, 0, 1)),
    ],
)
def test_classic_problems_end_where_scipy_ends_and_never_climb(
    residuals: Callable[[Tensor], Tensor], start: Tensor
) -> None:
    states = run(Residuals(residuals), start, 120)
    values = [state.value for state in states]
    assert all(after <= before for before, after in pairwise(values))
    oracle = least_squares(
        lambda t: residuals(torch.from_numpy(t)).numpy(), start.numpy(), xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    np.testing.assert_allclose(states[-1].theta.numpy(), oracle.x, atol=1e-3)
    assert states[-1].value <= oracle.cost + 1e-15


def test_a_linear_problem_is_solved_to_rounding_in_few_steps() -> None:
    random = torch.Generator().manual_seed(0)
    A = torch.randn(30, 6, generator=random, dtype=torch.float64)
    # Columns of very different size: the damping is relative to each.
    A = A * torch.tensor([1e-6, 1e-3, 1.0, 1.0, 1e3, 1e6], dtype=torch.float64)
    b = torch.randn(30, generator=random, dtype=torch.float64)
    states = run(Residuals(lambda t: A @ t - b), torch.zeros(6, dtype=torch.float64), 30)
    wanted = np.linalg.lstsq(A.numpy(), b.numpy(), rcond=None)[0]
    np.testing.assert_allclose(states[-1].theta.numpy(), wanted, rtol=1e-6)
    assert states[-1].stuck
    assert states[-1].decrease == 0.0


def test_it_says_when_it_is_stuck_and_stays_where_it_is() -> None:
    problem = Residuals(rosenbrock)
    state = lm.step(problem, lm.start(problem, vector(1.0, 1.0)))
    assert state.stuck
    assert state.decrease == 0.0
    assert torch.equal(state.theta, vector(1.0, 1.0))


def test_trials_without_a_value_are_not_taken() -> None:
    """The full step lands where the logarithm has no value; shorter ones are tried until one has."""
    problem = Residuals(lambda t: torch.log(t) - math.log(1e-3))
    states = run(problem, vector(1.0), 60)
    assert all(math.isfinite(state.value) for state in states)
    assert float(states[-1].theta) == pytest.approx(1e-3, rel=1e-8)
    # From 3 the undamped step would go to 3 - 3 log(3000) < 0.
    states = run(problem, vector(3.0), 60)
    assert float(states[-1].theta) == pytest.approx(1e-3, rel=1e-8)


def test_a_start_without_a_value_is_reported_as_stuck() -> None:
    problem = Residuals(torch.log)
    state = lm.step(problem, lm.start(problem, vector(-1.0)))
    assert state.stuck
    assert not math.isfinite(state.value)


def test_numbers_that_nothing_depends_on_do_not_move() -> None:
    states = run(Residuals(lambda t: t[:1] - 2), vector(0.0, 7.0), 20)
    assert float(states[-1].theta[0]) == pytest.approx(2, abs=1e-9)
    assert float(states[-1].theta[1]) == 7.0


def test_steps_in_one_call_are_the_steps_one_by_one() -> None:
    x = torch.linspace(-1, 1, 120, dtype=torch.float64)[:, None]
    rows = TrainingRows(x, torch.sin(3 * x), torch.full((120,), 1 / 120, dtype=torch.float64))
    net = KAN([1, 2, 1], seed=3, dtype=torch.float64)
    at = FitProblem(net, rows, None, Squared())
    problem = at.penalised(uniform_weights(at.penalty, 1e-6, 1e-6))
    if not isinstance(at.data, NativeObjective):
        pytest.skip("needs the native library")
    begin = lm.start(problem, pack(net, at.slots))
    one_by_one = begin
    for _ in range(4):
        one_by_one = lm.step(problem, one_by_one)
    at_once, steps = descended(problem, at.data, begin, 4, 0.0)
    assert steps == 4
    torch.testing.assert_close(at_once.theta, one_by_one.theta, rtol=1e-6, atol=1e-8)
    assert at_once.value == pytest.approx(one_by_one.value, rel=1e-8)
    assert (at_once.mu, at_once.nu) == pytest.approx((one_by_one.mu, one_by_one.nu), rel=1e-4)
    ended, steps = descended(problem, at.data, begin, 60, 1e-2)
    assert steps < 60
    assert ended.decrease < 1e-2
