"""Constants of an evolution on a torus from data, and the start that goes with them.

    sum over data of ((term - value) / sigma)^2  +  sum over modes of the start of (weight / size of their shell)^2

What data show of later times is followed back to the start through the equations, as variational assimilation with strong
constraints does: the equations hold as well as the course is computed, and nothing bends them. The sizes of shells are those
that make the data likeliest (D. J. C. MacKay 1992, doi:10.1162/neco.1992.4.3.415). They draw weights to zero, and with them
constants, always the same way; the last steps draw them to the weights found instead (iterated regularisation, J. W. Tukey's
twicing), which leaves the square of that share. Windows of time grow, so that steps begin near where they end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, charge
from edgewise.fields.field import Field, contract, interpolate
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.data_rows import DataRows, relative_noise
from edgewise.pde.discretisation.torus import Current, Evolution, Spectra, StartModes, Torus, start_modes
from edgewise.pde.settings import MOST_STEPS
from edgewise.pde.solvers.joint_system import JointSystem, covariance, twiced
from edgewise.pde.solvers.trajectory import Seen, between, course, seen

# Waves along the longest coordinate and steps through time of the first course whose start is searched, and at most.
_FIRST_WAVES = 8.0
_FIRST_STEPS = 32
_MOST_WAVES = 200.0
_MOST_COURSE_STEPS = 100_000
# On the way, a course may miss each value by so much of its noise; in the end, all values together by so much.
_ROUGH_SHARE = 0.1
_COURSE_SHARE = 0.1
# Waves in the first start, and weights of a start at most.
_FIRST_SHELLS = 3
_MOST_START_MODES = 700
# Finer waves are taken in where the data determine more than this share of the finest.
_RING_KNOWN = 0.2
# Windows of time are halved while so many values are left in them, and so often at most.
_WINDOW_VALUES = 60
_MOST_WINDOWS = 5
# Times that the sizes of waves are learned at most; they stand when they change by less (natural logarithm).
_SIZE_TURNS = 8
_SIZE_CHANGE = 0.1
# Steps end when the next would gain less than this in half the sum of squares: 0.005 is a tenth of a standard error.
# The second is that of windows before the last.
_LEAST_GAIN = 5e-4
_WINDOW_GAIN = 0.3
_COURSE_DEGREE = 7
# Intervals of a coordinate at most: noise leaves more of them unknown than splines miss.
_MOST_INTERVALS = 64


@dataclass(frozen=True, eq=False)
class Guess:
    """Where the search stands.

    Attributes
    ----------
    modes : StartModes
    weights : ndarray, shape (P,)
        Of the modes of the start.
    constants : ndarray, shape (C,)
    centre : ndarray, shape (P,)
        What weights are drawn to: zero at first.
    sizes : ndarray, shape (P,)
        Root mean squares that weights less these are taken to have, alike within a shell.
    sigma : tuple of float
        Noise of each set of data.
    """

    modes: StartModes
    weights: Floats
    constants: Floats
    centre: Floats
    sizes: Floats
    sigma: tuple[float, ...]


@dataclass(frozen=True)
class Fineness:
    """Waves along the longest coordinate, and steps in the whole of time."""

    waves: float
    steps: int


@dataclass(frozen=True, eq=False)
class StateFound:
    """Where the search ended.

    Attributes
    ----------
    guess : Guess
    spread : ndarray, shape (P + C, P + C)
        Covariance of weights and constants.
    schur : ndarray, shape (C, C)
        The inverse of that of the constants alone.
    misfit : tuple of float
        Squares of what each set of data misses, in units of its noise.
    freedom : ndarray
        How many of each set's values the start and the constants follow.
    counts : ndarray
        Of the values of each set that were looked at.
    converged : bool
    reason : StopReason
    """

    guess: Guess
    spread: Floats
    schur: Floats
    misfit: tuple[float, ...]
    freedom: Floats
    counts: Floats
    converged: bool
    reason: StopReason = StopReason.EXHAUSTED


class StateSearch:
    """Windows of time one after the other; in each, steps until constants and start stand.

    Parameters
    ----------
    evolution : Evolution
    system : JointSystem
    rows : sequence of DataRows
        With a first guess of their noise.
    given : sequence of float or None
        Noise of each set, where it is known.
    end : float
        The last time.
    known : dict of int to callable
        Starts that conditions give, as functions of the coordinates of space, by unknown.
    meter : Meter
    """

    def __init__(
        self,
        evolution: Evolution,
        system: JointSystem,
        rows: Sequence[DataRows],
        given: Sequence[float | None],
        end: float,
        known: dict[int, Callable[..., Floats]],
        meter: Meter,
    ) -> None:
        self.evolution, self.given, self.end, self.known = evolution, list(given), end, known
        self.meter, self.constants = meter, system.constants
        self.first_sigma = tuple(row.sigma for row in rows)
        self.rows = [replace(row, sigma=1.0) for row in rows]
        self.times = np.concatenate([row.at[:, evolution.axis] for row in rows])
        self.sets = np.repeat(np.arange(len(rows)), [len(row.values) for row in rows])
        self.count = len(self.times)
        self.low = np.array([c.low for c in system.constants])
        self.high = np.array([c.high for c in system.constants])
        self.open = [f for f in range(evolution.count) if f not in known]
        self.fineness = Fineness(_FIRST_WAVES, _FIRST_STEPS)
        # What finer courses change the values by, in units of their noise.
        self.lacks = np.inf
        self._rough: Fineness | None = None

    def run(self) -> StateFound:
        """Constants and the start by all data."""
        begins = self.evolution.begins
        windows = [self.end]
        while len(windows) < _MOST_WINDOWS:
            half = begins + (windows[0] - begins) / 2
            if (self.times <= half).sum() < _WINDOW_VALUES:
                break
            windows.insert(0, half)
        best, reason = None, StopReason.EXHAUSTED
        try:
            guess = self._first(windows[0])
            for end in windows:
                guess, found = self._window(guess, end)
                best = found if end == self.end else None
            # What the course itself lacks is to be nothing beside what the data can show; its changes need not be so exact.
            self._rough = self.fineness
            self._refine(guess, self.end, _COURSE_SHARE / np.sqrt(self.count))
            guess, best, jacobian = self._settled(guess, self.end, _LEAST_GAIN)
            second = replace(guess, centre=guess.weights)
            _, _, drawn_less = self._steps(second, self.end, jacobian, _LEAST_GAIN)
            # Weights that nothing determines may run away when nothing draws them to zero.
            best = drawn_less if drawn_less.converged else best
            reason = StopReason.CONVERGED if best.converged else StopReason.EXHAUSTED
        except StopError as stop:
            reason = self.meter.own(stop)
        if best is None:
            raise InputError(
                "The time of identify was over before all data were looked at; give more 'seconds'."
            )
        return replace(best, reason=reason)

    def start(self, torus: Torus, guess: Guess) -> Spectra:
        """Modes of all unknowns at the first time."""
        found = guess.modes.start(torus, guess.weights)
        for f, data in self.known.items():
            values = np.broadcast_to(np.asarray(data(*torus.places), dtype=float), torus.shape)
            found[f] = torus.spectra(values) * self.evolution.evolving(torus)
        return found

    def torus(self) -> Torus:
        """As fine as the last course was."""
        return Torus.holding(self.evolution.low, self.evolution.span, self.fineness.waves)

    def _look(self, guess: Guess, end: float, follow: bool = False, fineness: Fineness | None = None) -> Seen:
        """The course beside the data up to a time, in their units."""
        fine = fineness or (self._rough if follow else None) or self.fineness
        torus = Torus.holding(self.evolution.low, self.evolution.span, fine.waves)
        share = (end - self.evolution.begins) / (self.end - self.evolution.begins)
        changes = guess.modes.changes(torus) if follow else None
        return seen(
            Current(self.evolution, torus, guess.constants),
            self.start(torus, guess),
            self.rows,
            end,
            max(int(np.ceil(share * fine.steps)), 4),
            changes,
        )

    def noise(self, sigma: Sequence[float]) -> float:
        """Noise relative to the values."""
        return relative_noise(self.rows, sigma)

    def _per(self, guess: Guess, end: float) -> Floats:
        """One over the noise of every value up to a time."""
        return 1 / np.array(guess.sigma)[self.sets[self.times <= end]]

    def _first(self, end: float) -> Guess:
        """No waves, and sizes by which these would be as large as the data are."""
        modes = start_modes(self.evolution, self.open, _FIRST_SHELLS)
        guesses = np.array([c.guess for c in self.constants])
        guess = Guess(
            modes, np.zeros(len(modes)), guesses, np.zeros(len(modes)), np.ones(len(modes)), self.first_sigma
        )
        if not len(modes):
            return guess
        squares = (self._look(guess, end, True).jacobian[:, : len(modes)] ** 2).sum(0)
        size = sum(float((row.values**2).sum()) for row in self.rows) / self.count
        felt = squares > 1e-12 * squares.max()
        per_mode = size * (self.times <= end).sum() / len(modes)
        return replace(guess, sizes=np.sqrt(per_mode / np.where(felt, squares, squares.max())))

    def _refine(self, guess: Guess, end: float, share: float) -> None:
        """A finer course, until finer ones change what the data see by less than a share of their noise."""
        per = self._per(guess, end)
        while True:
            now = self.fineness
            later = replace(now, steps=2 * now.steps)
            # Finer waves move on in shorter steps.
            wider = Fineness(1.4 * now.waves, int(np.ceil(1.4 * now.steps)))
            looks = [self._look(guess, end, False, item).residuals * per for item in (now, later, wider)]
            apart = [float(np.sqrt(((look - looks[0]) ** 2).mean())) for look in looks[1:]]
            self.lacks = max(apart)
            # Halved steps leave a sixteenth; missing waves show less of those behind them.
            if not apart[0] <= 10 * share:
                self.fineness = later
            elif not apart[1] <= share:
                self.fineness = wider
            else:
                return
            if self.fineness.steps > _MOST_COURSE_STEPS or self.fineness.waves > _MOST_WAVES:
                return

    def _window(self, guess: Guess, end: float) -> tuple[Guess, StateFound]:
        """The best state by the data up to a time; finer waves of the start join as long as the data determine them."""
        while True:
            self._refine(guess, end, _ROUGH_SHARE)
            guess, found, _ = self._settled(guess, end, _WINDOW_GAIN)
            finer = self._finer(guess, found)
            if finer is None:
                return guess, found
            guess = finer

    def _finer(self, guess: Guess, found: StateFound) -> Guess | None:
        """With more waves in the start, where the data determine the last ones."""
        modes = guess.modes
        if not len(modes):
            return None
        rings = modes.rings
        last = rings == rings.max()
        known = 1 - np.diag(found.spread)[: len(modes)] / guess.sizes**2
        waves = modes.most + max(1, modes.most // 3)
        if known[last].mean() < _RING_KNOWN:
            return None
        more = start_modes(self.evolution, self.open, waves)
        if len(more) > _MOST_START_MODES:
            return None
        sizes = more.within(modes, guess.sizes)
        lost = sizes == 0
        falls = [guess.sizes[rings == rings.max() - n].mean() for n in (0, 1)]
        sizes[lost] = falls[0] * min(falls[0] / falls[1], 1.0) ** (more.rings[lost] - rings.max())
        self.fineness = replace(self.fineness, waves=max(self.fineness.waves, 1.5 * waves))
        weights = more.within(modes, guess.weights)
        return replace(guess, modes=more, weights=weights, centre=np.zeros(len(more)), sizes=sizes)

    def _settled(self, guess: Guess, end: float, least: float) -> tuple[Guess, StateFound, Floats]:
        """Steps, and sizes and noise that make the data likeliest, in turns."""
        jacobian = self._look(guess, end, True).jacobian
        guess, jacobian, found = self._steps(guess, end, jacobian, least)
        for _ in range(_SIZE_TURNS):
            likelier, change = self._likelier(guess, found)
            if change < _SIZE_CHANGE * (1 if least < 0.1 else 3):
                break
            guess, jacobian, found = self._steps(likelier, end, jacobian, least)
        return guess, found, jacobian

    def _steps(
        self, guess: Guess, end: float, jacobian: Floats, least: float
    ) -> tuple[Guess, Floats, StateFound]:
        """Gauss-Newton steps; the Jacobian is computed anew where it promises what does not come."""
        per, many = self._per(guess, end), len(guess.modes)
        free = np.concatenate([1 / guess.sizes**2, np.zeros(len(guess.constants))])
        middle = np.concatenate([guess.centre, np.zeros(len(guess.constants))])
        residuals = per * self._look(guess, end).residuals
        fresh, damping, converged = False, 0.0, False
        normal = slope = np.zeros(0)

        def objective(r: Floats, weights: Floats) -> float:
            drawn = (weights - guess.centre) / guess.sizes
            value = float(r @ r + drawn @ drawn) / 2
            return value if np.isfinite(value) else np.inf

        for _ in range(MOST_STEPS):
            scaled = per[:, None] * jacobian
            normal = scaled.T @ scaled + np.diag(free)
            charge(scaled.size * scaled.shape[1] / RATE)
            at = np.concatenate([guess.weights, guess.constants])
            slope = scaled.T @ residuals + free * (at - middle)
            # A constant at the end of its bounds stays there as long as it is drawn beyond.
            low, high = at[many:] <= self.low, at[many:] >= self.high
            held = many + np.flatnonzero((low & (slope[many:] > 0)) | (high & (slope[many:] < 0)))
            slope[held] = 0.0
            open_normal = normal.copy()
            open_normal[held], open_normal[:, held] = 0.0, 0.0
            open_normal[held, held] = 1.0
            if slope @ _solved(open_normal, slope) < 2 * least:
                converged = True
                break
            step = -_solved(open_normal + damping * np.diag(np.diag(open_normal)), slope)
            promised = -float(slope @ step + step @ normal @ step / 2)
            there = at + step
            trial = replace(
                guess,
                weights=there[:many],
                constants=np.clip(there[many:], self.low, self.high),
            )
            after = per * self._look(trial, end).residuals
            gain = objective(residuals, guess.weights) - objective(after, trial.weights)
            if gain > 1e-3 * promised:
                guess, residuals, damping = trial, after, damping / 10 if damping > 1e-6 else 0.0
                fresh = False
                if gain > 0.7 * promised:
                    continue
            elif fresh:
                damping = max(10 * damping, 1e-3)
                if damping > 1e8:
                    break
                continue
            jacobian, fresh = self._look(guess, end, True).jacobian, True
        scaled = per[:, None] * jacobian
        spread = covariance(normal)
        schur = normal[many:, many:]
        if many:
            schur = schur - normal[many:, :many] @ _solved(normal[:many, :many], normal[:many, many:])
        answer = spread
        if guess.centre.any():
            spread, answer = twiced(spread, free)
        follow = ((scaled @ answer) * scaled).sum(1)
        sets = self.sets[self.times <= end]
        freedom = np.bincount(sets, follow, len(self.rows)).astype(float)
        counts = np.bincount(sets, minlength=len(self.rows)).astype(float)
        misfit = tuple(np.bincount(sets, residuals**2, len(self.rows)).tolist())
        return guess, jacobian, StateFound(guess, spread, schur, misfit, freedom, counts, converged)

    def _likelier(self, guess: Guess, found: StateFound) -> tuple[Guess, float]:
        """Sizes and noise that explain the data better, and how much they changed."""
        many = len(guess.modes)
        resolved = np.clip(1 - np.diag(found.spread)[:many] / guess.sizes**2, 1e-12, 1.0)
        sizes, change = guess.sizes.copy(), 0.0
        for shell in np.unique(guess.modes.shells):
            own = guess.modes.shells == shell
            known = float(resolved[own].sum())
            likely = float(np.sqrt((guess.weights[own] ** 2).sum() / known))
            # Where the data do not determine a size none is learned: it may only shrink so far in one turn.
            likely = float(np.clip(likely, guess.sizes[own][0] / 10, guess.sizes[own][0] * 10))
            change = max(change, abs(np.log(likely / guess.sizes[own][0])) * min(known, 1.0))
            sizes[own] = likely
        sigma = list(guess.sigma)
        for n, given in enumerate(self.given):
            if given is None:
                rest = max(found.counts[n] - float(found.freedom[n]), 1.0)
                sigma[n] *= float(np.sqrt(found.misfit[n] / rest))
                change = max(change, abs(sigma[n] / guess.sigma[n] - 1) * 5)
        return replace(guess, sizes=sizes, sigma=tuple(max(s, 1e-300) for s in sigma)), change


def _solved(normal: Floats, right: Floats) -> Floats:
    """The solution of normal equations; what they do not determine stays small."""
    scale = 1 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    matrix = normal * scale[:, None] * scale
    matrix[np.diag_indices_from(matrix)] += 1e-13
    return (scale * cho_solve(cho_factor(matrix), (scale * right.T).T).T).T


def course_fields(search: StateSearch, guess: Guess) -> tuple[Field, ...]:
    """All unknowns on the whole domain, by their start and their constants."""
    evolution, torus = search.evolution, search.torus()
    steps = search.fineness.steps
    times = np.linspace(evolution.begins, search.end, steps + 1)
    spaces = [
        Space(np.linspace(low, low + span, min(size, _MOST_INTERVALS) + 1), _COURSE_DEGREE, True)
        for low, span, size in zip(torus.low, torus.span, torus.shape, strict=True)
    ]
    clock = Space(
        np.linspace(evolution.begins, search.end, min(max(steps // 3, 2), _MOST_INTERVALS) + 1),
        _COURSE_DEGREE,
    )
    waves = [
        np.exp(1j * np.multiply.outer(space.greville - low, numbers.ravel()))
        for space, low, numbers in zip(spaces, torus.low, torus.numbers, strict=True)
    ]
    # A mode and its conjugate.
    waves[-1] = waves[-1] * np.where(torus.indices[-1].ravel() > 0, 2.0, 1.0)
    shape = (evolution.count, len(clock.greville), *(len(space.greville) for space in spaces))
    values = np.empty(shape)
    none = np.zeros((0, evolution.count, *torus.half), dtype=complex)
    current = Current(evolution, torus, guess.constants)
    before = None
    for after in course(current, search.start(torus, guess), none, times, 0):
        if before is not None:
            last = after.time if after.time < times[-1] else np.inf
            inside = np.flatnonzero((clock.greville >= before.time) & (clock.greville < last))
            for n in inside:
                modes = between(before, after, clock.greville[n])
                for f in range(evolution.count):
                    values[f, n] = contract(modes[f], waves).real
        before = after
    every = list(spaces)
    every.insert(evolution.axis, clock)
    return tuple(
        Field(tuple(every), np.ascontiguousarray(interpolate(every, np.moveaxis(own, 0, evolution.axis))))
        for own in values
    )
