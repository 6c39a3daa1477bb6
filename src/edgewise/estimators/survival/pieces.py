"""Pieces of time on which hazards are constant, so that their integrals are exact, and what rows spend in them.

A hazard that is constant on pieces makes times a table of counts: how often something happened in a piece, beside the time
spent there, is Poisson as far as the likelihood goes. So censoring, late entry, columns that change with time and competing
causes need no likelihood of their own.

Holford (1980), The analysis of rates and of survivorship using log-linear models. Biometrics 36. doi:10.2307/2529982.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.estimators.survival.outcomes import ObservedTimes

# Pieces grow with the root of the events, as the bins of a histogram do that is smoothed afterwards.
_MOST_PIECES, _FEWEST_PIECES = 40, 4
# Rows of the table of counts, which large data reach by fewer pieces.
_MOST_ROWS = 400_000
# Rounds of the marginal distribution of times known to an interval.
_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class TimePieces:
    """Neighbouring pieces of time.

    Attributes
    ----------
    cuts : array of shape (K + 1,)
        Where they begin and end, in rising order.
    """

    cuts: Floats

    def __len__(self) -> int:
        return len(self.cuts) - 1

    @property
    def middles(self) -> Floats:
        """What stands for the time of each piece, (K,)."""
        return (self.cuts[:-1] + self.cuts[1:]) / 2

    @property
    def lengths(self) -> Floats:
        """How long each is, (K,)."""
        return np.diff(self.cuts)

    def at(self, times: Floats) -> Ints:
        """The piece of each time, which begins after its lower cut."""
        return np.clip(np.searchsorted(self.cuts, times, side="left") - 1, 0, len(self) - 1)

    def integral(self, hazards: Floats, times: Floats) -> Floats:
        """Integrals of hazards (n, K) from the first cut to times (m,), (n, m)."""
        ends = np.concatenate(
            [np.zeros((len(hazards), 1)), np.cumsum(hazards * self.lengths, axis=1)], axis=1
        )
        piece = self.at(times)
        return ends[:, piece] + hazards[:, piece] * (
            np.clip(times, self.cuts[0], self.cuts[-1]) - self.cuts[piece]
        )


@dataclass(frozen=True, eq=False)
class Spent:
    """What rows spend in pieces, a line for each row and piece that meet.

    Attributes
    ----------
    row, piece : array of int, shape (r,)
    time : array of shape (r,)
        Expected time at risk.
    events : array of shape (r, causes)
        Expected events.
    """

    row: Ints
    piece: Ints
    time: Floats
    events: Floats


def pieces_of(outcomes: ObservedTimes) -> TimePieces:
    """Pieces with about as many events in each."""
    happened = outcomes.happened
    upper = np.where(np.isfinite(outcomes.high), outcomes.high, outcomes.low)
    times = np.sort(((outcomes.low + upper) / 2)[happened])
    start, end = float(outcomes.entry.min()), float(upper.max())
    count = int(np.clip(round(2 * np.sqrt(len(times))), _FEWEST_PIECES, _MOST_PIECES))
    count = int(np.clip(_MOST_ROWS // len(outcomes), _FEWEST_PIECES, count))
    inner = np.quantile(times, np.arange(1, count) / count, method="inverted_cdf")
    # After the last event there is little to tell pieces apart.
    cuts = np.unique(np.concatenate([[start], inner[(inner > start) & (inner < times[-1])], [end]]))
    return TimePieces(cuts if len(cuts) > 1 else np.array([start, start + 1.0]))


def spent(outcomes: ObservedTimes, pieces: TimePieces, hazards: Floats | None = None) -> Spent:
    """Time at risk and events of all rows in all pieces.

    Parameters
    ----------
    outcomes : ObservedTimes
        Of n rows.
    pieces : TimePieces
        K of them.
    hazards : array of shape (n, K, causes), optional
        What times that are known to an interval are distributed by; by default the hazard of all rows together.
    """
    causes = len(outcomes.causes)
    known = _overlap(outcomes.entry, outcomes.low, pieces)
    row, piece, time = known
    events = np.zeros((len(row), causes))
    exact = np.flatnonzero(outcomes.exact)
    within = np.full(len(outcomes), -1)
    within[exact] = pieces.at(outcomes.low[exact])
    met = within[row] == piece
    events[met, outcomes.cause[row[met]]] = 1.0
    parts = [Spent(row, piece, time, events)]
    unsure = np.flatnonzero(outcomes.happened & ~outcomes.exact)
    if len(unsure):
        if hazards is None:
            hazards = np.broadcast_to(
                _marginal(outcomes, pieces, unsure, parts[0]), (len(outcomes), len(pieces), causes)
            )
        parts.append(_expected(outcomes, pieces, unsure, hazards))
    whole = Spent(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("row", "piece", "time", "events")
        )
    )
    some = whole.time > 0
    return Spent(whole.row[some], whole.piece[some], whole.time[some], whole.events[some])


def _overlap(start: Floats, end: Floats, pieces: TimePieces) -> tuple[Ints, Ints, Floats]:
    """Rows and pieces that meet, and for how long."""
    lower = np.maximum(start[:, None], pieces.cuts[None, :-1])
    length = np.minimum(end[:, None], pieces.cuts[None, 1:]) - lower
    row, piece = np.nonzero(length > 0)
    return row, piece, length[row, piece]


def _expected(outcomes: ObservedTimes, pieces: TimePieces, rows: Ints, hazards: Floats) -> Spent:
    """Expected time and events of rows between the ends of their intervals, given that it happened there.

    With S the chance to get so far and F the chance of the cause by then, a piece from s to t holds (F(t) - F(s)) of the
    events, and the time at risk is the integral of F(high) - F over it.
    """
    some = outcomes.take(rows)
    lower = np.maximum(some.low[:, None], pieces.cuts[None, :-1])
    length = np.maximum(np.minimum(some.high[:, None], pieces.cuts[None, 1:]) - lower, 0.0)
    mine = np.take_along_axis(hazards[rows], some.cause[:, None, None], axis=2)[:, :, 0]
    total = np.maximum(hazards[rows].sum(axis=2), np.finfo(float).tiny)
    passed = np.cumsum(total * length, axis=1)
    after = np.exp(-passed)
    before = np.exp(-(passed - total * length))
    share = mine / total
    gone = np.maximum(before - after, 0.0)
    chance = share * gone
    later = np.flip(np.cumsum(np.flip(chance, axis=1), axis=1), axis=1) - chance
    time = later * length + share * np.maximum(gone / total - after * length, 0.0)
    whole = np.maximum(chance.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    at, piece = np.nonzero(length > 0)
    events = np.zeros((len(at), len(outcomes.causes)))
    events[np.arange(len(at)), some.cause[at]] = (chance / whole)[at, piece]
    return Spent(rows[at], piece, (time / whole)[at, piece], events)


def _marginal(outcomes: ObservedTimes, pieces: TimePieces, unsure: Ints, known: Spent) -> Floats:
    """The hazards (K, causes) of all rows together, by expectation and maximisation.

    References
    ----------
    Turnbull (1976), The empirical distribution function with arbitrarily grouped, censored and truncated data. J. R. Stat.
    Soc. B 38. doi:10.1111/j.2517-6161.1976.tb01597.x.
    """
    count, causes = len(pieces), len(outcomes.causes)
    time = np.bincount(known.piece, known.time, count)
    events = np.stack([np.bincount(known.piece, known.events[:, c], count) for c in range(causes)], axis=1)
    spans = float((outcomes.high[unsure] - outcomes.entry[unsure]).sum())
    hazards = np.full(
        (count, causes), (events.sum() + len(unsure)) / max(time.sum() + spans, np.finfo(float).tiny) / causes
    )
    for _ in range(_ROUNDS):
        found = _expected(outcomes, pieces, unsure, np.broadcast_to(hazards, (len(outcomes), count, causes)))
        more = np.stack([np.bincount(found.piece, found.events[:, c], count) for c in range(causes)], axis=1)
        whole = np.maximum(time + np.bincount(found.piece, found.time, count), np.finfo(float).tiny)
        hazards = (events + more) / whole[:, None]
    return hazards
