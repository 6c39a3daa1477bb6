"""Tables from files: CSV in its usual dialects, and Parquet."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet as arrow_parquet

from edgewise._core.errors import InputError
from edgewise.data.table import MISSING, Table, to_table

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 1 << 16
_SAMPLE_LINES = 50


def read_table(path: str | PathLike[str]) -> Table:
    """Read a CSV or Parquet file.

    The delimiter of a CSV file (comma, semicolon, tab or bar), a decimal comma, a header line and compression are
    recognised. A first line that holds nothing but numbers is data, and the columns are then called x1, x2, ...

    Parameters
    ----------
    path : path-like
        The file to read.

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
    file = Path(fspath(path))
    if not file.exists():
        raise InputError(f"The file {file} does not exist; check the path.")
    if file.is_dir():
        raise InputError(f"{file} must be a CSV or Parquet file. Got a folder instead.")
    try:
        with pa.input_stream(str(file), compression="detect") as stream:
            content: bytes = stream.read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"The file {file} cannot be read: {_first_line(error)}.") from None
    if content[:4] == b"PAR1" or file.suffix.lower() in (".parquet", ".pq"):
        table = to_table(_parquet(content, file), file.name)
    else:
        table = to_table(_csv(content, file), file.name)
    return replace(table, fingerprint=hashlib.sha256(file.read_bytes()).hexdigest())


def _parquet(content: bytes, file: Path) -> Any:
    try:
        return arrow_parquet.read_table(pa.BufferReader(content))
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{file} must be a complete Parquet file. Got one that cannot be read: {_first_line(error)}."
        ) from None


def _csv(content: bytes, file: Path) -> Any:
    sample = _sample(content, file)
    delimiter = _sniff(sample)
    rows = list(csv.reader(io.StringIO("\n".join(sample)), delimiter=delimiter))
    decimal = _decimal_point(rows, delimiter)
    headed = not all(_reads_as_number(cell, decimal) for cell in rows[0])
    names = rows[0] if headed else [f"x{place}" for place in range(1, len(rows[0]) + 1)]
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=names, skip_rows=_lines_to_skip(content) if headed else 0
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(null_values=MISSING, decimal_point=decimal),
        )
    except pa.ArrowInvalid as error:
        reason = _first_line(error).removeprefix("CSV parse error: ")
        raise InputError(
            f"{file.name} must have the same number of cells in every row. Got a row that does not fit ({reason}) "
            "instead; correct that line."
        ) from None


def _sample(content: bytes, file: Path) -> list[str]:
    """The first non-empty lines as text."""
    if b"\x00" in content[:_SAMPLE_BYTES]:
        raise InputError(f"{file} must be a CSV or Parquet file. Got a file that is neither instead.")
    try:
        text = content[:_SAMPLE_BYTES].decode(
            "utf-8-sig", errors="strict" if len(content) <= _SAMPLE_BYTES else "ignore"
        )
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{file} must be UTF-8 text. Got other bytes in line {line} instead; save it as UTF-8."
        ) from None
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{file} must hold a table. Got an empty file instead.")
    # The last line of a cut sample may be half a line.
    return (
        lines[:-1][:_SAMPLE_LINES]
        if len(content) > _SAMPLE_BYTES and len(lines) > 1
        else lines[:_SAMPLE_LINES]
    )


def _sniff(lines: list[str]) -> str:
    """The delimiter that cuts the most lines into the same number (two or more) of cells."""

    def merit(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        width = widths[0]
        return (sum(other == width for other in widths), width) if width > 1 else (0, 0)

    best = max(_DELIMITERS, key=merit)
    return best if merit(best)[0] else ","


def _decimal_point(rows: list[list[str]], delimiter: str) -> str:
    """A comma where cells read as numbers with it and none has a point; a comma that delimits is none."""
    if delimiter == ",":
        return "."
    cells = [cell for row in rows for cell in row]
    with_comma = any("," in cell and _reads_as_number(cell, ",") for cell in cells)
    with_point = any("." in cell and _reads_as_number(cell, ".") for cell in cells)
    return "," if with_comma and not with_point else "."


def _reads_as_number(cell: str, decimal: str) -> bool:
    text = cell.strip()
    if decimal == ",":
        text = text.replace(",", ".", 1)
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _lines_to_skip(content: bytes) -> int:
    """Lines up to and with the header: blank lines before it, and line breaks inside its quoted names."""
    text = io.StringIO(content[:_SAMPLE_BYTES].decode("utf-8-sig", errors="ignore"), newline="")
    reader = csv.reader(text)
    for row in reader:
        if any(cell.strip() for cell in row):
            return reader.line_num
    return 0


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
