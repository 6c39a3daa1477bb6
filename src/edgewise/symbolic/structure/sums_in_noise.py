"""Sums of terms with constants inside under noise: grown term by term, then changed until nothing describes rows in less.

Many sums follow noisy rows nearly as well, and what a polynomial or the first terms take away of the others leads astray. So
products of powers are terms among the others, many sums are grown side by side, and the best are then changed: each term and
each pair of terms gives way to whichever terms or pairs promise the most, with all constants fitted again. All rows judge
what is fitted, by description length: what is left of y, the nodes of the terms, and their constants.

References
----------
Rissanen (1978), Modeling by shortest data description. Automatica 14(5). doi:10.1016/0005-1098(78)90005-5
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import spent
from edgewise.forms.tree import Node
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.dictionaries import whole_exponents
from edgewise.symbolic.structure.nonlinear_fit import NonlinearSum, fitted
from edgewise.symbolic.structure.nonlinear_terms import FEWEST_ROWS, MOST_COLUMNS
from edgewise.symbolic.structure.term_pool import TermPool

# Total degree of the products that stand beside terms from the start.
_DEGREE_BESIDE = 2
# Rows that constants inside terms are fitted to, and the steps of a fit, of one that only compares, and of one on all rows.
_ROWS = 600
_STEPS = 10
_SHORT_STEPS = 4
_CLOSE_STEPS = 6
# Pairs and terms that are fitted; sums that go on from a number of terms to the next; terms at most.
_PAIRS = 80
_SINGLES = 12
_BEAM = 10
_MOST_TERMS = 5
# Sums whose terms are exchanged; terms and pairs that are tried in place of each; steps of a first fit of these; how many
# are then fitted further, how many of these are shortened, and times round.
_EXCHANGED_SUMS = 3
_OTHER_SINGLES = 6
_OTHER_PAIRS = 14
_GLANCE_STEPS = 3
_FITTED_FURTHER = 40
_RECONSIDERED = 3
_ROUNDS = 4
# Sums that are offered: several describe the rows as well.
_OFFERED_SUMS = 12

_Key = tuple[object, ...]
# A gain in nats that is none.
_NO_GAIN = 1e-6


@proposes("sums in noise")
def sums_in_noise(rows: SplitRows, until: float) -> Iterator[Node]:
    """The best sums, as formulas to refit.

    Parameters
    ----------
    rows
        The table; few columns, or nothing is offered.
    until
        The count of work (see `spent`) where it ends.
    """
    if not 1 <= len(rows.names) <= MOST_COLUMNS or len(rows.y) < FEWEST_ROWS or not np.ptp(rows.y) > 0:
        return
    with np.errstate(all="ignore"):
        search = _Search.of(rows, until)
        for each in search.found():
            if (tree := each.tree(rows.names, rows.X, rows.y)) is not None:
                yield tree


@dataclass(frozen=True, eq=False)
class _Search:
    """Rows, those that constants are fitted to, and the pool of terms.

    Parameters
    ----------
    X, y
        All rows, (n, d) and (n,).
    few
        Those that constants are first fitted to.
    pool
        The terms.
    until
        The count of work where it ends.
    floor
        A sum of squares that counts as zero.
    """

    X: Floats
    y: Floats
    few: tuple[Floats, Floats]
    pool: TermPool
    until: float
    floor: float

    @classmethod
    def of(cls, rows: SplitRows, until: float) -> _Search:
        pool = TermPool.of(rows)
        thin = rows.thinned(_ROWS)
        floor = len(rows.y) * max(rows.rounding_error**2, 1e-300)
        return cls(rows.X, rows.y, (thin.X, thin.y), pool, until, floor)

    @property
    def over(self) -> bool:
        return spent() > self.until

    def found(self) -> list[NonlinearSum]:
        """The best sums, the best first."""
        columns = self.X.shape[1]
        constant = (0,) * columns
        plain = [
            each for size in range(_DEGREE_BESIDE + 1) for each in whole_exponents([False] * columns, size)
        ]
        short = dict[_Key, NonlinearSum]()
        for powers in ((constant,), tuple(plain)):
            grown = self.grown(NonlinearSum(powers))
            for each in sorted(grown, key=self.nats)[:_BEAM]:
                if not self.over:
                    self.shortened(each, short)
        changed = set[_Key]()
        for _ in range(_EXCHANGED_SUMS):
            ahead = [each for each in self._ordered(short) if each.key not in changed]
            if ahead and not self.over:
                self.exchanged(ahead[0], short, changed)
        best = dict[_Key, NonlinearSum]()
        for each in self._ordered(short)[:_OFFERED_SUMS]:
            self.shortened(each, best)
        return self._ordered(best)

    def nats(self, found: NonlinearSum) -> float:
        """What describes all rows by a sum."""
        count = len(self.y)
        return 0.5 * count * math.log(max(found.rss, self.floor) / count) + self.pool.price_of(found)

    def grown(self, start: NonlinearSum) -> list[NonlinearSum]:
        """Sums of more and more terms, the best of each number."""
        beam = self._best(self.pool.pairs(start, _PAIRS), _BEAM)
        found = list(beam)
        for _ in range(2, _MOST_TERMS):
            if self.over or not beam:
                break
            more = [each for one in beam for each in self.pool.singles(one, _SINGLES)]
            last = min(map(self.nats, beam))
            beam = self._best(more, _BEAM)
            found += beam
            if min(map(self.nats, beam), default=math.inf) > last:
                break
        return found

    def _best(self, sums: Iterable[NonlinearSum], count: int, steps: int | None = None) -> list[NonlinearSum]:
        """The best of some sums, their constants fitted."""
        best = dict[_Key, NonlinearSum]()
        for each in sums:
            if self.over:
                break
            one = self._fitted(each, _STEPS if steps is None else steps, 1)
            if math.isfinite(one.rss) and (one.key not in best or one.rss < best[one.key].rss):
                best[one.key] = one
        return sorted(best.values(), key=self.nats)[:count]

    def _fitted(self, found: NonlinearSum, steps: int, close: int = 0) -> NonlinearSum:
        """The sum with its constants fitted to a few rows, then with so many steps to all, which judge."""
        near = fitted(found, *self.few, steps=steps, floor=self.floor) if steps else found
        return fitted(near, self.X, self.y, steps=close, floor=self.floor)

    def shortened(self, found: NonlinearSum, among: dict[_Key, NonlinearSum]) -> NonlinearSum:
        """Without what the rows do not need: one by one, whatever is missed least, while its description gets shorter."""
        best = self._fitted(found, 0, _CLOSE_STEPS)
        while len(best.powers) + len(best.terms) > 1 and not self.over:
            fewer = [best.without_power(at) for at in range(len(best.powers))]
            fewer += [each for at in range(len(best.terms)) for each in best.plainer(at)]
            least = min((self._fitted(each, _SHORT_STEPS, 1) for each in fewer), key=self.nats)
            if self.nats(least) > self.nats(best):
                break
            best = self._fitted(least, _STEPS, _CLOSE_STEPS)
        if best.key not in among or best.rss < among[best.key].rss:
            among[best.key] = best
        return best

    def exchanged(self, found: NonlinearSum, among: dict[_Key, NonlinearSum], changed: set[_Key]) -> None:
        """Each term and each pair of terms gives way to others, while the description gets shorter."""
        best = found
        for _ in range(_ROUNDS):
            if best.key in changed:
                return
            changed.add(best.key)
            # Places on a grid promise little of what a fit gives, and each kind of change has its own: a glance at many.
            glanced = self._best(self._changes(best), _FITTED_FURTHER, _GLANCE_STEPS)
            tried = self._best(glanced, _FITTED_FURTHER)
            for each in tried:
                among.setdefault(each.key, each)
            tried = tried[:_RECONSIDERED]
            winner = min((self.shortened(each, among) for each in tried), key=self.nats, default=best)
            if not self.nats(winner) < self.nats(best) - _NO_GAIN:
                return
            best = winner

    def _changes(self, found: NonlinearSum) -> Iterator[NonlinearSum]:
        """The sum with a term more; with one or two terms in place of one, and of two: what promises the most of each."""
        parts = len(found.powers) + len(found.terms)
        for size in (0, 1, 2):
            for gone in itertools.combinations(range(parts), size):
                if self.over:
                    return
                rest = _without(found, gone)
                more = self.pool.singles(rest, _OTHER_SINGLES)
                if size:
                    more += self.pool.pairs(rest, _OTHER_PAIRS)
                yield from (each for each in more if each.key != found.key)

    def _ordered(self, among: dict[_Key, NonlinearSum]) -> list[NonlinearSum]:
        return sorted(among.values(), key=self.nats)


def _without(found: NonlinearSum, gone: Sequence[int]) -> NonlinearSum:
    """A sum without some of its products of powers, which count first, and terms."""
    for at in sorted(gone, reverse=True):
        powers = len(found.powers)
        found = found.without_power(at) if at < powers else found.without_term(at - powers)
    return found
