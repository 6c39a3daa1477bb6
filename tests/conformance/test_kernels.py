"""What every backend of the trilinear form must do, held to naive sums in float64."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

from edgewise import InputError
from edgewise.kernels import backends, reference, spline_edges, spline_sum, trilinear
from edgewise.kernels.backends import Backend
from edgewise.kernels.native.library import load
from edgewise.kernels.native_backend import NativeBackend
from edgewise.splines import BASES, Basis, BSpline, default_grid, make_basis, uniform_grid
from edgewise.splines.pieces import GridPieces

F64, F32 = torch.float64, torch.float32
LIBRARY = load()


def instruction_sets() -> list[str]:
    """Those of this processor."""
    if LIBRARY is None:
        return []
    found, first = [], LIBRARY.isa
    for name in ("avx512", "avx2", "neon", "portable"):
        try:
            LIBRARY.use_isa(name)
            found.append(name)
        except InputError:
            continue
    LIBRARY.use_isa(first)
    return found


ISAS = instruction_sets()


@pytest.fixture(params=["reference", *ISAS])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """The backend under test, which also serves `spline_sum`."""
    if LIBRARY is None or request.param == "reference":
        monkeypatch.setattr(trilinear, "backend", lambda x: reference)
        yield reference
        return
    before, compiled = LIBRARY.isa, NativeBackend(LIBRARY)
    LIBRARY.use_isa(request.param)
    monkeypatch.setattr(trilinear, "backend", lambda x: compiled)
    yield compiled
    LIBRARY.use_isa(before)


@dataclass(frozen=True)
class Problem:
    basis: BSpline
    x: Tensor
    v: Tensor
    coef: Tensor
    base: Tensor
    g: Tensor

    def to(self, dtype: torch.dtype) -> "Problem":
        """The same numbers in another precision."""
        basis = BSpline(self.basis.breaks.to(dtype), self.basis.degree)
        return Problem(basis, *(t.to(dtype) for t in (self.x, self.v, self.coef, self.base, self.g)))

    def rounded(self) -> "Problem":
        """Numbers that float32 holds exactly, so that only the arithmetic differs."""
        return self.to(F32).to(F64)


def problem(
    degree: int = 3,
    rows: int = 23,
    inputs: int = 3,
    outputs: int = 4,
    intervals: int = 5,
    seed: int = 0,
    uniform: bool = False,
) -> Problem:
    """A grid of its own for every input; rows inside, at breaks, at both ends and in both tails."""
    source = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=F64, generator=source)

    # Steps of 1/8: equal widths stay equal in float32.
    steps = torch.randint(2, 8, (inputs, 1 if uniform else intervals), generator=source).to(F64) / 8
    widths = steps.expand(inputs, intervals)
    breaks = torch.cat([torch.zeros(inputs, 1, dtype=F64), widths.cumsum(1)], 1) - 1.0
    x = normal(rows, inputs) * 2
    for row in range(min(rows, 4)):
        x[row] = breaks[:, [0, min(1, intervals), -2, -1][row]]
    basis = BSpline(breaks, degree)
    assert basis.pieces is not None
    assert basis.pieces.uniform or not uniform
    coef, base = normal(inputs, basis.size, outputs), normal(inputs, outputs)
    return Problem(basis, x, normal(rows, inputs), coef, base, normal(rows, outputs))


def values(p: Problem, order: int) -> Tensor:
    """Basis values by autograd of nothing, kernels of nothing: the basis's own suite vouches for them."""
    return p.basis.values(p.x, order)


def silu(x: Tensor, order: int) -> Tensor:
    """Derivatives of silu by autograd of torch's own."""
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        value = point * torch.sigmoid(point)
        for _ in range(order):
            (value,) = torch.autograd.grad(value.sum(), point, create_graph=True)
    return value.detach()


def forward(p: Problem, v: Tensor | None, base: Tensor | None, order: int) -> Tensor:
    v = torch.ones_like(p.x) if v is None else v
    y = torch.einsum("bi,bim,imo->bo", v, values(p, order), p.coef)
    return y if base is None else y + torch.einsum("bi,bi,io->bo", v, silu(p.x, order), base)


def grad_coef(p: Problem, v: Tensor | None, order: int) -> tuple[Tensor, Tensor]:
    v = torch.ones_like(p.x) if v is None else v
    coef = torch.einsum("bi,bim,bo->imo", v, values(p, order), p.g)
    return coef, torch.einsum("bi,bi,bo->io", v, silu(p.x, order), p.g)


def grad_input(p: Problem, base: Tensor | None, order: int) -> Tensor:
    x = torch.einsum("bim,imo,bo->bi", values(p, order), p.coef, p.g)
    return x if base is None else x + torch.einsum("bi,io,bo->bi", silu(p.x, order), base, p.g)


def assert_close(found: Tensor | None, expected: Tensor) -> None:
    assert found is not None
    assert found.shape == expected.shape
    if expected.numel():
        single = found.dtype == F32
        error = (found.to(F64) - expected).abs().max()
        assert error <= (5e-5 if single else 1e-12) * (1 + expected.abs().max())


WEIGHTED, BASED = 1, 2


@cache
def case(order: int, options: int, **sizes: int) -> tuple[Problem, tuple[Tensor, ...]]:
    """A problem and what its maps give, for all backends: forward, both gradients, that in x, and the slope times v."""
    exact = problem(**sizes).rounded()
    v = exact.v if options & WEIGHTED else None
    base = exact.base if options & BASED else None
    slope = grad_input(exact, base, order + 1)
    return exact, (
        forward(exact, v, base, order),
        *grad_coef(exact, v, order),
        grad_input(exact, base, order),
        slope if v is None else slope * v,
    )


def assert_maps(backend: Backend, dtype: torch.dtype, order: int, options: int, **sizes: int) -> None:
    """All maps of a problem; `options` tell of weights v and base function."""
    exact, (y, dcoef, dbase, dx, slope) = case(order, options, **sizes)
    p = exact.to(dtype)
    v = p.v if options & WEIGHTED else None
    base = p.base if options & BASED else None
    found = backend.forward(p.basis, p.x, v, p.coef, base, order)
    assert found.dtype == dtype
    assert_close(found, y)
    coef, weights = backend.grad_coef(p.basis, p.x, v, p.g, base is not None, order)
    assert_close(coef, dcoef)
    assert_close(backend.grad_input(p.basis, p.x, p.coef, base, p.g, order), dx)
    together = backend.backward(p.basis, p.x, v, p.coef, base, p.g, order)
    assert_close(together[0], slope)
    assert_close(together[1], dcoef)
    assert (weights is None) == (together[2] is None) == (base is None)
    if base is not None:
        assert_close(weights, dbase)
        assert_close(together[2], dbase)


@pytest.mark.slow
@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("degree", range(6))
def test_maps_equal_the_naive_sums(backend: Backend, degree: int, order: int) -> None:
    for uniform, (dtype, options) in product((False, True), ((F64, 0), (F32, 1), (F32, 2), (F64, 3))):
        assert_maps(backend, dtype, order, options, degree=degree, uniform=uniform, seed=options)


def test_grids_that_are_uniform_in_single_precision_only(backend: Backend) -> None:
    """As those of a layer in float32 that is moved on to float64."""
    p = problem()
    breaks = torch.linspace(-1, 1, 6).double().expand(3, -1).contiguous()
    p = Problem(BSpline(breaks, 3), p.x, p.v, p.coef, p.base, p.g)
    assert_close(backend.forward(p.basis, p.x, None, p.coef, None, 0), forward(p, None, None, 0))
    assert p.basis.pieces is not None
    assert not p.basis.pieces.uniform
    single = p.to(F32).basis.pieces
    assert single is not None
    assert single.uniform


@pytest.mark.parametrize("dtype", [F64, F32])
def test_fourth_derivative_of_the_base(backend: Backend, dtype: torch.dtype) -> None:
    for order in (4, 5):
        assert_maps(backend, dtype, order, WEIGHTED | BASED)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("rows", [1, 2, 7, 64, 255, 256, 257, 1000])
def test_any_number_of_rows(backend: Backend, rows: int, dtype: torch.dtype) -> None:
    for uniform in (False, True):
        assert_maps(backend, dtype, 0, WEIGHTED | BASED, rows=rows, outputs=3, uniform=uniform)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("outputs", [1, 2, 5, 8, 16, 17, 40, 64, 100])
def test_any_number_of_outputs(backend: Backend, outputs: int, dtype: torch.dtype) -> None:
    for rows in (9, 64):
        assert_maps(backend, dtype, 1, WEIGHTED | BASED, rows=rows, outputs=outputs)
        assert_maps(backend, dtype, 0, BASED, degree=2, rows=rows, outputs=outputs, uniform=True)


@pytest.mark.slow
@pytest.mark.parametrize("intervals", [1, 2, 3, 40, 300])
@pytest.mark.parametrize("degree", [0, 1, 3, 5])
def test_any_number_of_intervals(backend: Backend, degree: int, intervals: int) -> None:
    for uniform in (False, True):
        assert_maps(backend, F64, 0, 0, degree=degree, intervals=intervals, uniform=uniform)


@pytest.mark.parametrize("inputs", [1, 2, 17, 65])
def test_any_number_of_inputs(backend: Backend, inputs: int) -> None:
    assert_maps(backend, F32, 0, WEIGHTED | BASED, inputs=inputs, rows=66)


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("order", [0, 2])
def test_every_basis(backend: Backend, name: str, order: int) -> None:
    p = problem()
    low, high = p.basis.domain.T
    basis: Basis = make_basis(name, default_grid(name, low, high, 5, 3), degree=3, size=8)
    b = basis.values(p.x, order)
    y = trilinear.forward(basis, p.x, p.v, p.coef, p.base, order)
    base = torch.einsum("bi,bi,io->bo", p.v, silu(p.x, order), p.base)
    assert_close(y, torch.einsum("bi,bim,imo->bo", p.v, b, p.coef) + base)
    coef, _ = trilinear.grad_coef(basis, p.x, p.v, p.g, False, order)
    assert_close(coef, torch.einsum("bi,bim,bo->imo", p.v, b, p.g))
    dx = trilinear.grad_input(basis, p.x, p.coef, None, p.g, order)
    assert_close(dx, torch.einsum("bim,imo,bo->bi", b, p.coef, p.g))


# ---- networks side by side ---------------------------------------------------------------------------------


def stack(problems: list[Problem], shared: bool) -> Problem:
    """One problem of several networks; with `shared`, on the first one's grid."""
    first = problems[0].basis
    tensors = [torch.stack([getattr(p, name) for p in problems]) for name in ("x", "v", "coef", "base", "g")]
    if shared:
        return Problem(first, *tensors)
    tables = [backends.tables(p.basis) for p in problems]
    breaks, table, origin, width = (torch.stack([t[k] for t in tables]) for k in range(4))
    uniform = all(t[5] for t in tables)
    return Problem(BSpline(breaks, first.degree, GridPieces(table, origin, width, uniform)), *tensors)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("uniform", [False, True])
def test_networks_side_by_side(backend: Backend, uniform: bool, shared: bool, dtype: torch.dtype) -> None:
    for rows, outputs in ((7, 1), (70, 5), (0, 2)):
        apart = [problem(rows=rows, outputs=outputs, seed=k, uniform=uniform).rounded() for k in range(3)]
        if shared:
            basis = apart[0].basis
            apart = [Problem(basis, p.x, p.v, p.coef, p.base, p.g) for p in apart]
        p = stack([p.to(dtype) for p in apart], shared)
        y = backend.forward(p.basis, p.x, p.v, p.coef, p.base, 0)
        assert_close(y, torch.stack([forward(p, p.v, p.base, 0) for p in apart]))
        coef, base = backend.grad_coef(p.basis, p.x, p.v, p.g, True, 1)
        for found, k in ((coef, 0), (base, 1)):
            assert_close(found, torch.stack([grad_coef(p, p.v, 1)[k] for p in apart]))
        dx = backend.grad_input(p.basis, p.x, p.coef, p.base, p.g, 1)
        assert_close(dx, torch.stack([grad_input(p, p.base, 1) for p in apart]))
        dx, coef, base = backend.backward(p.basis, p.x, p.v, p.coef, p.base, p.g, 0)
        assert_close(dx, torch.stack([p.v * grad_input(p, p.base, 1) for p in apart]))
        for found, k in ((coef, 0), (base, 1)):
            assert_close(found, torch.stack([grad_coef(p, p.v, 0)[k] for p in apart]))
        # One network's tensors may be seen by all of them.
        x, c = p.x[:1].expand_as(p.x), p.coef[:1].expand_as(p.coef)
        assert_close(backend.forward(p.basis, x, p.v, c, None, 0), ours(p, x, p.v, c).to(F64))
        assert_close(backend.backward(p.basis, x, p.v, c, None, p.g, 0)[1], ours_coef(p, x).to(F64))


def ours(p: Problem, x: Tensor, v: Tensor, c: Tensor) -> Tensor:
    return reference.forward(p.basis, x, v, c, None, 0)


def ours_coef(p: Problem, x: Tensor) -> Tensor:
    return reference.grad_coef(p.basis, x, p.v, p.g, False, 0)[0]


# ---- memory ------------------------------------------------------------------------------------------------


def every_map(backend: Backend, p: Problem, order: int = 0) -> list[Tensor]:
    coef, base = backend.grad_coef(p.basis, p.x, p.v, p.g, True, order)
    together = backend.backward(p.basis, p.x, p.v, p.coef, p.base, p.g, order)
    found = [
        backend.forward(p.basis, p.x, p.v, p.coef, p.base, order),
        backend.grad_input(p.basis, p.x, p.coef, p.base, p.g, order),
        coef,
        base,
        *together,
    ]
    return [t for t in found if t is not None]


def test_views_and_strides(backend: Backend) -> None:
    p = problem()
    x, v = p.x.T.contiguous().T, torch.stack([p.v, p.v], -1)[..., 0]
    coef, base = p.coef.permute(2, 0, 1).contiguous().permute(1, 2, 0), p.base.T.contiguous().T
    wide = torch.cat([p.g, p.g], 1)[:, :4]
    assert not any(t.is_contiguous() for t in (x, v, coef, base, wide))
    breaks = p.basis.breaks.T.contiguous().T
    q = Problem(BSpline(breaks, 3), x, v, coef, base, wide)
    # A gradient that is one number seen everywhere has stride zero, as has a row seen everywhere.
    for g in (wide, torch.ones((), dtype=F64).expand(23, 4), p.g[:1].expand(23, 4), p.g.T.contiguous().T):
        plain = Problem(p.basis, p.x, p.v, p.coef, p.base, g.contiguous())
        strided = Problem(q.basis, x, v, coef, base, g)
        for found, expected in zip(every_map(backend, strided), every_map(backend, plain), strict=True):
            assert_close(found, expected)


@pytest.mark.parametrize("dtype", [F64, F32])
def test_empty_batch(backend: Backend, dtype: torch.dtype) -> None:
    p = problem(rows=0).to(dtype)
    for order in range(3):
        assert backend.forward(p.basis, p.x, p.v, p.coef, p.base, order).shape == (0, 4)
        assert backend.grad_input(p.basis, p.x, p.coef, p.base, p.g, order).shape == (0, 3)
        for nothing, like in zip(
            backend.grad_coef(p.basis, p.x, p.v, p.g, True, order), (p.coef, p.base), strict=True
        ):
            assert nothing is not None
            assert nothing.shape == like.shape
            assert not nothing.any()


@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("based", [False, True])
def test_nan_stays_in_its_row(backend: Backend, based: bool, order: int, dtype: torch.dtype) -> None:
    for degree, uniform in ((3, False), (2, True), (0, False), (5, True)):
        p = problem(degree, rows=40, outputs=9, uniform=uniform).to(dtype)
        p.x[5, 1] = torch.nan
        base = p.base if based else None
        y = backend.forward(p.basis, p.x, None, p.coef, base, order)
        assert y[5].isnan().all()
        assert y.isfinite().all(1).sum() == len(y) - 1
        dx = backend.grad_input(p.basis, p.x, p.coef, base, p.g, order)
        assert dx.isnan().nonzero().tolist() == [[5, 1]]


@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("uniform", [False, True])
def test_far_outside_and_infinite(backend: Backend, uniform: bool, dtype: torch.dtype) -> None:
    p = problem(rows=6, inputs=1, uniform=uniform).rounded().to(dtype)
    far = 1e30 if dtype == F32 else 1e290
    p.x[:, 0] = torch.tensor([far, -far, torch.inf, -torch.inf, 1e6, -1e6], dtype=dtype)
    for order in range(4):
        y = backend.forward(p.basis, p.x, None, p.coef, None, order)
        expected = reference.forward(p.basis, p.x, None, p.coef, None, order)
        torch.testing.assert_close(y[[0, 1, 4, 5]], expected[[0, 1, 4, 5]], rtol=1e-5, atol=1e-5)
        assert y[[0, 1, 4, 5]].isfinite().all()
        dx = backend.grad_input(p.basis, p.x, p.coef, None, p.g, order)
        assert dx[[0, 1, 4, 5]].isfinite().all()
    assert not backend.forward(p.basis, p.x, None, p.coef, None, 0)[[2, 3]].isfinite().any()
    # The base function and its derivatives have limits at both ends.
    nothing = torch.zeros_like(p.coef)
    for order, ends in ((1, (1.0, 0.0)), (2, (0.0, 0.0)), (3, (0.0, 0.0)), (4, (0.0, 0.0))):
        y = backend.forward(p.basis, p.x[[0, 1, 4, 5]], None, nothing, p.base, order)
        limit = torch.tensor(ends * 2, dtype=dtype)[:, None] * p.base
        torch.testing.assert_close(y, limit, rtol=1e-6, atol=1e-6)


def test_nothing_of_the_caller_changes(backend: Backend) -> None:
    p = problem()
    given = (p.x, p.v, p.coef, p.base, p.g, *backends.tables(p.basis)[:4])
    kept = [t.clone() for t in given]
    every_map(backend, p)
    for before, after in zip(kept, given, strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize("dtype", [F64, F32])
def test_same_bits_on_every_run_and_any_number_of_threads(backend: Backend, dtype: torch.dtype) -> None:
    threads = torch.get_num_threads()
    for rows, inputs, outputs in ((1000, 3, 4), (65, 40, 33), (3, 2, 1)):
        p = problem(rows=rows, inputs=inputs, outputs=outputs).to(dtype)
        try:
            torch.set_num_threads(1)
            first = every_map(backend, p)
            again = every_map(backend, p)
            torch.set_num_threads(2)
            second = every_map(backend, p)
        finally:
            torch.set_num_threads(threads)
        for a, b, c in zip(first, again, second, strict=True):
            assert torch.equal(a, b)
            if backend is not reference:  # torch's own products split their sums by threads
                assert torch.equal(a, c)


def test_offsets_beyond_two_to_the_31(backend: Backend) -> None:
    """Rows so far apart that 32 bits cannot tell; only the pages that hold them are ever touched."""
    p = problem(rows=3, inputs=2).to(F32)
    step = 1 << 30
    try:
        memory = torch.empty(2 * step + 64, dtype=F32)
    except RuntimeError:
        pytest.skip("no memory for a large allocation")
    x = memory.as_strided((3, 2), (step, 1))
    g = memory.as_strided((3, 4), (step, 1), 16)
    v = memory.as_strided((3, 2), (step, 1), 32)
    for far, near in ((x, p.x), (g, p.g), (v, p.v)):
        far.copy_(near)
    q = Problem(p.basis, x, v, p.coef, p.base, g)
    for found, expected in zip(every_map(backend, q), every_map(backend, p), strict=True):
        assert torch.equal(found, expected) or backend is reference


@pytest.mark.parametrize("order", range(7))
def test_derivatives_of_silu_equal_mpmath(order: int) -> None:
    points = [-30.0, -4.0, -0.3, 0.0, 1.7, 25.0]
    found = reference.silu(torch.tensor(points, dtype=F64), order)
    with mpmath.workdps(50):
        expected = [
            float(mpmath.diff(lambda t: t / (1 + mpmath.exp(-t)), mpmath.mpf(x), order)) for x in points
        ]
    assert np.allclose(found.numpy(), expected, rtol=1e-11, atol=1e-13)


# ---- derivatives: the set of maps is closed ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("degree", [3, 4, 5])
def test_gradcheck_and_gradgradcheck(backend: Backend, degree: int, order: int) -> None:
    p = problem(degree, rows=4, inputs=2, outputs=2, intervals=3)
    # Not at breaks: there the derivative of a cubic's second derivative is one-sided.
    x = (p.x + 0.0137).requires_grad_()
    coef = p.coef.requires_grad_()

    def layer(x: Tensor, coef: Tensor) -> Tensor:
        return spline_sum(p.basis, x, coef, order)

    assert torch.autograd.gradcheck(layer, (x, coef))
    assert torch.autograd.gradgradcheck(layer, (x, coef))


def test_gradgradcheck_of_each_argument_alone(backend: Backend) -> None:
    p = problem(4, rows=5, inputs=2, outputs=2)
    x, coef = (p.x + 0.0137).requires_grad_(), p.coef.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: spline_sum(p.basis, x, p.coef), (x,))
    assert torch.autograd.gradgradcheck(lambda c: spline_sum(p.basis, p.x, c), (coef,))


@pytest.mark.slow
def test_gradgradcheck_with_base(backend: Backend) -> None:
    p = problem(4, rows=3, inputs=2, outputs=2, intervals=2)
    given = [t.clone().requires_grad_() for t in (p.x + 0.0137, p.coef, p.base)]

    def layer(x: Tensor, coef: Tensor, base: Tensor) -> Tensor:
        return spline_sum(p.basis, x, coef, 0, base)

    assert torch.autograd.gradcheck(layer, given)
    assert torch.autograd.gradgradcheck(layer, given)
    every = [p.x + 0.0137, p.v, p.coef, p.base, p.g]
    every = [t.clone().requires_grad_() for t in every]
    assert torch.autograd.gradcheck(lambda *a: trilinear.backward(p.basis, *a, 0), every)
    assert torch.autograd.gradgradcheck(lambda *a: trilinear.backward(p.basis, *a, 0), every)


def test_third_derivatives_equal_those_through_the_dense_basis(backend: Backend) -> None:
    """d^3 of a nonlinear loss in x and in coefficients, against autograd of an independent dense formula."""
    p = problem(5, rows=7, inputs=2, outputs=2)
    tangents = [p.v, p.v.flip(0), p.v.roll(1, 0)]

    def dense(x: Tensor, coef: Tensor) -> Tensor:
        # Truncated Taylor series about the present point: exact to the order that three derivatives can see.
        step = x - p.x
        terms = [p.basis.values(p.x, r) * (step**r / [1, 1, 2, 6][r])[..., None] for r in range(4)]
        return torch.einsum("bim,imo->bo", sum(terms[1:], terms[0]), coef)

    def kernel(x: Tensor, coef: Tensor) -> Tensor:
        return spline_sum(p.basis, x, coef)

    found = []
    for function in (kernel, dense):
        x, coef = p.x.clone().requires_grad_(), p.coef.clone().requires_grad_()
        current = (function(x, coef) ** 3 * p.g).sum()
        results = []
        for tangent in tangents:
            dx, dc = torch.autograd.grad(current, (x, coef), create_graph=True)
            results += [dx, dc]
            current = (dx * tangent).sum() + (dc**2).sum()
        found.append(results)
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).abs().max() <= 1e-10 * theirs.abs().max()


def test_only_what_is_asked_for_is_computed(backend: Backend) -> None:
    p = problem()
    coef = p.coef.clone().requires_grad_()
    spline_sum(p.basis, p.x, coef).sum().backward()
    assert p.x.grad is None
    expected = torch.einsum("bim,bo->imo", values(p, 0), torch.ones_like(p.g))
    assert coef.grad is not None
    assert_close(coef.grad, expected)


def test_edges_add_up_to_the_sum(backend: Backend) -> None:
    p = problem()
    for order in range(3):
        assert_close(
            spline_edges(p.basis, p.x, p.coef, order).sum(1), spline_sum(p.basis, p.x, p.coef, order)
        )


# ---- chunks of the torch backend ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Recording(BSpline):
    """A basis that notes how many numbers each call returns."""

    def values(self, x: Tensor, order: int = 0) -> Tensor:
        out = super().values(x, order)
        sizes.append(out.numel())
        return out


sizes: list[int] = []


@pytest.mark.parametrize("rows", [1, 7, 64, 65])
def test_chunks_change_nothing_and_bound_memory(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    p = problem(rows=rows)
    whole = (
        reference.forward(p.basis, p.x, p.v, p.coef, p.base, 1),
        reference.grad_coef(p.basis, p.x, p.v, p.g, False, 1)[0],
        reference.grad_input(p.basis, p.x, p.coef, None, p.g, 1),
    )
    monkeypatch.setattr(reference, "CHUNK", 200)
    basis = Recording(p.basis.grid, 3)
    sizes.clear()
    pieces = (
        reference.forward(basis, p.x, p.v, p.coef, p.base, 1),
        reference.grad_coef(basis, p.x, p.v, p.g, False, 1)[0],
        reference.grad_input(basis, p.x, p.coef, None, p.g, 1),
    )
    assert max(sizes) <= 200
    assert sum(sizes) == 3 * rows * 3 * basis.size
    for a, b in zip(pieces, whole, strict=True):
        assert_close(a, b)


def test_one_row_larger_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    p = problem(rows=5)
    expected = reference.forward(p.basis, p.x, None, p.coef, None, 0)
    monkeypatch.setattr(reference, "CHUNK", 1)
    assert_close(reference.forward(p.basis, p.x, None, p.coef, None, 0), expected)
    basis = BSpline(uniform_grid(-1.0, 1.0, 5, n_inputs=3), 3)
    assert reference.forward(basis, p.x[:0], None, p.coef, None, 0).shape == (0, 4)
