"""Galerkin's method on plane shapes: matrices of elements are put together coordinate after coordinate (sum
factorisation)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.elements import MeshField, Numbering, inverses, lagrange, lobatto, sampling
from edgewise.pde.discretisation.mesh import Mesh
from edgewise.pde.discretisation.weak_system import Block, WeakSystem
from edgewise.pde.problem.weak import WeakForm

# Gauss places in each direction beyond the degree.
_MORE = 3


@dataclass(frozen=True, eq=False)
class RimSampling:
    """Places on those sides of elements that lie on one curve.

    Attributes
    ----------
    elements : ndarray, shape (q,)
    side : int
        0 for the side from the first corner to the second, 1 for that to the fourth.
    places, normal : ndarray, shape (q, m, 2)
    mass : ndarray, shape (q, m)
        Length of each place.
    inverse : ndarray, shape (q, m, 2, 2)
        As in `Sampling`.
    """

    elements: Ints
    side: int
    line: Floats
    places: Floats
    normal: Floats
    mass: Floats
    inverse: Floats

    @property
    def arguments(self) -> list[Floats]:
        """x, y and both parts of the normal, as equations on the boundary take them."""
        return [self.places[..., 0], self.places[..., 1], self.normal[..., 0], self.normal[..., 1]]

    def basis(self, degree: int, kind: int) -> Floats:
        """Values (0) or the derivative in x (1) or y (2) of an element's functions there: (q, m, n)."""
        value, slope = lagrange(degree, self.line)
        edge, across = (each[0] for each in lagrange(degree, np.zeros(1)))

        def table(one: Floats, other: Floats) -> Floats:
            """Products of functions along this side and across it."""
            rule = "mi,j->mij" if self.side == 0 else "mj,i->mij"
            return np.einsum(rule, one, other).reshape(len(self.line), -1)

        if kind == 0:
            plain = table(value, edge)
            return np.broadcast_to(plain, (len(self.elements), *plain.shape))
        along, outward = self.inverse[..., self.side, kind - 1], self.inverse[..., 1 - self.side, kind - 1]
        return along[..., None] * table(slope, edge) + outward[..., None] * table(value, across)


def rim_sampling(mesh: Mesh, curve: int, side: int, count: int) -> RimSampling | None:
    """Gauss places on the sides of one kind that lie on a curve; None where there are none."""
    elements = np.flatnonzero(mesh.curve[:, side] == curve)
    if not len(elements):
        return None
    line, weights = np.polynomial.legendre.leggauss(count)
    line, weights = (line + 1) / 2, weights / 2
    at = np.stack([line, 0 * line] if side == 0 else [0 * line, line], axis=-1)
    places, slopes = mesh.places(elements, np.broadcast_to(at, (len(elements), count, 2)))
    along = slopes[..., side]
    length = np.linalg.norm(along, axis=-1)
    sign = 1.0 if side == 0 else -1.0
    normal = sign * np.stack([along[..., 1], -along[..., 0]], axis=-1) / length[..., None]
    return RimSampling(elements, side, line, places, normal, length * weights, inverses(slopes))


class Galerkin(WeakSystem):
    """Residuals of a weak form on a mesh of quadrilaterals, and their derivatives.

    Parameters
    ----------
    mesh : Mesh
    form : WeakForm
    degree : int
    """

    function = MeshField

    def __init__(self, mesh: Mesh, form: WeakForm, degree: int) -> None:
        numberings = tuple(Numbering(mesh, degree - low) for low in form.lower)
        super().__init__(mesh, form, degree, numberings, sampling(mesh, degree + _MORE))

    @property
    def chunk(self) -> int:
        """Elements that are put together at once."""
        return 32

    def on_curve(self, number: int) -> list[RimSampling]:
        """Places on the sides of elements that lie on a curve of the region."""
        both = (rim_sampling(self.mesh, number, side, self.degree + _MORE) for side in (0, 1))
        return [each for each in both if each is not None]

    def within(self, degree: int) -> Bools:
        """Which places of a degree lie inside of an element."""
        own = np.zeros((degree + 1, degree + 1), dtype=bool)
        own[1:-1, 1:-1] = True
        return own.ravel()

    def nodes(self, unknown: int) -> tuple[Ints, Floats]:
        """Numbers of an unknown's coefficients, element by element, and the places at which they are its values."""
        numbering = self.numberings[unknown]
        line = lobatto(numbering.degree)
        at = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(1, -1, 2)
        count = self.mesh.count
        places = self.mesh.places(np.arange(count), np.broadcast_to(at, (count, *at.shape[1:])))[0]
        return numbering.table.ravel() + self.offsets[unknown], places.reshape(-1, 2)

    def sides(self, unknown: int, number: int) -> Iterator[tuple[Ints, Floats]]:
        """Numbers of an unknown's coefficients on a curve, (q, n), and their places, (q, n, 2)."""
        numbering = self.numberings[unknown]
        line = lobatto(numbering.degree)
        for side in (0, 1):
            on = np.flatnonzero(self.mesh.curve[:, side] == number)
            at = np.stack([line, 0 * line] if side == 0 else [0 * line, line], axis=-1)
            if len(on):
                places = self.mesh.places(on, np.broadcast_to(at, (len(on), len(line), 2)))[0]
                yield numbering.side(side)[on] + self.offsets[unknown], places

    def jets(self, field: MeshField, which: slice = slice(None)) -> tuple[Floats, ...]:
        """Value and derivatives in x and y at the places of some elements."""
        return field.jets(self.sampling, which)

    def tested(self, degree: int, along: Sequence[Floats], value: Floats | None) -> Floats:
        """Sums over places of what goes with derivatives of test functions, and with them: (L, n)."""
        own, slope = lagrange(degree, self.sampling.line)
        total: Any = 0.0 if value is None else own.T @ value @ own
        if along:
            total = total + slope.T @ along[0] @ own + own.T @ along[1] @ slope
        return total.reshape(len(total), -1)

    def integrated(self, block: Block, degrees: tuple[int, int]) -> Floats:
        """Sums over places of products of test functions and unknowns: (l, n, n')."""
        line = self.sampling.line
        tests, trials = lagrange(degrees[0], line), lagrange(degrees[1], line)
        m, p, q = len(line), degrees[0] + 1, degrees[1] + 1

        def pairs(a: int, b: int) -> Floats:
            return (tests[a][:, :, None] * trials[b][:, None, :]).reshape(m, p * q)

        total: Any = 0.0
        # Those that need the same products along the first direction are summed before it is integrated.
        for a1, b1 in ((0, 0), (0, 1), (1, 0), (1, 1)):
            summed: Any = None
            for (a, b), weight in block.items():
                if (int(a == 1), int(b == 1)) == (a1, b1):
                    charge(weight.size * p * q / RATE)
                    found = weight @ pairs(int(a == 2), int(b == 2))
                    summed = found if summed is None else summed + found
            if summed is not None:
                charge(summed.size * p * q / RATE)
                total = total + pairs(a1, b1).T @ summed
        count = len(next(iter(block.values())))
        whole = total.reshape(count, p, q, p, q)
        return whole.transpose(0, 1, 3, 2, 4).reshape(count, p * p, q * q)
