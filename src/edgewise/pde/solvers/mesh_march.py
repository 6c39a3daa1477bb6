"""A march through time on one mesh: slabs as long as their polynomials in time allow.

What a slab lacks is seen from how its Legendre coefficients in time fall; it is done again, shorter, where that is more than
the tolerance.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.condensed import Condensed
from edgewise.pde.discretisation.elements import coordinates_of
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.discretisation.radau import Radau, radau, to_legendre
from edgewise.pde.problem.through_time import TimedForm
from edgewise.pde.settings import FIRST_SLABS, SolverConfig

# Matrices of elements are kept up to so many numbers.
_KEPT = 30_000_000
# Steps of Newton's method in a slab before it is made shorter.
_STEPS = 12
# Slabs become longer where they could be by the first factor, by the second at most.
_LONGER, _LONGEST = 1.5, 4.0
# Rounding in stages that are solved for once leaves this.
_ROUNDING = 1e-9


class StageSystem:
    """Residuals of a problem through time on a mesh, at the stages of a slab.

    Stages are arrays (3, s, count): the unknowns, and their first and second derivatives in time.

    Parameters
    ----------
    galerkin, whole : Galerkin
        Of the unknowns alone, and of them with their derivatives in time.
    timed : TimedForm
    rule : Radau
    held : ndarray of bool
        Coefficients that conditions give, or that are free and held.
    """

    def __init__(
        self, galerkin: Galerkin, whole: Galerkin, timed: TimedForm, rule: Radau, held: Bools
    ) -> None:
        self.galerkin, self.whole = galerkin, whole
        self.timed, self.rule, self.held = timed, rule, held
        self.count = galerkin.count
        self.linear = timed.form.linear
        self.slices = galerkin.slices
        sizes = [numbering.table.shape[1] for numbering in galerkin.numberings]
        ends = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self._own = [slice(a, b) for a, b in itertools.pairwise(ends)]
        self._width = int(ends[-1])
        self._chunks = galerkin.chunks
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


@dataclass(frozen=True, eq=False)
class TimeSlab:
    """Polynomials in time on a slab.

    Attributes
    ----------
    low, high : float
    tables : tuple of ndarray, one an unknown
        Legendre coefficients in time of the unknown's coefficients on the mesh, (P, count).
    """

    low: float
    high: float
    tables: tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class MeshStart:
    """What a march on a mesh begins with.

    Attributes
    ----------
    state : ndarray, shape (3, count)
        The unknowns and their derivatives in time.
    fixed, held : ndarray of bool
        Coefficients that conditions give; and with them one of each unknown that is determined up to a constant.
    loose : tuple of int
        These unknowns; their mean is zero.
    contradiction : float
        How far conditions are apart where parts of the boundary, or it and the start, meet, relative to them.
    """

    state: Floats
    fixed: Bools
    held: Bools
    loose: tuple[int, ...]
    contradiction: float


def start_on(galerkin: Galerkin, whole: Galerkin, timed: TimedForm, time: float) -> MeshStart:
    """The data of the start on a mesh: projected in the mean, with the values that conditions on the boundary give."""
    fixed, given, apart = galerkin.at_time(time).given()
    state = np.zeros((3, galerkin.count))
    state[0] = given
    scale = float(np.abs(given).max(initial=0.0))
    worst = 0.0
    for (f, k), data in timed.starts.items():
        sampled = _on(data, galerkin.sampling.places)
        own = galerkin.slices[f]
        if k:
            for n, rim in enumerate(galerkin.form.rims):
                if f in rim.speeds:
                    for numbers, places in galerkin.sides(f, n):
                        state[k, numbers] = _on(rim.speeds[f], places, time)
        else:
            numbers, places = galerkin.nodes(f)
            there = fixed[numbers]
            wanted = _on(data, places)
            scale = max(scale, float(np.abs(wanted).max()))
            worst = max(worst, float(np.abs(wanted - given[numbers])[there].max(initial=0.0)))
        state[k, own] = _projected(galerkin, f, sampled, fixed, state[k])[own]
    # Unknowns without a derivative in time to which a constant may be added, as a pressure.
    followed = [f for f, order in enumerate(timed.orders) if order == 0]
    loose = whole.at_time(time).loose(np.zeros(whole.count), fixed, followed)
    held = galerkin.pinned(fixed, loose)
    return MeshStart(state, fixed, held, loose, max(apart, worst / max(scale, 1e-300)))


def _on(data: Callable[..., object], places: Floats, *time: float) -> Floats:
    return np.broadcast_to(np.asarray(data(*coordinates_of(places), *time), dtype=float), places.shape[:-1])


def _projected(galerkin: Galerkin, f: int, sampled: Floats, fixed: Bools, values: Floats) -> Floats:
    """The coefficients of an unknown that is nearest to values at places, in the mean; fixed ones stay."""
    own = galerkin.slices[f]
    mass, sizes = galerkin.sampling.mass, [n.table.shape[1] for n in galerkin.numberings]
    first, degree = sum(sizes[:f]), galerkin.numberings[f].degree

    def matrices(which: slice) -> Floats:
        found = np.zeros((which.stop - which.start, sum(sizes), sum(sizes)))
        part = slice(first, first + sizes[f])
        found[:, part, part] = galerkin.integrated({(0, 0): mass[which]}, (degree, degree))
        other = np.ones(sum(sizes), dtype=bool)
        other[part] = False
        found[:, other, other] = 1.0
        return found

    held = fixed.copy()
    kept = np.where(fixed, values, 0.0)
    held[: own.start], held[own.stop :] = True, True
    kept[: own.start], kept[own.stop :] = 0.0, 0.0
    right = np.zeros(galerkin.count)
    local = galerkin.tested(degree, (), sampled * mass)
    right += np.bincount(
        (galerkin.numberings[f].table + own.start).ravel(),
        local.ravel(),
        minlength=galerkin.count,
    )
    right -= galerkin.moments(kept)
    right[held] = 0.0
    return kept + Condensed(galerkin, matrices, held).solve(right)


class MeshMarch:
    """Slab after slab on one mesh.

    Parameters
    ----------
    galerkin : Galerkin
        Of the unknowns alone.
    timed : TimedForm
    span : (float, float)
    stages : int
    tolerance : float
        What slabs may lack, relative to the largest unknowns so far.
    config : SolverConfig
    """

    def __init__(
        self,
        galerkin: Galerkin,
        timed: TimedForm,
        span: tuple[float, float],
        stages: int,
        tolerance: float,
        config: SolverConfig,
    ) -> None:
        self.galerkin, self.timed, self.span = galerkin, timed, span
        self.tolerance, self.config = tolerance, config
        self.rule = radau(stages)
        whole = Galerkin(galerkin.mesh, timed.form, galerkin.degree)
        self.start = start_on(galerkin, whole, timed, span[0])
        self.system = StageSystem(galerkin, whole, timed, self.rule, self.start.held)
        self.slabs: list[TimeSlab] = []
        self.scales = np.array(self.norms(self.start.state[0]))
        self.message = ""

    def norms(self, values: Floats) -> list[float]:
        """L2 norms of all unknowns."""
        moments = self.galerkin.moments(values)
        return [float(np.sqrt(max(values[own] @ moments[own], 0.0))) for own in self.system.slices]

    def run(self, on_slab: Callable[[float], None], most: Callable[[float], float] | None = None) -> None:
        """To the end, or until slabs would be too short: `message` says so.

        Parameters
        ----------
        on_slab : callable
            Gets the share of the way after each slab.
        most : callable, optional
            How long slabs may be at a time.
        """
        low, high = self.span
        time, state = low, self.start.state
        length = (high - low) / FIRST_SLABS if most is None else most(low)
        failures = 0
        while time < high - 1e-12 * (high - low):
            if most is not None:
                length = min(length, most(time))
            left = max(int(np.ceil((high - time) / length - 1e-9)), 1)
            length = (high - time) / left
            found = self._slab(time, length, state)
            ratio, lacks, stages = (0.25, np.inf, None) if found is None else self._judged(*found)
            if stages is None or lacks > self.tolerance:
                failures += 1
                if failures > self.config.most_failures or length < 1e-13 * (high - low):
                    self.message = (
                        f"Slabs of time do not come within the tolerance at {time:g}: the solution may end there."
                        if found is not None
                        else f"Newton's method does not converge at time {time:g}: the solution may end there."
                    )
                    return
                length *= min(ratio, 0.7)
                continue
            failures = 0
            tables = self._tables(state, stages)
            self.slabs.append(TimeSlab(time, time + length, tables))
            state, time = stages[:, -1], time + length
            self.scales = np.maximum(self.scales, self.norms(state[0]))
            on_slab((time - low) / (high - low))
            if ratio > _LONGER:
                length *= min(ratio, _LONGEST)

    def _slab(self, time: float, length: float, state: Floats) -> tuple[Floats, Floats] | None:
        """The stages of one slab, with the state before; None where Newton's method fails."""
        system, middle = self.system, self.rule.stages // 2
        times = time + length * self.rule.nodes
        given = [self.galerkin.at_time(float(item)).given()[1] for item in times]
        begun = system.begun(state, length, given, self.start.fixed)
        kept = abs(system.length - length) <= 1e-12 * length
        if kept:
            stages = self._newton(times, length, begun)
            if stages is not None or system.same:
                return None if stages is None else (state, stages)
        system.factorise(length, float(times[middle]), begun[:, middle])
        stages = self._newton(times, length, begun)
        return None if stages is None else (state, stages)

    def _newton(self, times: Floats, length: float, stages: Floats) -> Floats | None:
        """The stages at which the residuals vanish; None where steps do not become smaller."""
        system, before = self.system, np.inf
        for n in range(_STEPS):
            residuals = system.residual(times, stages)
            change = system.step(residuals)
            if not np.isfinite(change).all():
                return None
            moved = system.moved(stages, change, length)
            size = float(np.linalg.norm(moved[0] - stages[0]))
            scale = float(np.linalg.norm(moved[0]))
            stages = moved
            enough = 1e-2 * self.tolerance * scale
            if system.same and n == 0 and _ROUNDING * scale <= enough:
                return stages
            if size <= enough or (n and size > 0.3 * before and size <= 1e-9 * scale):
                return stages
            if n and size < 0.5 * before and size * size / before <= enough:
                return stages
            if n > 1 and size > 0.6 * before:
                return None
            before = size
        return None

    def _tables(self, state: Floats, stages: Floats) -> tuple[Floats, ...]:
        """Legendre coefficients in time of every unknown; those determined up to a constant with mean zero."""
        tables: list[Floats] = []
        for f, (own, order) in enumerate(zip(self.system.slices, self.timed.orders, strict=True)):
            values = stages[0][:, own]
            if order:
                values = np.concatenate([state[0, own][None], values])
            table = to_legendre(self.rule.stages, order > 0) @ values
            if f in self.start.loose:
                for row in table:
                    whole = np.zeros(self.galerkin.count)
                    whole[own] = row
                    row -= self.galerkin.mean(whole, f)
            tables.append(table)
        return tuple(tables)

    def _judged(self, state: Floats, stages: Floats) -> tuple[float, float, Floats]:
        """How much longer the slab could be, what it lacks relative to the unknowns so far, and its stages."""
        tables = self._tables(state, stages)
        scales = np.maximum(self.scales, self.norms(stages[0, -1]))
        scales = np.maximum(scales, max(1e-6 * scales.max(), 1e-300))
        ratio, worst = np.inf, 0.0
        for f, table in enumerate(tables):
            sizes: list[float] = []
            for n, row in enumerate(table[-3:], len(table) - 3):
                whole = np.zeros(self.galerkin.count)
                whole[self.system.slices[f]] = row
                sizes.append(self.norms(whole)[f] / np.sqrt(2 * n + 1) / scales[f])
            # Even and odd polynomials may fall apart from each other.
            before, _, last = sizes[-3:]
            lacks = last * min(1.0, max(np.sqrt(last / max(before, 1e-300)), 0.01))
            worst = max(worst, lacks)
            ratio = min(ratio, 0.9 * (self.tolerance / max(lacks, 1e-300)) ** (1 / len(table)))
        return float(np.clip(ratio, 0.02, 100.0)), worst, stages
