"""The stages of a search for the equations of measured courses: sums of terms from the weak form, then exchange of terms."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import Meter
from edgewise.dynamics.courses import Courses
from edgewise.dynamics.pieces import CoursePieces, between_times, cut
from edgewise.dynamics.runge_kutta import solved
from edgewise.dynamics.selection import Chosen, TermSelection
from edgewise.dynamics.terms import RateTerm, listed, wanted
from edgewise.dynamics.weak import Integrals, evidence, places, smoothed, whitened
from edgewise.fields.subsets import MOST_CUBED, best_subsets, normal
from edgewise.forms.tree import Number, Variable
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.provenance import attempted, is_excluded
from edgewise.symbolic.structure.state import product
from edgewise.symbolic.terms.language import Library
from edgewise.symbolic.terms.pool import TermPool, split
from edgewise.symbolic.terms.projection import Sum, SumEvidence
from edgewise.symbolic.terms.search import SumSearch
from edgewise.symbolic.terms.subsets import Subsets

# Weighting functions per half width: a single coordinate can have more than fields in space.
_DENSITY = 6.0
# Intervals of a piece that solutions are started on.
_PIECE_INTERVALS = 10
# Pieces of all courses at most: each start is two unknowns or more.
_MOST_PIECES = 60
# Steps of the solver in an interval at most.
_MOST_PARTS = 8
# Solutions are as exact as this share of what a fit leaves,
_NOISE_SHARE = 1e-2
# or of the spread of the states.
_SPREAD_SHARE = 1e-8
# Terms by which the noise of an equation is found, and then of the libraries that sums are of.
_ROUGH, _LIBRARIES = 200, (300, 800, 4000)
# What splines through exact values miss of rates, as a share of the square.
_MISSED = 1e-13
# More constants of an equation may imitate a law to rounding, and fewer that of a single state: then the search goes on.
_SHORT, _SHORT_ALONE = 4, 2
# Terms of the sets that all triples lead to.
_FEW = 5
# Of sums of so many terms, so many others are tried in place of each.
_VARIED = 3, 8
# Random sets of each number of terms that exchange starts from.
_STARTS = 16
# Sums of each equation that are tried beside the best of the others, and of one equation with each number of constants.
_SUMS, _ALIKE = 6, 4
# Terms of all equations that may be exchanged for others by solutions.
_POOL = 4000
# Noise of less than this share of a state's spread may be what an imitation leaves.
_REAL_NOISE = 1e-3
# Where more remains than so many times the noise of the splines, something is missing.
_EXPLAINED = 1.5
# Random halves of the rows, and what a term must take of what is left there without it.
_HALVES, _LEAST_GAIN = 20, 0.1
# Of the work that remains, what sums may take.
_SUMS_SHARE = 0.5


@dataclass(eq=False)
class DynamicsSearch:
    """The stages of a search over one set of courses, and what it has found so far."""

    courses: Courses
    degree: int
    exclude_functions: tuple[str, ...]
    meter: Meter

    def __post_init__(self) -> None:
        self.smoothed = smoothed(self.courses, _DENSITY)
        d = self.states = len(self.courses.states)
        noise = np.sqrt(np.mean([np.square(course.fitted.noise) for course in self.smoothed], axis=0))
        self.noise, self.input_noise = noise[:d], noise[d:]
        self.rows = places(self.smoothed, self.courses.names)
        self.wanted = wanted(self.exclude_functions, self.degree)
        smooth = np.vstack([course.measured for course in self.smoothed])
        self._integrals = Integrals.over(self.smoothed)
        terms = listed(self.rows, _LIBRARIES[-1], 0.5 * math.log(self.courses.rows), self.wanted)
        # What all equations see of the terms, before each makes its noise white.
        self._library = terms.seen(self._integrals)
        self._pools = list[TermPool]()
        self.sums: list[list[tuple[tuple[RateTerm, ...], list[float]]]] = []
        self.selection = TermSelection(
            self._pieces(1),
            self.noise,
            smooth[:, :d],
            (),
            self.courses.values,
            self.meter,
            between_times(self.courses),
        )

    def _pieces(self, parts: int) -> CoursePieces:
        return cut(self.courses, max(_PIECE_INTERVALS, -(-self.courses.rows // _MOST_PIECES)), parts)

    def text(self) -> str:
        """The best equations so far, on one line."""
        best = self.selection.best
        if best is None:
            return ""
        trees = best.fit.model.trees(best.fit.point.constants)
        return "; ".join(
            f"{name}' = {Formula(tree, names=self.courses.names).text}"
            for name, tree in zip(self.courses.states, trees, strict=True)
        )

    def run(self) -> None:
        """Sums of terms for each equation by the weak form, of ever longer libraries, and systems of them; then the exchange
        of terms."""
        until = self.meter.part(_SUMS_SHARE)
        searches = list[SumSearch]()
        with attempted("weak form"):
            searches = [self._search(state, until) for state in range(self.states)]
            own = [
                self._pools[0].term(at) for at in range(min(_POOL // self.states, len(self._library.trees)))
            ]
            self.selection.pool = tuple(RateTerm(term.tape, term.nats, term.limits) for term in own)
        for at in range(len(_LIBRARIES)):
            with attempted("weak form"):
                for search, pool in zip(searches, self._pools, strict=True):
                    search.look_at(pool, _LIBRARIES[at], at == 0, () if at else _few(pool))
                    if at:
                        search.varied(pool, *_VARIED)
            self.sums = [self._offered(search) for search in searches]
            self._started()
            with attempted("equation by equation"):
                self._equation_by_equation()
            if self._is_done():
                break
        self._with_fine_steps()
        while not self._is_done():
            best = self.selection.best
            if best is None or self.meter.left <= 0:
                break
            with attempted("terms exchanged"):
                self.selection.improved(best)
            if self.selection.best is best:
                break
            with attempted("equation by equation"):
                self._equation_by_equation()
        if self.selection.best is None:
            # Where no solution follows the courses, that nothing changes is an answer.
            self.selection.judged((), ())
        self.judged_by_solver()
        if (best := self.selection.best) is not None and self.selection.is_exact(best):
            self.selection.without_idle(best)

    def _is_done(self) -> bool:
        """Whether a system leaves rounding alone and is too short for an imitation."""
        self.judged_by_solver()
        best = self.selection.best
        short = _SHORT if self.states > 1 else _SHORT_ALONE
        return best is not None and self.selection.is_exact(best) and longest(best.chosen) <= short

    def _search(self, state: int, until: float) -> SumSearch:
        """What sums of terms for an equation are searched by: first roughly, which tells how noise enters."""
        plain = evidence(self.smoothed, self.rows, state, self._integrals)
        rough = self._sums(plain, until)
        short = self._library.among(np.flatnonzero(self._library.algebraic)[:_ROUGH])
        rough.look_at(self._pool(plain, short), _ROUGH, True)
        tree = rough.ordered()[0].tree(plain) if rough.known else Number(0)
        tape = Tape(tree or Number(0), self.courses.names)
        _, slopes, _ = tape.gradient(tape.start, self.rows.X)
        own = whitened(self.smoothed, self._integrals, state, slopes)
        white = evidence(self.smoothed, self.rows, state, own)
        self._pools.append(self._pool(white, self._library.seen(own.white)))
        return self._sums(white, until)

    def _sums(self, seen: SumEvidence, until: float) -> SumSearch:
        total = float(seen.y @ seen.y)
        search = SumSearch(seen, until, np.random.default_rng(0), (len(seen.y),), total, _STARTS, ends=False)
        search.floor = max(search.floor, _MISSED * total)
        return search

    def _pool(self, seen: SumEvidence, library: Library) -> TermPool:
        return TermPool.beside(seen, library, self.selection.measured, len(seen.y), limited=True)

    def _offered(self, search: SumSearch) -> list[tuple[tuple[RateTerm, ...], list[float]]]:
        """The best sums with their factors, and those that would be if rows counted for less.

        Where there is next to no noise, also the best of each number of constants: what splines miss is no noise, so
        that the weak form alone does not tell how many there are.
        """
        ranked = search.ordered()
        best = {item.key: item for item in [*ranked[:_SUMS], *search.hull()]}
        for count in () if self._is_noisy else sorted({item.measured for item in ranked}):
            alike = [item for item in ranked if item.measured == count]
            best |= {item.key: item for item in alike[: max(_ALIKE // self.states, 1)]}
        return [self._terms(item, search.evidence) for item in best.values()]

    @property
    def _is_noisy(self) -> bool:
        return bool((self.noise > _REAL_NOISE * self.courses.values[:, : self.states].std(0)).any())

    def _terms(self, found: Sum, seen: SumEvidence) -> tuple[tuple[RateTerm, ...], list[float]]:
        factors = found.factors(seen)
        terms = tuple(
            RateTerm(term.tape, term.nats, term.limits).at(own.tolist())
            for term, own in zip(found.terms, found.constants, strict=True)
        )
        return terms, [1.0] * len(terms) if factors is None else factors.tolist()

    def _started(self) -> None:
        """The best sum for every equation; where solutions blow up, the next best."""
        self.selection.step = "weak form"
        for turn in range(max(map(len, self.sums), default=0)):
            chosen: Chosen = ()
            factors: list[float] = []
            for state, own in enumerate(self.sums):
                if own:
                    terms, values = own[min(turn, len(own) - 1)]
                    chosen += tuple((state, term) for term in terms)
                    factors += values
            if self.selection.judged(chosen, factors) is not None:
                return

    def _equation_by_equation(self) -> None:
        """One equation after the other by each of its sums beside the best of the others."""
        if is_excluded("equation by equation"):
            return
        for state, own in enumerate(self.sums):
            best = self.selection.best
            if best is None:
                return
            self.selection.step = "equation by equation"
            if self.selection.is_exact(best):
                self.selection.without_idle(best)
                best = self.selection.best or best
            rest = [(name, v) for name, v in zip(best.chosen, best.factors, strict=True) if name[0] != state]
            count = len(best.chosen) - len(rest)
            for terms, factors in own:
                if self.meter.left <= 0:
                    return
                # Of what leaves rounding alone only shorter writings are looked for.
                if self.selection.is_exact(self.selection.best or best) and len(terms) >= count:
                    continue
                chosen = (*(item for item, _ in rest), *((state, term) for term in terms))
                self.selection.judged(chosen, [*(v for _, v in rest), *factors], best)

    def _with_fine_steps(self) -> None:
        """The best, fitted anew where an interval takes more than one step to be solved exactly."""
        best = self.selection.best
        if best is None:
            return
        model, point = best.fit.model, best.fit.point
        allowed = np.maximum(
            _NOISE_SHARE * self.selection.left(best),
            _SPREAD_SHARE * self.courses.values[:, : self.states].std(0),
        )
        parts, rough = 1, solved(self.selection.pieces, model, point.constants, point.starts)
        while parts < _MOST_PARTS:
            fine = solved(self._pieces(2 * parts), model, point.constants, point.starts)
            if (np.abs(fine - rough) <= allowed).all():
                break
            parts, rough = 2 * parts, fine
        if parts > 1:
            again = self.selection.near(_SUMS)
            self.selection.begin_again(self._pieces(parts))
            for formula in again:
                if self.meter.left <= 0 and self.selection.best is not None:
                    break
                self.selection.judged(formula.chosen, formula.factors, formula)

    def is_explained(self, left: Floats) -> bool:
        """Whether a fit leaves no more than smooth curves do."""
        most = _EXPLAINED * self.noise + np.sqrt(self.selection.floor)
        return bool((left <= most).all())

    def judged_by_solver(self) -> None:
        """What halved steps change of the best solution, as where it has a kink, is the solver's and tells of no term."""
        best, pieces = self.selection.best, self.selection.pieces
        if best is None:
            return
        model, point = best.fit.model, best.fit.point
        rough, fine = (
            solved(item, model, point.constants, point.starts)[pieces.seen]
            for item in (pieces, self._pieces(2 * pieces.parts))
        )
        wrong = np.square(fine - rough).mean(0)
        self.selection.solved_to(np.where(np.isfinite(wrong), wrong, 0.0))

    def stability(self, chosen: Chosen, seed: int) -> dict[str, float]:
        """The least share of halves of the weak form's rows from which the terms of each equation are chosen again, among
        products of two columns (N. Meinshausen and P. Buehlmann 2010, doi:10.1111/j.1467-9868.2010.00740.x)."""
        found = dict[str, float]()
        for state, name in enumerate(self.courses.states):
            own = [term for e, term in chosen if e == state]
            found[name] = self._stability(state, own, np.random.default_rng(seed)) if own else 1.0
        return found

    def _stability(self, state: int, own: list[RateTerm], random: np.random.Generator) -> float:
        names, keys = self.courses.names, {term.key for term in own}
        columns = [Variable(name) for name in names]
        products = [
            product(*combination)
            for size in range(3)
            for combination in combinations_with_replacement(columns, size)
        ]
        others = [RateTerm(Tape(tree, names), 0.0) for tree in products]
        terms = [*own, *(term for term in others if term.key not in keys)]
        plain = evidence(self.smoothed, self.rows, state, self._integrals)
        found = [term.tape.gradient(term.tape.start, self.rows.X) for term in terms]
        values = np.column_stack([value for value, *_ in found])
        factors = np.linalg.lstsq(plain.columns(values)[:, : len(own)], plain.y, rcond=None)[0]
        slopes = sum(factor * slope for factor, (_, slope, _) in zip(factors, found, strict=False))
        of = whitened(self.smoothed, self._integrals, state, np.asarray(slopes))
        white = evidence(self.smoothed, self.rows, state, of)
        table, count = white.columns(values), len(white.y)
        # The price of a constant, of a choice among the terms, and of a tenth of what is left.
        price = np.full(len(terms), 0.5 * (math.log(count) + 2 * math.log(len(terms)) + _LEAST_GAIN * count))
        times = np.zeros(len(terms))
        for _ in range(_HALVES):
            half = random.permutation(count)[: max(count // 2, 1)]
            unit, across = split(table[half], np.zeros((len(half), len(terms))))
            of = Subsets(unit, across, white.y[half], 0.0, len(half), 0.0, price)
            sizes = range(1, min(len(own) + 1, len(half) - 1) + 1)
            _, again = min(of.exchanged(of.grown(size), random) for size in sizes)
            times[list(again)] += 1 / _HALVES
        return float(times[: len(own)].min())


def _few(pool: TermPool) -> list[tuple[int, ...]]:
    """The best sets of the shortest terms without constants inside, all triples among them."""
    places = np.flatnonzero(pool.library.constants == 0)[:MOST_CUBED]
    best = best_subsets(normal(pool.subsets.columns[:, places], pool.subsets.target), _FEW, triples=True)
    return [tuple(places[list(subset)].tolist()) for subset in best if subset]


def longest(chosen: Chosen) -> int:
    """The most constants of an equation."""
    counts = Counter[int]()
    for e, term in chosen:
        counts[e] += 1 + term.tape.size
    return max(counts.values(), default=0)
