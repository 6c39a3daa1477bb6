"""Splines of one coordinate, with the conditions at both ends built in.

A space is all splines of a degree on given breaks (clamped knots), or those that are periodic. Homogeneous linear
conditions at the ends, such as u = 0, u' = 0 or u' + 2 u = 0, are solved for a few end coefficients: `Reduction.free`
takes the remaining coefficients to all of them, and `Reduction.lift` gives coefficients with prescribed values of the
conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import BSpline
from scipy.linalg import qr, solve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EndCondition:
    """sum over k of weights[k] times the k-th derivative, at the low or the high end."""

    high: bool
    weights: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Space:
    """Splines of one coordinate.

    Parameters
    ----------
    breaks : ndarray, shape (G + 1,)
        Strictly increasing.
    degree : int
        Polynomial degree k.
    periodic : bool
        Whether the function and its first k - 1 derivatives agree at both ends.

    Examples
    --------
    >>> space = Space(np.linspace(0, 1, 5), 3)
    >>> space.size, space.design(np.array([0.2]), 0).sum().round(12)
    (7, np.float64(1.0))

    References
    ----------
    C. de Boor, "A Practical Guide to Splines", revised edition, 2001.
    """

    breaks: Floats
    degree: int
    periodic: bool = False

    @property
    def intervals(self) -> int:
        """Number of intervals G."""
        return len(self.breaks) - 1

    @property
    def low(self) -> float:
        """Where the coordinate begins."""
        return float(self.breaks[0])

    @property
    def high(self) -> float:
        """Where the coordinate ends."""
        return float(self.breaks[-1])

    @property
    def live(self) -> int:
        """Number of splines that live on an interval: k + 1."""
        return self.degree + 1

    @property
    def size(self) -> int:
        """Number of coefficients: G + k, or G where periodic."""
        return self.intervals + (0 if self.periodic else self.degree)

    @cached_property
    def knots(self) -> Floats:
        """Knots, the k outer ones on either side included."""
        if not self.periodic:
            ends = np.ones(self.degree)
            return np.concatenate([self.low * ends, self.breaks, self.high * ends])
        # Going round as often as it takes: coarse grids have fewer intervals than the degree.
        turns = -(-self.degree // self.intervals) + 1
        span = self.high - self.low
        around = np.concatenate([self.breaks[:-1] + span * turn for turn in range(-turns, turns + 2)])
        first = turns * self.intervals - self.degree
        return around[first : first + self.intervals + 1 + 2 * self.degree]

    def local(self, local: Floats, order: int) -> Floats:
        """Values of the k + 1 live splines at places in [0, 1] of each interval: (m,) -> (G, m, k + 1)."""
        at = self.breaks[:-1, None] + np.diff(self.breaks)[:, None] * local
        k = self.degree
        if order > k:
            return np.zeros((self.intervals, len(local), k + 1))
        values = np.empty((self.intervals, len(local), k + 1))
        for e in range(self.intervals):
            # The piece on one interval depends on its 2 k + 2 knots alone; others would cost without counting.
            knots = self.knots[e : e + 2 * k + 2]
            piece = BSpline(knots, np.eye(k + 1), k)
            values[e] = (piece.derivative(order) if order else piece)(at[e])
        return values

    def index(self) -> NDArray[np.int64]:
        """Numbers of the live splines of each interval, shape (G, k + 1)."""
        every = np.arange(self.intervals)[:, None] + np.arange(self.degree + 1)
        return every % self.intervals if self.periodic else every

    def design(self, at: Floats, order: int = 0) -> Floats:
        """Derivative of the given order of every spline at places: (q,) -> (q, size)."""
        at = np.clip(np.asarray(at, dtype=float), self.low, self.high)
        n = self.intervals + self.degree
        if order > self.degree:
            return np.zeros((len(at), self.size))
        every = BSpline(self.knots, np.eye(n), self.degree)
        values = (every.derivative(order) if order else every)(at)
        if not self.periodic:
            return values
        folded = np.zeros((len(at), self.size))
        np.add.at(folded.T, np.arange(n) % self.intervals, values.T)
        return folded

    @cached_property
    def greville(self) -> Floats:
        """As many places as coefficients, at which a spline may be interpolated."""
        inner = np.lib.stride_tricks.sliding_window_view(self.knots[1:-1], self.degree).mean(1)
        if not self.periodic:
            return inner
        span = self.high - self.low
        return np.sort((inner[: self.size] - self.low) % span) + self.low

    @cached_property
    def interpolation(self) -> Floats:
        """Matrix that takes values at the Greville places to coefficients, (size, size)."""
        return np.asarray(np.linalg.inv(self.design(self.greville)), dtype=float)

    def refined(self, halve: NDArray[np.bool_]) -> Space:
        """The space in which the marked intervals are halved."""
        middle = (self.breaks[:-1] + self.breaks[1:])[halve] / 2
        return Space(np.sort(np.concatenate([self.breaks, middle])), self.degree, self.periodic)

    def insertion(self, fine: Space) -> Floats:
        """Matrix that takes coefficients to those of the same function on finer breaks, (fine.size, size)."""
        return fine.interpolation @ self.design(fine.greville)

    def jumps(self) -> Floats:
        """Jumps of the k-th derivative at the inner breaks (all breaks where periodic), times h^k: what it lacks there."""
        steps = np.diff(self.breaks)
        top = self.local(np.array([0.5]), self.degree)[:, 0]
        rows = np.zeros((self.intervals, self.size))
        np.add.at(rows, (np.arange(self.intervals)[:, None], self.index()), top)
        if self.periodic:
            jump, width = rows - np.roll(rows, 1, axis=0), np.minimum(steps, np.roll(steps, 1))
        else:
            jump, width = np.diff(rows, axis=0), np.minimum(steps[1:], steps[:-1])
        return jump * width[:, None] ** self.degree


@dataclass(frozen=True, eq=False)
class Reduction:
    """A space less homogeneous conditions at its ends.

    Attributes
    ----------
    free : sparse matrix, shape (size, size - m)
        Takes free coefficients to all coefficients of a spline that meets the m conditions with zero.
    lift : ndarray, shape (size, m)
        Coefficients of splines that meet one condition with 1 and the others with 0.
    rows : ndarray, shape (m, size)
        The conditions as rows over the coefficients.
    """

    free: Any
    lift: Floats
    rows: Floats


def reduce(space: Space, conditions: Sequence[EndCondition]) -> Reduction:
    """The conditions at the ends, solved for as many end coefficients."""
    if not conditions or space.periodic:
        free = sparse.identity(space.size, format="csr")
        return Reduction(free, np.zeros((space.size, 0)), np.zeros((0, space.size)))
    rows = np.array([_row(space, condition) for condition in conditions])
    # Of the coefficients that a condition holds, those that carry most of it are solved for.
    scaled = rows / np.abs(rows).max(axis=1, keepdims=True)
    pivots: Any = qr(scaled, mode="r", pivoting=True)
    solved = np.sort(pivots[1][: len(rows)])
    others = np.setdiff1d(np.arange(space.size), solved)
    block = rows[:, solved]
    free = sparse.lil_matrix((space.size, len(others)))
    free[others, np.arange(len(others))] = 1.0
    follow = -solve(block, rows[:, others])
    follow[np.abs(follow) < 1e-14 * np.abs(follow).max(initial=1.0)] = 0
    free[solved] = follow
    lift = np.zeros((space.size, len(rows)))
    lift[solved] = np.linalg.inv(block)
    return Reduction(free.tocsr(), lift, rows)


def _row(space: Space, condition: EndCondition) -> Floats:
    at = np.array([space.high if condition.high else space.low])
    return sum(
        (w * space.design(at, k)[0] for k, w in enumerate(condition.weights) if w), np.zeros(space.size)
    )
