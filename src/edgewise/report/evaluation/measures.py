"""What a model is measured by on held-out rows: each measure for rows weighed anew, so that a bootstrap is one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int
from edgewise._core.resampling import resample
from edgewise._core.seeds import numpy_generator
from edgewise.training.common.losses import LOG_LOSSES
from edgewise.training.common.losses import log_loss as loss_of_means

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


_FLOOR = 1e-15


@dataclass(frozen=True)
class Yardstick:
    """A measure by name.

    Attributes
    ----------
    name : str
    better : str
        "lower" or "higher".
    of : callable
        (truth (m,), predictions (m,) or (m, K)) -> a measure of rows weighed anew.
    unit : bool
        Whether it is in the units of the target.
    """

    name: str
    better: str
    of: Callable[[Floats, Floats], Measure]
    unit: bool = False

    def improvement(self, difference: float) -> float:
        """A difference turned so that more is better."""
        return -difference if self.better == "lower" else difference


def rmse(y: Floats, predicted: Floats) -> Measure:
    """Root mean square error."""
    return _root(_mean((predicted - y) ** 2))


def mae(y: Floats, predicted: Floats) -> Measure:
    """Mean absolute error."""
    return _mean(np.abs(predicted - y))


def r_squared(y: Floats, predicted: Floats) -> Measure:
    """Share of the variance explained; NaN where a draw has no variance."""
    # About the mean, or the difference of large squares would eat the digits.
    centred = y - y.mean()
    miss = (predicted - y) ** 2

    def measure(weights: Floats) -> Floats:
        total = weights.sum(1)
        spread = weights @ centred**2 - (weights @ centred) ** 2 / total
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > 0, 1.0 - (weights @ miss) / spread, np.nan)

    return measure


def log_loss(y: Floats, predicted: Floats) -> Measure:
    """Mean negative logarithm of the probability given to what happened."""
    at = predicted[np.arange(len(y)), y.astype(np.int64)]
    return _mean(-np.log(np.clip(at, _FLOOR, 1.0)))


def brier(y: Floats, predicted: Floats) -> Measure:
    """Mean square error of the probabilities; for two classes that of the second, else summed over classes.

    References
    ----------
    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950) 1,
    doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    happened = y[:, None] == np.arange(predicted.shape[1])
    miss = (predicted - happened) ** 2
    return _mean(miss[:, 1] if predicted.shape[1] == 2 else miss.sum(1))


def accuracy(y: Floats, predicted: Floats) -> Measure:
    """Share of rows whose likeliest class is the right one."""
    return _mean((predicted.argmax(1) == y).astype(np.float64))


def auc(y: Floats, predicted: Floats) -> Measure:
    """Area under the ROC curve; for more than two classes the mean of each class against the rest.

    References
    ----------
    J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143 (1982) 29, doi:10.1148/radiology.143.1.7063747.
    """
    classes = predicted.shape[1]
    parts = [_binary_auc(y == k, predicted[:, k]) for k in ([1] if classes == 2 else range(classes))]

    def measure(weights: Floats) -> Floats:
        values = np.stack([part(weights) for part in parts])
        known = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return np.where(known, values, 0.0).sum(0) / np.where(known.any(0), known.sum(0), np.nan)

    return measure


NUMBERS = (
    Yardstick("RMSE", "lower", rmse, unit=True),
    Yardstick("R²", "higher", r_squared),
    Yardstick("mean abs. error", "lower", mae, unit=True),
)
CLASSES = (
    Yardstick("AUC", "higher", auc),
    Yardstick("log loss", "lower", log_loss),
    Yardstick("Brier score", "lower", brier),
    Yardstick("accuracy", "higher", accuracy),
)


def gini(y: Floats, predicted: Floats) -> Measure:
    """Gini index of the Lorenz curve of outcomes over rows in rising order of their predictions: 0 where that says nothing.

    References
    ----------
    E. W. Frees, G. Meyers, A. D. Cummings, "Summarizing insurance scores using a Gini index", J. Am. Stat. Assoc. 106
    (2011) 1085, doi:10.1198/jasa.2011.tm10506.
    """
    order = np.argsort(predicted, kind="stable")
    # Rows with equal predictions share what falls to them.
    starts = np.flatnonzero(np.diff(predicted[order], prepend=np.nan))
    sorted_y = y[order]

    def measure(weights: Floats) -> Floats:
        counted = np.add.reduceat(weights[:, order], starts, axis=1)
        happened = np.add.reduceat(weights[:, order] * sorted_y, starts, axis=1)
        share = np.cumsum(happened, axis=1)
        # Trapezoids under the curve of shares of outcomes over shares of rows.
        area = (counted * (share - happened / 2)).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 - 2 * area / (share[:, -1] * counted.sum(1))

    return measure


def _of_means(loss: str, power: float | None) -> tuple[Yardstick, ...]:
    """The measures of means of counts or amounts, whose squared errors are those of a few large outcomes."""
    half = loss_of_means(loss, power)

    def deviances(y: Floats, means: Floats) -> Floats:
        logs = np.log(np.maximum(means, np.finfo(float).tiny))
        return 2 * half.rows(torch.from_numpy(logs)[:, None], torch.from_numpy(y)[:, None]).numpy()

    def explained(y: Floats, predicted: Floats) -> Measure:
        ours = deviances(y, predicted)

        def measure(weights: Floats) -> Floats:
            # About the mean of all draws together, which differs little from that of a draw.
            level = np.full(len(y), weights.sum(0) @ y / weights.sum())
            with np.errstate(divide="ignore", invalid="ignore"):
                return 1 - (weights @ ours) / (weights @ deviances(y, level))

        return measure

    return (
        Yardstick("explained deviance", "higher", explained),
        Yardstick("deviance", "lower", lambda y, predicted: _mean(deviances(y, predicted))),
        Yardstick("Gini index", "higher", gini),
    )


def yardsticks(classes: int, loss: str = "squared", power: float | None = None) -> tuple[Yardstick, ...]:
    """The measures that fit the target, the leading one first.

    Parameters
    ----------
    classes : int
        How many there are; 0 for numbers.
    loss, power
        As of `KANRegressor`: counts and amounts are measured by their likelihood.
    """
    return CLASSES if classes else _of_means(loss, power) if loss in LOG_LOSSES else NUMBERS


def weighed(measure: Measure, weight: Floats | None) -> Measure:
    """A measure of rows that count differently, (m,)."""
    return measure if weight is None else lambda draws: measure(draws * weight)


def _mean(rows: Floats) -> Measure:
    return lambda weights: (weights @ rows) / weights.sum(1)


def _root(measure: Measure) -> Measure:
    return lambda weights: np.sqrt(np.maximum(measure(weights), 0.0))


def _binary_auc(positive: NDArray[np.bool_], score: Floats) -> Measure:
    """Share of pairs in the right order, ties half; NaN where a draw lacks one of the two classes."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    positive = positive[order]

    def measure(weights: Floats) -> Floats:
        ordered = weights[:, order]
        ours = np.add.reduceat(ordered * positive, starts, axis=1)
        theirs = np.add.reduceat(ordered * ~positive, starts, axis=1)
        below = np.cumsum(theirs, axis=1) - 0.5 * theirs
        pairs = ours.sum(1) * theirs.sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(pairs > 0, (ours * below).sum(1) / pairs, np.nan)

    return measure
