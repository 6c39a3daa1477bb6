"""Forecasts from many moments of the past, each by a model that had seen nothing later: a rolling-origin evaluation.

References
----------
Tashman (2000), Out-of-sample tests of forecasting accuracy: an analysis and review. doi:10.1016/S0169-2070(00)00065-0
Hyndman, Koehler (2006), Another look at measures of forecast accuracy. doi:10.1016/j.ijforecast.2006.03.001
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.plain import fields
from edgewise.estimators.forecasting.lagged import LagDesign, windows

# A table of columns to predictions (n,).
Predict = Callable[[dict[str, NDArray[Any]]], Floats]
# Columns known beside the series at some places.
More = Callable[[Ints], dict[str, NDArray[Any]]]

# Times that the model is learned anew, and origins of forecasts at most.
REFITS, _ORIGINS = 3, 90


@dataclass(frozen=True)
class Backtest:
    """How good forecasts of the past were, step by step ahead.

    Attributes
    ----------
    mae : tuple of float
        Mean absolute error 1, 2, ... steps ahead, in the units of the series.
    naive : tuple of float
        That of the better of two forecasts without a model: the last value, and the value of a season ago.
    origins : int
        Moments that was forecast from.
    spread : tuple of float
        Standard deviation of the errors ahead, on the scale that is predicted, never falling.
    scores : tuple of float
        Sizes of all errors in such deviations, ascending.
    """

    mae: tuple[float, ...]
    naive: tuple[float, ...]
    origins: int
    spread: tuple[float, ...]
    scores: tuple[float, ...]

    @property
    def relative(self) -> float:
        """The mean error as a share of that of the forecasts without a model; under 1 the model is worth having."""
        below = float(np.mean(self.naive))
        return float(np.mean(self.mae)) / below if below > 0 else math.inf

    def half_widths(self, steps: int, level: float) -> Floats:
        """Half of the width of intervals 1 to so many steps ahead; infinite where there are too few errors.

        Errors of all steps, in their own deviations, are one sample (split conformal prediction, doi:10.1561/2200000101).
        Beyond the steps that were tried, deviations grow by the root of the steps.
        """
        rank = math.ceil((len(self.scores) + 1) * level)
        quantile = self.scores[rank - 1] if rank <= len(self.scores) else math.inf
        known = len(self.spread)
        ahead = np.arange(1, steps + 1)
        far = self.spread[-1] * np.sqrt(np.maximum(ahead, known) / known)
        near = np.array(self.spread)[np.minimum(ahead, known) - 1]
        return quantile * np.where(ahead <= known, near, far)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**fields(self, "mae", "naive", "origins", "spread"), "relative": self.relative}


def ahead(design: LagDesign, predict: Predict, past: Floats, first: Ints, steps: int, more: More) -> Floats:
    """Forecasts step by step, each from those before, (n, steps), on the scale that is predicted.

    Parameters
    ----------
    past : array of shape (n, reach)
        Values before each first place.
    first : array of int, (n,)
    """
    courses = np.concatenate([past, np.empty((len(past), steps))], axis=1)
    for step in range(steps):
        before = courses[:, step : step + design.reach]
        table = design.columns(before, first + step, more(first + step))
        courses[:, design.reach + step] = predict(table) + design.bases(_filled(before))
    return courses[:, design.reach :]


def rows_to_learn(
    design: LagDesign, scaled: Floats, until: int, more: More
) -> tuple[dict[str, NDArray[Any]], Floats]:
    """The table and the target of the places before one."""
    places = np.arange(design.reach, until)
    past = windows(scaled, places, design.reach)
    target = scaled[places] - design.bases(past)
    there = np.isfinite(target)
    places, past = places[there], past[there]
    return design.columns(past, places, more(places)), target[there]


def backtest(
    design: LagDesign,
    learn: Callable[[dict[str, NDArray[Any]], Floats], Predict],
    values: Floats,
    horizon: int,
    more: More,
) -> Backtest:
    """Forecast the later part of a series from moments in it, learning anew a few times on the way.

    Parameters
    ----------
    design : LagDesign
    learn : callable
        A table and a target to predictions.
    values : array of shape (t,)
        NaN where one is missing.
    horizon : int
        Steps ahead.
    more : callable
    """
    scaled, total = design.scaled(values), len(values)
    start = first_origin(total, horizon, design.reach)
    cuts = np.linspace(start, total, REFITS + 1).astype(np.int64)
    stride = max(1, math.ceil((total - start) / _ORIGINS))
    errors, misses, plain = [], [], []
    for low, high in itertools.pairwise(cuts.tolist()):
        predict = learn(*rows_to_learn(design, scaled, low, more))
        origins = np.arange(low, high, stride)
        steps = min(horizon, total - int(origins[0]))
        courses = ahead(
            design, predict, windows(scaled, origins, design.reach), origins, steps, _within(more, total)
        )
        places = origins[:, None] + np.arange(steps)
        actual = np.where(places < total, values[np.minimum(places, total - 1)], np.nan)
        errors.append(_wide(design.scaled(actual) - courses, horizon))
        misses.append(_wide(actual - design.unscaled(courses), horizon))
        plain.append(_wide(_naive(design, values, origins, steps, actual), horizon, 2))
    error, miss = np.abs(np.concatenate(errors)), np.abs(np.concatenate(misses))
    naive = np.nanmean(np.concatenate(plain), axis=0)
    spread = np.maximum.accumulate(np.sqrt(np.nanmean(np.square(error), axis=0)))
    spread = np.maximum(spread, 1e-300)
    scores = np.sort((error / spread)[np.isfinite(error)])
    best = naive[:, int(np.argmin(naive.mean(axis=0)))]
    return Backtest(
        tuple(np.nanmean(miss, axis=0).tolist()),
        tuple(best.tolist()),
        sum(len(item) for item in errors),
        tuple(spread.tolist()),
        tuple(scores.tolist()),
    )


def first_origin(total: int, horizon: int, reach: int) -> int:
    """The first moment that is forecast from: at most the later half, and enough before it to learn from."""
    span = max(2 * horizon, math.ceil(0.3 * total))
    return max(total - span, total // 2, reach + 2)


def _naive(design: LagDesign, values: Floats, origins: Ints, steps: int, actual: Floats) -> Floats:
    """Absolute errors of the last value and of that of a season ago, (n, steps, 2)."""
    last = values[origins - 1][:, None] * np.ones(steps)
    period = design.period or 1
    season = values[origins[:, None] - period + np.arange(steps) % period]
    return np.abs(np.stack([last, season], axis=-1) - actual[:, :, None])


def _wide(found: Floats, horizon: int, more: int = 0) -> Floats:
    """With NaN for steps that are too far to be judged."""
    shape = (len(found), horizon, more) if more else (len(found), horizon)
    wide = np.full(shape, np.nan)
    wide[:, : found.shape[1]] = found
    return wide


def _within(more: More, total: int) -> More:
    """Columns beside the series are not known beyond its end; what is forecast there is not judged."""
    return lambda places: more(np.minimum(places, total - 1))


def _filled(past: Floats) -> Floats:
    """With each missing value replaced by the one before it: what forecasts are measured from must be there."""
    if np.isfinite(past).all():
        return past
    at = np.maximum.accumulate(np.where(np.isfinite(past), np.arange(past.shape[1]), 0), axis=1)
    return np.take_along_axis(past, at, axis=1)
