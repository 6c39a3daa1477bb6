"""What is asked: a property and the rows it is about, from text or objects, and in words.

An encoding follows numbers so far beyond the training range and no further. For the output it makes no difference which of
the numbers beyond a row holds; for a weighted sum or a formula of the number itself it does, and a missing cell has none.
Such claims are about a range of raw numbers, and state it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from edgewise._core.arguments import all_are
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.encoding import none_of
from edgewise.data.encoding_columns import REACH, NumberColumn
from edgewise.forms.tree import quote
from edgewise.verifying.claims.property import Property
from edgewise.verifying.claims.tasks import LeftOut
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import Between, Condition, OneOf, conditions_of, ends_of
from edgewise.verifying.domain.raw_values import date_of, rounded, shown
from edgewise.verifying.language.text import Statement, parse_conditions, parse_property


def statement_of(prop: Any, where: str | Mapping[str, Any] | Sequence[Condition] | None) -> Statement:
    """The property and all conditions, wherever they were given."""
    if isinstance(prop, str):
        found = parse_property(prop)
    elif isinstance(prop, Property):
        found = Statement(prop)
    else:
        raise InputError(
            argument="property", expected="be text or made by edgewise.properties", got=short(prop)
        )
    more: tuple[Condition, ...] = ()
    if isinstance(where, str):
        more = tuple(parse_conditions(where))
    elif isinstance(where, Mapping):
        more = conditions_of(where)
    elif where is not None:
        wanted = "conditions, or be a mapping or text as in 'age in [18, 65]'"
        more = all_are(where, Condition, "where", wanted)
    return Statement(found.property, (*found.conditions, *more))


def ranged(statement: Statement, columns: Columns) -> Statement:
    """The statement with ranges of the columns whose own numbers it weighs."""
    prop = statement.property
    return Statement(prop, with_ranges(prop.weighed(columns), columns, statement.conditions))


def domain_text(columns: Columns, statement: Statement, apart: LeftOut = ()) -> str:
    """The rows that the property is about, in words, without the cells that it leaves out."""
    prop, conditions = statement.property, ", ".join(map(str, statement.conditions))
    if prop.rows_in_words:
        base = prop.rows_in_words
    elif not columns.whole.whole:
        base = "every row within the range of its grids"
        if conditions:
            return f"every row where {conditions}, other columns within the range of the grids"
    else:
        base = "every row" if conditions or apart else "every row the model can be given"
    where = [conditions] if conditions else []
    if prop.moved_nearby(columns) is None:
        where += [f"{quote(name)} is {none_of(labels)}" for name, labels in apart]
    return f"{base} where {', '.join(where)}" if where else base


def left_out_sentence(prop: Property, columns: Columns, apart: LeftOut) -> str:
    """Which cells the claim does not compare, in a sentence; empty where there are none."""
    if not apart:
        return ""
    if prop.moved_nearby(columns) is not None:
        return f"Missing cells stay missing: {', '.join(name for name, _ in apart)}."
    parts = "; ".join(f"{name} ({', '.join(labels)})" for name, labels in apart)
    return f"Cells that stand for no number are left out: {parts}."


def apart_sentence(columns: Columns) -> str:
    """Which cells become no numbers, and come from none, where a row may change; empty where there are none."""
    found = [(name, columns.number_column(g)) for g, name in enumerate(columns.names)]
    parts = "; ".join(
        f"{name} ({', '.join(column.marks)})" for name, column in found if column and column.marks
    )
    return f"Cells that stand for no number stay, and no number becomes one: {parts}." if parts else ""


def with_ranges(
    names: Iterable[str], columns: Columns, conditions: Sequence[Condition]
) -> tuple[Condition, ...]:
    """The conditions, and ranges of the columns whose own numbers a claim weighs, where none is given.

    Of a plain network these are weighed by all claims: what conditions leave open its grid ends.

    Parameters
    ----------
    names : iterable of str
        Those columns.
    columns : Columns
    conditions : sequence of Condition

    Raises
    ------
    InputError
        If a range is asked for that the encoding does not follow.
    """
    found = list(conditions)
    if columns.view.encoding is None:
        return (*found, *_grid_ends(columns, found))
    for g in (columns.names.index(name) for name in names if name in columns.names):
        column, name = columns.number_column(g), columns.names[g]
        if column is None:
            continue
        low, high = _followed(column)
        if column.two_valued:
            found.append(OneOf(name, tuple(columns.raw(g, (end,)) for end in (column.low, column.high))))
            continue
        given = [ends_of(condition) for condition in conditions if condition.column == name]
        for end in (end for pair in given for end in pair if end is not None):
            if not low <= columns.number(g, end) <= high:
                raise InputError(
                    subject=f"A claim that weighs {short(name, 40)} itself",
                    expected=(
                        f"keep to {_text(column, low)} to {_text(column, high)}, beyond which the model takes "
                        "every number for that end"
                    ),
                    got=short(end),
                    advice="narrow it",
                )
        if any(all(pair[side] is None for pair in given) for side in (0, 1)):
            found.append(Between(name, *(_said(column, end) for end in (low, high))))
    return tuple(found)


def _grid_ends(columns: Columns, conditions: Sequence[Condition]) -> list[Condition]:
    """The sides that conditions on a plain network leave open: there its grid limits the claim."""
    made = list[Condition]()
    for name, group in zip(columns.names, columns.whole.groups, strict=True):
        given = [ends_of(condition) for condition in conditions if condition.column == name]
        ((low, high),) = group.cells[0]
        if given and all(pair[0] is None for pair in given):
            made.append(Between(name, low, None))
        if given and all(pair[1] is None for pair in given):
            made.append(Between(name, None, high))
    return made


def two_valued(columns: Columns) -> str:
    """Which columns of numbers are taken to hold one of two, in a sentence; empty where there are none."""
    parts = list[str]()
    for g, name in enumerate(columns.names):
        column = columns.number_column(g)
        if column is not None and column.two_valued and column.kind != "bool":
            parts.append(f"{name} ({columns.described(g)})")
    return f"Of columns of two numbers only these are meant: {', '.join(parts)}." if parts else ""


def _followed(column: NumberColumn) -> tuple[float, float]:
    """The raw numbers that the encoding distinguishes, ends included, written with few digits where there is room."""
    reach = REACH * (column.high - column.low)
    low, high = column.decode(np.array([column.low - reach, column.high + reach])).tolist()
    least, most = column.decode(np.array([column.low, column.high])).tolist()
    # Codes are words, no numbers: where they lie beyond the training range it limits the claim.
    low = least if any(low <= code < least for code in column.codes) else low
    high = most if any(most < code <= high for code in column.codes) else high
    tidy = (
        (float(math.ceil(low)), float(math.floor(high)))
        if column.kind == "date"
        else (rounded(low, 1), rounded(high, -1))
    )
    return tidy if tidy[0] < tidy[1] else (low, high)


def _said(column: NumberColumn, value: float) -> Any:
    return date_of(value) if column.kind == "date" else value


def _text(column: NumberColumn, value: float) -> str:
    return shown(_said(column, value))
