"""The rows of a formula regressor: cells as numbers, one target, groups by a column or by words, values where cells are
missing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from edgewise._core.arrays import Floats
from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawColumn, RawTable, column_error
from edgewise.data.row_labels import label_text
from edgewise.estimators.targets import regression_target
from edgewise.symbolic import BranchedFormula, Formula, GroupedFormula
from edgewise.symbolic.fitting.word_columns import of_words


def one_target(y: Any, of: str) -> Floats:
    """The target, (n,), NaN where it is missing."""
    values, _ = regression_target(y, of, missing=True)
    if values.ndim == 2 and values.shape[1] > 1:
        raise InputError(
            argument="y",
            expected="be one column",
            got=values.shape[1],
            advice="wrap it in sklearn.multioutput.MultiOutputRegressor for a formula of each",
        )
    return np.asarray(column_or_1d(values, warn=True), dtype=np.float64)


def predicted(formula: Formula, rows: Floats) -> Floats:
    """The formula's values, NaN where a cell that it needs is missing."""
    holes = np.isnan(rows)
    values = formula.predict(np.where(holes, 1.0, rows))
    needed = formula.expression.symbols
    used = [at for at, name in enumerate(formula.names) if name in needed]
    values[holes[:, used].any(axis=1)] = np.nan
    return values


def predicted_in(formula: GroupedFormula | BranchedFormula, rows: Floats, labels: list[Any]) -> Floats:
    """The values of a formula with groups, NaN where a cell is missing."""
    whole = ~np.isnan(rows).any(axis=1) & np.array([label is not None for label in labels], dtype=bool)
    values = np.full(len(rows), np.nan)
    named = np.empty(len(labels), dtype=object)
    named[:] = labels
    if whole.any():
        values[whole] = formula.predict(rows[whole], named[whole])
    return values


def numbers(table: RawTable) -> Floats:
    """The columns as one matrix, NaN where a cell is missing, or one sentence about the one that holds no numbers."""
    columns: list[Floats] = []
    for column in table.columns:
        if column.numbers is None:
            example = short(column.words[0]) if column.words else "none"
            raise column_error(
                column.name,
                "hold numbers",
                got=f"words such as {example}",
                advice="leave it out or encode it",
            )
        bad = np.flatnonzero(np.isinf(column.numbers))
        if bad.size:
            raise column_error(
                column.name,
                "hold finite numbers",
                got=f"{column.numbers[bad[0]]} (infinity)",
                rows=bad,
                advice="correct such cells, or leave them empty",
            )
        columns.append(column.numbers)
    return np.column_stack(columns)


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
    return [cell if cell is None else _named(cell, column.kind) for cell in column.cells()]


def _named(value: float | str, kind: str) -> Hashable:
    """A cell as it stands in the table: a word, a day, a truth value, a whole number."""
    if isinstance(value, str):
        return value
    if kind == "date":
        return _day(value)
    if kind == "bool":
        return bool(value)
    return int(value) if float(value).is_integer() else value


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
        raise InputError(
            argument="groups",
            expected="name a column of X, or its place",
            got=f"{short(groups)}{did_you_mean(groups, table.names)}",
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
