"""The equations of a slab of time on velocities without divergence: their basis, in orthonormal splines, and an inverse.

    D B = 0,   B^T R(u + B y) = 0

for the matrix D of the divergence and residuals R of the equations against splines; what a gradient adds to R drops out
(the null space method; M. Benzi, G. H. Golub and J. Liesen 2005, doi:10.1017/S0962492904000212, section 6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.linalg import qr, solve_triangular

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.elements import inverses
from edgewise.pde.discretisation.field import Field, contract
from edgewise.pde.discretisation.operators import Operators, values_matrix
from edgewise.pde.discretisation.quadrature import gauss
from edgewise.pde.discretisation.space import Space
from edgewise.pde.solvers.frozen import DenseFactor, TimeModes, by_time, from_time, space_bands

# Directions in which the divergence is smaller than this share of the largest are free of it.
_ZERO = 1e-10


class NullSpace:
    """An orthogonal basis of what a matrix takes to zero, and shortest vectors that it takes elsewhere."""

    def __init__(self, matrix: Floats) -> None:
        charge(4 * matrix.size * max(matrix.shape) / RATE)
        found: Any = qr(matrix.T, pivoting=True)
        turned, upper, pivots = found
        sizes = np.abs(np.diag(upper))
        rank = int((sizes > _ZERO * sizes.max(initial=0.0)).sum())
        self.basis: Floats = turned[:, rank:]
        self._range, self._triangle, self._pivots = turned[:, :rank], upper[:rank, :rank], pivots[:rank]

    def particular(self, right: Floats) -> Floats:
        """A vector for each column of the right side, as far as there is one."""
        return self._range @ solve_triangular(self._triangle, right[self._pivots], trans=1)


def triangle(space: Space, free: Any = None) -> Floats:
    """Takes coefficients of the (free) splines of a space to those of as many orthonormal ones."""
    rule = gauss(space, space.degree + 1)
    table = values_matrix(space, rule, 0) if free is None else values_matrix(space, rule, 0) @ free
    return np.asarray(np.linalg.qr(np.sqrt(rule.weights.ravel())[:, None] * table.toarray(), mode="r"))


class Kernel(Operators):
    """The equations of a slab as `Operators` has them, its coefficients those of velocities without divergence.

    Splines of high degrees are far from orthogonal, in three coordinates by the third power: everything is written in
    orthonormal ones.
    """

    def __init__(
        self,
        operators: Operators,
        lifts: Sequence[Floats],
        axis: int,
        turns: Sequence[dict[int, Floats]],
        basis: Floats,
        base: Floats,
    ) -> None:
        self.axis, self.turns, self.basis, self.base = axis, turns, basis, base
        self.back: list[dict[int, Floats]] = [{a: inverses(each) for a, each in own.items()} for own in turns]
        super().__init__(operators.layout, operators.patch, operators.tests, lifts)

    def matrix(self, field: int, axis: int, order: int) -> Any:
        key = (field, axis, order)
        if axis != self.axis and key not in self._matrices:
            self._matrices[key] = np.asarray(super().matrix(*key) @ self.back[field][axis])
        return super().matrix(*key)

    def _turned(self, full: Floats, by: Sequence[dict[int, Floats]]) -> Floats:
        parts: list[Floats] = []
        for own, table in zip(by, self.layout.split(full), strict=True):
            moves = [own.get(a, np.eye(n)) for a, n in enumerate(table.shape)]
            parts.append(contract(table, moves).ravel())
        return np.concatenate(parts)

    def _spread(self, free: Floats, lifted: bool = True) -> Floats:
        table = self.basis @ free.reshape(self.basis.shape[1], -1)
        return from_time(self.layout, self.axis, table + self.base if lifted else table)

    def reduced(self, full: Floats) -> Floats:
        """The coefficients nearest to those of velocities with divergence."""
        table = by_time(self.layout, self.axis, self._turned(full, self.turns))
        return (self.basis.T @ (table - self.base)).ravel()

    def fields(self, free: Floats, lifts: Sequence[Floats]) -> tuple[Field, ...]:
        return self.layout.fields(self._turned(self._spread(free), self.back), lifts)

    def jets(self, free: Floats, lifted: bool = True) -> list[Floats]:
        return super().jets(self._spread(free, lifted), lifted)

    def against(self, equations: Sequence[Floats]) -> Floats:
        return (self.basis.T @ by_time(self.layout, self.axis, super().against(equations))).ravel()

    def inverse(self, slopes: Sequence[Floats]) -> Callable[[Floats], Floats]:
        """The inverse of the linearised equations, their coefficients averaged over the slab."""
        here, there = self._averaged(slopes) if len(self.places) > 3 else self._frozen(slopes)
        time = TimeModes(self, self.axis)
        factors = time.factors(lambda value: DenseFactor(there + value * here))
        return lambda right: time.solve(right.reshape(self.basis.shape[1], -1), factors).ravel()

    def _frozen(self, slopes: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Matrices without and with a derivative in time, coefficients averaged over time."""
        space, still, moving = space_bands(self, self.axis, slopes)
        back: list[Floats] = []
        for own in self.back:
            block: Floats = np.ones((1, 1))
            for each in own.values():
                block = np.asarray(np.kron(block, each), dtype=float)
            back.append(block)
        sizes = np.cumsum([0, *(len(each) for each in back)])
        basis = np.concatenate(
            [m @ self.basis[a:b] for m, a, b in zip(back, sizes[:-1], sizes[1:], strict=True)]
        )
        basis = basis[np.argsort(space.rank)]
        charge(4 * basis.shape[0] * basis.shape[1] ** 2 / RATE)
        return basis.T @ (still.matrix @ basis), basis.T @ (moving.matrix @ basis)

    def _averaged(self, slopes: Sequence[Floats]) -> tuple[Floats, Floats]:
        """The same with coefficients averaged over space too: sums of products of matrices of one coordinate."""
        along = [a for a in range(len(self.places)) if a != self.axis]
        shapes = [[own[a].size for a in along] for own in self.layout.axes]
        starts = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
        found = np.zeros((2, *self.basis.shape))
        mass = self.patch.mass
        for (e, j), slope in zip(self.patch.compiled.entries, slopes, strict=True):
            f, orders = self.patch.compiled.jets[j]
            test = self.tests[e].field
            table = self.basis[starts[f] : starts[f + 1]].reshape(*shapes[f], -1)
            for n, a in enumerate(along):
                weights = self.patch.rules[a].weights.ravel()[:, None]
                pair = self.matrix(test, a, 0).T @ (weights * self.matrix(f, a, orders[a]))
                table = np.moveaxis(np.tensordot(pair, table, axes=(1, n)), 0, n)
            mean = float((mass * slope).sum() / mass.sum())
            found[orders[self.axis], starts[test] : starts[test + 1]] += mean * table.reshape(
                -1, self.basis.shape[1]
            )
        charge(4 * self.basis.shape[0] * self.basis.shape[1] ** 2 / RATE)
        return self.basis.T @ found[0], self.basis.T @ found[1]
