"""Damped systems against numpy's pseudo-inverse, above all where the matrix has no full rank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgewise import KAN
from edgewise.training.common.losses import Squared
from edgewise.training.common.preparation import prepared
from edgewise.training.common.rows import as_rows
from edgewise.training.second_order import lm
from edgewise.training.second_order.damped import Damped
from edgewise.training.second_order.fit_problem import FitProblem
from edgewise.training.second_order.parameters import pack
from edgewise.training.second_order.penalty import uniform_weights


def problem(seed: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    J = torch.randn(rows, columns, generator=random, dtype=torch.float64)
    return J, torch.randn(rows, generator=random, dtype=torch.float64)


def system(J: Tensor, r: Tensor) -> Damped:
    return Damped(J.T @ r, J.T @ J)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([1e-6, 1e-2, 1.0, 1e3]))
def test_it_solves_the_damped_system(seed: int, columns: int, mu: float) -> None:
    J, r = problem(seed, 12, columns)
    J = J * torch.logspace(-3, 3, columns, dtype=torch.float64)
    H = (J.T @ J).numpy()
    step = system(J, r).solve(mu).numpy()
    # The same as least squares on rows [J; sqrt(mu D)], which never squares the condition.
    stacked = np.vstack([J.numpy(), np.diag(np.sqrt(mu * np.diag(H)))])
    wanted = np.linalg.lstsq(stacked, -np.concatenate([r.numpy(), np.zeros(columns)]), rcond=None)[0]
    np.testing.assert_allclose(step, wanted, rtol=1e-6, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize("mu", [0.0, 1e-15])
@pytest.mark.parametrize("kind", ["dead", "repeated", "sum", "more columns than rows"])
def test_without_full_rank_it_goes_as_far_down_as_any_step(kind: str, mu: float) -> None:
    J, r = problem(3, 20, 5)
    if kind == "dead":
        J[:, 2] = 0.0
    elif kind == "repeated":
        J[:, 4] = J[:, 1]
    elif kind == "sum":
        J[:, 4] = J[:, :3].sum(1)
    else:
        J, r = J[:3], r[:3]
    found = system(J, r)
    step = found.solve(mu)
    wanted = -np.linalg.pinv(J.numpy(), rcond=1e-10) @ r.numpy()
    np.testing.assert_allclose((J @ step).numpy(), J.numpy() @ wanted, rtol=1e-9, atol=1e-11)
    assert float(step.norm()) < 20 * float(np.linalg.norm(wanted))
    assert kind != "dead" or float(step[2]) == 0.0
    # H G H = H: the inverse is one wherever H has one.
    H = found.curvature
    torch.testing.assert_close(H @ found.inverse() @ H, H, rtol=1e-9, atol=1e-9)


def test_a_matrix_of_zeros_gives_no_step() -> None:
    zeros = torch.zeros(3, dtype=torch.float64)
    assert torch.equal(Damped(zeros, torch.diag(zeros)).solve(0.0), zeros)


def test_a_singular_problem_is_solved_as_fast_as_a_regular_one() -> None:
    """Rosenbrock's valley in numbers of which two repeat each other and one does nothing."""

    class Doubled:
        mix = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)

        def residuals(self, theta: Tensor) -> tuple[Tensor, Tensor]:
            a, b = self.mix @ theta
            inner = torch.stack([torch.stack([-20 * a, a.new_tensor(10.0)]), a.new_tensor([-1.0, 0.0])])
            return torch.stack([10 * (b - a**2), 1 - a]), inner @ self.mix

        def value(self, theta: Tensor) -> float:
            return float(0.5 * self.residuals(theta)[0].square().sum())

        def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
            r, J = self.residuals(theta)
            return self.value(theta), J.T @ r, J.T @ J

    state = lm.start(Doubled(), torch.tensor([-0.7, 1.0, -0.5, 9.0], dtype=torch.float64))
    for _ in range(40):
        state = lm.step(Doubled(), state)
    assert state.value < 1e-25
    assert float(state.theta[3]) == 9.0


def test_constants_of_edges_against_biases_keep_steps_finite() -> None:
    """A network has as many such directions as edges; an undamped step must neither blow up nor miss the decrease."""
    X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    net = KAN([2, 2, 1], seed=0)
    rows = as_rows(net, X, y, Squared())
    net = prepared(net, rows, Squared())
    problem = FitProblem(net, rows, None, Squared())
    # No ridge, no stabiliser: nothing but the data.
    value, gradient, curvature = problem.data.normal(pack(net, problem.slots))
    lacking = len(gradient) - int(torch.linalg.matrix_rank(curvature, hermitian=True, rtol=1e-13))
    assert lacking >= 6
    step = Damped(gradient, curvature).solve(0.0)
    assert bool(step.isfinite().all())
    least = (
        np.linalg.pinv(curvature.numpy(), rcond=1e-12, hermitian=True)
        @ gradient.numpy()
        @ gradient.numpy()
        / 2
    )
    predicted = -float(gradient @ step + 0.5 * step @ (curvature @ step))
    assert predicted == pytest.approx(least, rel=1e-3)
    # The whole fit goes through the same solver.
    objective = problem.penalised(uniform_weights(problem.penalty, 0.0, 0.0))
    state = lm.LMState(pack(net, problem.slots), value, mu=1e-15)
    for _ in range(20):
        state = lm.step(objective, state)
        assert bool(state.theta.isfinite().all())
    assert state.value < 1e-2 * value
