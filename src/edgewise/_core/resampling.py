"""How far a measure of some rows would vary: rows drawn again (bootstrap), and the interval of a rate."""

from __future__ import annotations

import math

import numpy as np

from edgewise._core.arrays import Ints


def resample(random: np.random.Generator, draws: int, rows: int) -> Ints:
    """How often each row occurs in each draw with replacement, shape (draws, rows).

    References
    ----------
    B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979) 1,
    doi:10.1214/aos/1176344552.

    Examples
    --------
    >>> resample(np.random.default_rng(0), 3, 5).sum(1).tolist()
    [5, 5, 5]
    """
    drawn = random.integers(0, rows, (draws, rows)) + (np.arange(draws) * rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * rows).reshape(draws, rows)


def wilson(rate: float, trials: float, level: float = 0.95) -> tuple[float, float]:
    """The interval of a rate of so many trials: no certainty from a few rows that are all alike.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927) 209, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> low, high = wilson(1.0, 10)
    >>> round(low, 3), high
    (0.722, 1.0)
    """
    from scipy.special import ndtri

    if math.isnan(rate) or not trials > 0:
        return math.nan, math.nan
    z = float(ndtri((1 + level) / 2))
    middle, half = rate * trials + z**2 / 2, z * math.sqrt(rate * (1 - rate) * trials + z**2 / 4)
    low, high = (middle - half) / (trials + z**2), (middle + half) / (trials + z**2)
    # Of a rate of 0 or 1 an end is that rate, rounding apart.
    return min(max(0.0, low), rate), max(min(1.0, high), rate)
