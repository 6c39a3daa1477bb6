"""The exact clean-up after pruning: hidden nodes that no longer matter go, constants they carry move into biases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from edgewise.network.arguments import check_net
from edgewise.network.edits import EditResult, listed, recorded
from edgewise.network.module import KAN
from edgewise.network.state import LayerState, make_layer, put_together, take_apart


def drop_dead(model: KAN, X: Any = None) -> EditResult:
    """Remove hidden nodes that nothing leaves or nothing enters; constants they carry move into biases. Exact.

    Inputs stay, even where no edge leaves them: the table they come from has not changed (see `remove_inputs`). A layer
    of dead nodes keeps one of them, without edges.

    Parameters
    ----------
    model : KAN
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Examples
    --------
    >>> from edgewise.network import mask_edges
    >>> model = mask_edges(KAN([2, 3, 1], seed=0), [(0, 0, 2), (0, 1, 2)]).network
    >>> drop_dead(model).record.after
    '[2, 2, 1], 6 edges'
    """
    check_net(model)
    states = take_apart(model)
    # Cutting a node off can leave nodes before and after it dead.
    while any(_cut_off(states, layer) for layer in range(1, len(states))):
        pass
    gone: list[str] = []
    for layer in range(1, len(states)):
        dead = [k for k, alive in enumerate(states[layer].mask.any(1).tolist()) if not alive]
        if len(dead) == states[layer].spec.in_features:
            dead = dead[1:]
        keep = [k for k in range(states[layer].spec.in_features) if k not in dead]
        states[layer - 1], states[layer] = states[layer - 1].take_nodes(keep), states[layer].take_inputs(keep)
        gone.extend(f"layer {layer} node {k}" for k in dead)
    return recorded("drop_dead", listed("removed", gone), model, put_together(model, states), X)


def _cut_off(states: list[LayerState], layer: int) -> bool:
    """Turn off the edges of the nodes of a layer that are constant or unused; whether there were any."""
    before, after = states[layer - 1], states[layer]
    found = False
    for node, sums in enumerate(before.spec.nodes.groups()):
        # A product with a factor that has no edge is still a function: the factor's bias scales the others.
        enters, leaves = bool(before.mask[:, list(sums)].any()), bool(after.mask[node].any())
        if enters == leaves:
            continue
        found = True
        if leaves:
            after = states[layer] = _fold_constant(before, after, node)
            after.mask[node] = False
        else:
            before.mask[:, list(sums)] = False
    return found


def _fold_constant(before: LayerState, after: LayerState, node: int) -> LayerState:
    """Move what a node without incoming edges sends on into the next biases."""
    sums = list(before.spec.nodes.groups()[node])
    value = after.coef.new_zeros(()) if before.bias is None else before.bias[sums].prod()
    with torch.no_grad():
        constant = make_layer(after).edges(value.expand(1, after.spec.in_features))[0, node]
    old = torch.zeros_like(constant) if after.bias is None else after.bias
    return replace(after, spec=replace(after.spec, bias=True), bias=old + constant)
