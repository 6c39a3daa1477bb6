"""Sums of terms of the language: sets by exchange on ever longer libraries, then exchange with all constants fitted.

One description length judges every sum: what it leaves of y, its terms, its measured constants. Short libraries come first,
for there imitations are few; the best sets of each become sums whose constants inside are fitted, and the best of these are
changed: a term or a pair of terms gives way to whatever promises the most, while the description gets shorter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import spent
from edgewise.forms.tree import Node
from edgewise.symbolic.costs import GRAM_ONLY
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import squared
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.terms.language import Library, library
from edgewise.symbolic.terms.projection import Sum, Term, fitted
from edgewise.symbolic.terms.subsets import Subsets

# Rows that tell sums apart, at least; columns at most.
FEWEST_ROWS, MOST_COLUMNS = 60, 6
# Terms of the libraries, one after the other.
_LIBRARIES = (400, 1500, 5000, 12000)
# Terms of a sum at most, and starts for each number of terms, of which the first is greedy.
_MOST_TERMS, _STARTS = 6, 40
_START_ENTRIES = 120_000
# Directions in which many rows are described, and rows that stand for themselves.
_DIRECTIONS, _FEW_ROWS = 300, 400
# Rows that constants are fitted to at first.
_ROWS = 600
# Steps of a glance, of a fit, and of a close one.
_GLANCE, _STEPS, _CLOSE = 3, 10, 60
# Sets that are fitted for each library, sums that are changed for each, and times round.
_FITTED, _CLOSER, _CHANGED, _ROUNDS = 60, 12, 3, 4
# Terms that are tried in place of another; sums that are fitted further after a glance, and shortened.
_SINGLES, _FURTHER, _SHORTENED = 16, 12, 3
# Sums that are offered.
_OFFERED = 8
# An error below this share of the spread is rounding.
_SOLVED_SHARE = 1e-11
_NO_GAIN = 1e-6


@proposes("sums of terms")
def sums_of_terms(rows: SplitRows, until: float, seed: int = 0) -> Iterator[Node]:
    """The best sums, as formulas to refit.

    Parameters
    ----------
    rows
        The table; few columns, or nothing is offered.
    until
        The count of work (see `spent`) where it ends.
    seed
        Of the sets that exchange starts from.
    """
    if not 1 <= len(rows.names) <= MOST_COLUMNS or len(rows.y) < FEWEST_ROWS or not np.ptp(rows.y) > 0:
        return
    with np.errstate(all="ignore"):
        search = _Search(rows, until, np.random.default_rng(seed))
        for each in search.found():
            if (tree := each.tree(rows.X, rows.y)) is not None:
                yield tree


class _Search:
    """Rows, and the sums that are known."""

    def __init__(self, rows: SplitRows, until: float, random: np.random.Generator) -> None:
        self.rows, self.until, self.random = rows, until, random
        self.X, self.y = rows.X, rows.y
        few = rows.thinned(_ROWS)
        self.few = few.X, few.y
        total = squared(rows.y)
        self.floor = max(_SOLVED_SHARE**2 * squared(rows.y - rows.y.mean()), len(rows.y) * rows.rounding_error**2)
        self.total = total
        self.measured = 0.5 * math.log(len(rows.y))
        self.known = dict[tuple[int, ...], Sum]()

    @property
    def over(self) -> bool:
        return spent() > self.until or self.solved

    @property
    def spent(self) -> bool:
        return spent() > self.until

    @property
    def solved(self) -> bool:
        return any(each.rss <= self.floor for each in self.known.values())

    def found(self) -> list[Sum]:
        """The best sums, the best first."""
        self.noisy = True
        pool = _Pool(library(self.rows, _LIBRARIES[-1], self.measured), self)
        for most in _LIBRARIES:
            for each in self._fitted_sets(pool, pool.part(most)):
                if self.spent:
                    break
                self.shortened(each)
                if self.solved:
                    break
            if self.over or most >= len(pool.library.trees):
                break
        changed = set[tuple[int, ...]]()
        for _ in range(_CHANGED):
            ahead = [each for each in self.ordered() if each.key not in changed]
            if ahead and not self.over:
                self.improved(ahead[0], pool, changed)
        return self.ordered()[:_OFFERED]

    def nats(self, found: Sum) -> float:
        """What describes all rows by a sum."""
        count = len(self.y)
        left = 0.5 * count * math.log(max(found.rss, self.floor) / count)
        return left + found.nats + self.measured * found.measured

    def ordered(self) -> list[Sum]:
        return sorted(self.known.values(), key=self.nats)

    def _fitted_sets(self, pool: _Pool, subsets: Subsets) -> list[Sum]:
        """The best of the sets that exchange ends in, with their constants fitted."""
        sets = dict[tuple[int, ...], float]()
        weight = np.exp(-(subsets.price - subsets.price.min()) / 2)
        weight /= weight.sum()
        starts = max(min(_STARTS, _START_ENTRIES // len(weight)), 4)
        for count, start in itertools.product(range(1, _MOST_TERMS + 1), range(starts)):
            if spent() > self.until:
                break
            first = subsets.grown([], count) if not start else subsets.drawn(count, self.random, weight)
            cost, chosen = subsets.exchanged(first, self.random)
            sets[chosen] = cost
        best = sorted(sets, key=lambda each: sets[each])[:_FITTED]
        return self.best((pool.sum_of(each) for each in best), _CLOSER, _STEPS)

    def best(self, sums: Iterable[Sum], count: int, steps: int) -> list[Sum]:
        """The best of some sums, their constants fitted."""
        best = dict[tuple[int, ...], Sum]()
        for each in sums:
            if self.over:
                break
            one = self.fit(each, steps)
            if math.isfinite(one.rss) and (one.key not in best or one.rss < best[one.key].rss):
                best[one.key] = one
        return sorted(best.values(), key=self.nats)[:count]

    def fit(self, found: Sum, steps: int, close: int = 1) -> Sum:
        """The sum with its constants fitted to a few rows, then with so many steps to all, which judge."""
        near = fitted(found, *self.few, steps=steps, floor=self.floor) if steps and found.measured > len(found.terms) else found
        one = fitted(near, self.X, self.y, steps=close, floor=self.floor)
        if one.rss < 1e-6 * self.total and one.measured > len(one.terms):
            # What comes so near may be the law, and rounding alone may remain.
            one = fitted(one, self.X, self.y, steps=_CLOSE, floor=self.floor)
        self.keep(one)
        return one

    def keep(self, found: Sum) -> None:
        if math.isfinite(found.rss) and (found.key not in self.known or found.rss < self.known[found.key].rss):
            self.known[found.key] = found

    def shortened(self, found: Sum) -> Sum:
        """Without what the rows do not need: one by one, whatever is missed least, while the description gets shorter."""
        best = found
        while len(best.terms) > 1:
            fewer = [self.fit(best.without([at]), _GLANCE) for at in range(len(best.terms))]
            least = min(fewer, key=self.nats)
            if self.nats(least) > self.nats(best):
                break
            best = self.fit(least, _STEPS)
        return best

    def improved(self, found: Sum, pool: _Pool, changed: set[tuple[int, ...]]) -> None:
        """A term, or two, give way to others, while the description gets shorter."""
        best = found
        for _ in range(_ROUNDS):
            if best.key in changed or self.over:
                return
            changed.add(best.key)
            tried = self.best(self._changes(best, pool), _FURTHER, _GLANCE)
            tried = self.best(tried, _SHORTENED, _STEPS)
            winner = min((self.shortened(each) for each in tried), key=self.nats, default=best)
            if not self.nats(winner) < self.nats(best) - _NO_GAIN:
                return
            best = winner

    def _changes(self, found: Sum, pool: _Pool) -> Iterator[Sum]:
        """The sum with a term more, and with others in place of one and of two: what promises the most of each."""
        for size in (0, 1, 2):
            for gone in itertools.combinations(range(len(found.terms)), size):
                if self.over:
                    return
                rest = found.without(gone)
                for first in pool.singles(rest, _SINGLES if size < 2 else _SINGLES // 4):
                    if size < 2:
                        yield first
                    if size:
                        yield from pool.singles(first, _SINGLES // 8)


class _Pool:
    """A library in coordinates in which few numbers stand for many rows."""

    def __init__(self, listed: Library, search: _Search) -> None:
        self.library, self.search = listed, search
        price = listed.nats + search.measured * (1 + listed.constants)
        y, unit, slopes = search.y, *_apart(listed.values, listed.slopes)
        self.frame = None
        if len(y) > _FEW_ROWS:
            everything = np.hstack([unit, slopes])
            mixed = np.random.default_rng(0).standard_normal((everything.shape[1], min(_DIRECTIONS, len(y))))
            GRAM_ONLY(4 * everything.size * mixed.shape[1])
            self.frame = np.linalg.qr(everything @ mixed)[0]
            unit, slopes = _apart(self.frame.T @ unit, self.frame.T @ slopes)
        target = y if self.frame is None else self.frame.T @ y
        self.subsets = Subsets(unit, slopes, target, max(squared(y) - squared(target), 0.0), len(y), max(search.floor,1e-300), price)
        self._terms = dict[int, Term]()

    def part(self, most: int) -> Subsets:
        """The shortest of the terms."""
        whole = self.subsets
        return Subsets(
            whole.columns[:, :most], whole.tangents[:, :most], whole.target, whole.outside, whole.rows, whole.floor, whole.price[:most]
        )

    def term(self, at: int) -> Term:
        if at not in self._terms:
            tape = Tape(self.library.trees[at], self.search.rows.names)
            self._terms[at] = Term(tape, float(self.library.nats[at]), int(self.library.kind[at]))
        return self._terms[at]

    def sum_of(self, chosen: Iterable[int]) -> Sum:
        terms = tuple(map(self.term, chosen))
        return Sum(terms, tuple(term.tape.start for term in terms))

    def singles(self, rest: Sum, count: int) -> list[Sum]:
        """A sum with each of the kinds of terms that promise to describe the rows in the least, best first.

        What a shift of its constants could still do is not left to further terms.
        """
        columns = list[Floats]()
        for term, own in zip(rest.terms, rest.constants, strict=True):
            value, slopes = term.tape.jacobian(own, self.search.X)
            columns += [value, *slopes.T]
        table = np.column_stack(columns) if columns else np.empty((len(self.search.y), 0))
        inside = table if self.frame is None else self.frame.T @ table
        scale = np.linalg.norm(inside, axis=0)
        beside = np.linalg.qr(inside[:, scale > 0] / scale[scale > 0])[0]
        promised = self.subsets.costs_beside(beside)
        found, seen = list[Sum](), {term.kind for term in rest.terms}
        for at in np.argsort(promised, kind="stable").tolist():
            kind = int(self.library.kind[at])
            if kind not in seen:
                seen.add(kind)
                found.append(rest.with_term(self.term(at)))
                if len(found) == count:
                    break
        return found


def _apart(values: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Values of unit length, and slopes across them of unit length, zero where there is none."""
    unit = values / np.linalg.norm(values, axis=0)
    across = slopes - unit * (unit * slopes).sum(axis=0)
    length = np.linalg.norm(across, axis=0)
    seen = length > 1e-9 * np.linalg.norm(slopes, axis=0)
    return unit, across * np.where(seen, 1 / np.where(seen, length, 1.0), 0.0)
