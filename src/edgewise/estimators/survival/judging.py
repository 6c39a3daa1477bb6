"""How good predicted times are: order, calibration and squared errors of chances, with rows that were censored.

Harrell, Califf, Pryor, Lee, Rosati (1982), Evaluating the yield of medical tests. JAMA 247.
Graf, Schmoor, Sauerbrei, Schumacher (1999), Assessment and comparison of prognostic classification schemes for survival
data. Stat. Med. 18. doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.
Haider, Hoehn, Davis, Greiner (2020), Effective ways to build and evaluate individual survival distributions. JMLR 21.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

# Comparisons at a time.
_CHUNK = 4_000_000
# Parts of the unit interval that chances at the time of events fill evenly.
_BINS = 10


@dataclass(frozen=True, eq=False)
class Steps:
    """A function that changes at some times only.

    Attributes
    ----------
    times : array of shape (m,)
    values : array of shape (m,)
        From each time on; `start` before the first.
    """

    times: Floats
    values: Floats
    start: float = 1.0

    def __call__(self, when: Floats) -> Floats:
        """Values at some times."""
        return np.concatenate([[self.start], self.values])[np.searchsorted(self.times, when, side="right")]

    def before(self, when: Floats) -> Floats:
        """Values just before some times."""
        return np.concatenate([[self.start], self.values])[np.searchsorted(self.times, when, side="left")]


def kaplan_meier(time: Floats, happened: NDArray[np.bool_], entry: Floats | None = None) -> Steps:
    """The share of rows to which nothing has happened yet.

    Parameters
    ----------
    time : array of shape (n,)
        Of what happened, or of the end of observation.
    happened : array of bool, shape (n,)
    entry : array of shape (n,), optional
        When rows came under observation; a row counts after that.

    References
    ----------
    Kaplan, Meier (1958), Nonparametric estimation from incomplete observations. J. Am. Stat. Assoc. 53. doi:10.2307/2281868.

    Examples
    --------
    >>> import numpy as np
    >>> share = kaplan_meier(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]))
    >>> share(np.array([0.5, 1.0, 2.5, 3.0])).tolist()
    [1.0, 0.75, 0.75, 0.375]
    """
    times = np.unique(time[happened])
    order = np.sort(time)
    at_risk = len(time) - np.searchsorted(order, times, side="left")
    if entry is not None:
        at_risk = at_risk - (len(entry) - np.searchsorted(np.sort(entry), times, side="left"))
    died = np.diff(np.searchsorted(np.sort(time[happened]), np.append(times, np.inf), side="left"))
    return Steps(times, np.cumprod(1.0 - died / np.maximum(at_risk, 1)).astype(np.float64))


def concordance(time: Floats, happened: NDArray[np.bool_], risk: Floats) -> float:
    """Of all pairs of rows whose order in time is known, the share that risks order so; half for equal risks.

    Parameters
    ----------
    time : array of shape (n,)
    happened : array of bool, shape (n,)
    risk : array of shape (n,)
        Higher for what is to happen sooner.

    Returns
    -------
    float
        NaN where no order is known.

    Examples
    --------
    >>> import numpy as np
    >>> concordance(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]), np.array([3.0, 2.0, 1.0]))
    1.0
    """
    agree = total = 0.0
    events = np.flatnonzero(happened)
    step = max(1, _CHUNK // max(len(time), 1))
    for start in range(0, len(events), step):
        some = events[start : start + step]
        later = (time[None, :] > time[some, None]) | (
            (time[None, :] == time[some, None]) & ~happened[None, :]
        )
        higher = risk[some, None] - risk[None, :]
        agree += float((later & (higher > 0)).sum()) + 0.5 * float((later & (higher == 0)).sum())
        total += float(later.sum())
    return agree / total if total else float("nan")


def brier(
    time: Floats, happened: NDArray[np.bool_], survival: Floats, times: Floats, censoring: Steps
) -> Floats:
    """Mean squared errors of the chances that nothing has happened by some times, (m,).

    Rows that were censored before a time have no part in it; others count for them, by the chance of being uncensored.

    Parameters
    ----------
    time, happened : array of shape (n,)
    survival : array of shape (n, m)
    times : array of shape (m,)
    censoring : Steps
        The share of rows that are not censored yet, as `kaplan_meier(time, ~happened)` of the learning rows.
    """
    seen = np.maximum(censoring.before(time), np.finfo(float).tiny)
    still = np.maximum(censoring(times), np.finfo(float).tiny)
    gone = (time[:, None] <= times) & happened[:, None]
    there = time[:, None] > times
    return (
        np.where(gone, survival**2 / seen[:, None], 0.0) + np.where(there, (1 - survival) ** 2 / still, 0.0)
    ).mean(axis=0)


def integrated_brier(errors: Floats, times: Floats) -> float:
    """The mean of `brier` over the span of its times."""
    return float(((errors[1:] + errors[:-1]) / 2) @ np.diff(times) / (times[-1] - times[0]))


def calibration_shares(survival: Floats, happened: NDArray[np.bool_]) -> Floats:
    """How many rows have their predicted chance, at their own time, in each tenth of the unit interval, (10,).

    Of calibrated chances each tenth has as many. A row that was censored at chance s counts in all tenths below s, evenly.

    Parameters
    ----------
    survival : array of shape (n,)
        The chance of each row that nothing has happened by its own time.
    happened : array of bool, shape (n,)
    """
    place = np.clip(np.ceil(survival * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    counts = np.bincount(place[happened], minlength=_BINS).astype(np.float64)
    for s, at in zip(survival[~happened], place[~happened], strict=True):
        whole = max(s, np.finfo(float).tiny)
        counts[at] += max(s - at / _BINS, 0.0) / whole
        counts[:at] += 1 / _BINS / whole
    return counts
