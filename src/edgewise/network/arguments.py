"""Checks of what edits are given: edges, layers, nodes and data, each refused with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from edgewise._core.checks import (
    among,
    as_tuple,
    check_int,
    check_matrix,
    did_you_mean,
    short,
)
from edgewise._core.errors import InputError
from edgewise._core.plain import article

if TYPE_CHECKING:
    from edgewise.network.module import KAN

Edge = tuple[int, int, int]


def check_net(model: object) -> None:
    """A network itself, no estimator around one."""
    from edgewise.network.module import KAN

    if not isinstance(model, KAN):
        inside = isinstance(getattr(model, "network_", None), KAN)
        raise InputError(
            argument="model",
            expected="be a KAN",
            got=article(type(model)) if inside else short(model),
            advice="pass its network, as model.network_" if inside else "",
        )


def check_edge(net: KAN, edge: Any, *, listed: bool = False) -> Edge:
    """The edge (layer, source, target), if the network has it; `listed` where it is one of the argument 'edges'."""
    entries = tuple(edge) if isinstance(edge, (tuple, list)) else ()
    if len(entries) != 3:
        kind = "three ints (layer, source, target)"
        if listed:
            raise InputError(
                argument="edges",
                expected=f"be a list of edges, {kind} each",
                got=short(edge),
                advice="write one edge as a list of one, [(0, 2, 1)]",
            )
        raise InputError(argument="edge", expected=f"be {kind}", got=short(edge))
    layer = check_int(entries[0], "layer", low=0, high=len(net.layers) - 1)
    source = check_int(entries[1], "source", low=0, high=net.layers[layer].in_features - 1)
    target = check_int(entries[2], "target", low=0, high=net.layers[layer].out_features - 1)
    return layer, source, target


def check_edges(net: KAN, edges: Any) -> list[Edge]:
    """Several edges, in the caller's order."""
    listed = as_tuple(edges, "edges", "edges (layer, source, target)")
    return [check_edge(net, edge, listed=True) for edge in listed]


def check_hidden(net: KAN, layer: int) -> int:
    """The number of a hidden layer of nodes, 1 to L - 1."""
    if len(net.layers) == 1:
        raise InputError(
            argument="model", expected="have hidden nodes", got=f"one of shape {list(net.shape)}"
        )
    return check_int(layer, "layer", low=1, high=len(net.layers) - 1)


def check_layers(net: KAN, layers: Any) -> list[int]:
    """Numbers of edge layers in rising order; all of them by default."""
    if layers is None:
        return list(range(len(net.layers)))
    return check_numbers(layers, len(net.layers), "layers")


def check_numbers(numbers: Any, count: int, name: str) -> list[int]:
    """Distinct ints from 0 to count - 1 in rising order; the caller's order and repeats mean nothing."""
    listed = as_tuple(numbers, name, "ints")
    return sorted({check_int(number, name, low=0, high=count - 1) for number in listed})


def check_inputs(net: KAN, inputs: Any) -> list[int]:
    """Numbers of the inputs that are given by number or by name."""
    numbers: list[int] = []
    for entry in as_tuple(inputs, "inputs", "names or numbers of inputs"):
        if isinstance(entry, str):
            if entry not in net.input_names:
                raise InputError(
                    argument="inputs",
                    expected=f"be among {among(net.input_names)}",
                    got=f"{short(entry)}{did_you_mean(entry, net.input_names)}",
                )
            numbers.append(net.input_names.index(entry))
        else:
            numbers.append(check_int(entry, "inputs", low=0, high=net.shape[0] - 1))
    return sorted(set(numbers))


def as_data(net: KAN, X: Any, min_rows: int = 1) -> Tensor:
    """Any matrix of numbers as a tensor of the network's dtype and device, shape (n, inputs)."""
    table = check_matrix(X, "X", columns=net.shape[0], min_rows=min_rows)
    return torch.from_numpy(table).to(net.output_shift)
