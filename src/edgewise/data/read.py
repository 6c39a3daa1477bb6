"""Tables from files: CSV in its usual dialects, Parquet and Feather."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import ipc as arrow_ipc
from pyarrow import parquet as arrow_parquet

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.arrow import Cells, Frame, pc
from edgewise.data.dialect import Dialect, as_utf8, not_utf8, sniff
from edgewise.data.frames import Provenance, provenance, with_provenance
from edgewise.data.sources import Source, first_line, open_source
from edgewise.data.table import MISSING, Table, clean_names, repeated, to_table

_COMMA_NUMBER = r"^\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*$"


def read_frame(path: str | PathLike[str]) -> Frame:
    """Read a file into raw columns: numbers, words, truth values and dates stay what they are.

    Parameters
    ----------
    path : path-like
        A CSV, Parquet or Feather file, or "-" for standard input. What a file holds decides, not its name. Compression
        (gzip, bzip2, zstd, lz4) is recognised, and so are a CSV file's delimiter (comma, semicolon, tab or bar), a decimal
        comma, a header line and UTF-16. A first line of nothing but numbers is data, with columns called x1, x2, ...

    Returns
    -------
    pyarrow.Table
        Missing cells are nulls. `edgewise.data.provenance` tells the file's name, hash and dialect.

    Raises
    ------
    InputError
        If the file does not exist or is no table, has no rows, has rows of different lengths or repeats a column name.

    Examples
    --------
    >>> from pathlib import Path
    >>> from edgewise.data import provenance, read_frame
    >>> _ = Path("trees.csv").write_text("kind;height\\noak;20,5\\nelm;\\n")
    >>> frame = read_frame("trees.csv")
    >>> frame.to_pylist()
    [{'kind': 'oak', 'height': 20.5}, {'kind': 'elm', 'height': None}]
    >>> provenance(frame).dialect
    'separated by semicolons, decimal commas'
    """
    source = open_source(path)
    frame, dialect = _decode(source)
    frame = _named(frame, source.name)
    columns = [_tidy(column, written=dialect is not None) for column in frame.columns]
    frame = pa.table(columns, names=frame.column_names)
    if dialect is not None and source.packing:
        dialect = f"{source.packing}, {dialect}" if dialect else source.packing
    return with_provenance(frame, Provenance(source.name, source.fingerprint, dialect or ""))


def read_table(path: str | PathLike[str]) -> Table:
    """Read a CSV, Parquet or Feather file.

    The delimiter of a CSV file (comma, semicolon, tab or bar), a decimal comma, a header line and compression are
    recognised. A first line that holds nothing but numbers is data, and the columns are then called x1, x2, ...

    Parameters
    ----------
    path : path-like
        The file to read; "-" is standard input.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If the file does not exist or is no table, has no rows, has rows of different lengths or repeats a column name.

    Examples
    --------
    >>> from pathlib import Path
    >>> import edgewise as ew
    >>> _ = Path("springs.csv").write_text("stretch;force\\n0,5;1,0\\n1,5;3,0\\n")
    >>> ew.read_table("springs.csv").columns["force"].tolist()
    [1.0, 3.0]
    """
    frame = read_frame(path)
    known = provenance(frame)
    return replace(to_table(frame, known.source), fingerprint=known.fingerprint)


def _decode(source: Source) -> tuple[Frame, str | None]:
    content, name = source.content, source.name
    if content.startswith(b"PAR1"):
        return _binary("Parquet", arrow_parquet.read_table, content, name), None
    if content.startswith(b"ARROW1"):
        return _binary("Feather", lambda stream: arrow_ipc.open_file(stream).read_all(), content, name), None
    if name.lower().endswith((".parquet", ".pq", ".feather", ".arrow")):
        kind = "Parquet" if name.lower().endswith((".parquet", ".pq")) else "Feather"
        raise InputError(
            f"{name} must be a complete {kind} file. Got one that does not begin as such instead."
        )
    content = as_utf8(content, name)
    dialect = sniff(content, name)
    frame = _csv(content, dialect, name)
    if dialect.decimal == "." and dialect.delimiter != "," and any(map(_comma_numbers, frame.columns)):
        # The first decimal comma may stand far down.
        dialect = replace(dialect, decimal=",")
        frame = _csv(content, dialect, name)
    return frame, dialect.unusual


def _binary(kind: str, read: Any, content: bytes, name: str) -> Frame:
    try:
        frame = read(pa.BufferReader(content))
        # Offsets that a damaged file has wrong would otherwise crash the process later.
        frame.validate(full=True)
        return frame
    except (OSError, ValueError, KeyError, MemoryError, pa.ArrowException) as error:
        raise InputError(
            f"{name} must be a complete {kind} file. Got one that cannot be read: {short(first_line(error))}."
        ) from None


def _csv(content: bytes, dialect: Dialect, name: str) -> Frame:
    try:
        frame = arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(place) for place in range(len(dialect.names))],
                skip_rows=dialect.skip,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=b'"' in content
            ),
            convert_options=arrow_csv.ConvertOptions(
                null_values=MISSING, decimal_point=dialect.decimal, strings_can_be_null=False
            ),
        ).rename_columns(list(dialect.names))
        if any(
            pa.types.is_binary(kind) for kind in frame.schema.types
        ):  # what Arrow makes of text it cannot decode
            raise not_utf8(name)
        return frame
    except pa.ArrowInvalid as error:
        reason = first_line(error).removeprefix("CSV parse error: ")
        if "UTF8" in reason:
            raise not_utf8(name) from None
        raise InputError(
            f"{name} must have the same number of cells in every row. Got a row that does not fit "
            f"({_shortened(reason)}) instead; correct that line."
        ) from None


def _shortened(reason: str) -> str:
    return reason if len(reason) <= 120 else reason[:117] + "..."


def _comma_numbers(column: Cells) -> bool:
    """Whether a text column holds nothing but numbers with decimal commas."""
    if not pa.types.is_string(column.type):
        return False
    told = column.filter(pc.invert(pc.is_in(pc.utf8_trim_whitespace(column), pa.array(MISSING))))
    return len(told) > 0 and pc.all(pc.match_substring_regex(told, _COMMA_NUMBER)).as_py()


def _tidy(column: Cells, *, written: bool) -> Cells:
    """Plain types: what is all missing and what is a decimal become floats; of text as `written` in a CSV file, blanks
    at the ends go, empty cells become missing, and what still reads as numbers becomes numbers.
    """
    kind = column.type
    if pa.types.is_null(kind) or pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64())
    if not (written and pa.types.is_string(kind)):
        return column
    text = pc.utf8_trim_whitespace(column)
    try:
        gaps = pc.is_in(text, pa.array(MISSING))
        return pc.if_else(gaps, pa.scalar(None, pa.string()), text).cast(pa.float64())
    except pa.ArrowInvalid:
        return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _named(frame: Frame, name: str) -> Frame:
    """The table under names a person can type: no line breaks, none empty, none twice."""
    names = clean_names(frame.column_names)
    if not names:
        raise InputError(f"{name} must have at least one column. Got none instead.")
    if twice := repeated(names):
        raise InputError(
            f"{name} must have distinct column names. Got {short(twice, 40)} more than once instead; rename one."
        )
    if frame.num_rows == 0:
        raise InputError(f"{name} must have at least one row of data. Got only column names instead.")
    return frame.rename_columns(names)
