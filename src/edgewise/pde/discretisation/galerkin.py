"""Galerkin's method on plane shapes: matrices of elements are put together coordinate after coordinate (sum
factorisation)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.elements import MeshField, Numbering, lagrange, lobatto, sampling
from edgewise.pde.discretisation.mesh import Mesh
from edgewise.pde.discretisation.rims import RimSampling, rim_sampling
from edgewise.pde.discretisation.weak_system import Block, WeakSystem
from edgewise.pde.problem.weak import WeakForm

# Gauss places in each direction beyond the degree.
_MORE = 3


class Galerkin(WeakSystem):
    """Residuals of a weak form on a mesh of quadrilaterals, and their derivatives.

    Parameters
    ----------
    mesh : Mesh
    form : WeakForm
    degree : int
    """

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

    def fields(self, values: Floats) -> tuple[MeshField, ...]:
        """The unknowns as functions."""
        return tuple(
            MeshField(each, values[a:b])
            for each, a, b in zip(self.numberings, self.offsets[:-1], self.offsets[1:], strict=True)
        )

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
