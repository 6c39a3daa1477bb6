"""The table and the numbers that `find_formula` is given, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edgewise._core.arguments import as_callables, column_names
from edgewise._core.checks import (
    check_matrix,
    check_squarable,
    check_vector,
)
from edgewise._core.errors import InputError
from edgewise.symbolic.fitting.measurements import Measurements, measured

_FEWEST_ROWS = 5


def read_rows(
    X: Any, y: Any, names: Iterable[str] | None, *, sample_weight: Any = None, sigma: Any = None
) -> tuple[Measurements, tuple[str, ...]]:
    """The complete rows, and the names of the columns."""
    table = check_matrix(X, "X", min_rows=_FEWEST_ROWS, missing=True)
    if table.shape[1] == 0:
        raise InputError(argument="X", expected="have at least 1 column", got="none")
    target = check_vector(y, "y", length=len(table), missing=True)
    names = column_names(X, names, table.shape[1])
    told = called(y, names)
    rows = measured(table, target, names, told, sample_weight=sample_weight, sigma=sigma)
    if len(rows.y) < _FEWEST_ROWS:
        raise InputError(
            f"The table must have at least {_FEWEST_ROWS} rows with finite numbers in every cell. Got "
            f"{len(rows.y)} instead: {' '.join(rows.notes)}"
        )
    check_squarable(rows.y, "The 'y' argument", tiny=False, rows=rows.numbers)
    check_squarable(rows.X, "The 'X' argument", labels=names, rows=rows.numbers)
    return rows, names


def target_name(y: Any, units: object, names: Iterable[str]) -> str:
    """What `units` calls y: "y", or the name it has, where that is no column's."""
    columns = tuple(names)
    name = called(y, columns)
    as_y = isinstance(units, Mapping) and name not in units and "y" in units and "y" not in columns
    return "y" if as_y else name


def called(y: Any, names: Iterable[str]) -> str:
    """What y is called: by the name it has, where that is no column's, or "y"."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name and name not in tuple(names) else "y"


def read_callbacks(callbacks: Iterable[Callable[..., Any]]) -> tuple[Callable[..., Any], ...]:
    """The functions that are notified."""
    return as_callables(callbacks)
