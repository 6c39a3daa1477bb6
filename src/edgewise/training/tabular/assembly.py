"""From a bag and an additive part to one network: the members side by side, and nodes that carry what is additive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from edgewise.network import KAN, drop_dead
from edgewise.network.state import make_layer, take_apart
from edgewise.splines import BSpline, uniform_grid
from edgewise.training.additive.design import DEGREE, Design
from edgewise.training.bag.hidden_layers import REACH
from edgewise.training.bag.members import Bag
from edgewise.training.interactions.pair_nodes import square


@dataclass(frozen=True, eq=False)
class Ends:
    """What inputs and outputs of a network are called, and what outputs are brought to: y = shift + scale * output, (D,)."""

    names: Sequence[str] | None
    outputs: Sequence[str] | None
    shift: Tensor
    scale: Tensor


def to_network(
    bag: Bag | None,
    design: Design,
    ends: Ends,
    *,
    coarse: Design | None = None,
    base: tuple[Tensor, Tensor] | None = None,
    squares: tuple[Tensor, Tensor] | None = None,
    deep: Sequence[LayerTensors] = (),
) -> KAN:
    """One float64 network: the mean of the members, on top of an additive part.

    Parameters
    ----------
    bag : Bag, optional
        Without it the network is the additive part alone.
    coarse : Design, optional
        Design of the bag, where it has fewer directions than that of the additive part.
    base : pair of Tensor, shapes (P, D) and (D,), optional
        Smooth coordinates and bias of the additive part; a node for each output carries it through the hidden layers.
    squares : pair of Tensor, shapes (P, nodes) and (nodes, D), optional
        Nodes that square what they read, as `pair_nodes` makes them of functions of pairs.
    deep : sequence of LayerTensors
        Layers of a network whose outputs are added, instead of a bag.
    """
    layers: list[LayerTensors] = (
        [*deep] if bag is None else _mean_layers(bag, design if coarse is None else coarse)
    )
    if squares is not None and squares[0].shape[1]:
        squared = _squared(design, *squares, intervals=_intervals(layers))
        layers = _side_by_side(squared, layers) if layers else squared
    if base is not None:
        carried = _carried(design, *base, depth=max(len(layers), 1), intervals=_intervals(layers))
        layers = _side_by_side(carried, layers) if layers else carried
    net = KAN(
        [len(design.maps), *(layer.coef.shape[2] for layer in layers)],
        init="zero",
        input_names=ends.names,
        output_names=ends.outputs,
        dtype=torch.float64,
    )
    states = [
        replace(
            state,
            spec=replace(state.spec, intervals=layer.grid.shape[1] - 1),
            grid=layer.grid,
            coef=layer.coef,
            bias=layer.bias,
            mask=(layer.coef != 0).any(1),
        )
        for state, layer in zip(take_apart(net), layers, strict=True)
    ]
    spec = replace(net.spec, layers=tuple(state.spec for state in states))
    made = KAN.from_layers(spec, [make_layer(state) for state in states])
    with torch.no_grad():
        made.input_shift.copy_(design.shift)
        made.input_scale.copy_(design.scale)
        made.output_shift.copy_(ends.shift)
        made.output_scale.copy_(ends.scale)
    # Nodes that the penalties have turned off add nothing; without them it is plain which inputs have no effect.
    return drop_dead(made).network


@dataclass(frozen=True, eq=False)
class LayerTensors:
    """Grid (I, G + 1), coefficients (I, M, O) and bias (O,)."""

    grid: Tensor
    coef: Tensor
    bias: Tensor


def _mean_layers(bag: Bag, design: Design) -> list[LayerTensors]:
    """The members side by side; the last layer takes their mean."""
    shape, members = bag.shape, bag.shape.members
    first = bag.first(torch.float64).detach()
    biases = [b.detach().to(torch.float64)[:, 0] for b in bag.biases]
    layers = [LayerTensors(design.breaks, design.coefficients(first), biases[0].reshape(-1))]
    for at, (before, after) in enumerate(pairwise((*shape.hidden, shape.outputs)), start=1):
        last = at == len(shape.hidden)
        own = bag.outer(at, torch.float64).detach().transpose(1, 2)  # (members, before, n, after)
        if last:
            coef, bias = own.flatten(0, 1) / members, biases[at].mean(0)
        else:
            # Nothing leads from one member to another.
            coef = torch.zeros(*own.shape[:3], members, after, dtype=torch.float64)
            coef[torch.arange(members), :, :, torch.arange(members)] = own
            coef, bias = coef.flatten(3).flatten(0, 1), biases[at].reshape(-1)
        grid = uniform_grid(-REACH, REACH, shape.intervals, members * before)
        layers.append(LayerTensors(grid, coef, bias))
    return layers


def _intervals(layers: Sequence[LayerTensors]) -> int:
    return layers[-1].grid.shape[1] - 1 if layers else 1


def _carried(design: Design, theta: Tensor, bias: Tensor, depth: int, intervals: int) -> list[LayerTensors]:
    """An additive part as a network of some depth: behind its first layer, straight lines of slope one."""
    count = theta.shape[1]
    layers = [LayerTensors(design.breaks, design.coefficients(theta), bias)]
    for _ in range(depth - 1):
        grid = uniform_grid(-REACH, REACH, intervals, count)
        coef = torch.zeros(count, intervals + DEGREE, count, dtype=torch.float64)
        coef[torch.arange(count), :, torch.arange(count)] = BSpline(grid, DEGREE).greville()
        layers.append(LayerTensors(grid, coef, torch.zeros(count, dtype=torch.float64)))
    return layers


def _squared(design: Design, reads: Tensor, weights: Tensor, intervals: int) -> list[LayerTensors]:
    """Nodes that read smooth coordinates (P, nodes), and whose squares are added up by weights (nodes, D)."""
    nodes, outputs = weights.shape
    coef = square(intervals)[None, :, None] * weights[:, None]
    return [
        LayerTensors(design.breaks, design.coefficients(reads), torch.zeros(nodes, dtype=torch.float64)),
        LayerTensors(
            uniform_grid(-REACH, REACH, intervals, nodes), coef, torch.zeros(outputs, dtype=torch.float64)
        ),
    ]


def _side_by_side(first: Sequence[LayerTensors], second: Sequence[LayerTensors]) -> list[LayerTensors]:
    """Two networks of one depth that read the same inputs, and whose outputs are added."""
    layers: list[LayerTensors] = []
    for at, (a, b) in enumerate(zip(first, second, strict=True)):
        if at == len(first) - 1:
            coef, bias = torch.cat([a.coef, b.coef]), a.bias + b.bias
        elif at == 0:
            layers.append(LayerTensors(a.grid, torch.cat([a.coef, b.coef], 2), torch.cat([a.bias, b.bias])))
            continue
        else:
            rows = a.coef.shape[0] + b.coef.shape[0]
            coef = a.coef.new_zeros(rows, a.coef.shape[1], a.coef.shape[2] + b.coef.shape[2])
            coef[: a.coef.shape[0], :, : a.coef.shape[2]] = a.coef
            coef[a.coef.shape[0] :, :, a.coef.shape[2] :] = b.coef
            bias = torch.cat([a.bias, b.bias])
        layers.append(LayerTensors(torch.cat([a.grid, b.grid]), coef, bias))
    return layers
