"""The small networks a formula is sought in, how one is trained for it, and how it loses the edges it can do without."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from edgewise._core.stopping import StopReason
from edgewise._core.work import UntilSpent, charge, spent
from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.symbolic.costs import NETWORK
from edgewise.symbolic.expressions.composition import Edge, living_edges
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.training import FitResult, fit
from edgewise.training.common.records import Record

# Starts of a training: single ones do get stuck.
_STARTS = 3
# Removing an edge may cost this factor of the error, or this share of y's spread: shapes show long before digits do.
_EDGE_SLACK = 1.05
_EDGE_BLUR = 2e-3
# Steps of training after it, and rows that show which edge is missed least.
_EDGE_STEPS = 20
_EDGE_ROWS = 400

Callbacks = Sequence[Callable[[Record], Any]]


@dataclass(frozen=True)
class Architecture:
    """Nodes of each layer; `plain` makes the output a weighted sum, without functions of its own."""

    nodes: tuple[int | Nodes, ...]
    plain: bool = False


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained network, its error on the held-out rows in the units of y, and who broke training off, if anyone."""

    network: KAN
    error: float
    stopped: StopReason | None = None


def shapes(columns: int) -> tuple[Architecture, ...]:
    """Shapes in the order they are tried: a sum, a function of a sum, products, sums of functions of sums."""
    if columns == 1:
        return (
            Architecture((1, 1, 1)),
            Architecture((1, Nodes(0, (2,)))),
            Architecture((1, Nodes(1, (2,)), 1), plain=True),
            Architecture((1, 2, 1)),
        )
    return (
        Architecture((columns, 1)),
        Architecture((columns, 1, 1)),
        Architecture((columns, Nodes(0, (2,)))),
        Architecture((columns, Nodes(1, (2,)), 1), plain=True),
        Architecture((columns, Nodes(0, (2,)), 1)),
        Architecture((columns, 2, 1)),
        Architecture((columns, 2, Nodes(0, (2,)))),
        Architecture((columns, Nodes(0, (2, 2)), 1), plain=True),
        Architecture((columns, 1, 1, 1)),
        Architecture((columns, 3, 1)),
    )


def train(
    shape: Architecture,
    rows: SplitRows,
    *,
    intervals: int,
    until: float,
    seed: int,
    callbacks: Callbacks = (),
) -> TrainedNetwork:
    """Train one shape on the rows to fit, until it converges or the count of work is reached."""
    net = KAN(list(shape.nodes), input_names=rows.names, intervals=intervals, seed=seed, dtype=torch.float64)
    if shape.plain:
        last = len(net.layers) - 1
        for edge in living_edges(net):
            if edge[0] == last:
                net = set_symbolic(net, edge, "identity").network
    budget = UntilSpent(until)
    charge(NETWORK)
    result = fit(
        net,
        rows.X,
        rows.y,
        intervals=(intervals,),
        starts=_STARTS,
        seed=seed,
        callbacks=(*callbacks, budget),
    )
    stopped = None if budget.over else _stopped(result)
    return TrainedNetwork(result.network, held_error(result.network, rows), stopped)


def _stopped(result: FitResult) -> StopReason | None:
    outside = result.stop_reason in (StopReason.INTERRUPTED, StopReason.CALLBACK)
    return result.stop_reason if outside else None


def held_error(net: KAN, rows: SplitRows) -> float:
    """Root mean squared error on the rows to judge on."""
    return math.sqrt(float(np.mean(np.square(net.predict(rows.X_held)[:, 0] - rows.y_held))))


def thinned(trained: TrainedNetwork, rows: SplitRows, *, until: float) -> TrainedNetwork:
    """The network without the edges that the others can make up for.

    Edges are tried from the least missed; after each removal the rest is trained again, because in a network with
    freedom to spare an edge may carry what another could carry as well.
    """
    net, error = trained.network, trained.error
    allowed = max(_EDGE_SLACK * error, _EDGE_BLUR * rows.spread)
    refused: set[Edge] = set()
    while spent() < until:
        edge = _least_missed(net, rows, refused)
        if edge is None:
            break
        charge(NETWORK)
        result = fit(
            mask_edges(net, [edge]).network,
            rows.X,
            rows.y,
            intervals=(net.layers[0].intervals,),
            steps=_EDGE_STEPS,
            validation=None,
        )
        new = held_error(result.network, rows)
        if new <= allowed:
            net, error = result.network, new
        else:
            refused.add(edge)
        if stopped := _stopped(result):
            return TrainedNetwork(net, error, stopped)
    return TrainedNetwork(net, error)


def _least_missed(net: KAN, rows: SplitRows, refused: set[Edge]) -> Edge | None:
    """The edge whose removal moves the output least, before any training."""
    table = torch.from_numpy(rows.thinned(_EDGE_ROWS).X)
    missed: dict[Edge, float] = {}
    edges = living_edges(net)
    with torch.no_grad():
        here = net(table)
        for edge in edges:
            if edge not in refused and len(edges) > 1:
                difference = mask_edges(net, [edge]).network(table) - here
                missed[edge] = float((difference - difference.mean()).square().mean())
    return min(missed, key=lambda edge: missed[edge]) if missed else None
