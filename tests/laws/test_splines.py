"""Laws of splines and grids, held against scipy on knots, coefficients and data that hypothesis chooses."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import interpolate

from edgewise._core.errors import InputError
from edgewise.splines import (
    BSpline,
    antiderivative,
    derivative,
    evaluate,
    fit_coefficients,
    uniform_grid,
)
from edgewise.splines.pieces import extended_knots

F64 = torch.float64
EPS = 1e-12
degrees = st.integers(0, 5)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def grids(draw: st.DrawFn, max_intervals: int = 8) -> torch.Tensor:
    """Strictly increasing breaks (1, G + 1) of unequal widths, anywhere and at any scale."""
    widths = draw(st.lists(st.floats(0.02, 1.0), min_size=1, max_size=max_intervals))
    start = draw(st.floats(-3.0, 3.0))
    scale = draw(st.sampled_from([1e-6, 1.0, 1e5]))
    return torch.from_numpy(np.cumsum([start, *widths]) * scale)[None]


def coefficients(breaks: torch.Tensor, degree: int, seed: int) -> torch.Tensor:
    return torch.randn(
        1, breaks.shape[1] - 1 + degree, dtype=F64, generator=torch.Generator().manual_seed(seed)
    )


def inside(breaks: torch.Tensor, seed: int, count: int = 40) -> torch.Tensor:
    """Points of the grid, (n, 1), all breaks among them."""
    share = torch.rand(count, 1, dtype=F64, generator=torch.Generator().manual_seed(seed))
    low, high = breaks[:, 0], breaks[:, -1]
    return torch.cat([(low + share * (high - low)).clamp(max=float(high)), breaks.T])


def outside(breaks: torch.Tensor) -> torch.Tensor:
    span = breaks[:, -1:] - breaks[:, :1]
    return torch.cat(
        [breaks[:, :1] - span * 1e-3, breaks[:, :1] - 2 * span, breaks[:, -1:] + 0.1 * span]
    ).reshape(-1, 1)


def scipy_spline(breaks: torch.Tensor, coef: torch.Tensor, degree: int) -> interpolate.BSpline:
    return interpolate.BSpline(extended_knots(breaks, degree)[0].numpy(), coef[0].numpy(), degree)


def size_of(basis: BSpline, coef: torch.Tensor, x: torch.Tensor, order: int) -> float:
    """What rounding is relative to: the sum of the sizes of the terms."""
    return float((basis.values(x, order)[:, 0].abs() @ coef[0].abs()).max())


@given(grids(), degrees, seeds)
def test_functions_sum_to_one(breaks: torch.Tensor, degree: int, seed: int) -> None:
    basis = BSpline(breaks, degree)
    x = torch.cat([inside(breaks, seed), outside(breaks)])
    values = basis.values(x)
    assert (values.sum(-1) - 1).abs().max() < EPS * (1 + values.abs().max())
    for order in range(1, degree + 2):
        slopes = basis.values(x, order)
        assert (slopes.sum(-1).abs() <= EPS * slopes.abs().sum(-1).max()).all()


@given(grids(), degrees, seeds)
def test_non_negative_with_local_support(breaks: torch.Tensor, degree: int, seed: int) -> None:
    values = BSpline(breaks, degree).values(inside(breaks, seed))
    assert (values > -1e-14).all()
    assert ((values.abs() > 1e-14).sum(-1) <= degree + 1).all()


@given(grids(), degrees, seeds)
def test_equals_scipy_at_every_order(breaks: torch.Tensor, degree: int, seed: int) -> None:
    basis, coef, x = BSpline(breaks, degree), coefficients(breaks, degree, seed), inside(breaks, seed)
    oracle = scipy_spline(breaks, coef, degree)
    for order in range(degree + 1):
        found = evaluate(breaks, coef, x, degree, order)[:, 0]
        expected = torch.from_numpy(oracle(x[:, 0].numpy(), order))
        # The left neighbour of a break is another piece where the derivative jumps; scipy takes the right one too.
        assert (found - expected).abs().max() < EPS * size_of(basis, coef, x, order)
    for order in (degree + 1, degree + 3):
        assert not evaluate(breaks, coef, x, degree, order).any()


@given(grids(), degrees, seeds)
def test_tails_are_c1_and_straight(breaks: torch.Tensor, degree: int, seed: int) -> None:
    coef = coefficients(breaks, degree, seed)
    oracle = scipy_spline(breaks, coef, degree)
    x = outside(breaks)
    end = torch.where(x < breaks[0, 0], breaks[0, 0], breaks[0, -1])
    value, slope = torch.from_numpy(oracle(end[:, 0].numpy())), torch.zeros(len(x), dtype=F64)
    if degree:
        slope = torch.from_numpy(oracle(end[:, 0].numpy(), 1))
    expected = value + slope * (x - end)[:, 0]
    tolerance = 10 * EPS * float(1 + expected.abs().max() + (slope * (x - end)[:, 0]).abs().max())
    assert (evaluate(breaks, coef, x, degree)[:, 0] - expected).abs().max() < tolerance
    assert (evaluate(breaks, coef, x, degree, 1)[:, 0] - slope).abs().max() < 10 * EPS * float(
        1e-300 + slope.abs().max() + size_of(BSpline(breaks, degree), coef, end, 1)
    )
    assert not evaluate(breaks, coef, x, degree, 2).any()


@given(grids(), st.integers(1, 5), seeds)
def test_derivative_is_a_spline(breaks: torch.Tensor, degree: int, seed: int) -> None:
    coef, x = coefficients(breaks, degree, seed), inside(breaks, seed)
    lower = derivative(breaks, coef, degree)
    found = evaluate(breaks, lower, x, degree - 1)[:, 0]
    expected = evaluate(breaks, coef, x, degree, 1)[:, 0]
    assert (found - expected).abs().max() < EPS * size_of(BSpline(breaks, degree), coef, x, 1)


@given(grids(), degrees, seeds)
def test_antiderivative_inverts_the_derivative_and_equals_scipy(
    breaks: torch.Tensor, degree: int, seed: int
) -> None:
    coef, x = coefficients(breaks, degree, seed), inside(breaks, seed)
    integral = antiderivative(breaks, coef, degree)
    assert (derivative(breaks, integral, degree + 1) - coef).abs().max() < 1e-11 * coef.abs().max()
    oracle = scipy_spline(breaks, coef, degree).antiderivative()
    expected = oracle(x[:, 0].numpy()) - oracle(float(breaks[0, 0]))
    knots = extended_knots(breaks, degree + 1)[0].numpy()
    found = interpolate.BSpline(knots, integral[0].numpy(), degree + 1)(x[:, 0].numpy())
    size = float(integral.abs().max() + (breaks[0, -1] - breaks[0, 0]) * coef.abs().max())
    assert np.abs(found - expected).max() < EPS * size * 10
    if degree < 5:
        ours = evaluate(breaks, integral, x, degree + 1)[:, 0].numpy()
        assert np.abs(ours - expected).max() < EPS * size * 10


@given(grids(), degrees, seeds, st.lists(st.floats(0.01, 0.99), max_size=10))
def test_refine_changes_no_output(breaks: torch.Tensor, degree: int, seed: int, shares: list[float]) -> None:
    span = float(breaks[0, -1] - breaks[0, 0])
    extra = torch.tensor([float(breaks[0, 0]) + span * share for share in shares], dtype=F64)
    fine = torch.unique(torch.cat([breaks[0], extra]))[None]
    assume(float(fine.diff().min()) > 1e-5 * span)
    coarse, coef = BSpline(breaks, degree), coefficients(breaks, degree, seed)
    matrix = coarse.refine(fine)
    assert matrix.shape == (1, fine.shape[1] - 1 + degree, coarse.size)
    assert (matrix.sum(-1) - 1).abs().max() < 1e-11
    refined = torch.einsum("iab,ib->ia", matrix, coef)
    for x in (inside(breaks, seed), outside(breaks)):
        before, after = evaluate(breaks, coef, x, degree), evaluate(fine, refined, x, degree)
        assert (before - after).abs().max() < EPS * size_of(coarse, coef, x, 0) * 2


def test_refine_refuses_a_grid_that_lost_a_break() -> None:
    basis = BSpline(uniform_grid(0.0, 1.0, 4), 3)
    with pytest.raises(InputError, match="every present break"):
        basis.refine(uniform_grid(0.0, 1.0, 6))
    with pytest.raises(InputError, match="ends included"):
        basis.refine(torch.tensor([[-1.0, 0.0, 0.25, 0.5, 0.75, 1.0]], dtype=F64))
    with pytest.raises(InputError, match="1 rows"):
        basis.refine(uniform_grid(0.0, 1.0, 8, n_inputs=2))


@given(grids(), st.integers(1, 5), seeds)
def test_greville_abscissae_give_the_identity(breaks: torch.Tensor, degree: int, seed: int) -> None:
    basis = BSpline(breaks, degree)
    x = torch.cat([inside(breaks, seed), outside(breaks)])
    found = evaluate(breaks, basis.greville(), x, degree)
    assert (found - x).abs().max() < EPS * size_of(basis, basis.greville(), x, 0) + 1e-300


@given(grids(), degrees, seeds)
def test_jumps_are_those_of_the_top_derivative(breaks: torch.Tensor, degree: int, seed: int) -> None:
    basis, coef = BSpline(breaks, degree), coefficients(breaks, degree, seed)
    top = scipy_spline(breaks, coef, degree)((breaks[0, 1:] + breaks[0, :-1]).numpy() / 2, degree)
    expected = np.diff(top) * float(breaks[0, -1] - breaks[0, 0]) ** degree / math.factorial(degree)
    found = (basis.jumps()[0] @ coef[0]).numpy()
    assert found.shape == (basis.intervals - 1,)
    assert (
        np.abs(found - expected) <= 1e-11 * float(basis.jumps().abs().sum(-1).amax() if len(found) else 1) * 3
    ).all()


@given(grids(), degrees, st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_jumps_vanish_on_polynomials(breaks: torch.Tensor, degree: int, powers: list[float]) -> None:
    basis = BSpline(breaks, degree)
    low, high = float(breaks[0, 0]), float(breaks[0, -1])
    u = np.linspace(-1, 1, 20 * basis.size)
    y = np.polynomial.chebyshev.chebval(u, powers[: degree + 1])
    x = np.clip(low + (u + 1) / 2 * (high - low), low, high)
    design = interpolate.BSpline.design_matrix(x, extended_knots(breaks, degree)[0].numpy(), degree).toarray()
    coef = torch.from_numpy(np.linalg.lstsq(design, y, rcond=None)[0])
    jumps = basis.jumps()[0]
    assert ((jumps @ coef).abs() <= 1e-9 * (jumps.abs() @ coef.abs()) + 1e-12).all()


@given(grids(), degrees)
def test_gram_equals_scipy(breaks: torch.Tensor, degree: int) -> None:
    basis = BSpline(breaks, degree)
    knots = extended_knots(breaks, degree)[0].numpy()
    low, high = float(breaks[0, 0]), float(breaks[0, -1])
    gram = basis.gram()[0].numpy()
    for m in range(min(3, basis.size)):
        unit = np.eye(basis.size)[m]
        integral = interpolate.BSpline(knots, unit, degree).integrate(low, high)
        # The functions sum to one, so a row of the gram sums to the integral of its function.
        assert abs(gram[m].sum() - integral) < EPS * (high - low)


def test_bad_degree_and_breaks_are_refused() -> None:
    for degree in (-1, 6):
        with pytest.raises(InputError) as refused:
            BSpline(uniform_grid(0.0, 1.0, 3), degree)
        assert refused.value.argument == "degree"
    for bad in ([[0.0, 0.0, 1.0]], [[0.0, math.nan]], [[0.0, math.inf]], [[1.0]], [0.0, 1.0]):
        with pytest.raises(InputError, match="'breaks' argument"):
            BSpline(torch.tensor(bad))
    with pytest.raises(InputError, match="derivative"):
        derivative(uniform_grid(0.0, 1.0, 3), torch.zeros(1, 3), 0)


def test_float32_is_close_to_float64() -> None:
    breaks = uniform_grid(-1.0, 1.0, 50)
    x = torch.linspace(-1.5, 1.5, 301, dtype=F64)[:, None]
    for order in range(4):
        exact = BSpline(breaks, 3).values(x, order)
        single = BSpline(breaks.float(), 3).values(x.float(), order)
        assert single.dtype == torch.float32
        at_break = ((x - breaks).abs() < 1e-5).any(1)
        assert (single - exact)[~at_break].abs().max() < 1e-3 * exact.abs().max()


@given(grids(), degrees, seeds)
def test_fit_recovers_a_spline(breaks: torch.Tensor, degree: int, seed: int) -> None:
    coef = coefficients(breaks, degree, seed)
    share = torch.linspace(0.02, 0.98, degree + 2, dtype=F64)
    x = (breaks[0, :-1, None] + breaks.diff()[0, :, None] * share).reshape(-1, 1)
    y = torch.stack([evaluate(breaks, coef, x, degree), 3 * evaluate(breaks, coef, x, degree)], -1)
    found = fit_coefficients(BSpline(breaks, degree), x, y)
    again = evaluate(breaks, found[..., 0], inside(breaks, seed), degree)
    assert (again - evaluate(breaks, coef, inside(breaks, seed), degree)).abs().max() < 1e-11
    assert torch.allclose(found[..., 1], 3 * found[..., 0], atol=1e-10)
