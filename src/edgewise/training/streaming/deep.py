"""The network that is trained on what functions of single inputs and of pairs leave over, and its way into theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.kernels.sparse import DEGREE
from edgewise.network import KAN
from edgewise.network.state import put_together, take_apart
from edgewise.splines.bspline import knot_insertion
from edgewise.training.tabular.assembly import LayerTensors

# Intervals of an input, about, and of a hidden node.
INTERVALS, HIDDEN_INTERVALS = 8, 6


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
