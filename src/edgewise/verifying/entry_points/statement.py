"""What is asked: a property and the rows it is about, from text or objects, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from edgewise._core.arguments import all_are
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.verifying.claims.stated import with_ranges
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.entry_points.formula import columns_of
from edgewise.verifying.language import properties as asked
from edgewise.verifying.language.conditions import Condition, conditions_of
from edgewise.verifying.language.text import Statement, parse_conditions, parse_property


def statement_of(prop: Any, where: str | Mapping[str, Any] | Sequence[Condition] | None) -> Statement:
    """The property and all conditions, wherever they were given."""
    if isinstance(prop, str):
        found = parse_property(prop)
    elif isinstance(prop, cast(Any, asked.Property)):
        found = Statement(cast(asked.Property, prop))
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
    names: tuple[str, ...] = ()
    if isinstance(prop, asked.Linear):
        names = tuple(name for name, _ in prop.terms)
    elif isinstance(prop, asked.FormulaWithin):
        names = columns_of(prop.formula, columns)
    return Statement(prop, with_ranges(names, columns, statement.conditions))


def domain_text(columns: Columns, statement: Statement) -> str:
    """The rows that the property is about, in words."""
    prop, conditions = statement.property, ", ".join(map(str, statement.conditions))
    if isinstance(prop, asked.Robust):
        base = f"every row near {f'row {prop.row}' if isinstance(prop.row, int) else 'it'}"
    elif not columns.whole.whole:
        base = "every row within the range of its grids"
        if conditions:
            return f"every row where {conditions}, other columns within the range of the grids"
    else:
        base = "every row" if conditions else "every row the model can be given"
    return f"{base} where {conditions}" if conditions else base
