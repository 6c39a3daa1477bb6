"""The times of a series, wherever they stand: a column of dates, numbers or words, or the index of pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from edgewise._core.arrays import Ints
from edgewise._core.checks import did_you_mean, plural, short
from edgewise._core.errors import InputError
from edgewise.data.dates import read_dates
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table
from edgewise.estimators.time_axis import TimeAxis


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
    of : str

    Raises
    ------
    InputError
        If there is no such column, or its cells are no times.
    """
    column = None if table is None else next((each for each in table.columns if each.name == time), None)
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
        each for each in (getattr(X, "index", None), getattr(y, "index", None)) if _is_temporal(each)
    ]
    if not found:
        return None
    columns = [raw_table({_name(each): each.to_numpy()}).columns[0] for each in found]
    first, *rest = [each.numbers for each in columns]
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
