"""Inputs with a dominant value, as backgrounds and zeros are: the native kernels visit the other rows alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgewise.kernels import reference, trilinear
from edgewise.kernels.native.library import load, reason
from edgewise.kernels.native_backend import NativeBackend
from edgewise.layers import KANLinear, SymbolicEdge
from edgewise.splines import BSpline

F64, F32 = torch.float64, torch.float32
pytestmark = pytest.mark.skipif(load() is None, reason=reason() or "there")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


BREAKS = torch.tensor([-1.0, -0.75, 0.0, 0.125, 0.5, 1.0], dtype=F64)
VALUES = {
    "inside": 0.3125,
    "a break": 0.125,
    "the first break": -1.0,
    "the last break": 1.0,
    "the left tail": -1.75,
    "the right tail": 2.5,
}


def table(rows: int, seed: int = 0) -> Tensor:
    """Columns of every kind, in numbers that float32 holds exactly."""
    random = torch.Generator().manual_seed(seed)

    def spread() -> Tensor:
        return torch.randn(rows, generator=random, dtype=F64).float().double()

    def mostly(value: float, share: float) -> Tensor:
        return torch.where(torch.rand(rows, generator=random) < share, value, spread())

    columns = [mostly(value, share) for value in VALUES.values() for share in (0.55, 0.95)]
    half = spread()
    half[: rows // 2] = 0.25
    counts = torch.poisson(torch.full((rows,), 0.3, dtype=F64), generator=random)
    signed_zeros = mostly(0.0, 0.8) * torch.where(torch.rand(rows, generator=random) < 0.5, -1.0, 1.0)
    one_other = torch.zeros(rows, dtype=F64)
    one_other[rows // 3] = 0.7109375
    columns += [spread(), half, counts, signed_zeros, one_other, torch.full((rows,), 0.5, dtype=F64)]
    return torch.stack(columns, 1)


def basis(inputs: int, degree: int, uniform: bool, dtype: torch.dtype) -> BSpline:
    breaks = torch.linspace(-1, 1, 9, dtype=F64) if uniform else BREAKS
    made = BSpline(breaks.expand(inputs, -1).contiguous().to(dtype), degree)
    assert made.pieces is not None
    assert made.pieces.uniform == uniform
    return made


def assert_close(found: Tensor, expected: Tensor) -> None:
    """Row by row, so that small numbers are not excused by large ones elsewhere."""
    assert found.shape == expected.shape
    error, size = ((found.double() - expected).abs().flatten(1), expected.abs().flatten(1))
    assert (error.amax(1) <= (2e-5 if found.dtype == F32 else 2e-13) * (1 + size.amax(1))).all()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("based", [False, True])
@pytest.mark.parametrize(
    "rows", [15, 300, *(pytest.param(rows, marks=pytest.mark.slow) for rows in (40, 1100))]
)
def test_forward_and_grad_coef(native: NativeBackend, rows: int, based: bool, dtype: torch.dtype) -> None:
    x = table(rows)
    inputs = x.shape[1]
    for degree, uniform, order, outputs in (
        (3, False, 0, 3),
        (3, True, 0, 40),
        (2, False, 1, 17),
        (0, True, 0, 8),
    ):
        exact, single = (basis(inputs, degree, uniform, kind) for kind in (F64, dtype))
        random = torch.Generator().manual_seed(degree)
        shapes = (inputs, exact.size, outputs), (inputs, outputs), (rows, outputs)
        coef, base, g = (torch.randn(s, generator=random, dtype=F64).float().double() for s in shapes)
        weights = base if based else None
        y = reference.forward(exact, x, None, coef, weights, order)
        dcoef, dbase = reference.grad_coef(exact, x, None, g, based, order)
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            given = None if weights is None else weights.to(dtype)
            found.append(
                (
                    native.forward(single, x.to(dtype), None, coef.to(dtype), given, order),
                    *native.grad_coef(single, x.to(dtype), None, g.to(dtype), based, order),
                )
            )
        for one, two in zip(*found, strict=True):
            assert (one is None) == (two is None)
            assert one is None or two is None or torch.equal(one, two)
        assert_close(found[0][0], y)
        scale = 1 + g.abs().sum(0).max()  # sums of so many rows
        assert_close(found[0][1] / scale, dcoef / scale)
        if dbase is not None and found[0][2] is not None:
            assert_close(found[0][2] / scale, dbase / scale)


@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("share", [0.2, 0.7])
def test_rows_that_are_not_numbers_keep_to_themselves(
    native: NativeBackend, share: float, dtype: torch.dtype
) -> None:
    x = table(300).to(dtype)
    lost = torch.rand(300, generator=torch.Generator().manual_seed(1)) < share
    x[lost, 0::3] = torch.nan
    own, kept = basis(x.shape[1], 3, False, dtype), ~lost
    coef = torch.randn(x.shape[1], own.size, 5, generator=torch.Generator().manual_seed(2)).to(dtype)
    y = native.forward(own, x, None, coef, None, 0)
    assert y[lost].isnan().all()
    exact = basis(x.shape[1], 3, False, F64)
    assert_close(y[kept], reference.forward(exact, x[kept].double(), None, coef.double(), None, 0))


@pytest.mark.parametrize("dtype", [F64, F32])
def test_a_far_value_takes_nothing_from_the_other_rows(native: NativeBackend, dtype: torch.dtype) -> None:
    """A code for what is missing, far beyond the grid and without end."""
    own = basis(2, 3, False, dtype)
    random = torch.Generator().manual_seed(3)
    coef = torch.randn(2, own.size, 5, generator=random).to(dtype)
    base = torch.randn(2, 5, generator=random).to(dtype)
    for code in (-9999.0, 1e30, torch.inf):
        x = torch.rand(64, 2, generator=random).to(dtype)
        coded = torch.arange(64) % 4 < 3
        x[coded, 0] = code
        y = native.forward(own, x, None, coef, base, 0)
        args = x[~coded].double(), None, coef.double(), base.double(), 0
        assert_close(y[~coded], reference.forward(basis(2, 3, False, F64), *args))


def test_networks_side_by_side_have_dominant_values_of_their_own(native: NativeBackend) -> None:
    x = torch.stack([table(100, seed) for seed in (0, 1)])
    x[1] = x[1].flip(1)
    own = basis(x.shape[-1], 3, True, F64)
    random = torch.Generator().manual_seed(4)
    coef = torch.randn(2, x.shape[-1], own.size, 6, generator=random, dtype=F64)
    g = torch.randn(2, 100, 6, generator=random, dtype=F64)
    # Columns that do not lie side by side.
    x = x.mT.contiguous().mT
    y, (dcoef, _) = native.forward(own, x, None, coef, None, 0), native.grad_coef(own, x, None, g, False, 0)
    for e in range(2):
        assert_close(y[e], reference.forward(own, x[e], None, coef[e], None, 0))
        assert_close(dcoef[e] / 100, reference.grad_coef(own, x[e], None, g[e], False, 0)[0] / 100)


def test_far_rows_take_nothing_from_the_gradient_of_the_others(native: NativeBackend) -> None:
    """On a tail basis values are large and cancel each other: the sum of the others' gradients must not be made of them."""
    own, exact = (basis(1, 3, True, kind) for kind in (F32, F64))
    x = torch.full((64, 1), 0.3125)
    x[5], x[40] = 1e6, -1e7
    g = torch.randn(64, 70, generator=torch.Generator().manual_seed(5))
    found, _ = native.grad_coef(own, x, None, g, False, 0)
    expected, _ = reference.grad_coef(exact, x.double(), None, g.double(), False, 0)
    live = exact.values(torch.tensor([[0.3125]], dtype=F64))[0, 0].nonzero()[:, 0]
    far = exact.values(x[[5, 40]].double())[:, 0].abs().amax(0) > 1
    inner = [int(m) for m in live if not far[m]]
    assert len(inner) > 1
    assert_close(found[0, inner], expected[0, inner])


@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("intervals", [5, 40, 100])
def test_a_row_does_not_depend_on_those_beside_it(
    native: NativeBackend, intervals: int, dtype: torch.dtype
) -> None:
    """Also where some lie so close to a break that their interval takes a closer look."""
    own = BSpline(torch.linspace(-1, 1, intervals + 1, dtype=F64).expand(2, -1).contiguous().to(dtype), 3)
    random = torch.Generator().manual_seed(8)
    x = (2.4 * torch.rand(61, 2, generator=random, dtype=F64) - 1.2).to(dtype)
    close = torch.rand(61, 2, generator=random) < 0.2
    x = torch.where(close, ((x + 1) * intervals / 2).round() * 2 / intervals - 1 + 1e-6, x).to(dtype)
    coef = torch.randn(2, own.size, 5, generator=random, dtype=F64).to(dtype)
    y = native.forward(own, x, None, coef, None, 0)
    for at in range(1, 61):
        rows = torch.cat([x[at:], x[:at]])
        assert torch.equal(native.forward(own, rows, None, coef, None, 0), torch.cat([y[at:], y[:at]]))
        assert torch.equal(native.forward(own, x[:at], None, coef, None, 0), y[:at])


KINDS = st.sampled_from(["one value", "none", "two values", "few", "grid", "outside"])


def column(kind: str, share: float, rows: int, random: torch.Generator) -> Tensor:
    spread = 1.5 * torch.randn(rows, generator=random, dtype=F64).float().double()
    others = {
        "one value": torch.full_like(spread, 0.25),
        "none": spread,
        "two values": torch.where(spread > 0, 1.0, 0.0).double(),
        "few": (2 * spread).round() / 4,
        "grid": BREAKS[(spread.abs() * 4).long() % len(BREAKS)],
        "outside": 3 * spread,
    }[kind]
    apart = torch.rand(rows, generator=random) >= share
    return torch.where(apart, others, 0.5 if kind != "two values" else 0.0)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kinds=st.lists(KINDS, min_size=1, max_size=20),
    share=st.sampled_from([0.6, 0.8, 0.97, 1.0]),
    rows=st.sampled_from([15, 16, 97, 256, 530]),
    degree=st.integers(0, 5),
    intervals=st.sampled_from([1, 2, 5, 17, 70]),
    even=st.booleans(),
    outputs=st.sampled_from([2, 16, 33, 64, 100, 130]),
    based=st.booleans(),
    seed=st.integers(0, 9),
)
def test_drawn_columns(
    native: NativeBackend,
    kinds: list[str],
    share: float,
    rows: int,
    degree: int,
    intervals: int,
    even: bool,
    outputs: int,
    based: bool,
    seed: int,
) -> None:
    """Any columns, degrees and grids, and whatever rows deviate: the reference, and the same bits on two threads."""
    random = torch.Generator().manual_seed(seed)
    x = torch.stack([column(kind, share, rows, random) for kind in kinds], 1)
    steps = (
        torch.ones(intervals, dtype=F64) if even else 0.2 + torch.rand(intervals, generator=random, dtype=F64)
    )
    breaks = torch.cat([torch.zeros(1, dtype=F64), steps.cumsum(0)]) * (2 / steps.sum()) - 1
    breaks = breaks.expand(len(kinds), -1).contiguous()
    exact = BSpline(breaks, degree)
    coef = torch.randn(len(kinds), exact.size, outputs, generator=random, dtype=F64)
    base = torch.randn(len(kinds), outputs, generator=random, dtype=F64) if based else None
    g = torch.randn(rows, outputs, generator=random, dtype=F64)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        y = native.forward(exact, x, None, coef, base, 0)
        dcoef, dbase = native.grad_coef(exact, x, None, g, based, 0)
        found.append((y, dcoef, *(() if dbase is None else (dbase,))))
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)
    gradients = reference.grad_coef(exact, x, None, g, based, 0)
    expected = reference.forward(exact, x, None, coef, base, 0), *(t for t in gradients if t is not None)
    # Steep edges far outside of narrow intervals: rounding is relative to what a row adds up.
    size = (
        1 + reference.forward(exact, x, None, coef.abs(), base, 0).abs().max() + exact.values(x).abs().max()
    )
    assert ((found[0][0] - expected[0]).abs() <= 1e-12 * size * len(kinds)).all()
    for one, two in zip(found[0][1:], expected[1:], strict=True):
        assert ((one - two).abs() <= 1e-13 * size * rows).all()


def test_layers_with_masks_and_symbolic_edges(native: NativeBackend) -> None:
    """The whole layer on rows that mostly have one value, and its gradients, against itself on the torch backend."""
    x = table(300).clamp(-1, 1)
    inputs = x.shape[1]
    edges = (SymbolicEdge(0, 1, "sin"), SymbolicEdge(3, 0, "square"))
    layer = KANLinear(inputs, 6, degree=3, intervals=5, base="silu", symbolic=edges, seed=0, dtype=F64)
    layer.set_mask(torch.rand(inputs, 6, generator=torch.Generator().manual_seed(6)) < 0.8)
    target = torch.randn(300, 6, generator=torch.Generator().manual_seed(7), dtype=F64)
    found = []
    for maps in (native, reference):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trilinear, "backend", lambda x, maps=maps: maps)
            y = layer(x)
            found.append((y, *torch.autograd.grad(((y - target) ** 2).sum(), list(layer.parameters()))))
    for one, two in zip(*found, strict=True):
        assert torch.allclose(one, two, rtol=1e-11, atol=1e-9)
