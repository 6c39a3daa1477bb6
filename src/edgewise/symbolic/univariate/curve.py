"""The curve that a one-variable formula is sought for: sorted points, weights, what counts as exact, how much noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats

# What leaves no more than so many times the exact residual, or the noise, may be the law; what is long and leaves more only
# imitates it.
NEAR_EXACT_TIMES = 30.0
_NEAR_NOISE_TIMES = 1.5


@dataclass(frozen=True, eq=False)
class CurvePoints:
    """A curve, sorted by x.

    Parameters
    ----------
    x, y, weight
        The points; weights have mean one.
    accuracy
        The relative residual below which a formula counts as exact.
    noise
        The relative residual of a smooth model, never below `accuracy`: what no right formula can do better than.
    """

    x: Floats
    y: Floats
    weight: Floats
    accuracy: float
    noise: float

    @property
    def spread(self) -> float:
        """The weighted standard deviation of y; of a constant curve, its size."""
        mean = float(np.average(self.y, weights=self.weight))
        spread = math.sqrt(float(np.average(np.square(self.y - mean), weights=self.weight)))
        return spread if spread > 1e-14 * abs(mean) else max(abs(mean), 1e-300)

    @property
    def exact(self) -> float:
        """The residual at which a formula needs no better one: what `accuracy` or floating point allows."""
        rounding = 4e-16 * float(np.abs(self.y).max()) / self.spread
        return max(self.accuracy, 8 * rounding)

    @property
    def near(self) -> float:
        """The residual that something close to the law may have; what is long and leaves more only imitates the curve."""
        return max(NEAR_EXACT_TIMES * self.exact, _NEAR_NOISE_TIMES * self.noise)

    def thinned(self, most: int) -> CurvePoints:
        """At most so many points, evenly by rank."""
        if len(self.x) <= most:
            return self
        rows = np.unique(np.linspace(0, len(self.x) - 1, most).round().astype(np.intp))
        weight = self.weight[rows]
        return replace(self, x=self.x[rows], y=self.y[rows], weight=weight / weight.mean())

    def with_target(self, y: Floats, weight: Floats) -> CurvePoints | None:
        """The same places with other values, without the rows where they are not numbers; None if too few are left."""
        good = np.isfinite(y) & np.isfinite(weight) & (weight > 0) & (np.abs(y) < 1e100)
        if good.sum() < max(12, 0.9 * len(y)):
            return None
        weight = weight[good]
        return replace(self, x=self.x[good], y=y[good], weight=weight / weight.mean())


def smooth_noise(x: Floats, y: Floats, weight: Floats) -> float:
    """The relative residual of the best smooth curve: Chebyshev series of growing degree, by generalized
    cross-validation (Craven and Wahba 1979, doi:10.1007/BF01404567)."""
    n = len(x)
    spread = math.sqrt(float(np.average(np.square(y - np.average(y, weights=weight)), weights=weight)))
    if x[-1] <= x[0] or spread == 0:
        return 0.0
    t = 2 * (x - x[0]) / (x[-1] - x[0]) - 1
    most = min(n // 3, 60)
    root = np.sqrt(weight / weight.mean())
    basis = np.polynomial.chebyshev.chebvander(t, most) * root[:, None]
    q, _ = np.linalg.qr(basis)
    target = y * root
    left = float(target @ target) - np.cumsum(np.square(q.T @ target))
    # The last sums cancel; what is left is then known no better than this.
    left = np.maximum(left, 1e-15 * float(target @ target))
    degrees = np.arange(1, most + 2)
    validation = left / (1 - degrees / n) ** 2
    best = int(np.argmin(validation))
    fitted = q[:, : best + 1] @ (q[:, : best + 1].T @ target)
    rss = float(np.square(target - fitted).sum())
    return min(math.sqrt(rss / max(n - best - 1, 1)), _local_noise(x, y)) / spread


def _local_noise(x: Floats, y: Floats) -> float:
    """How far the points lie from the cubics through their four neighbours, by the median: a step or a cusp, which no
    series follows, concerns few points (after Gasser, Sroka and Jennen-Steinmetz 1986, doi:10.1093/biomet/73.3.625)."""
    count = len(x) - 4
    places = np.stack([x[at : at + count] for at in (0, 1, 3, 4)])
    values = np.stack([y[at : at + count] for at in (0, 1, 3, 4)])
    middle = x[2 : 2 + count]
    with np.errstate(all="ignore"):
        weights = np.stack(
            [
                np.prod(
                    [(middle - places[k]) / (places[at] - places[k]) for k in range(4) if k != at], axis=0
                )
                for at in range(4)
            ]
        )
        left = (y[2 : 2 + count] - (weights * values).sum(axis=0)) / np.sqrt(
            1 + np.square(weights).sum(axis=0)
        )
    left = left[np.isfinite(left)]
    # Of normal errors the median size is 0.6745 standard deviations.
    return float(np.median(np.abs(left))) / 0.6745 if len(left) > count // 2 else math.inf
