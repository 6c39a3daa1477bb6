"""How well means of counts and amounts do: what happened where much was predicted, and how unequally it falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats

# Groups of rows with about the same weight, and the share of a normal distribution that their intervals hold.
GROUPS, NORMAL_95 = 10, 1.959963984540054


@dataclass(frozen=True, eq=False)
class MeanGroups:
    """Groups of rows by rising prediction.

    Attributes
    ----------
    predicted, observed : array of shape (g,)
        Mean predictions and outcomes.
    low, high : array of shape (g,)
        Ends of 95 % intervals of the mean outcome, by the spread of the rows.
    weight : array of shape (g,)
        What the rows of each count.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    weight: Floats


def mean_groups(
    y: Floats, predicted: Floats, weight: Floats | None = None, groups: int = GROUPS
) -> MeanGroups:
    """Tenths of the rows by what was predicted, and what happened there.

    Parameters
    ----------
    y, predicted : arrays of shape (n,)
    weight : array of shape (n,), optional
        What rows count: of rates, their exposures.
    groups : int

    Examples
    --------
    >>> found = mean_groups(np.array([1.0, 3.0, 2.0, 6.0]), np.array([1.5, 2.0, 3.0, 5.0]), groups=2)
    >>> found.predicted.tolist(), found.observed.tolist()
    ([1.75, 4.0], [2.0, 4.0])
    """
    counted = np.ones(len(y)) if weight is None else weight
    order = np.argsort(predicted, kind="stable")
    before = np.cumsum(counted[order]) - counted[order] / 2
    place = np.minimum((before / counted.sum() * groups).astype(np.int64), groups - 1)
    _, place = np.unique(place, return_inverse=True)
    total = np.bincount(place, counted[order]).astype(np.float64)

    def mean(values: Floats) -> Floats:
        return np.bincount(place, counted[order] * values[order]) / np.maximum(total, np.finfo(float).tiny)

    observed = mean(y)
    off = np.zeros(len(y))
    off[order] = y[order] - observed[place]
    spread = np.sqrt(np.bincount(place, (counted * off)[order] ** 2)) / np.maximum(
        total, np.finfo(float).tiny
    )
    return MeanGroups(
        mean(predicted), observed, observed - NORMAL_95 * spread, observed + NORMAL_95 * spread, total
    )


def lorenz(y: Floats, order_by: Floats, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """The Lorenz curve: shares of rows, and of outcomes that fall to them, in rising order.

    Parameters
    ----------
    y, order_by : arrays of shape (n,)
    weight : array of shape (n,), optional

    Returns
    -------
    two arrays of the same length
        From 0 to 1; rows with equal predictions are one step.

    Examples
    --------
    >>> across, up = lorenz(np.array([0.0, 1.0, 3.0]), np.array([0.1, 0.2, 0.3]))
    >>> up.tolist()
    [0.0, 0.0, 0.25, 1.0]
    """
    counted = np.ones(len(y)) if weight is None else weight
    order = np.argsort(order_by, kind="stable")
    last = np.flatnonzero(np.diff(order_by[order], append=np.nan))
    across = np.concatenate([[0.0], np.cumsum(counted[order])[last]])
    up = np.concatenate([[0.0], np.cumsum((counted * y)[order])[last]])
    return across / max(across[-1], np.finfo(float).tiny), up / max(up[-1], np.finfo(float).tiny)
