"""Courses in time as they are measured: checked, and each in the order of its times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import dimensions, own_names
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix, check_names, check_squarable, check_vector, short
from edgewise._core.errors import InputError
from edgewise.data.row_labels import row_labels

FEWEST = 12


@dataclass(frozen=True, eq=False)
class Course:
    """One experiment.

    Attributes
    ----------
    t : ndarray, shape (n,)
        Times, rising.
    states : ndarray, shape (n, d)
    inputs : ndarray, shape (n, m)
        What acts from outside, at the same times.
    label : object
        The name of the experiment.
    """

    t: Floats
    states: Floats
    inputs: Floats
    label: Any


@dataclass(frozen=True, eq=False)
class Courses:
    """All experiments, the names of what was measured, and how many rows had a missing cell."""

    experiments: tuple[Course, ...]
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    left_out: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """States, then inputs."""
        return (*self.states, *self.inputs)

    @property
    def values(self) -> Floats:
        """All measured states and inputs, (rows, d + m)."""
        return np.vstack([np.column_stack([one.states, one.inputs]) for one in self.experiments])

    @property
    def rows(self) -> int:
        """Measured times of all courses."""
        return sum(len(one.t) for one in self.experiments)


def read_courses(
    t: Any, states: Any, names: Iterable[str] | None, inputs: Any, input_names: Any, groups: Any
) -> Courses:
    """Courses from columns, checked; rows with a missing cell are left out.

    Raises
    ------
    InputError
        Where columns do not go together, a time comes twice in a course, times are not in order, or a course is too short.
    """
    times = check_vector(t, "t", min_length=FEWEST, missing=True)
    table = check_matrix(as_matrix(states, "states"), "states", rows=len(times), missing=True)
    check_squarable(np.nan_to_num(table), "The 'states' argument")
    labels = own_names(states) or [f"x{at}" for at in range(table.shape[1])]
    known = check_names(labels if names is None else names, "names", table.shape[1])
    acting = np.empty((len(times), 0))
    if inputs is not None:
        acting = check_matrix(as_matrix(inputs, "inputs"), "inputs", rows=len(times), missing=True)
    labels = own_names(inputs) or [f"u{at}" for at in range(acting.shape[1])]
    words = labels if input_names is None else input_names
    acting_names = check_names(words, "input_names", acting.shape[1]) if acting.shape[1] else ()
    if both := set(known) & set(acting_names):
        raise InputError(f"{short(min(both))} is the name of a state and of an input; rename one.")
    cells: list[Any] = [0] * len(times) if groups is None else row_labels(groups, len(times), what="course")
    whole = np.asarray(np.isfinite(np.column_stack([times, table, acting])).all(axis=1))
    found: list[Course] = []
    for label in dict.fromkeys(cells):
        at = np.array([n for n, cell in enumerate(cells) if cell == label and whole[n]], dtype=np.int64)
        where = "" if groups is None else f" in course {short(label)}"
        _check_order(times[at], at, where)
        if len(at) < FEWEST:
            raise InputError(
                f"Every course must have at least {FEWEST} rows without a missing cell. Got {len(at)}{where}; leave it out."
                if where
                else f"The 't' argument must have at least {FEWEST} rows without a missing cell. Got {len(at)}."
            )
        found.append(Course(times[at], table[at], acting[at], label))
    still = np.ptp(table[whole], axis=0) == 0
    if still.any():
        raise InputError(
            subject=f"The state {short(known[int(still.argmax())])}",
            expected="change",
            got="one value in all rows",
            advice="leave it out, or give it as an input",
        )
    return Courses(tuple(found), known, acting_names, int((~whole).sum()))


def as_matrix(values: Any, name: str) -> Any:
    """A single column, as an array, a list or a series, as a matrix (n, 1); anything else as it is."""
    return check_vector(values, name, missing=True)[:, None] if dimensions(values) == 1 else values


_UNNAMED = ", or name the course of each row by groups"


def _check_order(times: Floats, rows: NDArray[np.int64], where: str) -> None:
    ordered, counts = np.unique(times, return_counts=True)
    if (counts > 1).any():
        twice = ordered[counts > 1][0]
        first, second = rows[times == twice][:2]
        raise InputError(
            argument="t",
            expected="have every time once",
            got=f"{twice:g}{where}",
            rows=[first, second],
            advice=f"average such rows{(_UNNAMED if not where else '')}",
        )
    falls = np.flatnonzero(np.diff(times) < 0)
    if len(falls):
        raise InputError(
            argument="t",
            expected="rise",
            got=f"{times[falls[0] + 1]:g} after {times[falls[0]]:g}{where}",
            rows=rows[falls[:1] + 1],
            advice=f"sort the rows by time{(_UNNAMED if not where else '')}",
        )
