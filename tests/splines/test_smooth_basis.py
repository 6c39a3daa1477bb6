"""Grids by mass, and coordinates from smooth to rough."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.splines import BSpline, mass_grid, smooth_basis, uniform_grid

values = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(values, st.integers(1, 30))
def test_mass_grids_increase_and_span_the_data(column, intervals):
    x = torch.tensor(column, dtype=torch.float64)[:, None]
    breaks = mass_grid(x, intervals)
    assert breaks.shape == (1, intervals + 1)
    assert bool((breaks.diff(dim=1) > 0).all())
    assert float(breaks[0, 0]) <= min(column)
    assert float(breaks[0, -1]) >= max(column)


def test_no_value_takes_up_more_than_an_interval():
    tail = torch.linspace(1, 100, 200, dtype=torch.float64)
    x = torch.cat([torch.zeros(20_000, dtype=torch.float64), tail])[:, None]
    breaks = mass_grid(x, 10)[0]
    assert int((breaks > 0.5).sum()) >= 9


def test_plain_quantiles_where_no_value_repeats():
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)[:, None] ** 3
    breaks, even = mass_grid(x, 4)[0], torch.linspace(0, 1, 5, dtype=torch.float64)
    expected = torch.lerp(torch.quantile(x[:, 0], even), even, 0.02)  # with a few equal intervals
    assert torch.allclose(breaks, expected, atol=2e-3)


@pytest.mark.parametrize("distinct", [1, 2, 3, 7, 500])
def test_coordinates_are_orthogonal_ordered_and_as_many_as_the_rows_can_tell(distinct):
    x = torch.linspace(-1, 1, distinct, dtype=torch.float64).repeat(500 // distinct)[:, None]
    grid = uniform_grid(-1.0, 1.0, 9)
    B = BSpline(grid, 3).values(x)[:, 0]
    T = smooth_basis(B, power=0.0)
    assert T.shape[1] == min(distinct, B.shape[1])
    gram = (B @ T).T @ (B @ T) / len(B)
    assert float((gram - torch.diag(gram.diagonal())).abs().max()) < 1e-3
    constant = B @ T[:, 0]
    assert float(constant.max() - constant.min()) < 1e-3
    if distinct > 2:
        line = torch.linalg.lstsq(torch.cat([torch.ones_like(x), x], 1), (B @ T[:, 1])[:, None])
        assert float(line.residuals.sum() if len(line.residuals) else 0.0) < 1.0
    bends = (T.diff(n=2, dim=0) ** 2).sum(0)
    assert bool((bends.diff() > -1e-6).all())


def test_power_scales_rough_directions_down():
    x = torch.linspace(-1, 1, 300, dtype=torch.float64)[:, None]
    B = BSpline(uniform_grid(-1.0, 1.0, 9), 3).values(x)[:, 0]
    plain, scaled = smooth_basis(B, power=0.0), smooth_basis(B, power=2.0)
    order = torch.arange(plain.shape[1], dtype=torch.float64)
    assert torch.allclose(scaled, plain * (1 + (order - 1).clamp(min=0)) ** -2)
