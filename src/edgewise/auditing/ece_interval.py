"""The interval of an expected calibration error, by a test of each value it may have.

The error of a group is a sum over bins of |d|, where d is the mean of outcome minus probability within the bin, counted
over all rows. Noise makes every |d| larger, so the plain error of a calibrated model is not 0, and resamples, which add
noise once more, lie above the truth altogether: of calibrated models the middle 95 % of them never hold it. Here an error
is kept where the one observed is no rarer than 2.5 % on either side among normal draws about bins with that error. These
are the ones nearest to what was observed, in standard errors: all |d| shrink or grow by one multiple of their variances.
Gaps between groups come from the same draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.seeds import derive, numpy_generator
from edgewise.auditing.bootstrap import Outcomes, bin_of
from edgewise.auditing.groups import Grouping
from edgewise.auditing.widest import Sampled

DRAWS, HALVINGS = 2000, 40


@dataclass(frozen=True, eq=False)
class _Bins:
    """Sizes of the mean errors of bins, their variances (b,), draws of their noise (draws, b); and what has no noise."""

    mean: Floats
    variance: Floats
    noise: Floats
    exact: float

    @classmethod
    def of(cls, rest: Floats, bins: NDArray[np.int64], weight: Floats, draws: int, seed: int | None) -> _Bins:
        """Those of some rows, with a positive weight in all."""
        total = float(weight.sum())
        inside = bins[:, None] == np.unique(bins)
        parts = inside * (weight * rest)[:, None] / total
        mean = parts.sum(0)
        # The share of the rows that a bin holds is chance as well.
        variance = ((parts - mean * (weight / total)[:, None]) ** 2).sum(0)
        noisy, mean = variance > 0, np.abs(mean)
        random = numpy_generator(seed).standard_normal((draws, int(noisy.sum())))
        noise = np.sqrt(variance[noisy]) * random
        return cls(mean[noisy], variance[noisy], noise, float(mean[~noisy].sum()))

    @property
    def observed(self) -> float:
        """The error of the rows as they are."""
        return float(self.mean.sum()) + self.exact

    def error(self, size: float) -> float:
        """The true error where all bins are moved by a multiple of their variances."""
        return float(self._moved(size).sum()) + self.exact

    def drawn(self, size: float) -> Floats:
        """Errors that samples would then show, (draws,)."""
        return np.abs(self._moved(size) + self.noise).sum(1) + self.exact

    def size(self, error: float) -> float:
        """The multiple at which the true error is so large, or as near to that as it can be."""
        turns = np.sort(-self.mean / self.variance)
        turns = np.append(turns, max(turns[-1], 0.0) + 1.0 / float(self.variance.sum()))
        return float(np.interp(error, [self.error(turn) for turn in turns], turns))

    def crossing(self, share: float, *, strictly: bool = False) -> float:
        """The multiple from which on at least (or more than) this share of the samples show no less than was observed."""

        def reached(size: float) -> bool:
            above = float((self.drawn(size) >= self.observed).mean())
            return above > share if strictly else above >= share

        least = -(1 + 1e-9) * float((self.mean / self.variance).max())  # all bins at nothing
        if reached(least):
            return least
        # An error of 1 more is the largest there is.
        return _crossed(reached, least, 0.0 if reached(0.0) else 1.0 / float(self.variance.sum()))

    def _moved(self, size: float) -> Floats:
        return np.maximum(self.mean + size * self.variance, 0.0)


def group_intervals(
    outcomes: Outcomes, part: Grouping, level: float, seed: int | None
) -> list[tuple[float, float]]:
    """The interval of each group of an attribute."""
    rest, bins = outcomes.actual - outcomes.score, bin_of(outcomes.score)
    inside = [part.codes == g for g in range(len(part.groups))]
    return [ece_interval(rest[own], bins[own], outcomes.weight[own], level, seed) for own in inside]


def sampled_errors(
    outcomes: Outcomes, part: Grouping, among: NDArray[np.bool_], draws: int, seed: int
) -> Sampled:
    """The errors of some groups (g,), and what samples of groups with other errors would show."""
    rest, bins = outcomes.actual - outcomes.score, bin_of(outcomes.score)
    inside = [part.codes == g for g in np.flatnonzero(among)]
    groups = [
        _Bins.of(rest[own], bins[own], outcomes.weight[own], draws, derive(seed, k))
        for k, own in enumerate(inside)
    ]

    def noise(true: Floats) -> Floats:
        shown = [
            own.drawn(own.size(error)) if len(own.mean) else np.full(draws, error)
            for own, error in zip(groups, true, strict=True)
        ]
        return np.stack(shown, 1)

    def spread(true: Floats) -> Floats:
        return np.maximum(noise(true).std(0), 1e-9)

    # Half of the samples show more than was observed.
    middle = [own.error(own.crossing(0.5)) if len(own.mean) else own.exact for own in groups]
    return Sampled(np.array(middle), spread, noise)


def ece_interval(
    rest: Floats, bins: NDArray[np.int64], weight: Floats, level: float, seed: int | None = 0
) -> tuple[float, float]:
    """The calibration errors that a test keeps, and always that which was observed.

    Parameters
    ----------
    rest : array, shape (n,)
        Outcome minus probability of every row.
    bins : array of int, shape (n,)
    weight : array, shape (n,)
    level : float
        Share of repetitions whose interval holds the true error.
    seed : int, optional
        Of the normal draws.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> r = np.random.default_rng(0)
    >>> p = r.random(2000)
    >>> y = r.random(2000) < p  # calibrated: its error is 0
    >>> bins = (10 * p).astype(int)
    >>> low, high = ece_interval(y - p, bins, np.ones(2000), 0.95)
    >>> low, high < 0.05
    (0.0, True)
    """
    if not float(weight.sum()) > 0:
        return float("nan"), float("nan")
    own = _Bins.of(rest, bins, weight, DRAWS, seed)
    observed = own.observed
    if not len(own.mean):
        return observed, observed
    tail = (1 - level) / 2
    low, high = own.error(own.crossing(tail)), own.error(own.crossing(1 - tail, strictly=True))
    return min(low, observed), min(max(high, observed), 1.0)


def _crossed(reached: Callable[[float], bool], low: float, high: float) -> float:
    """Where a statement that is false at the low end, and true from some number on, becomes true."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
