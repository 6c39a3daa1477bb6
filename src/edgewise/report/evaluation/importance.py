"""How much every part of the network contributes on the rows trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.network import KAN
from edgewise.simplifying import edge_scores

# Rows times edges of the widest layer that scores are taken from.
MOST_VALUES = 3_000_000
MOST_ROWS = 2048


@dataclass(frozen=True, eq=False)
class NetworkImportance:
    """How much edges, hidden nodes and inputs contribute, in the units of the output.

    Attributes
    ----------
    edges : tuple of array (I, sums)
        0 for dead edges.
    nodes : tuple of array (n,)
        Of the hidden layers.
    inputs : array (inputs,)
    """

    edges: tuple[Floats, ...]
    nodes: tuple[Floats, ...]
    inputs: Floats


def importance(net: KAN, X: Floats) -> NetworkImportance:
    """Scores on rows at even steps, as many as memory takes lightly."""
    widest = max(layer.in_features * layer.out_features for layer in net.layers)
    rows = max(min(MOST_ROWS, MOST_VALUES // widest), 32)
    found = edge_scores(net, X[:: max(-(-len(X) // rows), 1)])
    edges = tuple(
        _plain(s) * layer.mask.cpu().numpy() for s, layer in zip(found.edges, net.layers, strict=True)
    )
    return NetworkImportance(edges, tuple(_plain(s) for s in found.nodes), np.sqrt((edges[0] ** 2).sum(1)))


def by_score(pairs: Sequence[tuple[int, int]], score: Floats) -> list[tuple[int, int]]:
    """Edges, the strongest first."""
    return sorted(pairs, key=lambda e: (-float(score[e]), e))


def _plain(tensor: object) -> Floats:
    values = np.asarray(getattr(tensor, "cpu", lambda: tensor)(), dtype=np.float64)
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
