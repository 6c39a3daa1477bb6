"""What a column of text is: numbers however they are written, dates, or words; decided and reported here alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from edgewise._core.checks import plural, short
from edgewise.data.arrow import Cells, pc
from edgewise.data.dates import MAYBE_DATE, PERIOD, read_dates

# What tables in the wild write for a missing number. Among words these are words; only an empty cell is missing there.
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "-", "#N/A")
# A text column that holds at least this share of numbers is probably one of numbers with a few stray words.
NEARLY = 0.7
# What may stand before a number, or right behind it; other words behind a number are its unit.
CURRENCIES = ("$", "€", "£", "USD", "EUR", "GBP")
_CURRENCY = "|".join(map(re.escape, CURRENCIES))
_BLANK = "[ \u00a0\u202f\u2009]"
_DIGITS = rf"[0-9](?:[0-9.,'’]|{_BLANK}(?=[0-9]{{3}}(?![0-9])))*|[.,][0-9]+"
# Fortran writes D for E.
_POWER = "[eEdD][+-]?[0-9]+"
# -$1,100.50 USD, ($5), 12 %, 3.5 kg, 1e-3
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[+−-])?\s?(?P<before>{_CURRENCY})?\s?(?P<after_sign>[+−-])?"
    rf"(?P<digits>{_DIGITS})(?P<power>{_POWER})?"
    rf"(?:\s?(?P<after>{_CURRENCY}|[%‰]|°[A-Za-z]?)|\s(?P<unit>[^\W\d][^\s\d]*(?:[²³]|\^-?\d)?)|(?P<attached>[^\W\d_eE][^\W\d_]+))?"
    r"(?P<close>\))?"
)
# 2.0±0.1, 2.0 +/- 0.1, (2.0 +- 0.1)e-3, 2.01(3)
_SIZE = r"[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+"
_MEASURED = re.compile(
    rf"(?P<open>\(\s?)?(?P<sign>[+−-]\s?)?(?P<digits>{_SIZE})(?P<power>{_POWER})?"
    rf"(?:\s?(?:±|\+\s?/?\s?[-−])\s?(?P<error>{_SIZE})(?P<error_power>{_POWER})?|\((?P<last>[0-9]+(?:[.,][0-9]+)?)\)(?P<behind>{_POWER})?)"
    rf"(?(open)\s?\)(?P<common>{_POWER})?)"
)
_THOUSAND = re.compile(r"\b[0-9]{1,3},[0-9]{3}\b")
_FIRST = "(?:0|[1-9][0-9]{0,2})"
# How digits are grouped and decimals marked: the pattern, the separators of groups.
_GROUPED = (
    ("points", re.compile(r"[0-9]+\.?[0-9]*|\.[0-9]+"), ""),
    ("commas in thousands", re.compile(rf"{_FIRST}(?:,[0-9]{{3}})*(?:\.[0-9]*)?"), ","),
    ("decimal commas", re.compile(r"[0-9]*,?[0-9]+|[0-9]+,"), ""),
    ("points in thousands", re.compile(rf"{_FIRST}(?:\.[0-9]{{3}})*(?:,[0-9]*)?"), "."),
    (
        "blanks in thousands",
        re.compile(rf"{_FIRST}(?:{_BLANK}[0-9]{{3}})*(?:[.,][0-9]*)?"),
        " \u00a0\u202f\u2009",
    ),
    ("apostrophes in thousands", re.compile(rf"{_FIRST}(?:['’][0-9]{{3}})*(?:\.[0-9]*)?"), "'’"),
)
# Points that group thousands, alone and where decimals are marked by commas.
_BY_POINTS = re.compile(rf"{_FIRST}(?:\.[0-9]{{3}})*")
_POINTS = r"^[+-]?(0|[1-9][0-9]{0,2})(\.[0-9]{3})*(,[0-9]*)?$"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?$")
_PLAIN = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
# One number in 27 of eight digits, with a year of these centuries, is a date.
_FEWEST_DATES = 5
# Whole numbers beyond this are rounded where they become floats.
EXACT = 2**53


@dataclass(frozen=True)
class Reading:
    """A column of text, read.

    Attributes
    ----------
    column : numbers, dates or words, with nulls where cells are missing
    note : what the column was taken for, where that is not obvious: "looks like ...: read as ..."
    unit : what stood beside every number
    sigma : the error that stood behind every number, as a standard deviation
    """

    column: Cells
    note: str = ""
    unit: str = ""
    sigma: Cells | None = None


def read_words(column: Cells, decimal: str = ".") -> Reading:
    """Decide what a column of text is, from all its cells, in a file where decimals are marked so.

    Numbers are tried first, as a program writes them; then numbers as people do, with signs of percent, amounts of money,
    separators of thousands, units and errors; then dates. A column whose cells are not all of one sort is one of words.
    """
    text = pc.utf8_trim_whitespace(column)
    gaps = pc.is_in(text, pa.array(MISSING))
    filled = pc.if_else(gaps, pa.scalar(None, pa.string()), text)
    known = filled.drop_null()
    if not (decimal == "," and _grouped_by_points(known)):
        try:
            return Reading(filled.cast(pa.float64()))
        except pa.ArrowInvalid:
            pass
    found = _numbers(known, decimal) or _measured(known, decimal) or _dates(known)
    if found is None:
        words = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        return Reading(words, _stray(words))
    return _among_gaps(found, filled)


def read_whole_numbers(column: Cells) -> Reading | None:
    """Dates of eight digits, as 19580329; None where whole numbers are something else."""
    if column.null_count == len(column):
        return None
    ends = pc.min_max(column).as_py()
    # That numbers which count or name something are all dates by chance needs them to be few.
    if ends["min"] < 10**7 or ends["max"] >= 10**8 or pc.count_distinct(column).as_py() < _FEWEST_DATES:
        return None
    text = column.cast(pa.string())
    found = _dates(text.drop_null())
    return None if found is None else _among_gaps(found, text)


def _among_gaps(found: Reading, filled: Cells) -> Reading:
    """What was read of the known cells, among those that are missing."""
    places = np.cumsum(pc.is_valid(filled).to_numpy()) - 1
    index = pa.array(np.where(pc.is_valid(filled).to_numpy(), places, 0), mask=pc.is_null(filled).to_numpy())
    sigma = None if found.sigma is None else found.sigma.take(index)
    return Reading(found.column.take(index), found.note, found.unit, sigma)


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


def looks_like_value(cell: str, decimal: str) -> bool:
    """Whether a cell is a number or a date in any writing, which no name of a column is."""
    text = cell.strip()
    if not text:
        return False
    if reads_as_number(text, decimal) or _ISO.match(text):
        return True
    match = _NUMBER.fullmatch(text)
    if (match and not (match["unit"] or match["attached"])) or _MEASURED.fullmatch(text):
        return True
    if PERIOD.match(text) or not MAYBE_DATE.match(text):
        return False
    return read_dates(pa.chunked_array([[text]])) is not None


def _numbers(known: Cells, decimal: str) -> Reading | None:
    """Numbers with something beside them, the same in all cells."""
    distinct = pc.unique(known).to_pylist()
    matches: list[re.Match[str]] = []
    for word in distinct:
        match = _NUMBER.fullmatch(word)
        if match is None or bool(match["open"]) != bool(match["close"]) or _is_label(match):
            return None
        matches.append(match)
    beside = {_beside(match) for match in matches}
    units = beside - {""}
    if len(units) > 1 or (units and len(beside) > 1 and not _omitted(matches)):
        return None
    if (
        any(match["unit"] or match["attached"] for match in matches)
        and len({match["digits"] for match in matches}) < 2
    ):
        return None
    way = _grouping(matches, decimal)
    if way is None:
        return None
    values = np.array([_value(match, way[1]) for match in matches])
    column = pa.chunked_array([pa.array(values)]).take(pc.index_in(known, pc.unique(known)))
    unit = units.pop() if units else ""
    example = next((k for k, match in enumerate(matches) if _beside(match)), 0)
    what = _called(unit, matches[example], way[0])
    note = f"looks like {what} ({short(distinct[example], 24)}): read as numbers ({values[example]:g})"
    return Reading(column, note, unit)


def _measured(known: Cells, decimal: str) -> Reading | None:
    """Numbers with the error of each behind it."""
    words = known.to_pylist()
    matches = [match for match in map(_MEASURED.fullmatch, words) if match]
    marks = {mark for word in words for mark in ",." if mark in word}
    # A comma before three digits may be one of thousands.
    unclear = decimal != "," and "," in marks and any(map(_THOUSAND.search, words))
    if not matches or len(matches) < len(words) or len(marks) > 1 or unclear:
        return None
    found = [_with_error(match) for match in matches]
    values, errors = (pa.chunked_array([pa.array(list(item))]) for item in zip(*found, strict=True))
    note = (
        f"looks like values with their errors ({short(words[0], 24)}): read as numbers ({found[0][0]:g}), whose "
        f"standard deviations ({found[0][1]:g}) `edgewise formula` uses"
    )
    return Reading(values, note, sigma=errors)


def _with_error(match: re.Match[str]) -> tuple[float, float]:
    """The value and its standard deviation; one in brackets counts in the last digit, where it has no decimals itself."""
    power = sum(_exponent(match[name]) for name in ("power", "behind", "common"))
    digits, decimals = _without_point(match["digits"])
    value = float(f"{digits}e{power - decimals}")
    if match["last"] is None:
        error, behind = _without_point(match["error"])
        size = float(f"{error}e{_exponent(match['error_power']) + _exponent(match['common']) - behind}")
    else:
        error, behind = _without_point(match["last"])
        size = float(f"{error}e{power - (behind or decimals)}")
    return (-value if (match["sign"] or "").strip() in ("-", "−") else value), size


def _without_point(digits: str) -> tuple[str, int]:
    """The digits without the mark of decimals, and how many stood behind it."""
    whole, _, behind = digits.replace(",", ".").partition(".")
    return whole + behind, len(behind)


def _exponent(power: str | None) -> int:
    return int(power[1:]) if power else 0


def _beside(match: re.Match[str]) -> str:
    """The sign or unit beside a number."""
    return match["before"] or match["after"] or match["unit"] or match["attached"] or ""


def _is_label(match: re.Match[str]) -> bool:
    """2D3 is a name; Fortran writes a point or a sign besides, as in 1.5D+02."""
    power = match["power"] or ""
    return power[:1] in ("d", "D") and power[1:].isdigit() and "." not in match["digits"]


def _is_money(match: re.Match[str]) -> bool:
    return (match["before"] or match["after"]) in CURRENCIES


def _omitted(matches: list[re.Match[str]]) -> bool:
    """Whether some cells may lack what stands beside the others: zeros, or the sign of a currency."""
    return all(_beside(match) or not match["digits"].strip("0.,") for match in matches)


def _called(unit: str, match: re.Match[str], way: str) -> str:
    if unit in ("%", "‰"):
        return "percentages" if unit == "%" else "shares of a thousand"
    if unit and _is_money(match):
        return "amounts of money"
    return f"numbers with the unit {short(unit)}" if unit else f"numbers with {way}"


def _grouping(matches: list[re.Match[str]], decimal: str) -> tuple[str, str] | None:
    """The first way of writing numbers that all of them follow: its name and separators of groups.

    Points before three digits may mark thousands or decimals: thousands where commas mark decimals, and in amounts of money,
    which have no three decimals.
    """
    digits = [match["digits"] for match in matches]
    thousands = decimal == "," or (any(map(_is_money, matches)) and all(map(_BY_POINTS.fullmatch, digits)))
    for name, pattern, groups in sorted(_GROUPED, key=lambda way: thousands and way[2] != "."):
        if all(pattern.fullmatch(digit) for digit in digits):
            return name, groups
    return None


def _grouped_by_points(known: Cells) -> bool:
    return bool(
        pc.all(pc.match_substring_regex(known, _POINTS)).as_py()
        and pc.any(pc.match_substring(known, ".")).as_py()
    )


def _value(match: re.Match[str], groups: str) -> float:
    digits = match["digits"].translate(dict.fromkeys(map(ord, groups))).replace(",", ".")
    negative = match["open"] or {match["sign"], match["after_sign"]} & {"-", "−"}
    return (-1.0 if negative else 1.0) * float(digits + (match["power"] or "").lower().replace("d", "e"))


def _dates(known: Cells) -> Reading | None:
    found = read_dates(known)
    if found is None:
        return None
    remark = ", ".join(part for part in (found.writing, found.doubt) if part)
    example = short(known[0].as_py(), 24)
    return Reading(
        found.values, f"looks like dates ({example}): read as dates{f', {remark}' if remark else ''}"
    )


def _stray(words: Cells) -> str:
    """What keeps a column of numbers from being one."""
    known = words.drop_null()
    stray = known.filter(pc.invert(pc.match_substring_regex(known, _PLAIN)))
    if not len(known) or len(stray) > (1 - NEARLY) * len(known):
        return ""
    return (
        f"is taken as words, because {plural(len(stray), 'cell')} among its numbers hold no number "
        f"({short(stray[0].as_py())})"
    )
