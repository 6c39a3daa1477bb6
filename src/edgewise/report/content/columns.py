"""The table as it came: what kind of thing each column holds, its range, what is missing, how it is distributed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.data.encoding_raw import RawColumn, raw_table
from edgewise.report.content.content import ColumnSummary

BINS = 24
MOST_LEVELS = 12
# Whole numbers with no more distinct values than this are shown value by value.
FEW_VALUES = 12
_EPOCH = dt.date(1970, 1, 1).toordinal()


def summarise(frame: Any) -> tuple[ColumnSummary, ...]:
    """Describe every column of a table.

    Parameters
    ----------
    frame : data frame of pandas, Polars, Arrow or another library narwhals reads, mapping of names to columns, or array
        Words, truth values, dates, numbers and missing cells as they are.

    Returns
    -------
    tuple of ColumnSummary
        In the order of the columns.

    Raises
    ------
    InputError
        If it is no table.

    Examples
    --------
    >>> one, two = summarise({"age": [20, 30, None], "job": ["baker", "baker", "smith"]})
    >>> one.kind, round(one.missing, 2), one.high, two.kind, two.levels
    ('whole number', 0.33, 30.0, 'category', (('baker', 2), ('smith', 1)))
    """
    return tuple(_summary(column) for column in raw_table(frame, "frame").columns)


def summarise_numbers(names: Sequence[str], X: Floats) -> tuple[ColumnSummary, ...]:
    """The same for a matrix of finite numbers (n, d)."""
    return tuple(_of_numbers(name, X[:, k]) for k, name in enumerate(names))


def summarise_classes(name: str, classes: Sequence[str], codes: Floats) -> ColumnSummary:
    """The same for a target given as class numbers."""
    return _of_levels(
        name, np.bincount(codes.astype(np.int64), minlength=len(classes)), classes, 0.0, "category"
    )


def _summary(column: RawColumn) -> ColumnSummary:
    if column.codes is not None:
        there = column.codes[column.codes >= 0]
        counts = np.bincount(there, minlength=len(column.words))
        kind = "category"
        # Nearly every row another value: names, numbers of documents, free text.
        if np.count_nonzero(counts) > max(50, 0.5 * len(there)):
            kind = "text"
        return _of_levels(column.name, counts, column.words, _gap(len(there), len(column)), kind)
    values = np.asarray(column.numbers, dtype=np.float64)
    if column.kind == "bool":
        good = values[np.isfinite(values)]
        counts = np.array([np.count_nonzero(good == 0), np.count_nonzero(good == 1)])
        return _of_levels(column.name, counts, ("no", "yes"), _gap(len(good), len(values)), "yes or no")
    found = _of_numbers(column.name, values)
    if column.kind == "date" and found.low is not None and found.high is not None:
        ends = tuple((f"{word} {_date(day)}", 1) for word, day in (("from", found.low), ("to", found.high)))
        return ColumnSummary(
            column.name,
            "date",
            found.missing,
            levels=ends,
            distinct=found.distinct,
            histogram=found.histogram,
        )
    return found


def _of_numbers(name: str, values: Floats) -> ColumnSummary:
    good = values[np.isfinite(values)]
    missing = _gap(len(good), len(values))
    if not good.size:
        return ColumnSummary(name, "empty", missing)
    low, high, middle = float(good.min()), float(good.max()), float(np.median(good))
    different = np.unique(good)
    if low == high:
        return ColumnSummary(name, "constant", missing, low, middle, high, distinct=1)
    whole = bool(np.all(good == np.round(good)))
    if whole and len(different) <= FEW_VALUES:
        counts = np.array([np.count_nonzero(good == value) for value in different])
    else:
        # Shares of the range, halved first: the range of the largest numbers would overflow.
        share = (good / 2 - low / 2) / (high / 2 - low / 2)
        counts = np.histogram(share, bins=BINS, range=(0.0, 1.0))[0]
    two = len(different) == 2 and set(different.tolist()) == {0.0, 1.0}
    kind = "yes or no" if two else "whole number" if whole else "number"
    histogram = tuple(int(n) for n in counts)
    return ColumnSummary(name, kind, missing, low, middle, high, distinct=len(different), histogram=histogram)


def _of_levels(
    name: str, counts: NDArray[np.int64], words: Sequence[str], missing: float, kind: str
) -> ColumnSummary:
    order: list[int] = np.argsort(-counts, kind="stable").tolist()
    ranked = [(words[k], int(counts[k])) for k in order if counts[k]]
    top = tuple(ranked[:MOST_LEVELS])
    if len(ranked) <= 1:
        return ColumnSummary(
            name, "constant" if ranked else "empty", missing, levels=top, distinct=len(ranked)
        )
    return ColumnSummary(
        name, kind, missing, levels=top, distinct=len(ranked), histogram=tuple(n for _, n in top)
    )


def _gap(there: int, rows: int) -> float:
    """Share of rows without a value."""
    return 1.0 - there / rows if rows else 0.0


def _date(days: float) -> str:
    try:
        return dt.date.fromordinal(_EPOCH + round(days)).isoformat()
    except (ValueError, OverflowError):
        return f"day {days:.0f}"
