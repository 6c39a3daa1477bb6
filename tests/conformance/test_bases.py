"""What every basis must do, whatever its functions are."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
import torch
from scipy import integrate

from edgewise._core.errors import InputError
from edgewise.kernels import spline_sum
from edgewise.splines import BASES, Basis, default_grid, fit_coefficients, make_basis

F64 = torch.float64
LOW, HIGH = torch.tensor([-1.0, 0.25], dtype=F64), torch.tensor([1.0, 7.0], dtype=F64)
DEGREE = 3


def build(name: str, size: int = 8, dtype: torch.dtype = F64) -> Basis:
    grid = default_grid(name, LOW, HIGH, size - DEGREE, DEGREE).to(dtype)
    return make_basis(name, grid, degree=DEGREE, size=size)


def spread(count: int, margin: float = 0.0) -> torch.Tensor:
    """Points of each input's domain, widened by `margin` of its width and clear of breaks."""
    share = torch.linspace(-margin + 0.0123, 1 + margin - 0.0077, count, dtype=F64)[:, None]
    return LOW + (HIGH - LOW) * share


@pytest.fixture(params=BASES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_protocol(name: str) -> None:
    basis = build(name)
    assert isinstance(basis, Basis)
    assert basis.name == name
    assert basis.size == 8
    assert torch.equal(basis.domain, torch.stack([LOW, HIGH], 1))
    assert basis.values(spread(5)).shape == (5, 2, 8)
    rebuilt = make_basis(name, basis.grid, degree=DEGREE, size=basis.size)
    assert torch.equal(rebuilt.values(spread(5)), basis.values(spread(5)))


def test_one_is_the_constant_function(name: str) -> None:
    basis = build(name)
    x = spread(30, margin=1.0)
    assert (basis.values(x) @ basis.one - 1).abs().max() < 1e-12
    assert (basis.values(x, 1) @ basis.one).abs().max() < 1e-12


def test_functions_are_independent(name: str) -> None:
    values = build(name).values(spread(200))
    for i in range(2):
        assert torch.linalg.matrix_rank(values[:, i]) == 8


@pytest.mark.parametrize("order", range(6))
def test_derivative_is_slope_of_the_one_below(name: str, order: int) -> None:
    basis = build(name)
    x = spread(17)
    h = 1e-5 * (HIGH - LOW)
    slope = (basis.values(x + h, order) - basis.values(x - h, order)) / (2 * h)[:, None]
    exact = basis.values(x, order + 1)
    scale = exact.abs().amax((0, 2), keepdim=True) + basis.values(x, order).abs().amax((0, 2), keepdim=True)
    assert ((slope - exact).abs() <= 1e-5 * scale).all()


def closed_forms(name: str) -> list:
    """The functions over [-1, 1] in mpmath, written independently of the package."""
    if name == "chebyshev":
        return [lambda u, n=n: mpmath.chebyt(n, u) for n in range(8)]
    if name == "rational":
        return [
            lambda u, n=n: mpmath.cos(n * mpmath.acot(u) if u >= 0 else n * (mpmath.pi + mpmath.acot(u)))
            for n in range(8)
        ]
    if name == "fourier":
        turn = mpmath.pi / 2
        pairs = [
            (lambda u, n=n: mpmath.sin(n * turn * u), lambda u, n=n: mpmath.cos(n * turn * u))
            for n in range(1, 5)
        ]
        return [lambda u: mpmath.mpf(1), *(f for pair in pairs for f in pair)][:8]
    if name == "rbf":
        centres = [mpmath.mpf(-1) + mpmath.mpf(2) * j / 5 for j in range(6)]
        h = mpmath.mpf(3) / 2 * 2 / 5
        return [
            lambda u: mpmath.mpf(1),
            lambda u: u,
            *(lambda u, c=c: mpmath.exp(-(((u - c) / h) ** 2)) for c in centres),
        ]
    raise AssertionError(name)


@pytest.mark.parametrize("name", [b for b in BASES if b != "bspline"])
@pytest.mark.parametrize("order", range(7))
def test_every_order_equals_mpmath(name: str, order: int) -> None:
    basis = build(name)
    points = [-0.95, -0.4, 0.1, 0.77]
    found = basis.values(torch.tensor(points, dtype=F64)[:, None].expand(-1, 2), order)[:, 0]
    with mpmath.workdps(60):
        expected = [[float(mpmath.diff(f, mpmath.mpf(p), order)) for f in closed_forms(name)] for p in points]
    expected = torch.tensor(expected, dtype=F64)
    assert (found - expected).abs().max() < 1e-11 * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize("order", range(5))
def test_derivatives_scale_with_the_domain(name: str, order: int) -> None:
    basis = build(name)
    share = torch.linspace(0.01, 0.98, 9, dtype=F64)[:, None]
    values = basis.values(LOW + (HIGH - LOW) * share, order) * ((HIGH - LOW) ** order)[:, None]
    assert torch.allclose(values[:, 0], values[:, 1], rtol=1e-10, atol=1e-9 * float(values.abs().max()))


def test_tails_are_straight_and_continue_the_ends(name: str) -> None:
    basis = build(name)
    for end, side in ((LOW, -1.0), (HIGH, 1.0)):
        value, slope = basis.values(end[None]), basis.values(end[None], 1)
        for step in (1e-9, 0.3, 5.0, 1e6):
            out = end[None] + side * step
            straight = value + (out - end)[..., None] * slope
            assert torch.allclose(basis.values(out), straight, rtol=1e-12, atol=1e-12)
            assert torch.allclose(basis.values(out, 1), slope, rtol=1e-13, atol=1e-13)
            for order in (2, 3, 6):
                assert not basis.values(out, order).any()
        inside = end[None] - side * 1e-9
        assert torch.allclose(basis.values(inside), value, atol=1e-6)
        assert torch.allclose(basis.values(inside, 1), slope, atol=1e-5)
        # At the end itself higher derivatives are those from inside.
        third = basis.values(end[None], 2)
        assert torch.allclose(basis.values(inside, 2), third, atol=1e-4 * float(1 + third.abs().max()))


@pytest.mark.parametrize("order", range(6))
def test_nan_in_nan_out(name: str, order: int) -> None:
    x = spread(3)
    x[1, 0] = torch.nan
    values = build(name).values(x, order)
    # Functions with local support may leave those out of reach at zero: any edge function is NaN all the same.
    edge = values @ torch.zeros(8, dtype=F64)
    assert edge.isnan().tolist() == [[False, False], [True, False], [False, False]]


@pytest.mark.parametrize("order", range(5))
def test_far_outside_stays_finite(name: str, order: int) -> None:
    x = torch.tensor([[1e300, -1e300], [-1e300, 1e300]], dtype=F64)
    assert build(name).values(x, order).isfinite().all()


@pytest.mark.parametrize("order", range(4))
def test_float32(name: str, order: int) -> None:
    x = spread(40, margin=0.5).float()
    single = build(name, dtype=torch.float32).values(x, order)
    exact = build(name).values(x.double(), order)
    assert single.dtype == torch.float32
    assert (single - exact).abs().max() < 2e-5 * (1 + exact.abs().max())


def test_empty_batch(name: str) -> None:
    basis = build(name)
    for order in range(4):
        assert basis.values(torch.empty(0, 2, dtype=F64), order).shape == (0, 2, 8)


def test_nothing_of_the_caller_changes(name: str) -> None:
    basis = build(name)
    x, grid = spread(9, margin=0.3), basis.grid.clone()
    kept = x.clone()
    for order in range(4):
        basis.values(x, order)
        basis.gram(order)
    fit_coefficients(basis, x, x.sin())
    assert torch.equal(x, kept)
    assert torch.equal(basis.grid, grid)


@pytest.mark.parametrize("order", range(4))
def test_gram_equals_quadrature_of_scipy(name: str, order: int) -> None:
    basis = build(name)
    gram = basis.gram(order)[1]
    kinks = basis.grid[1].tolist() if name == "bspline" else [float(LOW[1]), float(HIGH[1])]

    # Open cells: at a break the derivative of a spline belongs to one side only.
    def product(t: np.ndarray, m: int, n: int) -> np.ndarray:
        v = basis.values(torch.from_numpy(t)[:, None].expand(-1, 2), order)[:, 1]
        return (v[:, m] * v[:, n]).numpy()

    scale = float(gram.abs().max())
    for m, n in ((0, 0), (1, 2), (3, 3), (4, 7), (7, 7)):
        exact = sum(integrate.fixed_quad(product, a, b, args=(m, n), n=60)[0] for a, b in pairwise(kinks))
        assert abs(float(gram[m, n]) - exact) < 1e-11 * scale
    assert torch.allclose(gram, gram.T)
    assert torch.linalg.eigvalsh(gram).min() > -1e-12 * scale


@pytest.mark.parametrize("order", [0, 2])
def test_gram_with_many_functions(name: str, order: int) -> None:
    """The number of quadrature nodes is enough for large bases too: a finer rule changes nothing."""
    basis = build(name, size=40)
    cells = (
        basis.grid
        if name == "bspline"
        else LOW[:, None] + (HIGH - LOW)[:, None] * torch.linspace(0, 1, 61, dtype=F64)
    )
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(12))
    low, width = cells[:, :-1, None], cells.diff(dim=1)[..., None]
    x, w = (low + width * (nodes + 1) / 2).flatten(1), (width * weights / 2).flatten(1)
    values = basis.values(x.T, order)
    expected = torch.einsum("sim,is,sin->imn", values, w, values)
    assert (basis.gram(order) - expected).abs().max() < 1e-11 * expected.abs().max()


SMOOTH = {
    "line": lambda u: 2 * u - 1,
    "exp": torch.exp,
    "bump": lambda u: 1 / (1 + u * u),
    "wave": lambda u: torch.sin(3 * u),
}


@pytest.mark.parametrize("target", SMOOTH)
def test_fit_reproduces_smooth_functions(name: str, target: str) -> None:
    basis = build(name, size=24)
    x = spread(300)
    y = SMOOTH[target](2 * (x - LOW) / (HIGH - LOW) - 1)
    coefficients = fit_coefficients(basis, x, y)
    between = spread(977)
    found = torch.einsum("bim,im->bi", basis.values(between), coefficients)
    exact = SMOOTH[target](2 * (between - LOW) / (HIGH - LOW) - 1)
    # Splines and Gaussians converge at a fixed order, the others faster than any.
    tolerance = {"bspline": 2e-4, "rbf": 2e-3}.get(name, 1e-7)
    assert (found - exact).abs().max() < tolerance
    if name in ("bspline", "rbf", "chebyshev") and target == "line":
        assert (found - exact).abs().max() < 1e-11


def test_fit_in_float32_keeps_its_digits(name: str) -> None:
    basis = build(name, size=16, dtype=torch.float32)
    x = spread(200).float()
    y = torch.exp(-x / 3)
    coefficients = fit_coefficients(basis, x, y)
    assert coefficients.dtype == torch.float32
    assert coefficients.abs().max() < 1e3
    found = torch.einsum("bim,im->bi", basis.values(x), coefficients)
    assert (found - y).abs().max() < 3e-3


@pytest.mark.slow
def test_autograd_of_every_order(name: str) -> None:
    basis = build(name)
    seed = torch.Generator().manual_seed(0)
    x = spread(6, margin=0.4).requires_grad_()
    coef = torch.randn(2, 8, 2, dtype=F64, generator=seed).requires_grad_()

    def layer(x: torch.Tensor, coef: torch.Tensor) -> torch.Tensor:
        return spline_sum(basis, x, coef)

    assert torch.autograd.gradcheck(layer, (x, coef))
    assert torch.autograd.gradgradcheck(layer, (x, coef))


def test_third_derivative_by_autograd_equals_the_closed_one(name: str) -> None:
    basis = build(name)
    seed = torch.Generator().manual_seed(1)
    x = spread(11, margin=0.2).requires_grad_()
    coef = torch.randn(2, 8, 1, dtype=F64, generator=seed)
    current = spline_sum(basis, x, coef).sum()
    for order in range(1, 4):
        (slope,) = torch.autograd.grad(current, x, create_graph=True)
        closed = torch.einsum("bim,im->bi", basis.values(x.detach(), order), coef[..., 0])
        assert torch.allclose(slope, closed, rtol=1e-12, atol=1e-10)
        current = slope.sum()


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.*should not be instantiated:DeprecationWarning"
)  # torch's own tracer does it
def test_compiles_without_a_graph_break(name: str) -> None:
    grid = default_grid(name, LOW, HIGH, 5, DEGREE)

    def layer(grid: torch.Tensor, x: torch.Tensor, coef: torch.Tensor) -> torch.Tensor:
        return spline_sum(make_basis(name, grid, degree=DEGREE, size=8), x, coef)

    x = spread(7, margin=0.3).requires_grad_()
    coef = torch.linspace(-1, 1, 32, dtype=F64).sin().reshape(2, 8, 2).requires_grad_()
    torch._dynamo.reset()
    plain = layer(grid, x, coef)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)(grid, x, coef)
    assert torch.allclose(plain, compiled, rtol=1e-13, atol=1e-13)
    for a, b in zip(
        torch.autograd.grad(plain.sum(), (x, coef)),
        torch.autograd.grad(compiled.sum(), (x, coef)),
        strict=True,
    ):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("intervals", [1, 2, 9])
@pytest.mark.parametrize("degree", range(6))
def test_size_is_intervals_plus_degree(name: str, degree: int, intervals: int) -> None:
    if name == "rbf" and intervals + degree < 4:
        with pytest.raises(InputError, match="at least 4"):
            default_grid(name, 0.0, 1.0, intervals, degree)
        return
    grid = default_grid(name, 0.0, 1.0, intervals, degree)
    basis = make_basis(name, grid, degree=degree, size=intervals + degree)
    x = torch.tensor([[0.0], [0.31], [1.0], [4.0]], dtype=F64)
    for order in range(7):
        values = basis.values(x, order)
        assert values.shape == (4, 1, intervals + degree)
        assert values.isfinite().all()


def test_bad_arguments_end_in_one_sentence(name: str) -> None:
    grid = default_grid(name, 0.0, 1.0, 5, DEGREE)
    for bad in (grid.flip(1), grid * torch.nan, grid[0], grid[:, :1]):
        with pytest.raises(InputError, match=r"'(breaks|grid)'"):
            make_basis(name, bad, degree=DEGREE, size=8)
    with pytest.raises(InputError, match=r"\blow\b"):
        default_grid(name, 1.0, 0.0, 5)
    with pytest.raises(InputError, match="'intervals' argument"):
        default_grid(name, 0.0, 1.0, 0)
    if name in ("bspline", "rbf"):
        with pytest.raises(InputError, match="'size' argument must be 8"):
            make_basis(name, grid, degree=DEGREE, size=9)
    else:
        with pytest.raises(InputError, match="'size' argument"):
            make_basis(name, grid)


def test_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'bspline'"):
        make_basis("bsplin", torch.zeros(1, 2))


def test_gaussians_with_unequal_centres() -> None:
    """Clustered centres keep the gram exact and the values finite."""
    centres = torch.tensor([[0.0, 0.001, 0.002, 0.5, 3.0, 10.0]], dtype=F64)
    basis = make_basis("rbf", centres)
    fine = torch.cat([torch.linspace(0, 0.02, 400, dtype=F64), torch.linspace(0.02, 10, 4000, dtype=F64)[1:]])
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(8))
    x = (fine[:-1, None] + fine.diff()[:, None] * (nodes + 1) / 2).flatten()
    w = (fine.diff()[:, None] * weights / 2).flatten()
    for order in range(3):
        values = basis.values(x[:, None], order)[:, 0]
        expected = (values * w[:, None]).T @ values
        unit = expected.diagonal().clamp(min=1e-300).sqrt()
        assert ((basis.gram(order)[0] - expected).abs() / (unit[:, None] * unit)).max() < 1e-9
