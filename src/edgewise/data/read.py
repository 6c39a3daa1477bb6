"""Tables from files: CSV in its usual dialects, Excel, Parquet and Feather."""

from __future__ import annotations

import re
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
from edgewise.data.dialect import Dialect, NotUTF8Error, sniff, without_title
from edgewise.data.excel import WORKBOOKS, text_of_workbook
from edgewise.data.frames import Decision, Provenance, provenance, with_provenance, with_sigma
from edgewise.data.sources import Text, as_text, first_line, of_single_bytes, open_source, without_comments
from edgewise.data.table import MISSING, Table, check_distinct, clean_names, to_table
from edgewise.data.words import EXACT, Reading, read_whole_numbers, read_words

# Files that hold tables in ways that are not read.
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:\[?\s*\{\s*\"|<(?:!doctype|html|\?xml|table|svg)\b)", re.IGNORECASE
)
_COMMA_NUMBER = r"^\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*$"


def read_frame(path: str | PathLike[str]) -> Frame:
    """Read a file into raw columns: numbers, words, truth values and dates stay what they are.

    Parameters
    ----------
    path : path-like
        A CSV, Excel, Parquet or Feather file, or "-" for standard input. What a file holds decides, not its name.
        Compression (gzip, bzip2, zstd, lz4) is recognised, and so are a CSV file's encoding (UTF-8, UTF-16, Latin-1),
        delimiter (comma, semicolon, tab, bar or white space), lines of comment, a title above the header, a decimal comma,
        a header line and a row of units below it, and values with their errors (2.0±0.1, 2.01(3)). Without a header the
        columns are called x1, x2, ... Of a workbook (with the extra `excel`) the first sheet that holds anything is read.

    Returns
    -------
    pyarrow.Table
        Missing cells are nulls. `edgewise.data.provenance` gives the file's name, hash and dialect, units, and what
        columns of text were taken for (percentages, amounts of money, dates, ...).

    Raises
    ------
    InputError
        If the file does not exist or is no table, has no rows, has rows of different lengths or repeats a column name.

    Examples
    --------
    >>> from pathlib import Path
    >>> from edgewise.data import provenance, read_frame
    >>> _ = Path("trees.csv").write_text("kind;height;sold\\noak;20,5;31.01.2010\\nelm;;1.2.2010\\n")
    >>> frame = read_frame("trees.csv")
    >>> frame.to_pylist()[0]
    {'kind': 'oak', 'height': 20.5, 'sold': datetime.date(2010, 1, 31)}
    >>> provenance(frame).dialect
    'separated by semicolons, decimal commas'
    >>> provenance(frame).decisions[0].text
    "looks like dates ('31.01.2010'): read as dates, day first"
    """
    source = open_source(path)
    content, unusual = source.content, [source.packing] if source.packing else []
    if content.startswith(WORKBOOKS):
        content, sheet = text_of_workbook(content, source.name)
        unusual = [*unusual, sheet]
    if (binary := _binary(content, source.name)) is not None:
        frame = _named(binary, source.name)
        frame = pa.table([_plain(column) for column in frame.columns], names=frame.column_names)
        return with_provenance(frame, Provenance(source.name, source.fingerprint))
    frame, dialect, undone = _of_text(content, source.name)
    frame = _named(frame, source.name)
    readings = [_read(column, dialect.decimal) for column in frame.columns]
    frame = pa.table([reading.column for reading in readings], names=frame.column_names)
    named = list(zip(frame.column_names, readings, strict=True))
    units = {name: item.unit for name, item in named if item.unit}
    units |= {name: unit for name, unit in zip(frame.column_names, dialect.units, strict=False) if unit}
    decisions = tuple(Decision(name, item.note) for name, item in named if item.note)
    notes = ", ".join(part for part in (*unusual, *undone, dialect.unusual) if part)
    frame = with_provenance(frame, Provenance(source.name, source.fingerprint, notes, decisions, units))
    return with_sigma(frame, {name: item.sigma for name, item in named if item.sigma is not None})


def read_table(path: str | PathLike[str]) -> Table:
    """Read a CSV, Excel, Parquet or Feather file.

    Parameters
    ----------
    path : path-like
        The file to read, as `edgewise.data.read_frame` reads it; "-" is standard input.

    Returns
    -------
    Table
        Its `notes` state how the file was read, where that is not obvious.

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
    return replace(to_table(frame, known.source), fingerprint=known.fingerprint, notes=known.notes())


def _binary(content: bytes, name: str) -> Frame | None:
    """The table of a Parquet or Feather file; None for text."""
    if content.startswith(b"PAR1"):
        return _whole("Parquet", arrow_parquet.read_table, content, name)
    if content.startswith(b"ARROW1"):
        return _whole("Feather", lambda stream: arrow_ipc.open_file(stream).read_all(), content, name)
    if name.lower().endswith((".parquet", ".pq", ".feather", ".arrow")):
        kind = "Parquet" if name.lower().endswith((".parquet", ".pq")) else "Feather"
        raise InputError(
            subject=name, expected=f"be a complete {kind} file", got="one that does not begin as such"
        )
    if markup := _MARKUP.match(content):
        raise InputError(
            subject=name,
            expected="be a table as CSV, Excel, Parquet or Feather",
            got="HTML or XML" if b"<" in markup[0] else "JSON",
            advice="write its table as one of these, as to_csv of pandas does",
        )
    return None


def _whole(kind: str, read: Any, content: bytes, name: str) -> Frame:
    try:
        frame = read(pa.BufferReader(content))
        # Offsets that a damaged file has wrong would otherwise crash the process later.
        frame.validate(full=True)
        return frame
    except (OSError, ValueError, KeyError, MemoryError, pa.ArrowException) as error:
        raise InputError(
            subject=name,
            expected=f"be a complete {kind} file",
            got=f"one that cannot be read: {short(first_line(error))}",
        ) from None


def _of_text(content: bytes, name: str) -> tuple[Frame, Dialect, tuple[str, ...]]:
    """The table of a text, its dialect, and what was undone before it was read."""
    text = as_text(content, name)
    try:
        return _in_utf8(text, name)
    except NotUTF8Error:  # which may show in the last row only
        return _in_utf8(of_single_bytes(text, name), name)


def _in_utf8(text: Text, name: str) -> tuple[Frame, Dialect, tuple[str, ...]]:
    text = without_title(without_comments(text))
    dialect, text = sniff(text, name)
    frame = _csv(text.content, dialect, name)
    if dialect.decimal == "." and dialect.delimiter != "," and any(map(_comma_numbers, frame.columns)):
        # The first decimal comma may stand far down.
        dialect = replace(dialect, decimal=",")
        frame = _csv(text.content, dialect, name)
    return frame, dialect, text.unusual


def _csv(content: bytes, dialect: Dialect, name: str) -> Frame:
    try:
        frame = arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(place) for place in range(len(dialect.names))],
                skip_rows=dialect.skip,
            ),
            parse_options=arrow_csv.ParseOptions(
                # White space was brought to tabs.
                delimiter="\t" if dialect.delimiter == " " else dialect.delimiter,
                newlines_in_values=b'"' in content,
            ),
            convert_options=arrow_csv.ConvertOptions(
                null_values=MISSING, decimal_point=dialect.decimal, strings_can_be_null=False
            ),
        ).rename_columns(list(dialect.names))
        # What Arrow makes of text it cannot decode.
        if any(pa.types.is_binary(kind) for kind in frame.schema.types):
            raise NotUTF8Error(name)
        return frame
    except pa.ArrowInvalid as error:
        reason = first_line(error).removeprefix("CSV parse error: ")
        if "UTF8" in reason:
            raise NotUTF8Error(name) from None
        first = content.decode("utf-8", "replace").splitlines()[dialect.skip : dialect.skip + 1]
        at_once = any(line and reason.endswith(line) for line in first)
        raise InputError(
            subject=name,
            expected="have the same number of cells in every row",
            got=f"a row that does not fit ({reason if len(reason) <= 120 else reason[:117] + '...'})",
            advice="have the first line name every column" if at_once else "correct that line",
        ) from None


def _comma_numbers(column: Cells) -> bool:
    """Whether a text column holds nothing but numbers with decimal commas."""
    if not pa.types.is_string(column.type):
        return False
    present = column.filter(pc.invert(pc.is_in(pc.utf8_trim_whitespace(column), pa.array(MISSING))))
    return len(present) > 0 and pc.all(pc.match_substring_regex(present, _COMMA_NUMBER)).as_py()


def _plain(column: Cells) -> Cells:
    """Plain types: what is all missing and what is a decimal become floats."""
    kind = column.type
    if pa.types.is_null(kind) or pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64())
    return column


def _read(column: Cells, decimal: str) -> Reading:
    """A column of a CSV file: what Arrow took for text is looked at again."""
    if pa.types.is_string(column.type):
        return read_words(column, decimal)
    if pa.types.is_integer(column.type) and len(column) > column.null_count:
        ends = pc.min_max(column).as_py()
        if max(abs(ends["min"]), abs(ends["max"])) > EXACT:
            return Reading(column, "holds whole numbers beyond 2^53: a model sees them rounded")
        if (dates := read_whole_numbers(column)) is not None:
            return dates
    return Reading(_plain(column))


def _named(frame: Frame, name: str) -> Frame:
    """The table under names a person can type: no line breaks, none empty, none twice."""
    names = clean_names(frame.column_names)
    if not names:
        raise InputError(subject=name, expected="have at least one column", got="none")
    check_distinct(names, subject=name)
    if frame.num_rows == 0:
        raise InputError(subject=name, expected="have at least one row of data", got="only column names")
    return frame.rename_columns(names)
