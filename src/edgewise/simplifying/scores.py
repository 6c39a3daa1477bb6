"""Scores: how much every edge and node contributes on data, in the units of y.

The score of an edge is the root mean square, over rows, of what its centred value moves the outputs to first order:
(phi(x) - mean phi) * dy/dz at the sum it feeds. It is the Taylor criterion of P. Molchanov et al. ("Pruning convolutional
neural networks for resource efficient inference", 2017, arXiv:1611.06440), taken edge by edge. Neither values nor slopes of
all edges are held for all rows: memory is that of the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_matrix
from edgewise.kernels.moments import EdgeMoments, edge_moments, moments_of_values
from edgewise.kernels.trilinear import grad_input
from edgewise.layers import KANLinear, pull_back
from edgewise.layers.symbolic_edges import form_values
from edgewise.network import KAN
from edgewise.network.arguments import check_net


@dataclass(frozen=True, eq=False)
class Scores:
    """Contributions on data; `edges`, `nodes` and `inputs` in the units of y.

    Attributes
    ----------
    edges : tuple of Tensor, each (I, sums)
        One table a layer; 0 for dead edges.
    nodes : tuple of Tensor, each (n,)
        One row a hidden layer: what the node's centred value moves the outputs.
    inputs : Tensor, shape (inputs,)
        Root of the summed squares of the scores of the edges that leave each input.
    absolute, deviation : tuple of Tensor, each (I, sums)
        Mean ``|phi|`` and standard deviation of phi, in the units of the sum that the edge feeds: its size by itself,
        whatever the outputs make of it (the measure of Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024,
        arXiv:2404.19756).
    """

    edges: tuple[Tensor, ...]
    nodes: tuple[Tensor, ...]
    inputs: Tensor
    absolute: tuple[Tensor, ...]
    deviation: tuple[Tensor, ...]


def edge_scores(model: KAN, X: Any) -> Scores:
    """Score every edge, hidden node and input of a network on data.

    Parameters
    ----------
    model : KAN
    X : array, list or data frame, shape (n, inputs)

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If X does not fit the network.

    Examples
    --------
    >>> model = KAN([2, 1], seed=0)
    >>> edge_scores(model, torch.rand(100, 2)).edges[0].shape
    torch.Size([2, 1])
    """
    check_net(model)
    x = torch.from_numpy(check_matrix(X, "X", columns=model.shape[0])).to(model.output_shift)
    with torch.no_grad():
        nodes = model.activations(x)
        products = any(spec.nodes.products for spec in model.spec.layers)
        sums = model.sums(x) if products else nodes[1:]
        n, d = len(x), model.shape[-1]
        grad = (torch.eye(d, dtype=x.dtype, device=x.device) * model.output_scale).expand(n, d, d)
        moments, hidden = list[EdgeMoments](), list[Tensor]()
        for at in reversed(range(len(model.layers))):
            spec, layer = model.spec.layers[at], model.layers[at]
            delta = pull_back(grad, sums[at], spec.nodes.sums, spec.nodes.products)
            # The mean over rows and sum over outputs of (centred * delta)^2: delta^2 is a weight of the row at the node.
            moments.append(_moments(layer, nodes[at], (delta**2).sum(1)))
            if at > 0:
                grad = _gradient(layer, nodes[at], delta)
                moved = (nodes[at] - nodes[at].mean(0)) ** 2 * (grad**2).sum(1)
                hidden.append(moved.mean(0).sqrt())
    hidden.reverse()
    edges, absolute, deviation = (
        tuple(table.to(x.dtype) for table in tables)
        for tables in zip(
            *((m.weighted.sqrt(), m.absolute, m.variance.sqrt()) for m in reversed(moments)), strict=True
        )
    )
    return Scores(edges, tuple(hidden), (edges[0] ** 2).sum(1).sqrt(), absolute, deviation)


def _moments(layer: KANLinear, x: Tensor, weight: Tensor) -> EdgeMoments:
    """Moments of every edge; those of symbolic ones from values of their own."""
    found = edge_moments(layer.basis, x, layer.numeric_coef(), _base(layer), weight)
    for sources, targets, values in _symbolic(layer, x, 0):
        own = moments_of_values(values, weight[:, targets])
        for field in fields(found):
            getattr(found, field.name)[sources, targets] = getattr(own, field.name)
    return found


def _gradient(layer: KANLinear, x: Tensor, delta: Tensor) -> Tensor:
    """Gradients at the inputs of a layer (n, D, I) from those at its sums (n, D, O): each output is a network of its own."""
    many, coef, base = delta.shape[1], layer.numeric_coef(), _base(layer)
    grad = grad_input(
        layer.basis,
        x.expand(many, *x.shape),
        coef.expand(many, *coef.shape),
        None if base is None else base.expand(many, *base.shape),
        delta.transpose(0, 1),
        1,
    ).transpose(0, 1)
    for sources, targets, slopes in _symbolic(layer, x, 1):
        grad = grad.index_add(
            2, torch.tensor(sources, device=x.device), delta[:, :, targets] * slopes[:, None]
        )
    return grad


def _base(layer: KANLinear) -> Tensor | None:
    return None if layer.base_weight is None else layer.base_weight * layer.numeric_mask()


def _symbolic(layer: KANLinear, x: Tensor, order: int) -> list[tuple[list[int], list[int], Tensor]]:
    """Sources, targets and values (n, S) of the symbolic edges of each form."""
    if layer.affine is None:
        return []
    return [
        (
            list(group.sources),
            list(group.targets),
            form_values(group.form, layer.affine[list(group.rows)], x[:, list(group.sources)], order),
        )
        for group in layer.form_groups
    ]
