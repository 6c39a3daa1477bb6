"""Raw values of a column: as a person reads them, and as the cells and codes of its encoding."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np

from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import REACH, EncodedColumn, LevelColumn, NumberColumn
from edgewise.verifying.domain.conditions import OneOf
from edgewise.verifying.domain.domain import Cell, Interval

_EPOCH = dt.datetime(1970, 1, 1)


def shown(value: Any) -> str:
    """A raw value as a person reads it."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return f"{value:.6g}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def exact(value: Any) -> str:
    """A raw value with as many digits as it takes to be that number, and not one beside it."""
    if isinstance(value, float) and math.isfinite(value) and not value.is_integer():
        texts = (f"{value:.{digits}g}" for digits in range(6, 18))
        return next(text for text in texts if float(text) == value)
    return shown(value)


# Digits of ends and bounds that are rounded to the safe side.
_DIGITS = 6


def rounded(value: float, up: int) -> float:
    """A number of few digits that is not below (up = 1) or not above (-1) a value."""
    near = float(f"{value:.{_DIGITS}g}")
    if near == value or (near > value) == (up > 0) or value == 0:
        return near
    step = 10.0 ** (math.floor(math.log10(abs(value))) - _DIGITS + 1)
    return float(f"{near + up * step:.{_DIGITS}g}")


def cells_of(column: EncodedColumn) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """The cells of a column and their names; the checker's page describes the file likewise."""
    if isinstance(column, LevelColumn):
        return tuple(((float(k), float(k)),) for k in range(len(column.levels))), column.levels
    assert isinstance(column, NumberColumn)
    if column.two_valued:
        values = (column.low,) if column.low == column.high else (column.low, column.high)
        kept: list[Interval] = [(value, value) for value in values]
        labels = [shown(_said(column, value)) for value in values]
    else:
        reach = REACH * (column.high - column.low)
        kept, labels = [(column.low - reach, column.high + reach)], [""]
    at_fill = (column.fill, column.fill)
    if not column.flagged and not any(low <= column.fill <= high for low, high in kept):
        kept.append(at_fill)
        labels.append("missing")
    count = len(column.marks)
    cells: list[Cell] = [(interval, *[(0.0, 0.0)] * count) for interval in kept]
    for mark in range(count):
        cells.append((at_fill, *((float(k == mark), float(k == mark)) for k in range(count))))
    return tuple(cells), (*labels, *column.marks)


def code_of(column: EncodedColumn | None, cell: Cell) -> float | None:
    """The raw number of a cell that stands for a code."""
    if not isinstance(column, NumberColumn):
        return None
    there = [mark for mark, (low, _) in enumerate(cell[1:]) if low >= 0.5]
    return column.marked(there[0]) if there else None


def _said(column: NumberColumn, value: float) -> Any:
    number = float(column.decode(np.array([value]))[0])
    return number >= 0.5 if column.kind == "bool" else date_of(number) if column.kind == "date" else number


def date_of(days: float) -> dt.date | float:
    """Days since 1970 as a date, or a moment; as they are where no calendar reaches."""
    try:
        moment = _EPOCH + dt.timedelta(days=days)
    except (OverflowError, ValueError):
        return days
    return moment.date() if days.is_integer() else moment


def _plain_number(value: Any) -> str:
    """A number where words were learned, written as the encoding writes it."""
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def beyond(value: float, end: float) -> float:
    """A few floats from a value on towards an end."""
    for _ in range(4):
        value = math.nextafter(value, end)
    return value


def codes_of(column: LevelColumn, condition: OneOf) -> set[int]:
    """The codes of the words that a condition names."""
    codes = set[int]()
    for value in condition.values:
        written = str(value) if isinstance(value, (str, bool)) else _plain_number(value)
        if written in column.levels:
            codes.add(column.levels.index(written))
        elif written in column.pooled:
            codes.add(column.unseen)
        else:
            raise InputError(
                subject=f"Column {short(condition.column, 40)}",
                expected=f"be one of {', '.join(map(repr, column.levels))}",
                got=f"{short(value)}{did_you_mean(written, (*column.levels, *column.pooled))}",
            )
    return codes
