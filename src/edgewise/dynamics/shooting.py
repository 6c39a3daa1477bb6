"""Constants of a system fitted to courses through its solutions: multiple shooting.

Each course is cut into pieces, and a solution started in each; the ends must meet. Cut up, courses of chaotic systems can be
followed too, and a start far off does no harm (H. G. Bock 1983, Recent advances in parameter identification techniques for
O.D.E., doi:10.1007/978-1-4684-7324-7_7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.dynamics.model import TermModel
from edgewise.dynamics.pieces import CoursePieces
from edgewise.dynamics.runge_kutta import PieceSolution, slopes, solution, solved
from edgewise.dynamics.terms import RateTerm
from edgewise.symbolic.fitting.damped_steps import Damping, damped_step, descended, squared, triangle

# Allowed gaps between pieces in units of the noise, first wide, then next to none,
_GAPS = (3.0, 0.3, 0.03, 1e-3)
# and the steps of fitting at each.
_GAP_STEPS = (8, 8, 8, 12)
# Damping at first, for gaps as wide as the noise.
_DAMPING = 1e-4

# Multiplications in a unit of work.
_RATE = 2e9


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

    @cached_property
    def _latest(self) -> list[tuple[ShootingPoint, PieceSolution]]:
        """The last solution: after the loss at a point its slopes are asked for."""
        return []

    def _solution(self, point: ShootingPoint) -> PieceSolution:
        if not self._latest or self._latest[0][0] is not point:
            with np.errstate(all="ignore"):
                found = solution(self.pieces, self.model, point.constants, point.starts)
            self._latest[:] = [(point, found)]
        return self._latest[0][1]

    def loss(self, point: ShootingPoint) -> float:
        with np.errstate(all="ignore"):
            return squared(self._residual(self._solution(point).states))

    def matrix(self, point: ShootingPoint, more: Sequence[RateTerm] = ()) -> tuple[Floats, Floats]:
        """Residuals, and the slopes of what is solved in all starts, in the constants, and in the factors of more terms and
        of their slopes."""
        found = self._solution(point)
        with np.errstate(all="ignore"):
            Z = slopes(self.pieces, self.model, point.constants, found, more)
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
        return self._residual(found.states), table.reshape(-1, S * d + others)

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
    ways = list(zip(_GAPS, _GAP_STEPS, strict=True))
    for gap, steps in ways[-1:] if warm else ways:
        problem = Shooting(pieces, model, noise, gap)
        # Columns are scaled to length one, gaps included: what determines the constants is so much smaller.
        damping = Damping(start=_DAMPING * min(gap, 1.0) ** 2, falls=0.1, rises=8.0, least=1e-18)
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
