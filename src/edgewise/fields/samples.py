"""Measured fields: on grids or at scattered places, checked and put into one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, among, check_float, check_names, did_you_mean, plural, short
from edgewise._core.errors import InputError

FEWEST = 8


@dataclass(frozen=True, eq=False)
class Samples:
    """The measured fields of one experiment.

    Attributes
    ----------
    names : tuple of str
        Of the fields.
    coordinates : tuple of str
    values : tuple of ndarray
        On the grid, or at the places (n,).
    at : tuple of ndarray
        For each coordinate its places along the grid, sorted; or those of every row.
    scattered : bool
    bounds : tuple of (float, float)
    periodic : tuple of bool
    """

    names: tuple[str, ...]
    coordinates: tuple[str, ...]
    values: tuple[Floats, ...]
    at: tuple[Floats, ...]
    scattered: bool
    bounds: tuple[tuple[float, float], ...]
    periodic: tuple[bool, ...]


def read_samples(fields: Any, coordinates: Any, periodic: Any) -> Samples:
    """Fields and coordinates as they were given, checked.

    Raises
    ------
    InputError
        Where shapes do not go together, numbers are missing, or there are too few.
    """
    if not isinstance(fields, Mapping) or not fields:
        raise InputError(
            argument="fields", expected="be arrays by name, {'u': values}", got=type(fields).__name__
        )
    if not isinstance(coordinates, Mapping) or not coordinates:
        raise InputError(
            argument="coordinates",
            expected="be arrays by name, {'x': x, 't': t}, in the order of the axes of the fields",
            got=type(coordinates).__name__,
        )
    at = {str(name): _array(value, f"coordinates['{name}']") for name, value in coordinates.items()}
    values = {str(name): _array(value, f"fields['{name}']") for name, value in fields.items()}
    for name in [*at, *values]:
        if not name.isidentifier() or "_" in name:
            raise InputError(
                subject="Names of fields and coordinates", expected="be words without '_'", got=short(name)
            )
    if both := set(at) & set(values):
        raise InputError(f"{among(both)} is the name of a field and of a coordinate.")
    for name, array in at.items():
        if array.ndim != 1:
            raise InputError(
                subject=f"The coordinate '{name}'",
                expected="have one axis: the places along the grid, or one for each row",
                got=array.ndim,
            )
    spans = _spans(periodic, at)
    shape = tuple(len(array) for array in at.values())
    for name, array in values.items():
        if array.shape != next(iter(values.values())).shape:
            raise InputError(
                subject="All fields", expected="have one shape", got=f"{array.shape} for '{name}'"
            )
    own = next(iter(values.values())).shape
    if own == shape:
        return _grid(values, at, spans)
    if len(own) == 1 and len(set(shape)) == 1 and own[0] == shape[0]:
        bounds = tuple(_bounds(name, a, spans) for name, a in at.items())
        if own[0] < FEWEST**2:
            raise InputError(
                argument="fields", expected=f"have at least {FEWEST**2} scattered rows", got=own[0]
            )
        return Samples(
            tuple(values),
            tuple(at),
            tuple(values.values()),
            tuple(at.values()),
            True,
            bounds,
            tuple(n in spans for n in at),
        )
    raise InputError(
        argument="fields",
        expected=f"have the shape of the grid, {shape}, or be rows as long as every coordinate",
        got=own,
    )


def _array(value: Any, name: str) -> Floats:
    try:
        array = np.array(value, dtype=float)
    except UNREADABLE:
        raise InputError(subject=f"'{name}'", expected="be an array of numbers") from None
    if not np.isfinite(array).all():
        missing = int((~np.isfinite(array)).sum())
        raise InputError(
            subject=f"'{name}'",
            expected="hold finite numbers only",
            got=plural(missing, "other entry", "other entries"),
            advice="give scattered rows without those",
        )
    return array


def _spans(periodic: Any, at: Mapping[str, Floats]) -> dict[str, float]:
    """The periods of those coordinates that have one; 0 where it is to be seen from the places."""
    if isinstance(periodic, str):
        periodic = (periodic,)
    given: dict[Any, Any] = (
        dict(cast("Mapping[Any, Any]", periodic))
        if isinstance(periodic, Mapping)
        else dict.fromkeys(check_names(periodic, "periodic"), 0.0)
    )
    for name, span in given.items():
        if name not in at:
            raise InputError(
                argument="periodic", expected="name coordinates", got=f"'{name}'{did_you_mean(name, at)}"
            )
        if span:
            check_float(span, "periodic", low=0.0, closed=False)
    return given


def _bounds(name: str, at: Floats, spans: Mapping[str, float]) -> tuple[float, float]:
    low, high = float(at.min()), float(at.max())
    if not high > low:
        raise InputError(subject=f"The coordinate '{name}'", expected="have different places")
    if name not in spans:
        return low, high
    span = spans[name]
    if not span:
        steps = np.diff(np.unique(at))
        if np.ptp(steps) > 1e-6 * steps.mean():
            raise InputError(
                f"The places of the periodic coordinate '{name}' are not even; give its period: periodic={{'{name}': 2.0}}."
            )
        span = high - low + float(steps.mean())
    if span < (high - low) * (1 - 1e-9):
        raise InputError(
            subject=f"The period of '{name}'",
            expected=f"be at least {high - low:g}, the width of its places",
            got=f"{span:g}",
        )
    return low, low + span


def _grid(values: dict[str, Floats], at: dict[str, Floats], spans: dict[str, float]) -> Samples:
    places = list(at.values())
    arrays = list(values.values())
    for axis, name in enumerate(at):
        order = np.argsort(places[axis], kind="stable")
        places[axis] = places[axis][order]
        arrays = [np.take(array, order, axis=axis) for array in arrays]
        if len(order) < FEWEST:
            raise InputError(
                argument="coordinates",
                expected=f"have at least {FEWEST} places each",
                got=f"{len(order)} of '{name}'",
            )
        if (np.diff(places[axis]) <= 0).any():
            raise InputError(f"The coordinate '{name}' has the same place twice.")
    bounds = tuple(_bounds(name, a, spans) for name, a in zip(at, places, strict=True))
    return Samples(
        tuple(values),
        tuple(at),
        tuple(arrays),
        tuple(places),
        False,
        bounds,
        tuple(name in spans for name in at),
    )
