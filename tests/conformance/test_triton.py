"""The Triton programs, run by Triton's interpreter, against the float64 reference."""

import math
from dataclasses import dataclass, replace
from itertools import product

import pytest
import torch
from torch import Tensor

from edgewise.kernels import reference, triton_tuning
from edgewise.kernels.triton_tuning import A100, CONSUMER, H100, Plan, Sizes, card
from edgewise.splines import BSpline, uniform_grid
from edgewise.splines.pieces import GridPieces

with pytest.MonkeyPatch.context() as patch:
    # Read when the programs are defined and, by parts that load late, when they run: set for this file alone.
    patch.setenv("TRITON_INTERPRET", "1")
    pytest.importorskip("triton")
    from edgewise.kernels import triton_backend

F32, F64 = torch.float32, torch.float64
GATHER = Plan(rows=32, outputs=16)
DENSE = Plan(rows=32, outputs=16, inputs=2, functions=16)
SORTED = Plan(rows=32, outputs=16, functions=16, sort=True)


@pytest.fixture(autouse=True)
def _interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")


@dataclass(frozen=True)
class Problem:
    basis: BSpline
    x: Tensor
    v: Tensor
    coef: Tensor
    g: Tensor

    def to(self, dtype: torch.dtype) -> "Problem":
        basis = BSpline(self.basis.breaks.to(dtype), self.basis.degree)
        return Problem(basis, *(t.to(dtype) for t in (self.x, self.v, self.coef, self.g)))


def problem(
    degree: int = 3,
    uniform: bool = False,
    rows: int = 20,
    inputs: int = 2,
    outputs: int = 3,
    intervals: int = 5,
) -> Problem:
    """Rows inside, at breaks, at both ends and in both tails."""
    source = torch.Generator().manual_seed(degree)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=F64, generator=source)

    widths = 0.2 + torch.rand(inputs, intervals, dtype=F64, generator=source)
    breaks = torch.cat([torch.zeros(inputs, 1, dtype=F64), widths.cumsum(1)], 1) - 1.0
    if uniform:
        breaks = uniform_grid(-1.3, 0.9, intervals, n_inputs=inputs)
    x = normal(rows, inputs) * 1.5
    for row in range(min(rows, intervals + 1)):
        x[row] = breaks[:, row]
    basis = BSpline(breaks, degree)
    return Problem(basis, x, normal(rows, inputs), normal(inputs, basis.size, outputs), normal(rows, outputs))


def assert_close(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    error = (found.to(F64) - expected).abs().max()
    assert error <= (5e-5 if found.dtype == F32 else 1e-12) * (1 + expected.abs().max())


@pytest.mark.parametrize(
    ("degree", "order"), [(k, nu) for k in range(6) for nu in range(4) if k == 3 or (k + nu // 2) % 2 == 0]
)
def test_three_maps_equal_the_reference(degree: int, order: int) -> None:
    # The interpreter is slow: neighbours differ in everything else.
    dtype = F32 if (degree + order) % 3 == 0 else F64
    uniform, weighted = (degree + order) % 2 == 0, degree % 2 == 0
    exact = problem(degree, uniform).to(dtype).to(F64)
    p, basis = exact.to(dtype), exact.basis
    assert p.basis.pieces is not None
    assert p.basis.pieces.uniform == uniform
    v, exact_v = (p.v, exact.v) if weighted else (None, None)
    gathers = order % 2 == 0
    plan, columns = (GATHER, SORTED) if gathers else (DENSE, DENSE)
    found = triton_backend.forward(p.basis, p.x, v, p.coef, None, order, plan)
    assert found.dtype == dtype
    assert_close(found, reference.forward(basis, exact.x, exact_v, exact.coef, None, order))
    found = triton_backend.grad_input(p.basis, p.x, p.coef, None, p.g, order, plan, v)
    expected = reference.grad_input(basis, exact.x, exact.coef, None, exact.g, order)
    assert_close(found, expected * exact.v if weighted else expected)
    found, _ = triton_backend.grad_coef(p.basis, p.x, v, p.g, False, order, columns)
    assert_close(found, reference.grad_coef(basis, exact.x, exact_v, exact.g, False, order)[0])


def test_tiles_and_parts_that_divide_nothing() -> None:
    p = problem(0, rows=17, inputs=3, outputs=17)
    for plan in (Plan(16, 16, 1, 0, 2), Plan(16, 16, 2, 8, 2)):
        y = triton_backend.forward(p.basis, p.x, p.v, p.coef, None, 0, plan)
        assert_close(y, reference.forward(p.basis, p.x, p.v, p.coef, None, 0))
        dx = triton_backend.grad_input(p.basis, p.x, p.coef, None, p.g, 0, plan)
        assert_close(dx, reference.grad_input(p.basis, p.x, p.coef, None, p.g, 0))
    for plan in (Plan(16, 16, 2, 8, 2), Plan(16, 16, 1, 16, 1, True)):
        found, _ = triton_backend.grad_coef(p.basis, p.x, p.v, p.g, False, 0, plan)
        assert_close(found, reference.grad_coef(p.basis, p.x, p.v, p.g, False, 0)[0])


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize("intervals", [1, 40])
def test_any_number_of_intervals_by_the_plans_of_a_card(intervals: int, uniform: bool) -> None:
    p = problem(2, uniform, inputs=1, intervals=intervals)
    y = triton_backend.forward(p.basis, p.x, p.v, p.coef, None, 0)
    assert_close(y, reference.forward(p.basis, p.x, p.v, p.coef, None, 0))
    for found, expected in zip(
        triton_backend.backward(p.basis, p.x, None, p.coef, None, p.g, 0),
        reference.backward(p.basis, p.x, None, p.coef, None, p.g, 0),
        strict=True,
    ):
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert_close(found, expected)


def test_many_functions_over_sorted_rows() -> None:
    """Several programs an input, each of which reads the rows that reach its 16 functions."""
    p = problem(1, rows=50, inputs=1, intervals=40)
    found, _ = triton_backend.grad_coef(p.basis, p.x, p.v, p.g, False, 0, SORTED)
    assert_close(found, reference.grad_coef(p.basis, p.x, p.v, p.g, False, 0)[0])


@pytest.mark.parametrize("own_grid", [False, True])
def test_networks_side_by_side(own_grid: bool) -> None:
    single = [problem(1), problem(1, uniform=True)]
    x, v, coef, g = (torch.stack(t) for t in zip(*((p.x, p.v, p.coef, p.g) for p in single), strict=True))
    if own_grid:
        own = [p.basis.pieces for p in single]
        tables = [torch.stack([getattr(one, name) for one in own]) for name in ("table", "origin", "width")]
        basis = BSpline(torch.stack([p.basis.breaks for p in single]), 1, GridPieces(*tables, uniform=False))
    else:
        single = [replace(p, basis=single[0].basis) for p in single]
        basis = single[0].basis
    for rows, columns in ((GATHER, DENSE), (DENSE, SORTED)):
        y = triton_backend.forward(basis, x, v, coef, None, 0, rows)
        dx = triton_backend.grad_input(basis, x, coef, None, g, 1, rows, v)
        dcoef, _ = triton_backend.grad_coef(basis, x, v, g, False, 0, columns)
        for e, p in enumerate(single):
            assert_close(y[e], reference.forward(p.basis, p.x, p.v, p.coef, None, 0))
            assert_close(dx[e], p.v * reference.grad_input(p.basis, p.x, p.coef, None, p.g, 1))
            assert_close(dcoef[e], reference.grad_coef(p.basis, p.x, p.v, p.g, False, 0)[0])


@pytest.mark.parametrize("order", [0, 3])
def test_base_function_and_backward_equal_autograd(order: int) -> None:
    p = problem(4, rows=9)
    base = p.coef[:, 0].clone()
    x, coef = p.x.clone().requires_grad_(), p.coef.clone().requires_grad_()
    silu = torch.nn.functional.silu(x)
    for _ in range(order):
        (silu,) = torch.autograd.grad(silu.sum(), x, create_graph=True)
    weights = base.clone().requires_grad_()
    y = torch.einsum("bi,bio->bo", p.v, torch.einsum("bim,imo->bio", p.basis.values(p.x, order), coef))
    y = y + (p.v * silu) @ weights
    dx, dcoef, dbase = torch.autograd.grad(y, (x, coef, weights), p.g)
    dx = dx + p.v * reference.grad_input(p.basis, p.x, p.coef, None, p.g, order + 1)
    assert_close(triton_backend.forward(p.basis, p.x, p.v, p.coef, base, order), y.detach())
    found = triton_backend.backward(p.basis, p.x, p.v, p.coef, base, p.g, order)
    for ours, expected in zip(found, (dx, dcoef, dbase), strict=True):
        assert ours is not None
        assert_close(ours, expected)


def test_views_and_strides() -> None:
    p = problem(1, outputs=4)
    x, v = p.x.T.contiguous().T, torch.stack([p.v, p.v], -1)[..., 0]
    coef, g = p.coef.mT.contiguous().mT, torch.ones((), dtype=F64).expand(20, 4)
    assert not any(t.is_contiguous() for t in (x, v, coef, g))
    expected = reference.grad_input(p.basis, p.x, p.coef, None, g, 1)
    for rows, columns in ((GATHER, DENSE), (DENSE, SORTED)):
        y = triton_backend.forward(p.basis, x, v, coef, None, 0, rows)
        assert_close(y, reference.forward(p.basis, p.x, p.v, p.coef, None, 0))
        assert_close(triton_backend.grad_input(p.basis, x, coef, None, g, 1, rows), expected)
        found, _ = triton_backend.grad_coef(p.basis, x, v, g, False, 0, columns)
        assert_close(found, reference.grad_coef(p.basis, p.x, p.v, g, False, 0)[0])


@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(0, 3, 4), (5, 0, 4), (5, 3, 0)])
def test_empty(rows: int, inputs: int, outputs: int) -> None:
    p = problem(1, rows=rows, inputs=max(inputs, 1), outputs=outputs)
    basis, x, coef = p.basis, p.x[:, :inputs], p.coef[:inputs]
    if not inputs:
        assert basis.pieces is not None
        tables = (basis.pieces.table[:0], basis.pieces.origin[:0], basis.pieces.width[:0])
        basis = BSpline(basis.breaks[:0], 1, GridPieces(*tables))
    for plan in (GATHER, DENSE):
        y = triton_backend.forward(basis, x, None, coef, None, 0, plan)
        assert y.shape == (rows, outputs)
        assert not y.any()
        dx = triton_backend.grad_input(basis, x, coef, None, p.g, 1, plan)
        assert dx.shape == (rows, inputs)
        assert not dx.any()
    for plan in (DENSE, SORTED):
        found, _ = triton_backend.grad_coef(basis, x, None, p.g, False, 0, plan)
        assert found.shape == coef.shape
        assert not found.any()


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # numpy's, of infinity times zero
@pytest.mark.parametrize(("uniform", "order"), [(False, 0), (True, 3)])
def test_nan_stays_in_its_row_and_infinity_in_bounds(uniform: bool, order: int) -> None:
    p = problem(2, uniform)
    p.x[5, 1], p.x[6, 0], p.x[7, 0] = torch.nan, 1e300, -1e300
    for plan in (GATHER, DENSE):
        y = triton_backend.forward(p.basis, p.x, None, p.coef, None, order, plan)
        dx = triton_backend.grad_input(p.basis, p.x, p.coef, None, p.g, order, plan)
        assert y[5].isnan().all()
        assert y.isfinite().all(1).sum() == len(y) - 1
        assert dx[5, 1].isnan()
        assert dx.isfinite().sum() == dx.numel() - 1
    p.x[6, 0], p.x[7, 0] = torch.inf, -torch.inf
    for plan in (DENSE, SORTED):
        found, _ = triton_backend.grad_coef(p.basis, p.x, None, p.g, False, order, plan)
        assert found[1, -3:].isnan().all()
        assert found[1, :-3].isfinite().all()


def test_same_bits_on_every_run() -> None:
    p = problem(1, rows=50, inputs=1).to(F32)
    for plan in (DENSE, SORTED):
        first, second = (
            triton_backend.grad_coef(p.basis, p.x, p.v, p.g, False, 0, plan)[0] for _ in range(2)
        )
        assert torch.equal(first, second)


# ---- the table of plans ---------------------------------------------------------------------------------------------------


def test_plans_follow_the_roofline() -> None:
    def sizes(intervals: int, outputs: int = 64, rows: int = 4096) -> Sizes:
        return Sizes(1, rows, 256, outputs, 3, intervals, False)

    taken = {
        on: [bool(triton_tuning.plan_rows(on, sizes(g), True).functions) for g in (5, 13, 61)]
        for on in (A100, H100, CONSUMER)
    }
    assert taken == {A100: [True, False, False], H100: [True, True, False], CONSUMER: [False] * 3}
    assert triton_tuning.plan_coef(H100, sizes(509, 512, 1 << 16)).sort
    assert not triton_tuning.plan_coef(H100, sizes(509, 8, 64)).sort
    assert card((9, 0)) is H100
    assert card((8, 6)) is CONSUMER


@pytest.mark.parametrize("shape", [(1, 8, 4, 1), (1, 1, 5000, 10), (3, 10**6, 7, 3), (1, 256, 1024, 1024)])
@pytest.mark.parametrize("degree", [1, 3])
@pytest.mark.parametrize("double", [False, True])
def test_every_plan_can_be_launched(shape: tuple[int, int, int, int], degree: int, double: bool) -> None:
    """Powers of two, 16 or more wherever a matrix unit works, and all functions in reach."""
    for on, intervals in product((A100, H100, CONSUMER), (1, 5, 40, 1000)):
        sizes = Sizes(*shape, degree, intervals, double)
        rows, coef = triton_tuning.plan_rows(on, sizes, True), triton_tuning.plan_coef(on, sizes)
        for plan in (rows, coef):
            assert all(math.log2(n).is_integer() for n in (plan.rows, plan.outputs, plan.inputs))
            assert plan.rows >= 16
            assert plan.outputs >= 16
            assert 1 <= plan.parts <= 32
            assert not plan.functions or plan.inputs * plan.functions >= 16
        assert not rows.functions or rows.functions >= sizes.functions
        # Three stages of loads take more shared memory than a consumer card has.
        assert rows.stages == 2 or on is not CONSUMER
        assert not coef.sort or (coef.parts, coef.inputs) == (1, 1)
