"""The exact clean-up after pruning: hidden nodes that no longer matter go, constants they carry move into biases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from edgewise.network.edits import EditResult, listed, recorded
from edgewise.network.module import KAN
from edgewise.network.state import LayerState, make_layer, put_together, take_apart


def drop_dead(net: KAN, X: Any = None) -> EditResult:
    """Remove hidden nodes that nothing leaves or nothing enters; constants they carry move into biases. Exact.

    Inputs stay, even where no edge leaves them: the table they come from has not changed (see `remove_inputs`). A layer
    keeps one node even if all of its nodes are dead.

    Parameters
    ----------
    net : KAN
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Examples
    --------
    >>> from edgewise.network import mask_edges
    >>> net = mask_edges(KAN([2, 3, 1], seed=0), [(0, 0, 2), (0, 1, 2)]).network
    >>> drop_dead(net).record.after
    '[2, 2, 1], 6 edges'
    """
    states, gone = take_apart(net), list[str]()
    names = [[str(k) for k in range(count)] for count in net.shape]
    # Removing a node can leave nodes before and after it dead; every round removes at least one.
    while (found := _first_dead(states)) is not None:
        layer, dead = found
        before, after = states[layer - 1], states[layer]
        for node in dead:
            if bool(after.mask[node].any()):
                after = _fold_constant(before, after, node)
        keep = [k for k in range(before.spec.nodes.total) if k not in dead]
        states[layer - 1], states[layer] = before.take_nodes(keep), after.take_inputs(keep)
        gone.extend(f"layer {layer} node {names[layer][k]}" for k in dead)
        names[layer] = [names[layer][k] for k in keep]
    return recorded("drop_dead", listed("removed", gone), net, put_together(net, states), X)


def _first_dead(states: list[LayerState]) -> tuple[int, list[int]] | None:
    """The first layer of nodes that has dead ones to spare, and those."""
    for layer in range(1, len(states)):
        leaves, enters = states[layer].mask.any(1), states[layer - 1].mask.any(0)
        # A product with a factor that has no edge is still a function: the factor's bias scales the others.
        groups = states[layer - 1].spec.nodes.groups()
        dead = [k for k, group in enumerate(groups) if not (leaves[k] and enters[list(group)].any())]
        if len(dead) == len(groups):
            dead = dead[1:]
        if dead:
            return layer, dead
    return None


def _fold_constant(before: LayerState, after: LayerState, node: int) -> LayerState:
    """Move what a node without incoming edges sends on into the next biases."""
    sums = list(before.spec.nodes.groups()[node])
    value = after.coef.new_zeros(()) if before.bias is None else before.bias[sums].prod()
    with torch.no_grad():
        constant = make_layer(after).edges(value.expand(1, after.spec.in_features))[0, node]
    old = torch.zeros_like(constant) if after.bias is None else after.bias
    return replace(after, spec=replace(after.spec, bias=True), bias=old + constant)
