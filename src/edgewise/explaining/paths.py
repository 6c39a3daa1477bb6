"""Contributions that follow the paths through the network, and sum exactly to the difference of two outputs.

Between a row x and a baseline row b every node value moves by a difference, and each difference is shared among the columns
in proportion to what they bring to it:

* an edge phi_jk passes what its source carries, times its mean slope between the two values,
  (phi(h_x) - phi(h_b)) / (h_x - h_b), which is the integral of phi' along the straight line from one to the other;
* a sum adds what its edges pass;
* a multiplication node passes each factor's share times the integral of the other factors along the straight line, a
  polynomial that Gauss-Legendre quadrature integrates exactly.

So each node shares by the values of R. J. Aumann and L. S. Shapley ("Values of Non-Atomic Games", 1974) of the game that it
plays with what arrives, and the shares of a layer are the players of the next: with one hidden layer and sums this is the
rescale rule of A. Shrikumar, P. Greenside and A. Kundaje ("Learning important features through propagating activation
differences", 2017, arXiv:1704.02685). Nothing is integrated numerically, and a column of codes is never read between codes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise.network import KAN

# Differences below this share of a value's size are too rounded to divide by; there the slope in the middle is taken.
_TINY = 1e-10
# Numbers that a chunk of pairs of rows may hold.
_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class PathEffects:
    """What moves an output from a baseline to a row.

    Attributes
    ----------
    columns : array of shape (n, columns)
        Contributions; their sum is the output of the row minus the mean output of its baselines.
    nodes : tuple of array, each (n, columns, nodes)
        The same contributions by the hidden node they pass, one table a hidden layer. Empty unless asked for.
    """

    columns: Floats
    nodes: tuple[Floats, ...] = ()


@dataclass(frozen=True, eq=False)
class Trace:
    """Values at every edge that pairs of rows are compared by.

    Attributes
    ----------
    first : Tensor, shape (n, columns, sums)
        What each column brings to the sums of the first layer.
    sums : tuple of Tensor, each (n, sums)
    nodes : tuple of Tensor, each (n, nodes)
        Of hidden layers.
    edges : tuple of Tensor, each (n, nodes, sums)
        Edge functions of the layers after the first; of the last one as the weighted sum of outputs, (n, nodes, 1).
    """

    first: Tensor
    sums: tuple[Tensor, ...]
    nodes: tuple[Tensor, ...]
    edges: tuple[Tensor, ...]

    def take(self, rows: Tensor) -> Trace:
        """The trace of some rows."""
        return Trace(
            self.first[rows],
            tuple(z[rows] for z in self.sums),
            tuple(h[rows] for h in self.nodes),
            tuple(e[rows] for e in self.edges),
        )


class Paths:
    """The path rule for one network, grouping of inputs and weighted sum of outputs.

    Parameters
    ----------
    net : KAN
        In float64.
    owner : array of int, shape (inputs,)
        The column each input belongs to.
    weights : array of shape (outputs,)
    """

    def __init__(self, net: KAN, owner: NDArray[np.int64], weights: Floats) -> None:
        self.net = net
        self.owner = torch.from_numpy(np.asarray(owner, dtype=np.int64))
        self.columns = int(self.owner.max()) + 1
        self.weights = torch.from_numpy(weights) * net.output_scale
        shapes = [layer.mask.shape for layer in net.layers]
        products = [a * b for a, b in shapes[1:-1]] + [self.columns * shapes[0][1]]
        self.size = max(*products, self.columns * max(b for _, b in shapes), 1)

    def trace(self, X: Floats) -> Trace:
        """Walk rows through the network: (n, inputs) -> Trace."""
        with torch.no_grad():
            h = (torch.from_numpy(np.ascontiguousarray(X)) - self.net.input_shift) / self.net.input_scale
            values = self.net.layers
            first = values[0].edges(h)
            if len(values) == 1:
                first = (first @ self.weights)[..., None]
            brought = first.new_zeros(len(h), self.columns, first.shape[2]).index_add(1, self.owner, first)
            sums, nodes, edges = list[Tensor](), list[Tensor](), list[Tensor]()
            for at in range(len(values) - 1):
                z = values[at](h)
                h = _multiply(z, self.net.spec.layers[at].nodes.groups())
                table = values[at + 1].edges(h)
                last = at == len(values) - 2
                sums.append(z)
                nodes.append(h)
                edges.append((table @ self.weights)[..., None] if last else table)
        return Trace(brought, tuple(sums), tuple(nodes), tuple(edges))

    def effects(self, rows: Trace, baselines: Trace, *, nodes: bool = False) -> PathEffects:
        """Contributions of every row against the mean of the baselines, (n, columns)."""
        n, m = len(rows.first), len(baselines.first)
        if not rows.nodes:
            return PathEffects((rows.first - baselines.first.mean(0))[..., 0].numpy())
        if self.shallow and not nodes:
            return PathEffects(self._shallow(rows, baselines))
        step = max(1, _AT_ONCE // (self.size * m))
        parts: list[PathEffects] = []
        for at in range(0, n, step):
            count = min(step, n - at)
            # Rows and baselines as pairs: every row of the chunk with every baseline.
            left = rows.take(torch.arange(at, at + count).repeat_interleave(m))
            right = baselines.take(torch.arange(m).repeat(count))
            found = self.pairs(left, right, nodes=nodes)
            parts.append(
                PathEffects(
                    found.columns.reshape(count, m, -1).mean(1),
                    tuple(node.reshape(count, m, *node.shape[1:]).mean(1) for node in found.nodes),
                )
            )
        hidden = tuple(np.concatenate(item) for item in zip(*(part.nodes for part in parts), strict=True))
        return PathEffects(np.concatenate([part.columns for part in parts]), hidden)

    @property
    def shallow(self) -> bool:
        """Whether there is one hidden layer, of sums."""
        return len(self.net.layers) == 2 and not self.net.spec.layers[0].nodes.products

    def _shallow(self, rows: Trace, baselines: Trace) -> Floats:
        """The same for one hidden layer of sums, where the mean over baselines is a product of matrices."""
        n, m, nodes = len(rows.first), *baselines.nodes[0].shape
        step = max(1, _AT_ONCE // (m * nodes))
        table = baselines.first.permute(0, 2, 1).reshape(m * nodes, -1) / m
        out: list[Tensor] = []
        with torch.no_grad():
            for at in range(0, n, step):
                own = slice(at, at + step)
                slopes = self._slopes(
                    0,
                    (rows.nodes[0][own, None], rows.edges[0][own, None]),
                    (baselines.nodes[0][None], baselines.edges[0][None]),
                )[..., 0]
                own_part = (rows.first[own] @ slopes.mean(1)[..., None])[..., 0]
                out.append(own_part - slopes.flatten(1) @ table)
        return torch.cat(out).numpy()

    def pairs(self, rows: Trace, baselines: Trace, *, nodes: bool = False) -> PathEffects:
        """Contributions of row p against baseline p, (P, columns)."""
        with torch.no_grad():
            carried = rows.first - baselines.first  # (P, columns, sums)
            chain: list[
                tuple[Tensor, Tensor]
            ] = []  # of each hidden layer: what nodes carry, and slopes onward
            factors: list[Tensor] = []
            for at, spec in enumerate(self.net.spec.layers[:-1]):
                groups = spec.nodes.groups()
                share = _shares(rows.sums[at], baselines.sums[at], groups)
                carried = _gather(carried * share[:, None], groups)
                slopes = self._slopes(
                    at, (rows.nodes[at], rows.edges[at]), (baselines.nodes[at], baselines.edges[at])
                )
                chain.append((carried, slopes))
                factors.append(share)
                carried = carried @ slopes
            total = carried[..., 0]
            if not nodes:
                return PathEffects(total.numpy())
            onward, hidden = chain[-1][1][..., 0] if chain else None, list[Floats]()
            for at in reversed(range(len(chain))):
                assert onward is not None
                hidden.insert(0, (chain[at][0] * onward[:, None]).numpy())
                if at > 0:
                    # Back from nodes to their sums, and from these along the slopes to the nodes before.
                    groups = self.net.spec.layers[at].nodes.groups()
                    spread = torch.empty_like(factors[at])
                    for k, group in enumerate(groups):
                        spread[:, list(group)] = onward[:, k, None]
                    onward = (chain[at - 1][1] @ (spread * factors[at])[..., None])[..., 0]
        return PathEffects(total.numpy(), tuple(hidden))

    def _slopes(self, at: int, left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> Tensor:
        """Mean slopes, (..., nodes, sums), of the edges that leave hidden layer `at`, from its nodes and these edges."""
        a, b = torch.broadcast_tensors(left[0], right[0])
        step = a - b
        small = step.abs() <= _TINY * (1.0 + a.abs())
        slopes = (left[1] - right[1]) / torch.where(small, 1.0, step)[..., None]
        if bool(small.any()):
            which = small.any(-1)
            own = self.net.layers[at + 1].edges((a[which] + b[which]) / 2, 1)
            if at == len(self.net.layers) - 2:
                own = (own @ self.weights)[..., None]
            slopes[which] = torch.where(small[which][..., None], own, slopes[which])
        return slopes


def _multiply(z: Tensor, groups: tuple[tuple[int, ...], ...]) -> Tensor:
    if all(len(group) == 1 for group in groups):
        return z
    return torch.stack([z[:, list(group)].prod(1) for group in groups], 1)


def _gather(shares: Tensor, groups: tuple[tuple[int, ...], ...]) -> Tensor:
    """From sums to nodes: the shares of the factors of a node add up; (P, columns, sums) -> (P, columns, nodes)."""
    if all(len(group) == 1 for group in groups):
        return shares
    return torch.stack([shares[..., list(group)].sum(-1) for group in groups], -1)


def _shares(a: Tensor, b: Tensor, groups: tuple[tuple[int, ...], ...]) -> Tensor:
    """For each sum the integral of its node's other factors along the line from b to a; 1 where it is no factor."""
    out = torch.ones_like(a)
    for group in groups:
        if len(group) == 1:
            continue
        # The other factors are a polynomial of degree arity - 1 along the line.
        points, weights = np.polynomial.legendre.leggauss((len(group) + 1) // 2)
        for t, w in zip((points + 1) / 2, weights / 2, strict=True):
            along = b[:, list(group)] + t * (a - b)[:, list(group)]
            for k, place in enumerate(group):
                others = torch.cat([along[:, :k], along[:, k + 1 :]], 1).prod(1)
                if t == (points[0] + 1) / 2:
                    out[:, place] = w * others
                else:
                    out[:, place] += w * others
    return out
