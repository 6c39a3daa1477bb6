"""Solutions on a mesh: values and derivatives anywhere in the region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.blocks import Blocks
from edgewise.pde.discretisation.elements import (
    MeshField,
    Numbering,
    Sampling,
    inverses,
    lagrange,
    lobatto,
    sampling,
)
from edgewise.pde.discretisation.mesh import SIGMA, Mesh

# Places may lie outside a block by this share of it: rounding, on its edges.
_SLACK = 1e-9
_MOST_STEPS = 40
# Derivatives of functions on curved elements are no polynomials: so much higher is the degree that stands for them.
_MORE = 4


def in_blocks(blocks: Blocks, at: Floats) -> tuple[Ints, Floats]:
    """For places (q, 2): the number of the block, -1 outside of all, and the place in its unit square (q, 2)."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 2))
    line = np.linspace(0, 1, 9)
    edges = np.concatenate(
        [
            np.stack(pair, axis=-1)
            for pair in ((line, 0 * line), (line, 0 * line + 1), (0 * line, line), (0 * line + 1, line))
        ]
    )
    every = np.arange(len(blocks.quads))
    outline = blocks.places(every, np.broadcast_to(edges, (len(every), *edges.shape)))[0]
    low, high = outline.min(1), outline.max(1)
    # Arcs bulge beyond their samples by a little.
    slack = 0.05 * (high - low).max(1, keepdims=True)
    best = np.full(len(at), _SLACK)
    for q in range(len(every)):
        near = np.flatnonzero(
            (best > 0) & (at >= low[q] - slack[q]).all(1) & (at <= high[q] + slack[q]).all(1)
        )
        if len(near):
            found, outside = _inverted(blocks, q, at[near])
            # Beside a corner the slack is more than whole elements: the block counts that a place is least outside of.
            hit = outside < best[near]
            which[near[hit]], local[near[hit]], best[near[hit]] = q, found[hit], outside[hit]
    return which, np.clip(local, 0.0, 1.0)


def _inverted(blocks: Blocks, q: int, at: Floats) -> tuple[Floats, Floats]:
    """Newton's method for the place in the unit square of one block, and how far outside it lies; infinite by far."""
    found = np.full((len(at), 2), 0.5)
    block = np.array([q])
    size = np.ptp(blocks.points[blocks.quads[q]], axis=0).max()
    left = np.full(len(at), np.inf)
    for _ in range(_MOST_STEPS):
        places, slopes = blocks.places(block, found[None])
        gap = at - places[0]
        left = np.abs(gap).max(1) / size
        step = np.linalg.solve(slopes[0], gap[..., None])[..., 0]
        # Beside the unit square the map may fold: what leaves it by far is brought back.
        found = np.clip(found + np.clip(step, -0.5, 0.5), -0.2, 1.2)
        if np.abs(step).max() < 1e-15:
            break
    outside = np.maximum(np.maximum(-found, found - 1).max(1), 0.0)
    return found, np.where(left < 1e-8, outside, np.inf)


def in_elements(mesh: Mesh, block: Ints, at: Floats) -> tuple[Ints, Floats]:
    """For places in the unit squares of blocks: the number of the element, and the place in its own unit square."""
    firsts = np.searchsorted(mesh.block, np.arange(len(mesh.blocks.quads)))
    tips = mesh.blocks.quads[:, 0]
    layers = np.array([mesh.layers.get(int(tip), 0) for tip in tips])[block]
    larger = at.max(1)
    with np.errstate(divide="ignore"):
        depth = np.log(larger) / np.log(SIGMA)
    layer = np.minimum(np.floor(np.minimum(depth, 1e6)).astype(np.int64) + 1, layers + 1)
    innermost = layer > layers
    outer, inner = SIGMA ** (layer - 1.0), SIGMA ** layer.astype(float)
    outer = np.where(innermost, SIGMA ** layers.astype(float), outer)
    along_x = at[:, 0] >= at[:, 1]
    share = np.clip((larger - inner) / (outer - inner), 0, 1)
    ratio = at.min(1) / np.where(larger > 0, larger, 1)
    local = np.where(along_x[:, None], np.stack([share, ratio], 1), np.stack([ratio, share], 1))
    local[innermost] = np.minimum(at[innermost] / outer[innermost, None], 1.0)
    element = firsts[block] + np.where(innermost, 0, 1 + 2 * (layers - layer) + ~along_x)
    return element.astype(np.int64), local


@dataclass(frozen=True, eq=False)
class MeshPieces:
    """The unknowns on a mesh.

    Attributes
    ----------
    fields : tuple of MeshField, one an unknown
    """

    fields: tuple[MeshField, ...]
    _tables: dict[tuple[int, tuple[int, ...]], Floats] = field(default_factory=dict, repr=False)

    @property
    def mesh(self) -> Mesh:
        """The elements."""
        return self.fields[0].numbering.mesh

    @property
    def coefficients(self) -> int:
        """Numbers that describe it."""
        return sum(len(each.values) for each in self.fields)

    def points(self, unknown: int, at: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places (q, 2); nan outside the region."""
        values = np.full(len(at), np.nan)
        element, local = self.located(at)
        hit = element >= 0
        values[hit] = self.at(unknown, element[hit], local[hit], orders)
        return values

    def located(self, at: Floats, nearest: bool = False) -> tuple[Ints, Floats]:
        """Elements that hold places (q, 2), -1 outside of all, and the places in their unit squares.

        `nearest` gives every place an element, as rounding may put places on the boundary a little outside.
        """
        block, local = in_blocks(self.mesh.blocks, at)
        hit = np.ones(len(at), dtype=bool) if nearest else block >= 0
        element = np.full(len(at), -1, dtype=np.int64)
        element[hit], local[hit] = in_elements(self.mesh, np.maximum(block[hit], 0), local[hit])
        return element, local

    def at_nodes(self, numbering: Numbering) -> tuple[Ints, Floats]:
        """Elements and places in them of the places at which functions on another mesh are given, element by element."""
        mesh, line = numbering.mesh, lobatto(numbering.degree)
        grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(1, -1, 2)
        every = np.arange(mesh.count)
        at = np.broadcast_to(grid, (mesh.count, *grid.shape[1:]))
        if mesh.blocks is not self.mesh.blocks:
            return self.located(mesh.places(every, at)[0].reshape(-1, 2), nearest=True)
        inner = mesh.local(every, at)[0].reshape(-1, 2)
        return self.elements(np.repeat(mesh.block, grid.shape[1]), inner)

    def basis(self, unknown: int, local: Floats) -> Floats:
        """Values of an element's functions at places of its unit square, (q, n)."""
        x, y = (lagrange(self.fields[unknown].numbering.degree, local[:, a])[0] for a in (0, 1))
        return (x[:, :, None] * y[:, None, :]).reshape(len(local), -1)

    def at(self, unknown: int, element: Ints, local: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places of elements' unit squares."""
        table = self._table(unknown, tuple(orders))
        degree = table.shape[1] - 1
        values = np.empty(len(element))
        for first in range(0, len(element), 4096):
            part = slice(first, first + 4096)
            x, y = (lagrange(degree, local[part, a])[0] for a in (0, 1))
            values[part] = np.einsum("qi,qij,qj->q", x, table[element[part]], y)
        return values

    def grid(self, unknown: int, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values or a derivative on the grid of all combinations of places; nan outside the region."""
        places = np.stack(np.meshgrid(*at, indexing="ij"), axis=-1)
        return self.points(unknown, places.reshape(-1, 2), orders or (0, 0)).reshape(places.shape[:-1])

    def _table(self, unknown: int, orders: tuple[int, ...]) -> Floats:
        """Values of a derivative at the Lobatto places of every element."""
        own = self.fields[unknown]
        if not any(orders):
            return own.values[own.numbering.table]
        if (unknown, orders) not in self._tables:
            axis = 0 if orders[0] else 1
            before = self._table(unknown, tuple(o - (a == axis) for a, o in enumerate(orders)))
            degree = own.numbering.degree + _MORE
            line = lobatto(degree)
            value, slope = lagrange(before.shape[1] - 1, line)
            slopes = _inverse(self.mesh, line)
            first, second = slope @ before @ value.T, value @ before @ slope.T
            self._tables[unknown, orders] = first * slopes[..., 0, axis] + second * slopes[..., 1, axis]
        return self._tables[unknown, orders]

    def norms(self, unknown: int, other: MeshPieces | None = None) -> tuple[float, float]:
        """L2 norms of an unknown and of its gradient, or of what they are apart from another's, which is coarser."""
        s = self._sampling(unknown)
        jets = list(self.fields[unknown].jets(s))
        if other is not None:
            element, local = other.found(self.mesh, s)
            for n, orders in enumerate(((0, 0), (1, 0), (0, 1))):
                jets[n] = jets[n] - other.at(unknown, element, local, orders).reshape(s.mass.shape)
        value, first, second = (float((s.mass * jet**2).sum()) for jet in jets)
        return float(np.sqrt(value)), float(np.sqrt(first + second))

    def lacks(self) -> Floats:
        """The energy of the modes above the degree in each element, by the last four, relative to that of the unknowns."""
        total = np.zeros(self.mesh.count)
        for each in self.fields:
            k = each.numbering.degree
            inverse = np.linalg.inv(np.polynomial.legendre.legvander(2 * lobatto(k) - 1, k))
            modes = inverse @ each.values[each.numbering.table] @ inverse.T
            n = np.arange(k + 1.0)
            energy = modes**2 * (n[:, None] ** 2 + n**2) / ((2 * n[:, None] + 1) * (2 * n + 1))
            order = np.maximum(n[:, None], n)
            last = energy[:, order >= k - 1].sum(1)
            early = energy[:, (order >= k - 3) & (order < k - 1)].sum(1)
            fall = np.minimum(1.0, last / np.maximum(early, 1e-300))
            total += last * fall / max(float(energy.sum()), 1e-300)
        return total

    def on(self, finer: MeshPieces, unknown: int) -> tuple[Floats, Floats]:
        """Values of an unknown at Gauss places of another's mesh, and the area of each place."""
        s = finer._sampling(unknown)
        if finer is self:
            return self.fields[unknown].jets(s)[0], s.mass
        element, local = self.found(finer.mesh, s)
        return self.at(unknown, element, local, (0, 0)).reshape(s.mass.shape), s.mass

    def _sampling(self, unknown: int) -> Sampling:
        return sampling(self.mesh, self.fields[unknown].numbering.degree + 2)

    def found(self, mesh: Mesh, s: Sampling) -> tuple[Ints, Floats]:
        """Elements and places in them of a sampling of another mesh."""
        if mesh.blocks is not self.mesh.blocks:
            block, inner = in_blocks(self.mesh.blocks, s.places.reshape(-1, 2))
            return in_elements(self.mesh, np.maximum(block, 0), inner)
        grid = np.stack(np.meshgrid(s.line, s.line, indexing="ij"), axis=-1).reshape(1, -1, 2)
        every = np.arange(mesh.count)
        inner = mesh.local(every, np.broadcast_to(grid, (len(every), *grid.shape[1:])))[0]
        return self.elements(np.repeat(mesh.block, grid.shape[1]), inner.reshape(-1, 2))

    def elements(self, block: Ints, at: Floats) -> tuple[Ints, Floats]:
        """Elements and places in them of places in the unit squares of blocks."""
        return in_elements(self.mesh, block, at)


def _inverse(mesh: Mesh, line: Floats) -> Floats:
    """Derivatives of the unit squares' directions in x and y at a grid of places in every element."""
    at = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(1, -1, 2)
    slopes = mesh.places(np.arange(mesh.count), np.broadcast_to(at, (mesh.count, len(line) ** 2, 2)))[1]
    return inverses(slopes).reshape(mesh.count, len(line), len(line), 2, 2)
