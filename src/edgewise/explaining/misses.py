"""Prediction intervals from rows that a model has not learned from, without holding any out: their out-of-bag errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float
from edgewise._core.errors import InputError

# Errors that are kept of each output; of more rows so many quantiles, each not smaller than its share.
KEPT = 1_000


@dataclass(frozen=True, eq=False)
class Misses:
    """Absolute out-of-bag errors, as far as intervals need them.

    Attributes
    ----------
    rows : int
        Rows that they come from.
    errors : array of shape (m, outputs)
        Rising; entry k - 1 is reached by a share k / m of the rows.

    References
    ----------
    R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, "Predictive inference with the jackknife+", 2021,
    doi:10.1214/20-AOS1965.
    """

    rows: int
    errors: Floats

    def half_widths(self, level: Any) -> Floats:
        """Half the width of intervals that hold a share `level` of new rows, for each output.

        Raises
        ------
        InputError
            If `level` is no share, or the rows are too few for it.
        """
        level = check_float(level, "return_interval", low=0.0, high=1.0, closed=False)
        # One more row, the new one, may come out anywhere among the others.
        share = level * (self.rows + 1) / self.rows
        if share > 1 + 1e-12:
            needed = math.ceil(level / (1 - level) - 1e-9)
            raise InputError(
                f"The 'return_interval' argument must be {self.rows / (self.rows + 1):.4g} or less with "
                f"{self.rows:,} out-of-bag rows. Got {level:g} instead, which takes {needed:,}."
            )
        place = math.ceil(share * len(self.errors) - 1e-9)
        return self.errors[min(place, len(self.errors)) - 1]


def out_of_bag_misses(truth: Floats, predicted: Floats, weight: Floats) -> Misses | None:
    """Errors of out-of-bag outputs (h, outputs) for rows of some weights (h,); None where there are no rows."""
    if not len(truth):
        return None
    errors = np.abs(truth - predicted)
    count = min(len(errors), KEPT)
    # The smallest errors that reach each share of the rows, and never less.
    shares = np.arange(1, count + 1) / count
    out = np.empty((count, errors.shape[1]))
    for k, column in enumerate(errors.T):
        order = np.argsort(column, kind="stable")
        reached = np.cumsum(weight[order]) / weight.sum()
        places = np.searchsorted(reached, shares - 1e-9)
        out[:, k] = column[order][np.minimum(places, len(column) - 1)]
    return Misses(len(errors), out)
