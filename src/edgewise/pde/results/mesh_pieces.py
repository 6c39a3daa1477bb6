"""Solutions on a mesh: values and derivatives anywhere in the region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.elements import (
    MeshField,
    Numbering,
    Sampling,
    inverses,
    lagrange,
    lobatto,
    sampling,
)
from edgewise.pde.discretisation.locate import in_blocks, in_elements
from edgewise.pde.discretisation.mesh import Mesh

# Derivatives of functions on curved elements are no polynomials: so much higher is the degree that stands for them.
_MORE = 4


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
