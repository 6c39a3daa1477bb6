"""When rows came under observation, when they left it, and what ended it: one form for every kind of censoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise._core.rows import row_numbers
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table

PARTS = ("duration", "event", "entry", "until")
# Words that say, in a column of causes, that nothing has happened.
_NOTHING = ("", "0", "censored", "none", "false", "no")


@dataclass(frozen=True, eq=False)
class ObservedTimes:
    """Times of n rows, in one unit.

    Attributes
    ----------
    entry : array of shape (n,)
        When a row came under observation.
    low, high : array of shape (n,)
        What happened did so after `low` and not after `high`; the same where the time is known, infinity where it had not
        happened by `low`.
    cause : array of int, shape (n,)
        The number of what happened, -1 for nothing.
    causes : tuple of str
        What may happen.
    unit : str
        What the durations are called.
    """

    entry: Floats
    low: Floats
    high: Floats
    cause: Ints
    causes: tuple[str, ...]
    unit: str

    def __len__(self) -> int:
        return len(self.low)

    @property
    def happened(self) -> NDArray[np.bool_]:
        """Whether anything happened, (n,)."""
        return self.cause >= 0

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Whether it is known when, (n,)."""
        return self.happened & (self.low == self.high)

    def take(self, rows: NDArray[Any]) -> ObservedTimes:
        """Those of some rows."""
        parts = {name: getattr(self, name)[rows] for name in ("entry", "low", "high", "cause")}
        return replace(self, **parts)


def read_outcomes(
    X: Any, y: Any, duration: Any = None, event: Any = None, entry: Any = None, until: Any = None
) -> tuple[RawTable, ObservedTimes]:
    """The columns of X that explain, and the outcomes of its rows.

    Parameters
    ----------
    X : table, n rows
    y : structured array with a field of truth values and a field of numbers, mapping or frame with the columns "duration",
        "event", "entry", "until", array of durations (n,), or None
    duration, event, entry, until : str or array of shape (n,), optional
        In place of y. A text names a column of X, which then explains nothing.

    Raises
    ------
    InputError
        If times are missing, negative or in the wrong order, nothing has happened, or X and y have different lengths.
    """
    if X is None:
        raise InputError(argument="X", expected="be a table", got="None")
    table = raw_table(X)
    given = {
        name: part
        for name, part in zip(PARTS, (duration, event, entry, until), strict=True)
        if part is not None
    }
    if y is not None:
        if given:
            raise InputError(
                argument="y",
                expected=f"be left out where {next(iter(given))!r} is given",
                got="both",
                advice="give either",
            )
        given = _of_target(y)
    if "duration" not in given:
        raise InputError(
            argument="duration",
            expected="give the time of every row, as numbers or the name of a column",
            got="nothing",
            advice="or pass y with a field of events and a field of times",
        )
    cells = {name: _cells(table, part, name) for name, part in given.items()}
    named = [part for part in given.values() if isinstance(part, str)]
    kept = tuple(column for column in table.columns if column.name not in named)
    unit = given["duration"] if isinstance(given["duration"], str) else _called(given["duration"])
    outcomes = _checked(cells, table.n_rows, unit)
    return RawTable(kept, table.n_rows, table.named), outcomes


def _called(values: Any) -> str:
    name = getattr(values, "name", None)
    return name if isinstance(name, str) and name else "time"


def _of_target(y: Any) -> dict[str, Any]:
    """The parts of y."""
    fields = getattr(getattr(y, "dtype", None), "names", None)
    if fields:
        events = [name for name in fields if y.dtype[name].kind == "b"]
        times = [name for name in fields if y.dtype[name].kind in "iuf"]
        if len(events) != 1 or len(times) != 1:
            raise InputError(
                argument="y",
                expected="have one field of truth values and one of numbers",
                got=f"the fields {', '.join(fields)}",
            )
        return {"event": y[events[0]], "duration": y[times[0]]}
    names = getattr(y, "columns", y if isinstance(y, Mapping) else None)
    if names is not None and not callable(names):
        listed = [str(name) for name in names]
        strange = [name for name in listed if name not in PARTS]
        if strange or "duration" not in listed:
            raise InputError(
                argument="y",
                expected="have the columns duration, event, entry, until, of which the first is needed",
                got=", ".join(listed[:6]) or "none",
            )
        return {name: y[name] for name in listed}
    return {"duration": y}


def _cells(table: RawTable, part: Any, name: str) -> RawColumn:
    """The cells of an outcome, one a row."""
    if isinstance(part, str):
        if part not in table.names:
            raise InputError(
                argument=name,
                expected="name a column of X",
                got=short(part),
                advice=f"X has {short(list(table.names))}",
            )
        return table.columns[table.names.index(part)]
    plain = part if isinstance(part, np.ndarray) else getattr(part, "to_numpy", lambda: np.asarray(part))()
    if plain.ndim != 1 or len(plain) != table.n_rows:
        raise InputError(
            argument=name,
            expected=f"have {plural(table.n_rows, 'entry', 'entries')}, one a row of X",
            got=f"shape {plain.shape}",
        )
    return raw_table({name: plain}, name).columns[0]


def _numbers(column: RawColumn, name: str) -> Floats:
    if column.numbers is None:
        raise InputError(
            argument=name, expected="hold numbers", got=f"words such as {short(column.words[0])}"
        )
    return np.asarray(column.numbers, dtype=np.float64)


def _checked(cells: Mapping[str, RawColumn], n: int, unit: str) -> ObservedTimes:
    low = _numbers(cells["duration"], "duration")
    entry = _numbers(cells["entry"], "entry") if "entry" in cells else np.zeros(n)
    for name, times in (("duration", low), ("entry", entry)):
        if not np.isfinite(times).all():
            bad = np.flatnonzero(~np.isfinite(times))
            raise InputError(
                argument=name,
                expected="hold a number for every row",
                got=f"none in {row_numbers(bad)}",
                advice="drop those rows",
            )
        if (times < 0).any():
            bad = np.flatnonzero(times < 0)
            raise InputError(
                argument=name, expected="be 0 or more", got=f"{times[bad[0]]:g} in {row_numbers(bad)}"
            )
    if (low < entry).any():
        bad = np.flatnonzero(low < entry)
        raise InputError(
            argument="duration",
            expected="be the time at which observation ended, at or after its entry",
            got=f"{low[bad[0]]:g} after the entry at {entry[bad[0]]:g} in {row_numbers(bad)}",
        )
    if "event" in cells:
        cause, causes = _causes(cells["event"])
    elif "until" in cells:
        # What has an end of its interval has happened.
        cause, causes = np.where(np.isfinite(_numbers(cells["until"], "until")), 0, -1), ("event",)
    else:
        cause, causes = np.zeros(n, dtype=np.int64), ("event",)
    if not (cause >= 0).any():
        raise InputError(
            argument="event",
            expected="say of some row that it happened",
            got="none",
            advice="1 or True means that it did",
        )
    high = np.where(cause >= 0, low, np.inf)
    if "until" in cells:
        until = _numbers(cells["until"], "until")
        high = np.where((cause >= 0) & np.isfinite(until), until, high)
        if (high < low).any():
            bad = np.flatnonzero(high < low)
            raise InputError(
                argument="until",
                expected="be the time by which it had happened, at or after the duration",
                got=f"{high[bad[0]]:g} after {low[bad[0]]:g} in {row_numbers(bad)}",
            )
    return ObservedTimes(entry, low, high, cause.astype(np.int64), causes, unit)


def _causes(column: RawColumn) -> tuple[Ints, tuple[str, ...]]:
    """The numbers of what happened, -1 for nothing, and its names."""
    if column.numbers is not None:
        values = np.nan_to_num(np.asarray(column.numbers, dtype=np.float64), nan=0.0)
        found = np.unique(values[values != 0])
        if len(found) > _most_causes(len(values)):
            raise InputError(
                argument="event",
                expected="be 0 or 1, or name a few causes",
                got=f"{len(found):,} values that differ",
            )
        names = ("event",) if found.tolist() == [1.0] else tuple(f"{value:g}" for value in found)
        return np.where(values == 0, -1, np.searchsorted(found, values)), names
    words = np.array([*(str(word) for word in column.words), ""], dtype=object)
    cells = words[cast(Any, column.codes)]
    found = sorted({word for word in cells if word.strip().lower() not in _NOTHING})
    if len(found) > _most_causes(len(cells)):
        raise InputError(
            argument="event", expected="name a few causes", got=f"{len(found):,} words that differ"
        )
    number = {word: place for place, word in enumerate(found)}
    return np.array([number.get(word, -1) for word in cells], dtype=np.int64), tuple(found)


def _most_causes(rows: int) -> int:
    """So many causes are read as such; more are times or numbers of rows."""
    return max(2, min(20, rows // 10))
