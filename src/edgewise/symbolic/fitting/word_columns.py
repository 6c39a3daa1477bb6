"""Columns of words in a table: read beside the numbers, and put together to the level that a row is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import check_names, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawColumn, RawTable, raw_table

# Between the words of several columns.
_AND = ", "


@dataclass(frozen=True)
class WordColumns:
    """Which columns of a table hold the words that a formula's constants follow.

    Attributes
    ----------
    table : tuple of str
        All columns of the table that was searched, in order.
    words : tuple of str
        Those whose words matter; none where one formula holds for all.
    """

    table: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def named(self) -> str:
        """The columns of words as a sentence names them."""
        return ", ".join(short(word, 40) for word in self.words)

    def read(self, X: Any, columns: Sequence[str]) -> tuple[Floats, list[str | None]]:
        """The numbers of a table (n, d), NaN where a cell is missing, and each row's level, None where a word is missing.

        Raises
        ------
        InputError
            If the table lacks a column, or one holds words for numbers or numbers for words.
        """
        raw = raw_table(X)
        raw = raw.select([*columns, *self.words] if raw.named else self.table, "the formula")
        found = {column.name: column for column in raw.columns}
        for name in columns:
            if found[name].numbers is None:
                raise InputError(subject=f"Column {short(name, 40)}", expected="hold numbers", got="words")
        for name in self.words:
            if found[name].codes is None and not np.isnan(_numbers(found[name])).all():
                raise InputError(subject=f"Column {short(name, 40)}", expected="hold words", got="numbers")
        parts = [_cells(found[name]) for name in self.words]
        levels: list[str | None] = (
            [_joined(cells) for cells in zip(*parts, strict=True)] if parts else [""] * raw.n_rows
        )
        return _matrix([found[name] for name in columns], raw.n_rows), levels


@dataclass(frozen=True, eq=False)
class WordTable:
    """A table with at least one column of words.

    Attributes
    ----------
    X : array of shape (n, d)
        The columns of numbers, NaN where a cell is missing.
    columns : tuple of str
        Their names.
    table : tuple of str
        The names of all columns, in order.
    words : mapping of str to RawColumn
    """

    X: Floats
    columns: tuple[str, ...]
    table: tuple[str, ...]
    words: dict[str, RawColumn]

    def codes(self, names: Sequence[str]) -> tuple[Ints, list[str]]:
        """The number of each row's level (n,), -1 where a word is missing, and the levels, in the order they come."""
        parts = [_cells(self.words[name]) for name in names]
        levels = [_joined(cells) for cells in zip(*parts, strict=True)] if parts else [""] * len(self.X)
        known = list(dict.fromkeys(level for level in levels if level is not None))
        place: dict[str | None, int] = {None: -1, **{name: at for at, name in enumerate(known)}}
        return np.array([place[level] for level in levels], dtype=np.int64), known


def word_table(X: Any, names: Iterable[str] | None) -> WordTable | None:
    """The table where a column of a data frame holds words; None where all are numbers, or what they are is not clear.

    A column in which some words read as numbers is one of numbers with slips; its sentence is for others to say.

    Raises
    ------
    InputError
        If there is no column of numbers, or names do not fit.
    """
    if not _may_hold_words(X):
        return None
    try:
        raw = raw_table(X)
    except InputError:
        return None
    if not any(map(of_words, raw.columns)) or any(
        column.numbers is None and not of_words(column) for column in raw.columns
    ):
        return None
    if names is not None:
        table = check_names(names, "names", len(raw.columns))
    else:
        table = check_names(raw.names, "names", len(raw.columns))
    numbers = [at for at, column in enumerate(raw.columns) if column.numbers is not None]
    if not numbers:
        raise InputError(argument="X", expected="have a column of numbers", got="words alone")
    return WordTable(
        _matrix([raw.columns[at] for at in numbers], raw.n_rows),
        tuple(table[at] for at in numbers),
        table,
        {table[at]: column for at, column in enumerate(raw.columns) if at not in numbers},
    )


def _may_hold_words(X: Any) -> bool:
    """Whether a look at more than the types of its columns is worth it."""
    if isinstance(X, RawTable):
        return True
    if not hasattr(X, "columns") and not hasattr(X, "column_names"):
        return False
    try:
        kinds = nw.from_native(X, eager_only=True).schema.values()
    except (TypeError, ValueError, AttributeError, nw.exceptions.NarwhalsError):
        return False
    return any(kind in (nw.String, nw.Categorical, nw.Enum) for kind in kinds)


def of_words(column: RawColumn) -> bool:
    """Whether a column holds words, none of which reads as a number."""
    return column.codes is not None and not any(map(_reads_as_number, column.words))


def _reads_as_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _cells(column: RawColumn) -> list[str | None]:
    if column.codes is None:
        return [None] * len(column)
    words: tuple[str | None, ...] = (*column.words, None)
    return [words[code] for code in column.codes]


def _joined(cells: Sequence[str | None]) -> str | None:
    known = [cell for cell in cells if cell is not None]
    return _AND.join(known) if len(known) == len(cells) else None


def _numbers(column: RawColumn) -> Floats:
    assert column.numbers is not None
    return column.numbers


def _matrix(columns: Sequence[RawColumn], rows: int) -> Floats:
    return np.column_stack([_numbers(column) for column in columns]) if columns else np.empty((rows, 0))
