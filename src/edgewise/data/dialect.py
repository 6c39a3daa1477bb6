"""How a CSV file is written: what separates its cells, how it writes decimals, whether its first line names the columns."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass

from edgewise._core.errors import InputError

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Enough lines to tell, but at least the header and two rows, however wide.
_SAMPLE_BYTES = 1 << 16
_SAMPLE_LINES = 50
_FEWEST_LINES = 3
_LONGEST_SAMPLE = 1 << 24


@dataclass(frozen=True)
class Dialect:
    """How to read a CSV file.

    Attributes
    ----------
    names : column names, as written or made up
    delimiter : one of comma, semicolon, tab and bar
    decimal : "." or ","
    headed : whether the first line held the names
    skip : lines before the first row of data
    """

    names: tuple[str, ...]
    delimiter: str
    decimal: str
    headed: bool
    skip: int

    @property
    def unusual(self) -> str:
        """What a reader might want to check, in words; empty for commas, points and a header."""
        parts = [
            f"separated by {_DELIMITERS[self.delimiter]}"
            if self.delimiter != "," and len(self.names) > 1
            else "",
            "decimal commas" if self.decimal == "," else "",
            "" if self.headed else "no header, so the columns are called x1, ...",
        ]
        return ", ".join(part for part in parts if part)


def as_utf8(content: bytes, name: str) -> bytes:
    """The text as UTF-8 without a byte-order mark; UTF-16 with a mark, which spreadsheets write, is brought to it."""
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise InputError(f"{name} must be text. Got damaged UTF-16 instead; save it as UTF-8.") from None
    return content


def sniff(content: bytes, name: str) -> Dialect:
    """The dialect of UTF-8 text, from its first lines."""
    text = _sample(content, name)
    lines = [line for line in text.splitlines() if line.strip()][:_SAMPLE_LINES]
    if not lines:
        raise InputError(f"{name} must hold a table. Got an empty file instead.")
    try:
        delimiter = _delimiter(lines)
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
        header, skip = _header(text, delimiter)
    except csv.Error as error:
        raise InputError(
            f"{name} must be a CSV, Parquet or Feather file. Got text that is no table instead ({error})."
        ) from None
    decimal = _decimal_point(rows, delimiter)
    if all(reads_as_number(cell, decimal) for cell in header):
        names = tuple(f"x{place}" for place in range(1, len(header) + 1))
        return Dialect(names, delimiter, decimal, headed=False, skip=0)
    return Dialect(tuple(header), delimiter, decimal, headed=True, skip=skip)


def reads_as_number(cell: str, decimal: str) -> bool:
    """Whether a cell is a number where decimals are written so."""
    text = cell.strip()
    if decimal == ",":
        text = text.replace(",", ".", 1)
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # float("1_000") is 1000.0, but in a table it is a label


def not_utf8(name: str, line: int | None = None) -> InputError:
    """What to say of other encodings."""
    where = "" if line is None else f" in line {line}"
    return InputError(f"{name} must be UTF-8 text. Got other bytes{where} instead; save it as UTF-8.")


def _sample(content: bytes, name: str) -> str:
    """The first lines as text, all of them whole."""
    if b"\x00" in content[:_SAMPLE_BYTES]:
        raise InputError(
            f"{name} must be a CSV, Parquet or Feather file. Got a file that is neither instead."
        )
    end = 0
    for _ in range(_FEWEST_LINES):
        end = content.find(b"\n", end, _LONGEST_SAMPLE) + 1 or len(content)
    end = min(max(end, content.rfind(b"\n", 0, _SAMPLE_BYTES) + 1), _LONGEST_SAMPLE)
    if len(content) <= _SAMPLE_BYTES:
        end = len(content)
    try:
        return content[:end].decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(name, content[: error.start].count(b"\n") + 1) from None


def _delimiter(lines: list[str]) -> str:
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
    with_comma = any("," in cell and reads_as_number(cell, ",") for cell in cells)
    with_point = any("." in cell and reads_as_number(cell, ".") for cell in cells)
    return "," if with_comma and not with_point else "."


def _header(text: str, delimiter: str) -> tuple[list[str], int]:
    """The first row, and the lines up to and with it: blank ones before, and line breaks inside quoted cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in reader:
        if any(cell.strip() for cell in row):
            return row, reader.line_num
    return [], 0
