"""Checks of arguments: each returns the clean value or raises one uniform sentence.

The manner is always "The 'degree' parameter of KANLinear must be an int in the range [0, 5]. Got 7 instead."
`of` names the function or class in the sentence; leave it out where the argument's name says enough.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.errors import InputError

Floats = NDArray[np.float64]


def check_int(
    value: object, name: str, *, low: int | None = None, high: int | None = None, of: str = ""
) -> int:
    """An int (numpy ints too, never bool) inside the closed range [low, high]."""
    good = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
    if not good or not _inside(int(cast(int, value)), low, high, closed=True):
        raise InputError(
            f"{_subject(name, of)} must be an int{_range(low, high, '[', ']')}. Got {short(value)} instead."
        )
    return int(cast(int, value))


def check_float(
    value: object,
    name: str,
    *,
    low: float | None = None,
    high: float | None = None,
    closed: bool = True,
    of: str = "",
) -> float:
    """A finite real number inside [low, high], or inside (low, high) where `closed` is false."""
    good = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if (
        not good
        or not math.isfinite(number := float(cast(float, value)))
        or not _inside(number, low, high, closed)
    ):
        left, right = ("[", "]") if closed else ("(", ")")
        allowed = _range(low, high, left, right)
        raise InputError(
            f"{_subject(name, of)} must be a finite number{allowed}. Got {short(value)} instead."
        )
    return number


def check_bool(value: object, name: str, *, of: str = "") -> bool:
    """True or False, nothing that merely looks like it."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{_subject(name, of)} must be True or False. Got {short(value)} instead.")
    return bool(value)


def check_choice(value: object, name: str, choices: Collection[str], *, of: str = "") -> str:
    """One of the given strings; a near miss is answered with "did you mean"."""
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(repr(choice) for choice in choices)
    raise InputError(
        f"{_subject(name, of)} must be one of {listed}. Got {short(value)} instead{did_you_mean(value, choices)}."
    )


def check_names(
    value: Iterable[object], name: str, count: int | None = None, *, of: str = ""
) -> tuple[str, ...]:
    """Distinct, non-empty names, exactly `count` of them where given."""
    if isinstance(value, str):
        raise InputError(
            f"{_subject(name, of)} must be a list of names. Got the single string {value!r} instead."
        )
    names = tuple(value)
    for entry in names:
        if not isinstance(entry, str) or not entry.strip():
            raise InputError(f"{_subject(name, of)} must hold non-empty strings. Got {short(entry)} instead.")
    if count is not None and len(names) != count:
        raise InputError(f"{_subject(name, of)} must hold {plural(count, 'name')}. Got {len(names)} instead.")
    seen: set[object] = set()
    for entry in names:
        if entry in seen:
            raise InputError(
                f"{_subject(name, of)} must hold distinct names. Got {entry!r} more than once instead."
            )
        seen.add(entry)
    return cast("tuple[str, ...]", names)


def check_matrix(
    value: object,
    name: str,
    *,
    columns: int | None = None,
    rows: int | None = None,
    min_rows: int = 1,
    of: str = "",
) -> Floats:
    """A finite float64 copy (n, d) of a numpy, torch, list or data-frame matrix.

    The first bad entry is named by row and column (by its name where the input is a data frame).
    """
    array, labels = _as_float64(value, name, of)
    if array.ndim != 2:
        advice = (
            f"; reshape it with {name}.reshape(-1, 1) if it is a single column" if array.ndim == 1 else ""
        )
        raise InputError(
            f"{_subject(name, of)} must be a matrix of shape (rows, columns). Got an array of shape "
            f"{array.shape} instead{advice}."
        )
    if columns is not None:
        check_columns(array, columns, name, of=of)
    if rows is not None and array.shape[0] != rows:
        raise InputError(
            f"{_subject(name, of)} must have {plural(rows, 'row')}. Got {array.shape[0]} instead."
        )
    if array.shape[0] < min_rows:
        raise InputError(
            f"{_subject(name, of)} must have at least {plural(min_rows, 'row')}. Got {array.shape[0]} instead."
        )
    finite = np.isfinite(array)
    if not finite.all():
        row, column = (int(index[0]) for index in np.nonzero(~finite))
        at = repr(labels[column]) if labels is not None else str(column)
        raise InputError(
            f"{_subject(name, of)} must hold finite numbers. Got {array[row, column]} in row {row}, column {at} "
            f"({plural(int((~finite).sum()), 'such entry', 'such entries')}) instead; drop or fill those rows first."
        )
    return array


def check_vector(
    value: object, name: str, *, length: int | None = None, min_length: int = 1, of: str = ""
) -> Floats:
    """A finite float64 copy (n,) of a numpy, torch, list or series vector; a single column (n, 1) is flattened."""
    array, _ = _as_float64(value, name, of)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{_subject(name, of)} must be a vector of shape (rows,). Got an array of shape {array.shape} instead."
        )
    if length is not None and array.shape[0] != length:
        raise InputError(
            f"{_subject(name, of)} must have {plural(length, 'entry', 'entries')}. Got {array.shape[0]} instead."
        )
    if array.shape[0] < min_length:
        raise InputError(
            f"{_subject(name, of)} must have at least {plural(min_length, 'entry', 'entries')}. "
            f"Got {array.shape[0]} instead."
        )
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            f"{_subject(name, of)} must hold finite numbers. Got {array[bad[0]]} in row {bad[0]} "
            f"({plural(bad.size, 'such entry', 'such entries')}) instead; drop or fill those rows first."
        )
    return array


def check_columns(value: Any, count: int, name: str = "X", *, of: str = "") -> None:
    """The last axis of an array or tensor has `count` entries."""
    shape = tuple(int(size) for size in value.shape)
    if not shape or shape[-1] != count:
        got = f"an array of shape {shape}" if len(shape) != 2 else f"{shape[-1]}"
        raise InputError(f"{_subject(name, of)} must have {plural(count, 'column')}. Got {got} instead.")


def did_you_mean(value: object, choices: Iterable[str]) -> str:
    """ " (did you mean 'x'?)" for a near miss, else nothing."""
    lowered = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(str(value).lower(), list(lowered), n=1, cutoff=0.6)
    return f" (did you mean {lowered[near[0]]!r}?)" if near else ""


def plural(count: int, one: str, many: str = "") -> str:
    """'1 row', '2 rows'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def short(value: object) -> str:
    """A value's repr on one line, cut to a readable length."""
    text = " ".join(repr(value).split())
    if not isinstance(value, (str, int, float, complex, type(None))) and len(text) > 60:
        text = f"{text[:57]}... (a {type(value).__name__})"
    return text if len(text) <= 90 else f"{text[:87]}..."


def _subject(name: str, of: str) -> str:
    return f"The '{name}' parameter of {of}" if of else f"The '{name}' argument"


def _range(low: float | None, high: float | None, left: str, right: str) -> str:
    if low is None and high is None:
        return ""
    lower = f"{left}{low}" if low is not None else "(-inf"
    upper = f"{high}{right}" if high is not None else "inf)"
    return f" in the range {lower}, {upper}"


def _inside(value: float, low: float | None, high: float | None, closed: bool) -> bool:
    if closed:
        return (low is None or value >= low) and (high is None or value <= high)
    return (low is None or value > low) and (high is None or value < high)


def _as_float64(value: object, name: str, of: str) -> tuple[Floats, list[str] | None]:
    """A fresh float64 array and, for a data frame, its column labels."""
    if value is None or isinstance(value, (str, bytes, Mapping, set)):
        raise InputError(f"{_subject(name, of)} must be an array of numbers. Got {short(value)} instead.")
    labels: list[str] | None = None
    if hasattr(value, "detach"):  # a torch tensor, on any device, with or without a graph
        source: Any = cast(Any, value).detach().cpu()
        value = source.double().numpy() if source.is_floating_point() else source.numpy()
    elif hasattr(value, "column_names"):  # an Arrow table, whose own conversion to an array runs by column
        table = cast(Any, value)
        labels = [str(label) for label in table.column_names]
        value = [list(row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
    elif hasattr(value, "columns"):
        labels = [str(label) for label in cast(Any, value).columns]
    try:
        raw = np.asarray(cast(Any, value))
        # numpy would quietly turn "1", complex numbers and dates into floats; a caller rarely means that.
        if raw.dtype.kind in "cmMSU" or (
            raw.dtype.kind == "O" and any(isinstance(e, (str, bytes)) for e in raw.flat)
        ):
            raise TypeError
        # Missing values arrive as None in object arrays; as NaN they are named by row and column later.
        return np.array(raw, dtype=np.float64, copy=True, order="C"), labels
    except (TypeError, ValueError):
        found = _first_text(value, labels)
        raise InputError(
            f"{_subject(name, of)} must hold real numbers only, in rows of equal length. Got {found} instead."
        ) from None


def _first_text(value: object, labels: list[str] | None) -> str:
    """Where a conversion to numbers first failed, for the message."""
    try:
        raw = np.asarray(cast(Any, value), dtype=object)
    except ValueError:
        return "rows of different lengths"
    for index, entry in np.ndenumerate(raw):
        if isinstance(entry, (list, tuple)):
            return "rows of different lengths"
        if entry is not None and not isinstance(entry, numbers.Real):
            where = f"row {index[0]}" if index else "the value"
            if len(index) > 1:
                where += f", column {labels[index[1]]!r}" if labels else f", column {index[1]}"
            return f"{short(entry)} in {where} (encode text as numbers, or leave that column out)"
    return f"an array of {np.asarray(cast(Any, value)).dtype}"
