"""Solutions on a mesh through time: polynomials in time, slab after slab, whose coefficients are functions on the mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.polynomial import legendre

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.elements import Elements, MeshField
from edgewise.pde.results.mesh_pieces import MeshPieces


@dataclass(frozen=True, eq=False)
class MeshSlabs:
    """The unknowns on a mesh through time.

    Attributes
    ----------
    start : MeshPieces
        The unknowns at the start.
    edges : ndarray, shape (S + 1,)
        Where slabs of time meet, both ends included.
    slabs : tuple of (tuple of ndarray)
        For each slab and unknown the Legendre coefficients in time of its coefficients on the mesh, (P, count).
    """

    start: MeshPieces
    edges: Floats
    slabs: tuple[tuple[Floats, ...], ...]
    _last: dict[bytes, tuple[Ints, Floats]] = field(default_factory=dict, repr=False)

    @property
    def mesh(self) -> Elements:
        """The elements."""
        return self.start.mesh

    @property
    def coefficients(self) -> int:
        """Numbers that describe it."""
        return int(sum(table.size for slab in self.slabs for table in slab))

    def _slab(self, times: Floats) -> Ints:
        """At an edge the earlier slab answers: it has been solved up to there."""
        return np.searchsorted(self.edges[1:-1], times, side="left").astype(np.int64)

    def _modes(self, slab: int, unknown: int, order: int) -> Floats:
        """Legendre coefficients of an unknown on a slab, or of its derivative in time."""
        table = self.slabs[slab][unknown]
        for _ in range(order):
            table = legendre.legder(table, axis=0) * (2 / (self.edges[slab + 1] - self.edges[slab]))
        return table

    def _polynomials(self, slab: int, times: Floats, count: int) -> Floats:
        low, high = self.edges[slab], self.edges[slab + 1]
        return np.asarray(legendre.legvander(2 * (times - low) / (high - low) - 1, count - 1))

    def values(self, unknown: int, times: Floats, order: int = 0) -> Floats:
        """Coefficients on the mesh at times, or of a derivative in time: (times, count)."""
        found = np.empty((len(times), self.slabs[0][unknown].shape[1]))
        which = self._slab(times)
        for n in np.unique(which):
            rows = which == n
            table = self._modes(int(n), unknown, order)
            found[rows] = self._polynomials(int(n), times[rows], len(table)) @ table
        return found

    def at_time(self, time: float) -> MeshPieces:
        """All unknowns at a time."""
        when = np.array([time])
        every = enumerate(self.start.fields)
        return MeshPieces(tuple(MeshField(item.numbering, self.values(f, when)[0]) for f, item in every))

    def _with(self, unknown: int, values: Floats) -> MeshPieces:
        """A function on the mesh in the place of an unknown."""
        fields = list(self.start.fields)
        fields[unknown] = MeshField(fields[unknown].numbering, values)
        return MeshPieces(tuple(fields))

    def points(self, unknown: int, at: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places and times (q, d), time last; nan outside the shape."""
        element, local = self.mesh.located(at[:, :-1])
        hit = element >= 0
        found = np.full(len(at), np.nan)
        found[hit] = self.at(unknown, element[hit], local[hit], at[hit, -1], orders)
        return found

    def at(self, unknown: int, element: Ints, local: Floats, times: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places of elements and times."""
        *space, order = orders
        found = np.empty(len(times))
        which = self._slab(times)
        for n in np.unique(which):
            rows = np.flatnonzero(which == n)
            table = self._modes(int(n), unknown, order)
            moments, number = np.unique(times[rows], return_inverse=True)
            polynomials = self._polynomials(int(n), moments, len(table))
            if len(moments) <= len(table):
                # At few times the polynomials are summed first.
                table, polynomials = polynomials @ table, np.eye(len(moments))
            total = np.zeros(len(rows))
            for k, row in enumerate(table):
                weights = polynomials[number, k]
                own = np.flatnonzero(weights)
                part = self._with(unknown, row).at(unknown, element[rows[own]], local[rows[own]], space)
                total[own] += weights[own] * part
            found[rows] = total
        return found

    def _located(self, places: Floats) -> tuple[Ints, Floats]:
        """Elements that hold places; the last ones are kept, since pictures in motion ask for the same again."""
        key = places.tobytes()
        if key not in self._last:
            self._last.clear()
            self._last[key] = self.mesh.located(places)
        return self._last[key]

    def grid(self, unknown: int, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values or a derivative on the grid of all combinations of places and times; nan outside the shape."""
        orders = orders or (0,) * len(at)
        places = np.stack(np.meshgrid(*at[:-1], indexing="ij"), axis=-1)
        element, local = self._located(places.reshape(-1, len(at) - 1))
        hit = element >= 0
        found = np.full((len(element), len(at[-1])), np.nan)
        count = int(hit.sum())
        if count:
            times = np.tile(np.asarray(at[-1], dtype=float), count)
            inside = np.repeat(element[hit], len(at[-1])), np.repeat(local[hit], len(at[-1]), axis=0)
            found[hit] = self.at(unknown, *inside, times, orders).reshape(count, -1)
        return found.reshape(*places.shape[:-1], len(at[-1]))
