"""What every backend of the trilinear form must do. A compiled backend joins by being added to BACKENDS."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from edgewise.kernels import reference, spline_edges, spline_sum, trilinear
from edgewise.kernels.trilinear import Backend
from edgewise.splines import BASES, Basis, BSpline, default_grid, make_basis, uniform_grid

BACKENDS: list[Backend] = [reference]
F64 = torch.float64


@pytest.fixture(params=BACKENDS, ids=lambda b: b.__name__.rsplit(".", 1)[-1])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """The backend under test, which also serves `spline_sum`."""
    monkeypatch.setattr(trilinear, "backend", lambda x: request.param)
    return request.param


@dataclass(frozen=True)
class Problem:
    basis: Basis
    x: Tensor
    v: Tensor
    coef: Tensor
    g: Tensor

    def to(self, dtype: torch.dtype) -> "Problem":
        """The same numbers in another precision."""
        assert isinstance(self.basis, BSpline)
        basis = BSpline(self.basis.breaks.to(dtype), self.basis.degree)
        return Problem(basis, *(t.to(dtype) for t in (self.x, self.v, self.coef, self.g)))

    def rounded(self) -> "Problem":
        """Numbers that float32 holds exactly, so that only the arithmetic differs."""
        return self.to(torch.float32).to(F64)


def problem(
    degree: int = 3, rows: int = 23, inputs: int = 3, outputs: int = 4, intervals: int = 5, seed: int = 0
) -> Problem:
    """Unequal breaks for every input; rows inside, at breaks, at both ends and in both tails."""
    source = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=F64, generator=source)

    widths = 0.2 + torch.rand(inputs, intervals, dtype=F64, generator=source)
    breaks = torch.cat([torch.zeros(inputs, 1, dtype=F64), widths.cumsum(1)], 1) - 1.0
    x = normal(rows, inputs) * 2
    for row in range(min(rows, 4)):
        x[row] = breaks[:, [0, 1, -2, -1][row]]
    basis = BSpline(breaks, degree)
    return Problem(basis, x, normal(rows, inputs), normal(inputs, basis.size, outputs), normal(rows, outputs))


def values(p: Problem, order: int) -> Tensor:
    """Basis values by autograd of nothing, kernels of nothing: the basis's own suite vouches for them."""
    return p.basis.values(p.x, order)


def assert_close(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    if expected.numel():
        single = found.dtype == torch.float32
        error = (found.to(F64) - expected).abs().max()
        assert error <= (5e-5 if single else 1e-12) * (1 + expected.abs().max())


@pytest.mark.parametrize("dtype", [F64, torch.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("degree", range(6))
def test_three_maps_equal_the_naive_sums(
    backend: Backend, degree: int, order: int, weighted: bool, dtype: torch.dtype
) -> None:
    exact = problem(degree).rounded()
    p = exact.to(dtype)
    v, exact_v = (p.v, exact.v) if weighted else (None, torch.ones_like(exact.v))
    b = values(exact, order)
    found = backend.forward(p.basis, p.x, v, p.coef, order)
    assert found.dtype == dtype
    assert_close(found, torch.einsum("bi,bim,imo->bo", exact_v, b, exact.coef))
    found = backend.grad_coef(p.basis, p.x, v, p.g, order)
    assert found.dtype == dtype
    assert_close(found, torch.einsum("bi,bim,bo->imo", exact_v, b, exact.g))
    found = backend.grad_input(p.basis, p.x, p.coef, p.g, order)
    assert found.dtype == dtype
    assert_close(found, torch.einsum("bim,imo,bo->bi", b, exact.coef, exact.g))


@pytest.mark.parametrize("intervals", [1, 2, 3, 40])
@pytest.mark.parametrize("degree", [0, 1, 3, 5])
def test_any_number_of_intervals(backend: Backend, degree: int, intervals: int) -> None:
    p = problem(degree, intervals=intervals)
    expected = torch.einsum("bim,imo->bo", values(p, 0), p.coef)
    assert_close(backend.forward(p.basis, p.x, None, p.coef, 0), expected)


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("order", [0, 2])
def test_every_basis(backend: Backend, name: str, order: int) -> None:
    p = problem()
    low, high = p.basis.domain.T
    basis = make_basis(name, default_grid(name, low, high, 5, 3), degree=3, size=8)
    p = Problem(basis, p.x, p.v, p.coef, p.g)
    b = values(p, order)
    assert_close(
        backend.forward(basis, p.x, p.v, p.coef, order), torch.einsum("bi,bim,imo->bo", p.v, b, p.coef)
    )
    assert_close(backend.grad_coef(basis, p.x, p.v, p.g, order), torch.einsum("bi,bim,bo->imo", p.v, b, p.g))
    assert_close(
        backend.grad_input(basis, p.x, p.coef, p.g, order), torch.einsum("bim,imo,bo->bi", b, p.coef, p.g)
    )


def test_views_and_strides(backend: Backend) -> None:
    p = problem()
    x, v = p.x.T.contiguous().T, torch.stack([p.v, p.v], -1)[..., 0]
    g, coef = p.g.flip(0).contiguous().flip(0), p.coef.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    g = torch.cat([p.g, p.g], 1)[:, ::1][:, :4]
    assert not any(t.is_contiguous() for t in (x, v, coef, g))
    assert_close(backend.forward(p.basis, x, v, coef, 0), backend.forward(p.basis, p.x, p.v, p.coef, 0))
    assert_close(backend.grad_coef(p.basis, x, v, g, 1), backend.grad_coef(p.basis, p.x, p.v, p.g, 1))
    assert_close(backend.grad_input(p.basis, x, coef, g, 1), backend.grad_input(p.basis, p.x, p.coef, p.g, 1))
    # A gradient that is one number seen everywhere has stride zero.
    one = torch.ones((), dtype=F64).expand(len(x), 4)
    assert_close(
        backend.grad_coef(p.basis, x, v, one, 0), backend.grad_coef(p.basis, p.x, p.v, one.contiguous(), 0)
    )


@pytest.mark.parametrize("dtype", [F64, torch.float32])
def test_empty_batch(backend: Backend, dtype: torch.dtype) -> None:
    p = problem(rows=0).to(dtype)
    for order in range(3):
        assert backend.forward(p.basis, p.x, p.v, p.coef, order).shape == (0, 4)
        assert backend.grad_input(p.basis, p.x, p.coef, p.g, order).shape == (0, 3)
        nothing = backend.grad_coef(p.basis, p.x, p.v, p.g, order)
        assert nothing.shape == p.coef.shape
        assert not nothing.any()


def test_nan_stays_in_its_row(backend: Backend) -> None:
    p = problem()
    p.x[5, 1] = torch.nan
    y = backend.forward(p.basis, p.x, None, p.coef, 0)
    assert y[5].isnan().all()
    assert y.isfinite().all(1).sum() == len(y) - 1


def test_nothing_of_the_caller_changes(backend: Backend) -> None:
    p = problem()
    kept = [t.clone() for t in (p.x, p.v, p.coef, p.g, p.basis.grid)]
    backend.forward(p.basis, p.x, p.v, p.coef, 0)
    backend.grad_coef(p.basis, p.x, p.v, p.g, 0)
    backend.grad_input(p.basis, p.x, p.coef, p.g, 1)
    for before, after in zip(kept, (p.x, p.v, p.coef, p.g, p.basis.grid), strict=True):
        assert torch.equal(before, after)


def test_same_numbers_on_every_run(backend: Backend) -> None:
    p = problem(rows=500)
    first, second = (backend.grad_coef(p.basis, p.x, p.v, p.g, 0) for _ in range(2))
    assert torch.equal(first, second)


# ---- derivatives: the set of three is closed ------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("degree", [3, 4, 5])
def test_gradcheck_and_gradgradcheck(backend: Backend, degree: int, order: int) -> None:
    p = problem(degree, rows=6, inputs=2, outputs=2)
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


@pytest.mark.filterwarnings(
    "ignore:.*should not be instantiated:DeprecationWarning"
)  # torch's own tracer does it
def test_compiles_to_the_same_numbers(backend: Backend) -> None:
    p = problem()
    x, coef = p.x.requires_grad_(), p.coef.requires_grad_()

    def layer(x: Tensor, coef: Tensor) -> Tensor:
        return torch.tanh(spline_sum(p.basis, x, coef)) @ torch.ones(4, dtype=F64)

    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    plain, traced = layer(x, coef), compiled(x, coef)
    assert_close(traced.detach(), plain.detach())
    wanted = torch.autograd.grad(plain.sum(), (x, coef))
    for a, b in zip(torch.autograd.grad(traced.sum(), (x, coef)), wanted, strict=True):
        assert_close(a, b)


# ---- chunks of the torch backend ------------------------------------------------------------------------------------------


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
        reference.forward(p.basis, p.x, p.v, p.coef, 1),
        reference.grad_coef(p.basis, p.x, p.v, p.g, 1),
        reference.grad_input(p.basis, p.x, p.coef, p.g, 1),
    )
    monkeypatch.setattr(reference, "CHUNK", 200)
    basis = Recording(p.basis.grid, 3)
    sizes.clear()
    pieces = (
        reference.forward(basis, p.x, p.v, p.coef, 1),
        reference.grad_coef(basis, p.x, p.v, p.g, 1),
        reference.grad_input(basis, p.x, p.coef, p.g, 1),
    )
    assert max(sizes) <= 200
    assert sum(sizes) == 3 * rows * 3 * basis.size
    for a, b in zip(pieces, whole, strict=True):
        assert_close(a, b)


def test_one_row_larger_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    p = problem(rows=5)
    expected = reference.forward(p.basis, p.x, None, p.coef, 0)
    monkeypatch.setattr(reference, "CHUNK", 1)
    assert_close(reference.forward(p.basis, p.x, None, p.coef, 0), expected)
    basis = BSpline(uniform_grid(-1.0, 1.0, 5, n_inputs=3), 3)
    assert reference.forward(basis, p.x[:0], None, p.coef, 0).shape == (0, 4)
