"""Formulas from an estimator: the search of `edgewise.find_formula` on the raw columns that the network uses."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.data import Encoding, LevelColumn
from edgewise.data.encoding_columns import numbers_of
from edgewise.data.encoding_raw import RawTable
from edgewise.symbolic import FormulaResult, find_formula


def formula_of(
    table: RawTable, encoding: Encoding, y: Floats, options: dict[str, Any], of: str
) -> FormulaResult:
    """Formulas for y in the numeric columns, rows with missing cells or special codes left out.

    Raises
    ------
    InputError
        If the network also reads columns of words, or no complete rows are there.
    """
    used = [k for k, column in enumerate(encoding.columns) if not column.dropped]
    words = [encoding.columns[k].name for k in used if isinstance(encoding.columns[k], LevelColumn)]
    if words:
        raise InputError(
            subject="A formula",
            expected="be sought in columns of numbers",
            got=f"words in {', '.join(map(repr, words[:3]))}",
            advice=f"fit {of} without them",
        )
    if y.ndim == 2 and y.shape[1] > 1:
        raise InputError(
            subject="A formula",
            expected="be sought for one output",
            got=y.shape[1],
            advice="choose a column of y",
        )
    columns = [encoding.columns[k] for k in used]
    X = np.column_stack(
        [numbers_of(table.columns[k], c.name, cast(Any, c).kind) for k, c in zip(used, columns, strict=True)]
    )
    y = y.reshape(-1)
    if len(y) != len(X):
        raise InputError(argument="y", expected=f"have {len(X):,} entries, one a row of X", got=f"{len(y):,}")
    coded = np.column_stack([np.isin(X[:, j], cast(Any, c).codes) for j, c in enumerate(columns)])
    complete = ~(np.isnan(X) | coded).any(axis=1)
    if not complete.any():
        raise InputError(
            subject="A formula",
            expected="be sought in rows without missing cells",
            got="none such",
            advice="fill them first",
        )
    chosen = {"names": [column.name for column in columns], **options}
    return find_formula(X[complete], y[complete], **cast("dict[str, Any]", chosen))
