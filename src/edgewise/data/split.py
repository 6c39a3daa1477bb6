"""Rows to fit on and rows held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_float, check_int
from edgewise._core.seeds import numpy_generator


def split(n: int, fraction: float = 0.2, seed: int | None = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide n rows at random into rows to fit on and rows held out.

    Parameters
    ----------
    n : int
        How many rows there are, at least two.
    fraction : float
        The share to hold out, inside (0, 1). At least one row goes to either side.
    seed : int or None
        Fixes the draw; None draws anew each time.

    Returns
    -------
    train, held_out : arrays of row indices
        Disjoint, ascending, together all n rows.

    Raises
    ------
    InputError
        If n is under two or the fraction lies outside (0, 1).

    Examples
    --------
    >>> from edgewise import split
    >>> train, held_out = split(10, 0.2, seed=0)
    >>> len(train), len(held_out)
    (8, 2)
    """
    n = check_int(n, "n", low=2, of="split")
    fraction = check_float(fraction, "fraction", low=0.0, high=1.0, closed=False, of="split")
    size = min(max(round(n * fraction), 1), n - 1)
    order = numpy_generator(seed).permutation(n).astype(np.int64)
    return np.sort(order[size:]), np.sort(order[:size])
