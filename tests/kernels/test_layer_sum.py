"""A layer with its bias in one call each way, and what forward leaves to the gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgewise.kernels import layer_sum, reference, spline_sum
from edgewise.kernels.native.library import load, reason
from edgewise.kernels.native_backend import FEWEST_KEPT, MOST_KEPT, NativeBackend
from edgewise.splines import BSpline

F64, F32 = torch.float64, torch.float32
pytestmark = pytest.mark.skipif(load() is None, reason=reason() or "there")


def basis(inputs: int, degree: int, intervals: int, even: bool, dtype: torch.dtype) -> BSpline:
    steps = torch.ones(intervals, dtype=F64) if even else torch.arange(1, intervals + 1, dtype=F64)
    breaks = torch.cat([torch.zeros(1, dtype=F64), steps.cumsum(0)]) * (2 / steps.sum()) - 1
    return BSpline(breaks.expand(inputs, -1).contiguous().to(dtype), degree)


def rows_of(count: int, inputs: int, share: float, random: torch.Generator) -> Tensor:
    """Numbers on the grid and beyond it; in every third column the same for a share of the rows."""
    x = 0.8 * torch.randn(count, inputs, generator=random, dtype=F64)
    same = torch.rand(count, inputs, generator=random) < share
    same[:, torch.arange(inputs) % 3 != 0] = False
    return torch.where(same, 0.25, x)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.sampled_from([1, 15, 97, 256, 300, 1024, 1100]),
    inputs=st.sampled_from([1, 3, 16, 37]),
    outputs=st.sampled_from([1, 2, 10, 64, 70]),
    share=st.sampled_from([0.0, 0.7, 1.0]),
    degree=st.integers(0, 5),
    intervals=st.sampled_from([1, 3, 20, 70]),
    even=st.booleans(),
    based=st.booleans(),
    trained=st.booleans(),
    dtype=st.sampled_from([F32, F64]),
    cut=st.sampled_from([0.0, 0.4, 1.0]),
    threads=st.sampled_from([1, 2]),
    seed=st.integers(0, 9),
)
def test_kept_rows_change_no_bit(
    native: NativeBackend,
    rows: int,
    inputs: int,
    outputs: int,
    share: float,
    degree: int,
    intervals: int,
    even: bool,
    based: bool,
    trained: bool,
    dtype: torch.dtype,
    cut: float,
    threads: int,
    seed: int,
) -> None:
    """Whether there is room for all of them, for some or for none, and wherever the memory has moved meanwhile."""
    torch.set_num_threads(threads)
    random = torch.Generator().manual_seed(seed)
    own = basis(inputs, degree, intervals, even, dtype)
    x = rows_of(rows, inputs, share, random).to(dtype)
    shapes = (inputs, own.size, outputs), (inputs, outputs), (outputs,), (rows, outputs)
    coef, base, bias, g = (torch.randn(s, generator=random, dtype=F64).to(dtype) for s in shapes)
    weights = base if based else None
    room = 64 + inputs * ((rows + 32) * (2 * x.element_size() + 2) + 2 * own.size + 128)
    kept = torch.full((int(cut * room),), 0x5A, dtype=torch.uint8)
    y = native.forward(own, x, None, coef, weights, 0, bias, kept)
    assert torch.equal(y, native.forward(own, x, None, coef, weights, 0) + bias)
    kept, _ = kept.clone(), kept.fill_(0xFF)
    summed = torch.empty_like(bias)
    found = native.grad_coef(own, x, None, g, based and trained, 0, summed, kept)
    plain = native.grad_coef(own, x, None, g, based and trained, 0)
    # Added up in float64, whatever the type.
    assert torch.allclose(summed, g.double().sum(0).to(dtype), rtol=1e-6 if dtype is F32 else 0, atol=1e-12)
    whole = native.backward(own, x, None, coef, weights, g, 0, summed, kept)
    apart = native.backward(own, x, None, coef, weights, g, 0)
    for one, two in zip((*found, *whole), (*plain, *apart), strict=True):
        assert (one is None) == (two is None)
        assert one is None or two is None or torch.equal(one, two)


def test_there_is_room_for_every_row(native: NativeBackend) -> None:
    """What `room_for_rows` gives suffices: with it forward keeps the rows, of which the gradient then reads those alone."""
    for dtype, degree, intervals, rows, inputs in ((F32, 0, 1, 256, 16), (F64, 5, 70, MOST_KEPT, 4)):
        own = basis(inputs, degree, intervals, True, dtype)
        x = rows_of(rows, inputs, 0.0, torch.Generator().manual_seed(0)).to(dtype)
        kept = native.room_for_rows(own, x)
        assert kept is not None
        torch.set_num_threads(1)
        coef, base = torch.ones(inputs, own.size, 3, dtype=dtype), torch.ones(inputs, 3, dtype=dtype)
        native.forward(own, x, None, coef, base, 0, None, kept)
        g = torch.randn(rows, 3, generator=torch.Generator().manual_seed(1), dtype=F64).to(dtype)
        found, _ = native.grad_coef(own, torch.zeros_like(x), None, g, True, 0, None, kept)
        assert torch.equal(found, native.grad_coef(own, x, None, g, True, 0)[0])
        assert native.room_for_rows(own, x[: FEWEST_KEPT // inputs - 1]) is None
        assert native.room_for_rows(own, x.repeat(MOST_KEPT // rows + 1, 1)) is None


@pytest.mark.parametrize("share", [0.0, 0.8])
@pytest.mark.parametrize("names", ["coef", "bias", "x coef bias", "x", "x base", "x coef base bias"])
def test_gradients_of_every_order(names: str, share: float) -> None:
    """Those of the plain operations, also where only some tensors want one, and twice over."""
    random = torch.Generator().manual_seed(2)
    own = basis(40, 3, 4, False, F64)
    given = {
        "x": rows_of(120, 40, share, random),
        "coef": torch.randn(40, own.size, 5, generator=random, dtype=F64),
        "base": torch.randn(40, 5, generator=random, dtype=F64),
        "bias": torch.randn(5, generator=random, dtype=F64),
    }
    wanted = [given[name].requires_grad_() for name in names.split()]
    x, coef, base, bias = given.values()
    y = layer_sum(own, x, coef, base, bias)
    expected = reference.forward(own, x, None, coef, base, 0) + bias
    assert torch.allclose(y, expected, rtol=1e-12, atol=1e-12)
    first, second = ([*torch.autograd.grad((t**2).sum(), wanted, create_graph=True)] for t in (y, expected))
    plain = torch.autograd.grad((layer_sum(own, x, coef, base, bias) ** 2).sum(), wanted)
    for one, two, three in zip(first, second, plain, strict=True):
        assert torch.allclose(one, two, rtol=1e-10, atol=1e-9)
        assert torch.allclose(three, two, rtol=1e-10, atol=1e-9)
    one, two = (
        torch.autograd.grad(torch.stack([(t**2).sum() for t in found]).sum(), wanted, allow_unused=True)
        for found in (first, second)
    )
    for a, b in zip(one, two, strict=True):
        assert (a is None) == (b is None)
        assert a is None or b is None or torch.allclose(a, b, rtol=1e-9, atol=1e-8 * float(b.abs().max()))


def test_a_graph_may_be_gone_through_again() -> None:
    own, random = basis(64, 3, 5, True, F32), torch.Generator().manual_seed(3)
    x = rows_of(256, 64, 0.5, random).float()
    coef = torch.randn(64, own.size, 10, generator=random).requires_grad_()
    y = layer_sum(own, x, coef, None, None).square().sum()
    (first,) = torch.autograd.grad(y, coef, retain_graph=True)
    layer_sum(own, x.flip(0), coef, None, None).sum().backward()
    assert torch.equal(first, torch.autograd.grad(y, coef)[0])


def test_a_saved_tensor_may_be_moved() -> None:
    """Hooks that pack what is saved, as those that send it to other memory do."""
    own, random = basis(64, 3, 5, True, F32), torch.Generator().manual_seed(4)
    x = rows_of(256, 64, 0.5, random).float()
    coef = torch.randn(64, own.size, 10, generator=random).requires_grad_()
    (expected,) = torch.autograd.grad(layer_sum(own, x, coef, None, None).square().sum(), coef)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t.clone()):
        y = layer_sum(own, x, coef, None, None).square().sum()
    assert torch.equal(expected, torch.autograd.grad(y, coef)[0])


def test_without_bias_it_is_the_sum_of_the_edges() -> None:
    own, random = basis(6, 2, 5, True, F64), torch.Generator().manual_seed(5)
    x, coef = rows_of(30, 6, 0.5, random), torch.randn(6, own.size, 2, generator=random, dtype=F64)
    assert torch.equal(layer_sum(own, x, coef, None, None), spline_sum(own, x, coef))
    wide = torch.ones(2, dtype=F32)  # of another type: torch's rules of promotion
    assert torch.equal(layer_sum(own, x, coef, None, wide), spline_sum(own, x, coef) + 1)
