"""Solutions of periodic problems as waves that turn on their own, with amplitudes that change slowly:

    u(x, t) = sum over k of exp(i k x) V_k exp(L_k (t - t_n)) a_k(t),

a_k polynomials on slabs of time from t_n on, L_k and V_k values and vectors of the linear part of the equations. Fast waves
cost nothing then: only what the other terms do to them has to be followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

# So many numbers at most are made at once for values at single places.
_AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class Waves:
    """The unknowns of a periodic problem in one coordinate of space.

    Attributes
    ----------
    axis : int
        Number of the coordinate of time, 0 or 1.
    low, span : float
        Where the coordinate of space begins, and after how much it repeats.
    edges : ndarray, shape (S + 1,)
        Where slabs of time meet, both ends included.
    rates, vectors : ndarray, shapes (K, F) and (K, F, F)
        L_k and V_k of the waves k = 0, ..., K - 1 of F unknowns; the others are conjugates.
    slabs : tuple of ndarray, shape (P, F, K)
        Legendre coefficients of a_k on each slab.
    """

    axis: int
    low: float
    span: float
    edges: Floats
    rates: NDArray[np.complex128]
    vectors: NDArray[np.complex128]
    slabs: tuple[NDArray[np.complex128], ...]

    @property
    def coefficients(self) -> int:
        """Numbers that describe it."""
        return int(sum(2 * np.size(table) for table in self.slabs))

    @property
    def numbers(self) -> Floats:
        """Wave numbers (K,)."""
        return 2 * np.pi / self.span * np.arange(float(len(self.rates)))

    def amplitudes(self, times: Floats, order: int = 0) -> Any:
        """Fourier coefficients of all unknowns, or of a derivative in time: (times, F, K)."""
        found = np.empty((len(times), *self.slabs[0].shape[1:]), dtype=complex)
        which = np.searchsorted(self.edges[1:-1], times, side="left")
        for n in np.unique(which):
            rows = np.flatnonzero(which == n)
            first, length = self.edges[n], self.edges[n + 1] - self.edges[n]
            table = self.slabs[n]
            for _ in range(order):
                slope = legendre.legder(table, axis=0) * (2 / length)
                table = self.rates.T * table
                table[: len(slope)] += slope
            since = times[rows] - first
            polynomials = legendre.legvander(2 * since / length - 1, len(table) - 1)
            own = np.tensordot(polynomials, table, axes=(1, 0)) * np.exp(self.rates.T * since[:, None, None])
            found[rows] = np.einsum("kfg,qgk->qfk", self.vectors, own)
        return found

    def _weights(self, order: int) -> Any:
        """What a wave and its conjugate add to values, or to a derivative in space."""
        twice = np.full(len(self.rates), 2.0)
        twice[0] = 1.0
        return twice * (1j * self.numbers) ** order

    def points(self, unknown: int, at: Floats, orders: Sequence[int]) -> Floats:
        """Values or a derivative at points (q, 2)."""
        space, time = at[:, 1 - self.axis], at[:, self.axis]
        weights = self._weights(orders[1 - self.axis])
        values = np.empty(len(at))
        step = max(_AT_ONCE // (len(self.rates) * self.slabs[0].shape[1]), 1)
        for first in range(0, len(at), step):
            part = slice(first, first + step)
            waves = np.exp(1j * self.numbers * (space[part, None] - self.low))
            own = self.amplitudes(time[part], orders[self.axis])[:, unknown] * weights
            values[part] = (own * waves).sum(1).real
        return values

    def grid(self, unknown: int, at: Sequence[Floats], orders: Sequence[int] = ()) -> Floats:
        """Values or a derivative on the grid of all combinations of places."""
        orders = orders or (0, 0)
        space, times = at[1 - self.axis], at[self.axis]
        waves = np.exp(1j * self.numbers[:, None] * (space - self.low))
        own = self.amplitudes(times, orders[self.axis])[:, unknown] * self._weights(orders[1 - self.axis])
        values = (own @ waves).real
        return values if self.axis == 0 else values.T

    def distance(self, other: Waves) -> tuple[float, ...]:
        """Relative L2 difference from another solution, one an unknown."""
        nodes, share = legendre.leggauss(self.slabs[0].shape[0])
        count = self.slabs[0].shape[1]
        size, apart = np.zeros(count), np.zeros(count)
        for low, high in zip(self.edges[:-1], self.edges[1:], strict=True):
            times = low + (high - low) * (nodes + 1) / 2
            mine, theirs = self.amplitudes(times), other.amplitudes(times)
            wide = max(mine.shape[2], theirs.shape[2])
            both = [np.pad(a, ((0, 0), (0, 0), (0, wide - a.shape[2]))) for a in (mine, theirs)]
            twice = np.full(wide, 2.0)
            twice[0] = 1.0
            weights = share * (high - low) / 2
            size += np.einsum("q,qfk,k->f", weights, np.abs(both[0]) ** 2, twice)
            apart += np.einsum("q,qfk,k->f", weights, np.abs(both[0] - both[1]) ** 2, twice)
        # An unknown that vanishes has no relative error of its own.
        return tuple(np.sqrt(apart / np.maximum(size, max(1e-12 * size.max(), 1e-300))).tolist())
