"""The gradient of a batch by planned calls is that of autograd, and what is more than splines goes by autograd."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgewise._core.work import Meter, running
from edgewise.kernels.native.library import load, reason
from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.training.common.losses import LOSSES, Quantile, make_loss
from edgewise.training.common.rows import TrainingRows
from edgewise.training.first_order.batch_gradient import BatchGradient, outputs, planned
from edgewise.training.first_order.epoch_optimizers import AdamW, FirstOrderOptions, groups
from edgewise.training.first_order.hidden_grids import follow

native = pytest.mark.skipif(load() is None, reason=reason() or "there")
F32, F64 = torch.float32, torch.float64


def drawn(net: KAN, loss: str, rows: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows on the grids and beyond them, targets that suit the loss, weights."""
    random = torch.Generator().manual_seed(seed)
    x = 0.8 * torch.randn(rows, net.spec.shape[0], generator=random, dtype=F64).to(net.dtype)
    D = net.spec.shape[-1]
    y = torch.rand(rows, D, generator=random, dtype=F64).to(net.dtype)
    if loss == "poisson":
        y = (5 * y).round()
    return x, y, torch.rand(rows, generator=random, dtype=F64)


def both(net: KAN, loss: Any, x: Tensor, y: Tensor, weight: Tensor, offset: Tensor | None) -> list[Any]:
    """The sum of losses and all gradients, by planned calls and by autograd."""
    found = []
    parameters = list(net.parameters())
    for own in (net, lambda x: outputs(net, x)):
        gradient = BatchGradient(own, parameters, loss)
        gradient.begin(len(x) + 3)
        total = gradient(x, y, weight, 17, offset)
        found.append((total.clone(), [None if p.grad is None else p.grad.clone() for p in parameters]))
    return found


@native
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    widths=st.sampled_from([(1, 1), (3, 5, 1), (40, 6, 3), (70, 64, 10), (2, 3, 4, 2)]),
    degree=st.integers(0, 5),
    intervals=st.sampled_from([1, 3, 20]),
    base=st.sampled_from([None, "silu"]),
    bias=st.booleans(),
    loss=st.sampled_from(LOSSES),
    rows=st.sampled_from([1, 2, 97, 256, 300, 1500]),
    dtype=st.sampled_from([F32, F64]),
    shifted=st.booleans(),
    seed=st.integers(0, 9),
)
def test_planned_calls_have_the_gradient_of_autograd(
    widths: tuple[int, ...],
    degree: int,
    intervals: int,
    base: str | None,
    bias: bool,
    loss: str,
    rows: int,
    dtype: torch.dtype,
    shifted: bool,
    seed: int,
) -> None:
    net = KAN(list(widths), degree=degree, intervals=intervals, base=base, bias=bias, seed=seed, dtype=dtype)
    x, y, weight = drawn(net, loss, rows, seed)
    assert planned(net, rows) is not None
    offset = torch.full_like(y, 0.3) if shifted else None
    (total, gradients), (wanted, by_autograd) = both(net, make_loss(loss), x, y, weight, offset)
    tolerance = 1e-4 if dtype is F32 else 1e-11
    assert torch.allclose(total, wanted, rtol=tolerance)
    for own, other in zip(gradients, by_autograd, strict=True):
        size = float(other.abs().max()) + 1e-6
        assert float((own - other).abs().max()) <= tolerance * size


@native
def test_other_losses_and_new_grids() -> None:
    net = KAN([3, 8, 1], seed=0, dtype=F64)
    x, y, weight = drawn(net, "squared", 200, 0)
    rows = TrainingRows(x, y, weight / weight.sum())
    for _ in range(2):
        (total, gradients), (wanted, by_autograd) = both(net, Quantile(0.9), x, y, weight, None)
        assert torch.allclose(total, wanted, rtol=1e-12)
        assert all(
            torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in zip(gradients, by_autograd, strict=True)
        )
        with torch.no_grad():
            net.layers[0].coef.mul_(5.0)  # hidden nodes leave their grids
        assert follow(net, rows, 0)


def richer() -> dict[str, KAN]:
    """Networks that are more than splines on every edge."""
    whole = KAN([3, 4, 2], seed=0)
    return {
        "pruned": mask_edges(whole, [(0, 1, 2)]).network,
        "a closed form": set_symbolic(whole, (1, 0, 0), "sin").network,
        "products": KAN([3, Nodes(2, (2,)), 2], seed=0),
        "another basis": KAN([3, 4, 2], basis="chebyshev", seed=0),
    }


@pytest.mark.parametrize("name", richer())
def test_what_is_more_than_splines_goes_by_autograd(name: str) -> None:
    net = richer()[name]
    assert planned(net, 50) is None
    x, y, weight = drawn(net, "squared", 50, 1)
    (total, gradients), (wanted, by_autograd) = both(net, make_loss("squared"), x, y, weight, None)
    assert torch.equal(total, wanted)
    for own, other in zip(gradients, by_autograd, strict=True):
        assert (own is None) == (other is None)
        if own is not None and other is not None:
            assert torch.equal(own, other)


@native
@pytest.mark.parametrize("accumulate", [1, 3])
def test_work_is_that_of_autograd_and_parts_add_up(accumulate: int) -> None:
    spent, last = [], []
    for plain in (True, False):
        net = KAN([5, 6, 2], seed=0, dtype=F64)
        x, y, weight = drawn(net, "squared", 100, 2)
        rows = TrainingRows(x, y, weight / weight.sum())
        options = FirstOrderOptions(batch=32, steps=2, accumulate=accumulate)
        own = net if plain else (lambda x, net=net: outputs(net, x))
        optimizer = AdamW(own, groups(net, options), rows, make_loss("squared"), options)
        meter = Meter()
        with running(meter):
            last.append([optimizer.epoch(k, 1.0) for k in range(2)])
        spent.append(meter.spent)
    assert spent[0] == spent[1]
    assert last[0] == pytest.approx(last[1], rel=1e-9)


@native
def test_threads_change_no_bit() -> None:
    found, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            net = KAN([30, 16, 3], seed=0)
            x, y, weight = drawn(net, "squared", 700, 3)
            gradient = BatchGradient(net, list(net.parameters()), make_loss("squared"))
            gradient.begin(700)
            gradient(x, y, weight, 700)
            found.append([p.grad.clone() for p in net.parameters() if p.grad is not None])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
