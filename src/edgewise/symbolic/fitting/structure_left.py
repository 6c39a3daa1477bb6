"""Whether residuals still follow the columns: their correlation with those of the next row in a column's order, a wave along
it, for of short ones rows do not know their neighbours, and their correlation with those of the nearest row by two columns,
for a product of two waves shows in neither alone.

A smooth model that is too coarse for a wave takes it for noise; residuals that noise alone leaves do not know their
neighbours.

References
----------
Fisher (1929), Tests of significance in harmonic analysis. doi:10.1098/rspa.1929.0151
von Neumann (1941), Distribution of the ratio of the mean square successive difference to the variance.
doi:10.1214/aoms/1177731677
Moran (1950), Notes on continuous stochastic phenomena. Biometrika 37(1/2). doi:10.2307/2332142
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.symbolic.costs import FUNCTION, ROUTINE

# Residuals follow a column of so many rows at least, with at least this share of different values.
_FEWEST_ROWS = 20
DISTINCT_SHARE = 0.5
# Residuals beyond so many median ones would be all that correlations see: hardly ever one of noise (seven deviations).
_LARGEST_LEFT = 10.0
# Neighbours agree by so many standard deviations: chance does not reach four in ten thousand columns.
_SURE_DEVIATIONS = 4.0
# Of so many columns at most all pairs are asked, too.
_PAIRED_COLUMNS = 6
# Frequencies of waves along a column that are asked.
WAVE_FREQUENCIES = 400


def follows_columns(X: Floats, residual: Floats) -> bool:
    """Whether the residuals in the order of some column, or beside each other by two, are correlated by more than chance.

    Parameters
    ----------
    X
        Rows (n, d).
    residual
        What a formula leaves, (n,).

    Examples
    --------
    >>> x = np.linspace(0, 20, 300)[:, None]
    >>> follows_columns(x, np.sin(5 * x[:, 0]))
    True
    >>> follows_columns(x, np.random.default_rng(0).standard_normal(300))
    False
    """
    count = len(residual)
    left = _bounded(residual)
    power = float(left @ left)
    if count < _FEWEST_ROWS or not 0 < power < math.inf:
        return False
    # Where many rows lie in one place, a few of them would be the neighbours of all.
    columns = [time for time in X.T if len(np.unique(time)) >= DISTINCT_SHARE * count]
    for column in columns:
        ordered = left[np.argsort(column, kind="stable")]
        if abs(float(ordered[1:] @ ordered[:-1])) / power * math.sqrt(count) > _SURE_DEVIATIONS:
            return True
        if _waves(column, left):
            return True
    pairs = itertools.combinations(columns, 2) if len(columns) <= _PAIRED_COLUMNS else ()
    return any(_beside(np.column_stack(pair), left) > _SURE_DEVIATIONS for pair in pairs)


def follow_together(X: Floats, residual: Floats) -> bool:
    """Whether residuals agree with those of the nearest row by all columns: those of few values, such as counts, too.

    Parameters
    ----------
    X
        Rows (n, d).
    residual
        What a formula leaves, (n,).

    Examples
    --------
    >>> x, z = (each.ravel() for each in np.meshgrid(np.arange(20.0), np.arange(20.0)))
    >>> follow_together(np.column_stack([x, z]), np.sin(x / 4 + z / 3))
    True
    >>> follow_together(np.column_stack([x, z]), np.random.default_rng(0).standard_normal(400))
    False
    """
    left, columns = _bounded(residual), X[:, np.ptp(X, axis=0) > 0]
    if len(left) < _FEWEST_ROWS or not columns.size or not 0 < float(left @ left) < math.inf:
        return False
    return _beside(columns, left) > _SURE_DEVIATIONS


def _bounded(residual: Floats) -> Floats:
    """Residuals without their mean; of those far beyond the usual, as near a pole, only the sign counts."""
    left = residual - np.median(residual)
    most = _LARGEST_LEFT * float(np.median(np.abs(left)))
    bounded = (
        np.clip(residual, np.median(residual) - most, np.median(residual) + most) if most > 0 else residual
    )
    return bounded - bounded.mean()


def largest_wave(column: Floats, left: Floats) -> tuple[float, float]:
    """The wave along a column that explains most of some residuals.

    Of those that fit into the column's range a whole number of times, and at most once into two rows.

    Parameters
    ----------
    column, left
        A column that is not constant and residuals without their mean, (n,).

    Returns
    -------
    tuple of float
        Its angular frequency, and the share of the residuals that it explains.
    """
    turns = np.arange(1, min(WAVE_FREQUENCIES, len(left) // 2) + 1)
    charge(ROUTINE + FUNCTION * len(turns) * len(left))
    rates = turns * (2 * np.pi / float(np.ptp(column)))
    angles = np.outer(rates, column - column.min())
    shares = (
        2 * (np.square(np.cos(angles) @ left) + np.square(np.sin(angles) @ left)) / (len(left) * left @ left)
    )
    return float(rates[shares.argmax()]), float(shares.max())


def _waves(column: Floats, left: Floats) -> bool:
    """Whether noise would hardly ever hold a wave along a column that is as much of it (Fisher's g)."""
    share = largest_wave(column, left)[1]
    chance = min(WAVE_FREQUENCIES, len(left) // 2) * math.exp(-share * len(left) / 2)
    return chance < math.erfc(_SURE_DEVIATIONS / math.sqrt(2))


def _beside(X: Floats, left: Floats) -> float:
    """The correlation of what is left with that of the nearest row (Moran's I), in standard deviations by chance."""
    from scipy.spatial import KDTree

    # Of tiny columns the squares are none.
    columns, rows = X / np.abs(X).max(axis=0), np.arange(len(left))
    columns = columns / columns.std(axis=0)
    # Of two equal rows each may be listed before itself.
    found = np.asarray(KDTree(columns).query(columns, k=2)[1], dtype=np.intp)
    nearest = np.where(found[:, 0] == rows, found[:, 1], found[:, 0])
    # Two rows that are each other's nearest are one pair, counted twice.
    twice = nearest[nearest] == rows
    deviation = math.sqrt(float(np.where(twice, 2.0, 1.0).sum()))
    return float(left @ left[nearest]) / float(np.mean(np.square(left))) / deviation
