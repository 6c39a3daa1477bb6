"""The times of a series: evenly spaced months, days, working days, parts of days, or plain numbers, and their calendar;
and where they stand: in a column of dates, numbers or words, or in the index of pandas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import did_you_mean, plural, short
from edgewise._core.errors import InputError
from edgewise.data.dates import read_dates
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
MONTHS = (*MONTHS, "November", "December")
# The first day of 1970, which days count from, was a Thursday.
_THURSDAY = 3
_LONGEST = 31
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
    day : int or None
        Of months the day, which in shorter ones is the last; None for that of `start`, or the last if `start` is one.

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
    day: int | None = None

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
            start = np.array([self.start])
            day = self.day or int(np.where(_is_last_of_month(start), _LONGEST, _day_of_month(start))[0])
            return _on_day(_months(start) + places * round(self.step), day)
        if self.unit == "weekdays":
            first, today = divmod(math.floor(self.start) + _THURSDAY, 7)
            week, inside = np.divmod(places + self.weekdays.index(int(today)), len(self.weekdays))
            day = np.array(self.weekdays)[inside]
            return np.asarray((week + first) * 7 + day - _THURSDAY, dtype=np.float64)
        return np.asarray(self.start + places * self.step, dtype=np.float64)

    def dates(self, places: Ints) -> NDArray[np.generic]:
        """The times as dates, with the time of day where there is one; plain numbers to a millionth of a step."""
        times = self.times(places)
        if self.unit == "numbers":
            return np.round(times, 6 - math.floor(math.log10(self.step)))
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
        (lambda at: str(np.round(times[at] * 86_400).astype("datetime64[s]")).removesuffix("T00:00:00"))
        if dates
        else (lambda at: f"{times[at]:.12g}")
    )
    if (gaps <= 0).any():
        raise InputError(
            subject="The time column",
            expected="hold each time once",
            got=f"{shown(int(np.argmax(gaps <= 0)))} more than once",
            advice="sum or average what belongs together, and fit one series at a time",
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
        days = " days" if dates else ""
        raise InputError(
            subject="The time column",
            expected="be evenly spaced, with or without gaps",
            got=f"steps of {step:g} and {gaps[at]:g}{days}, the latter after {shown(at)},",
            advice="average it over days or hours first",
        )
    # Rounded times of day give the step less exactly than the whole series does.
    step = float((times[-1] - times[0]) / np.round(gaps / step).sum())
    return TimeAxis("days" if dates else "numbers", float(times[0]), step)


def _of_months(times: Floats) -> TimeAxis | None:
    """The axis of times that stand on one day of the month, in shorter months on the last."""
    months = _months(times)
    day = _LONGEST if _is_last_of_month(times).all() else int(_day_of_month(times).max())
    if not np.array_equal(times, _on_day(months, day)):
        return None
    return TimeAxis("months", float(times[0]), float(np.gcd.reduce(np.diff(months))), day=day)


def _of_weekdays(times: Floats) -> TimeAxis | None:
    """The axis of days without those of the week that never come, over at least two weeks."""
    there = tuple(sorted({int(day) for day in (times + _THURSDAY) % 7}))
    if np.diff(times).min() != 1 or len(there) == 7 or times[-1] - times[0] < 14:
        return None
    return TimeAxis("weekdays", float(times[0]), 1.0, there)


def _months(times: Floats) -> Ints:
    return np.floor(times).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _on_day(months: Ints, day: int) -> Floats:
    """Days since 1970: of each month since then the day, or the last where it is shorter."""
    opening, after = (item.astype("datetime64[M]").astype("datetime64[D]") for item in (months, months + 1))
    return np.minimum(opening.astype(np.int64) + day, after.astype(np.int64)) - 1.0


def _day_of_month(times: Floats) -> Ints:
    days = np.floor(times).astype("datetime64[D]")
    return (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def _is_last_of_month(times: Floats) -> NDArray[np.bool_]:
    return _months(times + 1) != _months(times)


def time_column(table: RawTable | None, time: str | None, X: Any, y: Any) -> RawColumn | None:
    """The times of the rows as days since 1970 or as numbers, in the order of the rows; None where there are none.

    Parameters
    ----------
    table : RawTable or None
        X as it was read.
    time : str or None
        The column; an index of X or y by its name too. Without it an index of dates or periods is taken.
    X, y
        As they were given.

    Raises
    ------
    InputError
        If there is no such column, or its cells are no times.
    """
    column = None if table is None else next((item for item in table.columns if item.name == time), None)
    if column is None:
        column = _index(X, y)
        if time is not None and (column is None or column.name != time):
            if table is None:
                raise InputError(argument="X", expected=f"hold the column {short(time)}", got="None")
            raise InputError(
                argument="time",
                expected="name a column of X",
                got=f"{short(time)}{did_you_mean(time, table.names)}",
            )
    return None if column is None else _as_times(column)


def rows_at(axis: TimeAxis, column: RawColumn, first: int, steps: int) -> Ints:
    """The row of each of some places in a row, by their times; in their order where the axis has no such times.

    Raises
    ------
    InputError
        If a place has no row, or several.
    """
    numbers = column.numbers
    if numbers is None or (column.kind == "date") == (axis.unit == "numbers"):
        return np.arange(steps)
    places = axis.places(numbers) - first
    rows = np.flatnonzero((places >= 0) & (places < steps))
    found = np.bincount(places[rows], minlength=steps)
    if (found != 1).any():
        step = int(np.argmax(found != 1))
        when = axis.dates(np.array([first + step]))[0]
        raise InputError(
            argument="X",
            expected=f"hold each of the {steps} times that follow once",
            got=f"{when} in {(plural(int(found[step]), 'row') if found[step] else 'no row')}",
        )
    return rows[np.argsort(places[rows])]


def _index(X: Any, y: Any) -> RawColumn | None:
    """The index of X or of y where it holds dates or periods."""
    found: list[Any] = [
        item for item in (getattr(X, "index", None), getattr(y, "index", None)) if _is_temporal(item)
    ]
    if not found:
        return None
    columns = [raw_table({_name(item): item.to_numpy()}).columns[0] for item in found]
    first, *rest = [column.numbers for column in columns]
    if any(
        not np.array_equal(first, other, equal_nan=True)
        for other in rest
        if first is not None and other is not None
    ):
        raise InputError(
            subject="The indices of 'X' and 'y'",
            expected="be the same times in the same order",
            got="different ones",
            advice="align them first, as y.reindex(X.index) does",
        )
    return columns[0]


def _is_temporal(index: Any) -> bool:
    kind = str(getattr(index, "dtype", ""))
    return kind.startswith(("datetime64", "period["))


def _name(index: Any) -> str:
    name = getattr(index, "name", None)
    return "the index" if name is None else str(name)


def _as_times(column: RawColumn) -> RawColumn:
    """Numbers, in every row; words are read as dates."""
    if column.codes is not None:
        column = _from_words(column)
    numbers = column.numbers
    assert numbers is not None
    missing = np.flatnonzero(~np.isfinite(numbers))
    if len(missing):
        raise InputError(
            subject=f"The column {column.name!r}",
            expected="hold dates or numbers in every row",
            got="none",
            rows=missing,
            advice="leave such rows out",
        )
    return column


def _from_words(column: RawColumn) -> RawColumn:
    codes = column.codes
    assert codes is not None
    there = codes >= 0
    words = np.array([*column.words, None], dtype=object)[codes[there]]
    read = read_dates(pa.chunked_array([pa.array(words, pa.string())]))
    if read is None or read.doubt:
        got, rows = (read.doubt, ()) if read is not None else _what_is_wrong(words, np.flatnonzero(there))
        raise InputError(
            subject=f"The column {column.name!r}",
            expected="hold dates or numbers in every row",
            got=got,
            rows=rows,
            advice="write dates as 2010-01-31, or read them as dates first, as pandas.to_datetime does",
        )
    numbers = np.full(len(codes), np.nan)
    dates = np.asarray(read.values.combine_chunks()).astype("datetime64[s]")
    numbers[there] = dates.astype(np.int64) / 86_400
    return RawColumn(column.name, "date", numbers)


def _what_is_wrong(words: Any, rows: Any) -> tuple[str, tuple[int, ...]]:
    """The first word that is no date by itself, with its row, or that they are written in different ways."""
    for word in dict.fromkeys(words):
        if read_dates(pa.chunked_array([pa.array([word], pa.string())])) is None:
            return short(word), (int(rows[list(words).index(word)]),)
    return "dates that are not all written alike", ()
