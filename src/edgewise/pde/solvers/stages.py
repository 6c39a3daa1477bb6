"""The equations of one slab of time on a mesh: residuals at all stages together, and Newton's steps.

Of unknowns that are derived k times in time the highest derivative is what is solved for; h A integrates it. Steps come from
one system an eigenvalue of A, with the derivatives of the residuals at one time: exact where equations are linear and what
unknowns are multiplied by stays the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.condensed import Condensed
from edgewise.pde.discretisation.radau import Radau
from edgewise.pde.discretisation.weak_system import WeakSystem
from edgewise.pde.problem.through_time import TimedForm

# Matrices of elements are kept up to so many numbers.
_KEPT = 30_000_000


class StageSystem:
    """Residuals of a problem through time on a mesh, at the stages of a slab.

    Stages are arrays (3, s, count): the unknowns, and their first and second derivatives in time.

    Parameters
    ----------
    galerkin : WeakSystem
        Of the unknowns alone.
    timed : TimedForm
    rule : Radau
    held : ndarray of bool
        Coefficients that conditions give, or that are free and held.
    """

    def __init__(self, galerkin: WeakSystem, timed: TimedForm, rule: Radau, held: Bools) -> None:
        self.galerkin, self.timed, self.rule, self.held = galerkin, timed, rule, held
        kind: Any = type(galerkin)
        self.whole: WeakSystem = kind(galerkin.mesh, timed.form, galerkin.degree)
        self.count = galerkin.count
        self.linear = timed.form.linear
        self.slices = [
            slice(int(a), int(b)) for a, b in zip(galerkin.offsets[:-1], galerkin.offsets[1:], strict=True)
        ]
        sizes = [np.prod(each.table.shape[1:]) for each in galerkin.numberings]
        ends = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self._own = [slice(a, b) for a, b in itertools.pairwise(ends)]
        self._width = int(ends[-1])
        self._chunks = [
            slice(a, min(a + galerkin.chunk, galerkin.mesh.count))
            for a in range(0, galerkin.mesh.count, galerkin.chunk)
        ]
        self.same = self.linear and timed.steady
        self._matrices: list[tuple[Floats, ...]] | None = None
        self._still_source: Floats | None = None
        self._factors: list[Condensed] = []
        self.length = 0.0

    def _vector(self, stage: Floats) -> Floats:
        """A stage (3, count) as the fields of the form."""
        return np.concatenate([stage[k, self.slices[f]] for f, k in self.timed.fields])

    def _parts(self, which: slice, time: float, stage: Floats) -> tuple[Floats, ...]:
        """Derivatives of the residuals of some elements in the unknowns and their derivatives in time, (l, n, n) each."""
        full = self.whole.at_time(time).matrices(self._vector(stage), which)
        found = [np.zeros((len(full), self._width, self._width)) for _ in range(1 + max(self.timed.orders))]
        first = 0
        for f, k in self.timed.fields:
            own = self._own[f]
            last = first + own.stop - own.start
            found[k][:, :, own] = full[:, : self._width, first:last]
            first = last
        return tuple(found)

    def _kept(self) -> list[tuple[Floats, ...]] | None:
        """Those of all elements, where they stay the same and are not too many."""
        numbers = self.galerkin.mesh.count * self._width**2 * (1 + max(self.timed.orders))
        if self.same and self._matrices is None and numbers <= _KEPT:
            zero = np.zeros((3, self.count))
            self._matrices = [self._parts(which, 0.0, zero) for which in self._chunks]
        return self._matrices

    def residual(self, times: Floats, stages: Floats) -> Floats:
        """Residuals against all test functions at all stages, (s, count)."""
        kept = self._kept()
        if kept is None:
            return np.stack(
                [
                    self.whole.at_time(time).residual(self._vector(stages[:, i]))[: self.count]
                    for i, time in enumerate(times)
                ]
            )
        found = self._sources(times)
        table = self.galerkin.table
        for which, parts in zip(self._chunks, kept, strict=True):
            numbers = table[which]
            local: Any = 0.0
            for part, stage in zip(parts, stages, strict=False):
                charge(2 * part.size * len(times) / RATE)
                local = local + part @ stage[:, numbers].transpose(1, 2, 0)
            for i in range(len(times)):
                found[i] += np.bincount(numbers.ravel(), local[:, :, i].ravel(), minlength=self.count)
        return found

    def _sources(self, times: Floats) -> Floats:
        """Residuals of nothing at all."""
        if self._still_source is not None:
            return np.tile(self._still_source, (len(times), 1))
        zero = np.zeros(self.whole.count)
        if self.timed.fed:
            return np.stack([self.whole.at_time(time).residual(zero)[: self.count] for time in times])
        self._still_source = self.whole.at_time(0.0).residual(zero)[: self.count]
        return self._sources(times)

    def factorise(self, length: float, time: float, stage: Floats) -> None:
        """Makes ready for steps in slabs of a length, by the equations at a time and a state (3, count)."""
        kept = self._kept()
        self._factors, self.length = [], length
        moved = kept or [self._parts(which, time, stage) for which in self._chunks]
        for value in self.rule.values:
            shares = self._shares(length * (value.real if abs(value.imag) < 1e-12 * abs(value) else value))

            def matrices(which: slice, shares: Any = shares) -> Any:
                parts = moved[which.start // self.galerkin.chunk]
                return sum(part * share for part, share in zip(parts, shares, strict=True))

            self._factors.append(Condensed(self.galerkin, matrices, self.held))

    def _shares(self, step: Any) -> list[Any]:
        """What columns of the matrices are multiplied by: each derivative is the highest, integrated."""
        found: list[Any] = []
        for k in range(1 + max(self.timed.orders)):
            share = np.zeros(self._width, dtype=np.result_type(step))
            for own, order in zip(self._own, self.timed.orders, strict=True):
                if k <= order:
                    share[own] = step ** (order - k)
            found.append(share)
        return found

    def step(self, residuals: Floats) -> Floats:
        """The change of the highest derivatives (s, count) whose residuals are minus the given ones."""
        turned = -(self.rule.inverse @ np.where(self.held, 0.0, residuals))
        found = np.zeros((self.rule.stages, self.count))
        for n, factor in enumerate(self._factors):
            right = (
                turned[n]
                if abs(self.rule.values[n].imag) > 1e-12 * abs(self.rule.values[n])
                else turned[n].real
            )
            found += (self.rule.vectors[:, n, None] * factor.solve(right)).real
        return found

    def moved(self, stages: Floats, change: Floats, length: float) -> Floats:
        """Stages with a change of the highest derivatives."""
        found = stages.copy()
        for own, order in zip(self.slices, self.timed.orders, strict=True):
            part = change[:, own]
            for k in range(order, -1, -1):
                found[k][:, own] += part
                part = length * self.rule.matrix @ part
        return found

    def begun(self, before: Floats, length: float, given: Sequence[Floats], fixed: Bools) -> Floats:
        """Stages whose highest derivatives vanish, but where conditions give the unknowns.

        Parameters
        ----------
        before : ndarray, shape (3, count)
            At the start of the slab.
        length : float
        given : sequence of ndarray, one a stage
        fixed : ndarray of bool
            Which coefficients these are of.
        """
        s = self.rule.stages
        stages = np.zeros((3, s, self.count))
        stages[0] = before[0]
        for own, order in zip(self.slices, self.timed.orders, strict=True):
            if order == 2:
                stages[1][:, own] = before[1, own]
                stages[0][:, own] += length * self.rule.nodes[:, None] * before[1, own]
        wanted = np.where(fixed, np.stack(given), stages[0])
        change = wanted - stages[0]
        for own, order in zip(self.slices, self.timed.orders, strict=True):
            part = change[:, own]
            for k in range(order + 1):
                stages[k][:, own] += part
                part = self.rule.back @ part / length
        return stages
