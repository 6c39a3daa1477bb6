"""A table: named columns of equal length, numbers as float64, everything else as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.arguments import all_are, check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, among, check_bool, did_you_mean, plural, short, text_of
from edgewise._core.errors import InputError
from edgewise.data.arrow import floats_of
from edgewise.data.words import MISSING as MISSING
from edgewise.data.words import read_words

Column = NDArray[np.float64] | NDArray[np.object_]


_NAMES = "names of columns"


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Named columns of equal length, read-only.

    Parameters
    ----------
    columns : mapping of str to array of shape (n,)
        Numeric columns are float64 with NaN where a cell is missing; other columns are object arrays of `str` with
        `None` where a cell is missing.
    source : str
        Where the table came from, for messages and reports.
    fingerprint : str
        SHA-256 of the file it was read from, in hexadecimal; empty for other tables.
    notes : tuple of str
        How the file was read, in sentences, where that is not obvious.

    Examples
    --------
    >>> from edgewise.data import to_table
    >>> table = to_table({"x": [1, 2, 3], "y": [2.0, 4.0, 6.0]})
    >>> table
    Table(3 rows; x, y)
    >>> X, y, names = table.features("y")
    >>> X.shape, y.tolist(), names
    ((3, 1), [2.0, 4.0, 6.0], ('x',))
    """

    columns: Mapping[str, Column]
    source: str = "the table"
    fingerprint: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frozen: dict[str, Column] = {}
        for name, values in self.columns.items():
            own = values.copy()
            own.flags.writeable = False
            frozen[name] = own
        if len({len(values) for values in frozen.values()}) > 1:
            raise InputError(subject=f"The columns of {self.source}", expected="have equal lengths")
        object.__setattr__(self, "columns", MappingProxyType(frozen))

    def __repr__(self) -> str:
        return f"Table({plural(self.n_rows, 'row')}; {', '.join(self.names)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(self.columns)

    @property
    def n_rows(self) -> int:
        """How many rows the table has."""
        return len(next(iter(self.columns.values()), ()))

    def is_numeric(self, name: str) -> bool:
        """Whether a column holds numbers."""
        return self._column(name).dtype == np.float64

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Which cells of a column are missing, shape (n,)."""
        values = self._column(name)
        if values.dtype == np.float64:
            return np.isnan(values.astype(np.float64))
        return np.array([cell is None for cell in values], dtype=bool)

    def take(self, rows: NDArray[Any]) -> Table:
        """The table of the given rows (indices or a mask)."""
        try:
            chosen = np.arange(self.n_rows)[rows]
        except UNREADABLE:
            chosen = np.zeros((0, 0), dtype=np.int64)
        if chosen.ndim != 1:
            raise InputError(
                argument="rows",
                expected=(
                    f"hold numbers of rows, 0 to {self.n_rows - 1:,}, or a mask of "
                    f"{plural(self.n_rows, 'row')}"
                ),
                got=short(rows),
            )
        return replace(self, columns={name: values[chosen] for name, values in self.columns.items()})

    def drop_missing(self, columns: Iterable[str] | None = None) -> Table:
        """The table without the rows that miss a cell in any of the given columns (default: in any column)."""
        keep = np.ones(self.n_rows, dtype=bool)
        for name in self.names if columns is None else all_are(columns, str, "columns", _NAMES):
            keep &= ~self.missing(name)
        return self.take(keep)

    def matrix(self, columns: Iterable[str]) -> Floats:
        """The given columns as a fresh matrix.

        Parameters
        ----------
        columns : iterable of str
            Names of numeric columns without missing cells.

        Returns
        -------
        array of shape (n, d)

        Raises
        ------
        InputError
            If a column does not exist, is not numeric, misses cells or holds an infinite number.
        """
        chosen = [self._numbers(name) for name in all_are(columns, str, "columns", _NAMES)]
        return np.stack(chosen, axis=1) if chosen else np.empty((self.n_rows, 0))

    def features(
        self, target: str, columns: Iterable[str] | None = None, *, missing: bool = False
    ) -> tuple[Floats, Floats, tuple[str, ...]]:
        """Split the table into what a model reads and what it predicts.

        Parameters
        ----------
        target : str
            The column to predict.
        columns : iterable of str, optional
            The columns to predict it from; by default all others.
        missing : bool
            Let missing cells be, as NaN.

        Returns
        -------
        X : array of shape (n, d)
        y : array of shape (n,)
        names : tuple of str
            The name of each column of `X`.

        Raises
        ------
        InputError
            If a column does not exist, is not numeric or misses cells, or if no column is left to predict from.

        Examples
        --------
        >>> from edgewise import load_example
        >>> X, y, names = load_example("moseley_ka1").features("E_eV")
        >>> X.shape, names
        ((95, 1), ('Z',))
        """
        y = self._numbers(target, check_bool(missing, "missing"))
        names = tuple(name for name in self.names if name != target)
        names = names if columns is None else all_are(columns, str, "columns", _NAMES)
        if target in names:
            raise InputError(
                subject=f"The target {short(target, 40)}",
                expected="not be among the columns it is predicted from",
                advice="leave it out",
            )
        if repeated := [name for name in names if names.count(name) > 1]:
            raise InputError(
                subject="The columns to predict from",
                expected="be distinct",
                got=f"{short(repeated[0], 40)} more than once",
            )
        if not names:
            raise InputError(
                subject=self.source,
                expected=f"have at least one column besides the target {short(target, 40)}",
                got="none",
            )
        return np.stack([self._numbers(name, missing) for name in names], axis=1), y, names

    def _column(self, name: str) -> Column:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(subject="The name of a column", expected="be a string", got=short(name))
        if name not in self.columns:
            raise InputError(
                f"{self.source} has no column {short(name, 40)}{did_you_mean(name, self.names)}; its columns are "
                f"{among(self.names)}."
            )
        return self.columns[name]

    def _numbers(self, name: str, missing: bool = False) -> Floats:
        values = self._column(name)
        if values.dtype != np.float64:
            example = next(
                (
                    f"{short(cell)} in data row {row:,}"
                    for row, cell in enumerate(values, start=1)
                    if cell is not None and not _is_number(cell)
                ),
                "no number at all",
            )
            raise InputError(
                subject=f"Column {short(name, 40)} of {self.source}",
                expected="be numeric",
                got=example,
                advice="encode it as numbers, or choose the columns to use without it",
            )
        numbers = cast(Floats, values)
        if not missing and (gaps := int(np.isnan(numbers).sum())):
            raise InputError(
                subject=f"Column {short(name, 40)} of {self.source}",
                expected="have no missing cells",
                got=(
                    f"{gaps:,} missing in {plural(len(numbers), 'row')}, the first in data row "
                    f"{np.isnan(numbers).argmax() + 1:,}"
                ),
                advice="fill them, drop those rows, or leave the column out",
            )
        if infinite := int(np.isinf(numbers).sum()):
            raise InputError(
                subject=f"Column {short(name, 40)} of {self.source}",
                expected="hold finite numbers",
                got=f"{infinite:,} infinite, the first in data row {np.isinf(numbers).argmax() + 1:,}",
                advice="correct or drop those rows",
            )
        return numbers.copy()


def to_table(data: Any, source: str = "the table") -> Table:
    """Bring a data frame or a mapping of columns into the form edgewise works on.

    Parameters
    ----------
    data : Table, mapping of str to sequence, or an eager data frame
        pandas, Polars, PyArrow and every other eager frame narwhals knows.
    source : str
        What to call the table in messages.

    Returns
    -------
    Table
        Numbers and booleans become float64. So does text where every cell reads as a number.

    Raises
    ------
    InputError
        If the data is no table, has no rows or no columns, or repeats a column name.

    Examples
    --------
    >>> from edgewise.data import to_table
    >>> table = to_table({"height": ["1.2", "1.5"], "sort": ["oak", "elm"]})
    >>> table.is_numeric("height"), table.is_numeric("sort")
    (True, False)
    """
    check_text(source, "source")
    source = source if len(source) <= 60 else f"{source[:57]}..."
    if isinstance(data, Table):
        return data
    if isinstance(data, Mapping):
        pairs = [
            (str(name), _cells(cells, str(name), source))
            for name, cells in cast("Mapping[Any, Any]", data).items()
        ]
        return _assemble([(name, *_from_cells(cells)) for name, cells in pairs], source)
    if hasattr(data, "collect") and not hasattr(data, "to_pandas"):
        raise InputError(
            subject=source,
            expected="be an eager data frame",
            got="a lazy one",
            advice="call its .collect() first",
        )
    if hasattr(data, "columns"):
        # Checked before narwhals, whose own word for it differs from backend to backend.
        labels = data.column_names if hasattr(data, "column_names") else data.columns
        check_distinct([str(name) for name in labels], subject=source)
    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError:
        raise InputError(
            subject=source, expected="be a data frame or a mapping of column names to values", got=short(data)
        ) from None
    return _assemble([(str(series.name), *_from_series(series)) for series in frame.iter_columns()], source)


def _cells(cells: Any, name: str, source: str) -> list[Any]:
    """The cells of one column; text is one cell, no list of letters."""
    try:
        if isinstance(cells, (str, bytes, Mapping)):
            raise TypeError
        return list(cells)
    except UNREADABLE:
        raise InputError(
            subject=f"Column {short(name, 40)} of {source}", expected="be a list of cells", got=short(cells)
        ) from None


def check_distinct(names: list[str], *, argument: str = "", subject: str = "") -> None:
    """Refuse names of columns that stand twice, of an argument or of what else has them."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(
                argument=argument,
                subject=subject,
                expected="have distinct column names",
                got=f"{short(name, 40)} more than once",
                advice="rename one",
            )
        seen.add(name)


def clean_names(names: Iterable[str]) -> list[str]:
    """Names without line breaks; a table written with its row index has one column without a name, and gets one."""
    return [" ".join(name.split()) or f"column_{place}" for place, name in enumerate(names, start=1)]


def _assemble(columns: list[tuple[str, Column, str]], source: str) -> Table:
    if not columns:
        raise InputError(subject=source, expected="have at least one column", got="none")
    names = clean_names(name for name, _, _ in columns)
    check_distinct(names, subject=source)
    notes = tuple(
        f"Column {short(name, 40)} {note}." for name, (_, _, note) in zip(names, columns, strict=True) if note
    )
    table = Table(dict(zip(names, (cells for _, cells, _ in columns), strict=True)), source, notes=notes)
    if table.n_rows == 0:
        raise InputError(subject=source, expected="have at least one row of data", got="only column names")
    return table


def _from_series(series: nw.Series[Any]) -> tuple[Column, str]:
    if series.dtype.is_numeric() or series.dtype == nw.Boolean:
        return floats_of(series), ""
    return _from_cells(series.to_list())


def _from_cells(cells: list[Any]) -> tuple[Column, str]:
    """Numbers where every cell reads as one or as a missing number, else text; and a note on it."""
    if all(_is_blank(cell) or text_of(cell).strip() in MISSING or _is_number(cell) for cell in cells):
        return np.array([float(cell) if _is_number(cell) else np.nan for cell in cells], dtype=np.float64), ""
    words = [None if _is_blank(cell) else text_of(cell) for cell in cells]
    if all(isinstance(cell, str) for cell in cells if not _is_blank(cell)):
        reading = read_words(pa.chunked_array([[_encodable(word or "") for word in words]]))
        if pa.types.is_floating(reading.column.type):
            return np.array(reading.column.to_numpy(), dtype=np.float64), reading.note
    return np.array(words, dtype=object), ""


def _encodable(word: str) -> str:
    """Half a surrogate pair is no text that Arrow could hold; such a word is no number either."""
    return word.encode("utf-8", "replace").decode()


def _is_blank(cell: Any) -> bool:
    return (
        cell is None
        or (isinstance(cell, str) and not cell.strip())
        or (isinstance(cell, float) and cell != cell)
    )


def _is_number(cell: Any) -> bool:
    if isinstance(cell, str) and "_" in cell:  # float("1_000") is 1000.0, but in a table it is a label
        return False
    try:
        float(cell)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
