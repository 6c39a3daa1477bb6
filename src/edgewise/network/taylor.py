"""Derivatives of a network in its inputs, carried forward through its layers in one pass (Taylor mode).

Along a line x + s d every node is a function of s; its derivatives up to an order go from layer to layer: sums add them,
edges compose them (Faa di Bruno's formula), products multiply them (Leibniz's rule). Autograd goes backward through all of
it once, for derivatives in the parameters (A. Griewank, J. Utke and A. Walther 2000, doi:10.1090/S0025-5718-00-01120-0).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise._core.arguments import check_is
from edgewise._core.checks import check_int, short
from edgewise._core.errors import InputError
from edgewise.kernels import laplace as fused
from edgewise.kernels.trilinear import forward
from edgewise.layers.linear import KANLinear
from edgewise.network.module import KAN

HIGHEST = 4


def taylor(model: KAN, x: Tensor, directions: Tensor, order: int = 2) -> list[Tensor]:
    """Derivatives of a network along lines, up to an order.

    Parameters
    ----------
    model : KAN
    x : Tensor, shape (B, inputs)
    directions : Tensor, shape (K, inputs)
        The rows of `torch.eye(inputs)` for partial derivatives.
    order : int
        1 to 4.

    Returns
    -------
    list of Tensor, each (B, K, outputs)
        Values, first derivatives, ..., those of the order asked for, in the units of x and y. They can be differentiated
        in the parameters.

    Raises
    ------
    InputError
        Where shapes do not fit, or the order is out of range.

    Examples
    --------
    >>> import torch
    >>> from edgewise.network import KAN, taylor
    >>> model = KAN([2, 3, 1], seed=0)
    >>> x = torch.zeros(5, 2, dtype=model.dtype)
    >>> value, slope, second = taylor(model, x, torch.eye(2, dtype=model.dtype), 2)
    >>> laplacian = second.sum(1)
    >>> tuple(laplacian.shape)
    (5, 1)
    """
    check_is(model, KAN, "model", "a KAN")
    check_int(order, "order", low=1, high=HIGHEST)
    start, along = _start(model, x, directions)
    count = len(directions)
    nodes = [
        start[:, None].expand(-1, count, -1),
        along,
        *(torch.zeros_like(along) for _ in range(order - 1)),
    ]
    for spec, layer in zip(model.spec.layers, model.layers, strict=True):
        nodes = _multiplied(_composed(layer, nodes), spec.nodes.sums, spec.nodes.products)
    value, *slopes = nodes
    return [
        model.output_shift + model.output_scale * value,
        *(model.output_scale * slope for slope in slopes),
    ]


def partial_derivative(model: KAN, x: Tensor, axes: Sequence[int]) -> Tensor:
    """One derivative of a network, mixed ones included: `axes=(0, 0, 1)` is twice by the first input, once by the second.

    Mixed derivatives are sums of those along lines that go diagonally (polarisation).

    Parameters
    ----------
    model : KAN
    x : Tensor, shape (B, inputs)
    axes : sequence of int
        One to four numbers of inputs.

    Returns
    -------
    Tensor, shape (B, outputs)

    Examples
    --------
    >>> import torch
    >>> from edgewise.network import KAN, partial_derivative
    >>> model = KAN([2, 3, 1], seed=0)
    >>> tuple(partial_derivative(model, torch.zeros(5, 2, dtype=model.dtype), (0, 1)).shape)
    (5, 1)
    """
    check_is(model, KAN, "model", "a KAN")
    check_is(x, Tensor, "x", "a tensor")
    order = len(axes)
    if not 1 <= order <= HIGHEST:
        raise InputError(argument="axes", expected=f"have 1 to {HIGHEST} numbers", got=order)
    for axis in axes:
        check_int(axis, "axes", low=0, high=model.shape[0] - 1)
    if len(set(axes)) == 1:
        return taylor(model, x, torch.eye(model.shape[0]).to(x)[axes[0] : axes[0] + 1], order)[order][:, 0]
    # The first sign may stay: all of them turned give the same, up to the parity of the order.
    signs = [(1, *rest) for rest in itertools.product((1, -1), repeat=order - 1)]
    lines = torch.zeros(len(signs), model.shape[0]).to(x)
    for row, item in enumerate(signs):
        for axis, sign in zip(axes, item, strict=True):
            lines[row, axis] += sign
    weights = torch.tensor([math.prod(sign) for sign in signs]).to(x)
    found = taylor(model, x, lines, order)[order]
    return (weights[None, :, None] * found).sum(1) / (2 ** (order - 1) * math.factorial(order))


def laplacian(model: KAN, x: Tensor) -> Tensor:
    """The sum of the second derivatives by all inputs, carried forward: one number a node in place of one for each input.

    Parameters
    ----------
    model : KAN
    x : Tensor, shape (B, inputs)

    Returns
    -------
    Tensor, shape (B, outputs)
        It can be differentiated in the parameters.

    Raises
    ------
    InputError
        Where shapes do not fit.

    Examples
    --------
    >>> import torch
    >>> from edgewise.network import KAN, laplacian
    >>> model = KAN([2, 3, 1], seed=0)
    >>> tuple(laplacian(model, torch.zeros(5, 2, dtype=model.dtype)).shape)
    (5, 1)
    """
    check_is(model, KAN, "model", "a KAN")
    check_is(x, Tensor, "x", "a tensor")
    axes = torch.eye(model.shape[0], device=x.device)
    if any(spec.nodes.products for spec in model.spec.layers):
        return taylor(model, x, axes, 2)[2].sum(1)
    value, slopes = _start(model, x, axes)
    nodes = torch.cat([value[:, None], slopes, torch.zeros_like(value)[:, None]], 1)
    for layer in model.layers:
        edges = _EdgeDerivatives(layer, nodes[:, 0], 2)
        plain = edges.base is None and edges.symbolic is None
        if plain and fused.serves(edges.basis, nodes, edges.coef):
            nodes = fused.laplace_sum(edges.basis, nodes, edges.coef)
            continue
        slopes = nodes[:, 1:-1]
        second = edges.sums({2: slopes.square().sum(1), 1: nodes[:, -1]})[:, None]
        if layer is model.layers[-1]:
            nodes = second
        else:
            nodes = torch.cat([layer(nodes[:, 0])[:, None], edges.sums({1: slopes}), second], 1)
    return model.output_scale * nodes[:, -1]


def _start(model: KAN, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs (B, I) and their first derivatives along the lines (B, K, I), in the units of the first layer."""
    inputs = model.shape[0]
    for name, given in (("x", x), ("directions", directions)):
        check_is(given, Tensor, name, "a tensor")
        if given.ndim != 2 or given.shape[1] != inputs or not given.is_floating_point():
            raise InputError(
                argument=name,
                expected=f"have shape (n, {inputs}) and floating point numbers",
                got=f"{short(tuple(given.shape))} of {given.dtype}",
            )
    along = (directions.to(x) / model.input_scale)[None].expand(len(x), -1, -1)
    return (x - model.input_shift) / model.input_scale, along


def _composed(layer: KANLinear, nodes: list[Tensor]) -> list[Tensor]:
    """Sums of edge functions of nodes: derivatives of the functions times what the chain rule gives, (B, K, O) each."""
    value, *u = nodes
    point = value[:, 0]
    parts: list[dict[int, Tensor]] = [{1: u[0]}]
    if len(u) > 1:
        parts.append({2: u[0] ** 2, 1: u[1]})
    if len(u) > 2:
        parts.append({3: u[0] ** 3, 2: 3 * u[0] * u[1], 1: u[2]})
    if len(u) > 3:
        parts.append({4: u[0] ** 4, 3: 6 * u[0] ** 2 * u[1], 2: 3 * u[1] ** 2 + 4 * u[0] * u[2], 1: u[3]})
    edges = _EdgeDerivatives(layer, point, len(u))
    plain = layer(point)
    return [plain[:, None].expand(-1, value.shape[1], -1), *(edges.sums(part) for part in parts)]


class _EdgeDerivatives:
    """Derivatives of a layer's edge functions at some points (B, I), summed over edges with weights."""

    def __init__(self, layer: KANLinear, point: Tensor, order: int) -> None:
        numeric = layer.numeric_mask()
        self.basis, self.point, self.coef = layer.basis, point, layer.numeric_coef()
        self.base = None if layer.base_weight is None else layer.base_weight * numeric
        self.symbolic: dict[int, Tensor] | None = None
        if layer.affine is not None:
            # Symbolic edges pass no gradient to their places: it is their next derivative times a change of zero.
            made = [layer.edges(point.detach(), n) * (1 - numeric) for n in range(1, order + 2)]
            moved = (point - point.detach())[..., None]
            self.symbolic = {
                n: now + ahead.detach() * moved for n, (now, ahead) in enumerate(itertools.pairwise(made), 1)
            }

    def sums(self, weights: dict[int, Tensor]) -> Tensor:
        """At the nodes (B, ..., O): the sum over orders and edges of weight (B, ..., I) times derivative."""
        lines = next(iter(weights.values())).shape[1:-1]
        point = (
            self.point[:, None].expand(-1, *lines, -1).reshape(-1, self.point.shape[1])
            if lines
            else self.point
        )
        found = [
            forward(self.basis, point, weight.reshape(point.shape), self.coef, self.base, n)
            for n, weight in weights.items()
        ]
        total = torch.stack(found).sum(0).reshape(len(self.point), *lines, -1)
        if self.symbolic is None:
            return total
        edges = [weight.unsqueeze(-2) @ self._edges(n, bool(lines)) for n, weight in weights.items()]
        return total + torch.stack(edges).sum(0).squeeze(-2)

    def _edges(self, order: int, lines: bool) -> Tensor:
        assert self.symbolic is not None
        return self.symbolic[order][:, None] if lines else self.symbolic[order]


def _multiplied(sums: list[Tensor], n_sums: int, arities: tuple[int, ...]) -> list[Tensor]:
    """Nodes of sums: the first pass, each group after them is multiplied, with its derivatives."""
    if not arities:
        return sums
    groups = [torch.split(item[..., n_sums:], list(arities), -1) for item in sums]
    products: list[list[Tensor]] = [[] for _ in sums]
    for k, arity in enumerate(arities):
        total = [group[k][..., 0] for group in groups]
        for j in range(1, arity):
            factor = [group[k][..., j] for group in groups]
            total = [
                torch.stack([math.comb(n, i) * total[i] * factor[n - i] for i in range(n + 1)]).sum(0)
                for n in range(len(sums))
            ]
        for own, item in zip(products, total, strict=True):
            own.append(item)
    return [
        torch.cat([item[..., :n_sums], torch.stack(own, -1)], -1)
        for item, own in zip(sums, products, strict=True)
    ]
