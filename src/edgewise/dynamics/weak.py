"""The weak form of courses: what terms of an equation must add up to, by integrals against test functions.

The rows, their covariance and the splines are those of `edgewise.pde`. Integrals are linear in a term's values at places, so
that sums of terms are searched as they are for tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.dynamics.courses import Courses
from edgewise.fields.jet_polynomials import Divergence, Orders
from edgewise.fields.samples import Samples
from edgewise.fields.select_terms import lower_factor
from edgewise.fields.spline_fits import FittedFields, fit
from edgewise.fields.weak_rows import WeakRows
from edgewise.fields.weighting_functions import AxisWeights, weights_for
from edgewise.symbolic.costs import PRODUCT
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.terms.projection import SumEvidence

# Units of work of an entry of a sparse map for each column that it is multiplied with.
_SPARSE = 1e-9


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


@dataclass(frozen=True, eq=False)
class Integrals:
    """Integrals of values against the test functions of every course: each sees a stretch of its own course alone.

    Attributes
    ----------
    maps : tuple of sparse arrays, each (functions, places)
    lower : tuple of ndarray, each (functions, functions)
        Factors of the noise that is made white; none where it stays as it is.
    """

    maps: tuple[Any, ...]
    lower: tuple[Floats, ...] = ()

    @classmethod
    def over(cls, courses: Sequence[SmoothedCourse]) -> Integrals:
        """Those of courses, the noise as it is."""
        return cls(tuple(csr_array(course.weights.values(0) * course.weights.step) for course in courses))

    def __call__(self, values: Floats) -> Floats:
        """Of values at all places, and whatever rows follow: (rows,) or (rows, m) -> (n,) or (n, m)."""
        ends = np.cumsum([part.shape[1] for part in self.maps])
        charge(_SPARSE * sum(part.nnz for part in self.maps) * (values.size / len(values)))
        parts = zip(self.maps, np.split(values, ends)[:-1], strict=True)
        return self.white(np.concatenate([part @ own for part, own in parts]))

    def white(self, integrals: Floats) -> Floats:
        """Integrals (n,) or (n, m) as the noise is made white."""
        if not self.lower:
            return integrals
        charge(PRODUCT * sum(len(part) ** 2 for part in self.lower) * (integrals.size / len(integrals)))
        parts = np.split(integrals, np.cumsum([len(part) for part in self.lower])[:-1])
        return np.concatenate(
            [
                solve_triangular(lower, own, lower=True, check_finite=False)
                for lower, own in zip(self.lower, parts, strict=True)
            ]
        )


def evidence(
    courses: Sequence[SmoothedCourse], rows: SplitRows, state: int, integrals: Integrals
) -> SumEvidence:
    """What the terms of the equation of a state must add up to, where rows are those of `places`."""
    parts = [
        -(course.weights.values(1) @ course.places[:, state]) * course.weights.step for course in courses
    ]
    return SumEvidence(rows, integrals.white(np.concatenate(parts)), integrals)


def whitened(
    courses: Sequence[SmoothedCourse], integrals: Integrals, state: int, slopes: Floats
) -> Integrals:
    """Integrals that make the noise of an equation white and of size one, by the slopes of what is known of its right-hand
    side at the places of integrals and whatever rows follow, in states and inputs, (rows, fields)."""
    lower, ends = list[Floats](), np.cumsum([len(course.places) for course in courses])
    for course, own in zip(courses, np.split(slopes, ends)[:-1], strict=True):
        form = CourseForm(course.fitted, (course.weights,), state, own)
        lower.append(lower_factor(form.covariance({})))
        charge(PRODUCT * len(lower[-1]) ** 3 / 3)
    return replace(integrals, lower=tuple(lower))
