"""Constants of a system fitted to courses through its solutions: multiple shooting.

Each course is cut into pieces, and a solution started in each; the ends must meet. Cut up, courses of chaotic systems can be
followed too, and a start far off does no harm (H. G. Bock 1983, Recent advances in parameter identification techniques for
O.D.E., doi:10.1007/978-1-4684-7324-7_7). All pieces take their steps side by side, by the Runge-Kutta method of order 8 of
Dormand and Prince, whose coefficients are scipy's.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DOP853
from scipy.interpolate import CubicSpline

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.dynamics.config import DEFAULT, DynamicsConfig
from edgewise.dynamics.courses import Courses
from edgewise.dynamics.model import TermModel
from edgewise.dynamics.terms import TermLibrary
from edgewise.symbolic.fitting.damped_steps import Damping, damped_step, descended, squared, triangle

_A, _B, _C = (np.asarray(each, dtype=float) for each in (DOP853.A, DOP853.B, DOP853.C))
_RATE = 2e9


@dataclass(frozen=True, eq=False)
class CoursePieces:
    """Courses cut into pieces of about the same number of times.

    Attributes
    ----------
    first : ndarray, shape (S,)
        The row that each piece starts at.
    length : ndarray, shape (S,)
        Intervals of each.
    follows : ndarray, shape (S,)
        Whether the piece goes on from the one before.
    step : ndarray, shape (S, L)
        Lengths of the intervals; 0 beyond the end.
    inputs : ndarray, shape (L, parts, stages, S, m)
        Inputs at the stages of every step.
    values : ndarray, shape (rows, d)
        Measured states of all courses.
    parts : int
        Steps of an interval.
    """

    first: Ints
    length: Ints
    follows: NDArray[np.bool_]
    step: Floats
    inputs: Floats
    values: Floats
    parts: int

    @cached_property
    def seen(self) -> tuple[Ints, Ints]:
        """For every row its piece, and the interval it ends (0: it starts the piece)."""
        piece, place = np.zeros((2, len(self.values)), dtype=np.int64)
        for s, (at, many) in enumerate(zip(self.first, self.length, strict=True)):
            last = many if s + 1 == len(self.first) or not self.follows[s + 1] else many - 1
            piece[at : at + last + 1] = s
            place[at : at + last + 1] = np.arange(last + 1)
        return piece, place


def cut(courses: Courses, intervals: int, parts: int) -> CoursePieces:
    """The courses in pieces of so many intervals, each taken in so many steps."""
    first: list[int] = []
    length: list[int] = []
    follows: list[bool] = []
    steps: list[Floats] = []
    starts: list[tuple[int, float]] = []
    row = 0
    for number, course in enumerate(courses.each):
        n = len(course.t) - 1
        edges = np.unique(np.round(np.linspace(0, n, max(round(n / intervals), 1) + 1)).astype(int))
        for low, high in itertools.pairwise(edges):
            first.append(row + int(low))
            length.append(int(high - low))
            follows.append(bool(low > 0))
            steps.append(np.diff(course.t[low : high + 1]))
            starts.append((number, float(course.t[low])))
        row += n + 1
    most = max(length)
    table = np.array([np.pad(each, (0, most - len(each))) for each in steps])
    m = len(courses.inputs)
    acting = np.zeros((most, parts, len(_C), len(first), m))
    if m:
        splines = [CubicSpline(course.t, course.inputs) for course in courses.each]
        for s, (number, begin) in enumerate(starts):
            edges = begin + np.concatenate([[0.0], np.cumsum(table[s])])
            for j in range(most):
                for part in range(parts):
                    at = edges[j] + (part + _C) * table[s, j] / parts
                    acting[j, part, :, s] = splines[number](at)
    values = np.vstack([course.states for course in courses.each])
    return CoursePieces(np.array(first), np.array(length), np.array(follows), table, acting, values, parts)


# Of a spline of fourth order through every other time the error is so many times that of the one through all.
_COARSER = 16.0


def between_times(courses: Courses) -> float:
    """How far wrong the integrals of inputs may be, not known between times, as a share of how much these change."""
    shares = [0.0]
    for course in courses.each if courses.inputs else ():
        fine, coarse = (
            CubicSpline(course.t[::step], course.inputs[::step]).antiderivative()(course.t[::2])
            for step in (1, 2)
        )
        changes = fine.std(0)
        apart = (fine - coarse).std(0)[changes > 0] / changes[changes > 0]
        shares.extend((apart / _COARSER).tolist())
    return max(shares)


def solved(pieces: CoursePieces, model: TermModel, constants: Floats, starts: Floats) -> Floats:
    """States at the ends of all intervals, (S, L + 1, d)."""
    x = starts
    out = [x]
    for j in range(pieces.step.shape[1]):
        h = (pieces.step[:, j] / pieces.parts)[:, None]
        for part in range(pieces.parts):
            stages: list[Floats] = []
            for stage in range(len(_C)):
                moved = x + h * _mix(_A[stage, :stage], stages) if stage else x
                stages.append(
                    model.values(np.concatenate([moved, pieces.inputs[j, part, stage]], 1), constants)
                )
            x = np.where(h > 0, x + h * _mix(_B, stages), x)
        if not np.isfinite(x).all():
            return np.full((len(x), pieces.step.shape[1] + 1, x.shape[1]), np.nan)
        out.append(x)
    return np.stack(out, 1)


def _mix(weights: Floats, stages: Sequence[Floats]) -> Floats:
    total = np.zeros_like(stages[0])
    for weight, stage in zip(weights, stages, strict=True):
        if weight:
            total = total + weight * stage
    return total


def solved_with_slopes(
    pieces: CoursePieces, model: TermModel, constants: Floats, starts: Floats, more: TermLibrary | None = None
) -> tuple[Floats, Floats]:
    """States (S, L + 1, d), and their slopes in the starts of their piece, in the constants and, where more terms are given,
    in the factor that each of these would have in each equation: (S, L + 1, d, d + constants + d x terms)."""
    S, d = starts.shape
    extra = 0 if more is None else len(more.terms)
    width = d + len(constants) + d * extra
    x, Z = starts, np.zeros((S, d, width))
    Z[:, :, :d] = np.eye(d)
    xs, Zs = [x], [Z]
    for j in range(pieces.step.shape[1]):
        h = (pieces.step[:, j] / pieces.parts)[:, None]
        for part in range(pieces.parts):
            stages: list[Floats] = []
            slopes: list[Floats] = []
            for stage in range(len(_C)):
                weights = _A[stage, :stage]
                at = x + h * _mix(weights, stages) if stage else x
                along = Z + h[:, :, None] * _mix(weights, slopes) if stage else Z
                full = np.concatenate([at, pieces.inputs[j, part, stage]], 1)
                value, inward, aside = model.slopes(full, constants)
                slope = inward @ along
                slope[:, :, d : d + len(constants)] += aside
                if more is not None:
                    terms = more.values(full, more.inner)
                    for e in range(d):
                        at_e = d + len(constants) + e * extra
                        slope[:, e, at_e : at_e + extra] += terms
                stages.append(value)
                slopes.append(slope)
                charge(S * d * d * width * 2 / _RATE)
            x = np.where(h > 0, x + h * _mix(_B, stages), x)
            Z = np.where(h[:, :, None] > 0, Z + h[:, :, None] * _mix(_B, slopes), Z)
        xs.append(x)
        Zs.append(Z)
    return np.stack(xs, 1), np.stack(Zs, 1)


@dataclass(frozen=True, eq=False)
class ShootingPoint:
    """Starts of all pieces (S, d) and constants."""

    starts: Floats
    constants: Floats


@dataclass(frozen=True, eq=False)
class Slopes:
    """Weighted residuals and their slopes in starts, constants and what more was asked for."""

    residual: Floats
    jacobian: Floats
    scale: Floats
    factor: Floats
    projected: Floats


@dataclass(frozen=True, eq=False)
class Shooting:
    """The sum of squares of a model: measured less solved, in units of the noise, and gaps between pieces.

    Attributes
    ----------
    pieces : CoursePieces
    model : TermModel
    noise : ndarray, shape (d,)
        Standard deviation of the noise of each state.
    gap : float
        The standard deviation that gaps between pieces may have, in units of the noise.
    """

    pieces: CoursePieces
    model: TermModel
    noise: Floats
    gap: float

    def _residual(self, xs: Floats) -> Floats:
        piece, place = self.pieces.seen
        measured = (self.pieces.values - xs[piece, place]) / self.noise
        after = np.flatnonzero(self.pieces.follows)
        ends = xs[after - 1, self.pieces.length[after - 1]]
        gaps = (xs[after, 0] - ends) / (self.gap * self.noise)
        return np.concatenate([measured.ravel(), gaps.ravel()])

    def loss(self, point: ShootingPoint) -> float:
        with np.errstate(all="ignore"):
            return squared(self._residual(solved(self.pieces, self.model, point.constants, point.starts)))

    def matrix(self, point: ShootingPoint, more: TermLibrary | None = None) -> tuple[Floats, Floats]:
        """Residuals, and the slopes of what is solved in all starts, in the constants and in the factors of more terms."""
        with np.errstate(all="ignore"):
            xs, Z = solved_with_slopes(self.pieces, self.model, point.constants, point.starts, more)
        S, d = point.starts.shape
        piece, place = self.pieces.seen
        others = Z.shape[3] - d
        n = len(piece)
        after = np.flatnonzero(self.pieces.follows)
        table = np.zeros((n + len(after), d, S * d + others))
        rows = Z[piece, place] / self.noise[:, None]
        for a in range(d):
            table[np.arange(n), :, piece * d + a] = rows[:, :, a]
            # A gap is a start less the end before it.
            table[n + np.arange(len(after)), a, after * d + a] = -1 / (self.gap * self.noise[a])
        table[:n, :, S * d :] = rows[:, :, d:]
        ends = Z[after - 1, self.pieces.length[after - 1]] / (self.gap * self.noise[:, None])
        for a in range(d):
            table[n + np.arange(len(after)), :, (after - 1) * d + a] += ends[:, :, a]
        table[n:, :, S * d :] = ends[:, :, d:]
        return self._residual(xs), table.reshape(-1, S * d + others)

    def slopes(self, point: ShootingPoint) -> Slopes | None:
        residual, table = self.matrix(point)
        if not np.isfinite(table).all() or not (np.abs(table) < 1e140).all():
            return None
        scale = np.sqrt(np.square(table).sum(0))
        scale[scale == 0] = 1.0
        charge(len(table) * table.shape[1] ** 2 * 2 / _RATE)
        return Slopes(residual, table, scale, *triangle(table / scale, residual))

    def moved(self, point: ShootingPoint, slopes: Slopes, damping: float) -> ShootingPoint:
        step = damped_step(slopes.factor, slopes.projected, damping) / slopes.scale
        starts = point.starts.size
        return ShootingPoint(
            point.starts + step[:starts].reshape(point.starts.shape), point.constants + step[starts:]
        )


@dataclass(frozen=True, eq=False)
class ShootingFit:
    """A model fitted to all courses.

    Attributes
    ----------
    model : TermModel
    point : ShootingPoint
    squares : ndarray, shape (d,)
        Sums of squares of what each state is off.
    gaps : float
        The largest gap between pieces, in units of the noise.
    """

    model: TermModel
    point: ShootingPoint
    squares: Floats
    gaps: float


def fitted(
    pieces: CoursePieces,
    model: TermModel,
    noise: Floats,
    starts: Floats,
    config: DynamicsConfig = DEFAULT,
    *,
    warm: bool = False,
    tolerance: float = 1e-4,
) -> ShootingFit | None:
    """The best constants and starts; None where solutions, or their slopes in these, blow up.

    Parameters
    ----------
    warm : bool
        Whether starts and constants are near the best ones already.
    tolerance : float
        The end is a step that gains no more than this share.
    """
    point = ShootingPoint(starts, model.start)
    ways = list(zip(config.gaps, config.gap_steps, strict=True))
    for gap, steps in ways[-1:] if warm else ways:
        problem = Shooting(pieces, model, noise, gap)
        # Columns are scaled to length one, gaps included: what determines the constants is so much smaller.
        damping = Damping(start=config.damping * min(gap, 1.0) ** 2, falls=0.1, rises=8.0, least=1e-18)
        found = descended(problem, point, steps=steps, tolerance=tolerance, floor=1e-12, damping=damping)
        if not np.isfinite(found.loss) or not found.has_slopes:
            return None
        point = found.point
    xs = solved(pieces, model, point.constants, point.starts)
    piece, place = pieces.seen
    off = pieces.values - xs[piece, place]
    after = np.flatnonzero(pieces.follows)
    gaps = xs[after, 0] - xs[after - 1, pieces.length[after - 1]]
    return ShootingFit(model, point, np.square(off).sum(0), float(np.abs(gaps / noise).max(initial=0.0)))
