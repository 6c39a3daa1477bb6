"""The least-squares fit never fails, and is the smoothest of the best."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.splines import (
    BSpline,
    evaluate,
    fit_coefficients,
    uniform_grid,
)

F64 = torch.float64
degrees = st.integers(0, 5)


@st.composite
def tables(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x, y (N, 1) and weights (N,): few rows or many, ties, empty intervals, points far outside, zero weights."""
    values = st.one_of(
        st.floats(-1, 2), st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.2, 0.2001), st.floats(-1e6, 1e6)
    )
    n = draw(st.integers(0, 25))
    x = draw(st.lists(values, min_size=n, max_size=n))
    y = draw(st.lists(st.one_of(st.floats(-3, 3), st.just(1.0)), min_size=n, max_size=n))
    w = draw(st.lists(st.sampled_from([0.0, 1.0, 1e-8, 5.0]), min_size=n, max_size=n))
    return tuple(
        torch.tensor(column, dtype=F64).reshape(n, *tail) for column, tail in ((x, (1,)), (y, (1,)), (w, ()))
    )


@given(
    tables(),
    degrees,
    st.sampled_from([1, 5, 40]),
    st.sampled_from([0.0, 1e-4]),
    st.sampled_from([1e-30, 1.0, 1e30]),
)
def test_fit_never_fails_and_never_beats_zero_backwards(
    table: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    degree: int,
    intervals: int,
    roughness: float,
    scale: float,
) -> None:
    x, y, weight = table
    basis = BSpline(uniform_grid(0.0, 1.0, intervals), degree)
    coef = fit_coefficients(basis, x, y * scale, weight, roughness)
    assert coef.shape == (1, basis.size)
    assert coef.isfinite().all()
    # Zero is a candidate of the minimisation, so the fit is at least as close to the data as zero is.
    residual = ((evaluate(basis.breaks, coef, x, degree)[:, 0] / scale - y[:, 0]) ** 2 * weight).sum()
    assert residual <= (y[:, 0] ** 2 * weight).sum() * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_what_the_data_leave_open_is_smooth(degree: int, scale: float) -> None:
    basis = BSpline(uniform_grid(0.0, scale, 20), degree)
    everywhere = torch.linspace(-0.5, 1.5, 101, dtype=F64)[:, None] * scale

    def fit(xs: list[float], ys: list[float]) -> torch.Tensor:
        coef = fit_coefficients(
            basis, torch.tensor(xs, dtype=F64)[:, None] * scale, torch.tensor(ys, dtype=F64)[:, None]
        )
        return evaluate(basis.breaks, coef, everywhere, degree)[:, 0]

    assert (fit([0.3], [2.0]) - 2.0).abs().max() < 1e-5
    assert (fit([0.3, 0.3, 0.3], [1.0, 2.0, 3.0]) - 2.0).abs().max() < 1e-5
    if degree >= 1:
        line = fit([0.2, 0.7], [1.0, 2.0])
        assert (line - (0.6 + 2 * everywhere[:, 0] / scale)).abs().max() < 1e-3
        # Half of the grid is empty: the fit goes on straight instead of swinging off.
        xs = torch.linspace(0.0, 0.5, 60, dtype=F64)
        half = fit(xs.tolist(), (torch.sin(6 * xs) + 0.01 * torch.cos(400 * xs)).tolist())
        assert half.abs().max() < 40


def test_fit_weighs_rows() -> None:
    basis = BSpline(uniform_grid(0.0, 1.0, 3), 3)
    x = torch.linspace(0, 1, 50, dtype=F64)[:, None]
    keep = (x[:, 0] < 0.5).to(F64)
    y = torch.where(x < 0.5, x**2, torch.full_like(x, 9.0))
    doubled = fit_coefficients(basis, torch.cat([x, x]), torch.cat([y, y**2]))
    mean = fit_coefficients(basis, x, (y + y**2) / 2)
    assert torch.allclose(doubled, mean, atol=1e-6)
    found = evaluate(basis.breaks, fit_coefficients(basis, x, y, keep), x)
    assert (found - x**2)[x < 0.5].abs().max() < 1e-6


@pytest.mark.parametrize("roughness", [1e-6, 1e-3, 1.0])
def test_roughness_is_the_integral_of_the_squared_second_derivative(roughness: float) -> None:
    """Against the normal equations, which are accurate enough where the penalty is not tiny."""
    basis = BSpline(torch.tensor([[0.0, 0.1, 0.4, 0.5, 1.0]], dtype=F64), 3)
    x = torch.linspace(0, 1, 60, dtype=F64)[:, None]
    y = torch.exp(x) * torch.sin(9 * x)
    weight = 1 + x[:, 0]
    design = basis.values(x)[:, 0]
    share = (weight / weight.sum())[:, None]
    normal = design.T @ (share * design) + roughness * basis.gram(2)[0]
    expected = torch.linalg.solve(normal, design.T @ (share * y))
    found = fit_coefficients(basis, x, y, weight, roughness).T
    assert (found - expected).abs().max() < 1e-7 * expected.abs().max()


def test_roughness_flattens() -> None:
    basis = BSpline(uniform_grid(0.0, 1.0, 20), 3)
    x = torch.linspace(0, 1, 200, dtype=F64)[:, None]
    y = torch.sin(12 * x)
    bend = [
        float(c @ basis.gram(2)[0] @ c)
        for r in (0.0, 1e-6, 1e-2, 1e6)
        for c in fit_coefficients(basis, x, y, roughness=r)
    ]
    assert bend == sorted(bend, reverse=True)
    assert bend[-1] < 1e-6 * bend[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(3, 2)}, r"'x' .* shape \(N, 1\)"),
        ({"y": torch.zeros(4, 1)}, "'y'"),
        ({"weight": torch.tensor([1.0, -1.0, 1.0])}, "negative"),
        ({"weight": torch.ones(2)}, "'weight'"),
        ({"roughness": -1.0}, "'roughness'"),
        ({"y": torch.tensor([[0.0], [math.nan], [0.0]])}, "'y' .* finite"),
    ],
)
def test_fit_refuses_what_no_fit_can_use(change: dict[str, object], message: str) -> None:
    arguments = {"x": torch.zeros(3, 1, dtype=F64), "y": torch.zeros(3, 1, dtype=F64)} | change
    with pytest.raises(InputError, match=message):
        fit_coefficients(BSpline(uniform_grid(0.0, 1.0, 3), 3), **arguments)
