"""What layers are made with: every bad argument of every layer ends in one sentence that names it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from edgewise import InputError
from edgewise.layers import KANConv1d, KANConv2d, KANLinear, SymbolicEdge
from edgewise.network import KAN
from edgewise.network.feed_forward import KANFeedForward

MAKERS: list[tuple[type[Any], dict[str, Any]]] = [
    (KANLinear, {"in_features": 3, "out_features": 2}),
    (KANConv1d, {"in_channels": 2, "out_channels": 2, "kernel_size": 3}),
    (KANConv2d, {"in_channels": 2, "out_channels": 2, "kernel_size": 3}),
    (KANFeedForward, {"in_features": 3, "hidden": 4, "out_features": 2}),
    (KAN, {"shape": [2, 3, 1]}),
]
JUNK: list[Any] = [
    "x", "", -1, 1.5, float("nan"), [], {}, ("a", "b"), object(), torch.zeros(2), torch.int8, b"z", 1j, torch.Generator(),
]  # fmt: skip


@pytest.mark.parametrize("name", ["device", "dtype", "seed", "grid", "degree", "intervals", "bias"])
@pytest.mark.parametrize(("layer", "given"), MAKERS)
def test_junk_is_refused_in_one_sentence(layer: type[Any], given: dict[str, Any], name: str) -> None:
    for junk in JUNK:
        with pytest.raises(InputError) as refusal:
            layer(**given, **{name: junk})
        text = str(refusal.value)
        assert f"'{name}'" in text
        assert "\n" not in text
        assert (
            "KAN" not in text or f" of {layer.__name__} must " in text
        )  # the layer that was asked for, none inside it
        assert " instead" in text or "strictly increase" in text


@pytest.mark.parametrize("device", ["foo", "cuda:99", "privateuseone", -3])
@pytest.mark.parametrize(("layer", "given"), MAKERS)
def test_a_device_that_is_not_here(layer: type[Any], given: dict[str, Any], device: Any) -> None:
    with pytest.raises(InputError) as refusal:
        layer(**given, device=device)
    assert refusal.value.argument == "device"
    assert "'cpu'" in refusal.value.expected


def test_a_layer_of_a_class_of_ones_own_says_its_name() -> None:
    class Tuned(KANLinear):
        pass

    with pytest.raises(InputError) as refusal:
        Tuned(3, 2)(torch.zeros(1, 4))
    assert refusal.value.subject == "The input of Tuned(3, 2)"


@pytest.mark.parametrize("edges", ["x", 3, None, {1: 2}, b"z", ["sin"], [(0, 0, "sin")], [None]])
@pytest.mark.parametrize(("layer", "given"), MAKERS[:3])
def test_symbolic_edges_are_edges(layer: type[Any], given: dict[str, Any], edges: Any) -> None:
    with pytest.raises(InputError) as refusal:
        layer(**given, symbolic=edges)
    assert refusal.value.argument == "symbolic"
    assert "SymbolicEdge(source, target, form)" in refusal.value.expected


def test_symbolic_edges_may_come_in_any_order_and_container() -> None:
    edges = [SymbolicEdge(0, 0, "sin"), SymbolicEdge(1, 0, "cos")]
    for given in (edges, tuple(edges), iter(edges)):
        assert KANLinear(3, 2, symbolic=given).symbolic == tuple(edges)  # type: ignore[arg-type]
        assert KANConv1d(2, 2, 3, symbolic=tuple(edges)).patch.symbolic == tuple(edges)


@pytest.mark.parametrize("begin", ["x", None, lambda x: 1.0, lambda x: x[:, :1]])
def test_functions_of_a_block_begin_as_a_function_of_tensors(begin: Any) -> None:
    with pytest.raises(InputError) as refusal:
        KANFeedForward(3, 4, 2, begin=begin)
    assert refusal.value.argument == "begin"
