"""Equations that are a sum of one operator a coordinate: their inverse, by eigenvectors of each coordinate's own.

    A1 x M2 x M3 + M1 x A2 x M3 + M1 x M2 x A3,   Aa Va = Ma Va La   ->   inverse = V (L1 + L2 + L3)^-1 W

(R. E. Lynch, J. R. Rice and D. H. Thomas 1964, doi:10.1007/BF01386067). It costs a few products of a matrix of one
coordinate with the table of coefficients. Where coefficients vary otherwise, or derivatives are mixed, it is close to the
inverse, and iterations make it exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import eigh

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.field import contract
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.operators import Operators


class SeparableInverse:
    """The inverse of the part of linearised equations that is a sum of one operator a coordinate, each unknown by itself.

    Parameters
    ----------
    operators : Operators
    slopes : sequence of ndarray
        Coefficients of the linearised equations, one grid for each of the entries.
    loose : sequence of int
        Unknowns to which a constant may be added; steps leave it as it is.

    Attributes
    ----------
    exact : bool
        Whether nothing of the equations is left out.

    Raises
    ------
    LinAlgError
        Where that part has no inverse.
    """

    def __init__(self, operators: Operators, slopes: Sequence[Floats], loose: Sequence[int] = ()) -> None:
        self.layout, self.exact = operators.layout, True
        d = len(operators.patch.rules)
        self.blocks: list[tuple[int, int, list[Any], list[Any], Any]] = []
        for e, test in enumerate(operators.tests):
            masses = [self._product(operators, test.field, a, test.orders[a], 0) for a in range(d)]
            own = [np.zeros_like(mass) for mass in masses]
            for (equation, j), slope in zip(operators.patch.compiled.entries, slopes, strict=True):
                f, orders = operators.patch.compiled.jets[j]
                if equation != e:
                    continue
                if f != test.field or sum(order > 0 for order in orders) > 1:
                    self.exact = False
                    continue
                axis = int(np.argmax(orders))
                along = self._mean(operators, slope, axis)
                own[axis] += self._product(operators, f, axis, test.orders[axis], orders[axis], along)
            left: list[Any] = []
            right: list[Any] = []
            total: Any = np.zeros(())
            for mass, matrix in zip(masses, own, strict=True):
                values, vectors, back = _eigen(matrix, mass)
                left.append(back)
                right.append(vectors)
                total = np.add.outer(total, values)
            if test.field in loose:
                total.flat[int(np.abs(total).argmin())] = np.inf
            if not np.abs(total).min() > 1e-13 * np.abs(total[np.isfinite(total)]).max():
                raise np.linalg.LinAlgError("The separable part of the equations has no inverse.")
            self.blocks.append((e, test.field, left, right, total))

    def _mean(self, operators: Operators, slope: Floats, axis: int) -> Floats:
        """A coefficient along a coordinate: its mean over the others, and whether it was its mean everywhere."""
        shape = operators.patch.mass.shape
        if slope.strides == (0,) * slope.ndim:
            return np.full(shape[axis], float(slope.flat[0]))
        others = tuple(a for a in range(len(shape)) if a != axis)
        along = np.mean(slope, axis=others)
        wide = along.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        self.exact &= bool(np.abs(slope - wide).max() <= 1e-13 * max(np.abs(along).max(), 1e-300))
        return along

    @staticmethod
    def _product(
        operators: Operators, field: int, axis: int, test: int, trial: int, weights: Floats | None = None
    ) -> Floats:
        """Integrals of test times trial functions along a coordinate."""
        rule = operators.patch.rules[axis].weights.ravel()
        weighted = rule if weights is None else rule * weights
        left, right = operators.matrix(field, axis, test), operators.matrix(field, axis, trial)
        dense = [item if isinstance(item, np.ndarray) else item.toarray() for item in (left, right)]
        return np.asarray(dense[0].T @ (weighted[:, None] * dense[1]))

    def solve(self, right: Floats) -> Floats:
        """The step for which that part of the equations gives what is asked."""
        tables = self.layout.split(right)
        found: list[Floats] = [np.zeros(0)] * len(tables)
        for _, field, left, vectors, total in self.blocks:
            charge(2 * sum(len(m) for m in left) * total.size / RATE)
            inner = contract(tables[field], left) / total
            found[field] = np.real(contract(inner, vectors)).ravel()
        return np.concatenate(found)


def _eigen(matrix: Floats, mass: Floats) -> tuple[Any, Any, Any]:
    """Values and vectors of matrix v = value mass v, and what takes right sides to their parts along the vectors."""
    size = np.abs(matrix).max(initial=1e-300)
    if (
        np.abs(mass - mass.T).max() <= 1e-14 * np.abs(mass).max()
        and np.abs(matrix - matrix.T).max() <= 1e-13 * size
    ):
        values, vectors = eigh((matrix + matrix.T) / 2, (mass + mass.T) / 2)
        return values, vectors, vectors.T
    values, vectors = np.linalg.eig(np.linalg.solve(mass, matrix))
    return values, vectors, np.linalg.inv(mass @ vectors)
