"""The unknowns at the places of a grid, and integrals against test functions, without a matrix of all coefficients.

A table of coefficients becomes a table of values by one thin matrix a coordinate, applied after each other (sum
factorisation; S. A. Orszag 1980, doi:10.1016/0021-9991(80)90005-4): in d coordinates that costs (k + 1) operations a
number and coordinate, where a matrix of all coefficients has (k + 1)^d entries a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.field import Field, contract
from edgewise.fields.quadrature import AxisRule
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import RATE, Layout, Patch, WeightingSpace

# Matrices of which more is filled are faster as a whole.
_DENSE = 0.2


def values_matrix(space: Space, rule: AxisRule, order: int) -> Any:
    """A derivative of every spline of a space at the places of a rule, as a sparse matrix (places, size)."""
    local = space.local(rule.local, order)[rule.cells]
    cells, places, live = local.shape
    rows = np.repeat(np.arange(cells * places), live)
    columns = np.repeat(space.index()[rule.cells][:, None, :], places, axis=1)
    return sparse.csr_matrix((local.ravel(), (rows, columns.ravel())), shape=(cells * places, space.size))


class Operators:
    """Jets, residuals and their derivatives in the free coefficients, for one patch of equations on a layout.

    Parameters
    ----------
    layout : Layout
    patch : Patch
    tests : sequence of WeightingSpace, one an equation
    lifts : sequence of ndarray, one an unknown
        Coefficients that meet the conditions.
    """

    def __init__(
        self, layout: Layout, patch: Patch, tests: Sequence[WeightingSpace], lifts: Sequence[Floats]
    ) -> None:
        self.layout, self.patch, self.tests = layout, patch, tuple(tests)
        self.places = patch.places(layout.spaces)
        self._matrices: dict[tuple[int, int, int], Any] = {}
        self._lifted = [
            contract(
                lifts[f],
                [
                    values_matrix(axis.space, rule, order)
                    for axis, rule, order in zip(layout.axes[f], patch.rules, orders, strict=True)
                ],
            )
            for f, orders in patch.compiled.jets
        ]

    def matrix(self, field: int, axis: int, order: int) -> Any:
        """A derivative of the free splines of an unknown along a coordinate, at the places: (places, size)."""
        key = (field, axis, order)
        if key not in self._matrices:
            own = self.layout.axes[field][axis]
            made = (values_matrix(own.space, self.patch.rules[axis], order) @ own.reduction.free).tocsr()
            full = made.nnz > _DENSE * made.shape[0] * made.shape[1]
            self._matrices[key] = made.toarray() if full else made
        return self._matrices[key]

    @cached_property
    def _transposed(self) -> dict[tuple[int, int, int], Any]:
        wanted = {(test.field, axis, order) for test in self.tests for axis, order in enumerate(test.orders)}
        return {key: self.matrix(*key).T for key in wanted}

    def fields(self, free: Floats, lifts: Sequence[Floats]) -> tuple[Field, ...]:
        """The unknowns."""
        return self.layout.fields(free, lifts)

    def jets(self, free: Floats, lifted: bool = True) -> list[Floats]:
        """The jets at the places, with or without what the conditions give."""
        tables = self.layout.split(free)
        charge(4 * len(self.patch.compiled.jets) * self.patch.mass.size * self.layout.spaces[0].live / RATE)
        found: list[Floats] = []
        for n, (f, orders) in enumerate(self.patch.compiled.jets):
            own = contract(tables[f], [self.matrix(f, axis, order) for axis, order in enumerate(orders)])
            found.append(own + self._lifted[n] if lifted else own)
        return found

    def against(self, equations: Sequence[Floats]) -> Floats:
        """Integrals of one grid an equation against its test functions, in the order of free coefficients."""
        found = np.zeros(self.layout.count)
        for test, grid in zip(self.tests, equations, strict=True):
            weighted = np.broadcast_to(grid, self.patch.mass.shape) * self.patch.mass
            matrices = [self._transposed[(test.field, axis, order)] for axis, order in enumerate(test.orders)]
            part = slice(self.layout.offsets[test.field], self.layout.offsets[test.field + 1])
            found[part] += contract(weighted, matrices).ravel()
        return found

    def residual(self, jets: Sequence[Floats]) -> Floats:
        """Residuals against the test functions."""
        return self.against(self.patch.compiled.residuals(self.places, jets))

    def slopes(self, jets: Sequence[Floats]) -> list[Floats]:
        """Derivatives of the residuals in the jets, one grid for each of the entries."""
        return self.patch.compiled.derivatives(self.places, jets)

    def derivative(self, slopes: Sequence[Floats], step: Floats) -> Floats:
        """The derivative of `residual` along a step of the free coefficients."""
        jets = self.jets(step, lifted=False)
        grids: list[Floats] = [np.zeros(self.patch.mass.shape) for _ in range(self.patch.compiled.count)]
        for (e, j), slope in zip(self.patch.compiled.entries, slopes, strict=True):
            grids[e] += slope * jets[j]
        return self.against(grids)
