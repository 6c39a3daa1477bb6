"""Triangles of a surface or tetrahedra in a solid, which may be bent.

The reference element has the weights of all corners but the first as its places. Corners of an element stand in the order
of their numbers, so that neighbours number the places that they share alike. Derivatives on triangles are those along the
surface.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.spatial import KDTree

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise.pde.discretisation.elements import Elements
from edgewise.pde.discretisation.simplex_polynomials import (
    indices,
    orthonormal_modes,
    parts_of,
    simplex_gauss,
    simplex_lagrange,
    simplex_places,
)
from edgewise.pde.domains.facets import Triangulation, distances

# Places may lie outside an element by this share of it: rounding, on its faces.
_SLACK = 1e-7
# Elements whose middles are nearest to a place are asked first.
_NEAREST = 12
_CHUNK = 2_000_000
# Of those, nearest as if triangles were flat, so many are looked at as they are bent.
_TRIED = 4
# Steps of Newton's method to the nearest place of a curved triangle.
_STEPS = 12
# Derivatives of functions on curved elements are no polynomials: so much higher is the degree that stands for them.
_MORE = 4


@dataclass(frozen=True, eq=False)
class Simplices(Elements):
    """Triangles or tetrahedra in space.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
    nodes : ndarray, shape (L, d + 1)
        Numbers of the corners, rising.
    curve : ndarray, shape (L, d + 1)
        The part of the boundary that the face opposite to each corner lies on; -1 inside.
    bend : ndarray, shape (L, n, 3), or None
        Of curved elements the places of a degree; None where all are flat.
    bend_degree : int
    reach : float
        How far off a surface places may lie that mean the nearest one on it.
    """

    points: Floats
    nodes: Ints
    curve: Ints
    bend: Floats | None = None
    bend_degree: int = 1
    reach: float = 0.0
    # Degrees rise by one from a mesh to the next, so that even and odd functions gain in turns.
    degree_steps: ClassVar = 1
    measured: ClassVar = 1
    most_at_once: ClassVar = 4096
    _parts: dict[int, tuple[Ints, int]] = field(default_factory=dict, repr=False)

    def like(self, other: Elements) -> bool:
        """Whether they differ by their degree alone."""
        return self.nodes is other.nodes

    @property
    def dimension(self) -> int:
        """2 for triangles, 3 for tetrahedra."""
        return self.nodes.shape[1] - 1

    def parts(self, size: int) -> tuple[Ints, int]:
        """Numbers of each element's edges (1), faces (2), or of itself, and how many there are."""
        if size == self.dimension:
            return np.arange(self.count)[:, None], self.count
        if size not in self._parts:
            self._parts[size] = _numbered(self.nodes, parts_of(size, self.dimension))
        return self._parts[size]

    @property
    def slopes(self) -> Floats:
        """Derivatives of places in the weights of all corners but the first where elements are flat, (L, 3, d)."""
        corners = self.points[self.nodes]
        return np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)

    @property
    def volume(self) -> Floats:
        """Volume or area of each element, of those with flat faces between the same corners."""
        slopes = self.slopes
        gram = np.linalg.det(np.swapaxes(slopes, 1, 2) @ slopes)
        return np.sqrt(np.maximum(gram, 0.0)) / math.factorial(self.dimension)

    @property
    def outward(self) -> Floats:
        """For the face opposite to each corner, in the order of the corners, its direction outward."""
        return np.concatenate([np.ones((1, self.dimension)), -np.eye(self.dimension)])

    @property
    def integrated_beyond(self) -> int:
        """How many places in each direction beyond the degree products of functions take: more where elements are bent."""
        return 2 if self.bend is None else 4

    @property
    def widths(self) -> Floats:
        """Of edges, to the power with which energies grow with them."""
        return self.volume ** ((self.dimension - 2) / self.dimension)

    def lattice(self, degree: int) -> Floats:
        """The places of a degree, (n, d)."""
        return simplex_places(degree, self.dimension)

    def basis(self, degree: int, at: Floats) -> Floats:
        """Values and derivatives at places (q, d) of the functions of a degree, (d + 1, q, n)."""
        return simplex_lagrange(degree, at)

    def modes(self, degree: int) -> tuple[Floats, Ints, Floats]:
        """The matrix to orthonormal modes, the degree of each, and their energies."""
        matrix, order = orthonormal_modes(degree, self.dimension)
        return matrix, order, (order * order).astype(float)

    def gauss(self, count: int) -> tuple[Floats, Floats]:
        """Places and their shares."""
        return simplex_gauss(count, self.dimension)

    def face_gauss(self, face: int, count: int) -> tuple[Floats, Floats]:
        """Places on the face opposite to a corner, and their shares."""
        d = self.dimension
        inner, shares = simplex_gauss(count, d - 1)
        weights = np.zeros((len(inner), d + 1))
        weights[:, parts_of(d - 1, d)[face]] = _all_weights(inner)
        # A simplex has its height times its face over d.
        return weights[:, 1:], d * shares

    def _steps(self, degree: int) -> Ints:
        """How many steps of the degree each place is toward each corner."""
        return np.array(indices(degree, self.dimension))

    def on_face(self, face: int, degree: int) -> Ints:
        """Which places lie on the face opposite to a corner."""
        return np.flatnonzero(self._steps(degree)[:, face] == 0)

    def within(self, degree: int) -> Bools:
        """Which places lie inside."""
        return self._steps(degree).min(1) > 0

    def coefficients(self, degree: int) -> int:
        """How many places functions of a degree are given at."""
        parts = range(1, self.dimension + 1)
        return len(self.points) + sum(self.parts(size)[1] * math.comb(degree - 1, size) for size in parts)

    def numbered(self, degree: int) -> Ints:
        """Numbers of each element's places: corners, edges, faces, then the inside of elements."""
        found, first = [self.nodes], len(self.points)
        for size in range(1, self.dimension + 1):
            (numbers, count), inside = self.parts(size), math.comb(degree - 1, size)
            inner = first + numbers[:, :, None] * inside + np.arange(inside)
            found.append(inner.reshape(self.count, -1))
            first += count * inside
        return np.concatenate(found, axis=1)

    def placed(self, which: Ints | slice, at: Floats) -> tuple[Floats, Floats]:
        """Places (q, m, 3) of elements by weights (m, d), and their derivatives in these (q, 1 or m, 3, d)."""
        if self.bend is None:
            slopes = self.slopes[which]
            return self.points[self.nodes[which, 0]][:, None] + at @ np.swapaxes(slopes, 1, 2), slopes[
                :, None
            ]
        value, *bent = simplex_lagrange(self.bend_degree, at)
        own = self.bend[which]
        return value @ own, np.stack([slope @ own for slope in bent], axis=-1)

    def inverted(self, slopes: Floats) -> tuple[Floats, Floats]:
        """Derivatives of the weights in the coordinates, (..., d, 3), and sizes (...,), from those of places (..., 3, d)."""
        turned = np.swapaxes(slopes, -1, -2)
        gram = turned @ slopes
        size = np.sqrt(np.maximum(np.linalg.det(gram), 0.0)) / math.factorial(slopes.shape[-1])
        return np.asarray(np.linalg.solve(gram, turned), dtype=float), size

    def sloped(self, degree: int, given: int) -> int:
        """On flat elements derivatives are polynomials of the same degree."""
        return given if self.bend is None else given + _MORE

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.points[self.nodes].mean(1))

    def located(self, at: Floats, nearest: bool = False) -> tuple[Ints, Floats]:
        """Elements that hold places (q, 3), -1 outside of all or off the surface, and the weights there."""
        return (_in_solid if self.dimension == 3 else _on_surface)(self, self._tree, at, nearest)

    def across(self, mesh: Simplices, at: Floats) -> tuple[Ints, Floats]:
        """Elements, and places in them, that hold the places of another mesh's elements, element by element."""
        if mesh.nodes is not self.nodes:
            return self.located(mesh.placed(slice(None), at)[0].reshape(-1, 3), nearest=True)
        return np.repeat(np.arange(mesh.count), len(at)), np.tile(at, (mesh.count, 1))


def simplex_mesh(filled: Triangulation, reach: float = 0.0) -> Simplices:
    """Triangles or tetrahedra as elements."""
    nodes = np.sort(filled.simplices, axis=1)
    return Simplices(filled.points, nodes, _on_boundary(nodes, filled.sides, filled.part), reach=reach)


def _on_boundary(nodes: Ints, sides: Ints, part: Ints) -> Ints:
    """For the face opposite to each corner of each element the part of the boundary that it is on, or -1."""
    faces = parts_of(nodes.shape[1] - 2, nodes.shape[1] - 1)
    numbers, count = _numbered(nodes, faces)
    own = np.zeros((count, nodes.shape[1] - 1), dtype=np.int64)
    for k, face in enumerate(faces):
        own[numbers[:, k]] = nodes[:, face]
    order = {tuple(face): n for n, face in enumerate(own.tolist())}
    found = np.full(count, -1, dtype=np.int64)
    found[[order[tuple(side)] for side in np.sort(sides, axis=1).tolist()]] = part
    return found[numbers]


def _numbered(nodes: Ints, parts: tuple[tuple[int, ...], ...]) -> tuple[Ints, int]:
    every = np.concatenate([nodes[:, part] for part in parts])
    found, numbers = np.unique(every, axis=0, return_inverse=True)
    return numbers.reshape(len(parts), len(nodes)).T.astype(np.int64), len(found)


def _all_weights(inner: Floats) -> Floats:
    """The weights of all corners (q, d + 1) by those of all but the first."""
    return np.concatenate([1 - inner.sum(1, keepdims=True), inner], axis=1)


def _in_solid(mesh: Simplices, tree: KDTree, at: Floats, nearest: bool) -> tuple[Ints, Floats]:
    """Tetrahedra that hold places, and the weights of their last three corners."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 3))
    best = np.full(len(at), np.inf)
    inverse, _ = mesh.inverted(mesh.slopes)

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


def _on_surface(mesh: Simplices, tree: KDTree, at: Floats, nearest: bool) -> tuple[Ints, Floats]:
    """Triangles nearest to places, and the weights of their last two corners at the nearest place."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 2))
    best = np.full(len(at), np.inf)
    inverse, _ = mesh.inverted(mesh.slopes)

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


def _flat_foot(mesh: Simplices, inverse: Floats, element: Ints, at: Floats) -> tuple[Floats, Floats]:
    """Weights of the nearest place of triangles, taken for flat, and its distance."""
    gap = at - mesh.points[mesh.nodes[element, 0]]
    weights = _within(np.einsum("qab,qb->qa", inverse[element], gap))
    there = np.einsum("qba,qa->qb", mesh.slopes[element], weights)
    return weights, np.linalg.norm(gap - there, axis=1)


def _foot(mesh: Simplices, inverse: Floats, element: Ints, at: Floats) -> tuple[Floats, Floats]:
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
        steep, _ = mesh.inverted(np.stack([np.einsum("qn,qnk->qk", slope, own) for slope in slopes], axis=-1))
        moved = _within(weights[active] + np.einsum("qab,qb->qa", steep, gap))
        goes_on = np.abs(moved - weights[active]).max(1) > 1e-14
        weights[active] = moved
        active = active[goes_on]
        if not len(active):
            break
    return weights, apart


def _within(weights: Floats) -> Floats:
    """Weights of the last two corners, brought into the triangle."""
    kept = np.maximum(_all_weights(weights), 0.0)
    inside: Bools = (kept[:, 1:] == weights).all(1) & (kept[:, 0] > 0)
    return np.where(inside[:, None], weights, (kept / kept.sum(1, keepdims=True))[:, 1:])


def _candidates(tree: KDTree, at: Floats) -> Ints:
    near = min(_NEAREST, tree.n)
    return np.asarray(tree.query(at, k=near)[1], dtype=np.int64).reshape(len(at), near)


def _parts(count: int) -> list[Ints]:
    return [np.arange(first, min(first + 100_000, count)) for first in range(0, count, 100_000)]


def skin(mesh: Elements, count: int) -> tuple[Ints, Floats, Floats]:
    """The surface as about so many triangles, at least its own: of a solid, its boundary.

    Returns
    -------
    element : ndarray, shape (t,)
    local : ndarray, shape (t, 3, d)
        Of each triangle's corners the weights of all corners of its element but the first.
    places : ndarray, shape (t, 3, 3)
    """
    assert isinstance(mesh, Simplices)
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
        places, _ = mesh.placed(on, at.reshape(-1, d))
        elements.append(np.repeat(on, len(grid)))
        locals_.append(np.tile(at, (len(on), 1, 1)))
        every.append(places.reshape(-1, 3, 3))
    return np.concatenate(elements), np.concatenate(locals_), np.concatenate(every)
