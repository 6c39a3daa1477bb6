"""The weak form of courses: what terms of an equation must add up to, by integrals against test functions.

The rows, their covariance and the splines are those of `edgewise.pde`. Integrals are linear in a term's values at places, so
that sums of terms are searched as they are for tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import block_diag, solve_triangular

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.dynamics.courses import Courses
from edgewise.fields.jet_polynomials import Divergence, Orders
from edgewise.fields.samples import Samples
from edgewise.fields.select_terms import lower_factor
from edgewise.fields.spline_fits import FittedFields, fit
from edgewise.fields.weak_rows import WeakRows
from edgewise.fields.weighting_functions import AxisWeights, weights_for
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.terms.projection import SumEvidence

_RATE = 2e9


@dataclass(frozen=True, eq=False)
class SmoothedCourse:
    """A course by its splines, and the functions that laws are tested against.

    Attributes
    ----------
    fitted : FittedFields
    weights : AxisWeights
    measured : ndarray, shape (rows, fields)
        The splines at the measured times.
    """

    fitted: FittedFields
    weights: AxisWeights
    measured: Floats

    @cached_property
    def places(self) -> Floats:
        """The splines at the places of integrals, (places, fields)."""
        return np.column_stack([field.grid([self.weights.at]) for field in self.fitted.fields])


@dataclass(frozen=True, eq=False)
class CourseForm(WeakRows):
    """The weak form of one equation along one course.

    Attributes
    ----------
    state : int
        Whose equation it is.
    slopes : ndarray, shape (places, fields)
        What is known of those of its right-hand side.
    """

    state: int
    slopes: Floats

    def felt(self, residual: Divergence, field: int) -> dict[Orders, Floats]:
        """What a small change of a field does to the equation."""
        rate = {(1,): -np.ones(self.shape)} if field == self.state else {}
        return {(0,): -self.slopes[:, field], **rate}


def smoothed(courses: Courses, density: float) -> list[SmoothedCourse]:
    """Splines through every course."""
    found: list[SmoothedCourse] = []
    for course in courses.experiments:
        values = tuple(np.column_stack([course.states, course.inputs]).T)
        bounds = ((float(course.t[0]), float(course.t[-1])),)
        samples = Samples(courses.names, ("t",), values, (course.t,), False, bounds, (False,))
        fitted = fit(samples)
        (weights,) = weights_for(fitted, samples, 1, len(courses.experiments), density)
        measured = np.column_stack([field.grid([course.t]) for field in fitted.fields])
        found.append(SmoothedCourse(fitted, weights, measured))
    return found


def places(courses: Sequence[SmoothedCourse], names: tuple[str, ...]) -> SplitRows:
    """Where terms must have values: at the places of integrals, and then at the measured times."""
    X = np.vstack([*(course.places for course in courses), *(course.measured for course in courses)])
    return SplitRows(names, X, np.zeros(len(X)), X, np.zeros(len(X)), short=True)


def evidence(
    courses: Sequence[SmoothedCourse], rows: SplitRows, state: int, slopes: Floats | None = None
) -> SumEvidence:
    """What the terms of an equation must add up to.

    Parameters
    ----------
    courses, rows
        As of `places`.
    state
        Whose equation.
    slopes
        Those of what is known of its right-hand side on the rows, in states and inputs, (rows, fields): then the noise is
        white and of size one.
    """
    maps, lefts, first = list[Floats](), list[Floats](), 0
    for course in courses:
        weights, count = course.weights, len(course.places)
        matrix = weights.values(0) * weights.step
        left = -(weights.values(1) @ course.places[:, state]) * weights.step
        if slopes is not None:
            form = CourseForm(course.fitted, (weights,), state, slopes[first : first + count])
            lower = lower_factor(form.covariance({}))
            charge(len(left) ** 2 * (len(left) / 3 + count) / _RATE)
            matrix = solve_triangular(lower, matrix, lower=True)
            left = solve_triangular(lower, left, lower=True)
        maps.append(matrix)
        lefts.append(left)
        first += count
    joined: Floats = np.asarray(block_diag(*maps))
    return SumEvidence(
        rows, np.concatenate(lefts), np.hstack([joined, np.zeros((len(joined), len(rows.X) - first))])
    )
