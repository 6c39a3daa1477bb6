"""Splines of one coordinate, with the conditions at both ends built in.

A space is all splines of a degree on given breaks (clamped knots), or those that are periodic. Homogeneous linear
conditions at the ends, such as u = 0, u' = 0 or u' + 2 u = 0, are solved for a few end coefficients: `Reduction.free`
takes the remaining coefficients to all of them, and `Reduction.lift` gives coefficients with prescribed values of the
conditions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import qr, solve

from edgewise._core.arrays import Floats

# Intervals are not halved below this share of the whole: their splines' places would coincide by rounding.
_NARROWEST = 1e-12


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
        key = (order, local.tobytes())
        if key not in self._held:
            self._held[key] = self._local(local, order)
        return self._held[key]

    @cached_property
    def _held(self) -> dict[tuple[int, bytes], Floats]:
        return {}

    @cached_property
    def reduced(self) -> dict[tuple[EndCondition, ...], Reduction]:
        """What `reduce` has made of the space; slabs of time ask again and again."""
        return {}

    def lowered(self, by: int) -> Space:
        """Splines of a lower degree on the same breaks, among which are the derivatives of these of that order."""
        if by not in self._lowered:
            self._lowered[by] = Space(self.breaks, self.degree - by, self.periodic) if by else self
        return self._lowered[by]

    @cached_property
    def _lowered(self) -> dict[int, Space]:
        return {}

    def _local(self, local: Floats, order: int) -> Floats:
        at = self.breaks[:-1, None] + np.diff(self.breaks)[:, None] * local
        cells = np.repeat(np.arange(self.intervals), len(local))
        return self._live_at(at.ravel(), cells, order).reshape(self.intervals, len(local), -1)

    def _live_at(self, at: Floats, cells: NDArray[np.int64], order: int) -> Floats:
        """The k + 1 live splines at places of given intervals, by the recurrences of de Boor: (q, k + 1)."""
        k, knots, first = self.degree, self.knots, cells + self.degree
        values = np.zeros((len(at), k + 1))
        if order > k:
            return values
        values[:, 0] = 1.0
        for degree in range(1, k + 1):
            # Before the last `order` steps values are summed, in these slopes: both have the same parts.
            slope = degree > k - order
            carried = np.zeros(len(at))
            for r in range(degree):
                right, left = knots[first + r + 1], knots[first + r + 1 - degree]
                part = values[:, r] / (right - left)
                if slope:
                    values[:, r] = carried - degree * part
                    carried = degree * part
                else:
                    values[:, r] = carried + (right - at) * part
                    carried = (at - left) * part
            values[:, degree] = carried
        return values

    def index(self) -> NDArray[np.int64]:
        """Numbers of the live splines of each interval, shape (G, k + 1)."""
        every = np.arange(self.intervals)[:, None] + np.arange(self.degree + 1)
        return every % self.intervals if self.periodic else every

    def design(self, at: Floats, order: int = 0) -> Floats:
        """Derivative of the given order of every spline at places: (q,) -> (q, size)."""
        return self.matrix(at, order).toarray()

    def matrix(self, at: Floats, order: int = 0) -> Any:
        """The same as a sparse matrix."""
        at = np.clip(np.asarray(at, dtype=float), self.low, self.high)
        cells = np.clip(np.searchsorted(self.breaks, at, side="right") - 1, 0, self.intervals - 1)
        rows = np.repeat(np.arange(len(at)), self.live)
        places = (rows, self.index()[cells].ravel())
        return sparse.csr_matrix(
            (self._live_at(at, cells, order).ravel(), places), shape=(len(at), self.size)
        )

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
        """The space in which the marked intervals are halved, if their middles are other numbers than their ends."""
        wide = np.diff(self.breaks) > _NARROWEST * (self.high - self.low)
        middle = (self.breaks[:-1] + self.breaks[1:])[halve & wide] / 2
        return Space(np.sort(np.concatenate([self.breaks, middle])), self.degree, self.periodic)

    def denser(self, times: float) -> Space:
        """The space with more intervals, at least one, as dense along the coordinate as these are."""
        count = max(int(np.ceil(times * self.intervals)), self.intervals + 1)
        places = np.linspace(0, self.intervals, count + 1)
        return Space(
            np.interp(places, np.arange(self.intervals + 1), self.breaks), self.degree, self.periodic
        )

    def equal(self, factor: float) -> Space:
        """So many more intervals, twice as many at most, all equal."""
        count = int(np.ceil(self.intervals * float(np.clip(factor, 1.0, 2.0)) - 1e-9))
        return Space(
            np.linspace(self.low, self.high, max(count, self.intervals + 1) + 1), self.degree, self.periodic
        )

    def insertion(self, fine: Space) -> Floats:
        """Matrix that takes coefficients to those of the same function on finer breaks, (fine.size, size)."""
        return fine.interpolation @ self.design(fine.greville)

    def jumps(self) -> Floats:
        """Jumps of the k-th derivative at the inner breaks, or at all where periodic: (breaks, size)."""
        top = self.local(np.array([0.5]), self.degree)[:, 0]
        rows = np.zeros((self.intervals, self.size))
        np.add.at(rows, (np.arange(self.intervals)[:, None], self.index()), top)
        return rows - np.roll(rows, 1, axis=0) if self.periodic else np.diff(rows, axis=0)


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

    @cached_property
    def own(self) -> NDArray[np.int64]:
        """Which coefficient each free one is; those that were solved for follow."""
        columns = self.free.tocsc()
        own = np.empty(columns.shape[1], dtype=np.int64)
        for j, (a, b) in enumerate(itertools.pairwise(columns.indptr)):
            own[j] = columns.indices[a + np.argmin(np.abs(columns.data[a:b] - 1))]
        return own

    def local(self, space: Space) -> tuple[NDArray[np.int64], Floats]:
        """Numbers of the free coefficients of each interval (G, k + 1), and how live splines depend on them."""
        if "local" not in self._held:
            self._held["local"] = self._local(space)
        return self._held["local"]

    @cached_property
    def _held(self) -> dict[str, tuple[NDArray[np.int64], Floats]]:
        return {}

    def _local(self, space: Space) -> tuple[NDArray[np.int64], Floats]:
        index, free = space.index(), self.free
        if free.shape[0] == free.shape[1] and space.intervals >= space.live:
            return index, np.broadcast_to(np.eye(space.live), (*index.shape, space.live))
        numbers = np.zeros(index.shape, dtype=np.int64)
        through = np.zeros((*index.shape, index.shape[1]))
        for e, live in enumerate(index):
            # On coarse periodic grids a spline may live twice on an interval; its rows then stand twice.
            rows = free[live]
            columns = np.unique(rows.indices)
            numbers[e] = columns[0]
            numbers[e, : len(columns)] = columns
            through[e, :, : len(columns)] = rows[:, columns].toarray()
        return numbers, through


def reduce(space: Space, conditions: Sequence[EndCondition]) -> Reduction:
    """The conditions at the ends, solved for as many end coefficients."""
    key = () if space.periodic else tuple(conditions)
    if key not in space.reduced:
        space.reduced[key] = _reduce(space, key)
    return space.reduced[key]


def _reduce(space: Space, conditions: Sequence[EndCondition]) -> Reduction:
    if not conditions:
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
