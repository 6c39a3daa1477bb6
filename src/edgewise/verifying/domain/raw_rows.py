"""Rows as people have them, as the inputs of a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import numbers_of
from edgewise.data.encoding_raw import raw_table
from edgewise.data.one_row import as_table
from edgewise.network.fitted import Fitted


def encoded_table(view: Fitted, rows: Any, name: str = "X") -> Floats:
    """The inputs of a table of raw rows, shape (n, inputs); columns the model leaves out may be absent."""
    table = raw_table(rows, name)
    if view.encoding is None:
        if not table.named:
            return view.inputs(rows)
        columns = table.select(view.columns).columns
        return np.column_stack([numbers_of(column, column.name, "number") for column in columns])
    if table.named:
        known = set(table.names)
        cells = {column.name: column for column in table.columns}
        absent = [
            column.name for column in view.encoding.columns if column.dropped and column.name not in known
        ]
        if absent:
            filled = raw_table({name: np.full(table.n_rows, np.nan) for name in absent})
            extra = {column.name: column for column in filled.columns}
            order = [name for name in view.encoding.column_names if name in cells or name in extra]
            columns = tuple(cells.get(name) or extra[name] for name in order)
            table = type(table)(columns, table.n_rows, True)
    return view.encoding.apply(table)


def encoded(view: Fitted, row: Any, of: str) -> Floats:
    """The inputs of one raw row."""
    found = encoded_table(view, as_table(row), "row")
    if len(found) != 1:
        raise InputError(subject=f"The row of {of}", expected="be one row", got=f"{len(found):,}")
    return found[0]
