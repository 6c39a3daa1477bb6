"""Counts of values in bins of equal width, also where hardly any floats lie between the ends."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Floats


def histogram(values: Floats, low: float, high: float, most: int) -> tuple[Floats, Floats]:
    """How many values fall into each of at most so many bins, (bins,), and the ends of these, (bins + 1,).

    Between two numbers of the size 1e16 there are few others: fewer bins then, each with a width.

    Parameters
    ----------
    values : array, shape (n,)
    low, high : float
        Ends of all bins; what lies beyond is not counted.
    most : int
        How many bins there are wherever floats are fine enough.

    Examples
    --------
    >>> histogram(np.array([0.1, 0.2, 0.9]), 0.0, 1.0, 2)
    (array([2., 1.]), array([0. , 0.5, 1. ]))
    >>> histogram(np.array([1e16, 1e16]), 1e16, 1e16, 24)[0]
    array([2.])
    """
    if low == high:
        low, high = min(low - 0.5, float(np.nextafter(low, -np.inf))), high + 0.5
    ends = np.unique(np.linspace(low, high, most + 1))
    counts, ends = np.histogram(values, bins=most if len(ends) == most + 1 else ends, range=(low, high))
    return counts.astype(np.float64), ends
