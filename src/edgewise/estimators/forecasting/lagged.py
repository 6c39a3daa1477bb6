"""A series as a table: what is known of a value before it comes, and what the value is measured from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise.data.encoding_raw import RawColumn
from edgewise.estimators.forecasting.time_axis import TimeAxis

Base = Literal["none", "last", "season"]
TREND = "time"


@dataclass(frozen=True)
class LagDesign:
    """How a value follows from those before it.

    Attributes
    ----------
    axis : TimeAxis
    name : str
        Of the series.
    lags : tuple of int
        Places back to earlier values.
    period : int or None
        Places of a season.
    base : "none", "last" or "season"
        What a value is measured from: nothing, the value before it, or that of a season before.
    log : bool
        Whether logarithms of the values are looked at.
    length : int
        Places of the series that it was made for.
    """

    axis: TimeAxis
    name: str
    lags: tuple[int, ...]
    period: int | None
    base: Base
    log: bool
    length: int

    @property
    def reach(self) -> int:
        """How many values before a place are looked at."""
        return max([1, self.period or 1, *self.lags])

    def scaled(self, values: Floats) -> Floats:
        """Values on the scale that is predicted."""
        return np.log(values) if self.log else values

    def unscaled(self, values: Floats) -> Floats:
        """Back to the units of the series."""
        return np.exp(values) if self.log else values

    def bases(self, past: Floats) -> Floats:
        """What values are measured from, (n,), given those before each, (n, reach), on the scale that is predicted."""
        if self.base == "none":
            return np.zeros(len(past))
        return past[:, -1] if self.base == "last" else past[:, -(self.period or 1)]

    def columns(self, past: Floats, places: Ints, more: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The table that values are predicted from.

        Parameters
        ----------
        past : array of shape (n, reach)
            The values before each place, the nearest last, on the scale that is predicted; NaN where one is missing.
        places : array of int, (n,)
        more : columns known beside the series, each (n,)

        Returns
        -------
        dict of str to array (n,)
        """
        base, found = self.bases(past), dict[str, NDArray[Any]]()
        what = f"log {self.name}" if self.log else self.name
        than = {"none": "", "last": " less the last", "season": " less that of a season ago"}[self.base]
        for lag in self.lags:
            if (self.base, lag) not in (("last", 1), ("season", self.period)):
                found[f"{what} {lag} before{than}"] = past[:, -lag] - base
        if self.base == "none":
            times = self.axis.times(places)
            found[TREND] = times if self.axis.unit == "numbers" else 1970 + times / 365.25
        found |= self.axis.calendar(places, self.length)
        if self.axis.period != self.period and self.period is not None:
            found["place in the period"] = (places % self.period).astype(np.float64)
        return {**found, **more}


def windows(values: Floats, places: Ints, reach: int) -> Floats:
    """The values before each place, (n, reach), NaN before the first."""
    padded = np.concatenate([np.full(reach, np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(padded, reach)[places].copy()


def autocorrelation_period(values: Floats) -> int | None:
    """The period that a series without a calendar repeats with, by the peaks of its autocorrelation; None for none.

    Box, Jenkins, Reinsel, Ljung (2015), Time series analysis, section 2.1.

    Examples
    --------
    >>> autocorrelation_period(np.sin(2 * np.pi * np.arange(200) / 25))
    25
    """
    n = len(values)
    if n < 12:
        return None
    steps = np.arange(n, dtype=np.float64)
    there = np.isfinite(values)
    line = np.polynomial.Polynomial.fit(steps[there], values[there], 1)
    rest = np.where(there, values - line(steps), 0.0)
    if np.std(rest) <= 1e-12 * max(1.0, float(np.abs(values[there]).max())):
        return None
    power = np.abs(np.fft.rfft(rest, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[: n // 3 + 2]
    correlation = correlation / correlation[0] * n / (n - np.arange(len(correlation)))
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:]))
    peaks = peaks[(peaks >= 2) & (correlation[peaks] > max(0.3, 2.6 / np.sqrt(n)))]
    if not len(peaks):
        return None
    # Multiples of a period have peaks as high.
    return int(peaks[correlation[peaks] >= 0.9 * correlation[peaks].max()][0])


def cells_of(column: RawColumn) -> NDArray[Any]:
    """Numbers, or words with None where one is missing."""
    if column.codes is None:
        return cast(Floats, column.numbers)
    return np.array([*column.words, None], dtype=object)[column.codes]


def spread_out(columns: tuple[RawColumn, ...], places: Ints, total: int) -> dict[str, NDArray[Any]]:
    """Columns on all places of the axis; cells of places without a row are missing."""
    found: dict[str, NDArray[Any]] = {}
    for column in columns:
        cells = cells_of(column)
        wide = np.full(total, np.nan if cells.dtype.kind == "f" else None, dtype=cells.dtype)
        wide[places] = cells
        found[column.name] = wide
    return found
