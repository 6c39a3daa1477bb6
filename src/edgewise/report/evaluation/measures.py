"""What a model is measured by on held-out rows: each measure for rows weighed anew, so that a bootstrap is one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.report.evaluation.bootstrap import Measure

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
        each = np.stack([part(weights) for part in parts])
        known = np.isfinite(each)
        with np.errstate(invalid="ignore"):
            return np.where(known, each, 0.0).sum(0) / np.where(known.any(0), known.sum(0), np.nan)

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


def yardsticks(classes: int) -> tuple[Yardstick, ...]:
    """The measures that fit the target, the leading one first."""
    return CLASSES if classes else NUMBERS


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
