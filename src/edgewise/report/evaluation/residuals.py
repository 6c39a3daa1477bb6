"""What a formula leaves over: whether it still follows an input, and the rows it misses most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc
from scipy.stats import rankdata

from edgewise._core.arrays import Floats

MOST_PARTS = 8
FEWEST_IN_PART = 8
# What chance alone would show once in a thousand inputs.
UNLIKELY = 1e-3
# Beside the spread of y, what floating point itself leaves.
ROUNDING = 1e-9
# Errors this many times those of nineteen rows in twenty hide all others on one axis.
WILD = 4.0


@dataclass(frozen=True, eq=False)
class Pattern:
    """Median errors along an input.

    Attributes
    ----------
    x, y : arrays
        The middle of each part of the input, and the median error in it; empty where the rows are too few.
    share : float
        How much of the variance of the errors' ranks the parts explain.
    p_value : float
        How likely chance alone would explain as much, were the errors independent of the input.
    """

    x: Floats
    y: Floats
    share: float
    p_value: float

    @property
    def real(self) -> bool:
        """Whether it is more than chance."""
        return self.p_value < UNLIKELY


def pattern(values: Floats, errors: Floats) -> Pattern:
    """Median errors in parts of an input that hold about as many rows each, and whether they differ by more than chance.

    The test is that of Kruskal and Wallis (1952), on the ranks of the errors, so that a few wild rows neither make a
    pattern nor hide one.

    Parameters
    ----------
    values, errors : arrays of shape (n,)
        Finite.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 200)
    >>> noise = np.random.default_rng(0).normal(size=200)
    >>> pattern(x, noise).real, pattern(x, x**2 + 0.1 * noise).real
    (False, True)
    """
    parts = min(MOST_PARTS, len(values) // FEWEST_IN_PART)
    none = Pattern(np.zeros(0), np.zeros(0), 0.0, 1.0)
    if parts < 2:
        return none
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1]))
    used, place = np.unique(np.searchsorted(cuts, values, side="right"), return_inverse=True)
    ranks = rankdata(errors)
    ranks -= ranks.mean()
    total = float(np.square(ranks).sum())
    if len(used) < 2 or total <= 0:
        return none
    count = np.bincount(place).astype(np.float64)
    between = float((np.square(np.bincount(place, weights=ranks)) / count).sum())
    middles = [
        (float(np.median(values[place == k])), float(np.median(errors[place == k]))) for k in range(len(used))
    ]
    x, y = np.array(middles).T
    # The statistic is chi-squared; with so many rows a part that is exact enough.
    share = between / total
    return Pattern(x, y, share, float(chdtrc(len(used) - 1, (len(values) - 1) * share)))


def scale_of(errors: Floats) -> float:
    """How far an axis of errors reaches: to the largest, unless a few are so large that the others could not be seen."""
    size = np.abs(errors)
    largest, usual = float(size.max(initial=0.0)), float(np.quantile(size, 0.95)) if size.size else 0.0
    reach = largest if largest <= WILD * usual or usual <= 0 else WILD / 2 * usual
    return 1.08 * reach or 1.0


def worst(errors: Floats, most: int) -> NDArray[np.int64]:
    """The rows missed most, the worst first; those with an error only.

    Examples
    --------
    >>> worst(np.array([0.1, -3.0, np.nan, 2.0]), 2).tolist()
    [1, 3]
    """
    size = np.where(np.isfinite(errors), np.abs(errors), 0.0)
    order = np.argsort(-size, kind="stable")[:most]
    return order[size[order] > 0]


def is_rounding(errors: Floats, truth: Floats) -> bool:
    """Whether errors are no more than what floating point leaves."""
    good = errors[np.isfinite(errors)]
    scale = float(np.abs(truth).max(initial=0.0))
    return bool(good.size) and float(np.abs(good).max()) <= ROUNDING * scale
