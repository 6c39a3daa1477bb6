"""Refine changes nothing, regrid says what it changes, scalings follow the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.network import KAN, refine, regrid, remove_inputs, scale_to_data, set_symbolic
from edgewise.splines import BASES

from .builders import inputs_of, networks, scale_of, state_bytes

DOUBLE = torch.float64


@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize("factor", [1, 2, 3, 7])
def test_refine_is_exact_for_every_degree_on_uneven_grids(degree: int, factor: int) -> None:
    net = KAN([2, 3, 1], degree=degree, intervals=6, seed=degree, dtype=DOUBLE)
    random = torch.Generator().manual_seed(1)
    net = regrid(net, torch.randn(200, 2, generator=random, dtype=DOUBLE) ** 3 / 3, blend=0.2).network
    x = inputs_of(net, rows=500)
    with torch.no_grad():
        assert (net.layers[0].grid.diff(dim=1).amax() / net.layers[0].grid.diff(dim=1).amin()) > 3
        result = refine(net, factor, X=x)
        assert result.network.layers[0].intervals == 6 * factor
        assert result.record.max_change is not None
        assert result.record.max_change <= 1e-12 * scale_of(net(x))
        if degree:
            h = net.activations(x)[0]
            torch.testing.assert_close(
                result.network.layers[0].edges(h, 1), net.layers[0].edges(h, 1), rtol=1e-10, atol=1e-10
            )


def test_refine_in_float32_is_exact_to_its_rounding_even_on_a_narrow_grid() -> None:
    net = KAN([1, 2, 1], grid=(100.0, 100.01), intervals=3, seed=0)
    net = refine(net, 1).network
    x = torch.linspace(100.0, 100.01, 200)[:, None]
    coarse, fine = net.layers[0].edges(x), refine(net, 3).network.layers[0].edges(x)
    torch.testing.assert_close(coarse, fine, rtol=1e-5, atol=1e-5 * float(coarse.detach().abs().max()))


def test_refine_of_some_layers() -> None:
    net = KAN([2, 2, 1], seed=0, dtype=DOUBLE)
    made = refine(net, 2, layers=[1, 1]).network
    assert [layer.intervals for layer in made.layers] == [5, 10]
    assert [layer.intervals for layer in made.spec.layers] == [5, 10]
    assert refine(net, 2, layers=[]).record.after == refine(net, 1).record.after


@given(
    net=networks(),
    intervals=st.integers(3, 9),
    blend=st.sampled_from([0.0, 0.5, 1.0]),
    margin=st.sampled_from([0.0, 0.2]),
)
def test_the_stated_change_of_regrid_is_the_true_one(
    net: KAN, intervals: int, blend: float, margin: float
) -> None:
    x = inputs_of(net)
    result = regrid(net, x, intervals, blend=blend, margin=margin)
    with torch.no_grad():
        assert result.record.max_change == float((net(x) - result.network(x)).abs().max())
        for layer, h in zip(result.network.layers, net.activations(x), strict=False):
            low, high = layer.domain.unbind(1)
            slack = 1e-9 * (high - low)
            assert ((h >= low - slack) & (h <= high + slack)).all()


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("blend", [0.0, 0.5, 1.0])
def test_regrid_converges_to_no_change(basis: str, blend: float) -> None:
    net = KAN([2, 2, 1], basis=basis, grid=(-2.0, 2.0), seed=0, dtype=DOUBLE)
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=DOUBLE) ** 2
    changes = [regrid(net, x, n, blend=blend).record.max_change for n in (2, 60)]
    assert changes[0] is not None
    assert changes[1] is not None
    assert changes[1] < 2e-4
    assert changes[1] < changes[0] or changes[0] < 1e-6


def test_regrid_onto_the_same_grid_changes_nothing() -> None:
    net = KAN([1, 1], seed=0, dtype=DOUBLE)
    x = torch.linspace(-1, 1, 30, dtype=DOUBLE)[:, None]
    change = regrid(net, x).record.max_change
    assert change is not None
    assert change < 1e-11


def test_regrid_carries_narrow_intervals() -> None:
    """Most rows in a sliver: the fit must see the functions there too."""
    net = refine(KAN([1, 1], intervals=5, seed=0, dtype=DOUBLE), 8).network
    random = torch.Generator().manual_seed(0)
    x = torch.cat(
        [
            torch.rand(500, 1, generator=random, dtype=DOUBLE) * 0.01,
            torch.tensor([[-1.0], [1.0]], dtype=DOUBLE),
        ]
    )
    made = regrid(net, x, 40, blend=0.3)
    inner = torch.linspace(0.0, 0.01, 100, dtype=DOUBLE)[:, None]
    assert float((made.network(inner) - net(inner)).detach().abs().max()) < 1e-3


def test_regrid_survives_constant_columns_and_one_row() -> None:
    net = set_symbolic(KAN([2, 2, 1], seed=0, dtype=DOUBLE), (0, 0, 0), "square").network
    for x in (
        torch.tensor([[0.3, 0.4]]),
        torch.tensor([[0.3, 0.1], [0.3, 0.9]]),
        [[0.1, 0.2]] * 5,
        np.zeros((3, 2)),
    ):
        made = regrid(net, x, blend=0.0).network
        assert made(torch.zeros(1, 2, dtype=DOUBLE)).isfinite().all()


def test_scalings_follow_the_data() -> None:
    net = KAN([2, 3, 2], seed=0, dtype=DOUBLE)
    random = np.random.default_rng(0)
    X = random.normal(50.0, 7.0, (300, 2))
    y = np.stack([random.normal(1e6, 3.0, 300), np.full(300, 4.0)], 1)
    made = scale_to_data(net, X, y).network
    h = made.activations(torch.from_numpy(X))[0]
    torch.testing.assert_close(h.aminmax(dim=0).min, torch.tensor([-1.0, -1.0], dtype=DOUBLE))
    torch.testing.assert_close(h.aminmax(dim=0).max, torch.tensor([1.0, 1.0], dtype=DOUBLE))
    np.testing.assert_allclose(made.output_shift.numpy(), y.mean(0))
    np.testing.assert_allclose(made.output_scale.numpy(), [y[:, 0].std(), 1.0])
    classes = scale_to_data(made, X).network
    assert torch.equal(classes.output_shift, made.output_shift)
    single = scale_to_data(KAN([2, 1], dtype=DOUBLE), X, y[:, 0]).network
    assert single.output_shift.shape == (1,)
    assert (
        state_bytes(remove_inputs(made, [0]).network)["input_shift"] == state_bytes(made)["input_shift"][8:]
    )


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-160, 1.0, 1e160, 1e300, 1.7e308])
def test_scalings_of_columns_of_any_size(size: float) -> None:
    random = np.random.default_rng(0)
    unit = np.clip(random.uniform(-1, 1, (50, 2)), -1, 1)
    unit[:2] = [[-1, -1], [1, 1]]
    net = KAN([2, 1], seed=0, dtype=DOUBLE)
    made = scale_to_data(net, unit * size, unit[:, 0] * size).network
    h = made.activations(torch.from_numpy(unit * size))[0]
    assert h.isfinite().all()
    assert h.abs().max() <= 1 + 1e-9
    if size > 1e-300:
        np.testing.assert_allclose(float(made.output_scale) / size, unit[:, 0].std(), rtol=1e-12)
    assert np.isfinite(float(made.output_scale))
    assert float(made.output_scale) > 0


def test_grids_beyond_measure_are_refused_before_anything_is_made() -> None:
    net = KAN([2, 1], seed=0)
    with pytest.raises(InputError, match="'intervals'"):
        refine(net, 10**9)
    with pytest.raises(InputError, match="'intervals'"):
        regrid(net, np.zeros((3, 2)), 10**9)
