"""Grids strictly increase and pin their ends whatever the data."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.splines import (
    BSpline,
    curvature_grid,
    data_range,
    evaluate,
    fit_coefficients,
    quantile_grid,
    uniform_grid,
)

F64 = torch.float64
degrees = st.integers(0, 5)


hostile = st.one_of(
    st.floats(-1e3, 1e3),
    st.sampled_from([0.0, 1.0, 1.0 + 1e-15, -1.0, 1e9, 5e-324]),
    st.floats(-1e150, 1e150),
    st.integers(0, 3).map(float),
)
columns = st.one_of(
    st.lists(hostile, min_size=1, max_size=60),
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.lists(st.just(7.0), min_size=1, max_size=9),
)


@given(columns, st.integers(1, 100), st.floats(0, 1))
def test_quantile_grid_strictly_increases_and_pins_its_ends(
    column: list[float], intervals: int, blend: float
) -> None:
    x = torch.tensor(column, dtype=F64)[:, None]
    kept = x.clone()
    grid = quantile_grid(x, intervals, blend)
    low, high = data_range(x)
    assert grid.shape == (1, intervals + 1)
    assert (grid.diff() > 0).all()
    assert float(grid[0, 0]) == float(low)
    assert float(grid[0, -1]) == float(high)
    assert low <= x.min()
    assert high >= x.max()
    assert torch.equal(x, kept)


@given(
    st.lists(
        st.one_of(st.floats(0, 10), st.sampled_from([0.0, 1e-300, 1e300, math.inf, math.nan])),
        min_size=3,
        max_size=60,
    ),
    st.integers(1, 80),
    degrees,
    st.floats(0, 1),
)
def test_curvature_grid_strictly_increases_and_pins_its_ends(
    bends: list[float], intervals: int, degree: int, blend: float
) -> None:
    points = torch.linspace(-2, 5, len(bends), dtype=F64)[None]
    grid = curvature_grid(points, torch.tensor([bends], dtype=F64), intervals, degree, blend)
    assert grid.shape == (1, intervals + 1)
    assert (grid.diff() > 0).all()
    assert float(grid[0, 0]) == -2.0
    assert float(grid[0, -1]) == 5.0


def test_quantile_intervals_hold_equal_shares() -> None:
    x = torch.randn(4000, 2, dtype=F64, generator=torch.Generator().manual_seed(0))
    grid = quantile_grid(x, 8)
    for i in range(2):
        counts = np.histogram(x[:, i].numpy(), grid[i].numpy())[0]
        assert counts.min() > 480
        assert counts.max() < 520
    assert torch.allclose(quantile_grid(x, 8, blend=1.0), uniform_grid(*data_range(x), 8))
    pinned = quantile_grid(x, 4, low=torch.tensor([-9.0, -8.0]))
    assert pinned[:, 0].tolist() == [-9.0, -8.0]
    assert torch.equal(pinned[:, -1], data_range(x)[1])


def test_repeated_values_do_not_pile_up_breaks() -> None:
    mostly_zero = torch.cat([torch.zeros(900, dtype=F64), torch.linspace(0, 1, 101, dtype=F64)])[:, None]
    assert torch.allclose(quantile_grid(mostly_zero, 10), uniform_grid(0.0, 1.0, 10))


def test_curvature_grid_spreads_the_error_evenly() -> None:
    """Breaks by curvature beat equal ones by far where the function bends in one place only."""
    s = torch.linspace(-1, 1, 4001, dtype=F64)[:, None]
    y = torch.tanh(20 * s)
    fourth = y[:, 0].numpy()
    for _ in range(4):
        fourth = np.gradient(fourth, 2 / 4000)
    fourth = torch.from_numpy(fourth)[None]
    errors = []
    for grid in (uniform_grid(-1.0, 1.0, 16), curvature_grid(s.T, fourth, 16)):
        coef = fit_coefficients(BSpline(grid, 3), s, y)
        errors.append(float((evaluate(grid, coef, s) - y).abs().max()))
    assert errors[1] < errors[0] / 5


def test_bad_grids_end_in_one_sentence() -> None:
    x = torch.zeros(3, 1)
    with pytest.raises(InputError, match="'intervals' argument"):
        quantile_grid(x, 0)
    with pytest.raises(InputError, match="'blend' argument"):
        quantile_grid(x, 2, blend=2.0)
    with pytest.raises(InputError, match="at least one row"):
        quantile_grid(torch.zeros(0, 1), 2)
    with pytest.raises(InputError, match="below its 'high' end"):
        uniform_grid(2.0, 1.0, 3)
    with pytest.raises(InputError, match="NaN"):
        quantile_grid(torch.tensor([[math.nan], [1.0]]), 2)
