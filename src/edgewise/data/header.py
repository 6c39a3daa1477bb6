"""Which of the first rows of a table name its columns, and which give their units."""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Any

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
    own above columns of words.
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
        elif numeric and not reads_as_number(cell, decimal) and _is_unit(inner):
            units.append(inner)
            found = True
        else:
            return ()
    return tuple(units) if found else ()


def without_unit(name: str) -> str:
    """A column's name without the unit that it ends with: anything in square brackets, and units in round ones."""
    match = _WITH_UNIT.match(name)
    return match[1] if match and (match[3] is None or _is_unit(match[3].strip())) else name


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


def _is_unit(text: str) -> bool:
    """Whether a text is made of names of units; what their arithmetic comes to is not worked out."""
    words = _WORD.findall(text)
    if not words or len(text) > _LONGEST or _NEITHER.search(_WORD.sub("", text)):
        return False
    return all(word in _SIGNS or bool(_registry().parse_unit_name(word)) for word in words)


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
