"""Galerkin's method on elements of any kind: residuals of a weak form against all test functions, and their derivatives
element by element."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy import sparse

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.errors import InputError
from edgewise.pde.discretisation.elements import (
    Block,
    Elements,
    MeshField,
    Numbering,
    RimSampling,
    coordinates_of,
)
from edgewise.pde.problem.jets import Compiled
from edgewise.pde.problem.weak import RimForm, WeakForm

# Numbers in the largest table that is made at a time.
_MEMORY = 4_000_000


def which_jet(orders: Sequence[int]) -> int:
    """0 for a value, 1, 2 and 3 for the derivatives in x, y and z."""
    return next((axis + 1 for axis, order in enumerate(orders) if order), 0)


class Galerkin:
    """Residuals of a weak form on a mesh, and their derivatives.

    Parameters
    ----------
    mesh : Elements
    form : WeakForm
    degree : int
    """

    def __init__(self, mesh: Elements, form: WeakForm, degree: int) -> None:
        self.mesh, self.form, self.degree = mesh, form, degree
        self.numberings = tuple(Numbering(mesh, degree - low) for low in form.lower)
        self._places = degree + mesh.integrated_beyond
        self.sampling = mesh.sampling(self._places)
        self.offsets = np.concatenate([[0], np.cumsum([numbering.count for numbering in self.numberings])])
        self._rims: list[tuple[RimForm, RimSampling]] = [
            (rim, found)
            for n, rim in enumerate(form.rims)
            if rim.flux is not None
            for found in mesh.on_part(n, self._places)
        ]

    @property
    def chunk(self) -> int:
        """Elements that are put together at once."""
        each = self.sampling.mass.shape[1] * sum(n.table.shape[1] for n in self.numberings)
        return min(max(_MEMORY // each, 8), self.mesh.most_at_once)

    @property
    def chunks(self) -> list[slice]:
        """All elements, some at a time."""
        ends = range(0, self.mesh.count, self.chunk)
        return [slice(first, min(first + self.chunk, self.mesh.count)) for first in ends]

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where the coefficients of each unknown are."""
        return tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(self.offsets))

    @cached_property
    def coarse(self) -> sparse.csr_matrix:
        """The functions that are linear on every element, by their coefficients: (count, corners of each unknown)."""
        parts: list[sparse.csr_matrix] = []
        corners, count = self.mesh.numbered(1), self.mesh.coefficients(1)
        for numbering in self.numberings:
            _, first = np.unique(numbering.table, return_index=True)
            element, local = np.unravel_index(first, numbering.table.shape)
            weights = self.mesh.values(1, self.mesh.lattice(numbering.degree))[local]
            rows = np.repeat(np.arange(numbering.count), weights.shape[1])
            columns = corners[element].ravel()
            parts.append(
                sparse.csr_matrix((weights.ravel(), (rows, columns)), shape=(numbering.count, count))
            )
        return sparse.csr_matrix(sparse.block_diag(parts))

    def nodes(self, unknown: int) -> tuple[Ints, Floats]:
        """Numbers of an unknown's coefficients, element by element, and the places at which they are its values."""
        numbering = self.numberings[unknown]
        places, _ = self.mesh.placed(slice(None), self.mesh.lattice(numbering.degree))
        return numbering.table.ravel() + self.offsets[unknown], places.reshape(-1, places.shape[-1])

    def sides(self, unknown: int, number: int) -> Iterator[tuple[Ints, Floats]]:
        """Numbers of an unknown's coefficients on a part of the boundary, (q, n), and their places, (q, n, D)."""
        numbering, mesh = self.numberings[unknown], self.mesh
        for face, curve in enumerate(mesh.curve.T):
            on = np.flatnonzero(curve == number)
            if len(on):
                local = mesh.on_face(face, numbering.degree)
                places, _ = mesh.placed(on, mesh.lattice(numbering.degree)[local])
                yield numbering.table[on][:, local] + self.offsets[unknown], places

    def jets(self, field: MeshField, which: slice = slice(None)) -> tuple[Floats, ...]:
        """Value and derivatives in the coordinates at the places of some elements: arrays (l, m)."""
        return field.jets(self.sampling, which)

    def tested(self, degree: int, along: Sequence[Floats], value: Floats | None) -> Floats:
        """Sums over places of what goes with the derivatives of test functions in each direction, and with them: (L, n)."""
        return self.mesh.tested(degree, along, value, self.sampling)

    def integrated(self, block: Block, degrees: tuple[int, int]) -> Floats:
        """Sums over places of products of test functions and unknowns: (l, n, n')."""
        return self.mesh.integrated(block, degrees, self.sampling)

    def fields(self, values: Floats) -> tuple[MeshField, ...]:
        """The unknowns as functions."""
        return tuple(
            MeshField(numbering, values[own])
            for numbering, own in zip(self.numberings, self.slices, strict=True)
        )

    def at_time(self, time: float) -> Self:
        """The same at a time, where the form depends on one."""
        found = copy(self)
        found.form = self.form.at_time(time)
        own = {id(rim): moved for rim, moved in zip(self.form.rims, found.form.rims, strict=True)}
        found._rims = [(own[id(rim)], on) for rim, on in self._rims]
        return found

    @cached_property
    def inner(self) -> Bools:
        """Which coefficients of an element belong to it alone."""
        return np.concatenate([self.mesh.within(numbering.degree) for numbering in self.numberings])

    @property
    def count(self) -> int:
        """Number of coefficients of all unknowns."""
        return int(self.offsets[-1])

    @cached_property
    def table(self) -> Ints:
        """Numbers of each element's coefficients, unknown after unknown: (L, n)."""
        return np.concatenate([self._table(f) for f in range(len(self.numberings))], axis=1)

    def _table(self, unknown: int) -> Ints:
        return self.numberings[unknown].table + self.offsets[unknown]

    def _added(self, total: Floats, unknown: int, local: Floats, elements: Ints | slice) -> None:
        numbers = self._table(unknown)[elements]
        total += np.bincount(numbers.ravel(), local.ravel(), minlength=self.count)

    def mean(self, values: Floats, unknown: int) -> float:
        """The mean of an unknown over the domain."""
        mass = self.sampling.mass
        return float((self.jets(self.fields(values)[unknown])[0] * mass).sum() / mass.sum())

    def moments(self, values: Floats) -> Floats:
        """Integrals of the unknowns with their test functions, (count,)."""
        found = np.zeros(self.count)
        for f, (field, numbering) in enumerate(zip(self.fields(values), self.numberings, strict=True)):
            local = self.tested(numbering.degree, (), self.jets(field)[0] * self.sampling.mass)
            self._added(found, f, local, slice(None))
        return found

    def integral(self, compiled: Compiled, values: Floats) -> float:
        """The integral of a term of first derivatives over the domain."""
        found = compiled.residuals(self._at(), self._chosen(compiled, values))[0]
        return float((found * self.sampling.mass).sum())

    def rim_integral(self, compiled: Compiled, values: Floats, numbers: Sequence[int]) -> float:
        """The integral of a term of first derivatives over parts of the boundary."""
        total, fields = 0.0, self.fields(values)
        for on in (sampling for n in numbers for sampling in self.mesh.on_part(n, self._places)):
            found = compiled.residuals(on.arguments, _rim_jets(compiled, on, fields))[0]
            total += float((found * on.mass).sum())
        return total

    def on_rim(self, unknown: int, number: int) -> Ints:
        """Numbers of an unknown's coefficients on a part of the boundary."""
        return np.concatenate([numbers.ravel() for numbers, _ in self.sides(unknown, number)])

    def given(self) -> tuple[Bools, Floats, float]:
        """Which coefficients the conditions give, their values, and how far two conditions are apart where they meet."""
        fixed, values = np.zeros(self.count, dtype=bool), np.zeros(self.count)
        apart = 0.0
        for n, rim in enumerate(self.form.rims):
            for f, data in rim.given.items():
                for numbers, places in self.sides(f, n):
                    wanted = data(*coordinates_of(places))
                    wanted = np.broadcast_to(np.asarray(wanted, dtype=float), numbers.shape)
                    if not np.isfinite(wanted).all():
                        raise InputError(f"The condition on '{rim.name}' is not finite everywhere on it.")
                    twice = fixed[numbers]
                    if twice.any():
                        apart = max(apart, float(np.abs(values[numbers] - wanted)[twice].max()))
                    fixed[numbers], values[numbers] = True, wanted
        return fixed, values, apart / max(1.0, float(np.abs(values).max(initial=0.0)))

    def loose(self, values: Floats, fixed: Bools, unknowns: Iterable[int]) -> tuple[int, ...]:
        """Of some unknowns those to which a constant may be added: no coefficient is fixed, and no residual feels it."""
        found: list[int] = []
        for f in unknowns:
            own = self.slices[f]
            if fixed[own].any():
                continue
            base, even, tilted = self.residual(values), values.copy(), values.copy()
            even[own] += 1.0
            tilted[own] += np.linspace(-1, 1, own.stop - own.start)
            by_constant = np.abs(self.residual(even) - base).max()
            if by_constant <= 1e-10 * np.abs(self.residual(tilted) - base).max():
                found.append(f)
        return tuple(found)

    def pinned(self, fixed: Bools, loose: Sequence[int]) -> Bools:
        """Fixed coefficients, and one of each unknown with a free constant, whose mean is to be made zero afterwards."""
        found = fixed.copy()
        for f in loose:
            found[self.numberings[f].table.flat[0] + self.offsets[f]] = True
        return found

    def _at(self, which: slice = slice(None)) -> list[Floats]:
        return coordinates_of(self.sampling.places[which])

    def _chosen(self, compiled: Compiled, values: Floats, which: slice = slice(None)) -> list[Floats]:
        jets = [self.jets(field, which) for field in self.fields(values)]
        return [jets[f][which_jet(orders)] for f, orders in compiled.jets]

    def residual(self, values: Floats, source: bool = True) -> Floats:
        """Residuals against every test function, (count,); of the flux inside alone where so asked."""
        total, mass, inverse = np.zeros(self.count), self.sampling.mass, self.sampling.inverse
        found = self.form.inside.residuals(self._at(), self._chosen(self.form.inside, values))
        parts = self.sampling.places.shape[-1]
        for e, f in enumerate(self.form.tests):
            *flux, spring = (found[(parts + 1) * e + part] * mass for part in range(parts + 1))
            along = [
                -np.asarray(sum(flux[k] * inverse[..., a, k] for k in range(parts)))
                for a in range(inverse.shape[-2])
            ]
            self._added(
                total,
                f,
                self.tested(self.numberings[f].degree, along, spring if source else None),
                slice(None),
            )
        fields = self.fields(values)
        for rim, on in self._rims if source else ():
            assert rim.flux is not None
            flows = rim.flux.residuals(on.arguments, _rim_jets(rim.flux, on, fields))
            for f, flow in zip(rim.tests, flows, strict=True):
                value = on.basis(self.numberings[f].degree, 0)
                self._added(total, f, np.einsum("qm,qmn->qn", flow * on.mass, value), on.elements)
        return total

    def definite(self, values: Floats) -> bool:
        """Whether the second derivatives of each equation keep one sign throughout: whether it is elliptic everywhere."""
        inside, parts = self.form.inside, self.sampling.places.shape[-1]
        slopes = inside.derivatives(self._at(), self._chosen(inside, values))
        for e, f in enumerate(self.form.tests):
            symbol = np.zeros((*self.sampling.mass.shape, parts, parts))
            for (row, j), slope in zip(inside.entries, slopes, strict=True):
                field, orders = inside.jets[j]
                kind = row % (parts + 1)
                if row // (parts + 1) == e and kind < parts and field == f and any(orders):
                    symbol[..., kind, which_jet(orders) - 1] = slope
            symbol = symbol.reshape(-1, parts, parts)
            if (symbol == symbol[:1]).all():
                symbol = symbol[:1]
            found = np.linalg.eigvalsh(symbol + np.swapaxes(symbol, -1, -2))
            if found.min() < 0 < found.max():
                return False
        return True

    def matrices(self, values: Floats, which: slice) -> Floats:
        """Derivatives of the residuals of some elements in their own coefficients, (l, n, n)."""
        form, mass, inverse = self.form, self.sampling.mass[which], self.sampling.inverse[which]
        parts = self.sampling.places.shape[-1]
        slopes = form.inside.derivatives(self._at(which), self._chosen(form.inside, values, which))
        sizes = [table.shape[1] for table in map(self._table, range(len(self.numberings)))]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        matrix = np.zeros((len(mass), starts[-1], starts[-1]))
        blocks: dict[tuple[int, int], Block] = {}
        for (row, j), slope in zip(form.inside.entries, slopes, strict=True):
            e, kind = divmod(row, parts + 1)
            f, orders = form.inside.jets[j]
            block = blocks.setdefault((form.tests[e], f), {})
            # Directions of the element in which the test function and the unknown are derived; 0 for none.
            for a, ta in _directions(kind + 1 if kind < parts else 0, inverse, -1.0):
                for b, tb in _directions(which_jet(orders), inverse, 1.0):
                    added = slope * mass * (ta * tb)
                    block[a, b] = block[a, b] + added if (a, b) in block else added
        for (test, trial), block in blocks.items():
            rows, columns = slice(starts[test], starts[test + 1]), slice(starts[trial], starts[trial + 1])
            degrees = self.numberings[test].degree, self.numberings[trial].degree
            matrix[:, rows, columns] += self.integrated(block, degrees)
        first, fields = which.start or 0, self.fields(values)
        for rim, on in self._rims:
            assert rim.flux is not None
            inside = np.flatnonzero((on.elements >= first) & (on.elements < first + len(mass)))
            if not len(inside):
                continue
            slopes = rim.flux.derivatives(on.arguments, _rim_jets(rim.flux, on, fields))
            for (row, j), slope in zip(rim.flux.entries, slopes, strict=True):
                test, (trial, orders) = rim.tests[row], rim.flux.jets[j]
                left = on.basis(self.numberings[test].degree, 0)[inside]
                right = on.basis(self.numberings[trial].degree, which_jet(orders))[inside]
                rows, columns = slice(starts[test], starts[test + 1]), slice(starts[trial], starts[trial + 1])
                # Elements have one side of a kind, so that none stands here twice.
                matrix[on.elements[inside] - first, rows, columns] += left.transpose(0, 2, 1) @ (
                    (slope * on.mass)[inside][:, :, None] * right
                )
        return matrix


def _rim_jets(compiled: Compiled, on: RimSampling, fields: Sequence[MeshField]) -> list[Floats]:
    """The jets of equations on the boundary, at its places."""
    found: list[Floats] = []
    for f, orders in compiled.jets:
        numbering = fields[f].numbering
        own = fields[f].values[numbering.table[on.elements]]
        found.append(np.einsum("qmn,qn->qm", on.basis(numbering.degree, which_jet(orders)), own))
    return found


def _directions(kind: int, inverse: Floats, sign: float) -> list[tuple[int, Any]]:
    """A derivative in a coordinate by those in the directions of an element."""
    if kind == 0:
        return [(0, 1.0)]
    return [(a + 1, sign * inverse[..., a, kind - 1]) for a in range(inverse.shape[-2])]
