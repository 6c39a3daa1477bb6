"""Least squares of data and equations together: Gauss-Newton steps on one grid after the other.

    sum over data of ((term - value) / sigma)^2  +  W  x  integral of the squared residuals of the equations

W is so large that the equations hold far better than the data could show. The steps eliminate the fields, whose normal
equations are a band, from those of the constants (a Schur complement), whose inverse is the covariance of the constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError
from edgewise.fields.field import Field, next_modes
from edgewise.fields.quadrature import gauss
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import Assembler, Normal, Patch
from edgewise.pde.discretisation.data_rows import DataRows, relative_noise
from edgewise.pde.discretisation.lift import conditioned
from edgewise.pde.domains.box import Box
from edgewise.pde.settings import DIAGONAL_SHIFT, FIRST_INTERVALS, MOST_STEPS, ROUGH_SHARE, SolverConfig
from edgewise.pde.solvers.error_estimates import residual_parts
from edgewise.pde.solvers.joint_system import (
    JointNormal,
    JointStage,
    JointState,
    JointSystem,
    bound,
    covariance,
    places_of,
)
from edgewise.pde.solvers.levels import first_spaces, project, terms, with_conditions
from edgewise.pde.solvers.newton import Factor

# Equations are taken to hold up to this share of the noise of the data, relative to their terms.
_EQUATION_NOISE = 1e-3
# Grids are refined until the weighed residuals of the equations are below this share of the number of data.
_EQUATION_LEFT = 0.03
# At first equations may be missed by this share of their terms, then by so many times less.
_FIRST_SHARE = 1.0
_TIGHTENING = 10.0
# Finer grids begin where equations could be missed by this share.
_SOFT_SHARE = 0.1
# Constants stand when a finer grid moves them by less than this share of their errors.
_CONSTANTS_STAND = 0.2
# A grid on which the misfit of the data grows by more than this factor as the equations are taken in is too coarse.
_MOST_GROWTH = 3.0
# Where harder equations make the misfit grow by more than this factor, and above the noise, the grid bends fields.
_BENT_MISFIT = 1.2
# The first grid has at most one coefficient for so many values.
_VALUES_PER_COEFFICIENT = 4.0
# A finer grid follows at once where the data are missed by more than that, but by less than this share of before.
_COARSE_FALL = 0.5
# Degree of the splines where there are three coordinates and more.
_DEGREE_IN_MANY = 5

_PROBES = 16


@dataclass(frozen=True, eq=False)
class JointSearchEnd:
    """Where the search ended."""

    stage: JointStage
    state: JointState
    linear: JointNormal
    converged: bool
    fields: tuple[Field, ...]
    reason: StopReason


class JointSearch:
    """Grids one after the other; on each, steps until constants and fields stand."""

    def __init__(
        self,
        domain: Box,
        system: JointSystem,
        rows: Sequence[DataRows],
        given: Sequence[float | None],
        config: SolverConfig,
        meter: Meter,
    ) -> None:
        self.domain, self.system, self.rows, self.given = domain, system, list(rows), list(given)
        self.config, self.meter = config, meter
        self._soft, self._share, self._missed = JointState(np.zeros(0), np.zeros(0), ()), 1.0, np.inf
        self.count = sum(len(row.values) for row in rows)
        d = len(domain.coordinates)
        self.degree = config.degree if d < 3 else _DEGREE_IN_MANY

    def run(self) -> JointSearchEnd:
        """The state on the last grid."""
        config = self.config
        spaces = self._first_spaces()
        state = JointState(
            np.zeros(0), np.array([c.guess for c in self.system.constants]), tuple(r.sigma for r in self.rows)
        )
        fields: tuple[Field, ...] | None = None
        reason, best = StopReason.EXHAUSTED, None
        try:
            for level in range(config.most_levels):
                stage = self._stage(spaces)
                free = (
                    self._through_data(stage, state)
                    if fields is None
                    else project(stage.layout, fields, stage.lifts)
                )
                finer = level + 1 < config.most_levels and 2 * stage.layout.count < config.most_coefficients
                hard, linear, converged = self._hardened(stage, replace(state, free=free), finer)
                coarse = hard is self._soft
                # A grid that cannot follow the equations bends the constants: the next one begins before it did so.
                fields = stage.layout.fields(self._soft.free, stage.lifts)
                state = self._soft
                if converged:
                    hard, linear, converged = self._with_own_noise(stage, hard, linear, converged)
                best = (stage, hard, linear, converged, stage.layout.fields(hard.free, stage.lifts))
                if converged:
                    reason = StopReason.CONVERGED
                    break
                patch = self.patch(stage, hard.constants, 1.0)
                # Where it is the data that a grid cannot follow, residuals of the equations show little.
                rough = next_modes(best[-1]) if coarse else residual_parts(patch, best[-1])[0]
                largest = max(float(mode.max(initial=0.0)) for mode in rough)
                spaces = tuple(
                    space.refined(own >= ROUGH_SHARE * largest)
                    for space, own in zip(spaces, rough, strict=True)
                )
                if len(fields) * np.prod([space.size for space in spaces]) > config.most_coefficients:
                    break
        except StopError as stop:
            reason = self.meter.own(stop)
        if best is None:
            raise InputError("The time of identify was over before the first grid; give more 'seconds'.")
        return JointSearchEnd(*best, reason)

    def _first_spaces(self) -> tuple[Space, ...]:
        """As many equal intervals as leave several values to each coefficient."""
        domain, config = self.domain, self.config
        degrees, intervals = [self.degree] * len(domain.bounds), FIRST_INTERVALS
        while True:
            finer = first_spaces(domain.bounds, domain.periodic, degrees, 2 * intervals)
            count = len(self.system.names) * int(np.prod([space.size for space in finer]))
            if _VALUES_PER_COEFFICIENT * count > self.count or count > config.most_coefficients:
                return first_spaces(domain.bounds, domain.periodic, degrees, intervals)
            intervals *= 2

    def _stage(self, spaces: tuple[Space, ...]) -> JointStage:
        layout, lifts, _ = conditioned(spaces, self.system.faces.built_in, len(self.system.names))
        return JointStage(spaces, layout, tuple(lifts), {})

    def patch(self, stage: JointStage, constants: Floats, weight: float) -> Patch:
        return Patch(self.system.at(constants), tuple(gauss(s, places_of(s)) for s in stage.spaces), weight)

    def _patches(self, stage: JointStage, constants: Floats, weight: float) -> list[Patch]:
        return with_conditions(self.patch(stage, constants, weight), stage.spaces, self.system.faces)

    def _sets(self, sigma: Sequence[float]) -> list[DataRows]:
        return [replace(row, sigma=s) for row, s in zip(self.rows, sigma, strict=True)]

    def _final(self, sigma: Sequence[float]) -> float:
        """Share of their terms up to which the equations are to hold."""
        return _EQUATION_NOISE * self.noise(sigma)

    def _hardened(
        self, stage: JointStage, state: JointState, finer: bool
    ) -> tuple[JointState, JointNormal, bool]:
        """The state where the equations hold; on the way there they may be missed by less and less.

        `finer` states whether the grid may be given up for a finer one at once.
        """
        share, final = _FIRST_SHARE, self._final(state.sigma)
        self._soft, soft, before = state, np.inf, state.constants
        straight: tuple[JointState, JointNormal, bool] | None = None
        while True:
            self._share = max(share, final)
            state, linear, converged = self._converged(stage, state, self._share)
            misfit = sum(linear.misfit)
            if share >= _FIRST_SHARE and finer and self._too_coarse(misfit):
                self._soft = state
                return state, linear, False
            kept = linear.left <= _EQUATION_LEFT * self.count
            if share <= _SOFT_SHARE and kept and self._stand(before, state, linear):
                return state, linear, converged
            if share >= _SOFT_SHARE:
                self._soft, soft = state, misfit
            if straight is None or misfit <= max(_BENT_MISFIT * soft, self.count):
                straight = state, linear, False
            if share <= final or misfit > _MOST_GROWTH * max(soft, 0.1 * self.count):
                # What is left where the grid bends the fields is what it was before it did so.
                return straight
            before = state.constants
            share /= _TIGHTENING

    def _too_coarse(self, misfit: float) -> bool:
        """Whether a grid cannot even follow the data while the equations hardly count, and a finer one may.

        Where finer grids help little it is the data that are odd, and the equations are taken in all the same.
        """
        before, self._missed = self._missed, misfit
        return misfit > _MOST_GROWTH * self.count and misfit < _COARSE_FALL * before

    def _stand(self, before: Floats, state: JointState, linear: JointNormal) -> bool:
        """Whether harder equations have not moved the constants by much of their errors."""
        if not len(before):
            return True
        noise = (
            max(sum(linear.misfit) / max(self.count - float(self.freedom(linear).sum()), 1.0), 1e-30) ** 0.5
        )
        errors = np.sqrt(np.maximum(np.diag(covariance(linear.schur)), 0.0)) * (
            noise if None in self.given else 1.0
        )
        return bool((np.abs(state.constants - before) <= _CONSTANTS_STAND * errors).all())

    def _with_own_noise(
        self, stage: JointStage, state: JointState, linear: JointNormal, converged: bool
    ) -> tuple[JointState, JointNormal, bool]:
        """The same once the noise that is not given is estimated."""
        if None not in self.given:
            return state, linear, converged
        for _ in range(3):
            sigma = self._estimated(state, linear)
            change = max(abs(a / b - 1) for a, b in zip(sigma, state.sigma, strict=True))
            state = replace(state, sigma=sigma)
            state, linear, converged = self._converged(stage, state, self._share)
            if change < 0.02:
                break
        return state, linear, converged

    def noise(self, sigma: Sequence[float]) -> float:
        """Noise relative to the values."""
        return relative_noise(self.rows, sigma)

    def _through_data(self, stage: JointStage, state: JointState) -> Floats:
        """Smooth splines through the data: where the steps begin."""
        layout = stage.layout
        free = np.zeros(layout.count)
        fields = layout.fields(free, stage.lifts)
        sets = self._sets(state.sigma)
        design, right = self._data_design(stage, sets, fields)
        width = Assembler(layout, self._patches(stage, state.constants, 1.0)).width
        band = _band(design.T @ design, width, layout.count)
        factor = Factor(Normal(band, np.zeros(0), 0.0), 1e-3)
        return free - factor.solve(design.T @ right)[layout.rank]

    @staticmethod
    def _data_design(
        stage: JointStage, sets: Sequence[DataRows], fields: Sequence[Field]
    ) -> tuple[Any, Floats]:
        designs = []
        for n, subset in enumerate(sets):
            held = stage.held.setdefault((-1 - n, ()), {})
            designs.append(subset.jacobian(stage.layout, fields, held))
        return sparse.vstack(designs).tocsr(), np.concatenate([subset.residuals(fields) for subset in sets])

    def _weight(self, stage: JointStage, state: JointState, share: float) -> float:
        """Weight of the equations, that they may be missed by a share of their terms."""
        fields = stage.layout.fields(state.free, stage.lifts)
        size = terms(self.patch(stage, state.constants, 1.0), fields)
        return float(np.sqrt(self.count) / max(share * size, 1e-100))

    def _converged(
        self, stage: JointStage, state: JointState, share: float
    ) -> tuple[JointState, JointNormal, bool]:
        weight = self._weight(stage, state, share)
        linear = self._linear(stage, state, weight)
        for _ in range(MOST_STEPS):
            error = np.sqrt(np.maximum(np.diag(covariance(linear.schur)), 0.0))
            length, low, high = 1.0, *self.bounds()
            while True:
                constants = np.clip(state.constants + length * linear.constant_step, low, high)
                trial = replace(state, free=state.free + length * linear.step, constants=constants)
                after = self._objective(stage, trial, weight)
                if after <= linear.objective * (1 + 1e-9) or length < 1e-4:
                    break
                length *= 0.5
            if after > linear.objective * (1 + 1e-9):
                return state, linear, bool(linear.objective - after > -1e-6 * linear.objective)
            fall = linear.objective - after
            moved = np.abs(trial.constants - state.constants)
            state, linear = trial, self._linear(stage, trial, weight)
            if fall <= 1e-4 * max(1.0, 1e-3 * self.count) and (moved <= 1e-3 * error + 1e-12).all():
                return state, linear, True
        return state, linear, False

    def bounds(self) -> tuple[Floats, Floats]:
        return (
            np.array([c.low for c in self.system.constants]),
            np.array([c.high for c in self.system.constants]),
        )

    def _objective(self, stage: JointStage, state: JointState, weight: float) -> float:
        fields = stage.layout.fields(state.free, stage.lifts)
        left = sum(patch.objective(fields) for patch in self._patches(stage, state.constants, weight))
        value = left + sum(float((r.residuals(fields) ** 2).sum()) for r in self._sets(state.sigma))
        return value if np.isfinite(value) else np.inf

    def _linear(self, stage: JointStage, state: JointState, weight: float) -> JointNormal:
        layout = stage.layout
        fields = layout.fields(state.free, stage.lifts)
        patches = self._patches(stage, state.constants, weight)
        assembler = Assembler(layout, patches)
        normal = assembler.normal(fields)
        sets = self._sets(state.sigma)
        design, right = self._data_design(stage, sets, fields)
        band = normal.band + _band(design.T @ design, len(normal.band) - 1, layout.count)
        gradient = normal.gradient + design.T @ right
        factor = Factor(replace(normal, band=band), DIAGONAL_SHIFT)
        inside = patches[0]
        residuals = inside.residuals(fields)
        slopes = [
            self._tangent(n, state.constants, inside, fields) for n in range(len(self.system.constants))
        ]
        border = np.array([assembler.adjoint(fields, slope) for slope in slopes]).reshape(-1, layout.count)
        own = np.array([[_product(inside, a, b) for b in slopes] for a in slopes]).reshape(
            len(slopes), len(slopes)
        )
        pull = np.array([_product(inside, slope, residuals) for slope in slopes])
        solved = np.array([factor.solve(row) for row in border]).reshape(-1, layout.count)
        still = factor.solve(gradient)
        schur = own - border @ solved.T
        constant_step = -covariance(schur) @ (pull - border @ still) if len(slopes) else pull
        step = -still - constant_step @ solved
        misfit = tuple(float((subset.residuals(fields) ** 2).sum()) for subset in sets)
        return JointNormal(factor, schur, step[layout.rank], constant_step, misfit, design, normal.objective)

    def _tangent(self, n: int, constants: Floats, patch: Patch, fields: Sequence[Field]) -> list[Floats]:
        """Slopes of the residuals in a constant at the places."""
        if not self.system.tangents[n].jets:
            places = patch.places(fields[0].spaces)
            values = self.system.tangents[n].values(*places, *constants)
            return [np.broadcast_to(np.asarray(v, dtype=float), patch.mass.shape) for v in values]
        return replace(patch, compiled=bound(self.system.tangents[n], constants)).residuals(fields)

    def freedom(self, linear: JointNormal) -> Floats:
        """How many of each set's values the fields follow: the trace of the smoothing, by random probes."""
        random = np.random.default_rng(0)
        lengths = [len(row.values) for row in self.rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        total = np.zeros(len(lengths))
        for _ in range(_PROBES):
            probe = random.choice([-1.0, 1.0], self.count)
            seen = probe * (linear.design @ linear.factor.solve(linear.design.T @ probe))
            total += np.add.reduceat(seen, starts[:-1])
        return np.clip(total / _PROBES, 0.0, None)

    def _estimated(self, state: JointState, linear: JointNormal) -> tuple[float, ...]:
        freedom = self.freedom(linear)
        found = []
        for n, row in enumerate(self.rows):
            rest = max(len(row.values) - freedom[n], 1.0)
            scale = float(np.sqrt(linear.misfit[n] / rest))
            found.append(state.sigma[n] if self.given[n] is not None else max(state.sigma[n] * scale, 1e-300))
        return tuple(found)


def _product(patch: Patch, a: Sequence[Floats], b: Sequence[Floats]) -> float:
    return float(sum((patch.mass * p * q).sum() for p, q in zip(a, b, strict=True)))


def _band(square: Any, width: int, count: int) -> Floats:
    """A symmetric sparse matrix as a lower band."""
    entries = square.tocoo()
    band = np.zeros((width + 1, count))
    keep = entries.row >= entries.col
    band[entries.row[keep] - entries.col[keep], entries.col[keep]] = entries.data[keep]
    return band
