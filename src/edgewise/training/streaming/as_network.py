"""What was learned in passes as a network: functions of inputs and of pairs in their directions, and hidden nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.kernels.sparse import DEGREE
from edgewise.network import KAN
from edgewise.network.state import put_together, take_apart
from edgewise.splines.bspline import knot_insertion
from edgewise.training.interactions.pair_columns import smoothest
from edgewise.training.interactions.pair_functions import PairFunctions
from edgewise.training.interactions.pair_nodes import pair_nodes
from edgewise.training.interactions.two_way_tables import Pair
from edgewise.training.streaming.features import Features
from edgewise.training.streaming.quadratic import Directions
from edgewise.training.tabular.assembly import Ends, LayerTensors, to_network

# Intervals of an input, about, and of a hidden node.
INTERVALS, HIDDEN_INTERVALS = 8, 6


def network_of(
    features: Features,
    directions: Directions,
    theta: Floats,
    ends: Ends,
    deep: Sequence[LayerTensors] = (),
) -> KAN:
    """The functions that directions theta (P + 1, D) make, and layers of hidden nodes beside them, as one network."""
    design = features.design
    size = features.breaks.shape[1] - 1 + DEGREE
    whole = np.zeros((len(features.singles) * size, theta.shape[1]))
    products = dict[Pair, tuple[torch.Tensor, torch.Tensor]]()
    columns = [directions.split(column) for column in theta.T]
    for at, part in enumerate(directions.parts):
        own = np.stack([column[at] for column in columns], 1)
        if len(part.inputs) == 1:
            i = part.inputs[0]
            whole[i * size : (i + 1) * size] = features.singles[i].spread[:, 1:] @ own
            continue
        i, j = part.inputs
        a, b = (features.coarse[k].spread[:, 1:] for k in (i, j))
        at = smoothest(a.shape[1], b.shape[1]).numpy() - 1
        square = np.zeros((a.shape[1], b.shape[1], own.shape[1]))
        square[at[:, 0], at[:, 1]] = own
        tables = np.einsum("ma,abd,nb->mnd", a, square, b)
        places = torch.cartesian_prod(i * size + torch.arange(size), j * size + torch.arange(size))
        products[i, j] = places, torch.from_numpy(tables.reshape(size * size, -1))
    plain, bias = torch.from_numpy(whole), torch.from_numpy(theta[-1].copy())
    squares = None
    if products:
        functions = PairFunctions(plain, bias, products)
        squares = pair_nodes(functions, design, torch.full((len(whole),), size**-0.5, dtype=torch.float64))
    return to_network(None, design, ends, base=(plain, bias), squares=squares, deep=deep)


@dataclass(frozen=True)
class DeepSettings:
    """Hidden nodes, a factor on the passes, and the seed of the start and of the order of the rows."""

    hidden: int = 16
    work: float = 1.0
    seed: int = 0


def first_breaks(breaks: Floats) -> Floats:
    """Every so many-th break (I, G + 1) of each input, the ends included."""
    stride = max(1, (breaks.shape[1] - 1) // INTERVALS)
    kept = np.unique(np.append(np.arange(0, breaks.shape[1], stride), breaks.shape[1] - 1))
    return breaks[:, kept]


def first_network(breaks: Floats, settings: DeepSettings, outputs: int) -> KAN:
    """A network of random hidden nodes that adds nothing yet, in single precision."""
    net = KAN(
        [len(breaks), settings.hidden, outputs],
        intervals=HIDDEN_INTERVALS,
        seed=settings.seed,
        dtype=torch.float32,
    )
    _, last = take_apart(net)
    own = KAN(
        [len(breaks), settings.hidden],
        intervals=breaks.shape[1] - 1,
        seed=settings.seed,
        dtype=torch.float32,
    )
    first = take_apart(own)[0]
    first = replace(first, grid=torch.from_numpy(breaks).to(torch.float32))
    made = put_together(net, [first, last])
    with torch.no_grad():
        made.layers[-1].coef.zero_()
    return made


def layers_of(net: KAN, coarse: Floats, fine: Floats) -> tuple[LayerTensors, ...]:
    """The layers in double precision, the first on finer breaks."""
    insert = knot_insertion(torch.from_numpy(coarse), torch.from_numpy(fine), DEGREE)
    layers = list[LayerTensors]()
    for at, layer in enumerate(net.layers):
        assert layer.bias is not None
        coef, bias = (part.detach().to(torch.float64) for part in (layer.coef, layer.bias))
        grid = layer.grid.to(torch.float64)
        if at == 0:
            grid, coef = torch.from_numpy(fine), insert @ coef
        layers.append(LayerTensors(grid, coef, bias))
    return tuple(layers)
