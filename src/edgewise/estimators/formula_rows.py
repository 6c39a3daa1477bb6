"""The rows of a formula regressor: cells as numbers, one target, and the values of its formulas where cells are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.targets import regression_target
from edgewise.symbolic import BranchedFormula, Formula, GroupedFormula


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
            raise InputError(
                subject=f"Column {short(column.name, 40)}",
                expected="hold numbers",
                got=f"words such as {example}",
                advice="leave it out or encode it",
            )
        bad = np.flatnonzero(np.isinf(column.numbers))
        if bad.size:
            raise InputError(
                subject=f"Column {short(column.name, 40)}",
                expected="hold finite numbers",
                got=f"{column.numbers[bad[0]]} (infinity)",
                rows=bad,
                advice="correct such cells, or leave them empty",
            )
        columns.append(column.numbers)
    return np.column_stack(columns)
