"""Tables to files, whole or not at all."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import feather as arrow_feather
from pyarrow import parquet as arrow_parquet

from edgewise._core.checks import short
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import as_path, said_clearly, write_file
from edgewise.data.arrow import Cells, Frame, pc
from edgewise.data.excel import workbook_of
from edgewise.data.frames import to_frame
from edgewise.data.sources import first_line
from edgewise.data.table import Table

PACKED = ".gz"
# What cannot be written; under such a name CSV would mislead whoever opens it.
_OTHERS = (
    *(".xls", ".xlsm", ".xlsb", ".ods", ".json", ".jsonl"),
    *(".html", ".pdf", ".sqlite", ".db", ".zip", ".kan"),
)


def write_table(table: Table, path: str | PathLike[str] | BinaryIO) -> None:
    """Write a table in the format that the file's name ends in.

    Parameters
    ----------
    table : Table
    path : path-like or binary stream
        As `write_frame` takes it.

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
    """Write raw columns in the format that the file's name ends in.

    Readers see the old file or the new one, never a part. Devices and pipes are written through.

    Parameters
    ----------
    frame : pyarrow.Table
    path : path-like or binary stream
        Parquet for .parquet and .pq, Feather for .feather and .arrow, an Excel workbook for .xlsx (with the extra
        `excel`), values separated by tabs for .tsv and .tab, else CSV, which a stream receives too. A name that ends in
        .gz is compressed. In text, cells that a spreadsheet would take for formulas stand behind an apostrophe.

    Raises
    ------
    InputError
        If the name ends in a format that cannot be written.
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
        rest = memoryview(_csv(frame))
        # An unbuffered stream takes what its reader takes.
        while rest:
            rest = rest[cast(BinaryIO, path).write(rest) :]
        return
    file = as_path(path)
    check_table_name(file)
    with said_clearly(file, "written"):
        try:
            content = _WRITERS.get(_ending(file), _csv)(frame)
        except pa.ArrowException as error:
            raise FileError(f"The file {short(str(file))} cannot be written: {first_line(error)}.") from None
        packed = file.name.lower().endswith(PACKED)
        write_file(file, gzip.compress(content, mtime=0) if packed else content, overwrite=True)


def check_table_name(file: Path) -> None:
    """Refuse a name that promises a format tables are not written in."""
    if _ending(file) in _OTHERS:
        raise InputError(
            subject="The name of a table's file",
            expected="end in .csv, .tsv, .parquet, .feather or .xlsx, with .gz behind it or not",
            got=short(file.name),
        )


def _ending(file: Path) -> str:
    """The ending that names the format, in lower case; what compresses it left aside."""
    name = Path(file.name.lower())
    return name.with_suffix("").suffix if name.suffix == PACKED else name.suffix


def _csv(frame: Frame, delimiter: str = ",") -> bytes:
    stream = io.BytesIO()
    plain = pa.table(
        [_inert(_flat(column)) for column in frame.columns],
        names=_inert(pa.chunked_array([pa.array(frame.column_names, pa.string())])).to_pylist(),
    )
    arrow_csv.write_csv(plain, stream, arrow_csv.WriteOptions(delimiter=delimiter))
    return stream.getvalue()


def _parquet(frame: Frame) -> bytes:
    stream = pa.BufferOutputStream()
    arrow_parquet.write_table(frame, stream)
    return stream.getvalue().to_pybytes()


def _feather(frame: Frame) -> bytes:
    stream = pa.BufferOutputStream()
    arrow_feather.write_feather(frame, stream)
    return stream.getvalue().to_pybytes()


_WRITERS: Mapping[str, Callable[[Any], bytes]] = {
    ".parquet": _parquet,
    ".pq": _parquet,
    ".feather": _feather,
    ".arrow": _feather,
    ".tsv": partial(_csv, delimiter="\t"),
    ".tab": partial(_csv, delimiter="\t"),
    ".xlsx": workbook_of,
}


# What a spreadsheet works out when it opens a file: text that begins so, unless it is a number or one sign alone.
_WORKED_OUT, _NUMBER = r"(?s)^[=+\-@\t\r].", r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def _inert(column: Cells) -> Cells:
    """Text behind an apostrophe where a spreadsheet would take it for a formula."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    risky = pc.and_(
        pc.match_substring_regex(column, _WORKED_OUT), pc.invert(pc.match_substring_regex(column, _NUMBER))
    )
    if not pc.any(risky).as_py():
        return column
    return pc.if_else(
        risky, pc.binary_join_element_wise("'", column.cast(pa.string()), ""), column.cast(pa.string())
    )


def _flat(column: Cells) -> Cells:
    """A column that CSV can hold: categories by their words, anything nested as text."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        return pa.chunked_array(
            [pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())]
        )
    return column
