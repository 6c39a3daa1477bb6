"""The groups of a `FormulaRegressor`: the column that names them, or columns of words, taken out of the table."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.data.row_labels import label_text
from edgewise.estimators.formula_rows import numbers
from edgewise.symbolic import BranchedFormula, GroupedFormula
from edgewise.symbolic.fitting.word_columns import of_words


def separated(
    formula: GroupedFormula | BranchedFormula, table: RawTable, groups: Any
) -> tuple[Floats, list[Any]]:
    """The numbers of a table (n, d) and the group of each row, None where its cell is missing."""
    if formula.words is not None:
        return formula.words.read(table, formula.columns)
    table, labels = without_groups(table, groups, missing=True)
    return numbers(table), labels


def has_words(table: RawTable) -> bool:
    """Whether columns hold words, none of which reads as a number, beside numbers."""
    worded = [column for column in table.columns if column.codes is not None]
    return 0 < len(worded) < len(table.columns) and all(map(of_words, worded))


def labels_of(column: RawColumn) -> list[Hashable]:
    """The groups that a column names: words, numbers, or days as text, None where a cell is missing."""
    if column.codes is not None:
        return [None if code < 0 else column.words[code] for code in column.codes.tolist()]
    numbers: list[float] = cast(Any, column.numbers).tolist()
    return [None if each != each else _named(each, column.kind) for each in numbers]


def _named(value: float, kind: str) -> Hashable:
    """A number as it stands in the table: a day, a truth value, a whole number."""
    if kind == "date":
        return _day(value)
    if kind == "bool":
        return bool(value)
    return int(value) if value.is_integer() else value


def _day(days: float) -> str:
    """Days since 1970 as a date, with its time where that is not midnight."""
    return label_text(datetime(1970, 1, 1) + timedelta(milliseconds=round(days * 86_400_000)))


def without_groups(table: RawTable, groups: Any, *, missing: bool = False) -> tuple[RawTable, list[Hashable]]:
    """The table without the column of groups, and the group of each row.

    Parameters
    ----------
    table : RawTable
    groups : str or int
        The column, by its name or its place.
    of : str
    missing : bool
        Whether cells of it may be missing; their group is None.

    Raises
    ------
    InputError
        If there is no such column, it is the only one, or a cell of it is missing and must not be.
    """
    count = len(table.columns)
    if isinstance(groups, str) and groups in table.names:
        at = table.names.index(groups)
    elif isinstance(groups, (int, np.integer)) and not isinstance(groups, bool) and -count <= groups < count:
        at = int(groups) % count
    else:
        near = did_you_mean(groups, table.names)
        raise InputError(
            argument="groups", expected="name a column of X, or its place", got=f"{short(groups)}{near}"
        )
    if count < 2:
        raise InputError(argument="X", expected="have a column besides that of the groups", got="none")
    labels = labels_of(table.columns[at])
    if None in labels and not missing:
        raise InputError(
            subject="The column of groups",
            expected="have no missing cell",
            got="one",
            rows=[labels.index(None)],
            advice="leave it out",
        )
    return replace(table, columns=tuple(c for k, c in enumerate(table.columns) if k != at)), labels
