"""Hidden grids follow their nodes, and edges stay what they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgewise.network import KAN
from edgewise.training.common.rows import TrainingRows
from edgewise.training.first_order.batch_gradient import outputs
from edgewise.training.first_order.hidden_grids import LAST, follow, moments

from ...network.builders import state_bytes


def rows(count: int = 2000) -> TrainingRows:
    random = torch.Generator().manual_seed(0)
    x = torch.rand((count, 3), generator=random, dtype=torch.float64) * 2 - 1
    return TrainingRows(x, x[:, :1], torch.full((count,), 1 / count, dtype=torch.float64))


def network(size: float, basis: str = "bspline", intervals: int = 20) -> KAN:
    """Its hidden nodes reach about `size`, on grids over [-1, 1]."""
    net = KAN([3, 6, 5, 2], basis=basis, intervals=intervals, seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef.mul_(size)
    return net


@pytest.mark.parametrize("size", [0.1, 3.0])
def test_grids_fit_their_nodes_and_functions_stay(size: float) -> None:
    net, data = network(size), rows()
    with torch.no_grad():
        before = outputs(net, data.X)
    note = follow(net, data, seed=0)
    assert "laid anew" in note
    with torch.no_grad():
        after = outputs(net, data.X)
        hidden = [net.layers[0](data.X)]
        hidden.append(net.layers[1](hidden[0]))
    for layer, values in zip(net.layers[1:], hidden, strict=True):
        low, high = layer.domain.unbind(1)
        assert float(((values < low) | (values > high)).to(torch.float64).mean(0).max()) < 0.02
        assert bool(((values.amax(0) - values.amin(0)) > 0.7 * (high - low)).all())
    # A stretched grid rounds the corner where the old one ended and the line began.
    assert float((after - before).square().mean().sqrt()) < (0.001 if size < 1 else 0.03) * float(
        before.std()
    )
    assert bool((net.layers[0].grid == network(size).layers[0].grid).all())
    assert follow(net, data, seed=0) == "", "grids that fit are left alone"


def test_what_it_does_depends_on_its_arguments_alone() -> None:
    first, second = network(3.0), network(3.0)
    follow(first, rows(), seed=1)
    follow(second, rows(), seed=1)
    assert state_bytes(first) == state_bytes(second)


@pytest.mark.parametrize("basis", ["chebyshev", "rbf", "fourier", "rational"])
def test_other_bases_follow_too(basis: str) -> None:
    net, data = network(2.0, basis, intervals=9), rows()
    assert follow(net, data, seed=0)
    with torch.no_grad():
        values = net.layers[0](data.X)
    low, high = net.layers[1].domain.unbind(1)
    assert float(((values < low) | (values > high)).to(torch.float64).mean()) < 0.02


def test_values_that_are_not_finite_leave_the_grids_alone() -> None:
    net = network(3.0)
    with torch.no_grad():
        net.layers[0].coef[0] = float("nan")
    before = state_bytes(net)
    assert follow(net, rows(), seed=0) == ""
    assert state_bytes(net) == before


def test_moments_lie_early_and_close_together_first() -> None:
    for epochs in (1, 2, 10, 30, 500):
        for count in (0, 1, 4):
            chosen = sorted(moments(epochs, count))
            assert len(chosen) <= count
            assert all(1 <= epoch < epochs and epoch <= max(1, LAST * epochs) for epoch in chosen)
    gaps = np.diff(sorted(moments(500, 4)))
    assert bool((np.diff(gaps) > 0).all())
