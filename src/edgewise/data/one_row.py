"""A single row in whatever form it comes, as a table of one."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any, cast

import numpy as np

from edgewise.data.encoding_raw import is_missing


def is_one_row(X: Any) -> bool:
    """Whether something is a single row: a mapping of plain cells, a series, a flat list, or a table of one row."""
    if isinstance(X, Mapping):
        cells = list(cast("Mapping[Any, Any]", X).values())
        return bool(cells) and all(_is_cell(cell) for cell in cells)
    if hasattr(X, "to_dict") and hasattr(X, "index") and not hasattr(X, "columns"):
        return True
    if isinstance(X, (list, tuple)):
        return bool(X) and all(_is_cell(cell) for cell in cast("list[Any]", X))
    shape = getattr(X, "shape", None)
    return isinstance(shape, tuple) and (len(shape) == 1 or (len(shape) == 2 and shape[0] == 1))


def as_table(row: Any) -> Any:
    """A single row as a table of one."""
    if not is_one_row(row):
        return row
    if not isinstance(row, Mapping) and hasattr(row, "to_dict") and not hasattr(row, "columns"):
        row = row.to_dict()
    if isinstance(row, Mapping):
        return {name: [cell] for name, cell in cast("Mapping[Any, Any]", row).items()}
    shape = getattr(row, "shape", ())
    return row if len(shape) == 2 else [row.tolist() if hasattr(row, "tolist") else list(row)]


def _is_cell(value: Any) -> bool:
    return isinstance(value, (str, Number, np.generic)) or is_missing(value) or hasattr(value, "isoformat")
