"""Copies of networks: equal, independent, and with everything a module may carry."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from edgewise._core.modules import on
from edgewise.network import KAN, mask_edges, set_symbolic


@pytest.mark.parametrize("base", [None, "silu"])
def test_a_copy_is_equal_and_independent(base: str | None) -> None:
    net = set_symbolic(KAN([2, 3, 1], base=base, seed=0, dtype=torch.float64), (0, 0, 1), "sin").network
    net = mask_edges(net, [(0, 1, 2)]).network
    x = torch.linspace(-1.5, 1.5, 14, dtype=torch.float64).reshape(7, 2)
    before = net(x)
    made = copy.deepcopy(net)
    assert torch.equal(made(x), before)
    assert made.spec == net.spec
    with torch.no_grad():
        for layer in made.layers:
            layer.coef.add_(1.0)
            layer.grid.mul_(2.0)
            layer.set_mask(torch.ones_like(layer.mask))
    assert torch.equal(net(x), before)
    assert not torch.equal(made(x), before)


def test_a_copy_keeps_modes_hooks_and_frozen_numbers() -> None:
    net = KAN([1, 1], seed=0).eval()
    net.layers[0].coef.requires_grad_(requires_grad=False)
    seen: list[int] = []

    def hook(*_: Any) -> None:
        seen.append(1)

    net.register_forward_hook(hook)
    made = copy.deepcopy(net)
    made(torch.zeros(2, 1))
    assert seen == [1]
    assert (made.training, made.layers[0].coef.requires_grad) == (False, False)


def test_numbers_that_two_networks_share_are_shared_by_their_copies() -> None:
    first, second = KAN([1, 1], seed=0), KAN([1, 1], seed=1)
    second.layers[0].coef = first.layers[0].coef
    one, other = copy.deepcopy(nn.ModuleList([first, second]))
    assert isinstance(one, KAN)
    assert isinstance(other, KAN)
    assert one.layers[0].coef is other.layers[0].coef
    assert one.layers[0].coef is not first.layers[0].coef


def test_on_makes_tensors_where_it_says() -> None:
    with torch.device("meta"):
        assert torch.zeros(1).is_meta
        with on("cpu"):
            assert torch.zeros(1).device.type == "cpu"
    with on("cpu"):
        assert torch.zeros(1).device.type == "cpu"
