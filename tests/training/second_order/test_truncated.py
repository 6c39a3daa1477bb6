"""Products without a Jacobian, and Levenberg-Marquardt by conjugate gradients, against the dense ways."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from edgewise import KAN, fit
from edgewise.network import Nodes, set_symbolic
from edgewise.training.common.losses import make_loss
from edgewise.training.common.preparation import prepared
from edgewise.training.common.rows import as_rows
from edgewise.training.second_order import lm, truncated
from edgewise.training.second_order import run as second_order
from edgewise.training.second_order.fit_problem import FitProblem
from edgewise.training.second_order.jacobian import Evaluator
from edgewise.training.second_order.jacobian_products import Sweeps, products
from edgewise.training.second_order.parameters import pack
from edgewise.training.second_order.penalty import uniform_weights

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (200, 3))
TARGETS = {
    "squared": np.stack([np.sin(3 * X[:, 0]), X[:, 1] * X[:, 2], X[:, 0]], 1),
    "cross_entropy": RANDOM.integers(0, 3, 200),
}


def fit_problem(loss: str, rich: bool = True) -> tuple[FitProblem, Tensor]:
    """A network with everything in it, and its vector."""
    net = KAN([3, Nodes(2, (2,)), 3], intervals=4, base="silu" if rich else None, seed=0)
    net = set_symbolic(net, (0, 0, 0), "sin").network if rich else net
    rows = as_rows(net, X, TARGETS[loss], make_loss(loss))
    net = prepared(net, rows, make_loss(loss))
    made = FitProblem(net, rows, None, make_loss(loss))
    return made, pack(net, made.slots)


@pytest.mark.parametrize("rich", [True, False])
def test_products_are_those_of_the_jacobian(rich: bool) -> None:
    at, theta = fit_problem("squared", rich)
    random = torch.Generator().manual_seed(1)
    v = torch.randn(len(theta), generator=random, dtype=torch.float64)
    g = torch.randn(200, 3, generator=random, dtype=torch.float64)
    evaluator = Evaluator(at.net, at.slots, at.rows.X)
    jacobian = torch.autograd.functional.jacobian(evaluator.outputs, theta)
    assert isinstance(jacobian, Tensor)
    # Both ways of computing them, where there is a native one.
    for own in (Sweeps(evaluator), products(at.data.evaluator)):
        torch.testing.assert_close(own.push(theta, v), jacobian @ v, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(
            own.pull(theta, g), torch.einsum("ndp,nd->p", jacobian, g), rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("loss", list(TARGETS))
def test_the_linearised_problem_is_that_of_the_normal_equations(loss: str) -> None:
    at, theta = fit_problem(loss)
    weights = uniform_weights(at.penalty, 1e-4, 1e-5)
    value, gradient, curvature = at.penalised(weights).normal(theta)
    free = truncated.MatrixFree(at.data, at.penalty, weights)
    found = free.linearise(theta)
    assert found.value == pytest.approx(value, rel=1e-12)
    assert free.value(theta) == pytest.approx(value, rel=1e-12)
    torch.testing.assert_close(found.gradient, gradient)
    whole = torch.stack([found.times(e) for e in torch.eye(len(theta), dtype=torch.float64)])
    torch.testing.assert_close(whole, curvature, rtol=1e-7, atol=1e-12)
    torch.testing.assert_close(found.blocks.diagonal, curvature.diagonal())
    for slot, blocks in zip(at.slots.layers, found.blocks.edges, strict=True):
        for e, block in enumerate(blocks):
            own = slice(slot.coef.start + e * slot.size, slot.coef.start + (e + 1) * slot.size)
            torch.testing.assert_close(block, curvature[own, own])


def test_conjugate_gradients_solve_the_damped_system() -> None:
    random = torch.Generator().manual_seed(0)
    J = torch.randn(40, 12, generator=random, dtype=torch.float64)
    H, g = J.T @ J, torch.randn(12, generator=random, dtype=torch.float64)
    at = truncated.LinearisedProblem(0.0, g, lambda v: H @ v, truncated.DiagonalBlocks((), H.diagonal()))
    for mu in (1e-3, 1.0):
        move, predicted = truncated.solve(at, H.diagonal(), mu, lambda v: v / H.diagonal(), 1e-12)
        wanted = -np.linalg.solve((H + mu * torch.diag(H.diagonal())).numpy(), g.numpy())
        np.testing.assert_allclose(move.numpy(), wanted, rtol=1e-8)
        assert predicted == pytest.approx(-float(g @ move + 0.5 * move @ H @ move), rel=1e-8)
    # Cut short, it still goes downhill.
    move, predicted = truncated.solve(at, H.diagonal(), 1e-3, lambda v: v, 1e-12, most=2)
    assert float(g @ move) < 0
    assert predicted > 0


def test_steps_lead_where_dense_ones_lead() -> None:
    at, theta = fit_problem("squared", rich=False)
    weights = uniform_weights(at.penalty, 1e-6, 0.0)
    free, dense = truncated.MatrixFree(at.data, at.penalty, weights), at.penalised(weights)
    states = [lm.LMState(theta, dense.value(theta)) for _ in range(2)]
    for _ in range(40):
        states = [lm.step(dense, states[0]), truncated.step(free, states[1])]
    assert states[1].value < 1.1 * states[0].value
    assert states[1].value < 0.05 * dense.value(theta)
    broken = replace(states[1], theta=torch.full_like(theta, math.nan))
    assert truncated.step(free, broken).stuck


@pytest.mark.slow
def test_fit_goes_on_without_matrices_where_they_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
    shape = [3, 4, 1]
    dense = fit(KAN(shape, seed=0), X, y, method="lm", intervals=[3], steps=12, roughness=1e-6)
    monkeypatch.setattr(second_order, "MOST_DENSE", 10)
    results = [
        fit(KAN(shape, seed=0), X, y, method="lm", intervals=[3], steps=12, roughness=1e-6) for _ in range(2)
    ]
    assert results[0].validation_error is not None
    assert dense.validation_error is not None
    assert results[0].validation_error < 2 * dense.validation_error
    assert torch.equal(*(result.network.layers[0].coef for result in results))
    automatic = fit(KAN(shape, seed=0), X, y, method="lm", steps=4)
    assert automatic.validation_error is not None
    assert automatic.validation_error < 0.5 * float(y.std())
