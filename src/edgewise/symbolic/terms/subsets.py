"""The best sets of terms, by inner products alone: growth, exchange from many starts, and what terms would add.

A set is judged by what it leaves of y and by the nats of its terms:

    1/2 n log(RSS / n) + sum of nats

Terms that are chosen one after the other lead astray where they resemble each other; a whole set whose members are
exchanged for others one at a time, from many random starts, does not (V. Fedorov, 1972; A. Miller, "Subset Selection in
Regression", 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.symbolic.costs import ENTRY, PRODUCT, STEP

# A term of which others leave less, squared, is not seen beside them.
_APART = 1e-9
# Inner products lose so much of the sum of squares of y.
_LOST = 1e-14
# What keeps the inner products of terms that resemble each other definite.
_JITTER = 1e-12
# Rounds of exchange, and a gain in nats that is none.
_ROUNDS = 25
_NO_GAIN = 1e-6


@dataclass(frozen=True, eq=False)
class Subsets:
    """Terms and y in common coordinates.

    A term that holds a constant brings the direction in which a shift of it moves its values, so that a coarse grid tells
    how close the term comes.

    Parameters
    ----------
    columns
        The terms, of unit length, (r, m).
    tangents
        What shifts of their constants add, across each term and of unit length, zero where there is none, (r, m).
    target
        y, (r,).
    outside
        What of y is outside the coordinates, squared and summed.
    rows
        How many rows the coordinates stand for.
    floor
        A sum of squares that counts as zero.
    price
        Nats of each term with its measured constants, (m,).
    """

    columns: Floats
    tangents: Floats
    target: Floats
    outside: float
    rows: int
    floor: float
    price: Floats
    _along: dict[int, Floats] = field(default_factory=dict[int, Floats])

    @cached_property
    def _moving(self) -> NDArray[np.bool_]:
        return np.asarray(self.tangents.any(axis=0))

    def products(self, vectors: Floats) -> Floats:
        """The inner products of some vectors (r, k) with all terms and all tangents, (k, 2, m)."""
        charge(PRODUCT * 2 * self.columns.size * vectors.shape[1])
        return np.stack([vectors.T @ self.columns, vectors.T @ self.tangents], axis=1)

    def _of(self, at: int) -> Floats:
        """The products of a term, and of its tangent where it has one, (1 or 2, 2, m)."""
        if at not in self._along:
            both = [self.columns[:, at], self.tangents[:, at]][: 1 + int(self._moving[at])]
            self._along[at] = self.products(np.column_stack(both))
        return self._along[at]

    @cached_property
    def with_target(self) -> Floats:
        """The inner products of all terms and tangents with y, (2, m)."""
        return self.products(self.target[:, None])[0]

    def _nats(self, rss: Floats, least: float) -> Floats:
        """What it takes to write down y beside a model that leaves so much of it, squared and summed."""
        return 0.5 * self.rows * np.log((np.maximum(rss, max(least, self.floor)) + self.outside) / self.rows)

    def costs(self, chosen: Sequence[int]) -> Floats:
        """The nats of a set with each of the terms added, (m,); infinite where the term adds nothing of its own."""
        total, rest = float(self.target @ self.target), list(chosen)
        least = _LOST * total
        if not rest:
            nothing = np.zeros((0, 2, len(self.price)))
            return self._nats(total - self._gains(self.with_target, nothing), least) + self.price
        across = np.concatenate([self._of(at) for at in rest])
        spots = [(place, at) for at in rest for place in range(1 + int(self._moving[at]))]
        charge(STEP + ENTRY * 2 * len(spots) * len(self.price))
        gram = np.array([[across[row, place, at] for place, at in spots] for row in range(len(spots))])
        lower = np.linalg.cholesky(gram + _JITTER * np.eye(len(spots)))
        inverse = np.linalg.inv(lower)
        across = np.tensordot(inverse, across, 1)
        known = inverse @ np.array([self.with_target[place, at] for place, at in spots])
        left = self.with_target - np.tensordot(known, across, 1)
        rss = total - float(known @ known) - self._gains(left, across)
        costs = self._nats(rss, least) + self.price + self.price[rest].sum()
        costs[rest] = np.inf
        return costs

    def costs_beside(self, beside: Floats) -> Floats:
        """The nats of each term added to what an orthonormal basis (r, k) spans, whose own do not count, (m,)."""
        rest = self.target - beside @ (beside.T @ self.target)
        rest -= beside @ (beside.T @ rest)
        gains = self._gains(self.products(rest[:, None])[0], self.products(beside))
        return self._nats(float(rest @ rest) - gains, 0.0) + self.price

    def _gains(self, left: Floats, across: Floats) -> Floats:
        """What each term with its tangent takes of the rest of y, by products with that and with a basis of the set."""
        own, moved = 1 - np.square(across[:, 0]).sum(axis=0), 1 - np.square(across[:, 1]).sum(axis=0)
        both = -(across[:, 0] * across[:, 1]).sum(axis=0)
        alone = np.square(left[0]) / np.maximum(own, _APART)
        alone[own < _APART] = -np.inf
        seen = self._moving & (own > _APART) & (own * moved - np.square(both) > _APART * own)
        apart = np.where(seen, own * moved - np.square(both), 1.0)
        together = (
            moved * np.square(left[0]) - 2 * both * left[0] * left[1] + own * np.square(left[1])
        ) / apart
        return np.where(seen, together, alone)

    def among(self, places: NDArray[np.intp], rows: int) -> Subsets:
        """Some of the terms alone, rows counting as so many."""
        return replace(
            self,
            columns=self.columns[:, places],
            tangents=self.tangents[:, places],
            price=self.price[places],
            rows=rows,
            _along={},
        )

    def grown(self, count: int, first: Sequence[int] = ()) -> list[int]:
        """A set with terms added one by one, those that take the most nats."""
        grown = list(first)
        while len(grown) < count:
            costs = self.costs(grown)
            at = int(np.argmin(costs))
            if not np.isfinite(costs[at]):
                break
            grown.append(at)
        return grown

    def exchanged(self, chosen: Sequence[int], random: np.random.Generator) -> tuple[float, tuple[int, ...]]:
        """The set that exchanges of one term at a time end in, and its nats."""
        best, now = list(chosen), np.inf
        for _ in range(_ROUNDS):
            moved = False
            for place in random.permutation(len(best)):
                rest = best[:place] + best[place + 1 :]
                costs = self.costs(rest)
                at = int(np.argmin(costs))
                if costs[at] < now - _NO_GAIN:
                    now, moved = float(costs[at]), moved or at != best[place]
                    best[place] = at
            if not moved:
                break
        return now, tuple(sorted(best))

    def drawn(self, count: int, random: np.random.Generator, weight: Floats) -> list[int]:
        """So many terms at random, by their weights."""
        share = weight / weight.sum()
        return random.choice(len(share), min(count, len(share)), replace=False, p=share).tolist()
