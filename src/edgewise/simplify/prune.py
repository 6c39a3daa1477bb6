"""Prune: take out edges, nodes and inputs, leaving their mean effect in the biases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch

from edgewise._core.checks import check_float, check_matrix
from edgewise._core.errors import InputError
from edgewise.network import KAN, EditResult, drop_dead
from edgewise.network.arguments import check_edge
from edgewise.network.edits import Edge, listed, recorded
from edgewise.network.state import put_together, take_apart
from edgewise.simplify.scores import edge_scores


def prune(
    net: KAN,
    X: Any,
    *,
    edges: Iterable[Edge] = (),
    nodes: Iterable[tuple[int, int]] = (),
    threshold: float | None = None,
) -> EditResult:
    """Turn off edges and nodes; what they added on average stays in the biases.

    Hidden nodes that are left without edges on either side are removed. Inputs stay, so that the network takes the same
    table; take them out with `remove_inputs`.

    Parameters
    ----------
    net : KAN
    X : array, list or data frame, shape (n, inputs)
        Data on which means and scores are taken.
    edges : iterable of (layer, source, target)
    nodes : iterable of (layer, node)
        Hidden nodes, layer 1 being the first hidden one.
    threshold : float, optional
        Also turn off every edge whose score is below this share of the spread of the outputs on X.

    Returns
    -------
    EditResult

    Raises
    ------
    InputError
        If nothing would be left of an output, or an argument does not fit.

    Examples
    --------
    >>> net = KAN([2, 3, 1], seed=0)
    >>> prune(net, torch.rand(50, 2), nodes=[(1, 0)]).network.shape
    (2, 2, 1)
    """
    x = torch.from_numpy(check_matrix(X, "X", columns=net.shape[0], of="prune"))
    chosen = {check_edge(net, edge) for edge in edges}
    for layer, node in nodes:
        if not (1 <= layer < len(net.shape) - 1 and 0 <= node < net.shape[layer]):
            raise InputError(f"The 'nodes' of prune must be (layer, node) of hidden nodes of {list(net.shape)}. Got {(layer, node)}.")
        chosen |= {(layer, node, target) for target in range(net.layers[layer].out_features)}
    if threshold is not None:
        check_float(threshold, "threshold", low=0.0, of="prune")
        spread = float(net.output_scale.norm()) if len(x) < 2 else float(torch.from_numpy(net.predict(x)).std(0).norm())
        for l, table in enumerate(edge_scores(net, x).edges):
            chosen |= {(l, int(i), int(o)) for i, o in ((table < threshold * spread) & net.layers[l].mask.cpu()).nonzero().tolist()}
    states = take_apart(net)
    with torch.no_grad():
        values = net.activations(x.to(net.output_shift))
        for l in {edge[0] for edge in chosen}:
            mine = [(i, o) for layer, i, o in chosen if layer == l and bool(states[l].mask[i, o])]
            means = net.layers[l].edges(values[l]).mean(0)
            state = states[l]
            bias = state.coef.new_zeros(state.spec.nodes.incoming) if state.bias is None else state.bias
            for i, o in mine:
                state.mask[i, o] = False
                bias[o] += means[i, o]
            states[l] = replace(state, bias=bias, spec=replace(state.spec, bias=True))
    if not bool(states[-1].mask.any(0).all()):
        raise InputError("The 'edges' to prune would leave an output without any edge; keep at least one for each output.")
    made = drop_dead(put_together(net, states)).network
    return recorded("prune", listed("pruned edge", sorted(chosen)), net, made, x)
