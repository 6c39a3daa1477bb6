"""Checks of arguments: each returns the clean value or raises one uniform sentence.

The manner is always "The 'degree' argument must be an int in the range [0, 5]. Got 7 instead."
"""

from __future__ import annotations

import difflib
import math
import numbers
import re
import reprlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.plain import article

# The squares of numbers beyond this, and of those below its inverse, leave the range of floats.
LARGEST = 1e140
# Longer text does not help a reader.
_LONGEST_WORD = 200
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")


class _Brief(reprlib.Repr):
    """Beginnings of long containers; of errors in them no more than their type."""

    def repr_instance(self, x: Any, level: int) -> str:
        return article(type(x)) if isinstance(x, BaseException) else super().repr_instance(x, level)


_BRIEF = _Brief()
_BRIEF.maxlevel, _BRIEF.maxstring, _BRIEF.maxother, _BRIEF.maxlong = 4, 90, 90, 60
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = _BRIEF.maxset = _BRIEF.maxfrozenset = 30
# What a conversion of something that is no array, from whatever library, may raise.
UNREADABLE = (TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError, LookupError)


def check_int(value: object, name: str, *, low: int | None = None, high: int | None = None) -> int:
    """An int (numpy ints too, never bool) inside the closed range [low, high]."""
    good = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
    if not good or not _inside(int(cast(int, value)), low, high, closed=True):
        raise InputError(argument=name, expected=f"be an int{_range(low, high, '[', ']')}", got=short(value))
    return int(cast(int, value))


def check_float(
    value: object,
    name: str,
    *,
    low: float | None = None,
    high: float | None = None,
    closed: bool = True,
) -> float:
    """A finite real number inside [low, high], or inside (low, high) where `closed` is false."""
    number = _real(value)
    if not math.isfinite(number) or not _inside(number, low, high, closed):
        left, right = ("[", "]") if closed else ("(", ")")
        allowed = _range(low, high, left, right)
        raise InputError(argument=name, expected=f"be a finite number{allowed}", got=short(value))
    return number


def check_bool(value: object, name: str) -> bool:
    """True or False, nothing that merely looks like it."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(argument=name, expected="be True or False", got=short(value))
    return bool(value)


def check_choice(value: object, name: str, choices: Collection[str]) -> str:
    """One of the given strings; a near miss is answered with "did you mean"."""
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(repr(choice) for choice in choices)
    raise InputError(
        argument=name, expected=f"be one of {listed}", got=f"{short(value)}{did_you_mean(value, choices)}"
    )


def check_names(value: Iterable[object], name: str, count: int | None = None) -> tuple[str, ...]:
    """Distinct, non-empty names, exactly `count` of them where given."""
    if isinstance(value, str):
        raise InputError(
            argument=name, expected="be a list of names", got=f"the single string {short(value)}"
        )
    names = as_tuple(value, name, "names")
    for entry in names:
        if not isinstance(entry, str) or not entry.strip():
            raise InputError(argument=name, expected="hold non-empty strings", got=short(entry))
    if count is not None and len(names) != count:
        raise InputError(argument=name, expected=f"hold {plural(count, 'name')}", got=len(names))
    seen: set[object] = set()
    for entry in names:
        if entry in seen:
            raise InputError(
                argument=name, expected="hold distinct names", got=f"{short(entry)} more than once"
            )
        seen.add(entry)
    return cast("tuple[str, ...]", names)


def as_tuple(value: object, name: str, of_what: str) -> tuple[Any, ...]:
    """The entries of any iterable but a string or a mapping; `of_what` names what it should list."""
    if not isinstance(value, (str, bytes, Mapping)) and isinstance(value, Iterable):
        try:
            return tuple(cast("Iterable[Any]", value))
        except UNREADABLE:  # an array without dimensions, a generator that raises
            pass
    raise InputError(argument=name, expected=f"be a list of {of_what}", got=short(value))


def check_matrix(
    value: object,
    name: str,
    *,
    columns: int | None = None,
    rows: int | None = None,
    min_rows: int = 1,
    missing: bool = False,
) -> Floats:
    """A finite float64 copy (n, d) of a numpy, torch, list or data-frame matrix; NaN may stand in it where `missing`.

    The first bad entry is named by row and column (by its name where the input is a data frame).
    """
    array, labels = _as_float64(value, name)
    if array.ndim != 2:
        raise InputError(
            argument=name,
            expected="be a matrix of shape (rows, columns)",
            got=f"an array of shape {array.shape}",
            advice=f"reshape it with {name}.reshape(-1, 1) if it is a single column"
            if array.ndim == 1
            else "",
        )
    if columns is not None:
        check_columns(array, columns, name)
    if rows is not None and array.shape[0] != rows:
        raise InputError(argument=name, expected=f"have {plural(rows, 'row')}", got=array.shape[0])
    if array.shape[0] < min_rows:
        raise InputError(
            argument=name, expected=f"have at least {plural(min_rows, 'row')}", got=array.shape[0]
        )
    finite = ~np.isinf(array) if missing else np.isfinite(array)
    if not finite.all():
        row, column = (int(index[0]) for index in np.nonzero(~finite))
        at = short(labels[column]) if labels is not None else str(column)
        raise InputError(
            argument=name,
            expected="hold finite numbers",
            got=f"{array[row, column]} (column {at}, {plural(int((~finite).sum()), 'such entry', 'such entries')})",
            rows=[row],
            advice="drop or fill such rows first",
        )
    return array


def check_vector(
    value: object,
    name: str,
    *,
    length: int | None = None,
    min_length: int = 1,
    missing: bool = False,
) -> Floats:
    """A finite float64 copy (n,) of a numpy, torch, list or series vector; a single column (n, 1) is flattened.

    NaN may stand in it where `missing`.
    """
    array, _ = _as_float64(value, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            argument=name, expected="be a vector of shape (rows,)", got=f"an array of shape {array.shape}"
        )
    if length is not None and array.shape[0] != length:
        raise InputError(
            argument=name, expected=f"have {plural(length, 'entry', 'entries')}", got=array.shape[0]
        )
    if array.shape[0] < min_length:
        raise InputError(
            argument=name,
            expected=f"have at least {plural(min_length, 'entry', 'entries')}",
            got=array.shape[0],
        )
    bad = np.flatnonzero(np.isinf(array) if missing else ~np.isfinite(array))
    if bad.size:
        raise InputError(
            argument=name,
            expected="hold finite numbers",
            got=array[bad[0]],
            rows=bad,
            advice="drop or fill those rows first",
        )
    return array


def check_squarable(
    values: Floats, what: str, *, labels: Sequence[str] = (), tiny: bool = True, rows: Any = None
) -> None:
    """Refuse numbers (n,) or (n, d), those of some `rows`, beyond 1e140 and, unless `tiny`, all below 1e-140."""
    sizes = np.abs(values)
    largest = float(sizes.max(initial=0.0))
    if largest <= LARGEST and (tiny or largest == 0.0 or largest >= 1 / LARGEST):
        return
    row, *rest = (int(item) for item in np.unravel_index(int(sizes.argmax()), sizes.shape))
    column = f" (column {short(labels[rest[0]])})" if labels and rest else ""
    allowed = f"up to {LARGEST:g}" if tiny else f"between {1 / LARGEST:g} and {LARGEST:g}"
    raise InputError(
        subject=what,
        expected=f"have its largest entry {allowed}, so that errors can be squared",
        got=f"{largest:g}{column}",
        rows=[row if rows is None else rows[row]],
        advice="choose other units",
    )


def check_columns(value: Any, count: int, name: str = "X") -> None:
    """The last axis of an array or tensor has `count` entries."""
    shape = tuple(int(size) for size in value.shape)
    if not shape or shape[-1] != count:
        got = f"an array of shape {shape}" if len(shape) != 2 else f"{shape[-1]}"
        raise InputError(argument=name, expected=f"have {plural(count, 'column')}", got=got)


def did_you_mean(value: object, choices: Iterable[str]) -> str:
    """ " (did you mean 'x'?)" for a near miss, else nothing."""
    if (
        not isinstance(value, str) or len(value) > _LONGEST_WORD
    ):  # comparing takes time that grows with its square
        return ""
    lowered = {choice.lower(): choice for choice in choices if len(choice) <= _LONGEST_WORD}
    near = difflib.get_close_matches(value.lower(), list(lowered), n=1, cutoff=0.6)
    return f" (did you mean {lowered[near[0]]!r}?)" if near else ""


def plural(count: int, one: str, many: str = "") -> str:
    """'1 row', '2 rows'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def among(names: Iterable[str], most: int = 5) -> str:
    """The first names in quotes, and how many more there are; "nothing" where there are none."""
    known = list(names)
    shown = ", ".join(short(name, 24) for name in known[:most]) or "nothing"
    return f"{shown} and {len(known) - most:,} more" if len(known) > most else shown


def short(value: object, most: int = 90) -> str:
    """A value's repr on one line, cut to a readable length; whatever the value is, this does not fail."""
    if isinstance(value, BaseException):
        return article(type(value))
    text, size = _written(value), _size(value)
    # A frame is written in lines, which end in spaces here: numbers without order.
    long = len(text) > 60 or (size and hasattr(value, "columns"))
    if not isinstance(value, (str, int, float, complex, type(None))) and long:
        text = f"{article(type(value))}{size}" if size else f"{text[:57]}... ({article(type(value))})"
    return text if len(text) <= most else f"{text[: most - 3]}..."


def text_of(value: object) -> str:
    """A value as text, its type where it has none; whatever the value is, this does not fail."""
    try:
        return str(value)
    except Exception:
        return short(value)


def _size(value: object) -> str:
    """ " of shape (3, 2)" for arrays and tables, whose numbers do not help a reader; else nothing."""
    shape = getattr(value, "shape", None)
    return f" of shape {shape}" if isinstance(shape, tuple) else ""


def _written(value: object) -> str:
    """The repr without line breaks and addresses; of long strings and lists only the beginning is ever written."""
    if isinstance(value, str):
        value = value[:_LONGEST_WORD]
    try:
        text = _BRIEF.repr(value) if isinstance(value, (list, tuple, dict, set, frozenset)) else repr(value)
    except Exception:  # a repr that is broken, an int of too many digits
        return f"an object of type {type(value).__name__}"
    if _ADDRESS.search(text):
        return f"an object of type {type(value).__name__}"
    return " ".join(text.split())


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


def _real(value: object) -> float:
    """A real number as a float; NaN for everything else."""
    if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
        return math.nan
    try:
        return float(value)
    except UNREADABLE:
        return math.nan


def _as_float64(value: object, name: str) -> tuple[Floats, list[str] | None]:
    """A fresh float64 array and, for a data frame, its column labels."""
    if value is None or isinstance(value, (str, bytes, Mapping, set)):
        raise InputError(argument=name, expected="be an array of numbers", got=short(value))
    for way, method in _FIRST.items():
        if hasattr(value, method):
            raise InputError(
                argument=name,
                expected="be an array of numbers",
                got=way,
                advice=f"convert it with .{method}() first",
            )
    try:
        plain, labels = _plain(value)
        raw = np.asarray(plain)
        # numpy would quietly turn "1", complex numbers and dates into floats; a caller rarely means that.
        if raw.dtype.kind in "cmMSUV" or (
            raw.dtype.kind == "O" and any(isinstance(e, (str, bytes)) for e in raw.flat)
        ):
            raise TypeError
        with np.errstate(
            over="ignore"
        ):  # a long double beyond the range of a float becomes infinite, and is reported as such
            # Missing values arrive as None in object arrays; as NaN they are named by row and column later.
            return np.array(raw, dtype=np.float64, copy=True, order="C"), labels
    except UNREADABLE:
        got, rows, advice = _first_text(value)
        raise InputError(
            argument=name,
            expected="hold real numbers only, in rows of equal length",
            got=got,
            rows=rows,
            advice=advice,
        ) from None


# What has to be converted by the caller, who alone knows whether there is room for it: sparse matrices, lazy frames.
_FIRST = {"a lazy frame": "collect", "a sparse matrix": "toarray"}


def _plain(value: object) -> tuple[Any, list[str] | None]:
    """What numpy reads as an array, and the labels of its columns where it has any."""
    if hasattr(value, "detach"):  # a torch tensor, on any device, with or without a graph
        source: Any = cast(Any, value).detach().cpu()
        return (source.double().numpy() if source.is_floating_point() else source.numpy()), None
    if isinstance(value, np.ma.MaskedArray):  # whose masked entries numpy would otherwise lay bare
        return np.ma.filled(cast(Any, value).astype(np.float64), np.nan), None
    if hasattr(value, "column_names"):  # an Arrow table, whose own conversion to an array runs by column
        table = cast(Any, value)
        rows = [list(row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
        return rows, [str(label) for label in table.column_names]
    labels = getattr(value, "columns", None)
    return value, None if labels is None else [str(label) for label in labels]


def _first_text(value: object) -> tuple[str, Sequence[int], str]:
    """What no conversion to numbers takes, the row where it stands, and what to do."""
    try:
        plain, labels = _plain(value)
        entries = list(np.ndenumerate(raw := np.asarray(plain, dtype=object)))
    except ValueError:
        return "rows of different lengths", (), ""
    except UNREADABLE:
        return short(value) if not hasattr(value, "detach") else f"a {_kind_of(value)} tensor", (), ""
    for index, entry in entries:
        if isinstance(entry, (list, tuple)):
            return "rows of different lengths", (), ""
        if entry is not None and not math.isfinite(_real(entry)) and not isinstance(entry, float):
            where = ""
            if len(index) > 1:
                where = f" (column {short(labels[index[1]]) if labels else index[1]})"
            return f"{short(entry)}{where}", index[:1], _advice(entry)
    return f"an array of {raw.dtype if raw.dtype.kind != 'O' else np.asarray(plain).dtype}", (), ""


def _kind_of(tensor: Any) -> str:
    what = tensor.layout if str(tensor.layout) != "torch.strided" else tensor.dtype
    return "meta" if tensor.is_meta else str(what).removeprefix("torch.")


def _advice(entry: object) -> str:
    if isinstance(entry, (str, bytes)):
        return "encode text as numbers, or leave that column out"
    return "it is too large for a float" if isinstance(entry, int) else ""
