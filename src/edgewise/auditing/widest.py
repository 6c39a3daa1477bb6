"""Intervals of the widest gap between groups, valid though the two groups are picked because they lie furthest apart.

The widest of many gaps is wide by chance alone, and more so in each resample than in the rows themselves: its percentile
interval leaves zero out for a third of tables of six equal groups. So a test is inverted instead. A gap c is kept where the
observed gap is among the 95 % nearest to c of those that samples of groups with a gap of exactly c would show. These groups
are the observed ones moved as little as gives them the gap c; those within 1.5 standard errors of either end may not lie
inside, so they count as lying at that end, where the widest gap is overstated most. Where they lie inside after all, large
gaps are rarer than was taken, and a test for large ones alone would keep too many c; so of the samples with gaps below c
the eight smallest in a thousand are always left out too. The level is so shared between the two sides.

References
----------
C.-S. Chuang and T. L. Lai, "Hybrid resampling methods for confidence intervals", Statistica Sinica 10, 2000, 1-33.
D. W. K. Andrews and G. Soares, "Inference for parameters defined by moment inequalities using generalized moment selection",
Econometrica 78, 2010, 119-157, doi:10.3982/ECTA7502.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from edgewise._core.arrays import Floats
from edgewise._core.seeds import numpy_generator

Pair = tuple[float, float]

# Share of samples inside an interval.
LEVEL = 0.95
# Groups that many standard errors from an end count as lying there (the moment selection of Andrews and Soares).
_SELECT = 1.5
# Share of the samples left out at the least for a gap that is too small, if it is below c.
_LEAST = 0.008
# Expected outcomes of the rarer kind from which a rate is as good as normal, skewness apart.
_NORMAL = 20.0
# Places tried for the window of a gap in each look, and looks, each closer; halvings of the way to an end of the interval.
_PLACES, _LOOKS, _HALVINGS = 25, 3, 12
# Widths in standard errors beyond which no end of an interval of numbers lies.
_FARTHEST = 12.0


@dataclass(frozen=True, eq=False)
class Sampled:
    """One measure of some groups and how it varies from sample to sample.

    Attributes
    ----------
    values : array, shape (k,)
    spread : callable
        Of true values (k,): the standard errors of the measured ones, (k,).
    noise : callable
        Of true values (k,): the measured ones in many samples, (draws, k).
    """

    values: Floats
    spread: Callable[[Floats], Floats]
    noise: Callable[[Floats], Floats]


def sampled_rates(values: Floats, trials: Floats, draws: int, seed: int) -> Sampled:
    """Rates as shares of so many independent trials: binomial, which a resample of few rows is not at rates near 0 and 1."""
    trials = np.maximum(np.round(trials), 1.0)
    # Half of each sample's chances in each group are above a half: less chance in the quantiles that follow.
    random = numpy_generator(seed)
    ladder = (np.arange(draws) + 0.5) / draws
    chance = np.stack([random.permutation(ladder) for _ in values], 1)
    normal = ndtri(chance)

    def noise(rates: Floats) -> Floats:
        rates = np.clip(rates, 0.0, 1.0)
        variance = rates * (1 - rates) / trials
        out = rates + np.sqrt(variance) * normal + (1 - 2 * rates) * (normal**2 - 1) / (6 * trials)
        for g in np.flatnonzero(variance * trials**2 < _NORMAL):
            out[:, g] = _binomial(chance[:, g], int(trials[g]), float(rates[g])) / trials[g]
        return np.clip(out, 0.0, 1.0)

    def spread(rates: Floats) -> Floats:
        # Agresti and Coull's rate: no certainty from a few rows that are all alike.
        near = (np.clip(rates, 0.0, 1.0) * trials + 2) / (trials + 4)
        return np.sqrt(near * (1 - near) / (trials + 4))

    return Sampled(values, spread, noise)


def _binomial(chance: Floats, trials: int, rate: float) -> Floats:
    """Quantiles of a binomial of few outcomes of one kind; scipy's own look for each apart, at ten times the cost."""
    middle, reach = trials * rate, 10 + 12 * np.sqrt(_NORMAL)
    counts = np.arange(max(0.0, np.floor(middle - reach)), min(trials, middle + reach) + 1)
    return counts[np.searchsorted(bdtr(counts, trials, rate), chance).clip(max=len(counts) - 1)]


def sampled_numbers(values: Floats, resamples: Floats) -> Sampled:
    """Any measure, from its values on resamples (draws, k) of the rows; how far off these are on average is its bias."""
    known = np.where(np.isfinite(resamples), resamples, np.nan)
    centre = np.nanmean(known, axis=0)
    # A resample in which a group has no such measure is left out for it.
    off = np.where(np.isnan(known), centre, known) - values
    # Rows that are all alike vary not at all: what is left is rounding.
    spread = np.maximum(np.nanstd(known, axis=0), 1e-9 * (float(np.abs(values).max()) or 1.0))
    return Sampled(values - (centre - values), lambda true: spread, lambda true: true + off)


def difference_interval(parts: Sequence[Sampled], observed: float, most: float | None) -> Pair:
    """Of the widest difference within any of some measures.

    Parameters
    ----------
    parts : sequence of Sampled
        Each of at least two groups.
    observed : float
        The widest difference that was measured, at least 0.
    most : float or None
        No difference is larger: 1 for rates.

    Returns
    -------
    (low, high)
        Both at least 0; low is 0 where the rows do not distinguish the groups.
    """
    widest = observed + _FARTHEST * max(float(part.spread(part.values).max()) for part in parts)

    def samples(c: float) -> Floats:
        return np.max(
            [np.ptp(part.noise(true), axis=1) for part, true in _with_gap(parts, _Shifted(c))], axis=0
        )

    return _inverted(samples, observed, 0.0, widest if most is None else most)


def ratio_interval(parts: Sequence[Sampled], observed: float) -> Pair:
    """Of the smallest ratio, least over largest, within any of some measures that are not negative; high is 1 at most."""

    def samples(c: float) -> Floats:
        return np.max([_shortfall(part.noise(true)) for part, true in _with_gap(parts, _Scaled(c))], axis=0)

    low, high = _inverted(samples, 1 - observed, 0.0, 1.0)
    return 1 - high, 1 - low


def _shortfall(values: Floats) -> Floats:
    least, largest = np.maximum(values.min(1), 0.0), values.max(1)
    # Where all are zero they are alike.
    return np.where(largest > 0, 1 - least / np.where(largest > 0, largest, 1.0), 0.0)


def _inverted(samples: Callable[[float], Floats], observed: float, least: float, most: float) -> Pair:
    def end(limit: float) -> float:
        if _kept(limit, observed, samples(limit)):
            return limit
        inside, outside = observed, limit
        for _ in range(_HALVINGS):
            middle = 0.5 * (inside + outside)
            kept = _kept(middle, observed, samples(middle))
            inside, outside = (middle, outside) if kept else (inside, middle)
        return outside

    return end(least), end(max(most, observed))


def _kept(c: float, observed: float, sampled: Floats) -> bool:
    """Whether the observed gap is among those that samples of groups with the gap c show, but for the furthest of them."""
    # Quantiles that are exact where the observed gap is one more sample of the same kind.
    least = min(c, float(np.quantile(sampled, _LEAST, method="weibull")))
    off = np.where(sampled < least, np.inf, np.abs(sampled - c))
    most = float(np.quantile(off, LEVEL, method="weibull"))
    return observed >= least - 1e-12 and abs(observed - c) <= most + 1e-12


@dataclass(frozen=True)
class _Shifted:
    """Windows that are c wide, by their low end."""

    c: float

    def range(self, v: Floats, s: Floats) -> Pair:
        return float(v.min()) - self.c, float(v.max()) + self.c

    def __call__(self, place: Floats) -> tuple[Floats, Floats]:
        return place, place + self.c


@dataclass(frozen=True)
class _Scaled:
    """Windows whose low end is 1 - c times the high one, by the high end."""

    c: float

    def range(self, v: Floats, s: Floats) -> Pair:
        most = float(v.max()) + 6 * float(s.max())
        return 0.0, most if self.c >= 1 else min(most, float(v.max()) / (1 - self.c) + float(s.max()))

    def __call__(self, place: Floats) -> tuple[Floats, Floats]:
        return (1 - self.c) * place, place


def _with_gap(parts: Sequence[Sampled], window: _Shifted | _Scaled) -> list[tuple[Sampled, Floats]]:
    """True values near the measured ones, none of whose gaps is wider than the window and one of which is as wide."""
    inside = [_placed(part, window, reach=False) for part in parts]
    reach = [_placed(part, window, reach=True) for part in parts]
    # The measure that is cheapest to bring to the gap has it, and any other that may as well have it.
    dear = [there[0] - here[0] for here, there in zip(inside, reach, strict=True)]
    enough = max(min(dear), _SELECT**2)
    return [
        (part, there[1] if cost <= enough else here[1])
        for part, here, there, cost in zip(parts, inside, reach, dear, strict=True)
    ]


def _placed(part: Sampled, window: _Shifted | _Scaled, *, reach: bool) -> tuple[float, Floats]:
    """The weighted least squares fit of values within the best window, with one at either end if it is to reach them."""
    # Weights by what was measured would draw the fit to the rates that chance made small: it is fitted once more.
    first = _fitted(part.values, part.spread(part.values), window, reach=reach)
    return _fitted(part.values, part.spread(first[1]), window, reach=reach)


def _fitted(v: Floats, s: Floats, window: _Shifted | _Scaled, *, reach: bool) -> tuple[float, Floats]:
    low, high = window.range(v, s)
    cost, at = np.inf, low
    for _ in range(_LOOKS):
        place = np.linspace(low, high, _PLACES)
        ends = window(place)
        fitted = np.clip(v, ends[0][:, None], ends[1][:, None])
        costs = (((v - fitted) / s) ** 2).sum(1)
        if reach:
            costs += _to_ends(v, s, fitted, ends)[0]
        best = int(np.argmin(costs))
        cost, at = float(costs[best]), float(place[best])
        step = (high - low) / (_PLACES - 1)
        low, high = at - step, at + step
    lo, hi = window(np.array([at]))
    true = np.clip(v, lo, hi)
    if reach:
        _, first, last = _to_ends(v, s, true[None], (lo, hi))
        true[first[0]], true[last[0]] = lo[0], hi[0]
        # The rows do not show whether a group this near to an end lies inside.
        below, above = true - lo, hi - true
        near = np.where(below <= _SELECT * s, lo, true)
        true = np.where((above <= _SELECT * s) & (above <= below), hi, near)
    return cost, true


def _to_ends(
    v: Floats, s: Floats, fitted: Floats, ends: tuple[Floats, Floats]
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """What it costs to have one group at the low end and another at the high one, and which are cheapest, place by place."""
    own = ((v - fitted) / s) ** 2
    down = ((v - ends[0][:, None]) / s) ** 2 - own
    up = ((v - ends[1][:, None]) / s) ** 2 - own
    both = down[:, :, None] + up[:, None, :]
    both[:, np.arange(len(v)), np.arange(len(v))] = np.inf
    flat = both.reshape(len(both), -1)
    best = flat.argmin(1)
    return flat[np.arange(len(flat)), best], best // len(v), best % len(v)
