"""Tables to files."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet as arrow_parquet

from edgewise._core.errors import FileError
from edgewise.data.table import Table


def write_table(table: Table, path: str | PathLike[str] | BinaryIO) -> None:
    """Write a table as Parquet where the file's name ends so, else as CSV.

    Parameters
    ----------
    table : Table
    path : path-like or binary stream
        A stream receives CSV.

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> from edgewise.data import read_table, to_table, write_table
    >>> write_table(to_table({"x": [0.1, 2.0]}), "points.csv")
    >>> read_table("points.csv").columns["x"].tolist()
    [0.1, 2.0]
    """
    arrow = pa.table({name: _to_arrow(values) for name, values in table.columns.items()})
    if not isinstance(path, (str, PathLike)):
        arrow_csv.write_csv(arrow, path)
        return
    file = Path(fspath(path))
    write = arrow_parquet.write_table if file.suffix.lower() in (".parquet", ".pq") else arrow_csv.write_csv
    try:
        write(arrow, str(file))
    except OSError as error:
        raise FileError(f"The file {file} cannot be written: {error.strerror or error}.") from None


def _to_arrow(values: np.ndarray[Any, Any]) -> Any:
    """Missing cells as nulls; whole numbers as integers, the way people write them."""
    if values.dtype != np.float64:
        return pa.array(values.tolist(), type=pa.string())
    gaps = np.isnan(values)
    whole = np.all(gaps | ((values == np.round(values)) & (np.abs(values) < 2**53)))
    if whole and not gaps.all():
        return pa.array(np.where(gaps, 0, values).astype(np.int64), mask=gaps)
    return pa.array(values, mask=gaps)
