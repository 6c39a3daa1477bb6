"""Least squares on a grid: residuals at Gauss points, cell by cell, and their normal equations as a band.

On a cell only (k + 1)^d splines live, so that J'J is a sum of small dense products, one a cell, and has a narrow band when
the coefficients are numbered along the longest coordinate first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.fields.field import Field, contract
from edgewise.fields.quadrature import AxisRule, over_grid
from edgewise.fields.space import Reduction, Space
from edgewise.pde.problem.jets import Compiled

# Multiplications that cost a unit of work.
RATE = 4e9
# Numbers of a strip of cells that are held at once.
_STRIP = 4_000_000


@dataclass(frozen=True, eq=False)
class ReducedAxis:
    """The free coefficients of one coordinate: which live on each interval, and their values there."""

    space: Space
    reduction: Reduction

    @property
    def size(self) -> int:
        """Number of free coefficients."""
        return int(self.reduction.free.shape[1])

    @property
    def numbers(self) -> Ints:
        """Numbers of the free coefficients that live on each interval, (G, k + 1); spare places repeat the first."""
        return self.reduction.local(self.space)[0]

    def values(self, rule: AxisRule, order: int) -> Floats:
        """Values of the live free splines, (cells, places, k + 1)."""
        every = self.space.local(rule.local, order)[rule.cells]
        return every @ self.reduction.local(self.space)[1][rule.cells]

    @cached_property
    def place(self) -> Floats:
        """Where each free coefficient stands, so that neighbours have near numbers; round about where periodic."""
        own = self.reduction.own.astype(float)
        if not self.space.periodic:
            return own
        return np.where(own < self.space.size / 2, 2 * own, 2 * (self.space.size - 1 - own) + 1)


@dataclass(frozen=True, eq=False)
class Layout:
    """All free coefficients of all unknowns on one grid.

    Attributes
    ----------
    axes : tuple of (tuple of ReducedAxis), one tuple an unknown
    """

    axes: tuple[tuple[ReducedAxis, ...], ...]

    @property
    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the first unknown; those of others differ from them in degrees alone."""
        return tuple(axis.space for axis in self.axes[0])

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Free coefficients of each unknown."""
        return tuple(tuple(axis.size for axis in axes) for axes in self.axes)

    @cached_property
    def offsets(self) -> Ints:
        """Where each unknown begins among all, and the end."""
        return np.concatenate([[0], np.cumsum([int(np.prod(shape)) for shape in self.shapes])]).astype(
            np.int64
        )

    @property
    def count(self) -> int:
        """Number of free coefficients."""
        return int(self.offsets[-1])

    @cached_property
    def rank(self) -> Ints:
        """Place of every free coefficient in the band: along the longest coordinate first, unknowns side by side."""
        order = np.argsort([-space.size for space in self.spaces], kind="stable")
        keys: list[list[Floats]] = []
        for f, (axes, shape) in enumerate(zip(self.axes, self.shapes, strict=True)):
            grids = np.meshgrid(*(axis.place for axis in axes), indexing="ij")
            assert grids[0].shape == shape
            keys.append([*(grids[a].ravel() for a in order), np.full(int(np.prod(shape)), float(f))])
        joined = [np.concatenate([part[i] for part in keys]) for i in range(len(order) + 1)]
        rank = np.empty(self.count, dtype=np.int64)
        rank[np.lexsort(joined[::-1])] = np.arange(self.count)
        return rank

    def live(self, rules: Sequence[AxisRule]) -> Ints:
        """Ranks of the coefficients that live on each cell: (cells, unknowns x (k + 1)^d)."""
        parts = []
        for axes, shape, offset in zip(self.axes, self.shapes, self.offsets[:-1], strict=True):
            flat = np.zeros((1, 1), dtype=np.int64)
            for axis, rule, size in zip(axes, rules, shape, strict=True):
                numbers = axis.numbers[rule.cells]
                flat = (flat[:, None, :, None] * size + numbers[None, :, None, :]).reshape(
                    len(flat) * len(numbers), -1
                )
            parts.append(self.rank[flat + offset])
        return np.concatenate(parts, axis=1)

    def split(self, free: Floats) -> list[Floats]:
        """The coefficients of each unknown as tables."""
        return [
            free[a:b].reshape(shape)
            for a, b, shape in zip(self.offsets[:-1], self.offsets[1:], self.shapes, strict=True)
        ]

    def fields(self, free: Floats, lifts: Sequence[Floats]) -> tuple[Field, ...]:
        """The unknowns as splines: what the conditions give plus what is free."""
        return tuple(
            Field(
                tuple(axis.space for axis in axes),
                lift + contract(part, [axis.reduction.free for axis in axes]),
            )
            for part, lift, axes in zip(self.split(free), lifts, self.axes, strict=True)
        )


@dataclass(frozen=True, eq=False)
class Patch:
    """Equations at a grid of places: inside, or on a face."""

    compiled: Compiled
    rules: tuple[AxisRule, ...]
    weight: float = 1.0

    def places(self, spaces: Sequence[Space]) -> list[Floats]:
        """Coordinates of the places, shaped so that they go together into a grid."""
        ats = [rule.at(space) for rule, space in zip(self.rules, spaces, strict=True)]
        d = len(ats)
        return [at.reshape([-1 if a == b else 1 for b in range(d)]) for a, at in enumerate(ats)]

    @cached_property
    def mass(self) -> Floats:
        """Weight of each place, as a grid."""
        return over_grid(rule.weights.ravel() for rule in self.rules) * self.weight**2

    def jets(self, fields: Sequence[Field]) -> list[Floats]:
        """Values of the jets at the places."""
        spaces = fields[0].spaces
        flat = [rule.at(space) for rule, space in zip(self.rules, spaces, strict=True)]
        return [fields[f].grid(flat, orders) for f, orders in self.compiled.jets]

    def residuals(self, fields: Sequence[Field]) -> list[Floats]:
        """Residuals at the places, one grid an equation, unweighted."""
        return self.compiled.residuals(self.places(fields[0].spaces), self.jets(fields))

    def objective(self, fields: Sequence[Field]) -> float:
        """Weighted sum of squared residuals."""
        return float(sum((self.mass * r * r).sum() for r in self.residuals(fields)))


@dataclass(frozen=True)
class WeightingSpace:
    """What an equation is weighed with (the test space of a Petrov-Galerkin method): the free splines of an unknown, or
    their derivatives along each coordinate."""

    field: int
    orders: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Normal:
    """Normal equations: the lower band of J'J, J'r, and the sum of squares, in the order of `Layout.rank`."""

    band: Floats
    gradient: Floats
    objective: float


class Assembler:
    """Normal equations of patches on a layout; what does not change with the unknowns is computed once."""

    def __init__(self, layout: Layout, patches: Sequence[Patch]) -> None:
        self.layout, self.patches = layout, tuple(patches)
        self._numbers = [layout.live(patch.rules) for patch in self.patches]
        self._values: dict[tuple[int, int, int, int], Floats] = {}
        self._pairs: dict[tuple[int, int, int, int], Floats] = {}

    @cached_property
    def width(self) -> int:
        """Half the width of the band."""
        return int(max((numbers.max(1) - numbers.min(1)).max() for numbers in self._numbers))

    def _local(self, p: int, f: int, axis: int, order: int) -> Floats:
        key = (p, f, axis, order)
        if key not in self._values:
            rule = self.patches[p].rules[axis]
            self._values[key] = self.layout.axes[f][axis].values(rule, order)
        return self._values[key]

    def normal(self, fields: Sequence[Field]) -> Normal:
        """The normal equations where the unknowns stand."""
        n, width = self.layout.count, self.width
        band, gradient, objective = np.zeros((width + 1) * n), np.zeros(n), 0.0
        for p, patch in enumerate(self.patches):
            places, jets = patch.places(self.layout.spaces), patch.jets(fields)
            residuals = patch.compiled.residuals(places, jets)
            slopes = patch.compiled.derivatives(places, jets)
            root = np.sqrt(patch.mass)
            objective += float(sum((patch.mass * r * r).sum() for r in residuals))
            cells = [len(rule.cells) for rule in patch.rules]
            live = self._numbers[p].shape[1]
            counts_of = (
                int(np.prod(cells[1:]))
                * live
                * max(live, int(np.prod([len(rule.local) for rule in patch.rules])) * patch.compiled.count)
            )
            step = max(1, _STRIP // max(counts_of, 1))
            for first in range(0, cells[0], step):
                strip = slice(first, min(first + step, cells[0]))
                matrix, right = self._strip(p, strip, slopes, residuals, root)
                small = matrix.transpose(0, 2, 1) @ matrix
                charge(matrix.size * live / RATE)
                numbers = self._numbers[p].reshape(*cells, live)[strip].reshape(-1, live)
                row, column = numbers[:, :, None], numbers[:, None, :]
                keep = row >= column
                at = (row - column) * n + column
                band += np.bincount(at[keep], small[keep], minlength=len(band))
                gradient += np.bincount(
                    numbers.ravel(), (matrix.transpose(0, 2, 1) @ right[:, :, None]).ravel(), minlength=n
                )
        return Normal(band.reshape(width + 1, n), gradient, objective)

    def galerkin(self, fields: Sequence[Field], tests: Sequence[WeightingSpace]) -> Normal:
        """Residuals against test functions, and their derivatives as a band (below and above the diagonal)."""
        n, width = self.layout.count, self.width
        band, gradient, objective = np.zeros((2 * width + 1) * n), np.zeros(n), 0.0
        patch = self.patches[0]
        places, jets = patch.places(self.layout.spaces), patch.jets(fields)
        residuals = patch.compiled.residuals(places, jets)
        slopes = patch.compiled.derivatives(places, jets)
        objective = float(sum((patch.mass * r * r).sum() for r in residuals))
        cells = [len(rule.cells) for rule in patch.rules]
        sizes = [(len(rule.cells), len(rule.local)) for rule in patch.rules]
        d, live = len(cells), self._numbers[0].shape[1]
        counts_of = [int(np.prod([axis.space.live for axis in axes])) for axes in self.layout.axes]
        starts = np.concatenate([[0], np.cumsum(counts_of)])
        mass = self._by_cell(patch.mass, sizes)
        step = max(1, _STRIP // max(int(np.prod(cells[1:])) * live**2, 1))
        for first in range(0, cells[0], step):
            strip = slice(first, min(first + step, cells[0]))
            count = int(np.prod(cells[1:])) * (strip.stop - strip.start)
            small = np.zeros((count, live, live))
            right = np.zeros((count, live))
            for e, j, slope in [(e, j, s) for (e, j), s in zip(patch.compiled.entries, slopes, strict=True)]:
                f, orders = patch.compiled.jets[j]
                pairs = [self._pair(tests[e], f, axis, order) for axis, order in enumerate(orders)]
                pairs[0] = pairs[0][strip]
                block = integrate((mass * self._by_cell(slope, sizes))[strip], pairs, d)
                rows = slice(starts[tests[e].field], starts[tests[e].field + 1])
                small[:, rows, starts[f] : starts[f + 1]] += block.reshape(
                    count, counts_of[tests[e].field], counts_of[f]
                )
            for test, r in zip(tests, residuals, strict=True):
                factors = [self._local(0, test.field, axis, order) for axis, order in enumerate(test.orders)]
                factors[0] = factors[0][strip]
                found = (mass * self._by_cell(r, sizes))[strip]
                for axis, factor in enumerate(factors):
                    found = _summed(found, factor, d, axis)
                right[:, starts[test.field] : starts[test.field + 1]] += found.reshape(count, -1)
            numbers = self._numbers[0].reshape(*cells, live)[strip].reshape(-1, live)
            row, column = numbers[:, :, None], numbers[:, None, :]
            at = (width + row - column) * n + column
            band += np.bincount(at.ravel(), small.ravel(), minlength=len(band))
            gradient += np.bincount(numbers.ravel(), right.ravel(), minlength=n)
        return Normal(band.reshape(2 * width + 1, n), gradient, objective)

    def along(self, fields: Sequence[Field], change: Sequence[Field]) -> Floats:
        """What the normal equations are times a change of the unknowns, in the order of `Layout.rank`: J'(J change)."""
        total = np.zeros(self.layout.count)
        for p, patch in enumerate(self.patches):
            slopes = patch.compiled.derivatives(patch.places(self.layout.spaces), patch.jets(fields))
            moved = patch.jets(change)
            grids = [np.zeros(patch.mass.shape) for _ in range(patch.compiled.count)]
            for (e, j), slope in zip(patch.compiled.entries, slopes, strict=True):
                grids[e] += slope * moved[j]
            total += self.adjoint(fields, grids, p)
        return total

    def adjoint(self, fields: Sequence[Field], right: Sequence[Floats], p: int = 0) -> Floats:
        """Derivatives of a patch's residuals, transposed and weighted, times one grid of values an equation."""
        patch = self.patches[p]
        places, jets = patch.places(self.layout.spaces), patch.jets(fields)
        sizes = [(len(rule.cells), len(rule.local)) for rule in patch.rules]
        d, numbers = len(sizes), self._numbers[p]
        counts_of = [int(np.prod([axis.space.live for axis in axes])) for axes in self.layout.axes]
        starts = np.concatenate([[0], np.cumsum(counts_of)])
        total = np.zeros(numbers.shape)
        slopes = patch.compiled.derivatives(places, jets)
        for (e, j), slope in zip(patch.compiled.entries, slopes, strict=True):
            f, orders = patch.compiled.jets[j]
            found = self._by_cell(patch.mass * slope * right[e], sizes)
            for axis, order in enumerate(orders):
                found = _summed(found, self._local(p, f, axis, order), d, axis)
            total[:, starts[f] : starts[f + 1]] += found.reshape(len(numbers), -1)
        summed = np.bincount(numbers.ravel(), total.ravel(), minlength=self.layout.count)
        return np.asarray(summed, dtype=float)

    def _by_cell(self, grid: Floats, sizes: Sequence[tuple[int, int]]) -> Floats:
        """A grid of places as (cells of each coordinate, places of each coordinate)."""
        d = len(sizes)
        shaped = np.broadcast_to(grid, [m * n for m, n in sizes]).reshape([n for pair in sizes for n in pair])
        return shaped.transpose([*range(0, 2 * d, 2), *range(1, 2 * d, 2)])

    def _pair(self, test: WeightingSpace, f: int, axis: int, order: int) -> Floats:
        """Products of a test function and a trial function along a coordinate: (cells, places, live, live)."""
        key = (test.field, f, axis, 100 * test.orders[axis] + order)
        if key not in self._pairs:
            left = self._local(0, test.field, axis, test.orders[axis])
            right = self._local(0, f, axis, order)
            self._pairs[key] = left[:, :, :, None] * right[:, :, None, :]
        return self._pairs[key]

    def _strip(
        self, p: int, strip: slice, slopes: Sequence[Floats], residuals: Sequence[Floats], root: Floats
    ) -> tuple[Floats, Floats]:
        """Rows of the cells of a strip: (cells, equations x places, live), and their residuals."""
        patch = self.patches[p]
        compiled, d = patch.compiled, len(patch.rules)
        sizes = [(len(rule.cells), len(rule.local)) for rule in patch.rules]

        def by_cell(grid: Floats) -> Floats:
            shaped = grid.reshape([n for pair in sizes for n in pair])[strip]
            return shaped.transpose([*range(0, 2 * d, 2), *range(1, 2 * d, 2)])

        script = _script(d)
        blocks: list[list[Floats | None]] = [[None] * len(self.layout.axes) for _ in range(compiled.count)]
        for (e, j), slope in zip(compiled.entries, slopes, strict=True):
            f, orders = compiled.jets[j]
            factors = [self._local(p, f, axis, order) for axis, order in enumerate(orders)]
            factors[0] = factors[0][strip]
            block = _product(script, by_cell(slope * root), factors)
            held = blocks[e][f]
            blocks[e][f] = block if held is None else held + block
        count = int(np.prod([n for n, _ in sizes[1:]])) * (strip.stop - strip.start)
        many = int(np.prod([m for _, m in sizes]))
        live = [int(np.prod([axis.space.live for axis in axes])) for axes in self.layout.axes]
        rows = [
            np.concatenate(
                [
                    np.zeros((count, many, live[f])) if block is None else block.reshape(count, many, live[f])
                    for f, block in enumerate(row)
                ],
                axis=2,
            )
            for row in blocks
        ]
        right = [by_cell(r * root).reshape(count, many) for r in residuals]
        return np.concatenate(rows, axis=1), np.concatenate(right, axis=1)


def _summed(found: Floats, splines: Floats, d: int, axis: int) -> Floats:
    """Sums the first remaining coordinate of places, the d-th axis, against its splines; these go to the end."""
    moved = np.moveaxis(found, d, -1)
    rest = moved.shape[d:-1]
    wide = moved.reshape(*moved.shape[:d], -1, moved.shape[-1])
    along = splines.reshape([len(splines) if a == axis else 1 for a in range(d)] + list(splines.shape[1:]))
    summed = wide @ along
    return summed.reshape(*summed.shape[:d], *rest, splines.shape[2])


def integrate(weights: Floats, pairs: Sequence[Floats], d: int) -> Floats:
    """Integrals of products of test and trial functions, one coordinate after the other (sum factorisation).

    Returns (cells..., live of tests..., live of trials...).
    """
    found = weights
    for axis, pair in enumerate(pairs):
        found = _summed(found, pair.reshape(*pair.shape[:2], -1), d, axis)
        charge(found.size * pair.shape[1] / RATE)
    split = found.reshape(*found.shape[:d], *(n for pair in pairs for n in pair.shape[2:]))
    return split.transpose([*range(d), *range(d, 3 * d, 2), *range(d + 1, 3 * d, 2)])


def _script(d: int) -> str:
    """The sum of products of `_product` as einsum writes it."""
    cells, places, lives = "abcd"[:d], "pqrs"[:d], "ijkl"[:d]
    terms = [cells + places, *(c + q + i for c, q, i in zip(cells, places, lives, strict=True))]
    return ",".join(terms) + f"->{cells}{places}{lives}"


def _product(script: str, slope: Floats, factors: Sequence[Floats]) -> Floats:
    """The slope times the splines of every coordinate, at every place of every cell."""
    return np.einsum(script, slope, *factors, optimize="greedy" if len(factors) > 1 else False)
