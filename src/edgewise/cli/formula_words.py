"""The words of `edgewise formula` that limit the search, as `find_formula` takes them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.errors import InputError
from edgewise.cli.inputs import as_names, called, find, numbers
from edgewise.data import Provenance, provenance
from edgewise.data.arrow import Frame


@dataclass(frozen=True)
class FormulaColumns:
    """Which columns a formula may use.

    Attributes
    ----------
    target : the column it gives
    chosen : the columns it may hold, in order
    require_columns : those among them that it must hold
    units : the unit of each of these that has one, by name
    apart : the column of the rows' weights
    """

    target: str
    chosen: tuple[str, ...]
    require_columns: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    apart: str | None = None


def columns_of(
    frame: Frame,
    target: str,
    *,
    columns: Sequence[str] | None,
    drop: Sequence[str] | None,
    ignore_columns: Sequence[str] | None,
    require_columns: Sequence[str] | None,
    units: Sequence[str] | None,
    weight: str | None = None,
    sigma: str | None = None,
) -> FormulaColumns:
    """The columns asked for, or one sentence about the one that is not there."""
    target = find(frame, target)
    known = frame.column_names
    if weight is not None and sigma is not None:
        raise InputError(
            "The options --weight and --sigma must not both be given: a standard deviation is a weight of 1/sigma^2. "
            "Leave one out."
        )
    apart = None if weight is None and sigma is None else find(frame, weight or sigma or "")
    if apart == target:
        raise InputError(
            subject=f"The column of --{('weight' if sigma is None else 'sigma')}",
            expected=f"not be the target {called(target)}",
        )
    left_out = {
        find(frame, name) for entry in (drop, ignore_columns) for name in as_names(entry, known) or ()
    }
    named = as_names(columns, known)
    chosen = [find(frame, name) for name in named or known]
    if named is None:
        chosen = [name for name in chosen if name not in (target, apart)]
    elif apart in chosen:
        raise InputError(
            f"The column {called(apart)} of --{'weight' if sigma is None else 'sigma'} must not be among those a formula "
            "may use; leave it out of --columns."
        )
    chosen = [name for name in dict.fromkeys(chosen) if name not in left_out]
    if not chosen:
        raise InputError(
            subject=provenance(frame).source,
            expected=f"have at least one column besides the target {target!r}",
        )
    required = [find(frame, name) for name in as_names(require_columns, known) or ()]
    if strange := [name for name in required if name not in chosen]:
        raise InputError(
            subject="The columns of --require-columns",
            expected="be among those a formula may use",
            got=called(strange[0]),
            advice="take it out of --require-columns, or add it to the columns",
        )
    return FormulaColumns(
        target, tuple(chosen), tuple(required), _units(frame, units, {target, *chosen}), apart
    )


def notes_of(columns: FormulaColumns, known: Provenance, X: NDArray[np.float64]) -> tuple[str, ...]:
    """What was decided in reading the table, and what of it the search cannot use."""
    notes = [
        f"Column {called(name)} holds {values[0]:g} in every row, so no formula can depend on it."
        for name, values in zip(columns.chosen, X.T, strict=True)
        if len(values) > 1 and (values == values[0]).all()
    ]
    units = {
        name: known.units[name]
        for name in (*columns.chosen, columns.target)
        if name in known.units and _has_dimension(known.units[name])
    }
    if units and not columns.units:
        given = ",".join(f"{name}={unit}" for name, unit in units.items())
        notes.append(f"The table states units; --units {shlex.quote(given)} has formulas agree with them.")
    return (*known.notes((*columns.chosen, columns.target)), *notes)


def _has_dimension(unit: str) -> bool:
    """Whether the search knows a unit; it knows no money."""
    from edgewise.symbolic.units.text import unit_powers

    try:
        unit_powers(unit, "a column")
    except InputError:
        return False
    return True


def limits_of(
    columns: FormulaColumns,
    *,
    exclude_functions: Sequence[str] | None,
    only: Sequence[str] | None,
    constraints: Sequence[str] | None = None,
    costs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The limits that were asked for, as keyword arguments of `find_formula`; what was not asked is left to it."""
    asked = {
        "units": dict(columns.units),
        "forms": _words(only),
        "exclude_functions": _words(exclude_functions),
        "require_columns": columns.require_columns,
        "constraints": tuple(constraints or ()),
        "costs": dict(map(_cost, _words(costs))),
    }
    return {name: value for name, value in asked.items() if value}


def _cost(entry: str) -> tuple[str, int]:
    name, _, value = (part.strip() for part in entry.partition("="))
    try:
        return name, int(value)
    except ValueError:
        raise InputError(
            subject="The entries of --cost",
            expected="read function=nodes with a whole number, as in sin=3",
            got=called(entry),
        ) from None


def errors_of(
    frame: Frame, entries: Sequence[str] | None, columns: Sequence[str], source: str
) -> dict[str, Any] | None:
    """The value of `--x-sigma`: for a column a number, or the numbers of another column; None where nothing was asked."""
    found = dict[str, Any]()
    for pair in pairs(entries or (), frame.column_names):
        name, equals, value = (part.strip() for part in pair.rpartition("="))
        if not equals or not name or not value:
            raise InputError(
                subject="The entries of --x-sigma",
                expected="read column=number or column=column, as in x=0.1",
                got=called(pair),
            )
        column = find(frame, name)
        if column not in columns:
            raise InputError(
                subject="The columns of --x-sigma",
                expected="be among those that are searched",
                got=called(column),
            )
        try:
            found[column] = float(value)
        except ValueError:
            values = numbers(frame.column(find(frame, value)))
            if values is None:
                raise InputError(
                    subject=f"Column {called(value)} of {source}",
                    expected="hold numbers for --x-sigma",
                    got="words",
                ) from None
            found[column] = values
    return found or None


def _words(entries: Sequence[str] | None) -> tuple[str, ...]:
    """The names of functions in `--exclude-functions sin,tan --exclude-functions exp`."""
    words = [word.strip() for entry in entries or () for word in entry.split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def _units(frame: Frame, entries: Sequence[str] | None, wanted: set[str]) -> tuple[tuple[str, str], ...]:
    """The pairs in `--units m=kg,v=m/s --units E=J`; columns left out of the search need none."""
    found: dict[str, str] = {}
    for pair in pairs(entries or (), frame.column_names):
        name, equals, unit = pair.rpartition("=")
        if not equals or not name.strip() or not unit.strip():
            raise InputError(
                subject="The entries of --units",
                expected="read column=unit, as in m=kg,v=m/s",
                got=called(pair),
                advice="a number without a unit is =1",
            )
        column = find(frame, name)
        if column in found:
            raise InputError(
                subject="The columns of --units",
                expected="be distinct",
                got=f"{called(column)} more than once",
            )
        found[column] = unit.strip()
    return tuple((name, unit) for name, unit in found.items() if name in wanted)


def pairs(entries: Sequence[str], known: Sequence[str]) -> list[str]:
    """Entries cut at their commas, but for one that begins with the whole name of a column that holds some."""
    pairs: list[str] = []
    for entry in entries:
        whole = " ".join(entry.rpartition("=")[0].split()) in known
        pairs += [entry.strip()] if whole else [part.strip() for part in entry.split(",") if part.strip()]
    return pairs
