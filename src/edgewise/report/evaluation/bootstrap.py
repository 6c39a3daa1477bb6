"""How sure a measure is: the same rows drawn again and again (bootstrap), for one model and for two on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int
from edgewise._core.resampling import resample
from edgewise._core.seeds import numpy_generator

Counts = NDArray[np.uint8]
# (rows weighed anew, one draw a row of the matrix (R, m)) -> the measure of each draw (R,)
Measure = Callable[[Floats], Floats]

LEVEL = 0.95
# Beyond these many rows the interval is narrow and known well enough from fewer draws.
MOST_ENTRIES = 20_000_000
# Entries that a measure is given at a time.
BLOCK = 2_000_000


@dataclass(frozen=True)
class MeasureInterval:
    """A measure and the interval that holds it with 95 % confidence; NaN ends where there are too few rows for one."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether the ends are numbers."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def resamples(rows: int, draws: int = 1000, seed: int = 0) -> Counts:
    """How often each row occurs in each draw with replacement, shape (draws, rows); fewer draws for very many rows.

    Parameters
    ----------
    rows, draws, seed : int

    Returns
    -------
    array of uint8 of shape (draws, rows)

    Examples
    --------
    >>> resamples(5, 3).sum(1).tolist()
    [5, 5, 5]
    """
    check_int(rows, "rows", low=1)
    check_int(draws, "draws", low=1)
    draws = min(draws, max(MOST_ENTRIES // rows, 100))
    random = numpy_generator(seed)
    counts = np.empty((draws, rows), dtype=np.uint8)
    step = max(BLOCK // rows, 1)
    for k in range(0, draws, step):
        # That one row is drawn more than 255 times has no chance worth naming.
        counts[k : k + step] = np.minimum(resample(random, min(step, draws - k), rows), 255)
    return counts


def interval(measure: Measure, weights: Counts) -> MeasureInterval:
    """The measure on all rows with the percentile interval over the draws.

    Examples
    --------
    >>> rows = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> one = interval(lambda w: w @ rows / w.sum(1), resamples(5))
    >>> one.value, 1.5 < one.low < one.value < one.high < 4.5
    (3.0, True)
    """
    return _around(float(measure(np.ones((1, weights.shape[1])))[0]), _each(measure, weights))


def difference(ours: Measure, theirs: Measure, weights: Counts) -> MeasureInterval:
    """How far one measure lies above another on the same rows; drawing both together leaves out what they share."""
    every = np.ones((1, weights.shape[1]))
    return _around(float((ours(every) - theirs(every))[0]), _each(ours, weights) - _each(theirs, weights))


def _each(measure: Measure, weights: Counts) -> Floats:
    """The measure of every draw, some draws at a time: a measure may copy its weights more than once."""
    step = max(BLOCK // weights.shape[1], 1)
    parts = [measure(weights[k : k + step].astype(np.float64)) for k in range(0, len(weights), step)]
    return np.concatenate(parts)


def _around(value: float, draws: Floats) -> MeasureInterval:
    good = draws[np.isfinite(draws)]
    if len(good) < 0.9 * len(draws) or not len(good):
        return MeasureInterval(value, float("nan"), float("nan"))
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.percentile(good, [tail, 100.0 - tail])
    return MeasureInterval(value, float(low), float(high))
