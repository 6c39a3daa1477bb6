"""A first choice of terms for each equation, by the weak form of `edgewise.pde`.

Its rows, their covariance and its selection of terms serve as they are; only the terms are other functions of the fields
than products of jets, so that they and what noise does to them are evaluated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.dynamics.courses import Courses
from edgewise.dynamics.terms import TermLibrary
from edgewise.pde.discovery.jet_polynomials import Divergence, Jet, Orders
from edgewise.pde.discovery.samples import Samples
from edgewise.pde.discovery.select_terms import SubsetSearch
from edgewise.pde.discovery.spline_fits import FittedFields, fit
from edgewise.pde.discovery.weak_rows import WeakRows
from edgewise.pde.discovery.weighting_functions import weights_for
from edgewise.pde.settings import DiscoveryConfig


@dataclass(frozen=True, eq=False)
class CourseForm(WeakRows):
    """The weak form of one course; a jet beyond the fields stands for a term of the library.

    Attributes
    ----------
    library : TermLibrary
    """

    library: TermLibrary

    def jet(self, jet: Jet) -> Floats:
        """Values of a field, or of a term, at the places."""
        if jet[0] < len(self.fitted.fields):
            return super().jet(jet)
        self._tables()
        return self._known[jet]

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
                    slope = value * self._slope(number - fields, field)
                if slope.any():
                    sign = (-1) ** sum(orders)
                    found[orders] = found.get(orders, np.zeros(self.shape)) + sign * slope
        return found

    def _tables(self) -> None:
        fields = len(self.fitted.fields)
        if (fields, (0,)) in self._known:
            return
        Z = np.column_stack([super(CourseForm, self).jet((f, (0,))) for f in range(fields)])
        values, slopes, _ = self.library.slopes(Z, self.library.inner)
        for at in range(values.shape[1]):
            self._known[fields + at, (0,)] = values[:, at]
            for field in range(fields):
                self._known[fields + at, (1, field)] = slopes[:, at, field]

    def _slope(self, term: int, field: int) -> Floats:
        self._tables()
        return self._known[len(self.fitted.fields) + term, (1, field)]


def smoothed(courses: Courses, config: DiscoveryConfig) -> list[tuple[FittedFields, Samples]]:
    """Splines through every course."""
    found: list[tuple[FittedFields, Samples]] = []
    for course in courses.each:
        values = tuple(np.column_stack([course.states, course.inputs]).T)
        bounds = ((float(course.t[0]), float(course.t[-1])),)
        samples = Samples(courses.names, ("t",), values, (course.t,), False, bounds, (False,))
        found.append((fit(samples, config), samples))
    return found


def searches(
    splines: Sequence[tuple[FittedFields, Samples]],
    library: TermLibrary,
    states: Iterable[int],
    config: DiscoveryConfig,
) -> list[SubsetSearch]:
    """For each of some states, everything that terms of its equation are judged by.

    Terms without finite values on the smoothed courses must not be among the library's.
    """
    forms = [
        CourseForm(fitted, weights_for(fitted, samples, 1, len(splines), config), library)
        for fitted, samples in splines
    ]
    fields = len(splines[0][0].fields)
    terms: list[Divergence] = [{(0,): {(((fields + at, (0,)), 1),): 1.0}} for at in range(len(library.terms))]
    return [SubsetSearch(forms, {(1,): {(((state, (0,)), 1),): 1.0}}, terms, config) for state in states]


def smooth_values(splines: Sequence[tuple[FittedFields, Samples]]) -> Floats:
    """The splines at the measured times of all courses, (rows, fields)."""
    return np.vstack(
        [np.column_stack([f.grid([samples.at[0]]) for f in fitted.fields]) for fitted, samples in splines]
    )
