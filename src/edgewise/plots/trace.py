"""What a drawing needs to know of a network: where the values of its nodes lie, and how much each edge contributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_matrix, plural
from edgewise._core.errors import InputError
from edgewise._core.plain import article
from edgewise.network import KAN

# Beyond these many rows a drawing looks the same; rows are then taken at even steps.
MOST_ROWS = 4096
MOST_VALUES = 4_000_000
POINTS_WITHOUT_DATA = 129


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer on data.

    Attributes
    ----------
    values : array (n, I)
        Values of the source nodes in network units.
    low, high : array (I,)
        Range of these values, or of the grid where no data were given.
    mean, score : array (I, O)
        Mean and standard deviation of each edge function on the values; the latter 0 for dead edges.
    """

    values: Floats
    low: Floats
    high: Floats
    mean: Floats
    score: Floats


def trace(net: object, X: Any = None) -> tuple[LayerTrace, ...]:
    """Every layer of the network on X, or on even points over each grid where X is None."""
    if not isinstance(net, KAN):
        raise InputError(argument="model", expected="be a KAN", got=article(type(net)))
    with torch.no_grad():
        if X is None:
            share = torch.linspace(
                0.0, 1.0, POINTS_WITHOUT_DATA, dtype=net.dtype, device=net.output_shift.device
            )
            ends = [layer.domain for layer in net.layers]
            nodes = [end[:, 0] + share[:, None] * (end[:, 1] - end[:, 0]) for end in ends]
        else:
            table = check_matrix(X, "X", columns=net.shape[0])
            table = table[:: -(-len(table) // MOST_ROWS)]
            nodes = net.activations(torch.from_numpy(table).to(net.output_shift))[:-1]
    return tuple(_layer_trace(net, k, h) for k, h in enumerate(nodes))


def chosen_scores(net: KAN, traces: tuple[LayerTrace, ...], scores: Any) -> tuple[Floats, ...]:
    """Given scores, one (I, O) array a layer (or an object with them in `.edges`), checked; else the traces' own."""
    if scores is None:
        return tuple(one.score for one in traces)
    given = as_tuple(getattr(scores, "edges", scores), "scores", "arrays")
    if len(given) != len(net.layers):
        raise InputError(
            argument="scores",
            expected=f"hold {plural(len(net.layers), 'array')}, one for each layer",
            got=len(given),
        )
    return tuple(
        check_matrix(s, f"scores[{k}]", columns=layer.out_features, rows=layer.in_features)
        for k, (s, layer) in enumerate(zip(given, net.layers, strict=True))
    )


def layer_curves(net: KAN, layer: int, points: Floats) -> Floats:
    """Every edge function of a layer on points in network units: (n, I) -> (n, I, O)."""
    with torch.no_grad():
        x = torch.from_numpy(np.ascontiguousarray(points)).to(net.output_shift)
        return net.layers[layer].edges(x).to(torch.float64).cpu().numpy()


def form_of(net: KAN, layer: int, source: int, target: int) -> str | None:
    """The closed form of an edge, None where it is numeric."""
    for edge in net.layers[layer].symbolic:
        if (edge.source, edge.target) == (source, target):
            return edge.form
    return None


def _layer_trace(net: KAN, layer: int, nodes: torch.Tensor) -> LayerTrace:
    values = nodes.to(torch.float64).cpu().numpy()
    sizes = net.layers[layer]
    # A wide layer is weighed on fewer rows: (rows, I, O) must stay small.
    rows = max(64, MOST_VALUES // (sizes.in_features * sizes.out_features))
    edges = layer_curves(net, layer, values[:: -(-len(values) // rows)])
    edges = np.nan_to_num(edges, nan=0.0, posinf=0.0, neginf=0.0)
    score = edges.std(0) * sizes.mask.cpu().numpy()
    return LayerTrace(values, values.min(0), values.max(0), edges.mean(0), score)
