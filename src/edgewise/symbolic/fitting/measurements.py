"""The rows that a law is sought in: those with every cell, what each counts, and where each stands in the caller's table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import column_names, dimensions
from edgewise._core.arrays import Floats
from edgewise._core.checks import (
    check_float,
    check_matrix,
    check_squarable,
    check_vector,
    plural,
    short,
)
from edgewise._core.errors import InputError


@dataclass(frozen=True, eq=False)
class Measurements:
    """A table with what is known of its rows.

    Parameters
    ----------
    X, y
        Complete rows that count, (n, d) and (n,).
    numbers
        Where each row stands in the caller's table, from 0, (n,).
    weight
        How much each counts, one on average, (n,); None where all count alike.
    variance
        The variance of the noise in y of a row of weight one, where it is known.
    notes
        What was left out, in sentences.
    """

    X: Floats
    y: Floats
    numbers: NDArray[np.intp]
    weight: Floats | None = None
    variance: float | None = None
    notes: tuple[str, ...] = ()

    def without(self, rows: NDArray[np.bool_]) -> Measurements:
        """The others alone."""
        kept = ~rows
        few = replace(self, X=self.X[kept], y=self.y[kept], numbers=self.numbers[kept])
        return few if self.weight is None else _weighted(few, self.weight[kept], self.variance)


def measured(
    X: Floats,
    y: Floats,
    names: Sequence[str],
    target: str = "y",
    *,
    sample_weight: Any = None,
    sigma: Any = None,
) -> Measurements:
    """The rows that have every cell and count for something.

    Parameters
    ----------
    X, y
        (n, d) and (n,); NaN where a cell is missing.
    names, target
        Of the columns and of y.
    sample_weight
        How much each row counts, (n,), 0 for not at all.
    sigma
        The standard deviation of each y, a number or (n,).
    of
        The function that was called, for messages.

    Returns
    -------
    Measurements
    """
    holes = np.column_stack([np.isnan(X), np.isnan(y)])
    weight, known_variance, name = _weights(sample_weight, sigma, len(y))
    extra = np.zeros(len(y), dtype=bool) if weight is None else np.isnan(weight)
    missing = holes.any(axis=1) | extra
    kept = ~missing
    notes: list[str] = []
    if missing.any():
        labels = [*names, target, name]
        counts = [int(item) for item in (*holes.sum(axis=0), extra.sum())]
        where = [
            f"{short(label, 24)} ({count:,})" for label, count in zip(labels, counts, strict=True) if count
        ]
        shown = ", ".join(where[:_MOST]) + (f" and {len(where) - _MOST:,} more" if len(where) > _MOST else "")
        notes.append(
            f"{plural(int(missing.sum()), 'row')} of {len(y):,} left out: cells are missing in {shown}."
        )
    if weight is not None and (idle := int((weight[kept] == 0).sum())):
        notes.append(f"{plural(idle, 'row')} of {len(y):,} left out: of weight 0.")
        kept &= weight > 0
    # A large table is not copied once more where it is whole.
    X, y = (X, y) if kept.all() else (X[kept], y[kept])
    rows = Measurements(X, y, np.flatnonzero(kept), variance=known_variance, notes=tuple(notes))
    return rows if weight is None else _weighted(rows, weight[kept], known_variance)


# Columns that a note names.
_MOST = 5


def _weights(sample_weight: Any, sigma: Any, count: int) -> tuple[Floats | None, float | None, str]:
    """Weights as given, the variance that a weight of one stands for, and the name of the argument that gave them."""
    if sigma is None:
        if sample_weight is None:
            return None, None, ""
        return _entries(sample_weight, "sample_weight", count), None, "sample_weight"
    if sample_weight is not None:
        raise InputError(
            subject="The 'sigma' and 'sample_weight' argument",
            expected="not both be given: a standard deviation is a weight of 1/sigma^2",
            got="both",
            advice="multiply the weights yourself, or leave one out",
        )
    if dimensions(sigma) == 0:
        return None, check_float(sigma, "sigma", low=_LEAST, high=_MOST_SIGMA) ** 2, "sigma"
    deviations = _entries(sigma, "sigma", count)
    known = deviations[~np.isnan(deviations)]
    if known.size and known.min() < _LEAST:
        at = int(np.nanargmin(deviations))
        raise InputError(
            argument="sigma",
            expected="hold standard deviations above 0",
            got=f"{deviations[at]:g}",
            rows=[at],
            advice="give exact rows a small one",
        )
    return 1 / np.square(deviations), 1.0, "sigma"


_LEAST, _MOST_SIGMA = 1e-140, 1e140


def _entries(value: Any, name: str, count: int) -> Floats:
    values = check_vector(value, name, length=count, missing=True)
    known = values[~np.isnan(values)]
    if not known.size or known.min() < 0 or known.max() <= 0:
        got = f"{known.min():g} to {known.max():g}" if known.size else "no number"
        raise InputError(
            subject=f"The {name!r} argument",
            expected="hold numbers that are not negative, not all zero",
            got=got,
        )
    return values


def _weighted(rows: Measurements, weight: Floats, variance: float | None) -> Measurements:
    """Weights with a mean of one; equal ones are none."""
    mean = float(weight.mean()) if len(weight) else 1.0
    even = not len(weight) or bool((weight == weight[0]).all())
    known_variance = (
        None if variance is None else variance / (float(weight[0]) if even and len(weight) else mean)
    )
    return replace(rows, weight=None if even else weight / mean, variance=known_variance)


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
