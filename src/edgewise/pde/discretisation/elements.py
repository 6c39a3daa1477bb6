"""Elements that fill a shape, and functions on them: polynomials on each, continuous from one to the next.

A function of a degree is given by its values at the places of a lattice in the reference element, of which every element is
an image. What differs from one kind of element to another stands in the classes below `Elements`: `Quadrilaterals` on plane
shapes, `Simplices` on surfaces and in solids.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE

# By the directions of an element in which the test function and the unknown are derived, 0 for none: weights at places.
Block = dict[tuple[int, int], Floats]


@dataclass(frozen=True, eq=False)
class Sampling:
    """Places in every element, the same in the reference element, with the size of each.

    Attributes
    ----------
    at : ndarray, shape (m, d)
        Places in the reference element.
    shares : ndarray, shape (m,)
        Of the size of an element that is not curved.
    places : ndarray, shape (L, m, D)
    mass : ndarray, shape (L, m)
        Length, area or volume of each place.
    inverse : ndarray, shape (L, 1 or m, d, D)
        Derivatives of the directions of the reference element in the coordinates.
    line : ndarray or None
        Where `at` is all pairs of places in [0, 1], these.
    """

    at: Floats
    shares: Floats
    places: Floats
    mass: Floats
    inverse: Floats
    line: Floats | None = None


@dataclass(frozen=True, eq=False)
class RimSampling:
    """Places on those faces of elements, all the same face of the reference element, that lie on one part of the boundary.

    Attributes
    ----------
    mesh : Elements
    elements : ndarray, shape (q,)
    face : int
        Of the reference element.
    at : ndarray, shape (m, d)
        Places on it.
    places : ndarray, shape (q, m, D)
    normal : ndarray, shape (q, 1 or m, D)
        Outward along the element, of length 1.
    mass : ndarray, shape (q, m)
        Length or area of each place.
    inverse : ndarray, shape (q, 1 or m, d, D)
        As in `Sampling`.
    """

    mesh: Elements
    elements: Ints
    face: int
    at: Floats
    places: Floats
    normal: Floats
    mass: Floats
    inverse: Floats

    @property
    def arguments(self) -> list[Floats]:
        """The coordinates and the parts of the normal, as equations on the boundary take them."""
        normal = np.broadcast_to(self.normal, self.places.shape)
        return [*coordinates_of(self.places), *coordinates_of(normal)]

    def basis(self, degree: int, kind: int) -> Floats:
        """Values (0) or the derivative in a coordinate (1, 2, 3) of an element's functions there: (q, m, n)."""
        value, *slopes = self.mesh.basis(degree, self.at)
        if kind == 0:
            return np.broadcast_to(value, (len(self.elements), *value.shape))
        return np.asarray(sum(self.inverse[..., a, kind - 1, None] * slope for a, slope in enumerate(slopes)))


def coordinates_of(places: Floats) -> list[Floats]:
    """Each coordinate of places (..., D)."""
    return [places[..., k] for k in range(places.shape[-1])]


class Elements(ABC):
    """Elements with `nodes`, the numbers of their corners, and `curve` (L, F): for each face of the reference element that
    may lie on the boundary the part of it that it lies on, -1 inside."""

    nodes: Ints
    curve: Ints
    # By how much degrees rise from a mesh to the next.
    degree_steps: ClassVar[int]
    # How many places in each direction beyond the degree measure a function.
    measured: ClassVar[int]
    # Elements that are put together at once, at most.
    most_at_once: ClassVar[int]

    @property
    def count(self) -> int:
        """Number of elements."""
        return len(self.nodes)

    @property
    def dimension(self) -> int:
        """Of the reference element, d."""
        return self.outward.shape[1]

    @property
    @abstractmethod
    def outward(self) -> Floats:
        """For each face of the reference element that may lie on the boundary its direction outward, (F, d)."""

    @property
    @abstractmethod
    def integrated_beyond(self) -> int:
        """How many places in each direction beyond the degree products of functions take."""

    @property
    def widths(self) -> Floats:
        """What the energy of a mode on an element of size 1 is multiplied by on each element, (L,): in the plane by one."""
        return np.ones(self.count)

    @abstractmethod
    def like(self, other: Elements) -> bool:
        """Whether errors are known by the change from one to the other: they differ by their degree alone."""

    @abstractmethod
    def lattice(self, degree: int) -> Floats:
        """The places in the reference element at which functions of a degree are given, (n, d)."""

    @abstractmethod
    def basis(self, degree: int, at: Floats) -> Floats:
        """The functions that are 1 at one place of the lattice and 0 at others: values at places (q, d), then derivatives
        in the directions of the reference element, (d + 1, q, n)."""

    @abstractmethod
    def modes(self, degree: int) -> tuple[Floats, Ints, Floats]:
        """The matrix from values at the lattice to orthogonal modes, the degree of each, and their energies."""

    @abstractmethod
    def gauss(self, count: int) -> tuple[Floats, Floats]:
        """Places in the reference element, `count` in each direction, and their shares of it."""

    @abstractmethod
    def face_gauss(self, face: int, count: int) -> tuple[Floats, Floats]:
        """Places on a face, and their shares of what an element's size over its height above the face is."""

    @abstractmethod
    def on_face(self, face: int, degree: int) -> Ints:
        """Which places of the lattice lie on a face."""

    @abstractmethod
    def within(self, degree: int) -> Bools:
        """Which places of the lattice lie on no face."""

    @abstractmethod
    def coefficients(self, degree: int) -> int:
        """How many places functions of a degree are given at, those of neighbours counted once."""

    @abstractmethod
    def numbered(self, degree: int) -> Ints:
        """Numbers of each element's places, those inside of elements last, (L, n)."""

    @abstractmethod
    def placed(self, which: Ints | slice, at: Floats) -> tuple[Floats, Floats]:
        """Places (q, m, D) of elements by those of the reference element (m, d), and their derivatives (q, 1 or m, D, d)."""

    @abstractmethod
    def inverted(self, slopes: Floats) -> tuple[Floats, Floats]:
        """Derivatives of the reference element's directions in the coordinates, (..., d, D), and the sizes of elements
        (...,), from the derivatives of places (..., D, d)."""

    @abstractmethod
    def sloped(self, degree: int, given: int) -> int:
        """The degree that stands for derivatives of functions of a degree, which may be given by another degree."""

    @abstractmethod
    def located(self, at: Floats, nearest: bool = False) -> tuple[Ints, Floats]:
        """Elements that hold places (q, D), -1 outside of all, and the places in the reference element.

        `nearest` gives every place an element, as rounding may put places on the boundary a little outside.
        """

    @abstractmethod
    def across(self, mesh: Any, at: Floats) -> tuple[Ints, Floats]:
        """Elements, and places in them, that hold the places of another mesh's elements, element by element."""

    def values(self, degree: int, at: Floats) -> Floats:
        """The values of `basis` alone, (q, n)."""
        return self.basis(degree, at)[0]

    def sampled(self, at: Floats, shares: Floats) -> Sampling:
        """The same places in every element."""
        places, slopes = self.placed(slice(None), at)
        inverse, size = self.inverted(slopes)
        return Sampling(at, shares, places, size * shares, inverse)

    def sampling(self, count: int) -> Sampling:
        """Gauss places, `count` in each direction of every element."""
        return self.sampled(*self.gauss(count))

    def on_part(self, number: int, count: int) -> list[RimSampling]:
        """Gauss places, `count` in each direction of each face on a part of the boundary."""
        found: list[RimSampling] = []
        for face, outward in enumerate(self.outward):
            elements = np.flatnonzero(self.curve[:, face] == number)
            if len(elements):
                at, shares = self.face_gauss(face, count)
                places, slopes = self.placed(elements, at)
                inverse, size = self.inverted(slopes)
                # What is zero on the face and 1 at the element's height above it rises by 1 over that height.
                fall = outward @ inverse
                steep = np.linalg.norm(fall, axis=-1)
                mass = size * steep * shares
                normal = fall / steep[..., None]
                found.append(RimSampling(self, elements, face, at, places, normal, mass, inverse))
        return found

    def local(self, values: Floats, degree: int, s: Sampling) -> list[Floats]:
        """Values and derivatives in the reference element's directions, at places, of functions by their values (l, n)."""
        return [values @ array.T for array in self.basis(degree, s.at)]

    def tested(self, degree: int, along: Sequence[Floats], value: Floats | None, s: Sampling) -> Floats:
        """Sums over places of what goes with the derivatives of test functions in each direction, and with them: (L, n)."""
        tests, *slopes = self.basis(degree, s.at)
        total = np.zeros((self.count, tests.shape[1])) if value is None else value @ tests
        for flux, slope in zip(along, slopes, strict=False):
            total = total + flux @ slope
        return total

    def integrated(self, block: Block, degrees: tuple[int, int], s: Sampling) -> Floats:
        """Sums over places of products of test functions and unknowns: (l, n, n')."""
        tests, trials = (self.basis(degree, s.at) for degree in degrees)
        count, n, m = len(next(iter(block.values()))), tests.shape[2], trials.shape[2]
        even: Block = {}
        for pair, weight in block.items():
            level = weight / s.shares
            if (np.ptp(level, axis=1) <= 1e-14 * np.abs(level).max(1)).all():
                even[pair] = weight
        total = np.zeros((count, n, m))
        if even:
            # Weights that are constant on each element: one table of integrals for all.
            table = np.stack([(tests[a].T @ (s.shares[:, None] * trials[b])).ravel() for a, b in even])
            weight = np.stack([w.sum(1) for w in even.values()], axis=1)
            total += (weight @ table).reshape(count, n, m)
            charge(total.size * len(even) / RATE)
        for a in {a for a, b in block if (a, b) not in even}:
            weighted = np.zeros((count, len(s.at), m))
            for (c, b), w in block.items():
                if c == a and (c, b) not in even:
                    weighted += w[:, :, None] * trials[b]
            charge(count * len(s.at) * n * m / RATE)
            total += tests[a].T @ weighted
        return total


@dataclass(frozen=True, eq=False)
class Numbering:
    """Numbers of the places at which functions of a degree are given.

    Attributes
    ----------
    mesh : Elements
    degree : int
    """

    mesh: Elements
    degree: int

    @cached_property
    def count(self) -> int:
        """How many there are."""
        return self.mesh.coefficients(self.degree)

    @cached_property
    def table(self) -> Ints:
        """Numbers of each element's places, (L, n)."""
        return self.mesh.numbered(self.degree)


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

    def jets(self, s: Sampling, which: slice = slice(None)) -> tuple[Floats, ...]:
        """Value and derivatives in the coordinates at the places of a sampling, in some elements: arrays (l, m)."""
        values = self.values[self.numbering.table[which]]
        value, *inner = self.numbering.mesh.local(values, self.numbering.degree, s)
        inverse = s.inverse[which]
        outer = [
            np.asarray(sum(item * inverse[..., a, b] for a, item in enumerate(inner)))
            for b in range(inverse.shape[-1])
        ]
        return value, *outer
