"""Sums of terms of the language: sets by exchange on ever longer libraries, then exchange with all constants fitted.

One description length judges every sum: what it leaves of y, its terms, its measured constants. Short libraries come first,
for imitations are few there. The best sets of each become sums whose constants inside are fitted, and lose what the rows do
not need. At last the best of all are changed: a term or two give way to whatever promises the most, while the description
gets shorter.

References
----------
Rissanen (1978), Modeling by shortest data description. Automatica 14(5). doi:10.1016/0005-1098(78)90005-5
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgewise._core.work import spent
from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.fitting.damped_steps import squared
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.terms.pool import TermPool
from edgewise.symbolic.terms.projection import Sum, SumEvidence, fitted

# Rows that tell sums apart, at least; columns at most.
_FEWEST_ROWS, _MOST_COLUMNS = 60, 6
# Terms of the libraries, one after the other, of which the first hold algebraic terms alone; and how many of these are
# looked through where other stages have not been heard yet, and sums leave more than so small a share of the spread.
_LIBRARIES, _ALGEBRAIC, _EARLY_LIBRARIES, _EARLY_SHARE = (1000, 1500, 5000, 12000), 1, 2, 0.03
# Terms of a sum at most; starts for each number of terms, of which the first is the best set of fewer terms with
# more, and fewer starts in long libraries.
_MOST_TERMS, _STARTS, _START_COLUMNS, _FEWEST_STARTS = 6, 80, 120_000, 4
# How much nats count when terms are drawn: at 1 a term of twice the likelihood is drawn twice as often.
_DRAWN_BY_NATS = 0.5
# Where y follows more than a law, its rows are no proof for each other: they count as so few, too.
_FEW_COUNT = 100
# Rows that constants are fitted to at first.
_ROWS = 600
# Steps of a glance, of a fit, and of one that ends at rounding where so small a share of the squares is left.
_GLANCE, _STEPS, _LONG, _NEARLY_SOLVED = 3, 10, 60, 1e-6
# Sets of each library that are fitted, and shortened; where no sum is the end, of each number of terms.
_FITTED, _SHORTENED, _ALIKE = 60, 12, 10
# Sums that are changed, and times round; terms that are tried in place of another, beside one of them, and of two; changes
# that are fitted after a glance, and shortened.
_CHANGED, _ROUNDS, _SINGLES, _SECONDS, _IN_PAIRS, _FURTHER, _WINNERS = 3, 4, 16, 2, 4, 12, 3
# A sum that leaves more of the spread is not worth changing.
_PROMISING_SHARE = 0.3
# Sums that are offered: several describe noisy rows as well.
_OFFERED = 8
# An error below this share of the spread is rounding; a gain in nats that is none.
_SOLVED_SHARE, _NO_GAIN = 1e-11, 1e-6

_Key = tuple[int, ...]


@proposes("sums of terms")
def sums_of_terms(
    rows: SplitRows,
    until: float,
    *,
    noisy: bool,
    early: bool = False,
    functions: frozenset[str] | None = None,
) -> Iterator[Node]:
    """The best sums, as formulas to refit.

    Parameters
    ----------
    rows
        The table; few columns, or nothing is offered.
    until
        The count of work (see `spent`) where it ends.
    noisy
        Whether noise is all that smooth models leave: then all rows tell sums apart, else few do.
    early
        End after short libraries unless their sums leave little, and offer only what leaves rounding alone.
    functions
        Those that may be called; None for all.
    """
    few = not 1 <= len(rows.names) <= _MOST_COLUMNS or len(rows.y) < _FEWEST_ROWS
    if few or not np.ptp(rows.y) > 0 or spent() > until:
        return
    with np.errstate(all="ignore"):
        counts = (len(rows.y), min(len(rows.y), _FEW_COUNT)) if noisy else (len(rows.y),)
        evidence = SumEvidence(rows, rows.y)
        total = squared(rows.y - rows.y.mean())
        search = SumSearch(evidence, until, np.random.default_rng(0), counts, total)
        wanted = None if functions is None else lambda tree: functions_in(tree) <= functions
        search.look_through(TermPool.of(evidence, _LIBRARIES[-1], search.measured, noisy, wanted), early)
        for item in search.offered():
            if (item.rss <= search.floor or not early) and (tree := item.tree(evidence)) is not None:
                yield tree


@dataclass
class SumSearch:
    """What sums must be, as how many rows it counts in turn, its sum of squares, and the sums that are known by what tells
    them apart."""

    evidence: SumEvidence
    until: float
    random: np.random.Generator
    counts: tuple[int, ...]
    total: float
    starts: int = _STARTS
    ends: bool = True
    known: dict[_Key, Sum] = field(default_factory=dict[_Key, Sum])
    front: list[Sum] = field(default_factory=list[Sum])

    def __post_init__(self) -> None:
        self.few = self.evidence.thinned(_ROWS)
        count = len(self.evidence.y)
        # What counts as zero.
        self.floor = max(_SOLVED_SHARE**2 * self.total, count * self.evidence.rounding**2)
        # Nats of a measured constant.
        self.measured = 0.5 * math.log(count)

    def look_through(self, pool: TermPool, early: bool) -> None:
        """Fill `known`, and `front` with the best of each library."""
        for at, most in enumerate(_LIBRARIES):
            if early and at >= _EARLY_LIBRARIES and not self.promising(_EARLY_SHARE):
                return
            self.look_at(pool, most, at < _ALGEBRAIC)
            if self.solved or self.spent:
                return
        changed = set[_Key]()
        for _ in range(_CHANGED):
            ahead = [
                item for item in self.ordered() if item.key not in changed and len(item.terms) <= _MOST_TERMS
            ]
            if not ahead or not self.promising(_PROMISING_SHARE) or self.solved or self.spent:
                return
            self.improved(ahead[0], pool, changed)

    def look_at(
        self, pool: TermPool, most: int, algebraic: bool, known: Iterable[Sequence[int]] = ()
    ) -> None:
        """Add the best sums of the shortest terms, of all or of those that are algebraic, and known sets of terms."""
        places = pool.shortest(most, algebraic)
        self.best((pool.sum_of(name) for name in known), 0, _GLANCE)
        for count in self.counts:
            for subset in self.fitted_sets(pool, places, count):
                self.shortened(subset)
                if self.solved or self.spent:
                    return
        self.front += self.hull()
        if algebraic:
            self.front += self.ordered(self.counts[-1])[:_OFFERED]

    def varied(self, pool: TermPool, most: int, count: int) -> None:
        """Add what stands near the best sum of each few terms: others in place of each of its terms."""
        for size in range(1, most + 1):
            best = next((item for item in self.ordered() if len(item.terms) == size), Sum((), ()))
            for at in range(len(best.terms)):
                for item in pool.with_term(best.without([at]), count):
                    self.fit(item, _STEPS)

    @property
    def spent(self) -> bool:
        return spent() > self.until

    @property
    def solved(self) -> bool:
        """Whether a sum leaves rounding alone, and that is the end."""
        return self.ends and any(name.rss <= self.floor for name in self.known.values())

    def promising(self, share: float) -> bool:
        """Whether some sum leaves no more than a share of the spread."""
        return any(name.rss <= share**2 * self.total for name in self.known.values())

    def nats(self, found: Sum, count: int | None = None) -> float:
        """What describes rows by a sum, all of them or where they count as so many."""
        count = len(self.evidence.y) if count is None else count
        return 0.5 * count * math.log(max(found.rss, self.floor) / count) + self.length(found)

    def length(self, found: Sum) -> float:
        """What its terms and measured constants take."""
        return found.nats + self.measured * found.measured

    def ordered(self, count: int | None = None) -> list[Sum]:
        """What is known, the best first, where rows count as so many."""
        return sorted(self.known.values(), key=lambda name: self.nats(name, count))

    def offered(self) -> list[Sum]:
        """The best sums, and those that are or were the best at their length, the shortest first."""
        best = [item for count in self.counts for item in self.ordered(count)[:_OFFERED]]
        found = {formula.key: formula for formula in [*self.front, *self.hull(), *best]}
        return sorted(found.values(), key=self.length)

    def hull(self) -> list[Sum]:
        """The sums that would be best if rows counted for less, down to the shortest."""
        hull = sorted(self.known.values(), key=lambda name: name.rss)[:1]
        while plainer := [name for name in self.known.values() if self.length(name) < self.length(hull[-1])]:
            last = hull[-1]
            hull.append(min(plainer, key=lambda item: self._slope(last, item)))
        return hull

    def _slope(self, last: Sum, plainer: Sum) -> float:
        """What each nat that is saved costs of the fit."""
        fall = math.log(max(plainer.rss, self.floor) / max(last.rss, self.floor))
        return fall / (self.length(last) - self.length(plainer))

    def fitted_sets(self, pool: TermPool, places: NDArray[np.intp], count: int) -> list[Sum]:
        """The best sets that exchange among some terms ends in, with their constants fitted; rows count as so many."""
        subsets = pool.subsets.among(places, count)
        sets = dict[_Key, float]()
        weight = np.exp(-_DRAWN_BY_NATS * (subsets.price - subsets.price.min()))
        starts = max(min(self.starts, _START_COLUMNS // len(weight)), _FEWEST_STARTS)
        smaller: _Key = ()
        for size, start in itertools.product(range(1, _MOST_TERMS + 1), range(starts)):
            if self.spent:
                break
            if start == 0:
                smaller = min(
                    (subset for subset in sets if len(subset) < size), key=lambda item: sets[item], default=()
                )
            first = subsets.drawn(size, self.random, weight) if start else subsets.grown(size, smaller)
            cost, chosen = subsets.exchanged(first, self.random)
            sets[chosen] = cost
        best = sorted(sets, key=lambda subset: sets[subset])
        if not self.ends:
            # What a grid misses of a constant is no judge between numbers of terms: some of each.
            sizes = [len(subset) for subset in best]
            best = [subset for at, subset in enumerate(best) if sizes[:at].count(len(subset)) < _ALIKE]
        best = best[: _FITTED if self.ends else None]
        return self.best((pool.sum_of(places[list(subset)].tolist()) for subset in best), _SHORTENED, _STEPS)

    def best(self, sums: Iterable[Sum], count: int, steps: int) -> list[Sum]:
        """The best of some sums, their constants fitted."""
        best = dict[_Key, Sum]()
        for total in sums:
            if self.spent:
                break
            fit = self.fit(total, steps)
            if math.isfinite(fit.rss) and (fit.key not in best or fit.rss < best[fit.key].rss):
                best[fit.key] = fit
            if self.ends and fit.rss <= self.floor:
                break
        return sorted(best.values(), key=self.nats)[:count]

    def fit(self, found: Sum, steps: int) -> Sum:
        """The sum with its constants fitted to a few rows, then a step further to all, which judge."""
        fit = fitted(found, self.few, steps=steps, floor=self.floor)
        if self.few is not self.evidence:
            fit = fitted(fit, self.evidence, steps=1, floor=self.floor)
        if fit.rss < _NEARLY_SOLVED * self.total:
            fit = fitted(fit, self.evidence, steps=_LONG, floor=self.floor)
        if math.isfinite(fit.rss) and (fit.key not in self.known or fit.rss < self.known[fit.key].rss):
            self.known[fit.key] = fit
        return fit

    def shortened(self, found: Sum) -> Sum:
        """Without what the rows do not need: one by one, whatever is missed least, while the description gets shorter."""
        best = found
        while len(best.terms) > 1 and not self.spent:
            fewer = [self.fit(best.without([at]), _GLANCE) for at in range(len(best.terms))]
            least = min(fewer, key=self.nats)
            if self.nats(least) > self.nats(best):
                break
            best = self.fit(least, _STEPS)
        return best

    def improved(self, found: Sum, pool: TermPool, changed: set[_Key]) -> None:
        """A term, or two, give way to others, while the description gets shorter."""
        best = found
        for _ in range(_ROUNDS):
            if best.key in changed or self.spent:
                return
            changed.add(best.key)
            glanced = self.best(self.changes(best, pool), _FURTHER, _GLANCE)
            tried = self.best(glanced, _WINNERS, _STEPS)
            winner = min((self.shortened(item) for item in tried), key=self.nats, default=best)
            if not self.nats(winner) < self.nats(best) - _NO_GAIN:
                return
            best = winner

    def changes(self, found: Sum, pool: TermPool) -> Iterator[Sum]:
        """The sum with a term more, and with others in place of one and of two: what promises the most of each."""
        for size in (0, 1, 2):
            for gone in itertools.combinations(range(len(found.terms)), size):
                if self.spent:
                    return
                rest = found.without(gone)
                for first in pool.with_term(rest, _IN_PAIRS if size == 2 else _SINGLES):
                    if size < 2:
                        yield first
                    if size:
                        yield from pool.with_term(first, _SECONDS)
