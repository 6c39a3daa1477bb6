"""Dates as people write them: 31.01.2010, 1/31/2010, 20100131, 31 Jan 2010, with a time of day or not; 2010-01, 2010-Q1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arrays import Ints
from edgewise.data.arrow import Cells, pc

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_CLOCK = (
    r"(?:(?:[ T]|, )\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_ZONE = r"(?:Z|(?P<east>[+-])(?P<zone>\d{2}):?(?P<minutes>\d{2}))?"
# The order of the parts, and how they are written; "??" where day and month cannot be seen from the writing alone.
_WRITINGS = (
    ("ymd", rf"^(?P<y>\d{{4}})[./-](?P<m>\d{{1,2}})[./-](?P<d>\d{{1,2}}){_CLOCK}{_ZONE}$"),
    ("ymd", rf"^(?P<y>(?:1[5-9]|2\d)\d{{2}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_CLOCK}{_ZONE}$"),
    ("months", r"^(?P<y>\d{4})-(?P<m>\d{2})$"),
    ("quarters", r"^(?P<y>\d{4})[ -]?Q(?P<m>[1-4])$"),
    ("dmy", rf"^(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.(?P<y>\d{{4}}|\d{{2}}){_CLOCK}$"),
    ("??", rf"^(?P<m>\d{{1,2}})[/-](?P<d>\d{{1,2}})[/-](?P<y>\d{{4}}|\d{{2}}){_CLOCK}$"),
    ("named", rf"^(?P<d>\d{{1,2}})[ .-]{{1,2}}(?P<m>{_NAMED})[ .,-]{{1,2}}(?P<y>\d{{4}}|\d{{2}}){_CLOCK}$"),
    ("named", rf"^(?P<m>{_NAMED})\.? (?P<d>\d{{1,2}}),? (?P<y>\d{{4}}){_CLOCK}$"),
)
# What may be a date at all: most columns of words are recognised by their first word.
MAYBE_DATE = re.compile(r"^\s*(\d{1,4}[./ -]|\d{8}$|\d{4}Q|[A-Za-z]{3,9}\.? \d)")
# A month or a quarter; such words also head the columns of wide tables.
PERIOD = re.compile(r"^\s*\d{4}(-\d{2}|[ -]?Q[1-4])\s*$")
# POSIX: of two digits, 69 to 99 are of the last century.
_PIVOT = 69


@dataclass(frozen=True)
class Dates:
    """Dates that were read.

    Attributes
    ----------
    values : days, or moments where there are times of day
    writing : how they are written, in words
    doubt : what could not be known and was chosen; empty where all could
    """

    values: Cells
    writing: str
    doubt: str = ""


def read_dates(words: Cells) -> Dates | None:
    """Dates of a column of words without gaps in them; None where one is no date, or they are not all written alike."""
    distinct = pc.unique(words)
    if not len(distinct) or not MAYBE_DATE.match(distinct[0].as_py()):
        return None
    for order, pattern in _WRITINGS:
        parts = pc.extract_regex(distinct, pattern)
        if parts.null_count:
            continue
        found = _read(order, parts, distinct, words)
        if found is not None:
            return found
    return None


def _read(order: str, parts: Any, distinct: Any, words: Cells) -> Dates | None:
    year, short_year = _years(parts)
    first = _numbers(parts, "m")
    second = _numbers(parts, "d") if _place(parts, "d") >= 0 else first
    if order == "named":
        names = pc.utf8_lower(pc.utf8_slice_codeunits(parts.field(_place(parts, "m")), 0, 3)).to_pylist()
        first = np.array([_MONTHS.index(name) + 1 for name in names])
    if order in ("months", "quarters"):
        return _whole(order, year, first, distinct, words)
    clock = _clock(parts)
    if clock is None:
        return None
    if order == "ymd":
        clock = clock - _east(parts)
    days, doubt = _days(year, first, second), ""
    writing = {"ymd": "year first", "dmy": "day first"}.get(order, "")
    if order == "??":
        days, writing, doubt = _either(year, first, second, distinct, words)
    if days is None:
        return None
    if short_year:
        doubt = "; ".join(part for part in (doubt, "years of two digits taken for 1969 to 2068") if part)
    timed = any(parts.field(_place(parts, "hour")).to_pylist())
    values = (days.astype("datetime64[s]") + clock) if clock.any() or timed else days
    codes = np.asarray(pc.index_in(words, distinct))
    return Dates(pa.chunked_array([pa.array(values[codes])]), writing, doubt)


def _whole(order: str, year: Ints, part: Ints, distinct: Any, words: Cells) -> Dates | None:
    """First days of months or quarters."""
    month = part if order == "months" else 3 * part - 2
    days = _days(year, month, np.ones_like(month))
    # 2009-10, 2010-11 are seasons or years of accounts that begin in one year and end in the next.
    if days is None or (order == "months" and ((year + 1) % 100 == month).all()):
        return None
    codes = np.asarray(pc.index_in(words, distinct))
    return Dates(pa.chunked_array([pa.array(days[codes])]), f"first days of {order}")


def _either(
    year: Ints, first: Ints, second: Ints, distinct: Any, words: Cells
) -> tuple[NDArray[Any] | None, str, str]:
    """Month first or day first: what all dates allow; of two, the order in which the rows follow each other in time."""
    month_first, day_first = _days(year, first, second), _days(year, second, first)
    if month_first is None or day_first is None or (first == second).all():
        only = day_first if month_first is None else month_first
        return only, "day first" if month_first is None else "month first", ""
    codes = np.asarray(pc.index_in(words, distinct))
    sorted_so = [_follows(days[codes]) for days in (month_first, day_first)]
    if sorted_so == [False, True]:
        return day_first, "day first, for so the rows are in order", ""
    if sorted_so == [True, False]:
        return month_first, "month first, for so the rows are in order", ""
    return (
        month_first,
        "month first",
        "no date shows whether day or month comes first; write dates as 2010-01-31",
    )


def _follows(days: NDArray[Any]) -> bool:
    steps = np.diff(days.astype(np.int64))
    return len(steps) > 1 and bool(steps.any()) and bool((steps >= 0).all() or (steps <= 0).all())


def _days(year: Ints, month: Ints, day: Ints) -> NDArray[Any] | None:
    """Days since 1970; None where one of them is not in the calendar."""
    if ((month < 1) | (month > 12) | (day < 1) | (day > 31)).any():
        return None
    start = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = start.astype("datetime64[D]") + (day - 1)
    return days if (days < (start + 1).astype("datetime64[D]")).all() else None


def _years(parts: Any) -> tuple[Ints, bool]:
    year = _numbers(parts, "y")
    digits = np.asarray(pc.utf8_length(parts.field(_place(parts, "y"))))
    brief = digits == 2
    return np.where(brief, year + np.where(year < _PIVOT, 2000, 1900), year), bool(brief.any())


def _clock(parts: Any) -> NDArray[Any] | None:
    """Times of day; None where one is not on the clock."""
    hour, minute, second = (_numbers(parts, name) for name in ("hour", "minute", "second"))
    half = pc.utf8_lower(pc.utf8_slice_codeunits(parts.field(_place(parts, "half")), 0, 1)).to_pylist()
    noon = np.array([mark == "p" for mark in half])
    halved = np.array([bool(mark) for mark in half])
    if (hour > np.where(halved, 12, 23)).any() or (minute > 59).any() or (second > 60).any():
        return None
    hour = np.where(halved, hour % 12 + 12 * noon, hour)
    return (hour * 3600 + minute * 60 + second).astype("timedelta64[s]")


def _east(parts: Any) -> NDArray[Any]:
    """How far clocks are ahead of those of Greenwich."""
    west = np.array([sign == "-" for sign in parts.field(_place(parts, "east")).to_pylist()])
    ahead = _numbers(parts, "zone") * 3600 + _numbers(parts, "minutes") * 60
    return np.where(west, -ahead, ahead).astype("timedelta64[s]")


def _numbers(parts: Any, name: str) -> Ints:
    """The numbers of a part; 0 where it is not there or is a word."""
    cells = parts.field(_place(parts, name)).to_pylist()
    return np.array([int(cell) if cell and cell.isdigit() else 0 for cell in cells], dtype=np.int64)


def _place(parts: Any, name: str) -> int:
    return parts.type.get_field_index(name)
