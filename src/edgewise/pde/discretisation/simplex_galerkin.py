"""Galerkin's method on triangles of surfaces and on tetrahedra."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.simplex_elements import (
    SimplexField,
    SimplexNumbering,
    indices,
    inverted,
    placed,
    simplex_gauss,
    simplex_lagrange,
    simplex_places,
    simplex_sampling,
)
from edgewise.pde.discretisation.simplex_mesh import SimplexMesh, parts_of
from edgewise.pde.discretisation.weak_system import Block, WeakSystem
from edgewise.pde.problem.weak import WeakForm

# Gauss places in each direction beyond the degree, and more where elements are curved.
_MORE, _BENT = 2, 2
# Numbers in the largest table that is made at a time.
_MEMORY = 4_000_000


@dataclass(frozen=True, eq=False)
class FaceSampling:
    """Places on those faces of elements, opposite to one of their corners, that lie on one part of the boundary.

    Attributes
    ----------
    elements : ndarray, shape (q,)
    at : ndarray, shape (m, d)
        Weights of all corners but the first.
    places : ndarray, shape (q, m, 3)
    normal : ndarray, shape (q, 1 or m, 3)
        Outward along the element, of length 1.
    mass : ndarray, shape (q, m)
        Area or length of each place.
    inverse : ndarray, shape (q, 1 or m, d, 3)
        Derivatives of the weights in the coordinates.
    """

    elements: Ints
    at: Floats
    places: Floats
    normal: Floats
    mass: Floats
    inverse: Floats

    @property
    def arguments(self) -> list[Floats]:
        """The coordinates and the parts of the normal, as equations on the boundary take them."""
        own = [np.broadcast_to(self.normal[..., k], self.mass.shape) for k in range(3)]
        return [*(self.places[..., k] for k in range(3)), *own]

    def basis(self, degree: int, kind: int) -> Floats:
        """Values (0) or a derivative (1, 2, 3) of an element's functions there: (q, m, n)."""
        value, *slopes = simplex_lagrange(degree, self.at)
        if kind == 0:
            return np.broadcast_to(value, (len(self.elements), *value.shape))
        return np.asarray(sum(self.inverse[..., a, kind - 1, None] * slope for a, slope in enumerate(slopes)))


def face_samplings(mesh: SimplexMesh, part: int, count: int) -> list[FaceSampling]:
    """Gauss places, `count` in each direction of each face of a part of the boundary."""
    found: list[FaceSampling] = []
    d = mesh.dimension
    inner, shares = simplex_gauss(count, d - 1)
    weights = np.concatenate([1 - inner.sum(1, keepdims=True), inner], axis=1)
    for corner, face in enumerate(parts_of(d - 1, d)):
        elements = np.flatnonzero(mesh.curve[:, corner] == part)
        if not len(elements):
            continue
        at = np.zeros((len(weights), d + 1))
        at[:, face] = weights
        places, slopes = placed(mesh, elements, at[:, 1:])
        inverse, size = inverted(slopes)
        # The weight of the corner falls toward the face, by 1 over its height.
        fall = inverse.sum(-2) if corner == 0 else -inverse[..., corner - 1, :]
        steep = np.linalg.norm(fall, axis=-1)
        found.append(
            FaceSampling(
                elements, at[:, 1:], places, fall / steep[..., None], d * size * steep * shares, inverse
            )
        )
    return found


class SimplexGalerkin(WeakSystem):
    """Residuals of a weak form on triangles or tetrahedra, and their derivatives.

    Derivatives on triangles are those along the surface.

    Parameters
    ----------
    mesh : SimplexMesh
    form : WeakForm
    degree : int
    """

    function = SimplexField

    def __init__(self, mesh: SimplexMesh, form: WeakForm, degree: int) -> None:
        numberings = tuple(SimplexNumbering(mesh, degree - low) for low in form.lower)
        self._places = degree + _MORE + (0 if mesh.bend is None else _BENT)
        super().__init__(mesh, form, degree, numberings, simplex_sampling(mesh, self._places))

    def on_curve(self, number: int) -> list[FaceSampling]:
        """Places on the faces of elements that lie on a part of the boundary."""
        return face_samplings(self.mesh, number, self._places)

    @property
    def chunk(self) -> int:
        """Elements that are put together at once."""
        each = self.sampling.mass.shape[1] * sum(n.table.shape[1] for n in self.numberings)
        return min(max(_MEMORY // each, 8), 4096)

    def within(self, degree: int) -> Bools:
        """Which places of a degree lie inside of an element."""
        return np.array([min(steps) > 0 for steps in indices(degree, self.mesh.dimension)])

    @cached_property
    def coarse(self) -> sparse.csr_matrix:
        """The functions that are linear on every element, by their coefficients: (count, corners of each unknown)."""
        parts: list[sparse.csr_matrix] = []
        d = self.mesh.dimension
        for each in self.numberings:
            _, first = np.unique(each.table, return_index=True)
            element, local = np.unravel_index(first, each.table.shape)
            places = simplex_places(each.degree, d)
            weights = np.concatenate([1 - places.sum(1, keepdims=True), places], axis=1)[local]
            rows = np.repeat(np.arange(each.count), d + 1)
            columns = self.mesh.nodes[element].ravel()
            shape = (each.count, len(self.mesh.points))
            parts.append(sparse.csr_matrix((weights.ravel(), (rows, columns)), shape=shape))
        return sparse.csr_matrix(sparse.block_diag(parts))

    def nodes(self, unknown: int) -> tuple[Ints, Floats]:
        """Numbers of an unknown's coefficients, element by element, and the places at which they are its values."""
        each = self.numberings[unknown]
        places, _ = placed(self.mesh, slice(None), simplex_places(each.degree, self.mesh.dimension))
        return each.table.ravel() + self.offsets[unknown], places.reshape(-1, 3)

    def sides(self, unknown: int, number: int) -> Iterator[tuple[Ints, Floats]]:
        """Numbers of an unknown's coefficients on a part of the boundary, (q, n), and their places, (q, n, 3)."""
        numbering, d = self.numberings[unknown], self.mesh.dimension
        for corner in range(d + 1):
            on = np.flatnonzero(self.mesh.curve[:, corner] == number)
            local = numbering.face(corner)
            places, _ = placed(self.mesh, on, simplex_places(numbering.degree, d)[local])
            yield numbering.table[on][:, local] + self.offsets[unknown], places

    def jets(self, field: SimplexField, which: slice = slice(None)) -> tuple[Floats, ...]:
        """Value and derivatives in the coordinates at the places of some elements."""
        return field.jets(self.sampling.at, self.sampling.inverse, which)

    def tested(self, degree: int, along: Sequence[Floats], value: Floats | None) -> Floats:
        """Sums over places of what goes with derivatives of test functions, and with them: (L, n)."""
        own, *slopes = simplex_lagrange(degree, self.sampling.at)
        total = np.zeros((self.mesh.count, own.shape[1])) if value is None else value @ own
        for flux, slope in zip(along, slopes, strict=False):
            total = total + flux @ slope
        return total

    def integrated(self, block: Block, degrees: tuple[int, int]) -> Floats:
        """Sums over places of products of test functions and unknowns: (l, n, n')."""
        s = self.sampling
        tests, trials = (simplex_lagrange(degree, s.at) for degree in degrees)
        count, n, m = len(next(iter(block.values()))), tests.shape[2], trials.shape[2]
        even: dict[tuple[int, int], Floats] = {}
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
