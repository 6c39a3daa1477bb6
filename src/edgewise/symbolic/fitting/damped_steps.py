"""Levenberg-Marquardt: damped Gauss-Newton steps from a point, until they no longer pay.

One loop for every sum of squares that numpy holds, whatever a point is: constants of a formula, those that do not only scale
terms, functions to learn; and the same for many points side by side, as closed forms of a curve are refined. Networks go on
the normal equations of training.

References
----------
Moré (1978), The Levenberg-Marquardt algorithm: implementation and theory. doi:10.1007/BFb0067700
Nielsen (1999), Damping parameter in Marquardt's method. IMM-REP-1999-05
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Bools, Floats

Ints = NDArray[np.intp]
Point = TypeVar("Point")
Slopes = TypeVar("Slopes")


class LeastSquares(Protocol[Point, Slopes]):
    """A sum of squares to make small."""

    def loss(self, point: Point, /) -> float:
        """The sum of squares; infinite where it has no value."""
        ...

    def slopes(self, point: Point, /) -> Slopes | None:
        """Residuals and their slopes at a point; None where these cannot be calculated with."""
        ...

    def moved(self, point: Point, slopes: Slopes, damping: float, /) -> Point:
        """Where a step with so much damping leads."""
        ...


@dataclass(frozen=True)
class Damping:
    """How damping goes: the factors after a step that pays and one that does not, and its limits.

    `swell` is what the factor itself is multiplied by with every refusal in a row: 2 is Nielsen's rule.
    """

    falls: float = 0.1
    rises: float = 7.0
    swell: float = 1.0
    least: float = 1e-14
    most: float = 1e10
    start: float = 1e-3


@dataclass(frozen=True, eq=False)
class DampedResult(Generic[Point, Slopes]):
    """Where the steps ended, the sum of squares there, its slopes (those of the last point that has any), and whether it is
    the point itself that has them."""

    point: Point
    loss: float
    slopes: Slopes | None
    has_slopes: bool


def descended(
    problem: LeastSquares[Point, Slopes],
    start: Point,
    *,
    steps: int,
    tolerance: float = 1e-13,
    floor: float = 0.0,
    damping: Damping = Damping(),
) -> DampedResult[Point, Slopes]:
    """Steps from a start, each taken where it lowers the sum of squares.

    Parameters
    ----------
    problem
        The sum of squares.
    start
        The point to start from.
    steps
        The most steps tried.
    tolerance
        The end is a step that gains no more than this share of the sum.
    floor
        A sum that counts as zero.
    damping
        How damping goes.
    """
    point, loss = start, problem.loss(start)
    slopes = problem.slopes(start) if np.isfinite(loss) else None
    best, brake, rises = slopes, damping.start, damping.rises
    for _ in range(steps):
        if slopes is None:
            break
        trial = problem.moved(point, slopes, brake)
        reached = problem.loss(trial)
        if reached < loss:
            settled = loss - reached <= tolerance * loss or reached <= floor
            point, loss, slopes = trial, reached, problem.slopes(trial)
            best = best if slopes is None else slopes
            brake, rises = max(brake * damping.falls, damping.least), damping.rises
            if settled:
                break
        else:
            brake, rises = brake * rises, rises * damping.swell
            if brake > damping.most:
                break
    return DampedResult(point, loss, best, slopes is not None)


@dataclass(frozen=True, eq=False)
class BatchOfPoints:
    """Points side by side, (m, ...): sums of squares, gradients and normal equations at each."""

    at: Floats
    loss: Floats
    gradient: Floats
    normal: Floats

    def take(self, rows: Bools) -> BatchOfPoints:
        """Some of them."""
        return BatchOfPoints(self.at[rows], self.loss[rows], self.gradient[rows], self.normal[rows])

    def where(self, chosen: Bools, other: BatchOfPoints) -> BatchOfPoints:
        """The chosen points of the other, and these elsewhere."""
        pairs = zip(vars(other).values(), vars(self).values(), strict=True)
        return BatchOfPoints(
            *(np.where(chosen.reshape(-1, *[1] * (new.ndim - 1)), new, old) for new, old in pairs)
        )


def descended_together(
    start: BatchOfPoints,
    moved: Callable[[Ints, BatchOfPoints, Floats], BatchOfPoints],
    *,
    steps: int,
    tolerance: float,
    floor: float,
    damping: Damping,
    leads: Callable[[int, Ints, Floats], Bools | None],
) -> tuple[Floats, Floats]:
    """Where the steps of many points end, and the sums of squares there.

    Parameters
    ----------
    start
        The points to start from.
    moved
        What a step leads to: of the points with these numbers, from there, with so much damping each.
    steps, tolerance, floor, damping
        As in `descended`.
    leads
        Which of the points with these numbers and sums go on after so many steps; None for all.
    """
    at, loss = start.at.copy(), np.full(len(start.loss), np.inf)
    rows, now = np.arange(len(loss)), start
    brake, live = np.full(len(loss), damping.start), np.isfinite(start.loss)
    for step in range(steps + 1):
        at[rows], loss[rows] = now.at, now.loss
        live &= (now.loss > floor) & (brake < damping.most)
        good = leads(step, rows, now.loss)
        live = live if good is None else live & good
        if step == steps or not live.any():
            break
        rows, brake, now = rows[live], brake[live], now.take(live)
        trial = moved(rows, now, brake)
        better = trial.loss < now.loss
        # A sum that no longer falls is settled; one near zero goes on to rounding.
        live = ~better | (trial.loss < (1 - tolerance) * now.loss)
        brake = np.where(better, np.maximum(brake * damping.falls, damping.least), brake * damping.rises)
        now = now.where(better, trial)
    return at, loss


def leaders(group: Ints, loss: Floats) -> Bools:
    """The best of each group."""
    order = np.lexsort((loss, group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    leading = np.zeros(len(group), dtype=bool)
    leading[order[first]] = True
    return leading


def triangle(slopes: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """The R factor of a matrix and the residual in its coordinates: normal equations would square the condition number."""
    size = slopes.shape[1]
    r = np.asarray(np.linalg.qr(np.column_stack([slopes, residual]), mode="r"), dtype=np.float64)
    if r.shape[0] < size:
        r = np.vstack([r, np.zeros((size - r.shape[0], size + 1))])
    return r[:size, :size], r[:size, size]


def damped_step(factor: Floats, projected: Floats, damping: float) -> Floats:
    """The damped step of a system in its R factor."""
    size = len(projected)
    system = np.vstack([factor, np.sqrt(damping) * np.eye(size)])
    solution = np.linalg.lstsq(system, np.concatenate([projected, np.zeros(size)]), rcond=None)[0]
    return solution.astype(np.float64)


def squared(residual: Floats) -> float:
    """The sum of squares; infinite where one is not a number."""
    with np.errstate(all="ignore"):
        total = float(residual @ residual)
    return total if np.isfinite(total) else np.inf


def bounded(slopes: Floats) -> bool:
    """Is every slope a number that can be calculated with? Beyond, the formula is about to blow up on some row."""
    return bool((np.abs(slopes) < 1e150).all())
