"""Galerkin's method on a mesh: residuals against all test functions, and their derivatives element by element.

Matrices of elements are put together coordinate after coordinate (sum factorisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.elements import (
    MeshField,
    Numbering,
    Sampling,
    lagrange,
    lobatto,
    sampling,
)
from edgewise.pde.discretisation.mesh import Mesh
from edgewise.pde.discretisation.rims import (
    RimSampling,
    arguments,
    rim_basis,
    rim_jets,
    rim_sampling,
    which_jet,
)
from edgewise.pde.problem.jets import Compiled
from edgewise.pde.problem.weak import WeakForm

# Gauss places in each direction beyond the degree.
_MORE = 3


class Galerkin:
    """Residuals of a weak form on a mesh, and their derivatives.

    Parameters
    ----------
    mesh : Mesh
    form : WeakForm
    degree : int
    """

    def __init__(self, mesh: Mesh, form: WeakForm, degree: int) -> None:
        self.mesh, self.form, self.degree = mesh, form, degree
        self.numberings = tuple(Numbering(mesh, degree - low) for low in form.lower)
        self.offsets = np.concatenate([[0], np.cumsum([each.count for each in self.numberings])])
        self.sampling: Sampling = sampling(mesh, degree + _MORE)
        self._rims = [
            (rim, found)
            for n, rim in enumerate(form.rims)
            if rim.flux is not None
            for found in self.on_curve(n)
        ]

    def on_curve(self, number: int) -> list[RimSampling]:
        """Places on the sides of elements that lie on a curve of the region."""
        both = (rim_sampling(self.mesh, number, side, self.degree + _MORE) for side in (0, 1))
        return [each for each in both if each is not None]

    @property
    def count(self) -> int:
        """Number of coefficients of all unknowns."""
        return int(self.offsets[-1])

    @cached_property
    def table(self) -> Ints:
        """Numbers of each element's coefficients, unknown after unknown: (L, n)."""
        parts = [
            each.table.reshape(self.mesh.count, -1) + offset
            for each, offset in zip(self.numberings, self.offsets[:-1], strict=True)
        ]
        return np.concatenate(parts, axis=1)

    @cached_property
    def inner(self) -> Bools:
        """Which coefficients of an element belong to it alone."""
        parts: list[Bools] = []
        for each in self.numberings:
            own = np.zeros((each.degree + 1, each.degree + 1), dtype=bool)
            own[1:-1, 1:-1] = True
            parts.append(own.ravel())
        return np.concatenate(parts)

    # Elements that are put together at once.
    chunk = 32

    def nodes(self, unknown: int) -> tuple[Ints, Floats]:
        """Numbers of an unknown's coefficients, element by element, and the places at which they are its values."""
        numbering = self.numberings[unknown]
        line = lobatto(numbering.degree)
        at = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(1, -1, 2)
        count = self.mesh.count
        places = self.mesh.places(np.arange(count), np.broadcast_to(at, (count, *at.shape[1:])))[0]
        return numbering.table.ravel() + self.offsets[unknown], places.reshape(-1, 2)

    def mean(self, values: Floats, unknown: int) -> float:
        """The mean of an unknown over the domain."""
        mass = self.sampling.mass
        return (self.fields(values)[unknown].local(self.sampling.line)[0] * mass).sum() / mass.sum()

    def moments(self, values: Floats) -> Floats:
        """Integrals of the unknowns with their test functions, (count,)."""
        found, s = np.zeros(self.count), self.sampling
        for field, numbering, offset in zip(self.fields(values), self.numberings, self.offsets, strict=False):
            value = lagrange(numbering.degree, s.line)[0]
            np.add.at(found, numbering.table + offset, value.T @ (field.local(s.line)[0] * s.mass) @ value)
        return found

    def integral(self, compiled: Compiled, values: Floats) -> float:
        """The integral of a term of first derivatives over the domain."""
        s = self.sampling
        jets = [field.jets(s) for field in self.fields(values)]
        found = compiled.residuals([s.places[..., 0], s.places[..., 1]], _chosen(compiled, jets))[0]
        return float((found * s.mass).sum())

    def rim_integral(self, compiled: Compiled, values: Floats, numbers: Sequence[int]) -> float:
        """The integral of a term of first derivatives over curves of the boundary."""
        total, fields = 0.0, self.fields(values)
        for on in (each for n in numbers for each in self.on_curve(n)):
            total += float(
                (compiled.residuals(arguments(on), rim_jets(compiled, on, fields))[0] * on.mass).sum()
            )
        return total

    def on_rim(self, unknown: int, number: int) -> Ints:
        """Numbers of an unknown's coefficients on a curve of the boundary."""
        numbering = self.numberings[unknown]
        own = [numbering.side(side)[self.mesh.curve[:, side] == number].ravel() for side in (0, 1)]
        return np.concatenate(own) + self.offsets[unknown]

    def fields(self, values: Floats) -> tuple[MeshField, ...]:
        """The unknowns as functions."""
        return tuple(
            MeshField(each, values[a:b])
            for each, a, b in zip(self.numberings, self.offsets[:-1], self.offsets[1:], strict=True)
        )

    def given(self) -> tuple[Bools, Floats, float]:
        """Which coefficients the conditions give, their values, and how far two conditions are apart at a corner."""
        fixed, values = np.zeros(self.count, dtype=bool), np.zeros(self.count)
        apart = 0.0
        for n, rim in enumerate(self.form.rims):
            for f, data in rim.given.items():
                numbering, offset = self.numberings[f], self.offsets[f]
                line = lobatto(numbering.degree)
                for side in (0, 1):
                    on = np.flatnonzero(self.mesh.curve[:, side] == n)
                    if not len(on):
                        continue
                    at = np.stack([line, 0 * line] if side == 0 else [0 * line, line], axis=-1)
                    places = self.mesh.places(on, np.broadcast_to(at, (len(on), len(line), 2)))[0]
                    wanted = np.broadcast_to(
                        np.asarray(data(places[..., 0], places[..., 1]), dtype=float), places.shape[:-1]
                    )
                    if not np.isfinite(wanted).all():
                        raise InputError(f"The condition on '{rim.name}' is not finite everywhere on it.")
                    numbers = numbering.side(side)[on] + offset
                    twice = fixed[numbers]
                    if twice.any():
                        apart = max(apart, float(np.abs(values[numbers] - wanted)[twice].max()))
                    fixed[numbers], values[numbers] = True, wanted
        return fixed, values, apart / max(1.0, float(np.abs(values).max(initial=0.0)))

    def residual(self, values: Floats, source: bool = True) -> Floats:
        """Residuals against every test function, (count,); of the flux inside alone where so asked."""
        total = np.zeros(self.count)
        fields, s = self.fields(values), self.sampling
        jets = [field.jets(s) for field in fields]
        found = self.form.inside.residuals(
            [s.places[..., 0], s.places[..., 1]], _chosen(self.form.inside, jets)
        )
        for e, f in enumerate(self.form.tests):
            fx, fy, spring = (found[3 * e + part] * s.mass for part in range(3))
            first = -(fx * s.inverse[..., 0, 0] + fy * s.inverse[..., 0, 1])
            second = -(fx * s.inverse[..., 1, 0] + fy * s.inverse[..., 1, 1])
            value, slope = lagrange(self.numberings[f].degree, s.line)
            local = slope.T @ first @ value + value.T @ second @ slope
            if source:
                local = local + value.T @ spring @ value
            numbers = self.numberings[f].table + self.offsets[f]
            total += np.bincount(numbers.ravel(), local.ravel(), minlength=self.count)
        for rim, on in self._rims if source else ():
            assert rim.flux is not None
            flows = rim.flux.residuals(arguments(on), rim_jets(rim.flux, on, fields))
            for f, flow in zip(rim.tests, flows, strict=True):
                value = lagrange(self.numberings[f].degree, on.line)[0]
                numbers = self.numberings[f].side(on.side)[on.elements] + self.offsets[f]
                total += np.bincount(
                    numbers.ravel(), ((flow * on.mass) @ value).ravel(), minlength=self.count
                )
        return total

    def definite(self, values: Floats) -> bool:
        """Whether the second derivatives of each equation keep one sign throughout: whether it is elliptic everywhere."""
        s, inside = self.sampling, self.form.inside
        fields = self.fields(values)
        jets = _chosen(inside, [field.jets(s) for field in fields])
        slopes = inside.derivatives([s.places[..., 0], s.places[..., 1]], jets)
        for e, f in enumerate(self.form.tests):
            symbol = np.zeros((*s.mass.shape, 2, 2))
            for (row, j), slope in zip(inside.entries, slopes, strict=True):
                field, orders = inside.jets[j]
                if row // 3 == e and row % 3 < 2 and field == f and any(orders):
                    symbol[..., row % 3, which_jet(orders) - 1] = slope
            values_of = np.linalg.eigvalsh(symbol + np.swapaxes(symbol, -1, -2))
            if values_of.min() < 0 < values_of.max():
                return False
        return True

    def matrices(self, values: Floats, which: slice) -> Floats:
        """Derivatives of the residuals of some elements in their own coefficients, (l, n, n)."""
        s, form = self.sampling, self.form
        fields = self.fields(values)
        part = Sampling(s.line, s.places[which], s.mass[which], s.inverse[which])
        jets = [field.jets(s, which) for field in fields]
        slopes = form.inside.derivatives(
            [part.places[..., 0], part.places[..., 1]], _chosen(form.inside, jets)
        )
        sizes = [(each.degree + 1) ** 2 for each in self.numberings]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        count = len(part.mass)
        matrix = np.zeros((count, starts[-1], starts[-1]))
        blocks: dict[tuple[int, int], dict[tuple[int, int], Floats]] = {}
        for (row, j), slope in zip(form.inside.entries, slopes, strict=True):
            e, kind = divmod(row, 3)
            f, orders = form.inside.jets[j]
            block = blocks.setdefault((form.tests[e], f), {})
            # Directions of the unit square in which the test function and the unknown are derived; 0 for none.
            for a, ta in _directions(kind + 1 if kind < 2 else 0, part.inverse, -1.0):
                for b, tb in _directions(which_jet(orders), part.inverse, 1.0):
                    added = slope * part.mass * ta * tb
                    block[a, b] = block[a, b] + added if (a, b) in block else added
        for (test, trial), block in blocks.items():
            rows, columns = slice(starts[test], starts[test + 1]), slice(starts[trial], starts[trial + 1])
            degrees = self.numberings[test].degree, self.numberings[trial].degree
            matrix[:, rows, columns] += _integrated(block, degrees, s.line)
        first = which.start or 0
        for rim, on in self._rims:
            assert rim.flux is not None
            inside = np.flatnonzero((on.elements >= first) & (on.elements < first + count))
            if not len(inside):
                continue
            slopes = rim.flux.derivatives(arguments(on), rim_jets(rim.flux, on, fields))
            for (row, j), slope in zip(rim.flux.entries, slopes, strict=True):
                test, (trial, orders) = rim.tests[row], rim.flux.jets[j]
                left = rim_basis(self.numberings[test].degree, on)[0][inside]
                right = rim_basis(self.numberings[trial].degree, on)[which_jet(orders)][inside]
                weighted = (slope * on.mass)[inside][:, :, None] * right
                local = left.transpose(0, 2, 1) @ weighted
                rows, columns = slice(starts[test], starts[test + 1]), slice(starts[trial], starts[trial + 1])
                for n, added in zip(on.elements[inside] - first, local, strict=True):
                    matrix[n, rows, columns] += added
        return matrix


def _chosen(compiled: Compiled, jets: Sequence[tuple[Floats, Floats, Floats]]) -> list[Floats]:
    return [jets[f][which_jet(orders)] for f, orders in compiled.jets]


def _directions(kind: int, inverse: Floats, sign: float) -> list[tuple[int, Any]]:
    """A derivative in x or y by those along the unit square's directions."""
    if kind == 0:
        return [(0, 1.0)]
    return [(1, sign * inverse[..., 0, kind - 1]), (2, sign * inverse[..., 1, kind - 1])]


def _integrated(block: dict[tuple[int, int], Floats], degrees: tuple[int, int], line: Floats) -> Floats:
    """Integrals of products of test functions and unknowns, by direction of derivative: (l, n, n')."""
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
