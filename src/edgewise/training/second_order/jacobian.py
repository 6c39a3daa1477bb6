"""Outputs of a network as a function of its parameter vector, with the exact Jacobian, chunk by chunk.

The Jacobian of output d in the coefficients of edge (i, o) of a layer is B_m(x_i) times the gradient of the output at sum
o, so one backward sweep of these node gradients gives all of it; autograd is not involved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from edgewise.layers import multiply, pull_back
from edgewise.layers.symbolic_edges import form_partials, form_values
from edgewise.network import KAN
from edgewise.training.common.costs import numbers_read
from edgewise.training.second_order.parameters import Slots, coefficients

# Numbers in one chunk of the Jacobian (64 MB in float64).
JACOBIAN_CHUNK = 1 << 23
# The first layer's basis values never change while its grid stands; they are kept if they fit in this many numbers.
CACHE = 1 << 24


@dataclass(frozen=True, eq=False)
class Swept:
    """Some rows on their way through the network: values of nodes, sums and bases."""

    part: slice
    nodes: list[Tensor]
    sums: list[Tensor]
    values: list[Tensor]


class Evaluator:
    """The network on fixed rows, in network units.

    Parameters
    ----------
    net : KAN
        Supplies grids, masks and forms; its trained numbers come from the vector.
    slots : Slots
    X : Tensor, shape (n, inputs)
        Rows in the units of the inputs, float64.
    """

    def __init__(self, net: KAN, slots: Slots, X: Tensor) -> None:
        self.net, self.slots = net, slots
        self.inputs = (X - net.input_shift) / net.input_scale
        self.bases = [layer.basis for layer in net.layers]
        self.outputs_width = net.shape[-1]

    @cached_property
    def read(self) -> int:
        """Numbers that one row makes use of."""
        return numbers_read(self.net)

    @cached_property
    def _first(self) -> Tensor | None:
        first = self.net.layers[0]
        fits = len(self.inputs) * first.in_features * first.size <= CACHE
        return self.bases[0].values(self.inputs) if fits else None

    def outputs(self, theta: Tensor) -> Tensor:
        """Network outputs before the output scaling, shape (n, D)."""
        rows = max(1, JACOBIAN_CHUNK // max(layer.in_features * layer.size for layer in self.net.layers))
        n, parts = len(self.inputs), list[Tensor]()
        for start in range(0, max(n, 1), rows):
            part = slice(start, min(start + rows, n))
            nodes = self.inputs[part]
            for at, spec in enumerate(self.net.spec.layers):
                sums, _ = self.layer_sums(theta, at, nodes, part)
                nodes = multiply(sums, spec.nodes.sums, spec.nodes.products)
            parts.append(nodes)
        return torch.cat(parts)

    def jacobians(self, theta: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Row slices with outputs (n, D) and Jacobian (n, D, P)."""
        rows = max(1, JACOBIAN_CHUNK // max(1, self.outputs_width * self.slots.total))
        for start in range(0, len(self.inputs), rows):
            part = slice(start, min(start + rows, len(self.inputs)))
            out, jacobian = self._linearise(theta, part)
            yield part, out, jacobian

    def _values(self, at: int, x: Tensor, part: slice) -> Tensor:
        if at == 0 and self._first is not None:
            return self._first[part]
        return self.bases[at].values(x)

    def swept(self, theta: Tensor, part: slice) -> Swept:
        """Some rows on their way forwards."""
        nodes, sums, values = [self.inputs[part]], list[Tensor](), list[Tensor]()
        for at, spec in enumerate(self.net.spec.layers):
            z, v = self.layer_sums(theta, at, nodes[-1], part)
            sums.append(z)
            values.append(v)
            nodes.append(multiply(z, spec.nodes.sums, spec.nodes.products))
        return Swept(part, nodes, sums, values)

    def layer_sums(self, theta: Tensor, at: int, x: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """Node sums and basis values of a layer."""
        layer, slot = self.net.layers[at], self.slots.layers[at]
        values = self._values(at, x, part)
        sums = self.linear_sums(theta, at, x, values)
        for group in layer.form_groups:
            affine = theta[slot.affine].reshape(-1, 4)[list(group.rows)]
            edge = form_values(group.form, affine, x[:, list(group.sources)])
            sums = sums.index_add(1, torch.tensor(group.targets), edge)
        return sums, values

    def linear_sums(self, theta: Tensor, at: int, x: Tensor, values: Tensor) -> Tensor:
        """What splines, base functions and biases with these numbers add to the node sums of a layer."""
        layer, slot = self.net.layers[at], self.slots.layers[at]
        sums = values.reshape(len(x), -1) @ coefficients(layer, slot, theta).reshape(-1, layer.out_features)
        if layer.base_weight is not None:
            weight = theta.new_zeros(layer.in_features, layer.out_features)
            weight[slot.sources, slot.targets] = theta[slot.base]
            sums = sums + torch.nn.functional.silu(x) @ weight
        return sums if layer.bias is None else sums + theta[slot.bias]

    def _linearise(self, theta: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        swept = self.swept(theta, part)
        nodes, n, d = swept.nodes, len(swept.nodes[0]), self.outputs_width
        jacobian = theta.new_zeros(n, d, self.slots.total)
        grad = torch.eye(d, dtype=theta.dtype).expand(n, d, d)
        for at in reversed(range(len(self.net.layers))):
            spec = self.net.spec.layers[at]
            delta = pull_back(grad, swept.sums[at], spec.nodes.sums, spec.nodes.products)
            self._columns(theta, at, nodes[at], swept.values[at], delta, jacobian)
            if at > 0:
                grad = delta @ self.layer_slopes(theta, at, nodes[at]).transpose(1, 2)
        return nodes[-1], jacobian

    def _columns(
        self, theta: Tensor, at: int, x: Tensor, values: Tensor, delta: Tensor, jacobian: Tensor
    ) -> None:
        """Columns of the Jacobian that belong to a layer, given the gradient `delta` (n, D, O) at its sums."""
        layer, slot = self.net.layers[at], self.slots.layers[at]
        n, d, _ = delta.shape
        at_edges = delta[:, :, slot.targets]
        block = values[:, None, slot.sources, :] * at_edges[..., None]
        jacobian[:, :, slot.coef] = block.reshape(n, d, -1)
        if layer.base_weight is not None:
            jacobian[:, :, slot.base] = torch.nn.functional.silu(x)[:, None, slot.sources] * at_edges
        if layer.bias is not None:
            jacobian[:, :, slot.bias] = delta
        if layer.affine is not None:
            parts = theta.new_zeros(n, d, len(layer.symbolic), 4)
            for group in layer.form_groups:
                rows, sources, targets = list(group.rows), list(group.sources), list(group.targets)
                affine = theta[slot.affine].reshape(-1, 4)[rows]
                partials = form_partials(group.form, affine, x[:, sources])
                parts[:, :, rows] = partials[:, None] * delta[:, :, targets, None]
            jacobian[:, :, slot.affine] = parts.reshape(n, d, -1)

    def layer_slopes(self, theta: Tensor, at: int, x: Tensor) -> Tensor:
        """Slope of every edge at the rows, shape (n, I, O)."""
        layer, slot = self.net.layers[at], self.slots.layers[at]
        slopes = torch.einsum("nim,imo->nio", self.bases[at].values(x, 1), coefficients(layer, slot, theta))
        if layer.base_weight is not None:
            gate = torch.sigmoid(x)
            silu = gate * (1 + x * (1 - gate))
            weight = theta.new_zeros(layer.in_features, layer.out_features)
            weight[slot.sources, slot.targets] = theta[slot.base]
            slopes = slopes + silu[..., None] * weight
        for group in layer.form_groups:
            affine = theta[slot.affine].reshape(-1, 4)[list(group.rows)]
            sources, targets = list(group.sources), list(group.targets)
            slopes[:, sources, targets] = form_values(group.form, affine, x[:, sources], 1)
        return slopes
