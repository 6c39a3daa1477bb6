"""Prune: take out edges, nodes and inputs, leaving their mean effect in the biases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch

from edgewise._core.checks import check_float, check_matrix
from edgewise._core.errors import InputError
from edgewise.network import KAN, EditResult, drop_dead
from edgewise.network.arguments import check_edges, check_net
from edgewise.network.edits import Edge, listed, recorded
from edgewise.network.state import put_together, take_apart
from edgewise.simplifying.scores import edge_scores


def prune(
    model: KAN,
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
    model : KAN
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
        Its record names the edges and states the largest change of any output on X.

    Raises
    ------
    InputError
        If nothing would be left of an output, or an argument does not fit.

    Examples
    --------
    >>> model = KAN([2, 3, 1], seed=0)
    >>> prune(model, torch.rand(50, 2), nodes=[(1, 0)]).network.shape
    (2, 2, 1)
    """
    check_net(model)
    x = torch.from_numpy(check_matrix(X, "X", columns=model.shape[0]))
    chosen = set(check_edges(model, edges))
    for layer, node in nodes:
        if not (1 <= layer < len(model.shape) - 1 and 0 <= node < model.shape[layer]):
            raise InputError(
                argument="nodes",
                expected=f"list hidden nodes (layer, node) of {list(model.shape)}",
                got=f"{(layer, node)}",
            )
        chosen |= {(layer, node, target) for target in range(model.layers[layer].out_features)}
    if threshold is not None:
        check_float(threshold, "threshold", low=0.0)
        spread = (
            float(model.output_scale.norm())
            if len(x) < 2
            else float(torch.from_numpy(model.predict(x)).std(0).norm())
        )
        for at, table in enumerate(edge_scores(model, x).edges):
            chosen |= {
                (at, int(i), int(o))
                for i, o in ((table < threshold * spread) & model.layers[at].mask.cpu()).nonzero().tolist()
            }
    states = take_apart(model)
    with torch.no_grad():
        values = model.activations(x.to(model.output_shift))
        for at in {edge[0] for edge in chosen}:
            mine = [(i, o) for layer, i, o in chosen if layer == at and bool(states[at].mask[i, o])]
            means = model.layers[at].edges(values[at]).mean(0)
            state = states[at]
            bias = state.coef.new_zeros(state.spec.nodes.incoming) if state.bias is None else state.bias
            for i, o in mine:
                state.mask[i, o] = False
                bias[o] += means[i, o]
            states[at] = replace(state, bias=bias, spec=replace(state.spec, bias=True))
    made = drop_dead(put_together(model, states)).network
    lost = model.layers[-1].mask.any(0) & ~made.layers[-1].mask.any(0)
    if bool(lost.any()):
        names = ", ".join(
            repr(name) for name, gone in zip(model.output_names, lost.tolist(), strict=True) if gone
        )
        raise InputError(
            subject="The edges that prune takes out",
            expected="leave every output one that reaches it",
            got=f"none for {names}",
            advice="keep one more edge",
        )
    return recorded("prune", listed("pruned edge", sorted(chosen)), model, made, x)
