"""Rows to fit on and rows held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_labels
from edgewise._core.checks import check_float, check_int
from edgewise._core.seeds import numpy_generator

# No table has more rows.
_MOST = 10**9


def split(
    n: int, fraction: float = 0.2, seed: int | None = 0, *, classes: NDArray[Any] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide n rows at random into rows to fit on and rows held out.

    Parameters
    ----------
    n : int
        How many rows there are, at least two.
    fraction : float
        The share to hold out, inside (0, 1). At least one row goes to either side.
    seed : int or None
        Fixes the draw; None draws anew each time.
    classes : array of shape (n,), optional
        A class a row; every class is then held out by its share, to within one row.

    Returns
    -------
    train, held_out : arrays of row indices
        Disjoint, ascending, together all n rows.

    Raises
    ------
    InputError
        If n is under two, the fraction lies outside (0, 1) or `classes` has another length.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.data import split
    >>> train, held_out = split(10, 0.2, seed=0)
    >>> len(train), len(held_out)
    (8, 2)
    >>> sorts = np.array(["oak"] * 5 + ["elm"] * 5)
    >>> sorted(sorts[split(10, 0.2, seed=0, classes=sorts)[1]].tolist())
    ['elm', 'oak']
    """
    n = check_int(n, "n", low=2, high=_MOST)
    fraction = check_float(fraction, "fraction", low=0.0, high=1.0, closed=False)
    size = min(max(round(n * fraction), 1), n - 1)
    draw = numpy_generator(seed)
    order = draw.permutation(n).astype(np.int64)
    if classes is None:
        return np.sort(order[size:]), np.sort(order[:size])
    labels = as_labels(classes, "classes", rows=n)
    # The rows class by class, in random order inside each; every so-many-th of them from a random start is held out.
    _, codes = np.unique(labels, return_inverse=True)
    grouped = order[np.argsort(codes[order], kind="stable")]
    places = np.floor((np.arange(size) + draw.uniform()) * n / size).astype(np.int64)
    held_out = np.zeros(n, dtype=bool)
    held_out[grouped[places]] = True
    return np.flatnonzero(~held_out).astype(np.int64), np.flatnonzero(held_out).astype(np.int64)
