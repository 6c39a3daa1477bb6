"""Solutions on triangles and tetrahedra: values and derivatives anywhere on the surface, or in the solid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise.pde.discretisation.simplex_elements import (
    SimplexField,
    SimplexNumbering,
    SimplexSampling,
    inverted,
    modes,
    placed,
    simplex_lagrange,
    simplex_places,
    simplex_sampling,
)
from edgewise.pde.discretisation.simplex_mesh import SimplexMesh, parts_of
from edgewise.pde.domains.facets import distances

# Places may lie outside an element by this share of it: rounding, on its faces.
_SLACK = 1e-7
# Elements whose middles are nearest to a place are asked first.
_NEAREST = 12
_CHUNK = 2_000_000
# Of those, nearest as if triangles were flat, so many are looked at as they are bent.
_TRIED = 4
# Steps of Newton's method to the nearest place of a curved triangle.
_STEPS = 12
_ORDERS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
# Derivatives of functions on curved elements are no polynomials: so much higher is the degree that stands for them.
_MORE = 4


def in_solid(mesh: SimplexMesh, tree: KDTree, at: Floats, nearest: bool) -> tuple[Ints, Floats]:
    """Tetrahedra that hold places, and the weights of their last three corners."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 3))
    best = np.full(len(at), np.inf)
    inverse, _ = inverted(mesh.slopes)

    def better(rows: Ints, elements: Ints) -> None:
        """Notes elements (q, k) that places lie less outside of than of those before."""
        for k in range(elements.shape[1]):
            element = elements[:, k]
            gap = at[rows] - mesh.points[mesh.nodes[element, 0]]
            weights = np.einsum("qab,qb->qa", inverse[element], gap)
            outside = np.maximum(-weights.min(1), weights.sum(1) - 1)
            hit = outside < best[rows]
            which[rows[hit]], best[rows[hit]], local[rows[hit]] = element[hit], outside[hit], weights[hit]

    for rows in _parts(len(at)):
        better(rows, _candidates(tree, at[rows]))
    left = np.flatnonzero(best > _SLACK)
    corners = mesh.points[mesh.nodes]
    low, high = corners.min(1), corners.max(1)
    slack = _SLACK * (high - low).max(1, keepdims=True)
    step = max(_CHUNK // mesh.count, 1)
    for first in range(0, len(left), step):
        part = left[first : first + step]
        inside = ((at[part][:, None] >= low - slack) & (at[part][:, None] <= high + slack)).all(2)
        row, element = np.nonzero(inside)
        for n in range(int(inside.sum(1).max(initial=0))):
            # The n-th element whose box holds each place.
            rank = np.arange(len(row)) - np.searchsorted(row, row)
            chosen = rank == n
            better(part[row[chosen]], element[chosen][:, None])
    if not nearest:
        which[best > _SLACK] = -1
    return which, local


def on_surface(mesh: SimplexMesh, tree: KDTree, at: Floats, nearest: bool) -> tuple[Ints, Floats]:
    """Triangles nearest to places, and the weights of their last two corners at the nearest place."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 2))
    best = np.full(len(at), np.inf)
    inverse, _ = inverted(mesh.slopes)

    def better(rows: Ints, element: Ints) -> None:
        weights, apart = _foot(mesh, inverse, element, at[rows])
        hit = apart < best[rows]
        which[rows[hit]], best[rows[hit]], local[rows[hit]] = element[hit], apart[hit], weights[hit]

    for rows in _parts(len(at)):
        near = _candidates(tree, at[rows])
        flat = np.stack([_flat_foot(mesh, inverse, element, at[rows])[1] for element in near.T], axis=1)
        order = np.argsort(flat, axis=1, kind="stable")
        left = np.arange(len(rows))
        for n in range(min(_TRIED, near.shape[1])):
            better(rows[left], near[left, order[left, n]])
            # Where the nearest place is inside of a triangle, no other one is nearer.
            own = local[rows[left]]
            rim = np.minimum(own.min(1), 1 - own.sum(1)) <= _SLACK
            left = left[rim | (best[rows[left]] > mesh.reach)]
    # Middles of long triangles may be far from places that these hold.
    left = np.flatnonzero(best > max(mesh.reach, _SLACK * float(np.ptp(mesh.points))))
    if len(left):
        better(left, distances(at[left], mesh.points, mesh.nodes)[0])
    if not nearest:
        which[best > mesh.reach] = -1
    return which, local


def _flat_foot(mesh: SimplexMesh, inverse: Floats, element: Ints, at: Floats) -> tuple[Floats, Floats]:
    """Weights of the nearest place of triangles, taken for flat, and its distance."""
    gap = at - mesh.points[mesh.nodes[element, 0]]
    weights = _within(np.einsum("qab,qb->qa", inverse[element], gap))
    there = np.einsum("qba,qa->qb", mesh.slopes[element], weights)
    return weights, np.linalg.norm(gap - there, axis=1)


def _foot(mesh: SimplexMesh, inverse: Floats, element: Ints, at: Floats) -> tuple[Floats, Floats]:
    """Weights of the nearest place of triangles, and its distance."""
    weights, apart = _flat_foot(mesh, inverse, element, at)
    if mesh.bend is None:
        return weights, apart
    active = np.arange(len(at))
    for _ in range(_STEPS):
        own = mesh.bend[element[active]]
        value, *slopes = simplex_lagrange(mesh.bend_degree, weights[active])
        gap = at[active] - np.einsum("qn,qnk->qk", value, own)
        apart[active] = np.linalg.norm(gap, axis=1)
        steep, _ = inverted(np.stack([np.einsum("qn,qnk->qk", slope, own) for slope in slopes], axis=-1))
        moved = _within(weights[active] + np.einsum("qab,qb->qa", steep, gap))
        goes_on = np.abs(moved - weights[active]).max(1) > 1e-14
        weights[active] = moved
        active = active[goes_on]
        if not len(active):
            break
    return weights, apart


def _within(weights: Floats) -> Floats:
    """Weights of the last two corners, brought into the triangle."""
    kept = np.maximum(np.concatenate([1 - weights.sum(1, keepdims=True), weights], axis=1), 0.0)
    inside: Bools = (kept[:, 1:] == weights).all(1) & (kept[:, 0] > 0)
    return np.where(inside[:, None], weights, (kept / kept.sum(1, keepdims=True))[:, 1:])


def _candidates(tree: KDTree, at: Floats) -> Ints:
    near = min(_NEAREST, tree.n)
    return np.asarray(tree.query(at, k=near)[1], dtype=np.int64).reshape(len(at), near)


def _parts(count: int) -> list[Ints]:
    return [np.arange(first, min(first + 100_000, count)) for first in range(0, count, 100_000)]


@dataclass(frozen=True, eq=False)
class SimplexPieces:
    """The unknowns on triangles of a surface or on tetrahedra.

    Attributes
    ----------
    fields : tuple of SimplexField, one an unknown
    """

    fields: tuple[SimplexField, ...]
    _tables: dict[tuple[int, tuple[int, ...]], tuple[int, Floats]] = field(default_factory=dict, repr=False)

    @property
    def mesh(self) -> SimplexMesh:
        """The elements."""
        return self.fields[0].numbering.mesh

    @property
    def coefficients(self) -> int:
        """Numbers that describe it."""
        return sum(len(each.values) for each in self.fields)

    def points(self, unknown: int, at: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places (q, 3); nan outside the solid, or off the surface."""
        values = np.full(len(at), np.nan)
        element, local = self.located(at)
        hit = element >= 0
        values[hit] = self.at(unknown, element[hit], local[hit], orders)
        return values

    def at(self, unknown: int, element: Ints, local: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at places of elements, by weights of all corners but the first (q, d)."""
        degree, table = self._table(unknown, tuple(orders))
        values = np.empty(len(element))
        for first in range(0, len(element), 4096):
            part = slice(first, first + 4096)
            basis = simplex_lagrange(degree, local[part])[0]
            values[part] = (basis * table[element[part]]).sum(1)
        return values

    def at_nodes(self, numbering: SimplexNumbering) -> tuple[Ints, Floats]:
        """Elements and places in them of the places at which functions on another mesh are given, element by element."""
        mesh, at = numbering.mesh, simplex_places(numbering.degree, self.mesh.dimension)
        if mesh.nodes is not self.mesh.nodes:
            return self.located(placed(mesh, slice(None), at)[0].reshape(-1, 3), nearest=True)
        return np.repeat(np.arange(mesh.count), len(at)), np.tile(at, (mesh.count, 1))

    def basis(self, unknown: int, local: Floats) -> Floats:
        """Values of an element's functions at weights of all corners but the first, (q, n)."""
        return simplex_lagrange(self.fields[unknown].numbering.degree, local)[0]

    def grid(self, unknown: int, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values or a derivative on the grid of all combinations of places; nan outside the solid, or off the surface."""
        places = np.stack(np.meshgrid(*at, indexing="ij"), axis=-1)
        return self.points(unknown, places.reshape(-1, 3), orders or (0, 0, 0)).reshape(places.shape[:-1])

    def _table(self, unknown: int, orders: tuple[int, ...]) -> tuple[int, Floats]:
        """A degree, and values of a derivative at its places in every element."""
        own = self.fields[unknown]
        if not any(orders):
            return own.numbering.degree, own.values[own.numbering.table]
        if (unknown, orders) not in self._tables:
            axis = next(a for a, order in enumerate(orders) if order)
            degree, before = self._table(unknown, tuple(o - (a == axis) for a, o in enumerate(orders)))
            # On flat elements derivatives are polynomials of the same degree.
            higher = degree if self.mesh.bend is None else degree + _MORE
            places = simplex_places(higher, self.mesh.dimension)
            inverse, _ = inverted(placed(self.mesh, slice(None), places)[1])
            _, *slopes = simplex_lagrange(degree, places)
            table = sum((before @ slope.T) * inverse[..., a, axis] for a, slope in enumerate(slopes))
            self._tables[unknown, orders] = higher, np.asarray(table)
        return self._tables[unknown, orders]

    def norms(self, unknown: int, other: SimplexPieces | None = None) -> tuple[float, float]:
        """L2 norms of an unknown and of its gradient, or of what they are apart from another's, which is coarser."""
        s = self._sampling(unknown)
        jets = list(self.fields[unknown].jets(s.at, s.inverse))
        if other is not None and other.mesh.nodes is self.mesh.nodes:
            inverse, _ = inverted(placed(other.mesh, slice(None), s.at)[1])
            jets = [a - b for a, b in zip(jets, other.fields[unknown].jets(s.at, inverse), strict=True)]
        elif other is not None:
            element, local = other.located(s.places.reshape(-1, 3), nearest=True)
            for n, orders in enumerate(_ORDERS):
                jets[n] = jets[n] - other.at(unknown, element, local, orders).reshape(s.mass.shape)
        value, *slopes = (float((s.mass * jet**2).sum()) for jet in jets)
        return float(np.sqrt(value)), float(np.sqrt(sum(slopes)))

    def on(self, finer: SimplexPieces, unknown: int) -> tuple[Floats, Floats]:
        """Values of an unknown at Gauss places of another's mesh, and the size of each place."""
        s = finer._sampling(unknown)
        if finer.mesh.nodes is self.mesh.nodes:
            return self.fields[unknown].jets(s.at, s.inverse)[0], s.mass
        element, local = self.located(s.places.reshape(-1, 3), nearest=True)
        return self.at(unknown, element, local, (0, 0, 0)).reshape(s.mass.shape), s.mass

    def lacks(self) -> Floats:
        """The energy of the modes above the degree in each element, by the last two, relative to that of the unknowns."""
        total, d = np.zeros(self.mesh.count), self.mesh.dimension
        wide = self.mesh.volume ** ((d - 2) / d)
        for own in self.fields:
            k = own.numbering.degree
            matrix, order = modes(k, d)
            energy = (own.values[own.numbering.table] @ matrix.T) ** 2 * order**2 * wide[:, None]
            last, early = energy[:, order == k].sum(1), energy[:, order == k - 1].sum(1)
            fall = np.minimum(1.0, last / np.maximum(early, 1e-300)) if k > 1 else 1.0
            total += last * fall / max(float(energy.sum()), 1e-300)
        return total

    def _sampling(self, unknown: int) -> SimplexSampling:
        return simplex_sampling(self.mesh, self.fields[unknown].numbering.degree + 1)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.mesh.points[self.mesh.nodes].mean(1))

    def located(self, at: Floats, nearest: bool = False) -> tuple[Ints, Floats]:
        """Elements that hold places (q, 3), -1 outside of all, and the weights of all corners but the first there.

        `nearest` gives every place an element, as rounding may put places on the boundary a little outside.
        """
        return (in_solid if self.mesh.dimension == 3 else on_surface)(self.mesh, self._tree, at, nearest)


def skin(mesh: SimplexMesh, count: int) -> tuple[Ints, Floats, Floats]:
    """The surface as about so many triangles, at least its own: of a solid, its boundary.

    Returns
    -------
    element : ndarray, shape (t,)
    local : ndarray, shape (t, 3, d)
        Of each triangle's corners the weights of all corners of its element but the first.
    places : ndarray, shape (t, 3, 3)
    """
    d = mesh.dimension
    faces = parts_of(2, d)
    own = [np.arange(mesh.count)] if d == 2 else [np.flatnonzero(mesh.curve[:, k] >= 0) for k in range(4)]
    cuts = int(np.clip(np.sqrt(count / max(sum(map(len, own)), 1)), 1, 12))
    steps = [(i, j) for i in range(cuts) for j in range(cuts - i)]
    up = [((i, j), (i + 1, j), (i, j + 1)) for i, j in steps]
    down = [((i + 1, j), (i + 1, j + 1), (i, j + 1)) for i, j in steps if i + j < cuts - 1]
    grid = np.array(up + down, dtype=float) / cuts
    elements: list[Ints] = []
    locals_: list[Floats] = []
    every: list[Floats] = []
    for face, on in zip(faces, own, strict=True):
        weights = np.zeros((len(grid), 3, d + 1))
        weights[..., face] = np.concatenate([1 - grid.sum(2, keepdims=True), grid], axis=2)
        at = weights[..., 1:]
        places, _ = placed(mesh, on, at.reshape(-1, d))
        elements.append(np.repeat(on, len(grid)))
        locals_.append(np.tile(at, (len(on), 1, 1)))
        every.append(places.reshape(-1, 3, 3))
    return np.concatenate(elements), np.concatenate(locals_), np.concatenate(every)
