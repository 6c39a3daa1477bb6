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
    curvature_grid,
    data_range,
    derivative,
    evaluate,
    fit_coefficients,
    quantile_grid,
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
        with pytest.raises(InputError, match="'degree' parameter"):
            BSpline(uniform_grid(0.0, 1.0, 3), degree)
    for bad in ([[0.0, 0.0, 1.0]], [[0.0, math.nan]], [[0.0, math.inf]], [[1.0]], [0.0, 1.0]):
        with pytest.raises(InputError, match="'breaks' of a grid"):
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


# ---- fits ----------------------------------------------------------------------------------------------------------------


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


@given(grids(), degrees, seeds)
def test_fit_recovers_a_spline(breaks: torch.Tensor, degree: int, seed: int) -> None:
    coef = coefficients(breaks, degree, seed)
    share = torch.linspace(0.02, 0.98, degree + 2, dtype=F64)
    x = (breaks[0, :-1, None] + breaks.diff()[0, :, None] * share).reshape(-1, 1)
    y = torch.stack([evaluate(breaks, coef, x, degree), 3 * evaluate(breaks, coef, x, degree)], -1)
    found = fit_coefficients(BSpline(breaks, degree), x, y)
    again = evaluate(breaks, found[..., 0], inside(breaks, seed), degree)
    assert (again - evaluate(breaks, coef, inside(breaks, seed), degree)).abs().max() < 1e-8
    assert torch.allclose(found[..., 1], 3 * found[..., 0], atol=1e-8)


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


# ---- grids ---------------------------------------------------------------------------------------------------------------

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
    with pytest.raises(InputError, match="'intervals' parameter of quantile_grid"):
        quantile_grid(x, 0)
    with pytest.raises(InputError, match="'blend' parameter"):
        quantile_grid(x, 2, blend=2.0)
    with pytest.raises(InputError, match="at least one row"):
        quantile_grid(torch.zeros(0, 1), 2)
    with pytest.raises(InputError, match="below its 'high' end"):
        uniform_grid(2.0, 1.0, 3)
    with pytest.raises(InputError, match="NaN"):
        quantile_grid(torch.tensor([[math.nan], [1.0]]), 2)
