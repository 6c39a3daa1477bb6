"""Encoding: how the raw columns of a table become the inputs of a network, as data that travels with the network."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from edgewise._core.arguments import all_are, check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.data.encoding_columns import (
    DroppedColumn,
    EncodedColumn,
    LevelColumn,
    NumberColumn,
    as_word,
    refuse_infinite,
)
from edgewise.data.encoding_raw import raw_table

# Work of learning or applying the encoding of a cell.
CELL = 4e-8
# Rows that are encoded at a time: all columns of so many stay in the caches.
_ROWS = 4096

_TYPES: dict[str, type[EncodedColumn]] = {
    kind.TYPE: kind for kind in (NumberColumn, LevelColumn, DroppedColumn)
}


@dataclass(frozen=True)
class Encoding:
    """What `learn_encoding` found: a description of every raw column, in order.

    Parameters
    ----------
    columns : tuple of NumberColumn, LevelColumn or DroppedColumn

    Examples
    --------
    >>> from edgewise.data import learn_encoding
    >>> table = {"size": [1.0, 2.0, None, 4.0], "kind": ["oak", "elm", "oak", "elm"]}
    >>> encoding = learn_encoding(table, [3.0, 1.0, 4.0, 2.0], fewest=1)
    >>> encoding.names
    ('size', 'size is missing', 'kind')
    >>> encoding.apply({"size": [None, 3.0], "kind": ["oak", "ash"]}).tolist()
    [[2.0, 1.0, 1.0], [3.0, 0.0, 0.0]]
    """

    columns: tuple[EncodedColumn, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise InputError(
                subject="An encoding", expected="have at least one input", got="columns that are all left out"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs of the network, all distinct."""
        names = dict[str, None]()  # a set that keeps its order
        for column in self.columns:
            for name in column.input_names:
                while name in names:
                    name += "'"
                names[name] = None
        return tuple(names)

    @property
    def levels(self) -> tuple[int, ...]:
        """For each input how many codes 0, 1, ... it knows; 0 for inputs that are numbers."""
        return tuple(count for column in self.columns for count in column.input_levels)

    @property
    def sources(self) -> tuple[int, ...]:
        """For each input the place of the raw column it comes from."""
        return tuple(k for k, column in enumerate(self.columns) for _ in column.input_names)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the raw columns."""
        return tuple(column.name for column in self.columns)

    @property
    def codes_sentence(self) -> str:
        """A sentence about the special codes of its columns; empty where none has any."""
        numbers = [column for column in self.columns if isinstance(column, NumberColumn)]
        return codes_sentence([(column.name, tuple(map(as_word, column.codes))) for column in numbers])

    def apply(self, frame: Any) -> Floats:
        """The inputs of the network for the rows of a table.

        Parameters
        ----------
        frame : array, mapping of columns or data frame
            With the raw columns: found by name where the table has names (others are passed over), else by place.

        Returns
        -------
        array of shape (n, inputs)
            Finite float64.

        Raises
        ------
        InputError
            If a column is absent, or holds words or infinities where it held numbers.
        """
        table = raw_table(frame).select(self.column_names)
        out = np.empty((table.n_rows, len(self.sources)))
        plain: list[tuple[NumberColumn, Floats, Floats]] = []
        at = 0
        for column, raw in zip(self.columns, table.columns, strict=True):
            width = len(column.input_names)
            charge(CELL * table.n_rows)
            if isinstance(column, NumberColumn) and raw.numbers is not None:
                plain.append((column, raw.numbers, out[:, at : at + width]))
            elif width:
                out[:, at : at + width] = column.encode(raw)
            at += width
        # Columns of numbers side by side, few rows at a time: the rows of a matrix then come from the caches but once.
        for start in range(0, table.n_rows, _ROWS):
            rows = slice(start, start + _ROWS)
            for column, numbers, inputs in plain:
                refuse_infinite(numbers[rows], column.name, start)
                inputs[rows] = column.inputs(numbers[rows])
        return out

    def without(self, names: Collection[str], reason: str) -> Encoding:
        """The encoding with some raw columns left out, for a reason that is kept."""
        left_out = set(all_are(names, str, "names", "names of columns"))
        check_text(reason, "reason")
        return replace(
            self,
            columns=tuple(
                DroppedColumn(column.name, reason) if column.name in left_out else column
                for column in self.columns
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {"columns": [_column_to_json(column) for column in self.columns]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Encoding:
        """The inverse of `to_json`.

        Raises
        ------
        InputError
            If the dictionary does not describe an encoding.
        """
        try:
            return cls(tuple(_column_from_json(entry) for entry in data["columns"]))
        except KeyError as error:
            cause = f"{error} is missing"
        except (TypeError, AttributeError) as error:
            cause = short(str(error), 60)
        raise InputError(
            subject="The description of an encoding",
            expected="be what Encoding.to_json gives",
            got=f"a damaged one ({cause})",
        )


def _column_to_json(column: EncodedColumn) -> dict[str, Any]:
    document = {"type": column.TYPE, **asdict(column)}
    if not document.get("codes", True):
        del document["codes"]  # as in files written before columns knew of them
    return document


def _column_from_json(entry: Mapping[str, Any]) -> EncodedColumn:
    kind = _TYPES.get(entry["type"])
    if kind is None:
        raise TypeError(f"unknown type of column {short(entry['type'])}")
    values: dict[str, Any] = {}
    # Files of earlier versions do not state whole numbers and codes.
    entry = {"whole": False, "codes": (), **entry} if kind is NumberColumn else entry
    if kind is LevelColumn:  # nor on whether missing cells have a code of their own, which its name shows
        entry = {"gap": entry["levels"][entry["missing"]] in GAPS, **entry}
    for field in fields(kind):
        value = entry[field.name]
        values[field.name] = tuple(value) if isinstance(value, list) else value
        if not _fits(values[field.name], str(field.type)):
            raise TypeError(f"{field.name} of a column is {short(value)}")
    if len(entry) != len(values) + 1:
        raise TypeError("unknown entries")
    column = cast(Any, kind)(**values)
    _check_column(column)
    return column


def _fits(value: Any, kind: str) -> bool:
    """Whether a value read from JSON is of a field's type."""
    if kind == "float":
        return type(value) in (float, int) and math.isfinite(value)
    if kind.startswith("tuple"):
        own = kind.removeprefix("tuple[").removesuffix(", ...]")
        return isinstance(value, tuple) and all(_fits(entry, own) for entry in cast("tuple[Any, ...]", value))
    return type(value).__name__ == kind


def _check_column(column: EncodedColumn) -> None:
    if isinstance(column, NumberColumn) and (
        column.transform not in ("identity", "linear", "asinh")
        or column.kind not in ("number", "bool", "date")
        or column.scale == 0
        or not column.low <= column.high
        or len(set(column.codes)) < len(column.codes)
        or (column.codes and column.two_valued)
    ):
        raise TypeError("a column of numbers that cannot be")
    if isinstance(column, LevelColumn):
        known = range(len(column.levels))
        if column.unseen not in known or column.missing not in known or len(set(column.levels)) != len(known):
            raise TypeError("a column of levels that cannot be")


# What a code of missing cells is called: the first that is no word of the column.
GAPS = ("missing", "(missing)", "no value")


def distinct(names: Iterable[str], taken: Sequence[str]) -> str:
    """The first of the names that is not taken."""
    return next(name for name in names if name not in taken)


def codes_sentence(columns: list[tuple[str, tuple[str, ...]]]) -> str:
    """A sentence about which columns have which codes; empty where none has any.

    Examples
    --------
    >>> codes_sentence([("age", ("999",)), ("income", ()), ("debt", ("-9", "-8"))])
    'Treated as codes, beside the curves of their columns: 999 in age; -9, -8 in debt.'
    """
    shared = dict[tuple[str, ...], list[str]]()
    for name, codes in columns:
        if codes:
            shared.setdefault(codes, []).append(name)
    if not shared:
        return ""
    parts = [f"{', '.join(codes)} in {_listed(names)}" for codes, names in shared.items()]
    return f"Treated as codes, beside the curves of their columns: {'; '.join(parts)}."


def none_of(marks: Sequence[str]) -> str:
    """That a cell is none of what it can be instead of a number.

    Examples
    --------
    >>> none_of(["-9"]), none_of(["missing", "-9"])
    ('not -9', 'neither missing nor -9')
    """
    return f"not {marks[0]}" if len(marks) == 1 else f"neither {', '.join(marks[:-1])} nor {marks[-1]}"


def _listed(names: list[str]) -> str:
    return (
        ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more columns"
    )
