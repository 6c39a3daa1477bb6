"""Functions on a mesh: polynomials on the unit square of every element, continuous from one to the next.

They are given by their values at the places of Gauss, Lobatto and Legendre in each element.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.mesh import Mesh

# So many places at most are kept with their polynomials.
_FEW = 64


@lru_cache(maxsize=64)
def lobatto(degree: int) -> Floats:
    """The degree + 1 places in [0, 1], ends included."""
    if degree == 0:
        return np.array([0.5])
    inner = np.polynomial.legendre.Legendre.basis(degree).deriv().roots() if degree > 1 else np.zeros(0)
    return (np.concatenate([[-1.0], np.sort(np.real(inner)), [1.0]]) + 1) / 2


def lagrange(degree: int, at: Floats) -> tuple[Floats, Floats]:
    """Values and derivatives at places in [0, 1] of the polynomials that are 1 at one of `lobatto` and 0 at the others.

    Returns two arrays (q, degree + 1), not to be changed.
    """
    # Gauss places come again and again; other places are as many as there are points.
    return _kept(degree, at.tobytes()) if len(at) <= _FEW else _polynomials(degree, at)


@lru_cache(maxsize=256)
def _kept(degree: int, places: bytes) -> tuple[Floats, Floats]:
    return _polynomials(degree, np.frombuffer(places))


def _polynomials(degree: int, at: Floats) -> tuple[Floats, Floats]:
    legendre = np.polynomial.legendre
    values = legendre.legvander(2 * at - 1, degree)
    slope = 2 * values[:, :degree] @ legendre.legder(np.eye(degree + 1)) if degree else 0 * values
    inverse = _to_modes(degree)
    return values @ inverse, slope @ inverse


@lru_cache(maxsize=64)
def _to_modes(degree: int) -> Floats:
    places = 2 * lobatto(degree) - 1
    return np.asarray(np.linalg.inv(np.polynomial.legendre.legvander(places, degree)), dtype=float)


def inverses(matrices: Floats) -> Floats:
    """Inverses of the last two axes."""
    return np.asarray(np.linalg.inv(matrices), dtype=float)


@dataclass(frozen=True, eq=False)
class Numbering:
    """Numbers of the places at which functions of a degree are given: corners, edges, then the inside of elements.

    Attributes
    ----------
    mesh : Mesh
    degree : int
    """

    mesh: Mesh
    degree: int

    @cached_property
    def skeleton(self) -> int:
        """How many lie on edges and corners."""
        return int(self.mesh.nodes.max()) + 1 + len(self.mesh.edges[2]) * (self.degree - 1)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.skeleton + self.mesh.count * (self.degree - 1) ** 2

    @cached_property
    def table(self) -> Ints:
        """Numbers of each element's places, (L, degree + 1, degree + 1)."""
        k, mesh = self.degree, self.mesh
        found = np.empty((mesh.count, k + 1, k + 1), dtype=np.int64)
        first, inner = int(mesh.nodes.max()) + 1, np.arange(k - 1)
        for corner, (i, j) in enumerate(((0, 0), (k, 0), (k, k), (0, k))):
            found[:, i, j] = mesh.nodes[:, corner]
        sides = ((slice(1, k), 0), (k, slice(1, k)), (slice(1, k), k), (0, slice(1, k)))
        for side, where in enumerate(sides):
            order = np.where(mesh.backward[:, side, None], inner[::-1], inner)
            found[:, where[0], where[1]] = first + mesh.edges[0][:, side, None] * (k - 1) + order
        own = self.skeleton + np.arange(mesh.count)[:, None, None] * (k - 1) ** 2
        found[:, 1:k, 1:k] = own + np.arange((k - 1) ** 2).reshape(k - 1, k - 1)
        return found

    def side(self, which: int) -> Ints:
        """Numbers of the places on side 0 (low) or 1 (left) of each element, (L, degree + 1)."""
        return self.table[:, :, 0] if which == 0 else self.table[:, 0, :]


@dataclass(frozen=True, eq=False)
class Sampling:
    """Places in every element, with weights and the derivatives of the unit square's directions there.

    Attributes
    ----------
    line : ndarray, shape (m,)
        Gauss places in [0, 1], the same in both directions.
    places : ndarray, shape (L, m, m, 2)
    mass : ndarray, shape (L, m, m)
        Area of each place.
    inverse : ndarray, shape (L, m, m, 2, 2)
        Derivative of both directions of the unit square (last but one axis) in x and y.
    """

    line: Floats
    places: Floats
    mass: Floats
    inverse: Floats


def sampling(mesh: Mesh, count: int) -> Sampling:
    """Gauss places, `count` in each direction of every element."""
    line, weights = np.polynomial.legendre.leggauss(count)
    line, weights = (line + 1) / 2, weights / 2
    at = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(1, -1, 2)
    every = np.arange(mesh.count)
    places, slopes = mesh.places(every, np.broadcast_to(at, (mesh.count, count**2, 2)))
    area = slopes[..., 0, 0] * slopes[..., 1, 1] - slopes[..., 0, 1] * slopes[..., 1, 0]
    inverse = np.empty_like(slopes)
    inverse[..., 0, 0], inverse[..., 1, 1] = slopes[..., 1, 1] / area, slopes[..., 0, 0] / area
    inverse[..., 0, 1], inverse[..., 1, 0] = -slopes[..., 0, 1] / area, -slopes[..., 1, 0] / area
    shape = (mesh.count, count, count)
    mass = np.outer(weights, weights).ravel() * area
    return Sampling(line, places.reshape(*shape, 2), mass.reshape(shape), inverse.reshape(*shape, 2, 2))


@dataclass(frozen=True, eq=False)
class MeshField:
    """A function on a mesh.

    Attributes
    ----------
    numbering : Numbering
    values : ndarray, shape (count,)
    """

    numbering: Numbering
    values: Floats

    def local(self, line: Floats, which: slice = slice(None)) -> tuple[Floats, Floats, Floats]:
        """Value and both derivatives on the unit squares of some elements, at a grid of places in each: (L, m, m)."""
        own = self.values[self.numbering.table[which]]
        value, slope = lagrange(self.numbering.degree, line)
        right = own @ value.T
        return value @ right, slope @ right, value @ (own @ slope.T)

    def jets(self, sampling: Sampling, which: slice = slice(None)) -> tuple[Floats, Floats, Floats]:
        """Value and derivatives in x and y at the places of a sampling, in some elements: three arrays (L, m, m)."""
        value, first, second = self.local(sampling.line, which)
        inverse = sampling.inverse[which]
        return (
            value,
            first * inverse[..., 0, 0] + second * inverse[..., 1, 0],
            first * inverse[..., 0, 1] + second * inverse[..., 1, 1],
        )
