"""The interval of an expected calibration error, by a test of each value it may have.

The error of a group is a sum over bins of |d|, where d is the mean of outcome minus probability within the bin, counted
over all rows. Noise makes every |d| larger, so the plain error of a calibrated model is not 0, and resamples, which add
noise once more, lie above the truth altogether: of calibrated models the middle 95 % of them never hold it. Here an error
is kept where the one observed is no rarer than 2.5 % on either side among normal draws about bins with that error. These
are the ones nearest to what was observed, in standard errors: all |d| shrink or grow by one multiple of their variances.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgewise._core.seeds import numpy_generator
from edgewise.auditing.bootstrap import Outcomes, bin_of
from edgewise.auditing.groups import Grouping

Floats = NDArray[np.float64]

DRAWS, HALVINGS = 2000, 40


def group_intervals(
    outcomes: Outcomes, part: Grouping, level: float, seed: int | None
) -> list[tuple[float, float]]:
    """The interval of each group of an attribute."""
    rest, bins = outcomes.actual - outcomes.score, bin_of(outcomes.score)
    inside = [part.codes == g for g in range(len(part.groups))]
    return [ece_interval(rest[own], bins[own], outcomes.weight[own], level, seed) for own in inside]


def widest_gap(
    outcomes: Outcomes, part: Grouping, level: float, seed: int | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Intervals of the widest difference between groups and of the smallest ratio.

    They follow from intervals that hold the errors of all groups at once, and so hold the truth as often as they say, or
    more often.
    """
    ends = group_intervals(outcomes, part, 1 - (1 - level) / len(part.groups), seed)
    low, high = np.array([each for each in ends if not np.isnan(each[0])]).T
    difference = max(0.0, float(low.max() - high.min())), float(high.max() - low.min())
    least = float(low.min() / high.max()) if high.max() > 0 else 1.0
    most = min(1.0, float(high.min() / low.max())) if low.max() > 0 else 1.0
    return difference, (least, most)


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
    total = float(weight.sum())
    if not total > 0:
        return float("nan"), float("nan")
    inside = bins[:, None] == np.unique(bins)
    parts = inside * (weight * rest)[:, None] / total
    mean = parts.sum(0)
    # The share of the rows that a bin holds is chance as well.
    variance = ((parts - mean * (weight / total)[:, None]) ** 2).sum(0)
    noisy, mean = variance > 0, np.abs(mean)
    observed, exact = float(mean.sum()), float(mean[~noisy].sum())
    mean, variance = mean[noisy], variance[noisy]
    if not len(mean):
        return observed, observed
    noise = np.sqrt(variance) * numpy_generator(seed).standard_normal((DRAWS, len(mean)))

    def moved(size: float) -> Floats:
        return np.maximum(mean + size * variance, 0.0)

    def above(size: float) -> float:
        drawn = np.abs(moved(size) + noise).sum(1) + exact
        return float((drawn >= observed).mean())

    tail = (1 - level) / 2
    least = -(1 + 1e-9) * float((mean / variance).max())  # all bins at nothing
    low = least if above(least) >= tail else _crossed(lambda size: above(size) >= tail, least, 0.0)
    most = 1.0 / float(variance.sum())  # an error of 1 more, which is the largest there is
    high = _crossed(lambda size: above(size) > 1 - tail, least, most)
    ends = (float(moved(size).sum()) + exact for size in (low, high))
    first, last = ends
    return min(first, observed), min(max(last, observed), 1.0)


def _crossed(reached: Callable[[float], bool], low: float, high: float) -> float:
    """Where a statement that is false at the low end, and true from some number on, becomes true."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
