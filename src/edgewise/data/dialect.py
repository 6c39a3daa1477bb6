"""How a CSV file is written: what separates its cells, how it writes decimals, which lines name columns and their units."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from edgewise._core.errors import InputError
from edgewise.data.header import is_headed, units_row
from edgewise.data.text import COMMENT, SAMPLE_BYTES, Text, between_blanks, blank_separated
from edgewise.data.words import MISSING, reads_as_number

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "white space"}
# Enough lines to decide, but at least the header and two rows, however wide.
_SAMPLE_LINES = 50
_FEWEST_LINES = 3
_LONGEST_SAMPLE = 1 << 24


class NotUTF8Error(InputError):
    """Text in another encoding."""


@dataclass(frozen=True)
class Dialect:
    """How to read a CSV file.

    Attributes
    ----------
    names : column names, as written or made up
    delimiter : one of comma, semicolon, tab, bar and space, which stands for any white space
    decimal : "." or ","
    headed : whether a line held the names
    skip : lines before the first row of data
    units : the units that a line below the names gave, one a column; empty where there was none
    """

    names: tuple[str, ...]
    delimiter: str
    decimal: str
    headed: bool
    skip: int
    units: tuple[str, ...] = ()

    @property
    def unusual(self) -> str:
        """What a reader might want to check, in words; empty for commas, points and a header."""
        parts = [
            f"separated by {_DELIMITERS[self.delimiter]}"
            if self.delimiter != "," and len(self.names) > 1
            else "",
            "decimal commas" if self.decimal == "," else "",
            "" if self.headed else "no header (the columns are called x1, ...)",
            "a row of units under the names" if self.units else "",
        ]
        return ", ".join(part for part in parts if part)


def sniff(text: Text, name: str) -> tuple[Dialect, Text]:
    """The dialect of a text from its first lines, and the text that it holds for: tabs in the place of white space.

    Raises
    ------
    NotUTF8Error
        If the text is in another encoding.
    InputError
        If it is no table.
    """
    sample = _sample(text.content, name)
    lines = [line for line in sample.splitlines() if line.strip()][:_SAMPLE_LINES]
    if not lines:
        raise InputError(subject=name, expected="hold a table", got="an empty file")
    try:
        delimiter = _delimiter(lines)
        if delimiter == " ":
            text = between_blanks(text)
            sample = _sample(text.content, name)
            rows = blank_separated("\n".join(lines))
        else:
            rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        if not rows:
            raise InputError(subject=name, expected="hold a table", got="nothing but blank cells")
        written = "\t" if delimiter == " " else delimiter
        ends = _ends_of_rows(sample, written)
        commented = _commented(text.heading, written, len(rows[0]), named=_is_named(rows))
    except csv.Error as error:
        raise InputError(
            f"{name} must be a CSV, Excel, Parquet or Feather file. Got text that is no table instead ({error})."
        ) from None
    decimal = _decimal_point(rows, written)
    if commented:
        return Dialect(commented, delimiter, decimal, headed=True, skip=0), text
    if not is_headed(rows, decimal):
        names = tuple(f"x{place}" for place in range(1, len(rows[0]) + 1))
        return Dialect(names, delimiter, decimal, headed=False, skip=0), text
    header = rows[0]
    if delimiter in "\t " and _names_rows(rows, lines):
        header = ["", *header]
    units = units_row(rows, decimal) if len(ends) > 1 else ()
    return Dialect(tuple(header), delimiter, decimal, True, ends[1 if units else 0], units), text


def _is_named(rows: list[list[str]]) -> bool:
    """Whether the first row holds words above numbers, so that no line of comment need hold the names."""
    return is_headed(rows, ".") and any(reads_as_number(cell, ".") for row in rows[1:] for cell in row)


def _commented(heading: str, delimiter: str, width: int, *, named: bool) -> tuple[str, ...]:
    """Names that stand in the last line of comment above a table without any."""
    if not heading or named or width < 2:
        return ()
    words = heading.lstrip(COMMENT.decode()).strip()
    for cut in (next(csv.reader([words], delimiter=delimiter)), words.split()):
        cells = [cell.strip() for cell in cut]
        if len(cells) == width and all(cells):
            return tuple(cells)
    return ()


def _names_rows(rows: list[list[str]], lines: list[str]) -> bool:
    """Whether a first column without a name counts or names the rows, as R writes tables; names are quoted."""
    body = rows[1:]
    counted = [row[0] for row in body] == [str(place) for place in range(1, len(rows))]
    quoted = all(line.lstrip().startswith('"') for line in lines[1:])
    return len(body) > 1 and (counted or quoted) and all(len(row) == len(rows[0]) + 1 for row in body)


def _sample(content: bytes, name: str) -> str:
    """The first lines as text, all of them whole."""
    end = 0
    for _ in range(_FEWEST_LINES):
        end = content.find(b"\n", end, _LONGEST_SAMPLE) + 1 or len(content)
    end = min(max(end, content.rfind(b"\n", 0, SAMPLE_BYTES) + 1), _LONGEST_SAMPLE)
    if len(content) <= SAMPLE_BYTES:
        end = len(content)
    try:
        return content[:end].decode("utf-8")
    except UnicodeDecodeError:
        raise NotUTF8Error(f"{name} must be UTF-8 text. Got other bytes instead; save it as UTF-8.") from None


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts the most lines into the same number (two or more) of cells."""

    def merit(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        width = widths[0]
        return (sum(other == width for other in widths), width) if width > 1 else (0, 0)

    best = max([each for each in _DELIMITERS if each != " "], key=merit)
    if merit(best)[0] == len(lines):
        return best
    if _is_blank_separated(lines):
        return " "
    return best if merit(best)[0] else ","


def _is_blank_separated(lines: list[str]) -> bool:
    """Whether white space cuts every line into equally many cells, numbers among them; sentences are cut otherwise."""
    rows = blank_separated("\n".join(lines))
    width = len(rows[-1])
    numbers = [k for k in range(width) if all(_is_value(row[k]) for row in rows[1:] if len(row) == width)]
    if width < 2 or not numbers or any(len(row) != width for row in rows[1:]):
        return False
    return len(rows[0]) == width or _names_rows(rows, lines)


def _is_value(cell: str) -> bool:
    return cell in MISSING or reads_as_number(cell, ".") or reads_as_number(cell, ",")


def _decimal_point(rows: list[list[str]], delimiter: str) -> str:
    """A comma where cells read as numbers with it and none has a point; a comma that delimits is none."""
    if delimiter == ",":
        return "."
    cells = [cell for row in rows for cell in row]
    with_comma = any("," in cell and reads_as_number(cell, ",") for cell in cells)
    with_point = any("." in cell and reads_as_number(cell, ".") for cell in cells)
    return "," if with_comma and not with_point else "."


def _ends_of_rows(text: str, delimiter: str) -> list[int]:
    """Lines up to and with the first row, and with the second: blank ones between, and breaks inside quoted cells."""
    ends: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in reader:
        if any(cell.strip() for cell in row):
            ends.append(reader.line_num)
        if len(ends) == 2:
            break
    return ends
