"""Weights of columns by least squares, for the many small tables of a search: charged, and without errors."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.symbolic.costs import SINGULAR, STEP


def linear_fit(table: Floats, target: Floats, rcond: float | None = None) -> Floats:
    """What `numpy.linalg.lstsq` gives; not numbers where the table or the target holds others than finite ones.

    Parameters
    ----------
    table, target
        Columns (n, k), and what they are to add up to, (n,) or (n, m).
    rcond
        As of `numpy.linalg.lstsq`.

    Examples
    --------
    >>> x = np.arange(3.0)
    >>> linear_fit(np.column_stack([x, np.ones(3)]), 2 * x + 1).round(9).tolist()
    [2.0, 1.0]
    >>> linear_fit(np.column_stack([x, np.full(3, np.inf)]), x)
    array([nan, nan])
    """
    charge(STEP + SINGULAR * table.size * table.shape[1])
    if np.isfinite(table).all() and np.isfinite(target).all():
        try:
            return np.asarray(np.linalg.lstsq(table, target, rcond=rcond)[0], dtype=np.float64)
        except np.linalg.LinAlgError:  # entries so large that their products are infinite
            pass
    return np.full((table.shape[1], *target.shape[1:]), np.nan)
