"""What limits a search: the columns, their units, errors and ends, and what a formula may hold."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.cli.commands.formula import FormulaRequest
from edgewise.cli.entries import read_entries, read_span
from edgewise.cli.inputs import as_names, called, find, numbers_of, useless_columns
from edgewise.data import Provenance, provenance
from edgewise.data.arrow import Frame
from edgewise.symbolic.units.text import define_unit, unit_powers

Ends = Mapping[str, tuple[float, float]]


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
    notes : which columns are left out unasked, and why
    """

    target: str
    chosen: tuple[str, ...]
    require_columns: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    apart: str | None = None
    notes: tuple[str, ...] = ()


def columns_of(frame: Frame, asked: FormulaRequest) -> FormulaColumns:
    """The columns asked for, or one sentence about the one that is not there."""
    target, known = find(frame, asked.target), frame.column_names
    if asked.weight is not None and asked.sigma is not None:
        raise InputError(
            "The options --weight and --sigma must not both be given: a standard deviation is a weight of 1/sigma^2. "
            "Leave one out."
        )
    option = "--weight" if asked.sigma is None else "--sigma"
    given = asked.weight or asked.sigma
    apart = None if given is None else find(frame, given)
    if apart == target:
        raise InputError(subject=f"The column of {option}", expected=f"not be the target {called(target)}")
    left_out = {
        find(frame, name)
        for entry in (asked.drop, asked.ignore_columns)
        for name in as_names(entry, known) or ()
    }
    named = as_names(asked.columns, known)
    chosen = [find(frame, name) for name in named or known]
    if named is None:
        chosen = [name for name in chosen if name not in (target, apart)]
    elif apart in chosen:
        raise InputError(
            subject=f"The column {called(apart)} of {option}",
            expected="not be among those a formula may use",
            advice="leave it out of --columns",
        )
    chosen = [name for name in dict.fromkeys(chosen) if name not in left_out]
    required = [find(frame, name) for name in as_names(asked.require_columns, known) or ()]
    useless = dict[str, str]()
    if named is None:
        useless = useless_columns(frame.select([name for name in chosen if name not in required]))
        chosen = [name for name in chosen if name not in useless]
    if not chosen:
        raise InputError(
            subject=provenance(frame).source,
            expected=f"have at least one column besides the target {target!r}",
            got="none of use" if useless else None,
        )
    if strange := [name for name in required if name not in chosen]:
        raise InputError(
            subject="The columns of --require-columns",
            expected="be among those a formula may use",
            got=called(strange[0]),
            advice="take it out of --require-columns, or add it to the columns",
        )
    for entry in asked.unit or ():
        define_unit(*(part.strip() for part in entry.partition("=")[::2]))
    form, advice = "column=unit, as in m=kg,v=m/s", "a number without a unit is =1"
    units = read_entries(asked.units, "--units", form, str, frame=frame, advice=advice)
    wanted = tuple((name, unit) for name, unit in units.items() if name in {target, *chosen})
    notes = tuple(f"Column {called(name)} is left out: {reason}." for name, reason in useless.items())
    return FormulaColumns(target, tuple(chosen), tuple(required), wanted, apart, notes)


def limits_of(columns: FormulaColumns, asked: FormulaRequest) -> dict[str, Any]:
    """The limits that were asked for, as keyword arguments of `find_formula`; what was not asked is left to it."""
    limits = {
        "units": dict(columns.units),
        "forms": _words(asked.only_functions),
        "exclude_functions": _words(asked.exclude_functions),
        "require_columns": columns.require_columns,
        "constraints": tuple(asked.constraint or ()),
        "costs": read_entries(asked.cost, "--cost", "function=nodes with a whole number, as in sin=3", int),
    }
    return {name: value for name, value in limits.items() if value}


def _words(entries: Sequence[str] | None) -> tuple[str, ...]:
    """The names of functions in `--exclude-functions sin,tan --exclude-functions exp`."""
    words = [word.strip() for entry in entries or () for word in entry.split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def errors_of(frame: Frame, entries: Sequence[str] | None, columns: Sequence[str]) -> dict[str, Any] | None:
    """The value of `--x-sigma`: for a column a number, or the numbers of another column; None where nothing was asked."""

    def read(text: str) -> float | Floats:
        try:
            return float(text)
        except ValueError:
            return numbers_of(frame, find(frame, text), " for --x-sigma")

    form = "column=number or column=column, as in x=0.1"
    return read_entries(entries, "--x-sigma", form, read, frame=frame, among=columns) or None


def ends_of(frame: Frame, entries: Sequence[str] | None, names: Sequence[str], X: Floats) -> Ends:
    """The ends of every column: those in `--bounds m=1:5,r=2`, where r is held fixed, else those of the rows X."""
    low, high = X.min(axis=0).tolist(), X.max(axis=0).tolist()
    ends = dict(zip(names, zip(low, high, strict=True), strict=True))

    def read(text: str) -> tuple[float, float]:
        low, *high = read_span(text)
        if len(high) > 1:
            raise ValueError
        return low, (high or [low])[0]

    form = "column=low:high, or column=value for one that is held fixed"
    ends |= read_entries(entries, "--bounds", form, read, frame=frame, among=names)
    if all(low == high for low, high in ends.values()):
        raise InputError(
            subject="The option --next",
            expected="have a column that is free",
            got="all of them held fixed",
            advice="give the ends of one with --bounds",
        )
    return ends


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
    return (*known.notes((*columns.chosen, columns.target)), *columns.notes, *notes)


def _has_dimension(unit: str) -> bool:
    """Whether the search knows a unit; it knows no money."""
    try:
        unit_powers(unit, "a column")
    except InputError:
        return False
    return True
