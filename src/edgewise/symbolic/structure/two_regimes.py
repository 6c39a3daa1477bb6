"""The larger or the smaller of two laws, whose border is where they are equal and may be any curve.

Two polynomials are fitted, each to the rows where it is the larger one (the smaller one), until no row changes sides.

References
----------
Magnani and Boyd (2009), Convex piecewise-linear fitting. Optimization and Engineering 10. doi:10.1007/s11081-008-9045-3
Ghosh, Pananjady, Guntuboyina and Ramchandran (2022), Max-affine regression: parameter estimation for Gaussian designs.
IEEE Transactions on Information Theory 68(3). doi:10.1109/TIT.2021.3130717
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.border_scan import ROWS_A_TERM, clearly_below, polynomials, products

# The shares of the rows on the first side that are tried, and how often rows are given to the law that they follow.
_START_SHARES = (0.35, 0.5, 0.65)
_ROUNDS = 25


@dataclass(frozen=True, eq=False)
class Regimes:
    """The "max" or "min" of two laws.

    Parameters
    ----------
    kind
        Which of the two.
    error, constants
        The root mean square of what two polynomials leave, by the degrees of freedom that are left, and how many constants
        these have.
    """

    kind: str
    error: float
    constants: int
    _degree: int
    _middle: Floats
    _spread: Floats
    _weights: Floats

    @property
    def rank(self) -> float:
        """The error: nothing simpler could be as close."""
        return self.error

    def side(self, X: Floats) -> Floats:
        """By how much the second polynomial is the one that holds, on rows (n, d)."""
        first, second = (products((X - self._middle) / self._spread, self._degree) @ self._weights).T
        return second - first if self.kind == "max" else first - second


def two_regimes(rows: SplitRows, error: float) -> list[Regimes]:
    """The larger or smaller of two polynomials, where it leaves much less than an error.

    Parameters
    ----------
    rows
        The table.
    error
        What the best formula without a break leaves, as the root of a mean square.

    Examples
    --------
    >>> x, z = X = np.random.default_rng(0).uniform(-2, 2, (2, 400))
    >>> (found,) = two_regimes(SplitRows.split(("x", "z"), X.T, np.minimum(x, 1 - z**2), 0.2, 0), 0.3)
    >>> found.kind, found.error < 1e-9
    ('min', True)
    """
    smooth = polynomials(rows)
    if not smooth:
        return []
    thin, Z = smooth[0].rows, smooth[0].Z
    found: list[Regimes] = []
    for degree in (1, 2):
        design = products(Z, degree)
        free = len(Z) - 2 * design.shape[1]
        if free < ROWS_A_TERM * design.shape[1]:
            continue
        fits = [(_settled(design, thin.y, side, sign), sign) for side in _starts(Z) for sign in (1.0, -1.0)]
        (left, weights), sign = min(fits, key=lambda fit: fit[0][0])
        reached = math.sqrt(max(left, 1e-24 * float(thin.y @ thin.y)) / free)
        constants = 2 * design.shape[1]
        if reached < min(
            clearly_below(error, len(thin.y)),
            *(
                clearly_below(polynomial.error, polynomial.count, polynomial.constants - constants)
                for polynomial in smooth
            ),
        ):
            found.append(
                Regimes(
                    "max" if sign > 0 else "min",
                    reached,
                    constants,
                    degree,
                    smooth[0].middle,
                    smooth[0].spread,
                    weights,
                )
            )
    return sorted(found, key=lambda regimes: regimes.error)[:1]


def _starts(Z: Floats) -> Iterator[NDArray[np.bool_]]:
    """Rows beyond a place along each column, its square, and the sums and differences of two."""
    pairs = list(itertools.combinations(Z.T, 2))
    for along in [*Z.T, *np.square(Z).T, *(a + b for a, b in pairs), *(a - b for a, b in pairs)]:
        for place in np.quantile(along, _START_SHARES):
            yield along > place


def _settled(design: Floats, y: Floats, side: NDArray[np.bool_], sign: float) -> tuple[float, Floats]:
    """What the larger (the smaller) of two sums of terms leaves, and their weights (terms, 2)."""
    best, kept = math.inf, np.zeros((design.shape[1], 2))
    for _ in range(_ROUNDS):
        if not design.shape[1] < side.sum() < len(side) - design.shape[1]:
            break
        charge(ROUTINE + FACTORED * design.size * design.shape[1])
        weights = np.stack([_least_squares(design[item], y[item]) for item in (~side, side)], axis=1)
        values = sign * (design @ weights)
        left = float(np.sum(np.square(values.max(axis=1) - sign * y)))
        if left < best:
            best, kept = left, weights
        changed = values[:, 1] > values[:, 0]
        if (changed == side).all():
            break
        side = changed
    return best, kept


def _least_squares(design: Floats, y: Floats) -> Floats:
    gram = design.T @ design
    size = 1e-12 * float(np.trace(gram))
    return np.asarray(np.linalg.solve(gram + size * np.eye(len(gram)), design.T @ y), dtype=np.float64)
