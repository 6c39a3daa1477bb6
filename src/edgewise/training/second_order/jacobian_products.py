"""Products with the Jacobian J of a network's outputs, and the blocks of J^T W J that belong to one edge, without J.

    push: J v        pull: J^T g        edge_blocks: for every edge, sum_n v_n v_n^T w_n with v_n its columns of J

One sweep forwards and one backwards through the layers give each; memory holds one chunk of rows. The native engine offers
the same products of the networks it serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.layers import pull_back
from edgewise.layers.symbolic_edges import form_partials
from edgewise.training.common.costs import value_cost
from edgewise.training.second_order.jacobian import JACOBIAN_CHUNK, Evaluator, Swept
from edgewise.training.second_order.native_objective import NativeEvaluator


class JacobianProducts(Protocol):
    """Products with the Jacobian at a vector theta (P,)."""

    def push(self, theta: Tensor, v: Tensor) -> Tensor:
        """J v of a direction (P,), shape (n, D)."""
        ...

    def pull(self, theta: Tensor, g: Tensor) -> Tensor:
        """J^T g of numbers at the outputs (n, D), shape (P,)."""
        ...


def products(evaluator: Evaluator) -> JacobianProducts:
    """Those of the native engine where it serves the network, else sweeps in torch."""
    return evaluator.small if isinstance(evaluator, NativeEvaluator) else Sweeps(evaluator)


@dataclass(frozen=True, eq=False)
class DiagonalBlocks:
    """Diagonal blocks of a matrix (P, P): one an edge, and the diagonal of all numbers.

    Attributes
    ----------
    edges : tuple of Tensor, each (E, M, M)
        One tensor a layer.
    diagonal : Tensor, shape (P,)
    """

    edges: tuple[Tensor, ...]
    diagonal: Tensor


@dataclass(frozen=True, eq=False)
class Sweeps:
    """Products of any network by plain torch."""

    evaluator: Evaluator

    def push(self, theta: Tensor, v: Tensor) -> Tensor:
        net = self.evaluator.net
        parts = list[Tensor]()
        for chunk in self._chunks(theta):
            change = torch.zeros_like(chunk.nodes[0])
            for at, spec in enumerate(net.spec.layers):
                moved = self._own(theta, v, at, chunk) + self._carried(theta, at, chunk, change)
                # The product rule, read off the transposed map: both are linear in what moves.
                change = _pushed(moved, chunk.sums[at], spec.nodes.sums, spec.nodes.products)
            parts.append(change)
        return torch.cat(parts)

    def pull(self, theta: Tensor, g: Tensor) -> Tensor:
        total = torch.zeros_like(theta)
        for chunk in self._chunks(theta):
            for at, delta in self._deltas(theta, chunk, g[chunk.part]):
                layer, slot = self.evaluator.net.layers[at], self.evaluator.slots.layers[at]
                x, values = chunk.nodes[at], chunk.values[at]
                full = (values.flatten(1).T @ delta).reshape(layer.in_features, slot.size, -1)
                total[slot.coef] += full[slot.sources, :, slot.targets].reshape(-1)
                if layer.base_weight is not None:
                    gated = torch.nn.functional.silu(x).T @ delta
                    total[slot.base] += gated[slot.sources, slot.targets]
                if layer.bias is not None:
                    total[slot.bias] += delta.sum(0)
                for rows, targets, partials in self._partials(theta, at, x):
                    pulled = torch.einsum("nsk,ns->sk", partials, delta[:, targets])
                    total[slot.affine].view(-1, 4)[rows] += pulled
        return total

    def edge_blocks(self, theta: Tensor, root: Tensor) -> DiagonalBlocks:
        """Blocks of J^T R^T R J for a root R of shape (n, D), row by row diagonal, or (n, D, D)."""
        slots, net = self.evaluator.slots, self.evaluator.net
        edges = [theta.new_zeros(slot.n_edges, slot.size, slot.size) for slot in slots.layers]
        diagonal = torch.zeros_like(theta)
        for chunk in self._chunks(theta):
            own = root[chunk.part]
            for e in range(own.shape[1]):
                g = (
                    own[:, e]
                    if own.ndim == 3
                    else torch.zeros_like(own).index_copy(1, torch.tensor([e]), own[:, e : e + 1])
                )
                for at, delta in self._deltas(theta, chunk, g):
                    layer, slot, square = net.layers[at], slots.layers[at], delta.square()
                    x = chunk.nodes[at]
                    edges[at] += _squares(chunk.values[at], square)[slot.sources, slot.targets]
                    if layer.base_weight is not None:
                        gated = torch.nn.functional.silu(x).square().T @ square
                        diagonal[slot.base] += gated[slot.sources, slot.targets]
                    if layer.bias is not None:
                        diagonal[slot.bias] += square.sum(0)
                    for rows, targets, partials in self._partials(theta, at, x):
                        pulled = torch.einsum("nsk,ns->sk", partials.square(), square[:, targets])
                        diagonal[slot.affine].view(-1, 4)[rows] += pulled
        for slot, block in zip(slots.layers, edges, strict=True):
            diagonal[slot.coef] = block.diagonal(dim1=1, dim2=2).reshape(-1)
        return DiagonalBlocks(tuple(edges), diagonal)

    def _chunks(self, theta: Tensor) -> Iterator[Swept]:
        evaluator = self.evaluator
        net = evaluator.net
        widest = max(layer.in_features * max(layer.size, layer.out_features) for layer in net.layers)
        rows = max(1, JACOBIAN_CHUNK // (4 * widest))
        for start in range(0, len(evaluator.inputs), rows):
            part = slice(start, min(start + rows, len(evaluator.inputs)))
            swept = evaluator.swept(theta, part)
            charge(value_cost(len(swept.nodes[0]), evaluator.read))
            yield swept

    def _deltas(self, theta: Tensor, chunk: Swept, g: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Gradients (n, O) at the sums of every layer, from the last to the first."""
        for at in reversed(range(len(self.evaluator.net.layers))):
            spec = self.evaluator.net.spec.layers[at]
            delta = pull_back(g[:, None], chunk.sums[at], spec.nodes.sums, spec.nodes.products)[:, 0]
            yield at, delta
            if at > 0:
                g = (self.evaluator.layer_slopes(theta, at, chunk.nodes[at]) @ delta[..., None])[..., 0]

    def _carried(self, theta: Tensor, at: int, chunk: Swept, change: Tensor) -> Tensor | float:
        """What a change of the nodes in front of a layer does to its sums."""
        if at == 0:
            return 0.0
        return (change[:, None] @ self.evaluator.layer_slopes(theta, at, chunk.nodes[at]))[:, 0]

    def _own(self, theta: Tensor, v: Tensor, at: int, chunk: Swept) -> Tensor:
        """What a change of a layer's own numbers does to its sums."""
        slot, x = self.evaluator.slots.layers[at], chunk.nodes[at]
        moved = self.evaluator.linear_sums(v, at, x, chunk.values[at])
        for rows, targets, partials in self._partials(theta, at, x):
            pulled = torch.einsum("nsk,sk->ns", partials, v[slot.affine].reshape(-1, 4)[rows])
            moved = moved.index_add(1, torch.tensor(targets), pulled)
        return moved

    def _partials(self, theta: Tensor, at: int, x: Tensor) -> Iterator[tuple[list[int], list[int], Tensor]]:
        """Rows, targets and partial derivatives (n, S, 4) of the symbolic edges of each form."""
        layer, slot = self.evaluator.net.layers[at], self.evaluator.slots.layers[at]
        for group in layer.form_groups:
            affine = theta[slot.affine].reshape(-1, 4)[list(group.rows)]
            yield (
                list(group.rows),
                list(group.targets),
                form_partials(group.form, affine, x[:, list(group.sources)]),
            )


def _pushed(moved: Tensor, sums: Tensor, n_sums: int, arities: tuple[int, ...]) -> Tensor:
    """Change of the nodes for a change of their sums, the transpose of `pull_back`."""
    if not arities:
        return moved
    nodes = n_sums + len(arities)
    pulled = torch.eye(nodes, dtype=sums.dtype).expand(len(sums), nodes, nodes)
    return (pull_back(pulled, sums, n_sums, arities) @ moved[..., None])[..., 0]


def _squares(values: Tensor, weight: Tensor) -> Tensor:
    """sum_n B_nim B_nil w_no as (I, O, M, M)."""
    n, inputs, size = values.shape
    rows = max(1, JACOBIAN_CHUNK // (inputs * size * size))
    total = values.new_zeros(inputs, size * size, weight.shape[1])
    for start in range(0, n, rows):
        v = values[start : start + rows].transpose(0, 1)
        pairs = (v[..., :, None] * v[..., None, :]).flatten(2)
        total += pairs.transpose(1, 2) @ weight[start : start + rows]
    return total.transpose(1, 2).unflatten(2, (size, size))
