"""Scores: how much every edge and node contributes on data, in the units of y.

The score of an edge is the root mean square, over rows, of what its centred value moves the outputs to first order:
(phi(x) - mean phi) * dy/dz at the sum it feeds. It is the Taylor criterion of P. Molchanov et al. ("Pruning convolutional
neural networks for resource efficient inference", 2017, arXiv:1611.06440), taken edge by edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_matrix
from edgewise.layers import pull_back
from edgewise.network import KAN


@dataclass(frozen=True, eq=False)
class Scores:
    """Contributions on data, in the units of y.

    Attributes
    ----------
    edges : tuple of Tensor, each (I, sums)
        One table a layer; 0 for dead edges.
    nodes : tuple of Tensor, each (n,)
        One row a hidden layer: what the node's centred value moves the outputs.
    inputs : Tensor, shape (inputs,)
        Root of the summed squares of the scores of the edges that leave each input.
    """

    edges: tuple[Tensor, ...]
    nodes: tuple[Tensor, ...]
    inputs: Tensor


def edge_scores(net: KAN, X: Any) -> Scores:
    """Score every edge, hidden node and input of a network on data.

    Parameters
    ----------
    net : KAN
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
    >>> net = KAN([2, 1], seed=0)
    >>> edge_scores(net, torch.rand(100, 2)).edges[0].shape
    torch.Size([2, 1])
    """
    x = torch.from_numpy(check_matrix(X, "X", columns=net.shape[0], of="edge_scores")).to(net.output_shift)
    with torch.no_grad():
        nodes, sums = net.activations(x), net.sums(x)
        n, d = len(x), net.shape[-1]
        grad = (torch.eye(d, dtype=x.dtype, device=x.device) * net.output_scale).expand(n, d, d)
        edges, hidden = list[Tensor](), list[Tensor]()
        for at in reversed(range(len(net.layers))):
            spec = net.spec.layers[at]
            delta = pull_back(grad, sums[at], spec.nodes.sums, spec.nodes.products)
            values = net.layers[at].edges(nodes[at])
            centred = values - values.mean(0)
            # Mean over rows and sum over outputs of (centred * delta)^2, without an (n, d, I, O) temporary.
            edges.append(torch.einsum("nio,no->io", centred**2, (delta**2).sum(1)).div(n).sqrt())
            grad = delta @ net.layers[at].edges(nodes[at], 1).transpose(1, 2)
            if at > 0:
                moved = (nodes[at] - nodes[at].mean(0)) ** 2 * (grad**2).sum(1)
                hidden.append(moved.mean(0).sqrt())
    edges.reverse()
    hidden.reverse()
    return Scores(tuple(edges), tuple(hidden), (edges[0] ** 2).sum(1).sqrt())
