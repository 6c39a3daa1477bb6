"""Evenly spaced times: months, days, working days, parts of days, or plain numbers; and the calendar that they follow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.errors import InputError

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
MONTHS = (*MONTHS, "November", "December")
# The first day of 1970, which days count from, was a Thursday.
_THURSDAY = 3
# Of a step: times this close are the same.
_ALIKE = 1e-3
# Values there may be from the first to the last; each takes memory, with a row or without.
_MOST_PLACES = 10_000_000
# A part of the calendar is distinguished from chance only where it has come round more than once.
_ROUNDS = 1.5


@dataclass(frozen=True)
class TimeAxis:
    """Places 0, 1, 2, ... and the times they stand for.

    Attributes
    ----------
    unit : "months", "days", "weekdays" or "numbers"
    start : float
        The time of place 0: days since 1970, or a number.
    step : float
        From one place to the next, in the unit.
    weekdays : tuple of int
        The days of the week there are, Monday 0, where not all seven.

    Examples
    --------
    >>> axis = even_axis(np.array([0.0, 31.0, 59.0, 90.0]), dates=True)
    >>> axis.unit, axis.period, axis.dates(np.array([4])).tolist()
    ('months', 12, [datetime.date(1970, 5, 1)])
    """

    unit: Literal["months", "days", "weekdays", "numbers"]
    start: float
    step: float
    weekdays: tuple[int, ...] = ()

    @property
    def period(self) -> int | None:
        """Places of the calendar's own period: a year of months or weeks, a week of days, a day of hours."""
        if self.unit == "months":
            return round(12 / self.step) if 12 % self.step == 0 and self.step < 12 else None
        if self.unit == "weekdays":
            return len(self.weekdays)
        if self.unit == "numbers":
            return None
        if self.step < 1:
            return round(1 / self.step)
        return {1: 7, 7: 52}.get(round(self.step))

    def places(self, times: Floats) -> Ints:
        """The place of each time, to the nearest."""
        if self.unit == "months":
            months = _months(times) - _months(np.array([self.start]))[0]
            return np.asarray(np.round(months / self.step), dtype=np.int64)
        if self.unit == "weekdays":
            week, day = np.divmod(np.floor(times) + _THURSDAY, 7)
            first, today = divmod(math.floor(self.start) + _THURSDAY, 7)
            inside = np.searchsorted(self.weekdays, day) - self.weekdays.index(int(today))
            return np.asarray((week - first) * len(self.weekdays) + inside, dtype=np.int64)
        return np.asarray(np.round((times - self.start) / self.step), dtype=np.int64)

    def times(self, places: Ints) -> Floats:
        """The time of each place: days since 1970, or numbers."""
        if self.unit == "months":
            first, day = _months(np.array([self.start]))[0], _day_of_month(np.array([self.start]))[0]
            months = (first + places * round(self.step)).astype("datetime64[M]")
            last = (months + 1).astype("datetime64[D]").astype(np.int64) - 1
            opening = months.astype("datetime64[D]").astype(np.int64)
            at_end = _is_last_of_month(np.array([self.start]))[0] and day > 27
            return np.asarray(last if at_end else np.minimum(opening + day - 1, last), dtype=np.float64)
        if self.unit == "weekdays":
            first, today = divmod(math.floor(self.start) + _THURSDAY, 7)
            week, inside = np.divmod(places + self.weekdays.index(int(today)), len(self.weekdays))
            day = np.array(self.weekdays)[inside]
            return np.asarray((week + first) * 7 + day - _THURSDAY, dtype=np.float64)
        return np.asarray(self.start + places * self.step, dtype=np.float64)

    def dates(self, places: Ints) -> NDArray[np.generic]:
        """The times as dates, with the time of day where there is one; plain numbers as they are."""
        times = self.times(places)
        if self.unit == "numbers":
            return times
        if (times == np.floor(times)).all():
            return times.astype("datetime64[D]")
        return np.round(times * 86_400).astype("datetime64[s]")

    def calendar(self, places: Ints, length: int) -> dict[str, NDArray[np.generic]]:
        """The columns of the calendar that a series of some length has seen more than once, each by its name."""
        if self.unit == "numbers":
            return {}
        times, found = self.times(places), dict[str, NDArray[np.generic]]()
        days = np.floor(times).astype(np.int64)
        month = np.array(MONTHS)[_months(times) % 12]
        years = length * (self.step / 12 if self.unit == "months" else self.step / 365.25) / _ROUNDS
        if self.unit == "months":
            if years >= 1 and self.step < 12:
                found["month"] = month
            return found
        if self.step < 1 and length * self.step >= _ROUNDS:
            found["hour"] = np.round((times - days) * 24, 6)
        if (self.step <= 1 or self.step % 7) and length * self.step >= 7 * _ROUNDS:
            found["weekday"] = np.array(WEEKDAYS)[(days + _THURSDAY) % 7]
        if years >= 1:
            opening = days.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]")
            found["day of the year"] = (days - opening.astype(np.int64) + 1).astype(np.float64)
        return found


def even_axis(times: Floats, dates: bool) -> TimeAxis:
    """The axis on which ascending times stand; places may be missing in between.

    Parameters
    ----------
    times : array of shape (n,)
        Ascending: days since 1970, or numbers.
    dates : bool
        Whether they are days.

    Raises
    ------
    InputError
        If there are fewer than two, two are alike, or they are not evenly spaced, or too far apart.
    """
    if len(times) < 2:
        raise InputError(subject="The time column", expected="hold at least two times", got=len(times))
    gaps = np.diff(times)
    shown = (
        (lambda at: str(np.round(times[at] * 86_400).astype("datetime64[s]")))
        if dates
        else (lambda at: f"{times[at]:g}")
    )
    if (gaps <= 0).any():
        raise InputError(
            "The time column must hold each time once; sum or average what belongs together, and fit one series at a time. "
            f"Got {shown(int(np.argmax(gaps <= 0)))} more than once."
        )
    if dates and (times == np.floor(times)).all():
        whole = _of_months(times) or _of_weekdays(times)
        if whole is not None:
            return whole
    step = float(gaps.min())
    if times[-1] - times[0] > _MOST_PLACES * step:
        raise InputError(
            subject="The time column",
            expected=f"span at most {_MOST_PLACES:,} steps of its shortest",
            got=f"steps of {step:g} from {shown(0)} to {shown(len(times) - 1)}",
            advice="look for a time that is wrong",
        )
    off = np.abs(gaps / step - np.round(gaps / step))
    if (off > _ALIKE * np.maximum(1, gaps / step)).any():
        at = int(np.argmax(off))
        raise InputError(
            "The time column must be evenly spaced, with or without gaps; average it over days or hours first. "
            f"Got steps of {step:g} and {gaps[at]:g}{' days' if dates else ''}, the latter after {shown(at)}."
        )
    # Rounded times of day give the step less exactly than the whole series does.
    step = float((times[-1] - times[0]) / np.round(gaps / step).sum())
    return TimeAxis("days" if dates else "numbers", float(times[0]), step)


def _of_months(times: Floats) -> TimeAxis | None:
    """The axis of times that stand on one day of the month, or all on the last."""
    alike = len(set(_day_of_month(times).tolist())) == 1
    if not (alike or _is_last_of_month(times).all()):
        return None
    gaps = np.diff(_months(times))
    step = int(np.gcd.reduce(gaps))
    # A few first days of months may be a sample of days.
    return TimeAxis("months", float(times[0]), float(step)) if step >= 1 else None


def _of_weekdays(times: Floats) -> TimeAxis | None:
    """The axis of days without those of the week that never come, over at least two weeks."""
    there = tuple(sorted({int(day) for day in (times + _THURSDAY) % 7}))
    if np.diff(times).min() != 1 or len(there) == 7 or times[-1] - times[0] < 14:
        return None
    return TimeAxis("weekdays", float(times[0]), 1.0, there)


def _months(times: Floats) -> Ints:
    return np.floor(times).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _day_of_month(times: Floats) -> Ints:
    days = np.floor(times).astype("datetime64[D]")
    return (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def _is_last_of_month(times: Floats) -> NDArray[np.bool_]:
    return _months(times + 1) != _months(times)
