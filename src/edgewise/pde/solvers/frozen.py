"""Slabs of time with coefficients that stand still: an inverse that is cheap, for iterations that make it exact.

With the coefficients of the linearised equations averaged over the slab, their matrix is A1 x T1 + A0 x T0 of matrices in
space and in time, for terms with and without a derivative in time. Eigenvectors of T1^-1 T0 take the polynomials in time
apart (J. C. Butcher 1976, doi:10.1007/BF01932265): what remains are problems in space, as many as the degree in time, and
half of them are conjugates of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import get_lapack_funcs, lu_factor, lu_solve

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.quadrature import over_grid
from edgewise.pde.discretisation.assembly import RATE, Layout, WeightingSpace, integrate
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.problem.jets import Compiled


def slab_axis(layout: Layout, inside: Compiled, tests: Sequence[WeightingSpace]) -> int | None:
    """The coordinate of time of a slab that can be taken apart: first order there, with the same polynomials for all."""
    axis = int(np.argmax(tests[0].orders))
    alike = all(test.orders[axis] == 1 and sum(test.orders) == 1 for test in tests)
    if not alike or max(orders[axis] for _, orders in inside.jets) != 1:
        return None
    free = [own[axis].reduction.free.toarray() for own in layout.axes]
    same = all(array.shape == free[0].shape and np.array_equal(array, free[0]) for array in free)
    return axis if same and free[0].shape[0] == layout.spaces[axis].size else None


class TimeModes:
    """The matrices of a slab in time, taken apart: (speed^-1 value) has these values and vectors."""

    def __init__(self, operators: Operators, axis: int) -> None:
        test, order = operators.tests[0].orders[axis], 1
        weights = operators.patch.rules[axis].weights.ravel()[:, None]
        rows = np.asarray(_dense(operators.matrix(0, axis, test)) * weights).T
        value, speed = (rows @ _dense(operators.matrix(0, axis, n)) for n in (0, order))
        self.values, vectors = np.linalg.eig(np.linalg.solve(speed, value))
        self.left = np.linalg.inv(speed).T @ np.linalg.inv(vectors).T
        self.right = vectors.T

    def factors(self, make: Callable[[Any], Any]) -> dict[int, Any]:
        """A factor for each value; those of conjugates are conjugates."""
        return {j: make(complex(value)) for j, value in enumerate(self.values) if value.imag >= 0}

    def solve(self, joined: Floats, factors: dict[int, Any]) -> Floats:
        """Coefficients (of space, of time) for which the equations give what is asked."""
        mixed = joined @ self.left
        found: Any = np.zeros(mixed.shape, dtype=complex)
        for j, factor in factors.items():
            found[:, j] = factor.solve(mixed[:, j])
            twin = int(np.argmin(np.abs(self.values - self.values[j].conjugate())))
            if twin != j:
                found[:, twin] = found[:, j].conjugate()
        return (found @ self.right).real


def by_time(layout: Layout, axis: int, flat: Floats) -> Floats:
    """All free coefficients as a table (of space, of time)."""
    tables: list[Floats] = [np.moveaxis(part, axis, -1) for part in layout.split(flat)]
    return np.concatenate([table.reshape(-1, table.shape[-1]) for table in tables])


def from_time(layout: Layout, axis: int, table: Floats) -> Floats:
    """A table (of space, of time) as all free coefficients."""
    parts: list[Floats] = []
    first = 0
    for shape in layout.shapes:
        moved = (*shape[:axis], *shape[axis + 1 :], shape[axis])
        count = int(np.prod(moved[:-1]))
        parts.append(np.moveaxis(table[first : first + count].reshape(moved), -1, axis).ravel())
        first += count
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Band:
    """A matrix by its diagonals, as many below as above the main one."""

    rows: NDArray[Any]
    width: int

    @property
    def matrix(self) -> Any:
        """The same as a sparse matrix."""
        n = self.rows.shape[1]
        return sparse.dia_matrix(
            (self.rows, np.arange(self.width, -self.width - 1, -1)), shape=(n, n)
        ).tocsr()


def space_bands(operators: Operators, axis: int, slopes: Sequence[Floats]) -> tuple[Layout, Band, Band]:
    """The equations of a slab in space, their coefficients averaged over its time: without and with a derivative in time."""
    patch = operators.patch
    space = Layout(tuple(tuple(a for n, a in enumerate(own) if n != axis) for own in operators.layout.axes))
    along = [n for n in range(len(patch.rules)) if n != axis]
    rules = [patch.rules[n] for n in along]
    numbers = space.live(rules)
    width = int((numbers.max(1) - numbers.min(1)).max())
    time = patch.rules[axis].weights.ravel()
    mass = over_grid(rule.weights.ravel() for rule in rules)
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
        mean: Any = np.tensordot(np.broadcast_to(slope, patch.mass.shape), time / time.sum(), axes=(axis, 0))
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
    still, moving = (Band(band.reshape(2 * width + 1, n), width) for band in bands)
    return space, still, moving


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
        self.layout, self.axis = operators.layout, axis
        self.space, still, moving = space_bands(operators, axis, slopes)
        self.time = TimeModes(operators, axis)
        self.factors = self.time.factors(lambda value: _factor(moving, still, value))

    def solve(self, right: Floats) -> Floats:
        """The step for which the averaged equations give what is asked."""
        joined = by_time(self.layout, self.axis, right)[np.argsort(self.space.rank)]
        return from_time(self.layout, self.axis, self.time.solve(joined, self.factors)[self.space.rank])


def _factor(moving: Band, still: Band, value: complex) -> Any:
    """The factors of moving + value * still: of the band, or of the whole matrix where the band fills most of it."""
    n, width = moving.rows.shape[1], moving.width
    joined = Band(moving.rows + (value.real if value.imag == 0 else value) * still.rows, width)
    return DenseFactor(joined.matrix.toarray()) if 3 * width > n else BandFactor(joined)


def _check(diagonal: Any) -> None:
    if not np.abs(diagonal).min() > 0:
        raise np.linalg.LinAlgError("The averaged equations of a slab have no inverse.")


class DenseFactor:
    """The factors of a whole matrix."""

    def __init__(self, matrix: Any) -> None:
        charge(len(matrix) ** 3 / RATE)
        self.factors: Any = lu_factor(matrix, overwrite_a=True, check_finite=False)
        _check(np.diag(self.factors[0]))

    def solve(self, right: Any) -> Any:
        return lu_solve(self.factors, right, check_finite=False)


class BandFactor:
    """The factors of a band."""

    def __init__(self, band: Band) -> None:
        self.width, n = band.width, band.rows.shape[1]
        charge(4 * n * self.width**2 / RATE)
        self.real = not np.iscomplexobj(band.rows)
        wide = np.zeros((3 * self.width + 1, n), dtype=band.rows.dtype)
        wide[self.width :] = band.rows
        self.lapack: Any = get_lapack_funcs(("gbtrf", "gbtrs"), (wide,))
        lu, pivots, info = self.lapack[0](wide, self.width, self.width, overwrite_ab=True)
        self.factors = lu, pivots
        _check(np.array([float(info == 0)]))

    def solve(self, right: Any) -> Any:
        both = np.stack([right.real, right.imag], axis=1) if self.real else right[:, None]
        found = self.lapack[1](self.factors[0], self.width, self.width, both, self.factors[1])[0]
        return found[:, 0] + 1j * found[:, 1] if self.real else found[:, 0]


def _dense(matrix: Any) -> Floats:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())


def _pair(axes: tuple[Any, Any], rule: Any, test: int, trial: int) -> Floats:
    """Products of a test function and a trial function along a coordinate: (cells, places, live, live)."""
    left, right = axes[0].values(rule, test), axes[1].values(rule, trial)
    return left[:, :, :, None] * right[:, :, None, :]
