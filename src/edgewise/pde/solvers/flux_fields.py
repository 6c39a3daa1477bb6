"""Fields on elements with a given flux through every side and a given divergence, for guaranteed bounds of errors.

A kind of elements says which polynomials it has on its sides, how near to a target such a field can be, and with which
constants what polynomials leave of data is bounded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from scipy.linalg import null_space

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.elements import Elements, Sampling
from edgewise.pde.discretisation.lagrange import inverses
from edgewise.pde.discretisation.quadrilaterals import Quadrilaterals
from edgewise.pde.discretisation.simplex_polynomials import (
    orthonormal_modes,
    parts_of,
    simplex_gauss,
    simplex_lagrange,
)
from edgewise.pde.discretisation.simplices import Simplices
from edgewise.pde.results.mesh_pieces import MeshPieces


@dataclass(frozen=True, eq=False)
class ElementSide:
    """A side of the reference element.

    Attributes
    ----------
    at : ndarray, shape (m, d)
        Gauss places on it.
    shares : ndarray, shape (m,)
        Of what an element's size over its height above the side is.
    outward : ndarray, shape (d,)
    """

    at: Floats
    shares: Floats
    outward: Floats


class FluxFields(ABC):
    """Fields on the elements of a mesh whose fluxes are polynomials of a degree on sides, with `count` Gauss places in each
    direction."""

    def __init__(self, degree: int) -> None:
        self.degree, self.count = degree, degree + self.beyond

    # Gauss places in each direction beyond the degree.
    beyond: int
    sides: tuple[ElementSide, ...]
    # Orthonormal polynomials on a side, (m, n), and the weights of its places, of sum 1.
    polynomials: Floats
    weights: Floats

    @abstractmethod
    def side_of(self, face: int) -> int:
        """The side that a face is which may lie on the boundary."""

    @abstractmethod
    def joints(self) -> tuple[Ints, int, Floats]:
        """Numbers of each element's sides (L, F), how many there are, and -1 for polynomials that neighbours have turned,
        (L, F, n)."""

    @abstractmethod
    def constants(self, s: Sampling, part: slice) -> tuple[Floats, Floats]:
        """For some elements the constant of Poincare's inequality, (l,), and for each side the root of that with which what
        is missed of a flux is bounded, (l, F), where the matrix of the equation is one."""

    @abstractmethod
    def field(
        self, s: Sampling, part: slice, fluxes: Floats, target: Floats, spring: Floats
    ) -> tuple[Floats, Floats]:
        """Of some elements a field with the given flux through all sides and minus the sources as its divergence, near a
        target; and that divergence."""


def flux_fields(mesh: Elements, degree: int, coarse: MeshPieces | None) -> FluxFields | None:
    """Those for elements on which the solution whose error is bounded is known; None where there are none."""
    if isinstance(mesh, Quadrilaterals):
        return _OnQuadrilaterals(mesh, degree) if coarse is None or mesh.like(coarse.mesh) else None
    assert isinstance(mesh, Simplices)
    solid = mesh.dimension == 3 and coarse is not None and mesh.like(coarse.mesh)
    return _OnTetrahedra(mesh, degree) if solid else None


class _OnQuadrilaterals(FluxFields):
    """Polynomials of one coordinate by orthonormal Legendre modes: the flux along each direction is of one degree more."""

    beyond = 4

    def __init__(self, mesh: Quadrilaterals, degree: int) -> None:
        super().__init__(degree)
        self.mesh = mesh
        nodes, weights = np.polynomial.legendre.leggauss(self.count)
        line, self.weights = (nodes + 1) / 2, weights / 2
        self.modes, self.ends = _legendre(line, degree + 1), _legendre(np.array([0.0, 1.0]), degree + 1)
        self.polynomials = self.modes[:, :-1]
        # Derivatives of modes up to degree + 1, as modes up to the degree.
        scale = np.sqrt(2 * np.arange(degree + 2) + 1)
        slope = np.zeros((degree + 1, degree + 2))
        for n in range(1, degree + 2):
            slope[n - 1 :: -2, n] = 2 * scale[n] * (2 * np.arange(n - 1, -1, -2) + 1)
        self.slope = slope / scale[: degree + 1, None]
        zeros, ones = 0 * line, 0 * line + 1
        # Sides run from corner 0 to 1, 1 to 2, 3 to 2, 0 to 3.
        places = ((line, zeros), (ones, line), (line, ones), (zeros, line))
        outward = ((0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0))
        self.sides = tuple(
            ElementSide(np.stack(at, axis=-1), self.weights, np.array(out))
            for at, out in zip(places, outward, strict=True)
        )

    @cached_property
    def _divergence(self) -> tuple[Floats, Floats, Floats]:
        """Polynomials that vanish at both ends, and the eigenvectors and eigenvalues of their derivatives' products."""
        inner = null_space(self.ends)
        values, vectors = np.linalg.eigh(self.slope @ inner @ inner.T @ self.slope.T)
        return inner, np.maximum(values, 0.0), vectors

    def side_of(self, face: int) -> int:
        return (0, 3)[face]

    def joints(self) -> tuple[Ints, int, Floats]:
        numbers, counts, _ = self.mesh.edges
        turned = np.where(self.mesh.backward[..., None], (-1.0) ** np.arange(self.degree + 1), 1.0)
        return numbers, len(counts), turned

    def constants(self, s: Sampling, part: slice) -> tuple[Floats, Floats]:
        turn = inverses(s.inverse[part])
        area = np.linalg.det(turn)
        stretch = (np.linalg.norm(turn, ord=2, axis=(-2, -1)) ** 2 / area).max(1)
        through = np.sqrt((1 / np.pi**2 + 2 / np.pi) * stretch)
        return np.sqrt(area.max(1) * stretch) / np.pi, np.repeat(through[:, None], 4, axis=1)

    def field(
        self, s: Sampling, part: slice, fluxes: Floats, target: Floats, spring: Floats
    ) -> tuple[Floats, Floats]:
        inverse, shape = s.inverse[part], (len(target), self.count, self.count)
        mass = s.mass[part].reshape(shape)
        area = mass / np.multiply.outer(self.weights, self.weights)
        # In the unit square (Piola's transformation): fluxes through lines stay what they are.
        flat = np.einsum("...ij,...j->...i", inverse, target).reshape(*shape, 2) * mass[..., None]
        low, high, slope = self.polynomials, self.modes, self.slope
        first, second = high.T @ flat[..., 0] @ low, low.T @ flat[..., 1] @ high
        lift = self.ends.T @ inverses(self.ends @ self.ends.T)
        out = np.stack([-fluxes[:, 3], fluxes[:, 1]], axis=1)
        first = first + lift @ (out - self.ends @ first)
        out = np.stack([-fluxes[:, 0], fluxes[:, 2]], axis=2)
        second = second + (out - second @ self.ends.T) @ lift.T
        wanted = -(low.T @ (spring.reshape(shape) * mass) @ low)
        rest = wanted - (slope @ first + second @ slope.T)
        inner, values, vectors = self._divergence
        sums = values[:, None] + values
        turned = vectors.T @ rest @ vectors
        potential = vectors @ (turned / np.where(sums > 1e-12 * sums.max(), sums, np.inf)) @ vectors.T
        within = inner @ inner.T @ slope.T
        first, second = first + within @ potential, second + potential @ within.T
        divergence = low @ (slope @ first + second @ slope.T) @ low.T / area
        field = np.stack([high @ first @ low.T, low @ second @ high.T], axis=-1) / area[..., None]
        found = np.einsum("...ij,...j->...i", inverses(inverse), field.reshape(target.shape))
        return found, divergence.reshape(spring.shape)


def _legendre(places: Floats, degree: int) -> Floats:
    scale = np.sqrt(2 * np.arange(degree + 1) + 1)
    return np.asarray(np.polynomial.legendre.legvander(2 * places - 1, degree) * scale, dtype=float)


class _OnTetrahedra(FluxFields):
    """Polynomials of a degree in each direction (F. Brezzi, J. Douglas and L. D. Marini 1985, doi:10.1007/BF01389710).

    What polynomials leave of the data is bounded with Poincare's constant of one element, its width / pi (L. E. Payne and
    H. F. Weinberger 1960, doi:10.1007/BF00252910), so that no constant of the whole solid is needed; what they leave of a
    flux on a face F of a tetrahedron T, h from its fourth corner to F at most, by

        |w|_F^2 <= |F| / |T| |w|_T (|w|_T + 2/3 h |grad w|_T)
    """

    beyond = 3

    def __init__(self, mesh: Simplices, degree: int) -> None:
        super().__init__(degree)
        self.mesh = mesh
        self.weights, self.polynomials = _on_face(degree, self.count)
        self.sides = tuple(
            ElementSide(*mesh.face_gauss(face, self.count), outward)
            for face, outward in enumerate(mesh.outward)
        )

    def side_of(self, face: int) -> int:
        return face

    def joints(self) -> tuple[Ints, int, Floats]:
        # Corners rise in each element, so that neighbours have the same polynomials.
        return *self.mesh.parts(2), np.ones((1, 1, 1))

    def constants(self, s: Sampling, part: slice) -> tuple[Floats, Floats]:
        corners = self.mesh.points[self.mesh.nodes[part]]
        gaps = np.linalg.norm(corners[:, :, None] - corners[:, None], axis=-1)
        poincare = gaps.max((1, 2)) / np.pi
        # The corner lies at most the longest edge at it off the face.
        far, wide = gaps.max(2), poincare[:, None]
        return poincare, np.sqrt((wide**2 + 2 / 3 * far * wide) / self.mesh.volume[part, None])

    def field(
        self, s: Sampling, part: slice, fluxes: Floats, target: Floats, spring: Floats
    ) -> tuple[Floats, Floats]:
        value, slopes, lower, table, back = _mixed(self.degree, self.count)
        turn = self.mesh.slopes[part]
        size = np.abs(np.linalg.det(turn))[:, None, None]
        # By the weights of the corners (Piola's transformation): fluxes through faces stay what they are.
        flat = np.einsum("lab,lmb->lam", s.inverse[part, 0], target) * size
        count = len(flat)
        modes: Any = ((flat * s.shares) @ value).reshape(count, -1)
        sources = -size[:, 0] * ((spring * s.shares) @ lower)
        wanted = np.concatenate([fluxes.reshape(count, -1), sources], axis=1)
        modes = (modes + (wanted - modes @ table.T) @ back.T).reshape(count, 3, -1)
        divergence = np.asarray(sum(modes[:, a] @ slopes[a].T for a in range(3))) / size[:, 0]
        return np.einsum("lba,lam->lmb", turn, modes @ value.T) / size, divergence


@lru_cache(maxsize=16)
def _on_face(degree: int, count: int) -> tuple[Floats, Floats]:
    """Weights of the places on a face (m,), and orthonormal polynomials there (m, n)."""
    inner, shares = simplex_gauss(count, 2)
    return shares, simplex_lagrange(degree, inner)[0] @ np.linalg.inv(orthonormal_modes(degree, 2)[0])


@lru_cache(maxsize=8)
def _mixed(degree: int, count: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """On the tetrahedron of the weights: orthonormal polynomials at Gauss places (m, n) and their derivatives (3, m, n);
    those up to a degree less, (m, n'); fluxes and divergences of fields of them, (rows, 3 n), and its inverse."""
    at, shares = simplex_gauss(count, 3)
    back = np.linalg.inv(orthonormal_modes(degree, 3)[0])
    value, *slopes = (item @ back for item in simplex_lagrange(degree, at))
    lower = value[:, orthonormal_modes(degree, 3)[1] < degree]
    inner, _ = simplex_gauss(count, 2)
    weights, polynomials = _on_face(degree, count)
    n = value.shape[1]
    rows: list[Floats] = []
    for corner, face in enumerate(parts_of(2, 3)):
        on = np.zeros((len(inner), 4))
        on[:, face] = np.concatenate([1 - inner.sum(1, keepdims=True), inner], axis=1)
        there = (polynomials * weights[:, None]).T @ (simplex_lagrange(degree, on[:, 1:])[0] @ back) / 2
        row = np.zeros((len(there), 3, n))
        if corner:
            row[:, corner - 1] = -there
        else:
            row[:] = there[:, None]
        rows.append(row)
    spread = np.stack([(lower * shares[:, None]).T @ slope for slope in slopes], axis=1)
    table = np.concatenate([*rows, spread]).reshape(-1, 3 * n)
    return value, np.stack(slopes), lower, table, np.asarray(np.linalg.pinv(table, rcond=1e-10), dtype=float)
