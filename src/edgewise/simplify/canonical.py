"""Canonical form: the freedoms that make two equal networks look different, removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_matrix
from edgewise.network import KAN, EditResult, order_nodes
from edgewise.network.edits import recorded
from edgewise.network.state import put_together, take_apart
from edgewise.simplify.scores import edge_scores


def canonical(net: KAN, X: Any) -> EditResult:
    """Edge functions centred on the data, hidden nodes scaled to [-1, 1] on it, nodes ordered by score. Exact.

    Parameters
    ----------
    net : KAN
    X : array, list or data frame, shape (n, inputs)

    Returns
    -------
    EditResult
        Its record states the largest change of any output on X (rounding).

    Notes
    -----
    Multiplication nodes are scaled but not shifted, and layers with a base function keep their scale: a shift or a scale
    would not be exact there.

    Examples
    --------
    >>> net, X = KAN([2, 3, 1], seed=0, dtype=torch.float64), torch.rand(100, 2, dtype=torch.float64)
    >>> result = canonical(net, X)
    >>> result.record.max_change < 1e-12
    True
    """
    x = torch.from_numpy(check_matrix(X, "X", columns=net.shape[0], of="canonical")).to(net.output_shift)
    made = net
    for l in range(len(net.layers)):
        made = _centred(made, x, l)
        if l + 1 < len(net.layers):
            made = _scaled(made, x, l)
    for l in range(1, len(net.layers)):
        scores = edge_scores(made, x).nodes[l - 1]
        n_sums = made.spec.layers[l - 1].nodes.sums
        order = sorted(range(len(scores)), key=lambda k: (k >= n_sums, -float(scores[k])))
        made = order_nodes(made, l, order).network
    return recorded("canonical", "edges centred, hidden nodes scaled to [-1, 1], ordered by score", net, made, x)


def _centred(net: KAN, x: Tensor, l: int) -> KAN:
    """Means of the edges of a layer moved into its biases."""
    states = take_apart(net)
    state = states[l]
    with torch.no_grad():
        means = net.layers[l].edges(net.activations(x)[l]).mean(0)
    constant = net.layers[l].basis.one
    numeric = net.layers[l].numeric_mask()
    coef = state.coef - constant[None, :, None] * (means * numeric)[:, None, :]
    affine = state.affine
    if affine is not None:
        affine = affine.clone()
        for k, edge in enumerate(state.spec.symbolic):
            affine[k, 3] -= means[edge.source, edge.target]
    bias = means.sum(0) if state.bias is None else state.bias + means.sum(0)
    states[l] = replace(state, coef=coef, affine=affine, bias=bias, spec=replace(state.spec, bias=True))
    return put_together(net, states)


def _scaled(net: KAN, x: Tensor, l: int) -> KAN:
    """Nodes after layer l scaled to [-1, 1] on the data, the next layer's grids with them."""
    states = take_apart(net)
    before, after = states[l], states[l + 1]
    if after.spec.base is not None or before.spec.base is not None:
        return net
    with torch.no_grad():
        values = net.activations(x)[l + 1]
    low, high = values.min(0).values, values.max(0).values
    n_sums = before.spec.nodes.sums
    shift = torch.where(torch.arange(len(low)) < n_sums, (low + high) / 2, torch.zeros_like(low))
    scale = torch.where(torch.arange(len(low)) < n_sums, (high - low) / 2, torch.maximum(low.abs(), high.abs()))
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    # A product is scaled through its first factor.
    factor, offset = torch.ones(before.spec.nodes.incoming).to(scale), torch.zeros(before.spec.nodes.incoming).to(scale)
    for node, group in enumerate(before.spec.nodes.groups()):
        factor[group[0]] = 1 / scale[node]
        offset[group[0]] = -shift[node] / scale[node]
    affine = before.affine
    if affine is not None:
        affine = affine.clone()
        for k, edge in enumerate(before.spec.symbolic):
            affine[k, 0] *= factor[edge.target]
            affine[k, 3] *= factor[edge.target]
    bias = torch.zeros_like(factor) if before.bias is None else before.bias
    states[l] = replace(
        before, coef=before.coef * factor, bias=bias * factor + offset, affine=affine, spec=replace(before.spec, bias=True)
    )
    onward = after.affine
    if onward is not None:
        onward = onward.clone()
        for k, edge in enumerate(after.spec.symbolic):
            onward[k, 2] += onward[k, 1] * shift[edge.source]
            onward[k, 1] *= scale[edge.source]
    states[l + 1] = replace(after, grid=(after.grid - shift[:, None]) / scale[:, None], affine=onward)
    return put_together(net, states)
