"""Rows as people have them, as the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import numbers_of
from edgewise.data.encoding_raw import raw_table
from edgewise.network.fitted import Fitted


def encoded_table(view: Fitted, rows: Any) -> Floats:
    """The inputs of a table of raw rows, shape (n, inputs); columns the model leaves out may be absent."""
    table = raw_table(rows)
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
    if isinstance(row, Mapping):
        known = cast("Mapping[Any, Any]", row)
        if all(not isinstance(value, (list, tuple, np.ndarray)) for value in known.values()):
            row = {str(name): [value] for name, value in known.items()}
    elif isinstance(row, (list, tuple)) or (isinstance(row, np.ndarray) and cast(Any, row).ndim == 1):
        plain = cast("Any", row)
        row = (
            plain
            if len(plain) and isinstance(plain[0], (list, tuple, np.ndarray, Mapping))
            else [list(plain)]
        )
    found = encoded_table(view, row)
    if len(found) != 1:
        raise InputError(f"The row of {of} must be one row. Got {len(found):,} instead.")
    return found[0]
