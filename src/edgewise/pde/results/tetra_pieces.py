"""Solutions on tetrahedra: values and derivatives anywhere in the solid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.tetra_elements import (
    TetraField,
    TetraMesh,
    TetraSampling,
    modes,
    tetra_lagrange,
    tetra_places,
    tetra_sampling,
)

# Places may lie outside an element by this share of it: rounding, on its faces.
_SLACK = 1e-7
# Elements whose middles are nearest to a place are asked first.
_NEAREST = 12
_CHUNK = 2_000_000


@dataclass(frozen=True, eq=False)
class TetraPieces:
    """The unknowns on tetrahedra.

    Attributes
    ----------
    fields : tuple of TetraField, one an unknown
    """

    fields: tuple[TetraField, ...]
    _tables: dict[tuple[int, tuple[int, ...]], Floats] = field(default_factory=dict, repr=False)

    @property
    def mesh(self) -> TetraMesh:
        """The elements."""
        return self.fields[0].numbering.mesh

    def points(self, unknown: int, at: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places (q, 3); nan outside the solid."""
        values = np.full(len(at), np.nan)
        element, local = self.located(at)
        hit = element >= 0
        values[hit] = self.at(unknown, element[hit], local[hit], orders)
        return values

    def at(self, unknown: int, element: Ints, local: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places of elements, by weights of their last three corners (q, 3)."""
        table = self._table(unknown, tuple(orders))
        degree = self.fields[unknown].numbering.degree
        values = np.empty(len(element))
        for first in range(0, len(element), 4096):
            part = slice(first, first + 4096)
            basis = tetra_lagrange(degree, local[part])[0]
            values[part] = (basis * table[element[part]]).sum(1)
        return values

    def grid(self, unknown: int, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values or a derivative on the grid of all combinations of places; nan outside the solid."""
        places = np.stack(np.meshgrid(*at, indexing="ij"), axis=-1)
        return self.points(unknown, places.reshape(-1, 3), orders or (0, 0, 0)).reshape(places.shape[:-1])

    def _table(self, unknown: int, orders: tuple[int, ...]) -> Floats:
        """Values of a derivative at the places of every element, which tell it: elements have flat faces."""
        own = self.fields[unknown]
        if not any(orders):
            return own.values[own.numbering.table]
        if (unknown, orders) not in self._tables:
            axis = next(a for a, order in enumerate(orders) if order)
            before = self._table(unknown, tuple(o - (a == axis) for a, o in enumerate(orders)))
            degree = own.numbering.degree
            _, *slopes = tetra_lagrange(degree, tetra_places(degree))
            inverse = self.mesh.inverse
            self._tables[unknown, orders] = sum(
                (before @ slope.T) * inverse[:, a, axis, None] for a, slope in enumerate(slopes)
            ) + np.zeros_like(before)
        return self._tables[unknown, orders]

    def norms(self, unknown: int, other: TetraPieces | None = None) -> tuple[float, float]:
        """L2 norms of an unknown and of its gradient, or of what they are apart from another's, which is coarser."""
        s = self._sampling(unknown)
        jets = list(self.fields[unknown].jets(s.at))
        if other is not None and other.mesh is self.mesh:
            jets = [a - b for a, b in zip(jets, other.fields[unknown].jets(s.at), strict=True)]
        elif other is not None:
            element, local = other.located(s.places.reshape(-1, 3), nearest=True)
            for n, orders in enumerate(((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))):
                jets[n] = jets[n] - other.at(unknown, element, local, orders).reshape(s.mass.shape)
        value, *slopes = (float((s.mass * jet**2).sum()) for jet in jets)
        return float(np.sqrt(value)), float(np.sqrt(sum(slopes)))

    def lacks(self) -> Floats:
        """The energy of the modes above the degree in each element, by the last two, relative to that of the unknowns."""
        total = np.zeros(self.mesh.count)
        wide = self.mesh.volume ** (1 / 3)
        for own in self.fields:
            k = own.numbering.degree
            matrix, order = modes(k)
            energy = (own.values[own.numbering.table] @ matrix.T) ** 2 * order**2 * wide[:, None]
            last, early = energy[:, order == k].sum(1), energy[:, order == k - 1].sum(1)
            fall = np.minimum(1.0, last / np.maximum(early, 1e-300)) if k > 1 else 1.0
            total += last * fall / max(float(energy.sum()), 1e-300)
        return total

    def _sampling(self, unknown: int) -> TetraSampling:
        return tetra_sampling(self.mesh, self.fields[unknown].numbering.degree + 1)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.mesh.points[self.mesh.nodes].mean(1))

    def located(self, at: Floats, nearest: bool = False) -> tuple[Ints, Floats]:
        """Elements that hold places (q, 3), -1 outside of all, and the weights of their last three corners there.

        `nearest` gives every place an element, as rounding may put places on the boundary a little outside.
        """
        which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 3))
        best = np.full(len(at), np.inf)
        near = min(_NEAREST, self.mesh.count)
        for first in range(0, len(at), 100_000):
            part = np.arange(first, min(first + 100_000, len(at)))
            found = self._tree.query(at[part], k=near)[1].reshape(len(part), near)
            self._better(at, part, found, which, local, best)
        left = np.flatnonzero(best > _SLACK)
        corners = self.mesh.points[self.mesh.nodes]
        low, high = corners.min(1), corners.max(1)
        slack = _SLACK * (high - low).max(1, keepdims=True)
        step = max(_CHUNK // self.mesh.count, 1)
        for first in range(0, len(left), step):
            part = left[first : first + step]
            inside = ((at[part][:, None] >= low - slack) & (at[part][:, None] <= high + slack)).all(2)
            row, element = np.nonzero(inside)
            for n in range(int(inside.sum(1).max(initial=0))):
                # The n-th element whose box holds each place.
                rank = np.arange(len(row)) - np.searchsorted(row, row)
                chosen = rank == n
                self._better(at, part[row[chosen]], element[chosen][:, None], which, local, best)
        if not nearest:
            which[best > _SLACK] = -1
        return which, local

    def _better(
        self, at: Floats, rows: Ints, elements: Ints, which: Ints, local: Floats, best: Floats
    ) -> None:
        """Notes elements (q, k) that places lie less outside of than of those before."""
        for k in range(elements.shape[1]):
            element = elements[:, k]
            gap = at[rows] - self.mesh.points[self.mesh.nodes[element, 0]]
            weights = np.einsum("qab,qb->qa", self.mesh.inverse[element], gap)
            outside = np.maximum(-weights.min(1), weights.sum(1) - 1)
            hit = outside < best[rows]
            which[rows[hit]], best[rows[hit]], local[rows[hit]] = element[hit], outside[hit], weights[hit]
