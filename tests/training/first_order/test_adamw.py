"""The fused AdamW does what torch's plain one does, and goes on from its states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from edgewise.kernels.native.library import load
from edgewise.training.first_order import adamw
from edgewise.training.first_order.adamw import Centred, FusedAdamW

SHAPES = ((70, 11, 64), (64,), (3, 1), ())
BACKENDS = [pytest.param(True, marks=pytest.mark.skipif(load() is None, reason="no native kernels")), False]


@pytest.fixture(params=BACKENDS, ids=["native", "torch"], autouse=True)
def _backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(adamw, "load", lambda: None)


def numbers(dtype: torch.dtype, seed: int = 0) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=random, dtype=dtype) for shape in SHAPES]


def groups(parameters: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Two groups, with rates and decays of their own."""
    return [
        {"params": list(parameters[:2]), "lr": 1e-2, "weight_decay": 0.3},
        {"params": list(parameters[2:]), "lr": 3e-2, "weight_decay": 0.0},
    ]


def ours(dtype: torch.dtype) -> tuple[list[torch.nn.Parameter], FusedAdamW]:
    parameters = [torch.nn.Parameter(t) for t in numbers(dtype)]
    return parameters, FusedAdamW(groups(parameters))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_it_equals_the_formula(dtype: torch.dtype, tolerance: float) -> None:
    parameters, made = ours(dtype)
    wanted = [p.detach().to(torch.float64) for p in parameters]
    mean, square = [torch.zeros_like(p) for p in wanted], [torch.zeros_like(p) for p in wanted]
    for count in range(1, 31):
        for group in made.param_groups:
            group["lr"] *= 0.9
        for at, gradient in enumerate(numbers(dtype, seed=count)):
            parameters[at].grad = gradient
            rate, decay = (1e-2, 0.3) if at < 2 else (3e-2, 0.0)
            rate *= 0.9**count
            mean[at] = 0.9 * mean[at] + 0.1 * gradient
            square[at] = 0.99 * square[at] + 0.01 * gradient.to(torch.float64) ** 2
            step = (mean[at] / (1 - 0.9**count)) / ((square[at] / (1 - 0.99**count)).sqrt() + 1e-8)
            wanted[at] = wanted[at] - rate * decay * wanted[at] - rate * step
        made.step()
    for p, q in zip(parameters, wanted, strict=True):
        assert float((p.detach() - q).abs().max()) <= tolerance * max(1.0, float(q.abs().max()))


def test_it_goes_on_from_a_state_to_the_same_bits() -> None:
    def run(parameters: list[torch.nn.Parameter], made: FusedAdamW, counts: range) -> None:
        for count in counts:
            for p, gradient in zip(parameters, numbers(torch.float32, seed=count), strict=True):
                p.grad = gradient
            made.step()

    whole, first = ours(torch.float32)
    run(whole, first, range(1, 9))
    parts, second = ours(torch.float32)
    run(parts, second, range(1, 5))
    fresh = FusedAdamW(groups(parts))
    fresh.load_state_dict(second.state_dict())
    run(parts, fresh, range(5, 9))
    assert all(torch.equal(p, q) for p, q in zip(whole, parts, strict=True))


def test_a_parameter_without_gradient_stays() -> None:
    parameters, made = ours(torch.float32)
    before = [p.detach().clone() for p in parameters]
    parameters[0].grad = torch.ones(SHAPES[0])
    made.step()
    same = [torch.equal(p, q) for p, q in zip(parameters, before, strict=True)]
    assert same == [False, True, True, True]


def test_a_gradient_may_lie_in_memory_in_any_order() -> None:
    for gradient in (torch.arange(12.0).reshape(3, 4).T.clone().T, torch.ones(1, 1).expand(3, 4)):
        one, two = (torch.nn.Parameter(torch.ones(3, 4)) for _ in range(2))
        one.grad, two.grad = gradient, gradient.contiguous()
        for p in (one, two):
            FusedAdamW([{"params": [p], "lr": 0.1, "weight_decay": 0.0}]).step()
        assert torch.equal(one, two)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-3)])
@pytest.mark.parametrize("size", [12, 3000])
def test_centred_steps_are_plain_steps_of_the_centred_model(
    dtype: torch.dtype, tolerance: float, size: int
) -> None:
    """A linear model on inputs minus their means, with the bias that goes with them."""
    random = torch.Generator().manual_seed(0)
    x = torch.rand((50, size), generator=random, dtype=dtype)
    y = x[:, :1] * 2 + torch.rand((50, 16), generator=random, dtype=dtype)
    start, mean = torch.randn((size, 16), generator=random, dtype=dtype) / size, x.mean(0)

    def descend(inputs: Tensor, bias: Tensor, centre: bool) -> tuple[Tensor, Tensor]:
        weights, constant = torch.nn.Parameter(start.clone()), torch.nn.Parameter(bias.clone())
        made = FusedAdamW([{"params": [weights, constant], "lr": 0.01, "weight_decay": 0.0}])
        for step in range(20):
            if centre and step in (0, 10):
                made.centre([Centred(weights, mean.clone(), constant)])
            weights.grad = constant.grad = None
            (inputs @ weights + constant - y).square().mean().backward()
            made.step()
        return inputs @ weights.detach() + constant.detach(), weights.detach()

    ours_out, ours_weights = descend(x, torch.zeros(16, dtype=dtype), True)
    plain_out, plain_weights = descend(x - mean, mean @ start, False)
    assert float((ours_weights - plain_weights).abs().max()) < tolerance
    assert float((ours_out - plain_out).abs().max()) < 30 * tolerance
    assert float((ours_weights - start).abs().max()) > 0.02
