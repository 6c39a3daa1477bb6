"""Functions of single inputs and of pairs, in their directions, written as a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.kernels.sparse import DEGREE
from edgewise.network import KAN
from edgewise.training.interactions.pair_functions import PairFunctions
from edgewise.training.interactions.pair_nodes import pair_nodes
from edgewise.training.interactions.two_way_tables import Pair
from edgewise.training.streaming.features import Features, smoothest
from edgewise.training.streaming.quadratic import Directions
from edgewise.training.tabular.assembly import LayerTensors, to_network


def network_of(
    features: Features,
    directions: Directions,
    theta: Floats,
    names: Sequence[str],
    outputs: Sequence[str],
    shift: Floats,
    scale: Floats,
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
    return to_network(
        None,
        design,
        base=(plain, bias),
        squares=squares,
        deep=deep,
        names=names,
        outputs=outputs,
        shift=torch.from_numpy(shift),
        scale=torch.from_numpy(scale),
    )
