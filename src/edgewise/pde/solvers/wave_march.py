"""Periodic problems whose data hold waves that turn too fast to be followed: the linear part is solved exactly.

Of u_t = L u + N(u), L with constant weights, exp(-L t) u changes by N alone (J. D. Lawson 1967, doi:10.1137/0704033). On
slabs of time that is a polynomial whose derivative is right in the mean against polynomials, by iteration; slabs are as
short as its last modes ask for. Data with a kink, such as one where they repeat, have ever finer waves, whose turning no
grid in time follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.domains.box import Box
from edgewise.pde.problem.jets import Compiled
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.outcome import OtherGrid, RoadOutcome
from edgewise.pde.results.waves import Waves
from edgewise.pde.settings import (
    FIRST_SLABS,
    MOST_MARCHES,
    MOST_STEPS,
    MOST_WAVES,
    SLAB_SHARE,
    TIME_DEGREE,
    SolverConfig,
)
from edgewise.pde.solvers.march import outcome_of_start
from edgewise.pde.solvers.progress import Progress, ended_at, next_share, stopped, way_share
from edgewise.pde.solvers.road import SolverRun

# Where waves of the start turn by more than this angle (radians), their turning is solved for exactly, the rest of
# the equations beside it; slabs of polynomials would follow a few radians each.
_MOST_TURNS = 1000.0

# Vectors of the linear part that are further from orthogonal cost digits.
_SKEW = 1e4
# Gauss places in each of the equal intervals on which the start's waves are found.
_NODES = 10
# Places in a slab at most, at which fast waves are averaged.
_MOST_BEATS = 320
# Slabs of waves stay as long as they are where they could be longer by a factor in between: how far waves turn is
# known then.
_SAME_SLAB = (0.96, 1.15)
# What missing waves may lack, as a share of what time may.
_WAVE_SHARE = 0.5

# Complex numbers that are worked on at once, and places in time.
_CACHED = 30_000
_TOGETHER = 32
# Of rates, what is rounding.
_DUST = 1e-13


@dataclass(frozen=True, eq=False)
class WaveSystem:
    """u_t = L u + N(u) on a circle.

    Attributes
    ----------
    inside : Compiled
    axis : int
        Number of the coordinate of time.
    bounds : tuple of (float, float)
        Of space and time, in the order of the domain.
    mass : ndarray, shape (F, F)
        What the derivatives in time are multiplied by.
    still : tuple of (equation, unknown, order, weight)
        The terms of L.
    carried : tuple of bool, one a jet
        Which jets have constant weights only: they are in L.
    start : ndarray, shape (F, most)
        Fourier coefficients of the start.
    """

    inside: Compiled
    axis: int
    bounds: tuple[tuple[float, float], ...]
    mass: Floats
    still: tuple[tuple[int, int, int, float], ...]
    carried: tuple[bool, ...]
    start: NDArray[np.complex128] = field(repr=False)

    @property
    def span(self) -> float:
        """Length of the circle."""
        low, high = self.bounds[1 - self.axis]
        return high - low

    def symbol(self, numbers: Floats) -> Any:
        """L for waves of given numbers: (K, F, F)."""
        found = np.zeros((len(numbers), *self.mass.shape), dtype=complex)
        for e, f, order, weight in self.still:
            found[:, e, f] -= weight * (1j * numbers) ** order
        return np.linalg.solve(self.mass.astype(complex), found)

    def waves(self, share: float) -> int:
        """How many waves hold the start up to a share of its norm; more than are known where these do not."""
        energy = 2 * (np.abs(self.start) ** 2).sum(0)
        energy[0] /= 2
        left = np.cumsum(energy[::-1])[::-1]
        return int(np.searchsorted(-left, -(share**2) * left[0])) + 1


def wave_system(domain: Box, inside: Compiled, faces: FaceConditions, axis: int) -> WaveSystem | None:
    """The problem as waves on a circle; None where it is not one of these."""
    space, count = 1 - axis, inside.count
    fields = {f for f, _ in inside.jets}
    alone = len(domain.bounds) == 2 and domain.periodic == tuple(a == space for a in (0, 1))
    begins = {face.field for face in faces.built_in if face.face.axis == axis and not face.face.high}
    plain = all(len(face.end.weights) == 1 for face in faces.built_in) and not faces.weak
    if not (alone and plain and fields == begins == set(range(count)) and len(faces.built_in) == count):
        return None
    if any(orders[axis] > 1 or (orders[axis] and orders[space]) for _, orders in inside.jets):
        return None
    # Weights that are the same at all places, whatever the unknowns are.
    at = [np.linspace(low, high, 7)[1:-1] for low, high in domain.bounds]
    slopes = inside.derivatives(at, [np.cos(n + np.arange(5.0)) for n in range(len(inside.jets))])
    constant = [slope.strides == (0,) for slope in slopes]
    carried = tuple(
        all(c for (_, own), c in zip(inside.entries, constant, strict=True) if own == j)
        for j in range(len(inside.jets))
    )
    mass, still = np.zeros((count, count)), []
    for (e, j), slope in zip(inside.entries, slopes, strict=True):
        f, orders = inside.jets[j]
        if orders[axis] and not carried[j]:
            return None
        if orders[axis]:
            mass[e, f] += float(slope[0])
        elif carried[j]:
            still.append((e, f, orders[space], float(slope[0])))
    if np.linalg.cond(mass) > _SKEW:
        return None
    # Of what is missing beyond as many as are taken, as many more are enough.
    known = 2 * MOST_WAVES
    start = np.zeros((count, known), dtype=complex)
    for face in faces.built_in:
        start[face.field] = _start(face.data, domain.bounds, axis, known) / face.end.weights[0]
    return WaveSystem(inside, axis, domain.bounds, mass, tuple(still), carried, start)


def _start(data: Callable[..., Any], bounds: tuple[tuple[float, float], ...], axis: int, most: int) -> Any:
    """Fourier coefficients of data on a circle, by Gauss places in equal intervals: kinks where it repeats do no harm."""
    low, high = bounds[1 - axis]
    intervals = 2 * most
    nodes, weights = legendre.leggauss(_NODES)
    inner = (nodes + 1) / (2 * intervals)
    places = low + (high - low) * (np.arange(intervals)[:, None] / intervals + inner)
    times = np.full_like(places, bounds[axis][0])
    both = (times, places) if axis == 0 else (places, times)
    values = np.broadcast_to(np.asarray(data(*both), dtype=float), places.shape)
    spectra = np.fft.rfft(values, axis=0)[:most] / intervals
    turned = np.exp(-2j * np.pi * np.arange(most)[:, None] * inner)
    return (spectra * turned) @ (weights / 2)


def turns_fast(system: WaveSystem, tolerance: float) -> bool:
    """Whether waves of the start turn too often to be followed, and neither grow nor die out much."""
    count = system.waves(tolerance)
    low, high = system.bounds[system.axis]
    values = np.linalg.eigvals(system.symbol(2 * np.pi / system.span * np.arange(float(count))))
    angles, growth = np.abs(values.imag).max() * (high - low), np.abs(values.real).max() * (high - low)
    return bool(angles > _MOST_TURNS and growth < 1e-3 * angles and growth < 30)


@dataclass(frozen=True, eq=False)
class TimeRule:
    """Places in a slab (Q,), as shares of it; from coefficients to values there, and from speeds to coefficients."""

    nodes: Floats
    values: Floats
    along: Floats


class WaveStepper:
    """Slabs of time with a number of waves.

    Parameters
    ----------
    system : WaveSystem
    count : int
        Waves k = 0, ..., count - 1.
    """

    def __init__(self, system: WaveSystem, count: int) -> None:
        self.system, self.count = system, count
        fast: Any = next_fast_len(3 * count, real=True)
        self.places = int(fast)
        self.numbers: Floats = 2 * np.pi / system.span * np.arange(float(count))
        symbol = system.symbol(self.numbers)
        values, vectors = np.linalg.eig(symbol)
        self.rates, self.vectors = _tidied(values), vectors
        self.back = np.linalg.inv(vectors)
        # From unknowns to spectra and from residuals to speeds, a wave's matrix in the last axis: (F, F, K).
        self._out = np.ascontiguousarray(np.moveaxis(vectors, 0, -1))
        pull = self.back @ -np.linalg.inv(system.mass)
        self._in = np.ascontiguousarray(np.moveaxis(pull, 0, -1)) / self.places
        self.many = TIME_DEGREE + 1
        self._rules: dict[int, TimeRule] = {}
        self._turned: dict[int, Any] = {}
        self._length = 0.0
        # Waves that only turn are turned back by conjugates.
        self._even = not self.rates.real.any()
        low, high = system.bounds[1 - system.axis]
        self.at = low + (high - low) * np.arange(self.places) / self.places

    def begin(self) -> Any:
        """Amplitudes at the start (F, K)."""
        return np.einsum("kfg,gk->fk", self.back, self.system.start[:, : self.count])

    def _speeds(self, amplitudes: Any, times: Floats) -> Any:
        """What the terms besides L do: (Q, F, K) at Q times, few at once: what is made of them stays in the caches."""
        few = max(_CACHED // amplitudes[0].size, 1)
        if few >= len(times):
            return self._speed(amplitudes, times)
        found = np.empty_like(amplitudes)
        for at in range(0, len(times), few):
            found[at : at + few] = self._speed(amplitudes[at : at + few], times[at : at + few])
        return found

    def _speed(self, amplitudes: Any, times: Floats) -> Any:
        system = self.system
        spectra = _each_wave(self._out, amplitudes)
        zero = np.zeros(())
        transform: Any = irfft
        jets: list[Floats] = [
            zero
            if carried
            else transform(
                self._derived(spectra[:, f], orders[1 - system.axis]), self.places, axis=1, norm="forward"
            )
            for (f, orders), carried in zip(system.inside.jets, system.carried, strict=True)
        ]
        space, time = np.broadcast_arrays(self.at, times[:, None])
        at = (time, space) if system.axis == 0 else (space, time)
        residuals = np.stack(system.inside.residuals(at, jets), axis=1)
        back: Any = rfft
        charge(30 * residuals.size * np.log2(self.places) / RATE)
        return _each_wave(self._in, back(residuals, axis=2)[..., : self.count])

    def _derived(self, spectrum: Any, order: int) -> Any:
        return spectrum * (1j * self.numbers) ** order if order else spectrum

    def _turns(self, length: float, rule: TimeRule) -> Any:
        """How far waves turn up to the places of a rule, (Q, F, K): slabs as long as the one before use them again."""
        if length != self._length:
            self._length, self._turned = length, {}
        many = len(rule.nodes)
        if many not in self._turned:
            times = (length * rule.nodes)[:, None]
            ahead = np.empty((many, *self.rates.T.shape), dtype=complex)
            for f, rates in enumerate(self.rates.T):
                # Real unknowns have waves in pairs that turn against each other.
                twin = next((g for g in range(f) if np.array_equal(self.rates[:, g], rates.conj())), None)
                ahead[:, f] = _turned(rates * times) if twin is None else ahead[:, twin].conj()
            self._turned[many] = ahead
        return self._turned[many]

    def _rule(self, many: int) -> TimeRule:
        """Gauss places in a slab, so many."""
        if many not in self._rules:
            stages = TIME_DEGREE + 1
            nodes, weights = legendre.leggauss(many)
            vander = legendre.legvander(nodes, stages - 1)
            values: Any = legendre.legvander(nodes, stages)
            # From the derivative at the places to its Legendre coefficients, and to those of its integral.
            to_modes = (vander * weights[:, None] * (2 * np.arange(stages) + 1) / 2).T
            whole = legendre.legint(np.eye(stages), axis=0, lbnd=-1)
            along: Any = whole @ to_modes / 2
            places: Any = (nodes + 1) / 2
            self._rules[many] = TimeRule(places, values, along)
        return self._rules[many]

    def slab(self, first: Any, time: float, length: float, goal: float) -> tuple[Any, float]:
        """Legendre coefficients (P, F, K) on a slab, and what they lack relative to the unknowns; infinite where the
        iteration does not end.

        Fast waves beat with what slow ones do to them. That is small once it is averaged, which few places in time do
        not: there are twice as many until that changes little, and the next slab begins with half of them.
        """
        size = float(np.linalg.norm(first))
        few = TIME_DEGREE + 1
        many = max(self.many // 2, few)
        # Most of the way is gone at few places.
        table = self._table(first, first[None], time, length, goal, self._rule(few))
        before: Any = None
        while table is not None:
            table = self._table(first, table, time, length, goal, self._rule(many))
            if table is None:
                break
            apart = np.inf if before is None else float(np.linalg.norm(table - before)) / size
            self.many = many
            if apart <= goal or 2 * many > _MOST_BEATS:
                return table, max(self._lacking(table) / size, apart)
            before, many = table, 2 * many
        return None, np.inf

    def _table(self, first: Any, table: Any, time: float, length: float, goal: float, rule: TimeRule) -> Any:
        """Legendre coefficients by the places of a rule, beginning with some; None where the iteration does not end."""
        ahead = self._turns(length, rule)
        size, last = float(np.linalg.norm(first)), np.inf
        own = _combined(rule.values[:, : len(table)], table)
        parts = [slice(at, at + _TOGETHER) for at in range(0, len(own), _TOGETHER)]
        for _ in range(MOST_STEPS):
            found = np.zeros((len(rule.along), *first.shape), dtype=complex)
            found[0] = first
            for part in parts:
                speed = self._speeds(ahead[part] * own[part], time + length * rule.nodes[part])
                speed *= ahead[part].conj()
                if not self._even:
                    speed /= ahead[part].real ** 2 + ahead[part].imag ** 2
                found += _combined(length * rule.along[:, part], speed)
            square = 0.0
            for part in parts:
                new = _combined(rule.values[part], found)
                square += float(np.linalg.norm(new - own[part])) ** 2
                own[part] = new
            change = np.sqrt(square / len(own)) / size
            if not np.isfinite(change) or change > 2 * last:
                return None
            if change <= 3e-2 * goal:
                return found
            last = change
        return None

    @staticmethod
    def _lacking(table: Any) -> float:
        """The first mode that is missing, by the last four."""
        energy = (np.abs(table) ** 2).sum((1, 2)) / (2 * np.arange(len(table)) + 1)
        last, early = energy[-2:].sum(), energy[-4:-2].sum()
        return float(np.sqrt(last * min(1.0, np.sqrt(last / max(early, 1e-300)))))

    def finest(self, table: Any) -> float:
        """The share of the unknowns that is in the last quarter of the waves: about what those that are missing hold."""
        energy = (np.abs(np.einsum("kfg,gk->fk", self.vectors, table.sum(0))) ** 2).sum(0)
        return float(np.sqrt(energy[3 * self.count // 4 :].sum() / max(energy.sum(), 1e-300)))

    def end(self, table: Any, length: float) -> Any:
        """Amplitudes where a slab ends, as those at the start of the next."""
        return table.sum(0) * np.exp(self.rates.T * length)


def _tidied(rates: Any) -> Any:
    """Rates (K, F) without rounding: what only turns does not grow, and pairs turn against each other alike."""
    found = rates.copy()
    found.real[np.abs(rates.real) <= _DUST * np.abs(rates)] = 0.0
    for g in range(1, rates.shape[1]):
        for f in range(g):
            pair = found[:, f].conj()
            if (np.abs(found[:, g] - pair) <= _DUST * np.abs(pair)).all():
                found[:, g] = pair
    return found


def _turned(angles: Any) -> Any:
    """exp of complex numbers, most of them imaginary: sines and cosines are quicker."""
    found = np.empty_like(angles)
    size = np.exp(angles.real)
    found.real, found.imag = size * np.cos(angles.imag), size * np.sin(angles.imag)
    return found


def _each_wave(matrices: Any, amplitudes: Any) -> Any:
    """Matrices (F, F, K) of every wave times amplitudes (Q, F, K)."""
    found = matrices[:, 0] * amplitudes[:, :1]
    for g in range(1, matrices.shape[1]):
        found += matrices[:, g] * amplitudes[:, g : g + 1]
    return found


def _combined(rows: Floats, table: Any) -> Any:
    """Real sums over the first axis of a complex table."""
    flat = np.ascontiguousarray(table).view(float).reshape(len(table), -1)
    return (rows @ flat).view(complex).reshape(len(rows), *table.shape[1:])


def march_waves(
    system: WaveSystem,
    tolerance: float,
    config: SolverConfig,
    on_step: Callable[[float, float, int], None],
    so_far: list[Waves],
) -> tuple[Waves, str]:
    """Goes through time in slabs; returns what was found and why it ended early, empty where it did not.

    Parameters
    ----------
    system : WaveSystem
    tolerance : float
        Relative error that a slab may add, and that missing waves may.
    config : SolverConfig
    on_step : callable
        Gets what a slab lacks, the share of time that is done and the number of waves.
    so_far : list
        What is found so far is put here, for who interrupts.
    """
    low, high = system.bounds[system.axis]
    count = system.waves(_WAVE_SHARE * tolerance)
    crowded = f"the unknowns have more than {MOST_WAVES:,} waves."
    at, length, failures = low, (high - low) / FIRST_SLABS, 0
    message = f"It ended at the start: {crowded}" if count > MOST_WAVES else ""
    stepper = WaveStepper(system, min(count, MOST_WAVES))
    amplitudes: Any = stepper.begin()
    slabs: list[Any] = []
    edges = [low]

    def found() -> Waves:
        begin = system.bounds[1 - system.axis][0]
        return Waves(
            system.axis, begin, system.span, np.array(edges), stepper.rates, stepper.vectors, tuple(slabs)
        )

    while at < high and not message:
        rest = high - at
        length = rest if length > 0.999 * rest else min(length, rest / 2) if length > 0.6 * rest else length
        table, lacks = stepper.slab(amplitudes, at, length, tolerance)
        on_step(lacks, (at - low) / (high - low), stepper.count)
        change = (0.5 * tolerance / max(lacks, 1e-3 * tolerance)) ** (1 / (TIME_DEGREE + 1))
        if lacks <= tolerance and stepper.finest(table) > 2 * _WAVE_SHARE * tolerance:
            # What the equations made of the start has finer waves: from there again, with more of them.
            if 2 * stepper.count > MOST_WAVES:
                message = f"It ended at time {at:g}: {crowded}"
                break
            stepper = WaveStepper(system, 2 * stepper.count)
            amplitudes, slabs, edges, at = stepper.begin(), [], [low], low
            continue
        if lacks <= tolerance:
            slabs.append(table)
            amplitudes, failures = stepper.end(table, length), 0
            at = high if length == rest else at + length
            edges.append(at)
            if not _SAME_SLAB[0] <= change <= _SAME_SLAB[1]:
                length *= float(np.clip(change, 0.5, 1.8))
            so_far[:] = [found()]
            continue
        failures += 1
        if failures > config.most_failures:
            message = f"It ended at time {at:g}: no slab from there meets the tolerance."
            break
        length *= float(np.clip(change, 0.3, 0.9))
    return found(), message


@dataclass(frozen=True, eq=False)
class WavesRoad:
    """Two marches or more by waves: the answer is that of the last but one, its error seen by the last."""

    system: WaveSystem
    faces: FaceConditions

    def solve(self, problem: Problem, tolerance: float, run: SolverRun) -> RoadOutcome:
        """The last march but one, with its error by the last."""
        system = self.system
        runs: list[Waves] = []
        so_far: list[Waves] = []
        message = ""
        # Slabs and missing waves both add to the error.
        share = before = SLAB_SHARE / 2
        more = 1.0
        errors = [float("inf")] * len(problem.names)

        def on_step(error: float, done: float, waves: int) -> None:
            way = way_share(done, not runs)
            run.show(Progress("waves", error, error, way, (2 * waves - 1, len(so_far))))

        def marches() -> None:
            nonlocal share, before, more, message, errors
            while len(runs) < MOST_MARCHES:
                so_far.clear()
                found, message = march_waves(system, share * tolerance, run.config, on_step, so_far)
                if message:
                    return
                runs.append(found)
                reached = tolerance
                if len(runs) > 1:
                    more = 1 - share / before
                    apart = runs[-1].distance(runs[-2])
                    errors = [max(d / more, 1e-15) for d in apart]
                    reached = max(errors)
                    if reached <= tolerance:
                        return
                share, before = next_share(share, before, reached, tolerance), share

        reason = stopped(marches, run.meter) or StopReason.EXHAUSTED
        found = runs[-2:][0] if runs else (so_far[0] if so_far else None)
        if found is None and message:
            raise InputError(message)
        if found is None:
            return outcome_of_start(problem, self.faces, system.axis, "waves", reason, run.config)
        if not runs and not message:
            message = ended_at(found.edges[-1])
        return RoadOutcome(
            found,
            errors,
            "the difference from a march with a smaller tolerance",
            road="waves",
            stop_reason=reason,
            warnings=(message,),
            neighbour=OtherGrid(runs[-1], 1 / more) if len(runs) > 1 else None,
        )
