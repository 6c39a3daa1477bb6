"""Tables to files, whole or not at all."""

from __future__ import annotations

import os
import secrets
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import feather as arrow_feather
from pyarrow import parquet as arrow_parquet

from edgewise._core.checks import short
from edgewise._core.errors import FileError, InputError
from edgewise.data.arrow import Cells, Frame
from edgewise.data.frames import to_frame
from edgewise.data.sources import first_line
from edgewise.data.table import Table

_PARQUET, _FEATHER = (".parquet", ".pq"), (".feather", ".arrow")


def write_table(table: Table, path: str | PathLike[str] | BinaryIO) -> None:
    """Write a table as Parquet or Feather where the file's name ends so, else as CSV.

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
    write_frame(to_frame(table).replace_schema_metadata(None), path)


def write_frame(frame: Frame, path: str | PathLike[str] | BinaryIO) -> None:
    """Write raw columns as Parquet or Feather where the file's name ends so, else as CSV.

    Readers see the old file or the new one, never a part: it is written beside its place and moved there when complete.

    Parameters
    ----------
    frame : pyarrow.Table
    path : path-like or binary stream
        A stream receives CSV. A name that ends in .gz is compressed.

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from edgewise.data import read_frame, write_frame
    >>> write_frame(pa.table({"kind": ["oak", None], "height": [20.5, 18.0]}), "trees.feather")
    >>> read_frame("trees.feather").column("kind").to_pylist()
    ['oak', None]
    """
    if hasattr(path, "write"):
        arrow_csv.write_csv(_writable(frame), path)
        return
    try:
        file = Path(fspath(cast("str | PathLike[str]", path)))
    except TypeError:
        raise InputError(
            f"The 'path' argument must be the path of a file or a binary stream. Got {short(path)} instead."
        ) from None
    draft: Path | None = None
    try:
        if file.is_dir():
            raise FileError(f"The place to write to must be a file. Got the folder {file} instead.")
        # Through a link to the file it names, as writing in place would.
        target = Path(os.path.realpath(file))
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        _write(frame, draft, file.name.lower())
        os.replace(draft, target)
    except FileError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise FileError(f"The file {short(str(file))} cannot be written: {reason}.") from None
    finally:
        if draft is not None and draft.parent.is_dir():
            draft.unlink(missing_ok=True)


def _write(frame: Frame, draft: Path, name: str) -> None:
    if name.endswith(_PARQUET):
        arrow_parquet.write_table(frame, str(draft))
    elif name.endswith(_FEATHER):
        arrow_feather.write_feather(frame, str(draft))
    else:
        compression = "gzip" if name.endswith(".gz") else None
        with pa.output_stream(str(draft), compression=compression) as stream:
            arrow_csv.write_csv(_writable(frame), stream)


def _writable(frame: Frame) -> Frame:
    """Columns that CSV can hold: categories by their words, anything nested as text."""
    return pa.table([_flat(column) for column in frame.columns], names=frame.column_names)


def _flat(column: Cells) -> Cells:
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        return pa.chunked_array(
            [pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())]
        )
    return column
