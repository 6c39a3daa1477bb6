"""Rows of the weak form: each term of a library against each test function, and what noise does to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.field import contract
from edgewise.fields.jet_polynomials import (
    Divergence,
    Jet,
    Monomial,
    Orders,
    Polynomial,
    by_parts,
    evaluate,
    plus,
    response,
)
from edgewise.fields.spline_fits import FittedFields
from edgewise.fields.weighting_functions import AxisWeights

_RATE = 2e9
# Units of work of an entry of a covariance that is put together.
_ENTRY = 5e-9


@dataclass(frozen=True, eq=False)
class WeakRows:
    """The fitted fields of one experiment and the functions that laws are tested against.

    Attributes
    ----------
    fitted : FittedFields
    weights : tuple of AxisWeights
    """

    fitted: FittedFields
    weights: tuple[AxisWeights, ...]

    @cached_property
    def _known(self) -> dict[Jet, Floats]:
        return {}

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(np.prod([len(w.centres) for w in self.weights]))

    @property
    def shape(self) -> tuple[int, ...]:
        """Places along each coordinate."""
        return tuple(len(w.at) for w in self.weights)

    @property
    def cell(self) -> float:
        """Volume that stands behind a place."""
        return float(np.prod([w.step for w in self.weights]))

    def jet(self, jet: Jet) -> Floats:
        """Values of an unknown or its derivative at the places."""
        if jet not in self._known:
            field, orders = jet
            self._known[jet] = self.fitted.fields[field].grid([w.at for w in self.weights], orders)
        return self._known[jet]

    def _matrix(self, axis: int, order: int) -> Floats:
        return self.weights[axis].values(order)

    def integrals(self, parts: Divergence) -> Floats:
        """The term against every test function, (K,)."""
        total = np.zeros([len(w.centres) for w in self.weights])
        for orders, part in parts.items():
            values = evaluate(part, self.jet, self.shape) * self.cell * (-1) ** sum(orders)
            total += contract(values, [self._matrix(a, o) for a, o in enumerate(orders)])
            charge(values.size * len(self.weights[0].centres) / _RATE)
        return total.ravel()

    def table(self, terms: Sequence[Divergence]) -> Floats:
        """Terms against every test function, (K, terms)."""
        return np.array([self.integrals(term) for term in terms]).T

    def felt(self, residual: Divergence, field: int) -> dict[Orders, Floats]:
        """What a small change of a field does to a residual, by the orders of the test function it meets."""
        held = response(residual, field)
        return {orders: evaluate(part, self.jet, self.shape) for orders, part in held.items()}

    def covariance(self, residual: Divergence) -> Floats:
        """Covariance of the rows of a residual under the noise of the fields, to first order: (K, K).

        Noise enters row k as the integral of noise times a function L_k, so that the covariance of two rows is the
        integral of L_k L_l times the noise's variance per unit of density.
        """
        total = np.zeros([len(w.neighbours[0]) for w in self.weights])
        for f, noise in enumerate(self.fitted.noise):
            values = self.felt(residual, f)
            factor = noise**2 / self.fitted.density * self.cell
            for one, two in combinations_with_replacement(sorted(values), 2):
                found = values[one] * values[two] * (factor * (0.5 if one == two else 1.0))
                for axis, weights in enumerate(self.weights):
                    found = weights.summed(found, one[axis], two[axis])
                total += found
        charge(_ENTRY * self.count**2)
        half = np.zeros((self.count, self.count))
        at = [np.zeros((), dtype=np.int64)] * 2
        for weights in self.weights:
            at = [
                np.add.outer(flat * len(weights.centres), numbers)
                for flat, numbers in zip(at, weights.neighbours, strict=True)
            ]
        half[at[0].ravel(), at[1].ravel()] = total.ravel()
        return half + half.T


def reduced(term: Sequence[tuple[float, Monomial]], dimensions: int) -> Divergence:
    """A sum of monomials with as few derivatives of the data as can be."""
    found: dict[Orders, Polynomial] = {}
    for factor, item in term:
        for orders, part in by_parts(item, dimensions).items():
            plus(found.setdefault(orders, {}), part, factor)
    return {orders: part for orders, part in found.items() if part}
