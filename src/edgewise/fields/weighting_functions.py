"""Functions with compact support that equations are tested against: (1 - s^2)^p along every coordinate.

Their width follows the values: so wide that what stands out of the noise passes and the rest does not (D. A. Messenger
and D. M. Bortz 2021, doi:10.1137/20M1343166).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from scipy.sparse import csr_array

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.fields.samples import Samples
from edgewise.fields.spline_fits import FittedFields

# Weighting functions are (1 - s^2)^p, p so much above the highest derivative.
_MORE_POWER = 3
# Their width: so many standard deviations of their spectrum fit below the last wave that counts.
_REACH = 1.6
# Places that integrals are sums over are doubled along one coordinate after the other up to so many.
_MOST_PLACES = 700_000
# Half of a weighting function is at least so many places, and at most this share of the coordinate, wide.
_FEWEST_PLACES = 6.0
_WIDEST = 0.3
# Weighting functions per half width.
DENSITY = 3.0
# Weighting functions at most, of all experiments.
_MOST_ROWS = 1200

# Tables of more numbers are put together from those that are not zero.
_DENSE = 2_000_000
# Units of work of a product that comes from memory, not from a cache.
_PRODUCT = 2e-9


@dataclass(frozen=True, eq=False)
class AxisWeights:
    """The test functions of one coordinate.

    Attributes
    ----------
    at : ndarray, shape (n,)
        Places that integrals are sums over.
    step : float
        Distance of the places.
    centres : ndarray, shape (K,)
    half : float
        Half of the width of a function.
    power : int
    period : float or None
    """

    at: Floats
    step: float
    centres: Floats
    half: float
    power: int
    period: float | None

    def values(self, order: int) -> Floats:
        """A derivative of every function at every place, times the weight of the place: (K, n)."""
        if order not in self._values:
            self._values[order] = self._derivative(order)
        return self._values[order]

    def summed(self, values: Floats, one: int, other: int) -> Floats:
        """Sums over the places, the first axis of values (n, ...), of these times products of two derivatives of functions
        that share places: (..., pairs)."""
        products = self._product(one, other)
        if isinstance(products, np.ndarray):
            charge(_PRODUCT * values.size * len(products))
            return np.tensordot(values, products, axes=(0, 1))
        flat = values.reshape(len(values), -1)
        charge(_PRODUCT * products.nnz * flat.shape[1])
        return np.asarray((products @ flat).T).reshape(*values.shape[1:], -1)

    def _product(self, one: int, other: int) -> Any:
        """Products of two derivatives of functions that share places: (pairs, n)."""
        if (one, other) not in self._products:
            rows, columns = self.neighbours
            first, second = self.values(one), self.values(other)
            if len(rows) * len(self.at) > _DENSE:
                self._products[one, other] = csr_array(
                    csr_array(first)[rows].multiply(csr_array(second)[columns])
                )
            else:
                self._products[one, other] = first[rows] * second[columns]
        return self._products[one, other]

    @cached_property
    def _values(self) -> dict[int, Floats]:
        return {}

    @cached_property
    def _products(self) -> dict[tuple[int, int], Any]:
        return {}

    def _derivative(self, order: int) -> Floats:
        away = self.at[None, :] - self.centres[:, None]
        if self.period is not None:
            away = (away + self.period / 2) % self.period - self.period / 2
        s = away / self.half
        bump: Polynomial = Polynomial([1.0, 0.0, -1.0]) ** self.power
        if order:
            bump = bump.deriv(order)
        return np.where(np.abs(s) < 1, bump(s), 0.0) * self.half**-order

    @cached_property
    def neighbours(self) -> tuple[Ints, Ints]:
        """Pairs of functions that share places."""
        away = np.abs(self.centres[:, None] - self.centres)
        if self.period is not None:
            away = np.minimum(away, self.period - away)
        rows, columns = np.nonzero(away < 2 * self.half)
        return rows, columns


def axis_weights(
    samples: Samples,
    corners: Sequence[float],
    measured: Sequence[float],
    counts: Sequence[int],
    power: int,
    most: int,
    density: float = DENSITY,
) -> tuple[AxisWeights, ...]:
    """The test functions of every coordinate, at most `most` products of them.

    Parameters
    ----------
    samples : Samples
    corners : sequence of float, one a coordinate
    measured : sequence of float
        Measured places along each coordinate.
    counts : sequence of int
        Places that integrals are sums over.
    power, most : int
        The power p, and how many products there may be.
    density : float
        Weighting functions per half width.
    """
    halves: list[float] = []
    steps: list[float] = []
    for (low, high), around, corner, own, count in zip(
        samples.bounds, samples.periodic, corners, measured, counts, strict=True
    ):
        span = high - low
        wanted = _REACH * np.sqrt(2 * power + 3) / corner
        least = min(_FEWEST_PLACES / own, _WIDEST) * span
        halves.append(float(np.clip(wanted, least, _WIDEST * span)))
        steps.append(span / (count if around else count - 1))
    while True:
        numbers = [
            _number(high - low, around, half, density)
            for (low, high), around, half in zip(samples.bounds, samples.periodic, halves, strict=True)
        ]
        if np.prod(numbers) <= most or max(numbers) <= 2:
            break
        density *= 0.9
    found: list[AxisWeights] = []
    for (low, high), around, half, step, count, number in zip(
        samples.bounds, samples.periodic, halves, steps, counts, numbers, strict=True
    ):
        even = np.arange(number) / number if around else np.linspace(0, 1, number)
        centres = low + even * (high - low) if around else low + half + even * (high - low - 2 * half)
        at = low + step * np.arange(count)
        found.append(AxisWeights(at, step, centres, half, power, high - low if around else None))
    return tuple(found)


def weights_for(
    fitted: FittedFields, samples: Samples, highest: int, experiments: int, density: float = DENSITY
) -> tuple[AxisWeights, ...]:
    """The test functions of one of several experiments, for laws with derivatives up to the highest."""
    d = len(samples.coordinates)
    if samples.scattered:
        measured = [len(samples.values[0]) ** (1 / d)] * d
        counts = [2 * space.size for space in fitted.fields[0].spaces]
    else:
        measured = [float(len(at)) for at in samples.at]
        counts = [len(at) for at in samples.at]
    # Products of fields have finer waves than the fields; coordinates that hold the finest go first.
    spans = [high - low for low, high in samples.bounds]
    fine = [corner * span / n for corner, span, n in zip(fitted.corners, spans, counts, strict=True)]
    for axis in sorted(range(d), key=lambda a: -fine[a]):
        if 2 * np.prod(counts) <= _MOST_PLACES:
            counts[axis] *= 2
    most = max(_MOST_ROWS // experiments, 20)
    return axis_weights(
        samples,
        fitted.corners,
        measured,
        counts,
        highest + _MORE_POWER,
        most,
        density,
    )


def _number(span: float, around: bool, half: float, density: float) -> int:
    return max(int(np.ceil(density * (span if around else span - 2 * half) / half)), 1) + (0 if around else 1)
