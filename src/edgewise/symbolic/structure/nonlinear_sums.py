"""Sums of terms with constants inside: c1 P sin(w t) + c2 P/(k + P) + c3 exp(-r t), beside a polynomial.

Terms of unlike kinds resemble each other over the range of a table, so that adding the best next one leads astray. A
polynomial therefore stands beside them from the start, terms are first chosen in pairs, of all pairs of a dictionary, and
the constants inside are fitted before anything is compared (variable projection). More terms join the best of these sums,
at last products of two functions. What the rows do not need is left out, and terms are exchanged while the criterion falls.

References
----------
Pati, Rezaiifar, Krishnaprasad (1993), Orthogonal matching pursuit. doi:10.1109/ACSSC.1993.342465
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import spent
from edgewise.forms.tree import Node
from edgewise.symbolic.costs import GRAM_ONLY, PAIRS
from edgewise.symbolic.fitting.damped_steps import squared
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.dictionaries import whole_exponents
from edgewise.symbolic.structure.nonlinear_fit import NonlinearSum, basis, fitted
from edgewise.symbolic.structure.nonlinear_terms import (
    FEWEST_ROWS,
    MOST_COLUMNS,
    Dictionary,
    Ints,
    dictionary,
    dictionary_of_products,
    monomial,
)

# Set on sums drawn by seed 100 of benchmarks/sums_of_terms.py; the others are round numbers.
# Columns before other stages, and rows that terms are chosen on.
_EARLY_COLUMNS = 3
_ROWS = 500
# Polynomials of these total degrees stand beside the terms from the start, in turn: many take off what terms cannot follow,
# few leave the terms more of themselves to be told apart by.
_DEGREES = (3, 2, 1)
# What polynomials may take of a term before it is told by rounding alone, as a share of it.
_LEAST_LEFT = 1e-5
# A pair of terms counts as if at least this much of each, squared, stood apart from the other.
_APART = 1e-4
# Pairs that are fitted; terms fitted beside what was found before; sums that go on from a number of terms to the next.
_PAIRS = 120
_SINGLES = 30
_BEAM = 10
# Terms of one function at most, of which pairs come first.
_MOST_TERMS = 4
# Sums beside which a product of two functions is tried, and those in which a pair takes the place of each term.
_WITH_PRODUCTS = 4
_PAIRED_SUMS = 1
# A sum that leaves more of the spread is not worth another term.
_PROMISING_SHARE = 0.05
# Before other stages are tried, the first sums must leave no more than this.
_EARLY_LEFT = 5e-3
# An error below this share of the spread is rounding.
_SOLVED_SHARE = 1e-11
# Steps of a fit, of one that only compares, and of one that ends at rounding if that is all that remains, for so many of the
# best of each number of terms.
_STEPS = 14
_SHORT_STEPS = 4
_LONG_STEPS = 60
_POLISHED_SUMS = 2
# Sums whose terms are exchanged; other terms tried for each, those of them that are thinned out in turn, and times round.
_EXCHANGED_SUMS = 3
_OTHER_TERMS = 16
_RECONSIDERED = 2
_ROUNDS = 3
# Sums that are thinned out, and offered.
_OFFERED_SUMS = 4

_Key = tuple[object, ...]
_Powers = tuple[tuple[float, ...], ...]
# From products of powers, the sums known beside these, and the count of work where it ends, to more sums.
_Stage = Callable[[_Powers, Sequence[NonlinearSum], float], list[NonlinearSum]]


@proposes("nonlinear sums")
def nonlinear_sums(rows: SplitRows, until: float, *, early: bool = False) -> Iterator[Node]:
    """The best sums, as formulas to refit.

    Parameters
    ----------
    rows
        The table; few columns, or nothing is offered.
    until
        The count of work (see `spent`) where it ends.
    early
        Go on only where the first pairs leave very little: other stages may find the law for less.
    """
    thin = rows.thinned(_ROWS)
    columns, count = thin.X.shape[1], len(thin.y)
    # The curve of a lone column has stages of its own, and a few terms follow any.
    least, most = (2, _EARLY_COLUMNS) if early else (1, MOST_COLUMNS)
    if not least <= columns <= most or count < FEWEST_ROWS or not np.ptp(thin.y) > 0:
        return
    with np.errstate(all="ignore"):
        table = _Table.of(thin)
        found, short = list[NonlinearSum](), dict[_Key, NonlinearSum]()
        beside = [_polynomial(columns, degree) for degree in _DEGREES]
        # What takes long comes last, and is no use where the best sums are as good as noise lets them be.
        quick: tuple[_Stage, ...] = (table.pursued, table.with_products)
        long = ((*quick, partial(table.with_pairs, 2)), (partial(table.with_pairs, 3),))
        for stages in long:
            fresh = list[NonlinearSum]()
            for powers, stage in itertools.product(beside, stages):
                if spent() < until and not table.solved(fresh):
                    known = [each for each in (*found, *fresh) if each.powers == powers]
                    fresh += stage(powers, known, until)
                    if early and not table.promising(fresh, _EARLY_LEFT):
                        return
            found += fresh
            table.settle(fresh, short, until)
            if table.solved(short.values()):
                break
        for each in sorted(short.values(), key=table.criterion)[:_OFFERED_SUMS]:
            if (tree := each.tree(thin.names, thin.X, thin.y)) is not None:
                yield tree


@dataclass(frozen=True, eq=False)
class _Table:
    """Rows, and the terms that they are searched for.

    Parameters
    ----------
    X, y
        The rows, (n, d) and (n,).
    total
        The sum of squares of y about its mean.
    rounding
        A sum of squares that counts as zero.
    """

    X: Floats
    y: Floats
    total: float
    rounding: float

    @classmethod
    def of(cls, rows: SplitRows) -> _Table:
        total = squared(rows.y - rows.y.mean())
        rounding = max(_SOLVED_SHARE**2 * total, len(rows.y) * rows.rounding_error**2)
        return cls(rows.X, rows.y, total, rounding)

    @cached_property
    def terms(self) -> Dictionary:
        return dictionary(self.X)

    @cached_property
    def products(self) -> Dictionary:
        return dictionary_of_products(self.X)

    def solved(self, found: Iterable[NonlinearSum]) -> bool:
        """Whether one of the sums leaves rounding alone."""
        return min((each.rss for each in found), default=math.inf) <= self.rounding

    def criterion(self, found: NonlinearSum) -> float:
        """Schwarz's, where a term out of a dictionary also costs the choice of it; rounding counts as no error."""
        count = len(self.y)
        price = math.log(count) * found.count
        price += 2 * math.log(max(len(self.terms.terms), 1)) * len(found.terms)
        return count * math.log(max(found.rss, self.rounding) / count) + price

    def pursued(self, powers: _Powers, found: Sequence[NonlinearSum], until: float) -> list[NonlinearSum]:
        """Sums of more and more terms beside some products of powers, those of each number that leave the least."""
        beside = self._polynomial(powers)
        left = self.y - beside @ (beside.T @ self.y)
        start = NonlinearSum(powers, rss=squared(left))
        unit = _unit(self.terms.values, beside)
        pairs = (
            start.with_term(*self.terms.at(one)).with_term(*self.terms.at(other))
            for one, other in self._pairs(unit, left)
        )
        beam = self._best(pairs, beside, until)
        found = [start, *beam]
        for _ in range(2, _MOST_TERMS):
            if spent() > until or self.solved(found) or not self.promising(found, _PROMISING_SHARE):
                break
            more = (each for one in beam for each in self._with_one(one, self.terms, unit, beside))
            beam = self._best(more, beside, until)
            found += beam
        return found

    def with_pairs(
        self, count: int, powers: _Powers, found: Sequence[NonlinearSum], until: float
    ) -> list[NonlinearSum]:
        """The best sums of so many terms beside some products of powers, with a pair in place of each of these."""
        if not self.promising(found, _PROMISING_SHARE):
            return []
        beside, made = self._polynomial(powers), list[NonlinearSum]()
        unit = _unit(self.terms.values, beside)
        best = sorted((each for each in found if len(each.terms) == count), key=lambda each: each.rss)
        for each in best[:_PAIRED_SUMS]:
            for rest in map(each.without_term, range(len(each.terms))):
                if spent() > until or self.solved(made):
                    break
                whole = self._around(rest, beside)
                pairs = self._pairs(_unit(unit, whole), self.y - whole @ (whole.T @ self.y))
                more = (rest.with_term(*self.terms.at(a)).with_term(*self.terms.at(b)) for a, b in pairs)
                made += self._best(more, beside, until)
        return made

    def with_products(
        self, powers: _Powers, found: Sequence[NonlinearSum], until: float
    ) -> list[NonlinearSum]:
        """The sums found beside some products of powers, each with a product of two functions."""
        beside = self._polynomial(powers)
        unit = _unit(self.products.values, beside)
        beam = [each for each in found if not each.terms]
        beam += sorted(found, key=lambda each: each.rss)[:_WITH_PRODUCTS]
        more = (each for one in beam for each in self._with_one(one, self.products, unit, beside))
        return self._best(more, beside, until)

    def promising(self, found: Iterable[NonlinearSum], left: float) -> bool:
        """Whether some sum leaves at most a share of the spread, so that more terms may do the rest."""
        return min((each.rss for each in found), default=math.inf) <= left**2 * self.total

    def _polynomial(self, powers: _Powers) -> Floats:
        return basis([monomial(self.X, each) for each in powers], len(self.y))

    def _best(self, sums: Iterable[NonlinearSum], beside: Floats, until: float) -> list[NonlinearSum]:
        """The best of some sums, fitted."""
        best = dict[_Key, NonlinearSum]()
        for each in sums:
            one = self._fitted(each, _STEPS, beside)
            if one.key not in best or one.rss < best[one.key].rss:
                best[one.key] = one
            if spent() > until or one.rss <= self.rounding:
                break
        good = [each for each in best.values() if math.isfinite(each.rss)]
        good = sorted(good, key=lambda each: each.rss)[:_BEAM]
        far = [self._fitted(each, _LONG_STEPS, beside) for each in good[:_POLISHED_SUMS]]
        return [*far, *good[len(far) :]]

    def _fitted(self, found: NonlinearSum, steps: int, beside: Floats | None = None) -> NonlinearSum:
        return fitted(found, self.X, self.y, steps=steps, floor=1e-26 * self.total, beside=beside)

    def _with_one(
        self, found: NonlinearSum, terms: Dictionary, unit: Floats, beside: Floats
    ) -> Iterator[NonlinearSum]:
        """A sum with each of the terms that take away the most of what it leaves."""
        whole = self._around(found, beside)
        left = self.y - whole @ (whole.T @ self.y)
        GRAM_ONLY(2 * unit.size * whole.shape[1])
        rest = np.square(unit).sum(axis=0) - np.square(whole.T @ unit).sum(axis=0)
        gain = np.square(left @ unit) / np.maximum(rest, _APART)
        for at in _best_of_each(gain, terms.part // 2)[:_SINGLES]:
            yield found.with_term(*terms.at(at))

    def _around(self, found: NonlinearSum, beside: Floats) -> Floats:
        """An orthonormal basis of a sum and of what a shift of its constants adds: another term may need that, too."""
        slopes = [term.slopes(self.X, own).T for term, own in zip(found.terms, found.constants, strict=True)]
        columns = [*beside.T, *found.columns(self.X)[len(found.powers) :], *itertools.chain(*slopes)]
        return basis(columns, len(self.y))

    def _pairs(self, unit: Floats, left: Floats) -> list[tuple[int, int]]:
        """The best places of each pair of terms, for the pairs that take away the most.

        Slow and fast rates of a term come apart: the best of the grid need not lead to the lowest minimum.
        """
        along, starts, count = left @ unit, _starts(self.terms.part), unit.shape[1]
        if not count:
            return []
        GRAM_ONLY(unit.size * count)
        PAIRS(count * count / 4)
        ends = np.r_[starts[1:], count]
        best = np.zeros((len(starts), len(starts)))
        places = np.zeros((len(starts), len(starts)), dtype=np.intp)
        for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
            gram = unit[:, start:end].T @ unit[:, start:]
            apart = np.maximum(1 - np.square(gram), _APART)
            one, other = along[start:end, None], along[None, start:]
            gain = (np.square(one) + np.square(other) - 2 * gram * one * other) / apart
            row = gain.argmax(axis=0)
            highest = gain[row, np.arange(gain.shape[1])]
            best[at, at:] = np.maximum.reduceat(highest, starts[at:] - start)
            for to in range(at, len(starts)):
                low, high = starts[to] - start, ends[to] - start
                column = low + int(highest[low:high].argmax())
                places[at, to] = (start + row[column]) * count + start + column
        upper = np.triu_indices(len(starts))
        order = np.argsort(-best[upper], kind="stable")[:_PAIRS]
        return [divmod(int(each), count) for each in places[upper][order]]

    def settle(self, found: Sequence[NonlinearSum], among: dict[_Key, NonlinearSum], until: float) -> None:
        """The best of some sums without what the rows do not need, and with other terms where these do better."""
        ordered = sorted(found, key=lambda each: each.rss)
        laws = [each for each in ordered if each.rss <= self.rounding]
        for each in laws or ordered[:_OFFERED_SUMS]:
            if spent() < until:
                self.shortened(each, among)
        for each in sorted(among.values(), key=self.criterion)[: 1 if laws else _EXCHANGED_SUMS]:
            self.exchanged(each, among, until)

    def shortened(self, found: NonlinearSum, among: dict[_Key, NonlinearSum]) -> NonlinearSum:
        """Without what the rows do not need: one by one, whatever is missed least, while the criterion falls."""
        best = self._fitted(found, _STEPS)
        while len(best.powers) + len(best.terms) > 1:
            fewer = [best.without_power(at) for at in range(len(best.powers))]
            fewer += [each for at in range(len(best.terms)) for each in best.plainer(at)]
            tried = [self._fitted(each, _SHORT_STEPS) for each in fewer]
            least = min(tried, key=self.criterion)
            if self.criterion(least) > self.criterion(best):
                break
            best = self._fitted(least, _STEPS)
        among.setdefault(best.key, best)
        return best

    def exchanged(self, found: NonlinearSum, among: dict[_Key, NonlinearSum], until: float) -> None:
        """Terms exchanged for others, and others added before some go, while the criterion falls."""
        best = found
        for _ in range(_ROUNDS):
            tried = list[NonlinearSum]()
            for rest in [best, *(best.without_term(at) for at in range(len(best.terms)))]:
                beside = self._polynomial(rest.powers)
                unit = _unit(self.terms.values, beside)
                more = [
                    each for each in self._with_one(rest, self.terms, unit, beside) if each.key != best.key
                ]
                tried += [self._fitted(each, _STEPS, beside) for each in more[:_OTHER_TERMS]]
                if spent() > until:
                    return
            tried.sort(key=self.criterion)
            winner = min(
                (self.shortened(each, among) for each in tried[:_RECONSIDERED]),
                key=self.criterion,
                default=best,
            )
            if not self.criterion(winner) < self.criterion(best) - 1e-6:
                return
            best = winner


def _unit(values: Floats, beside: Floats) -> Floats:
    """Columns less what a basis makes of them, of unit length; zero where hardly anything is left."""
    GRAM_ONLY(2 * values.size * beside.shape[1])
    rest = values - beside @ (beside.T @ values)
    length, whole = np.linalg.norm(rest, axis=0), np.linalg.norm(values, axis=0)
    seen = length > _LEAST_LEFT * whole
    return rest * np.where(seen, 1 / np.where(seen, length, 1.0), 0.0)


def _best_of_each(gain: Floats, part: Ints) -> list[int]:
    """The best place in each part, the best of all first."""
    starts = _starts(part)
    ends = np.r_[starts[1:], len(gain)]
    best = [int(low + gain[low:high].argmax()) for low, high in zip(starts, ends, strict=True)]
    return sorted(best, key=lambda at: -gain[at])


def _starts(part: Ints) -> Ints:
    return np.flatnonzero(np.diff(part, prepend=-1))


def _polynomial(columns: int, degree: int) -> _Powers:
    """The exponents of all products of powers of a total degree at most."""
    free: Sequence[bool] = [False] * columns
    return tuple(each for size in range(degree + 1) for each in whole_exponents(free, size))
