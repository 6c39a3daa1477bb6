"""Galerkin's method on tetrahedra: residuals against all test functions, and their derivatives element by element."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy import sparse

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.rims import which_jet
from edgewise.pde.discretisation.tetra_elements import (
    TetraField,
    TetraMesh,
    TetraNumbering,
    TetraSampling,
    indices,
    tetra_lagrange,
    tetra_places,
    tetra_sampling,
)
from edgewise.pde.discretisation.tetra_faces import FaceSampling, face_basis, face_jets, face_samplings
from edgewise.pde.problem.jets import Compiled
from edgewise.pde.problem.weak import RimForm, WeakForm

# Gauss places in each direction beyond the degree.
_MORE = 2
# Numbers in the largest table that is made at a time.
_MEMORY = 4_000_000


class TetraGalerkin:
    """Residuals of a weak form on tetrahedra, and their derivatives; what `Galerkin` is on plane shapes.

    Parameters
    ----------
    mesh : TetraMesh
    form : WeakForm
    degree : int
    """

    def __init__(self, mesh: TetraMesh, form: WeakForm, degree: int) -> None:
        self.mesh, self.form, self.degree = mesh, form, degree
        self.numberings = tuple(TetraNumbering(mesh, degree - low) for low in form.lower)
        self.offsets = np.concatenate([[0], np.cumsum([each.count for each in self.numberings])])
        self.sampling: TetraSampling = tetra_sampling(mesh, degree + _MORE)
        self._rims: list[tuple[RimForm, FaceSampling]] = [
            (rim, found)
            for n, rim in enumerate(form.rims)
            if rim.flux is not None
            for found in self.on_curve(n)
        ]

    def on_curve(self, number: int) -> list[FaceSampling]:
        """Places on the faces of elements that lie on a patch of the boundary."""
        return face_samplings(self.mesh, number, self.degree + _MORE)

    @property
    def count(self) -> int:
        """Number of coefficients of all unknowns."""
        return int(self.offsets[-1])

    @property
    def chunk(self) -> int:
        """Elements that are put together at once."""
        each = self.sampling.mass.shape[1] * sum(n.table.shape[1] for n in self.numberings)
        return min(max(_MEMORY // each, 8), 4096)

    @cached_property
    def table(self) -> Ints:
        """Numbers of each element's coefficients, unknown after unknown: (L, n)."""
        parts = [n.table + offset for n, offset in zip(self.numberings, self.offsets[:-1], strict=True)]
        return np.concatenate(parts, axis=1)

    @cached_property
    def inner(self) -> Bools:
        """Which coefficients of an element belong to it alone."""
        own = [[min(steps) > 0 for steps in indices(each.degree)] for each in self.numberings]
        return np.array([one for each in own for one in each])

    @cached_property
    def coarse(self) -> sparse.csr_matrix:
        """The functions that are linear on every element, by their coefficients: (count, corners of each unknown)."""
        parts: list[sparse.csr_matrix] = []
        for each in self.numberings:
            weights = np.array(indices(each.degree), dtype=float)
            _, first = np.unique(each.table, return_index=True)
            element, local = np.unravel_index(first, each.table.shape)
            places = tetra_places(each.degree)
            weights = np.concatenate([1 - places.sum(1, keepdims=True), places], axis=1)[local]
            rows = np.repeat(np.arange(each.count), 4)
            columns = self.mesh.nodes[element].ravel()
            shape = (each.count, len(self.mesh.points))
            parts.append(sparse.csr_matrix((weights.ravel(), (rows, columns)), shape=shape))
        return sparse.csr_matrix(sparse.block_diag(parts))

    def fields(self, values: Floats) -> tuple[TetraField, ...]:
        """The unknowns as functions."""
        return tuple(
            TetraField(each, values[a:b])
            for each, a, b in zip(self.numberings, self.offsets[:-1], self.offsets[1:], strict=True)
        )

    def nodes(self, unknown: int) -> tuple[Ints, Floats]:
        """Numbers of an unknown's coefficients, element by element, and the places at which they are its values."""
        each = self.numberings[unknown]
        places = self.mesh.places(slice(None), tetra_places(each.degree))
        return each.table.ravel() + self.offsets[unknown], places.reshape(-1, 3)

    def mean(self, values: Floats, unknown: int) -> float:
        """The mean of an unknown over the domain."""
        mass = self.sampling.mass
        return float((self.fields(values)[unknown].jets(self.sampling.at)[0] * mass).sum() / mass.sum())

    def moments(self, values: Floats) -> Floats:
        """Integrals of the unknowns with their test functions, (count,)."""
        found = np.zeros(self.count)
        for field, numbering, offset in zip(self.fields(values), self.numberings, self.offsets, strict=False):
            value = tetra_lagrange(numbering.degree, self.sampling.at)[0]
            np.add.at(
                found,
                numbering.table + offset,
                (field.jets(self.sampling.at)[0] * self.sampling.mass) @ value,
            )
        return found

    def integral(self, compiled: Compiled, values: Floats) -> float:
        """The integral of a term of first derivatives over the domain."""
        jets = [field.jets(self.sampling.at) for field in self.fields(values)]
        chosen = [jets[f][which_jet(orders)] for f, orders in compiled.jets]
        return float((compiled.residuals(self._at(), chosen)[0] * self.sampling.mass).sum())

    def rim_integral(self, compiled: Compiled, values: Floats, numbers: Sequence[int]) -> float:
        """The integral of a term of first derivatives over patches of the boundary."""
        total, fields = 0.0, self.fields(values)
        for on in (each for n in numbers for each in self.on_curve(n)):
            total += float(
                (compiled.residuals(on.arguments, face_jets(compiled, on, fields))[0] * on.mass).sum()
            )
        return total

    def on_rim(self, unknown: int, number: int) -> Ints:
        """Numbers of an unknown's coefficients on a patch of the boundary."""
        numbering = self.numberings[unknown]
        own = [
            numbering.table[self.mesh.curve[:, corner] == number][:, numbering.face(corner)].ravel()
            for corner in range(4)
        ]
        return np.concatenate(own) + self.offsets[unknown]

    def given(self) -> tuple[Bools, Floats, float]:
        """Which coefficients the conditions give, their values, and how far two conditions are apart at an edge."""
        fixed, values = np.zeros(self.count, dtype=bool), np.zeros(self.count)
        apart = 0.0
        for n, rim in enumerate(self.form.rims):
            for f, data in rim.given.items():
                numbering, offset = self.numberings[f], self.offsets[f]
                for corner in range(4):
                    on = np.flatnonzero(self.mesh.curve[:, corner] == n)
                    local = numbering.face(corner)
                    places = self.mesh.places(on, tetra_places(numbering.degree)[local])
                    at = [places[..., k] for k in range(3)]
                    wanted = np.broadcast_to(np.asarray(data(*at), dtype=float), places.shape[:-1])
                    if not np.isfinite(wanted).all():
                        raise InputError(f"The condition on '{rim.name}' is not finite everywhere on it.")
                    numbers = numbering.table[on][:, local] + offset
                    twice = fixed[numbers]
                    if twice.any():
                        apart = max(apart, float(np.abs(values[numbers] - wanted)[twice].max()))
                    fixed[numbers], values[numbers] = True, wanted
        return fixed, values, apart / max(1.0, float(np.abs(values).max(initial=0.0)))

    def _chosen(self, values: Floats, which: slice = slice(None)) -> list[Floats]:
        jets = [field.jets(self.sampling.at, which) for field in self.fields(values)]
        return [jets[f][which_jet(orders)] for f, orders in self.form.inside.jets]

    def _at(self, which: slice = slice(None)) -> list[Floats]:
        return [self.sampling.places[which, :, k] for k in range(3)]

    def residual(self, values: Floats, source: bool = True) -> Floats:
        """Residuals against every test function, (count,); of the flux inside alone where so asked."""
        total, s, fields = np.zeros(self.count), self.sampling, self.fields(values)
        found = self.form.inside.residuals(self._at(), self._chosen(values))
        for e, f in enumerate(self.form.tests):
            value, *slopes = tetra_lagrange(self.numberings[f].degree, s.at)
            *flux, spring = (found[4 * e + part] * s.mass for part in range(4))
            local = spring @ value if source else np.zeros((self.mesh.count, value.shape[1]))
            for a in range(3):
                along = sum(flux[k] * self.mesh.inverse[:, a, k, None] for k in range(3))
                local -= along @ slopes[a]
            numbers = self.numberings[f].table + self.offsets[f]
            total += np.bincount(numbers.ravel(), local.ravel(), minlength=self.count)
        for rim, on in self._rims if source else ():
            assert rim.flux is not None
            flows = rim.flux.residuals(on.arguments, face_jets(rim.flux, on, fields))
            for f, flow in zip(rim.tests, flows, strict=True):
                value = tetra_lagrange(self.numberings[f].degree, on.at)[0]
                numbers = self.numberings[f].table[on.elements] + self.offsets[f]
                total += np.bincount(
                    numbers.ravel(), ((flow * on.mass) @ value).ravel(), minlength=self.count
                )
        return total

    def definite(self, values: Floats) -> bool:
        """Whether the second derivatives of each equation keep one sign throughout: whether it is elliptic everywhere."""
        inside = self.form.inside
        slopes = inside.derivatives(self._at(), self._chosen(values))
        for e, f in enumerate(self.form.tests):
            symbol = np.zeros((*self.sampling.mass.shape, 3, 3))
            for (row, j), slope in zip(inside.entries, slopes, strict=True):
                field, orders = inside.jets[j]
                if row // 4 == e and row % 4 < 3 and field == f and any(orders):
                    symbol[..., row % 4, which_jet(orders) - 1] = slope
            if (symbol == symbol[:1, :1]).all():
                symbol = symbol[:1, :1]
            found = np.linalg.eigvalsh(symbol + np.swapaxes(symbol, -1, -2))
            if found.min() < 0 < found.max():
                return False
        return True

    def matrices(self, values: Floats, which: slice) -> Floats:
        """Derivatives of the residuals of some elements in their own coefficients, (l, n, n)."""
        form, mass, inverse = self.form, self.sampling.mass[which], self.mesh.inverse[which]
        slopes = form.inside.derivatives(self._at(which), self._chosen(values, which))
        starts = np.concatenate([[0], np.cumsum([each.table.shape[1] for each in self.numberings])])
        matrix = np.zeros((len(mass), starts[-1], starts[-1]))
        blocks: dict[tuple[int, int], dict[tuple[int, int], Floats]] = {}
        for (row, j), slope in zip(form.inside.entries, slopes, strict=True):
            e, kind = divmod(row, 4)
            f, orders = form.inside.jets[j]
            block = blocks.setdefault((form.tests[e], f), {})
            # Weights of corners in which the test function and the unknown are derived; 0 for none.
            for a, ta in _directions(kind + 1 if kind < 3 else 0, inverse, -1.0):
                for b, tb in _directions(which_jet(orders), inverse, 1.0):
                    added = slope * mass * (ta * tb)[:, None]
                    block[a, b] = block[a, b] + added if (a, b) in block else added
        for (test, trial), block in blocks.items():
            rows, columns = slice(starts[test], starts[test + 1]), slice(starts[trial], starts[trial + 1])
            degrees = self.numberings[test].degree, self.numberings[trial].degree
            matrix[:, rows, columns] += _integrated(block, degrees, self.sampling)
        first, fields = which.start or 0, self.fields(values)
        for rim, on in self._rims:
            assert rim.flux is not None
            inside = np.flatnonzero((on.elements >= first) & (on.elements < first + len(mass)))
            if not len(inside):
                continue
            slopes = rim.flux.derivatives(on.arguments, face_jets(rim.flux, on, fields))
            for (row, j), slope in zip(rim.flux.entries, slopes, strict=True):
                test, (trial, orders) = rim.tests[row], rim.flux.jets[j]
                left = tetra_lagrange(self.numberings[test].degree, on.at)[0]
                right = face_basis(self.numberings[trial].degree, on, which_jet(orders))[inside]
                rows, columns = slice(starts[test], starts[test + 1]), slice(starts[trial], starts[trial + 1])
                matrix[on.elements[inside] - first, rows, columns] += left.T @ (
                    (slope * on.mass)[inside][:, :, None] * right
                )
        return matrix


def _directions(kind: int, inverse: Floats, sign: float) -> list[tuple[int, Floats]]:
    """A derivative in a coordinate by those in the weights of corners."""
    if kind == 0:
        return [(0, np.ones(len(inverse)))]
    return [(a + 1, sign * inverse[:, a, kind - 1]) for a in range(3)]


def _integrated(block: dict[tuple[int, int], Floats], degrees: tuple[int, int], s: TetraSampling) -> Floats:
    """Integrals of products of test functions and unknowns, by direction of derivative: (l, n, n')."""
    tests, trials = (np.stack(tetra_lagrange(degree, s.at)) for degree in degrees)
    count, n, m = len(next(iter(block.values()))), tests.shape[2], trials.shape[2]
    even: dict[tuple[int, int], Floats] = {}
    for pair, weight in block.items():
        level = weight / s.shares
        if (np.ptp(level, axis=1) <= 1e-14 * np.abs(level).max(1)).all():
            even[pair] = weight
    total = np.zeros((count, n, m))
    if even:
        # Weights that are constant on each element: one table of integrals for all.
        table = np.stack([(tests[a].T @ (s.shares[:, None] * trials[b])).ravel() for a, b in even])
        weight = np.stack([w.sum(1) for w in even.values()], axis=1)
        total += (weight @ table).reshape(count, n, m)
        charge(total.size * len(even) / RATE)
    for a in {a for a, b in block if (a, b) not in even}:
        weighted = np.zeros((count, len(s.at), m))
        for (c, b), w in block.items():
            if c == a and (c, b) not in even:
                weighted += w[:, :, None] * trials[b]
        charge(count * len(s.at) * n * m / RATE)
        total += tests[a].T @ weighted
    return total
