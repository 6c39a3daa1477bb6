"""How a CSV file is written: what separates its cells, how it writes decimals, which rows name columns and their units."""

from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise.data.sources import A_TABLE, COMMENT, SAMPLE_BYTES, Text, between_blanks, blank_separated
from edgewise.data.words import MISSING, looks_like_value, reads_as_number

# Around a unit: [kg], (kg).
_BRACKETS = re.compile(r"^\[(.*)\]$|^\((.*)\)$")
# A name with its unit behind it: "E [J]", "v (m/s)".
_WITH_UNIT = re.compile(r"^(.*\S)\s*(?:\[([^\[\]]*)\]|\(([^()]*)\))$")
_WORD = re.compile(r"[^\W\d]\w*|[%‰°]")
_SIGNS = ("%", "‰", "°")
# What stands between the names of units neither as arithmetic nor as an exponent.
_NEITHER = re.compile(r"[^\d\s*/^().·⋅×⁰¹²³⁴⁵⁶⁷⁸⁹⁻−+-]")
_LONGEST = 40
# In a row of units, what a column without one has.
_NO_UNIT = ("", "-", "--", "1", "none", "dimensionless")


def is_headed(rows: list[list[str]], decimal: str) -> bool:
    """Whether the first row names the columns, rather than being one of the data.

    A word above numbers is a name. Where there is none, a first row with values in it (numbers, dates, amounts) is data, but
    for whole numbers at even steps: the years of a wide table. Among words alone, a first row whose every word comes again
    below it is data.
    """
    first, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    values = [looks_like_value(cell, decimal) for cell in first]
    if all(values):
        return False
    below = [_all_values([row[k] for row in body], decimal) for k in range(len(first))]
    columns = zip(first, values, below, strict=True)
    if any(known and not value and cell.strip() not in MISSING for cell, value, known in columns):
        return True
    if any(values):
        return _even_steps([cell for cell, value in zip(first, values, strict=True) if value])
    again = [any(cell == row[k] for row in body) for k, cell in enumerate(first) if cell.strip()]
    return not (len(body) > 1 and len(first) > 1 and again and all(again) and first not in body)


def units_row(rows: list[list[str]], decimal: str) -> tuple[str, ...]:
    """The units that the second row gives; empty where it is one of data.

    It is one of units where it has a known unit above a column of numbers, no number above any of them, and no word of its
    own above columns of words. Beside one that is known, others need not be.
    """
    if len(rows) < 3 or len(rows[1]) != len(rows[0]):
        return ()
    second = [cell.strip() for cell in rows[1]]
    body = [row for row in rows[2:] if len(row) == len(rows[0])]
    units: list[str] = []
    found = False
    for k, cell in enumerate(second):
        numeric = bool(body) and _all_values([row[k] for row in body], decimal)
        inner = _inside(cell)
        if inner in _NO_UNIT and not (numeric and reads_as_number(cell, decimal)):
            units.append("")
        elif numeric and cell not in MISSING and not looks_like_value(cell, decimal) and _unit_words(inner):
            units.append(inner)
            found = found or is_unit(inner)
        else:
            return ()
    return tuple(units) if found else ()


def without_unit(name: str) -> str:
    """A column's name without the unit that it ends with: anything in square brackets, and units in round ones."""
    match = _WITH_UNIT.match(name)
    return match[1] if match and (match[3] is None or is_unit(match[3].strip())) else name


def _all_values(cells: list[str], decimal: str) -> bool:
    named = [cell for cell in cells if cell.strip() not in MISSING]
    return bool(named) and all(looks_like_value(cell, decimal) for cell in named)


def _even_steps(cells: list[str]) -> bool:
    try:
        numbers = [int(cell) for cell in cells]
    except ValueError:
        return False
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(steps) == 1 and steps != {0}


def _inside(cell: str) -> str:
    """What stands in brackets, where the whole cell does."""
    if match := _BRACKETS.match(cell):
        return (match[1] or match[2] or "").strip()
    return cell


def is_unit(text: str) -> bool:
    """Whether a text is made of names of units; what their arithmetic comes to is not worked out."""
    words = _unit_words(text)
    return bool(words) and all(
        word in _SIGNS or bool(unit_registry().parse_unit_name(word)) for word in words
    )


def _unit_words(text: str) -> list[str]:
    """The names of units that a text is made of, known or not; none where it cannot be a unit."""
    words = _WORD.findall(text)
    return [] if len(text) > _LONGEST or _NEITHER.search(_WORD.sub("", text)) else words


# What pint lacks of the units that physicists write.
_MORE_UNITS = (
    "jansky = 1e-26 * watt / meter ** 2 / hertz = Jy",
    "photon = count",
    "adu = count = ADU",
    "nucleon = count",
    "solar_mass = 1.98841e30 * kilogram = Msun = M_sun = solMass",
    "solar_luminosity = 3.828e26 * watt = Lsun = L_sun = solLum",
    "solar_radius = 6.957e8 * meter = Rsun = R_sun = solRad",
    "@alias angstrom = Angstrom = AA",
    "ppb = 1e-9",
    "magnitude = 1 = mag",
    "dex = 1",
)


@cache
def unit_registry() -> Any:
    """Pint's units and some more."""
    import pint

    registry: Any = pint.UnitRegistry()
    for definition in _MORE_UNITS:
        registry.define(definition)
    return registry


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
            *(f"unknown unit {short(unit, 40)}" for unit in self.units if unit and not is_unit(unit)),
        ]
        return ", ".join(part for part in parts if part)


# Lines of a title, at most.
_MOST_TITLES = 5


def without_title(text: Text) -> Text:
    """The text without a title: first lines with fewer cells than all below them, which begin with names above values."""
    sample = text.content[: 2 * SAMPLE_BYTES].decode("utf-8", "replace").splitlines()
    lines = [line for line in sample if line.strip()][:_SAMPLE_LINES]
    found = dict[str, int]()
    for delimiter in _DELIMITERS:
        rows = (
            blank_separated("\n".join(lines))
            if delimiter == " "
            else list(csv.reader(lines, delimiter=delimiter))
        )
        widths = [len(row) for row in rows]
        if len(rows) != len(lines) or not widths or widths[-1] < 2:
            continue
        first = widths.index(widths[-1])
        if set(widths[first:]) != {widths[-1]} or max(widths[:first], default=0) >= widths[-1]:
            continue
        if first == 0 and delimiter != " ":
            return text
        headed = is_headed(rows[first:], ".") and any(map(_is_value, rows[-1]))
        if 0 < first <= _MOST_TITLES and len(rows) - first > 2 and headed:
            found[delimiter] = first
    if not found:
        return text
    count = min(found.values())
    kept = text.content.splitlines(keepends=True)
    ends = [at + 1 for at, line in enumerate(kept) if line.strip()]
    note = f"{plural(count, 'line')} of title left out ({short(lines[0].strip(), 40)})"
    return replace(text, content=b"".join(kept[ends[count - 1] :]), unusual=(*text.unusual, note))


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
            subject=name,
            expected=A_TABLE,
            got=f"text that is no table ({error})",
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
        raise NotUTF8Error(
            subject=name, expected="be UTF-8 text", got="other bytes", advice="save it as UTF-8"
        ) from None


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts the most lines into the same number (two or more) of cells."""

    def merit(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        width = widths[0]
        return (sum(other == width for other in widths), width) if width > 1 else (0, 0)

    best = max([item for item in _DELIMITERS if item != " "], key=merit)
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
