"""Gradients and second derivatives against autograd and finite differences; interactions against closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import KAN, Nodes
from edgewise.explaining.derivatives import derivatives
from edgewise.explaining.interactions import interactions_of
from edgewise.explaining.subject import output_of, subject_of
from tests.explaining.models import product_net, random_net


@settings(max_examples=12)
@given(
    shape=st.sampled_from([[3, 2], [3, 4, 1], [2, 3, 3, 2], [3, Nodes(1, (2, 3)), 2]]),
    seed=st.integers(0, 1000),
    base=st.sampled_from([None, "silu"]),
)
def test_they_equal_autograd(shape, seed, base):
    net = random_net(shape, seed, base=base)
    X = np.random.default_rng(seed).normal(size=(5, net.shape[0]))
    weights = np.random.default_rng(seed + 1).normal(size=net.shape[-1])
    found = derivatives(net, X, weights)

    def value(x):
        return net(x[None])[0] @ torch.tensor(weights)

    for k, x in enumerate(torch.tensor(X)):
        size = 1 + np.abs(found.hessian[k]).max()
        assert found.value[k] == pytest.approx(value(x).item(), abs=1e-10)
        np.testing.assert_allclose(found.gradient[k], torch.func.grad(value)(x).detach(), atol=1e-8 * size)
        hessian = torch.autograd.functional.hessian(value, x)
        np.testing.assert_allclose(found.hessian[k], hessian, atol=1e-8 * size)


def test_mixed_derivatives_equal_finite_differences():
    net = random_net([3, 5, 1], 3, intervals=3)
    X, step = np.random.default_rng(0).normal(0, 0.4, (6, 3)), 1e-4
    found = derivatives(net, X, np.ones(1)).hessian
    for i, j in ((0, 1), (0, 2), (1, 2)):
        total = np.zeros(6)
        for a in (1, -1):
            for b in (1, -1):
                moved = X.copy()
                moved[:, i] += a * step
                moved[:, j] += b * step
                total += a * b * net.predict(moved)[:, 0]
        np.testing.assert_allclose(
            found[:, i, j], total / (4 * step**2), rtol=2e-3, atol=2e-3 * np.abs(found).max()
        )


def strengths(net, X):
    subject = subject_of(net, X)
    return interactions_of(subject, output_of(subject.model))


def test_a_product_has_the_strength_of_its_deviations():
    random = np.random.default_rng(1)
    X = random.normal(0, [0.5, 0.8, 1.0, 0.7], (4000, 4))
    found = strengths(product_net([(0, 1), (2, 3)], 4), X)
    deviation = X.std(axis=0)
    for i, j in ((0, 1), (2, 3)):
        assert found.local[i, j] == pytest.approx(deviation[i] * deviation[j], rel=1e-6)
        assert found.strength[i, j] == pytest.approx(deviation[i] * deviation[j], rel=0.3)
    assert found.strength[0, 2] == found.strength[1, 3] == found.local[0, 3] == 0
    np.testing.assert_array_equal(found.strength, found.strength.T)
    assert [pair[:2] for pair in found.strongest()] == [("x3", "x4"), ("x1", "x2")]


def test_additive_networks_have_none():
    X = np.random.default_rng(1).normal(size=(50, 3))
    found = strengths(random_net([3, 1], 2), X)
    assert not found.strength.any()
    assert found.strongest() == []


def test_degree_one_says_that_it_has_no_second_derivatives():
    X = np.random.default_rng(1).uniform(-1, 1, (60, 2))
    found = strengths(random_net([2, 3, 1], 2, degree=1), X)
    assert np.isnan(found.local[0, 1])
    assert found.strength[0, 1] > 0
    assert found.to_dict()["local"][0][1] is None


def test_the_caller_keeps_its_network_as_it_was():
    net = KAN([2, 3, 1], seed=0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    strengths(net, np.random.default_rng(0).uniform(-1, 1, (20, 2)))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
