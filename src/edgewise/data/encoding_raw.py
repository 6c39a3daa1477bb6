"""Raw columns: any table a person holds (arrays, lists, mappings, data frames) as numbers and coded words.

Numbers, truth values and dates become float64 with NaN where a cell is missing (dates count days since 1970, periods of
pandas from their beginning). Words
become codes into the distinct words of their column, -1 where a cell is missing. Nothing is learned here.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Number
from typing import Any, cast

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import UNREADABLE, did_you_mean, plural, short, text_of
from edgewise._core.errors import InputError
from edgewise._core.rows import Rows
from edgewise.data.arrow import floats_of
from edgewise.data.table import Table, check_distinct

# Cells that a sparse table may have: a gibibyte of numbers.
_MOST_DENSE = 2**27


class CellError(InputError, TypeError):
    """A cell that is neither a number nor a word; a TypeError too, which is what scikit-learn raises for it."""


def column_error(name: str, expected: str, got: object = "", advice: str = "", rows: Rows = ()) -> InputError:
    """The error about what a column of a table must do."""
    what = f"Column {short(name, 40)}"
    return InputError(subject=what, expected=expected, got=got, advice=advice, rows=rows)


@dataclass(frozen=True, eq=False)
class RawColumn:
    """One column: `numbers` for the kinds "number", "bool" and "date"; `codes` into `words` for "text"."""

    name: str
    kind: str
    numbers: Floats | None = None
    codes: Ints | None = None
    words: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(cast(Any, self.numbers if self.codes is None else self.codes))

    def cells(self, rows: NDArray[Any] | slice = slice(None)) -> list[float | str | None]:
        """Its cells as numbers and words, None where they are missing; those of some rows only, if given."""
        if self.codes is not None:
            return [None if code < 0 else self.words[code] for code in self.codes[rows].tolist()]
        return [None if cell != cell else cell for cell in cast(Floats, self.numbers)[rows].tolist()]

    def take(self, rows: NDArray[Any]) -> RawColumn:
        """The column of the given rows (numbers of rows, a mask or a slice)."""
        if self.codes is not None:
            return replace(self, codes=self.codes[rows])
        return replace(self, numbers=cast(Floats, self.numbers)[rows])


@dataclass(frozen=True, eq=False)
class RawTable:
    """Raw columns of equal length; `named` states whether the names are the caller's or ours."""

    columns: tuple[RawColumn, ...]
    n_rows: int
    named: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def take(self, rows: NDArray[Any]) -> RawTable:
        """The table of the given rows."""
        columns = tuple(column.take(rows) for column in self.columns)
        return RawTable(columns, len(columns[0]) if columns else 0, self.named)

    def select(self, names: Sequence[str], of: str = "the model") -> RawTable:
        """The columns a model was fitted on, in its order: by name where this table has names, else by place."""
        if not self.named:
            if len(self.columns) != len(names):
                raise InputError(
                    subject="The table",
                    expected=f"have the {plural(len(names), 'column')} that {of} was fitted on",
                    got=len(self.columns),
                )
            columns = tuple(
                replace(column, name=name) for column, name in zip(self.columns, names, strict=True)
            )
            return replace(self, columns=columns)
        if self.names == tuple(names):
            return self
        found = {column.name: column for column in self.columns}
        absent = [name for name in names if name not in found]
        if absent:
            listed = ", ".join(short(name, 40) for name in absent[:5]) + (", ..." if len(absent) > 5 else "")
            raise InputError(
                subject="The table",
                expected=f"have every column that {of} was fitted on",
                got=f"one without {listed}{did_you_mean(absent[0], [name for name in found if name not in names])}",
            )
        return replace(self, columns=tuple(found[name] for name in names))


def raw_table(data: Any, name: str = "X") -> RawTable:
    """Raw columns of an array, a list of rows, a mapping of columns or a data frame.

    Raises
    ------
    InputError
        If the data is no table, or a column's cells cannot be read; as `CellError` for cells of a strange type.
    """
    if isinstance(data, RawTable):
        return data
    if isinstance(data, Table):
        data = data.columns
    if hasattr(data, "toarray"):
        if math.prod(data.shape) > _MOST_DENSE:
            raise CellError(
                argument=name,
                expected=f"have at most {_MOST_DENSE:,} cells where it is sparse, for it is made dense",
                got=" x ".join(f"{size:,}" for size in data.shape),
                advice="choose columns or rows first",
            )
        data = data.toarray()
    if isinstance(data, Mapping):
        columns = [
            (key, _from_array(cells, str(key))) for key, cells in cast("Mapping[Any, Any]", data).items()
        ]
        return _table([key for key, _ in columns], [column for _, column in columns], name)
    if hasattr(data, "collect") and hasattr(data, "lazy"):
        raise CellError(
            argument=name,
            expected="hold its rows",
            got="a frame yet to be computed",
            advice=f"pass {name}.collect()",
        )
    if hasattr(data, "detach"):
        try:
            data = data.detach().cpu().numpy()
        except (TypeError, RuntimeError, NotImplementedError):  # sparse, without data, of a strange type
            raise CellError(argument=name, expected="be a dense tensor of numbers", got=short(data)) from None
    if not isinstance(data, np.ndarray) and (hasattr(data, "columns") or hasattr(data, "column_names")):
        return _from_frame(data, name)
    return _from_matrix(data, name)


def _from_frame(data: Any, name: str) -> RawTable:
    labels = list(data.column_names if hasattr(data, "column_names") else data.columns)
    check_distinct([text_of(label) for label in labels], argument=name)
    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError:
        raise InputError(argument=name, expected="be an array or a data frame", got=short(data)) from None
    columns = [
        _from_series(series, str(label)) for series, label in zip(frame.iter_columns(), labels, strict=True)
    ]
    return _table(labels, columns, name)


def _from_matrix(data: Any, name: str) -> RawTable:
    try:
        array = _as_array(data)
    except ValueError:
        raise InputError(
            argument=name, expected="be a table with rows of equal length", got="rows of different lengths"
        ) from None
    except UNREADABLE:
        raise InputError(argument=name, expected="be an array or a data frame", got=short(data)) from None
    if array.ndim != 2:
        raise InputError(
            f"The '{name}' argument must be a table of shape (rows, columns). Got an array of shape {array.shape} "
            f"instead. Reshape your data with {name}.reshape(-1, 1) if it is one column, {name}.reshape(1, -1) if it is "
            "one row."
        )
    if array.dtype.kind == "V":
        raise CellError(argument=name, expected="be a plain table", got=f"an array of {array.dtype}")
    labels = [f"x{k + 1}" for k in range(array.shape[1])]
    columns = [_from_array(array[:, k], label) for k, label in enumerate(labels)]
    return RawTable(tuple(columns), int(array.shape[0]), named=False)


def _table(labels: Sequence[Any], columns: Sequence[RawColumn], name: str) -> RawTable:
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise InputError(
            subject=f"The columns of '{name}'",
            expected="be of equal length",
            got=f"lengths {sorted(lengths)}",
        )
    named = bool(labels) and all(isinstance(label, str) for label in labels)
    return RawTable(tuple(columns), lengths.pop() if lengths else 0, named)


def _from_series(series: nw.Series[Any], name: str) -> RawColumn:
    kind = series.dtype
    if kind.is_numeric():
        return RawColumn(name, "number", floats_of(series))
    if kind == nw.Boolean:
        return RawColumn(name, "bool", floats_of(series))
    if kind.is_temporal() and kind != nw.Time:
        return RawColumn(name, "date", days_of(series.to_numpy(), name))
    if any(kind == words for words in (nw.String, nw.Categorical, nw.Enum)):
        return _from_arrow(series, name)
    return _from_cells(series.to_list(), name)


def _from_arrow(series: nw.Series[Any], name: str) -> RawColumn:
    """Words, through Arrow's dictionary: distinct words are read once, however many rows there are."""
    import pyarrow as pa

    try:
        array = series.alias("").to_arrow()  # Arrow takes no name with a null character, and Polars panics
    except (pa.ArrowException, TypeError):  # a category of mixed types
        return _from_cells(series.to_list(), name)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return _coded(name, codes, array.dictionary.to_pylist())


def _as_array(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    # In a list of numbers and words numpy would turn the numbers into words, and NaN into the word "nan".
    mixed = array.dtype.kind in "US" and not isinstance(values, np.ndarray)
    return np.asarray(values, dtype=object) if mixed else array


def _from_array(values: Any, name: str) -> RawColumn:
    refused = partial(InputError, subject=f"Column {short(name, 40)}", expected="hold one value a row")
    try:
        array = _as_array(values)
    except ValueError:
        raise refused(got="entries of different lengths") from None
    except UNREADABLE:
        raise refused(got=short(values)) from None
    if array.ndim != 1:
        raise refused(got=f"an array of shape {array.shape}")
    kind = array.dtype.kind
    if kind == "c":
        raise InputError(
            f"Column {short(name, 40)} must hold real numbers. Complex data not supported; use the real and "
            "the imaginary part as two columns."
        )
    if kind in "iuf":
        return RawColumn(name, "number", array.astype(np.float64, copy=False))
    if kind == "b":
        return RawColumn(name, "bool", array.astype(np.float64))
    if kind in "mM":
        return RawColumn(name, "date", days_of(array, name))
    return _from_cells(array.tolist(), name)


def _from_cells(cells: list[Any], name: str) -> RawColumn:
    """A column of Python objects: what its cells are decides."""
    kinds = {kind for kind in set(map(type, cells)) if not _is_void(kind)}
    # Of pandas: a month, a week, ...; it begins at a moment.
    if any(kind.__name__ == "Period" for kind in kinds):
        cells = [cell.to_timestamp() if type(cell).__name__ == "Period" else cell for cell in cells]
        kinds = {kind for kind in set(map(type, cells)) if not _is_void(kind)}
    if all(kind is not bool and issubclass(kind, (numbers.Real, decimal.Decimal)) for kind in kinds):
        return RawColumn(name, "number", _to_floats(cells, name))
    if all(issubclass(kind, (bool, np.bool_)) for kind in kinds - {float}) and not _has_numbers(cells, kinds):
        return RawColumn(name, "bool", _to_floats(cells, name))
    if all(issubclass(kind, (dt.date, np.datetime64)) for kind in kinds - {float}) and not _has_numbers(
        cells, kinds
    ):
        try:
            return RawColumn(name, "date", days_of(np.array(cells, dtype=object), name))
        except (OverflowError, TypeError):
            raise CellError(
                subject=f"Column {short(name, 40)}",
                expected="hold dates that can be counted in days",
                got="others",
            ) from None
    if any(issubclass(kind, complex) for kind in kinds):
        raise InputError(f"Column {short(name, 40)} must hold real numbers. Complex data not supported.")
    strange = next(
        (
            kind
            for kind in kinds
            if not issubclass(kind, (str, numbers.Real, dt.date, decimal.Decimal, np.bool_))
        ),
        None,
    )
    if strange is not None:
        example = next(cell for cell in cells if type(cell) is strange)
        raise CellError(
            f"Each cell of column {short(name, 40)} given as argument must be a string or a real number. "
            f"Got {short(example)} instead."
        )
    if any(issubclass(kind, decimal.Decimal) for kind in kinds):  # one kind of NaN has no hash
        cells = [None if is_missing(cell) else cell for cell in cells]
    place = dict[Any, int]()
    codes = np.fromiter((place.setdefault(cell, len(place)) for cell in cells), np.int64, len(cells))
    return _coded(name, codes, list(place))


def _coded(name: str, codes: Ints, values: Sequence[Any]) -> RawColumn:
    """Codes into distinct words: values that read the same (1 and "1", " yes" and "yes") are one word."""
    place = dict[str, int]()
    lookup = np.empty(len(values) + 1, dtype=np.int64)
    for k, value in enumerate(values):
        word = _word(value)
        lookup[k] = -1 if word is None else place.setdefault(word, len(place))
    lookup[-1] = -1  # a code of -1 stands for a missing cell
    return RawColumn(name, "text", codes=lookup[codes], words=tuple(place))


def _word(value: Any) -> str | None:
    """How a value is written, the same in every kind of table; None where it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)):
        try:
            number = float(value)
        except OverflowError:  # an int of more than 308 digits, which Python may even refuse to write
            return hex(value) if isinstance(value, int) else f"{type(value).__name__} beyond 1e308"
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value).strip() or None


def _is_void(kind: type) -> bool:
    return kind is type(None) or kind.__name__ in ("NAType", "NaTType")


def is_missing(value: Any) -> bool:
    """Whether a cell stands for no value: None, NaN of any type, or what pandas has for it."""
    if isinstance(value, decimal.Decimal):
        return value.is_nan()  # one kind of them cannot even be compared
    void = value is None or _is_void(type(value))
    return void or (isinstance(value, (float, np.floating)) and value != value)


def _has_numbers(cells: Iterable[Any], kinds: set[type]) -> bool:
    """Whether floats among other cells are more than marks of missing ones."""
    return float in kinds and any(type(cell) is float and cell == cell for cell in cells)


def _to_floats(cells: list[Any], name: str) -> Floats:
    try:
        return np.array([np.nan if is_missing(cell) else float(cell) for cell in cells], dtype=np.float64)
    except (OverflowError, ValueError, TypeError):
        raise column_error(name, "hold numbers up to 1e308", got="a larger one") from None


def _without_zone(moment: Any) -> Any:
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        return moment.astimezone(dt.UTC).replace(tzinfo=None)
    return moment


def days_of(moments: NDArray[Any], name: str) -> Floats:
    """Dates and durations of a column as days (since 1970), NaN where missing.

    Raises
    ------
    InputError
        If one is beyond what a count of microseconds reaches.
    """
    if moments.dtype.kind not in "mM":  # Python's and NumPy's dates in an object array
        plain = [None if is_missing(moment) else _without_zone(moment) for moment in moments]
        if any(isinstance(moment, np.datetime64) for moment in plain):
            return np.array(
                [
                    days_of(np.array([moment], dtype="M8[us]" if moment is None else None), name)[0]
                    for moment in plain
                ]
            )
        moments = np.array(plain, dtype="datetime64[us]")
    return np.where(np.isnat(moments), np.nan, microseconds_of(moments, name).astype(np.int64) / 86_400e6)


def microseconds_of(moments: NDArray[Any], name: str) -> NDArray[Any]:
    """Dates or durations of a column in microseconds.

    Raises
    ------
    InputError
        If one is beyond what a count of microseconds reaches: NumPy would turn it into another one in silence.
    """
    whole = moments.astype(f"{moments.dtype.kind}8[us]")
    # Units no finer than microseconds come back as they were.
    coarse = np.datetime_data(moments.dtype)[0] in ("Y", "M", "W", "D", "h", "m", "s", "ms")
    beyond = ~np.isnat(moments) & (whole.astype(moments.dtype) != moments) if coarse else np.zeros(0, bool)
    if beyond.any():
        rows = np.flatnonzero(beyond)
        raise column_error(
            name,
            "hold dates within 290,000 years of 1970",
            got=short(str(moments[rows[0]])),
            rows=rows.tolist(),
            advice="correct them or make them missing values",
        )
    return whole


def is_one_row(X: Any) -> bool:
    """Whether something is a single row: a mapping of plain cells, a series, a flat list, or a table of one row."""
    if isinstance(X, Mapping):
        cells = list(cast("Mapping[Any, Any]", X).values())
        return bool(cells) and all(_is_cell(cell) for cell in cells)
    if hasattr(X, "to_dict") and hasattr(X, "index") and not hasattr(X, "columns"):
        return True
    if isinstance(X, (list, tuple)):
        return bool(X) and all(_is_cell(cell) for cell in cast("list[Any]", X))
    shape = getattr(X, "shape", None)
    return isinstance(shape, tuple) and (len(shape) == 1 or (len(shape) == 2 and shape[0] == 1))


def as_table(row: Any) -> Any:
    """A single row as a table of one."""
    if not is_one_row(row):
        return row
    if not isinstance(row, Mapping) and hasattr(row, "to_dict") and not hasattr(row, "columns"):
        row = row.to_dict()
    if isinstance(row, Mapping):
        return {name: [cell] for name, cell in cast("Mapping[Any, Any]", row).items()}
    shape = getattr(row, "shape", ())
    return row if len(shape) == 2 else [row.tolist() if hasattr(row, "tolist") else list(row)]


def _is_cell(value: Any) -> bool:
    return isinstance(value, (str, Number, np.generic)) or is_missing(value) or hasattr(value, "isoformat")
