"""A first choice of terms for each equation, by the weak form of `edgewise.pde`.

Its rows, their covariance and its selection of terms serve as they are; only the terms are other functions of the fields
than products of jets, so that they and what noise does to them are evaluated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.dynamics.courses import Courses
from edgewise.dynamics.terms import TermLibrary
from edgewise.pde.discovery.jet_polynomials import Divergence, Orders
from edgewise.pde.discovery.samples import Samples
from edgewise.pde.discovery.select_terms import SubsetSearch
from edgewise.pde.discovery.spline_fits import FittedFields, fit
from edgewise.pde.discovery.weak_rows import WeakRows
from edgewise.pde.discovery.weighting_functions import AxisWeights, weights_for

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
    """The weak form of one course; a jet beyond the fields stands for a term of the library.

    Attributes
    ----------
    library : TermLibrary
    places : ndarray, shape (places, fields)
    """

    library: TermLibrary
    places: Floats

    def table(self, terms: Sequence[Divergence]) -> Floats:
        """All terms of the library, whose order is that of `terms`, against every test function."""
        return self._table

    @cached_property
    def _table(self) -> Floats:
        matrix = self.weights[0].values(0)
        charge(matrix.size * len(self.library.terms) / _RATE)
        return matrix @ (self.library.values(self.places, self.library.inner) * self.cell)

    def felt(self, residual: Divergence, field: int) -> dict[Orders, Floats]:
        """What a small change of a field does to a residual; terms by the chain rule."""
        fields = len(self.fitted.fields)
        found: dict[Orders, Floats] = {}
        for orders, part in residual.items():
            for monomial, value in part.items():
                number = monomial[0][0][0]
                if number < fields:
                    slope = np.full(self.shape, value * float(number == field))
                else:
                    slope = value * self._slopes[:, number - fields, field]
                if slope.any():
                    sign = (-1) ** sum(orders)
                    found[orders] = found.get(orders, np.zeros(self.shape)) + sign * slope
        return found

    @cached_property
    def _slopes(self) -> Floats:
        return self.library.slopes(self.places, self.library.inner)[1]


def smoothed(courses: Courses, density: float) -> list[SmoothedCourse]:
    """Splines through every course."""
    found: list[SmoothedCourse] = []
    for course in courses.each:
        values = tuple(np.column_stack([course.states, course.inputs]).T)
        bounds = ((float(course.t[0]), float(course.t[-1])),)
        samples = Samples(courses.names, ("t",), values, (course.t,), False, bounds, (False,))
        fitted = fit(samples)
        (weights,) = weights_for(fitted, samples, 1, len(courses.each), density)
        measured = np.column_stack([field.grid([course.t]) for field in fitted.fields])
        found.append(SmoothedCourse(fitted, weights, measured))
    return found


def searches(
    courses: Sequence[SmoothedCourse], library: TermLibrary, states: Iterable[int]
) -> list[SubsetSearch]:
    """For each of some states, everything that terms of its equation are judged by.

    Terms without finite values on the smoothed courses must not be among the library's.
    """
    forms = [CourseForm(course.fitted, (course.weights,), library, course.places) for course in courses]
    fields = len(courses[0].fitted.fields)
    terms: list[Divergence] = [{(0,): {(((fields + at, (0,)), 1),): 1.0}} for at in range(len(library.terms))]
    return [SubsetSearch(forms, {(1,): {(((state, (0,)), 1),): 1.0}}, terms) for state in states]
