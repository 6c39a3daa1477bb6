"""The trained numbers of a network as one vector: alive numeric edges, biases, base weights and symbolic constants."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.layers import KANLinear
from edgewise.network import KAN


@dataclass(frozen=True, eq=False)
class LayerSlots:
    """Where the numbers of one layer stand in the vector.

    Attributes
    ----------
    sources, targets : Tensor of int, shape (E,)
        The alive numeric edges.
    coef, base, bias, affine : slice
        Their parts of the vector: (E, M), (E,), (O,) and (S, 4) numbers.
    """

    sources: Tensor
    targets: Tensor
    size: int
    coef: slice
    base: slice
    bias: slice
    affine: slice

    @property
    def n_edges(self) -> int:
        return len(self.sources)


@dataclass(frozen=True, eq=False)
class Slots:
    """The layout of the vector of a whole network."""

    layers: tuple[LayerSlots, ...]
    total: int


def make_slots(net: KAN) -> Slots:
    """Layout for a network. Symbolic edges that are off and dead edges have no place."""
    layers: list[LayerSlots] = []
    at = 0

    def take(count: int) -> slice:
        nonlocal at
        at += count
        return slice(at - count, at)

    for layer in net.layers:
        sources, targets = layer.numeric_mask().nonzero(as_tuple=True)
        n = len(sources)
        layers.append(
            LayerSlots(
                sources,
                targets,
                layer.size,
                take(n * layer.size),
                take(n if layer.base_weight is not None else 0),
                take(layer.out_features if layer.bias is not None else 0),
                take(4 * len(layer.symbolic)),
            )
        )
    return Slots(tuple(layers), at)


def pack(net: KAN, slots: Slots) -> Tensor:
    """The vector of a network's numbers, float64."""
    parts: list[Tensor] = []
    for layer, slot in zip(net.layers, slots.layers, strict=True):
        parts.append(layer.coef.detach()[slot.sources, :, slot.targets].reshape(-1))
        if layer.base_weight is not None:
            parts.append(layer.base_weight.detach()[slot.sources, slot.targets])
        if layer.bias is not None:
            parts.append(layer.bias.detach())
        if layer.affine is not None:
            parts.append(layer.affine.detach().reshape(-1))
    return torch.cat(parts).to(torch.float64)


def write(net: KAN, slots: Slots, theta: Tensor) -> None:
    """Put the vector back into the network, in place (only ever done to a network that training made itself)."""
    with torch.no_grad():
        for layer, slot in zip(net.layers, slots.layers, strict=True):
            layer.coef.copy_(coefficients(layer, slot, theta))
            if layer.base_weight is not None:
                layer.base_weight.zero_()
                layer.base_weight[slot.sources, slot.targets] = theta[slot.base].to(layer.base_weight)
            if layer.bias is not None:
                layer.bias.copy_(theta[slot.bias])
            if layer.affine is not None:
                layer.affine.copy_(theta[slot.affine].reshape(-1, 4))


def coefficients(layer: KANLinear, slot: LayerSlots, theta: Tensor) -> Tensor:
    """The layer's coefficients (I, M, O) in the vector's precision, zero for edges without a place."""
    full = theta.new_zeros(layer.in_features, layer.out_features, slot.size)
    full[slot.sources, slot.targets] = theta[slot.coef].reshape(-1, slot.size)
    return full.transpose(1, 2)
