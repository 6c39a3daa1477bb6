"""The raw columns a model reads, as explanations show them: rows of a table, and values in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_units, check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_int, check_matrix, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import EncodedColumn, LevelColumn, NumberColumn, numbers_of
from edgewise.data.encoding_raw import RawColumn, RawTable, as_table, raw_table
from edgewise.network.fitted import Fitted

# What a cell holds: a number (dates as days since 1970), a word, or nothing.
Cell = float | str | None


@dataclass(frozen=True)
class Column:
    """A raw column that the network sees.

    Attributes
    ----------
    place : int
        Among the raw columns of the model.
    name : str
    inputs : tuple of int
        The inputs of the network it becomes: its value and, for some, whether it is missing.
    encoded : NumberColumn, LevelColumn or None
        How it becomes them; None where the network reads numbers as they are.
    unit : str
        Written after its values.
    """

    place: int
    name: str
    inputs: tuple[int, ...]
    encoded: EncodedColumn | None
    unit: str = ""

    @property
    def kind(self) -> str:
        """ "number", "bool", "date" or "levels"."""
        if isinstance(self.encoded, LevelColumn):
            return "levels"
        return self.encoded.kind if isinstance(self.encoded, NumberColumn) else "number"

    @property
    def discrete(self) -> bool:
        """Whether its first input takes codes, between which there is nothing."""
        return isinstance(self.encoded, LevelColumn) or self.kind == "bool" or self.two_valued

    @property
    def two_valued(self) -> bool:
        """Whether it is a column of numbers that knows only two."""
        return isinstance(self.encoded, NumberColumn) and self.encoded.two_valued

    @property
    def codes(self) -> tuple[float, ...]:
        """Its numbers that stand for words."""
        return self.encoded.codes if isinstance(self.encoded, NumberColumn) else ()

    def encode(self, cells: list[Cell]) -> Floats:
        """Inputs of the network for cells, shape (n, inputs of the column)."""
        if self.encoded is None:
            return np.array(cells, dtype=np.float64)[:, None]
        if self.kind == "levels":
            words = tuple(dict.fromkeys(cast("str", cell) for cell in cells if cell is not None))
            place = {word: k for k, word in enumerate(words)}
            codes = np.array([-1 if cell is None else place[cast("str", cell)] for cell in cells], np.int64)
            return self.encoded.encode(RawColumn(self.name, "text", codes=codes, words=words))
        numbers = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
        return self.encoded.encode(RawColumn(self.name, self.kind, numbers))

    def decode(self, values: Floats) -> Floats:
        """Raw numbers that become the given values of its first input."""
        return self.encoded.decode(values) if isinstance(self.encoded, NumberColumn) else np.asarray(values)

    def text(self, cell: Cell) -> str:
        """A cell in words, with its unit."""
        if cell is None:
            return "missing"
        if isinstance(cell, str):
            return cell
        if self.kind == "date":
            return str(np.datetime64(0, "D") + np.timedelta64(math.floor(cell), "D"))
        if self.kind == "bool":
            return "true" if cell else "false"
        return f"{number_text(cell)} {self.unit}".rstrip()


def number_text(value: float, digits: int = 4) -> str:
    """A number as people write it.

    Examples
    --------
    >>> number_text(1832.0), number_text(0.0312345), number_text(12345.678), number_text(-2.5e-7)
    ('1,832', '0.03123', '12,346', '-2.5e-07')
    """
    if not math.isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e12:
        return f"{value:,.0f}"
    size = abs(value)
    if size >= 1e12 or size < 1e-4:
        return f"{value:.{digits - 1}g}"
    places = max(digits - 1 - math.floor(math.log10(size)), 0)
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cut(text: str, most: int) -> str:
    """A text in so many characters at most."""
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


@dataclass(frozen=True, eq=False)
class ModelRows:
    """Rows of a table, raw and as inputs of the network.

    Attributes
    ----------
    raw : RawTable
        Exactly the raw columns of the model, in its order.
    inputs : array of shape (n, inputs)
    """

    raw: RawTable
    inputs: Floats

    def __len__(self) -> int:
        return len(self.inputs)

    def cell(self, row: int, place: int) -> Cell:
        """The cell of a raw column."""
        return self.raw.columns[place].cells(np.array([row]))[0]

    def take(self, rows: NDArray[Any]) -> ModelRows:
        """Some of the rows."""
        return ModelRows(self.raw.take(rows), self.inputs[rows])


def columns_of(model: Fitted, units: Mapping[str, str] | None = None) -> tuple[Column, ...]:
    """The raw columns that become inputs of the network, in order."""
    given = as_units(units)
    if strange := [name for name in given if name not in model.columns]:
        raise InputError(
            argument="units",
            expected="name columns of the model",
            got=f"{short(strange[0], 40)}{did_you_mean(strange[0], model.columns)}",
        )
    inputs: dict[int, list[int]] = {}
    for k, source in enumerate(model.sources):
        inputs.setdefault(source, []).append(k)
    encoded = None if model.encoding is None else model.encoding.columns
    return tuple(
        Column(
            place,
            model.columns[place],
            tuple(own),
            None if encoded is None else encoded[place],
            given.get(model.columns[place], ""),
        )
        for place, own in sorted(inputs.items())
    )


def read_rows(model: Fitted, X: Any, name: str = "X") -> ModelRows:
    """The rows of a table with the model's columns: by name where both have names, else by place.

    Raises
    ------
    InputError
        If a column is missing or its cells cannot be read.
    """
    if model.encoding is None:
        return _numbers(model, X, name)
    table = raw_table(X, name)
    if not hasattr(model.held, "feature_names_in_"):
        table = RawTable(table.columns, table.n_rows, named=False)
    table = table.select(model.columns)
    if not table.n_rows:
        raise InputError(argument=name, expected="have at least one row", got="none")
    return ModelRows(table, model.encoding.apply(table))


def _numbers(model: Fitted, X: Any, name: str) -> ModelRows:
    names = model.columns
    # Of the type: a lazy frame would work out its columns to answer.
    if isinstance(X, Mapping) or hasattr(type(X), "columns") or hasattr(type(X), "column_names"):
        table = raw_table(X, name)
        if table.named and set(names) <= set(table.names):
            table = table.select(names)
        numbers = [numbers_of(column, column.name, "number") for column in table.columns]
        X = np.column_stack(numbers) if numbers else np.empty((table.n_rows, 0))
    inputs = check_matrix(X, name, columns=len(names))
    columns = tuple(RawColumn(one, "number", inputs[:, k]) for k, one in enumerate(names))
    return ModelRows(RawTable(columns, len(inputs), named=True), inputs)


def chosen_rows(model: Fitted, row: Any, X: ModelRows | None) -> tuple[ModelRows, tuple[int | None, ...]]:
    """The rows to explain, and their numbers in X where they were given by number."""
    numbers = _row_numbers(row)
    if numbers is not None:
        if X is None:
            raise InputError(
                argument="row", expected="hold the cells of a row where no table X is given", got=short(row)
            )
        places = [check_int(number, "row", low=0, high=len(X) - 1) for number in numbers]
        return X.take(np.array(places)), tuple(places)
    table = read_rows(model, as_table(row), "row")
    return table, (None,) * len(table)


def _row_numbers(row: Any) -> list[Any] | None:
    """Numbers of rows where a row is given so."""
    if isinstance(row, (int, np.integer)) and not isinstance(row, bool):
        return [row]
    # A list of integers may as well be the cells of a row; only a range can be nothing but numbers of rows.
    return list(row) if isinstance(row, range) else None


def place_of(columns: tuple[Column, ...], name: str, argument: str) -> int:
    """Which column is called so."""
    check_text(name, argument)
    for k, column in enumerate(columns):
        if column.name == name:
            return k
    known = [column.name for column in columns]
    raise InputError(
        argument=argument,
        expected=f"name columns that the model reads ({among(known)})",
        got=f"{short(name, 40)}{did_you_mean(name, known)}",
    )
