"""Curves as Bézier pieces: splines of degree three and less exactly, others as closely as can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

# Pieces of a curve that is no spline are halved until they are within this share of its height, or this often.
CLOSE, HALVINGS, FIRST = 1 / 1000, 10, 8
# From values at thirds of a piece to the ordinates of its Bézier points.
_POINTS = np.array([[6.0, 0, 0, 0], [-5, 18, -9, 2], [2, -9, 18, -5], [0, 0, 0, 6]]).T / 6
_THIRDS = np.array([0.0, 1 / 3, 2 / 3, 1.0])
_BETWEEN = np.array([1 / 6, 1 / 2, 5 / 6])


@dataclass(frozen=True, eq=False)
class BezierPieces:
    """Cubic pieces: their ends, (P + 1,), and the ordinates of their Bézier points, (P, 4); abscissae are at thirds."""

    ends: Floats
    points: Floats

    def at(self, share: Floats) -> tuple[Floats, Floats]:
        """Places and values at shares of every piece, each (P, len(share))."""
        t, s = share[None], 1 - share[None]
        p = self.points[:, :, None]
        y = s**3 * p[:, 0] + 3 * s**2 * t * p[:, 1] + 3 * s * t**2 * p[:, 2] + t**3 * p[:, 3]
        return self.ends[:-1, None] + np.diff(self.ends)[:, None] * t, y


def spline_pieces(curve: Callable[[Floats], Floats], ends: Floats) -> BezierPieces:
    """A curve that is a cubic between all ends."""
    x = ends[:-1, None] + np.diff(ends)[:, None] * _THIRDS
    with np.errstate(invalid="ignore"):  # a value that is not finite leaves a gap
        return BezierPieces(ends, curve(x.ravel()).reshape(x.shape) @ _POINTS)


def close_pieces(curve: Callable[[Floats], Floats], low: float, high: float) -> BezierPieces:
    """Any curve; where it jumps, a steep straight piece."""
    ends = np.linspace(low, high, FIRST + 1)
    for _ in range(HALVINGS):
        made = spline_pieces(curve, ends)
        far = _far(made, curve)
        if not far.any():
            return made
        middles = (ends[:-1] + ends[1:])[far] / 2
        ends = np.sort(np.concatenate([ends, middles]))
    made = spline_pieces(curve, ends)
    steep = _far(made, curve)
    first, last = made.points[:, :1], made.points[:, 3:]
    return BezierPieces(ends, np.where(steep[:, None], first + (last - first) * _THIRDS, made.points))


def _far(made: BezierPieces, curve: Callable[[Floats], Floats]) -> NDArray[np.bool_]:
    """Which pieces are further from the curve than can be seen."""
    x, y = made.at(_BETWEEN)
    true = curve(x.ravel()).reshape(x.shape)
    good = made.points[np.isfinite(made.points)]
    height = float(np.ptp(good)) if good.size else 0.0
    with np.errstate(invalid="ignore"):
        return np.abs(y - true).max(axis=1) > CLOSE * height
