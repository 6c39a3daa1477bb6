"""Functions on tetrahedra: polynomials of a degree on each, continuous from one to the next.

They are given by their values at places that are those of Gauss, Lobatto and Legendre along edges (T. Isaac 2020,
"Recursive, parameter-free, explicitly defined interpolation nodes for simplices", doi:10.1137/20M1321802). The corners of
a tetrahedron stand in the order of their numbers, so that neighbours number the places that they share alike.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from scipy.special import roots_jacobi

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.elements import inverses, lobatto
from edgewise.pde.domains.tetrahedra import Tetrahedra

_EDGES: Final = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
# The face opposite to each corner.
FACES: Final = ((1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2))


@dataclass(frozen=True, eq=False)
class TetraMesh:
    """Tetrahedra with their edges and faces.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
    nodes : ndarray, shape (L, 4)
        Numbers of the corners, rising.
    curve : ndarray, shape (L, 4)
        The patch that the face opposite to each corner lies on; -1 inside.
    """

    points: Floats
    nodes: Ints
    curve: Ints

    @property
    def count(self) -> int:
        """Number of elements."""
        return len(self.nodes)

    @cached_property
    def edges(self) -> tuple[Ints, int]:
        """Numbers of each element's edges, (L, 6), and how many there are."""
        return _numbered(self.nodes, _EDGES)

    @cached_property
    def faces(self) -> tuple[Ints, int]:
        """Numbers of the faces opposite to each element's corners, (L, 4), and how many there are."""
        return _numbered(self.nodes, FACES)

    @cached_property
    def slopes(self) -> Floats:
        """Derivatives of places in the weights of the last three corners, (L, 3, 3): coordinates along the middle axis."""
        corners = self.points[self.nodes]
        return np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)

    @cached_property
    def inverse(self) -> Floats:
        """Derivatives of the weights (middle axis) in the coordinates, (L, 3, 3)."""
        return inverses(self.slopes)

    @cached_property
    def volume(self) -> Floats:
        """Of each element."""
        return np.abs(np.linalg.det(self.slopes)) / 6

    def places(self, which: Ints | slice, at: Floats) -> Floats:
        """Places (q, m, 3) of elements by weights of their last three corners, (m, 3) or (q, m, 3)."""
        return self.points[self.nodes[which, 0]][:, None] + at @ np.swapaxes(self.slopes[which], 1, 2)


def tetra_mesh(filled: Tetrahedra) -> TetraMesh:
    """The mesh of tetrahedra that fill a solid."""
    nodes = np.sort(filled.tetrahedra, axis=1)
    numbers, count = _numbered(nodes, FACES)
    faces = np.zeros((count, 3), dtype=np.int64)
    for k, face in enumerate(FACES):
        faces[numbers[:, k]] = nodes[:, face]
    order = {tuple(face): n for n, face in enumerate(faces.tolist())}
    patch = np.full(count, -1, dtype=np.int64)
    patch[[order[tuple(side)] for side in np.sort(filled.sides, axis=1).tolist()]] = filled.patch
    return TetraMesh(filled.points, nodes, patch[numbers])


def _numbered(nodes: Ints, parts: tuple[tuple[int, ...], ...]) -> tuple[Ints, int]:
    every = np.concatenate([nodes[:, part] for part in parts])
    found, numbers = np.unique(every, axis=0, return_inverse=True)
    return numbers.reshape(len(parts), len(nodes)).T.astype(np.int64), len(found)


@lru_cache(maxsize=32)
def indices(degree: int) -> tuple[tuple[int, int, int, int], ...]:
    """Which place is which, by how many steps of the degree it is toward each corner: corners, edges, faces, inside."""
    found: list[tuple[int, int, int, int]] = []
    parts = [(k,) for k in range(4)] + [*_EDGES, *FACES, (0, 1, 2, 3)]
    for part in parts:
        for steps in itertools.product(range(1, degree + 1), repeat=len(part)):
            if sum(steps) == degree:
                whole = [0, 0, 0, 0]
                for k, n in zip(part, steps, strict=True):
                    whole[k] = n
                found.append((whole[0], whole[1], whole[2], whole[3]))
    return tuple(found)


def _weights(steps: tuple[int, ...]) -> Floats:
    """Weights of the corners at a place, by Isaac's recursion over the faces that leave one corner out."""
    if len(steps) == 1:
        return np.ones(1)
    degree = sum(steps)
    line, found, total = lobatto(degree), np.zeros(len(steps)), 0.0
    for k, n in enumerate(steps):
        share = line[degree - n]
        found[[i for i in range(len(steps)) if i != k]] += share * _weights(steps[:k] + steps[k + 1 :])
        total += share
    return found / total


@lru_cache(maxsize=32)
def tetra_places(degree: int) -> Floats:
    """The places of a degree as weights of the last three corners, (n, 3)."""
    return np.array([_weights(steps) for steps in indices(degree)])[:, 1:]


@lru_cache(maxsize=32)
def _powers(degree: int) -> tuple[tuple[int, int, int], ...]:
    """Degrees of the three factors of each mode, those of the lowest total first."""
    steps = range(degree + 1)
    every = [(i, j, k) for i in steps for j in steps for k in steps if i + j + k <= degree]
    return tuple(sorted(every, key=lambda p: (sum(p), p)))


def _times(one: Floats, other: Floats) -> Floats:
    """Values (first of four) and derivatives of a product."""
    found = one * other[0] + one[0] * other
    found[0] = one[0] * other[0]
    return found


def _jacobi(most: int, weight: int, ahead: Floats, behind: Floats) -> list[Floats]:
    """(a + b)^n times Jacobi's polynomials of the weights (weight, 0) at (a - b) / (a + b), n up to a degree."""
    up, both = ahead - behind, ahead + behind
    square, one = _times(both, both), np.zeros_like(ahead)
    one[0] = 1.0
    found, w = [one, ((weight + 2) * up + weight * both) / 2], weight
    for n in range(1, most):
        low = 2 * (n + 1) * (n + w + 1) * (2 * n + w)
        step = (2 * n + w + 1) * ((2 * n + w + 2) * (2 * n + w) * up + w * w * both) / low
        back = 2 * (n + w) * n * (2 * n + w + 2) / low
        found.append(_times(step, found[-1]) - back * _times(square, found[-2]))
    return found[: most + 1]


def _orthogonal(degree: int, at: Floats) -> Floats:
    """Orthogonal polynomials up to a total degree, and their derivatives in the three weights: (4, q, n).

    M. Dubiner 1991, doi:10.1007/BF01060030, without divisions, so that corners are places like others.
    """
    weights = np.zeros((4, 4, len(at)))
    weights[1:, 0] = at.T
    weights[0, 0] = 1 - at.sum(1)
    for k in range(3):
        weights[k + 1, k + 1], weights[0, k + 1] = 1.0, -1.0
    found: list[Floats] = []
    first = _jacobi(degree, 0, weights[1], weights[0])
    second = [_jacobi(degree - i, 2 * i + 1, weights[2], weights[0] + weights[1]) for i in range(degree + 1)]
    low = weights[0] + weights[1] + weights[2]
    third = [_jacobi(degree - n, 2 * n + 2, weights[3], low) for n in range(degree + 1)]
    for i, j, k in _powers(degree):
        found.append(_times(_times(first[i], second[i][j]), third[i + j][k]))
    return np.stack(found, axis=-1)


@lru_cache(maxsize=32)
def _inverse(degree: int) -> Floats:
    return np.asarray(np.linalg.inv(_orthogonal(degree, tetra_places(degree))[0]), dtype=float)


def tetra_lagrange(degree: int, at: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The polynomials that are 1 at one place and 0 at the others: values and derivatives in the weights of the last three
    corners, at such weights (q, 3), four arrays (q, n)."""
    value, dx, dy, dz = _orthogonal(degree, at) @ _inverse(degree)
    return value, dx, dy, dz


@lru_cache(maxsize=32)
def modes(degree: int) -> tuple[Floats, Ints]:
    """The matrix from values at places to orthonormal modes on a tetrahedron of volume 1, and the degree of each mode."""
    at, weights = tetra_gauss(degree + 1)
    size = np.sqrt(weights @ _orthogonal(degree, at)[0] ** 2)
    return size[:, None] * _inverse(degree), np.array(_powers(degree)).sum(1)


@lru_cache(maxsize=32)
def tetra_gauss(count: int) -> tuple[Floats, Floats]:
    """Places (count^3, 3) and weights, of sum 1, for a tetrahedron: products of Gauss and Jacobi's, one corner drawn out."""
    (a, u), (b, v), (c, w) = (roots_jacobi(count, k, 0.0) for k in (2.0, 1.0, 0.0))
    x, y, z = (each.ravel() for each in np.meshgrid((a + 1) / 2, (b + 1) / 2, (c + 1) / 2, indexing="ij"))
    weights = np.einsum("i,j,k->ijk", u, v, w).ravel()
    return np.stack([x, y * (1 - x), z * (1 - x) * (1 - y)], axis=1), weights / weights.sum()


@lru_cache(maxsize=32)
def triangle_gauss(count: int) -> tuple[Floats, Floats]:
    """The same for a triangle, as weights of its three corners: (count^2, 3)."""
    (a, u), (b, v) = (roots_jacobi(count, k, 0.0) for k in (1.0, 0.0))
    x, y = (each.ravel() for each in np.meshgrid((a + 1) / 2, (b + 1) / 2, indexing="ij"))
    weights = np.outer(u, v).ravel()
    return np.stack([(1 - x) * (1 - y), x, y * (1 - x)], axis=1), weights / weights.sum()


@dataclass(frozen=True, eq=False)
class TetraNumbering:
    """Numbers of the places at which functions of a degree are given: corners, edges, faces, then the inside of elements.

    Attributes
    ----------
    mesh : TetraMesh
    degree : int
    """

    mesh: TetraMesh
    degree: int

    @cached_property
    def _sizes(self) -> tuple[int, int, int]:
        k = self.degree
        return k - 1, (k - 1) * (k - 2) // 2, (k - 1) * (k - 2) * (k - 3) // 6

    @property
    def count(self) -> int:
        """How many there are."""
        on_edge, on_face, inside = self._sizes
        mesh = self.mesh
        return len(mesh.points) + mesh.edges[1] * on_edge + mesh.faces[1] * on_face + mesh.count * inside

    @cached_property
    def table(self) -> Ints:
        """Numbers of each element's places, (L, n)."""
        mesh, parts, first = self.mesh, [self.mesh.nodes], len(self.mesh.points)
        own = np.arange(mesh.count)[:, None], mesh.count
        for (numbers, count), size in zip((mesh.edges, mesh.faces, own), self._sizes, strict=True):
            inner = first + numbers[:, :, None] * size + np.arange(size)
            parts.append(inner.reshape(mesh.count, -1))
            first += count * size
        return np.concatenate(parts, axis=1)

    def face(self, corner: int) -> Ints:
        """Which of an element's places lie on the face opposite to a corner."""
        return np.flatnonzero([steps[corner] == 0 for steps in indices(self.degree)])


@dataclass(frozen=True, eq=False)
class TetraSampling:
    """Places in every element, with the volume of each.

    Attributes
    ----------
    at : ndarray, shape (m, 3)
        Weights of the last three corners, the same in every element.
    shares : ndarray, shape (m,)
        Of the volume of an element.
    places : ndarray, shape (L, m, 3)
    mass : ndarray, shape (L, m)
    """

    at: Floats
    shares: Floats
    places: Floats
    mass: Floats


def tetra_sampling(mesh: TetraMesh, count: int) -> TetraSampling:
    """Gauss places, `count` in each direction of every element."""
    at, weights = tetra_gauss(count)
    return TetraSampling(at, weights, mesh.places(slice(None), at), mesh.volume[:, None] * weights)


@dataclass(frozen=True, eq=False)
class TetraField:
    """A function on a mesh of tetrahedra.

    Attributes
    ----------
    numbering : TetraNumbering
    values : ndarray, shape (count,)
    """

    numbering: TetraNumbering
    values: Floats

    def jets(self, at: Floats, which: slice = slice(None)) -> tuple[Floats, ...]:
        """Value and derivatives in the coordinates, in some elements, at weights (m, 3): four arrays (l, m)."""
        own = self.values[self.numbering.table[which]]
        value, *slopes = tetra_lagrange(self.numbering.degree, at)
        inner = [own @ slope.T for slope in slopes]
        inverse = self.numbering.mesh.inverse[which]
        outer = [sum(inner[a] * inverse[:, a, b, None] for a in range(3)) for b in range(3)]
        return own @ value.T, *(np.asarray(each) for each in outer)
