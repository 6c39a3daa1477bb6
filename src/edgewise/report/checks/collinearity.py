"""Columns that others fix: what belongs to one of them may as well be shown for another."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Floats

MOST_ROWS = 2000
MOST_COLUMNS = 600
# Share of a standardised column's variance that others leave open, below which they fix it.
FIXED = 1e-9


def collinear_groups(X: Floats) -> tuple[tuple[int, ...], ...]:
    """Groups of columns of which each is a linear combination of the others (two of a group of two are copies).

    Parameters
    ----------
    X : array of shape (n, d)
        Wider tables than a few hundred columns are not searched.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> collinear_groups(np.column_stack([x, x[:, 0] - x[:, 1]]))
    ((0, 1, 3),)
    """
    X = X[:: max(-(-len(X) // MOST_ROWS), 1)]
    if len(X) <= X.shape[1] + 2 or X.shape[1] > MOST_COLUMNS:
        return ()
    top = np.abs(X).max(0)
    centred = X / np.where(top > 0, top, 1.0)
    centred = centred - centred.mean(0)
    size = np.sqrt((centred**2).sum(0))
    live = np.flatnonzero(size > 1e-10)
    if len(live) < 2:
        return ()
    unit = centred[:, live] / size[live]
    # Columns along which the data do not extend; squares of singular values are shares of variance.
    _, spread, ways = np.linalg.svd(unit, full_matrices=False)
    empty = ways[spread**2 < FIXED]
    together = np.abs(empty.T @ empty) > 1e-6
    groups: list[tuple[int, ...]] = []
    left = {int(k) for k in np.flatnonzero(together.diagonal())}
    while left:
        group, found = set[int](), {min(left)}
        while found:
            group |= found
            found = {int(j) for i in found for j in np.flatnonzero(together[i])} - group
        left -= group
        groups.append(tuple(sorted(int(live[k]) for k in group)))
    return tuple(groups)
