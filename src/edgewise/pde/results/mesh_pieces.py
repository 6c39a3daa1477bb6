"""Solutions on elements: values and derivatives anywhere on the shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.elements import Elements, MeshField, Numbering, Sampling

# Places at which values are found at a time.
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class MeshPieces:
    """The unknowns on a mesh.

    Attributes
    ----------
    fields : tuple of MeshField, one an unknown
    """

    fields: tuple[MeshField, ...]
    _tables: dict[tuple[int, tuple[int, ...]], tuple[int, Floats]] = field(default_factory=dict, repr=False)

    @property
    def mesh(self) -> Elements:
        """The elements."""
        return self.fields[0].numbering.mesh

    @property
    def coefficients(self) -> int:
        """Numbers that describe it."""
        return sum(len(item.values) for item in self.fields)

    def points(self, unknown: int, at: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places (q, D); nan outside the shape, or off the surface."""
        values = np.full(len(at), np.nan)
        element, local = self.mesh.located(at)
        hit = element >= 0
        values[hit] = self.at(unknown, element[hit], local[hit], orders)
        return values

    def at_nodes(self, numbering: Numbering) -> tuple[Ints, Floats]:
        """Elements and places in them of the places at which functions on another mesh are given, element by element."""
        return self.mesh.across(numbering.mesh, numbering.mesh.lattice(numbering.degree))

    def basis(self, unknown: int, local: Floats) -> Floats:
        """Values of an element's functions at places of the reference element, (q, n)."""
        return self.mesh.values(self.fields[unknown].numbering.degree, local)

    def at(self, unknown: int, element: Ints, local: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places of elements, by those of the reference element (q, d)."""
        degree, table = self._table(unknown, tuple(orders))
        values = np.empty(len(element))
        for first in range(0, len(element), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            basis = self.mesh.values(degree, local[part])
            values[part] = np.einsum("qn,qn->q", basis, table[element[part]])
        return values

    def grid(self, unknown: int, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values or a derivative on the grid of all combinations of places; nan outside the shape, or off the surface."""
        places = np.stack(np.meshgrid(*at, indexing="ij"), axis=-1)
        found = self.points(unknown, places.reshape(-1, len(at)), orders or (0,) * len(at))
        return found.reshape(places.shape[:-1])

    def _table(self, unknown: int, orders: tuple[int, ...]) -> tuple[int, Floats]:
        """A degree, and values of a derivative at its places in every element."""
        function, mesh = self.fields[unknown], self.mesh
        if not any(orders):
            return function.numbering.degree, function.values[function.numbering.table]
        if (unknown, orders) not in self._tables:
            axis = next(a for a, order in enumerate(orders) if order)
            given, before = self._table(unknown, tuple(o - (a == axis) for a, o in enumerate(orders)))
            degree = mesh.sloped(function.numbering.degree, given)
            places = mesh.lattice(degree)
            inverse, _ = mesh.inverted(mesh.placed(slice(None), places)[1])
            _, *slopes = mesh.basis(given, places)
            table = sum((before @ slope.T) * inverse[..., a, axis] for a, slope in enumerate(slopes))
            self._tables[unknown, orders] = degree, np.asarray(table)
        return self._tables[unknown, orders]

    def jets_on(self, mesh: Elements, s: Sampling, unknown: int, slopes: bool = True) -> list[Floats]:
        """Value and derivatives of an unknown at places of another mesh, (L, m) each; or the value alone."""
        if mesh.nodes is self.mesh.nodes:
            return list(self.fields[unknown].jets(self.mesh.sampled(s.at, s.shares)))
        element, local = self.mesh.across(mesh, s.at)
        coordinates = s.places.shape[-1]
        every = np.eye(coordinates + 1, coordinates, -1, dtype=int).tolist()
        found = (self.at(unknown, element, local, item) for item in (every if slopes else every[:1]))
        return [array.reshape(s.mass.shape) for array in found]

    def norms(self, unknown: int, other: MeshPieces | None = None) -> tuple[float, float]:
        """L2 norms of an unknown and of its gradient, or of what they are apart from another's, which is coarser."""
        s = self._sampling(unknown)
        jets = self.fields[unknown].jets(s)
        if other is not None:
            theirs = other.jets_on(self.mesh, s, unknown)
            jets = [one - two for one, two in zip(jets, theirs, strict=True)]
        value, *slopes = (float((s.mass * jet**2).sum()) for jet in jets)
        return float(np.sqrt(value)), float(np.sqrt(sum(slopes)))

    def on(self, finer: MeshPieces, unknown: int) -> tuple[Floats, Floats]:
        """Values of an unknown at Gauss places of another's mesh, and the size of each place."""
        s = finer._sampling(unknown)
        return self.jets_on(finer.mesh, s, unknown, slopes=False)[0], s.mass

    def lacks(self) -> Floats:
        """The energy of the modes above the degree in each element, by the last ones, relative to that of the unknowns."""
        total, steps = np.zeros(self.mesh.count), self.mesh.degree_steps
        for function in self.fields:
            degree = function.numbering.degree
            matrix, order, weights = self.mesh.modes(degree)
            energy = (function.values[function.numbering.table] @ matrix.T) ** 2 * weights
            energy *= self.mesh.widths[:, None]
            last = energy[:, order > degree - steps].sum(1)
            early = energy[:, (order > degree - 2 * steps) & (order <= degree - steps)].sum(1)
            fall = np.minimum(1.0, last / np.maximum(early, 1e-300))
            total += last * fall / max(float(energy.sum()), 1e-300)
        return total

    def _sampling(self, unknown: int) -> Sampling:
        return self.mesh.sampling(self.fields[unknown].numbering.degree + self.mesh.measured)
