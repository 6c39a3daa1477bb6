"""The parameters of a `FormulaRegressor` as its search takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from edgewise._core.checks import check_int, short
from edgewise._core.errors import InputError
from edgewise.estimators.base import seed_of, show_record


def search_options(model: Any, target: Sequence[str]) -> dict[str, Any]:
    """The parameters as `find_formula` takes them; those left at their defaults are left to it."""
    callbacks: Any = model.callbacks
    callbacks = () if callbacks is None else (callbacks,) if callable(callbacks) else callbacks
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, cast("list[Any]", callbacks))):
        raise InputError(argument="callbacks", expected="list functions", got=short(model.callbacks))
    verbose: Any = model.verbose
    if not isinstance(verbose, (bool, np.bool_)):
        verbose = check_int(verbose, "verbose", low=0)
    options: dict[str, Any] = {
        "work": model.work,
        "seconds": model.seconds,
        "seed": seed_of(model.random_state),
        "callbacks": (*cast("list[Any]", callbacks), *([show_record] if verbose else [])),
        "validation": model.validation,
        "loss": model.loss,
        "config": model.config,
    }
    limits: dict[str, Any] = {
        "units": _as_y(model.units, target),
        "forms": model.forms,
        "exclude_functions": model.exclude_functions,
        "require_columns": model.require_columns,
        "ignore_columns": model.ignore_columns,
        "constraints": model.constraints,
        "costs": model.costs,
    }
    return options | {name: value for name, value in limits.items() if not _left_out(value)}


def _left_out(value: Any) -> bool:
    return value is None or (isinstance(value, (tuple, list, dict, set, frozenset)) and len(value) == 0)


def _as_y(units: Any, target: Sequence[str]) -> Any:
    """Units with that of the target under "y": `find_formula` sees the target without its name."""
    if not isinstance(units, dict) or len(target) != 1 or "y" in units:
        return cast(Any, units)
    given = cast("dict[Any, Any]", units)
    return {"y" if name == target[0] else name: unit for name, unit in given.items()}
