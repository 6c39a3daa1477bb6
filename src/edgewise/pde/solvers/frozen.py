"""Slabs of time with coefficients that stand still: an inverse that is cheap, for iterations that make it exact.

With the coefficients of the linearised equations averaged over the slab, their matrix is A1 x T1 + A0 x T0 of matrices in
space and in time, for terms with and without a derivative in time. Eigenvectors of T1^-1 T0 take the polynomials in time
apart (J. C. Butcher 1976, doi:10.1007/BF01932265): what remains are problems in space, as many as the degree in time, and
half of them are conjugates of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs, lu_factor, lu_solve

from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE, Layout, WeightingSpace, integrate
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.problem.jets import Compiled

Floats = NDArray[np.float64]


def slab_axis(layout: Layout, inside: Compiled, tests: Sequence[WeightingSpace]) -> int | None:
    """The coordinate of time of a slab that can be taken apart: first order there, with the same polynomials for all."""
    axis = int(np.argmax(tests[0].orders))
    alike = all(test.orders[axis] == 1 and sum(test.orders) == 1 for test in tests)
    if not alike or max(orders[axis] for _, orders in inside.jets) != 1:
        return None
    free = [own[axis].reduction.free.toarray() for own in layout.axes]
    same = all(each.shape == free[0].shape and np.array_equal(each, free[0]) for each in free)
    return axis if same and free[0].shape[0] == layout.spaces[axis].size else None


class FrozenSlab:
    """The inverse of the linearised equations of a slab, their coefficients averaged over its time.

    Parameters
    ----------
    operators : Operators
    axis : int
        Number of the coordinate of time.
    slopes : sequence of ndarray
        Coefficients of the linearised equations, one grid for each of the entries.

    Raises
    ------
    LinAlgError
        Where the averaged equations have no inverse.
    """

    def __init__(self, operators: Operators, axis: int, slopes: Sequence[Floats]) -> None:
        layout = operators.layout
        self.layout, self.axis = layout, axis
        self.space = Layout(tuple(tuple(a for n, a in enumerate(own) if n != axis) for own in layout.axes))
        still, moving, width = self._matrices(operators, slopes)
        test, order = operators.tests[0].orders[axis], 1
        weights = operators.patch.rules[axis].weights.ravel()[:, None]
        rows = np.asarray(_dense(operators.matrix(0, axis, test)) * weights).T
        value, speed = (rows @ _dense(operators.matrix(0, axis, n)) for n in (0, order))
        self.values, vectors = np.linalg.eig(np.linalg.solve(speed, value))
        self.left = np.linalg.inv(speed).T @ np.linalg.inv(vectors).T
        self.right = vectors.T
        self.factors = {
            j: _Factor(moving, still, complex(value), width)
            for j, value in enumerate(self.values)
            if value.imag >= 0
        }

    def _matrices(self, operators: Operators, slopes: Sequence[Floats]) -> tuple[Floats, Floats, int]:
        """Bands of the equations in space: without and with a derivative in time, and their width."""
        patch, space, axis = operators.patch, self.space, self.axis
        along = [n for n in range(len(patch.rules)) if n != axis]
        rules = [patch.rules[n] for n in along]
        numbers = space.live(rules)
        width = int((numbers.max(1) - numbers.min(1)).max())
        time = patch.rules[axis].weights.ravel()
        mass = rules[0].weights.ravel()
        for rule in rules[1:]:
            mass = np.multiply.outer(mass, rule.weights.ravel())
        n = space.count
        bands = [np.zeros((2 * width + 1) * n) for _ in range(2)]
        each = [int(np.prod([a.space.live for a in own])) for own in space.axes]
        starts = np.concatenate([[0], np.cumsum(each)])
        sizes = [(len(rule.cells), len(rule.local)) for rule in rules]
        d = len(rules)
        order = [*range(0, 2 * d, 2), *range(1, 2 * d, 2)]
        for (e, j), slope in zip(patch.compiled.entries, slopes, strict=True):
            f, orders = patch.compiled.jets[j]
            test = operators.tests[e]
            mean: Any = np.tensordot(
                np.broadcast_to(slope, patch.mass.shape), time / time.sum(), axes=(axis, 0)
            )
            weights = (mean * mass).reshape([m for pair in sizes for m in pair]).transpose(order)
            pairs = [
                _pair(layout_axes, rule, test.orders[a], orders[a])
                for layout_axes, rule, a in zip(
                    [(space.axes[test.field][n], space.axes[f][n]) for n in range(d)],
                    rules,
                    along,
                    strict=True,
                )
            ]
            block = integrate(weights, pairs, d).reshape(len(numbers), each[test.field], each[f])
            row = numbers[:, starts[test.field] : starts[test.field + 1], None]
            column = numbers[:, None, starts[f] : starts[f + 1]]
            at = (width + row - column) * n + column
            bands[orders[axis]] += np.bincount(at.ravel(), block.ravel(), minlength=len(bands[0]))
        still, moving = (band.reshape(2 * width + 1, n) for band in bands)
        return still, moving, width

    def solve(self, right: Floats) -> Floats:
        """The step for which the averaged equations give what is asked."""
        tables: list[Floats] = [np.moveaxis(part, self.axis, -1) for part in self.layout.split(right)]
        joined = np.concatenate([table.reshape(-1, table.shape[-1]) for table in tables])
        mixed = (joined @ self.left)[np.argsort(self.space.rank)]
        found: Any = np.zeros(mixed.shape, dtype=complex)
        for j, factor in self.factors.items():
            found[:, j] = factor.solve(mixed[:, j])
            twin = int(np.argmin(np.abs(self.values - self.values[j].conjugate())))
            if twin != j:
                found[:, twin] = found[:, j].conjugate()
        step = (found[self.space.rank] @ self.right).real
        parts = []
        for a, b, table in zip(self.space.offsets[:-1], self.space.offsets[1:], tables, strict=True):
            parts.append(np.moveaxis(step[a:b].reshape(table.shape), -1, self.axis).ravel())
        return np.concatenate(parts)


class _Factor:
    """The factors of moving + value * still: of the band, or of the whole matrix where the band fills most of it."""

    def __init__(self, moving: Floats, still: Floats, value: complex, width: int) -> None:
        self.width, self.real = width, value.imag == 0
        n = moving.shape[1]
        band: Any = moving + (value.real if self.real else value) * still
        self.dense = 3 * width > n
        if self.dense:
            charge(n**3 / RATE)
            rows = np.arange(-width, width + 1)[:, None] + np.arange(n)
            inside = (rows >= 0) & (rows < n)
            matrix = np.zeros((n, n), dtype=band.dtype)
            matrix[rows[inside], np.broadcast_to(np.arange(n), rows.shape)[inside]] = band[inside]
            self.factors: Any = lu_factor(matrix, overwrite_a=True, check_finite=False)
            singular = not np.abs(np.diag(self.factors[0])).min() > 0
        else:
            charge(4 * n * width**2 / RATE)
            wide = np.zeros((3 * width + 1, n), dtype=band.dtype)
            wide[width:] = band
            self.lapack: Any = get_lapack_funcs(("gbtrf", "gbtrs"), (wide,))
            lu, pivots, info = self.lapack[0](wide, width, width, overwrite_ab=True)
            self.factors, singular = (lu, pivots), info != 0
        if singular:
            raise np.linalg.LinAlgError("The averaged equations of a slab have no inverse.")

    def solve(self, right: Any) -> Any:
        if not self.dense:
            lu, pivots = self.factors
            both = np.stack([right.real, right.imag], axis=1) if self.real else right[:, None]
            found = self.lapack[1](lu, self.width, self.width, both, pivots)[0]
            return found[:, 0] + 1j * found[:, 1] if self.real else found[:, 0]
        return lu_solve(self.factors, right, check_finite=False)


def _dense(matrix: Any) -> Floats:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())


def _pair(axes: tuple[Any, Any], rule: Any, test: int, trial: int) -> Floats:
    """Products of a test function and a trial function along a coordinate: (cells, places, live x live)."""
    left, right = axes[0].values(rule, test), axes[1].values(rule, trial)
    return (left[:, :, :, None] * right[:, :, None, :]).reshape(*left.shape[:2], -1)
