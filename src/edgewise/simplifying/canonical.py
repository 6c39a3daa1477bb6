"""Canonical form: the freedoms that make two equal networks look different, removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_matrix
from edgewise.network import KAN, EditResult, order_nodes
from edgewise.network.arguments import check_net
from edgewise.network.edits import recorded
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.simplifying.scores import edge_scores
from edgewise.splines.bspline import BSpline


def canonical(model: KAN, X: Any) -> EditResult:
    """Edge functions centred on the data, hidden nodes scaled to [-1, 1] on it, signed and ordered. Exact on the data.

    Two networks that differ in the order, the scale and the sign of hidden sum nodes and in where constants stand have the
    same canonical form; of inputs that are sums of others, the straight lines that cancel are taken out of their edges. The
    sign is such that a node's strongest incoming edge rises with its input on the whole.

    Parameters
    ----------
    model : KAN
    X : array, list or data frame, shape (n, inputs)

    Returns
    -------
    EditResult
        Its record states the largest change of any output on X (rounding).

    Notes
    -----
    Multiplication nodes are scaled but neither shifted nor signed, and nodes beside a base function keep their scale: it
    would not be exact there. Signs are set where the edges that leave the node are B-splines, which a mirrored grid leaves
    exact.

    Raises
    ------
    InputError
        If X does not fit the network.

    Examples
    --------
    >>> model, X = KAN([2, 3, 1], seed=0, dtype=torch.float64), torch.rand(100, 2, dtype=torch.float64)
    >>> result = canonical(model, X)
    >>> result.record.max_change < 1e-12
    True
    """
    check_net(model)
    x = torch.from_numpy(check_matrix(X, "X", columns=model.shape[0])).to(model.output_shift)
    made = _untied(model, x)
    for at in range(len(model.layers)):
        made = _centred(made, x, at)
        if at + 1 < len(model.layers):
            made = _scaled(made, x, at)
    for at in range(1, len(model.layers)):
        scores = edge_scores(made, x).nodes[at - 1]
        n_sums = made.spec.layers[at - 1].nodes.sums
        order = sorted(range(len(scores)), key=lambda k: (k >= n_sums, -float(scores[k])))
        made = order_nodes(made, at, order).network
    detail = (
        "edges centred, lines that cancel taken out, hidden nodes scaled to [-1, 1], signed, ordered by score"
    )
    return recorded("canonical", detail, model, made, x)


# Singular values of inputs, in units of their largest, that are rounding.
_ROUNDING = 1e-12


def _untied(net: KAN, x: Tensor) -> KAN:
    """Of inputs that are sums of others, the straight lines that cancel in a node taken out of its edges.

    Where A = Z + N, a node may hold any multiple of A - Z - N: the one that leaves its edges smallest is the one to be read.
    """
    layer, states = net.layers[0], take_apart(net)
    if not isinstance(layer.basis, BSpline) or layer.basis.degree < 1:
        return net
    with torch.no_grad():
        inputs = net.activations(x)[0]
        edges = layer.edges(inputs)
    mean, size = inputs.mean(0), (inputs - inputs.mean(0)).norm(dim=0)
    unit = (inputs - mean) / torch.where(size > 0, size, 1.0)
    numeric = (layer.numeric_mask() > 0) & (size > 0)[:, None]
    coef, lines = states[0].coef.clone(), layer.basis.greville().to(unit) - mean[:, None]
    if not len(_relations(unit[:, size > 0])):
        return net
    for node in range(numeric.shape[1]):
        of = numeric[:, node].nonzero()[:, 0]
        relations = _relations(unit[:, of])
        # The relations are orthonormal, and so are the lines of the edges: least squares without a system.
        along = (unit[:, of] * edges[:, of, node]).sum(0)
        moved = -(relations @ along) @ relations / size[of]
        coef[of, :, node] += moved[:, None] * lines[of]
    states[0] = replace(states[0], coef=coef)
    return put_together(net, states)


def _relations(unit: Tensor) -> Tensor:
    """The sums of columns of length one that are zero in every row, as orthonormal rows of coefficients."""
    if unit.shape[0] <= unit.shape[1]:  # any columns are tied on so few rows
        return unit[:0]
    _, spread, ways = torch.linalg.svd(unit, full_matrices=False)
    return ways[spread <= _ROUNDING * spread.max()] if len(spread) else unit[:0]


def _centred(net: KAN, x: Tensor, at: int) -> KAN:
    """Means of the edges of a layer moved into its biases."""
    states = take_apart(net)
    state = states[at]
    with torch.no_grad():
        means = net.layers[at].edges(net.activations(x)[at]).mean(0)
    constant = net.layers[at].basis.one
    numeric = net.layers[at].numeric_mask()
    coef = state.coef - constant[None, :, None] * (means * numeric)[:, None, :]
    affine = state.affine
    if affine is not None:
        affine = affine.clone()
        for k, edge in enumerate(state.spec.symbolic):
            affine[k, 3] -= means[edge.source, edge.target]
    bias = means.sum(0) if state.bias is None else state.bias + means.sum(0)
    states[at] = replace(state, coef=coef, affine=affine, bias=bias, spec=replace(state.spec, bias=True))
    return put_together(net, states)


def _scaled(net: KAN, x: Tensor, at: int) -> KAN:
    """Nodes after a layer scaled to [-1, 1] on the data and signed, the next layer's grids with them."""
    states = take_apart(net)
    before, after = states[at], states[at + 1]
    if after.spec.base is not None:
        return net
    with torch.no_grad():
        nodes = net.activations(x)
    low, high = nodes[at + 1].min(0).values, nodes[at + 1].max(0).values
    sums = torch.arange(len(low)) < before.spec.nodes.sums
    shift = torch.where(sums, (low + high) / 2, 0.0)
    scale = torch.where(sums, (high - low) / 2, torch.maximum(low.abs(), high.abs()))
    scale = torch.where(scale > 0, scale, 1.0)
    if after.spec.basis == "bspline":
        scale = torch.where(sums, scale * _signs(net, nodes[at], at)[: len(sums)], scale)
    states[at] = _sums_scaled(before, shift, scale)
    states[at + 1] = _inputs_scaled(after, shift, scale)
    return put_together(net, states)


def _signs(net: KAN, x: Tensor, at: int) -> Tensor:
    """-1 for every sum of a layer whose strongest edge falls with its input, else 1."""
    with torch.no_grad():
        edges = net.layers[at].edges(x)
    centred = edges - edges.mean(0)
    strongest = centred.square().sum(0).argmax(0)
    rise = ((x - x.mean(0))[:, strongest] * centred[:, strongest, torch.arange(len(strongest))]).sum(0)
    return torch.where(rise < 0, -1.0, 1.0).to(x)


def _sums_scaled(state: LayerState, shift: Tensor, scale: Tensor) -> LayerState:
    """The layer with its nodes at (value - shift) / scale; a product is scaled through its first factor."""
    factor, offset = (torch.full((state.spec.nodes.incoming,), v).to(scale) for v in (1.0, 0.0))
    for node, group in enumerate(state.spec.nodes.groups()):
        factor[group[0]] = 1 / scale[node]
        offset[group[0]] = -shift[node] / scale[node]
    affine = state.affine
    if affine is not None:
        affine = affine.clone()
        for k, edge in enumerate(state.spec.symbolic):
            affine[k, 0] *= factor[edge.target]
            affine[k, 3] *= factor[edge.target]
    return replace(
        state,
        spec=replace(state.spec, bias=True),
        coef=state.coef * factor,
        bias=(0.0 if state.bias is None else state.bias) * factor + offset,
        base_weight=None if state.base_weight is None else state.base_weight * factor,
        affine=affine,
    )


def _inputs_scaled(state: LayerState, shift: Tensor, scale: Tensor) -> LayerState:
    """The layer as it was for inputs that are now at (value - shift) / scale."""
    grid, coef = (state.grid - shift[:, None]) / scale[:, None], state.coef
    mirrored = scale < 0
    grid = torch.where(mirrored[:, None], grid.flip(1), grid)
    coef = torch.where(mirrored[:, None, None], coef.flip(1), coef)
    affine = state.affine
    if affine is not None:
        affine = affine.clone()
        for k, edge in enumerate(state.spec.symbolic):
            affine[k, 2] += affine[k, 1] * shift[edge.source]
            affine[k, 1] *= scale[edge.source]
    return replace(state, grid=grid, coef=coef, affine=affine)
