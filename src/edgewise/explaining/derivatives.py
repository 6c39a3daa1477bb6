"""Exact derivatives of a network: its value, gradient and second derivatives, carried forward layer by layer.

A node of the next layer is z = sum_j phi_j(h_j), so with gradients J and second derivatives H of the nodes h

    J_z = sum_j phi_j'(h_j) J_j,        H_z = sum_j phi_j''(h_j) J_j J_j^T + phi_j'(h_j) H_j,

and a multiplication node follows the product rule. Nothing is approximated.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise.network import KAN

# Second derivatives of so many nodes of rows are held at once.
_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class OutputDerivatives:
    """A weighted sum of outputs at some rows, with its derivatives by the inputs.

    Attributes
    ----------
    value : array of shape (n,)
    gradient : array of shape (n, inputs)
    hessian : array of shape (n, inputs, inputs)
    """

    value: Floats
    gradient: Floats
    hessian: Floats


def derivatives(net: KAN, X: Floats, weights: Floats) -> OutputDerivatives:
    """Value, gradient and second derivatives at the rows of X.

    At the breaks of splines of degree 1, where a derivative jumps, it is that of the piece to the right.

    Parameters
    ----------
    net : KAN
    X : array of shape (n, inputs)
    weights : array of shape (outputs,)

    Returns
    -------
    OutputDerivatives

    Examples
    --------
    >>> import numpy as np
    >>> net = KAN([2, 3, 1], seed=0, dtype=torch.float64)
    >>> found = derivatives(net, np.zeros((5, 2)), np.ones(1))
    >>> found.gradient.shape, found.hessian.shape
    ((5, 2), (5, 2, 2))
    """
    widest = max(spec.nodes.incoming for spec in net.spec.layers[:-1]) if len(net.layers) > 1 else 1
    rows = max(1, _AT_ONCE // (net.shape[0] ** 2 * max(widest, net.shape[-1])))
    parts = [
        _part(net, torch.from_numpy(X[at : at + rows]), torch.from_numpy(weights))
        for at in range(0, len(X), rows)
    ]
    value, gradient, hessian = (torch.cat(item).numpy() for item in zip(*parts, strict=True))
    return OutputDerivatives(value, gradient, hessian)


def _part(net: KAN, x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    n, d = x.shape
    with torch.no_grad():
        x = x.to(net.dtype)
        h = (x - net.input_shift) / net.input_scale
        jacobian = torch.diag(1.0 / net.input_scale).expand(n, d, d)  # (n, nodes, inputs)
        hessian: Tensor | None = None  # (n, nodes, inputs, inputs); None stands for zero
        for spec, layer in zip(net.spec.layers, net.layers, strict=True):
            slope, bend = layer.edges(h, 1), layer.edges(h, 2)
            # Of inputs, second derivatives of one edge are a diagonal; the general form below serves hidden nodes.
            if hessian is None:
                second = torch.diag_embed((bend / net.input_scale[:, None] ** 2).transpose(1, 2))
            else:
                second = torch.einsum("njk,nja,njb->nkab", bend, jacobian, jacobian)
                second = second + torch.einsum("njk,njab->nkab", slope, hessian)
            jacobian = torch.einsum("njk,nja->nka", slope, jacobian)
            z = layer(h)
            h, jacobian, hessian = _products(z, jacobian, second, spec.nodes.groups())
        assert hessian is not None
        scale = weights.to(net.dtype) * net.output_scale
        value = h @ scale + net.output_shift @ weights.to(net.dtype)
        gradient = torch.einsum("nka,k->na", jacobian, scale)
        return (
            value.double(),
            gradient.double(),
            torch.einsum("nkab,k->nab", hessian, scale).double(),
        )


def _products(
    z: Tensor, jacobian: Tensor, hessian: Tensor, groups: tuple[tuple[int, ...], ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """From sums to nodes: sums pass, factors are multiplied one after the other by the product rule."""
    if all(len(group) == 1 for group in groups):
        return z, jacobian, hessian
    values, firsts, seconds = list[Tensor](), list[Tensor](), list[Tensor]()
    for group in groups:
        v, j, h = z[:, group[0]], jacobian[:, group[0]], hessian[:, group[0]]
        for k in group[1:]:
            w, jw, hw = z[:, k], jacobian[:, k], hessian[:, k]
            cross = j[:, :, None] * jw[:, None, :]
            h = h * w[:, None, None] + hw * v[:, None, None] + cross + cross.transpose(1, 2)
            v, j = v * w, j * w[:, None] + jw * v[:, None]
        values.append(v)
        firsts.append(j)
        seconds.append(h)
    return torch.stack(values, 1), torch.stack(firsts, 1), torch.stack(seconds, 1)
