"""The stages of a search for the equations of measured courses: starts from the weak form, then the exchange of terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import Meter
from edgewise.dynamics.candidates import functions, polynomials
from edgewise.dynamics.courses import Courses
from edgewise.dynamics.families import families
from edgewise.dynamics.inner_constants import InnerSearch, WeakGuess
from edgewise.dynamics.pieces import CoursePieces, between_times, cut
from edgewise.dynamics.runge_kutta import solved
from edgewise.dynamics.selection import Chosen, Judged, TermSelection
from edgewise.dynamics.terms import DynamicsTerm, TermLibrary
from edgewise.dynamics.weak import searches, smoothed
from edgewise.symbolic import Formula
from edgewise.symbolic.provenance import attempted, is_excluded

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
# Fourth and fifth powers of a state are candidates where products go up to this degree.
_HIGH_POWERS = 3
# Of the weak form's choices from a library, so many are tried until one can be solved.
_WEAK_STARTS = 3
# Of the work that remains, what choices with an inner constant may take before they are fitted.
_INNER_SHARE = 0.5
# Choices with an inner constant for each state that are started from,
_INNER_STARTS = 6
# and those that terms are exchanged from where there is a single state.
_SINGLE_STARTS = 4
# A start is left out where a fit that leaves noise alone is likelier by half so many nats a value.
_HOPELESS = 1.0
# Noise of less than this share of a state's spread may be what an imitation leaves.
_REAL_NOISE = 1e-3
# Where more remains than so many times the noise of the splines, something is missing.
_EXPLAINED = 1.5


@dataclass(eq=False)
class DynamicsSearch:
    """The stages of a search over one set of courses, and what it has found so far."""

    courses: Courses
    degree: int
    exclude_functions: tuple[str, ...]
    meter: Meter

    def __post_init__(self) -> None:
        self.guesses: list[list[WeakGuess]] = []
        self.smoothed = smoothed(self.courses, _DENSITY)
        self.smooth = np.vstack([course.measured for course in self.smoothed])
        # At the measured times, and between them, where a spline may go a little further.
        self.everywhere = np.vstack([self.smooth, *(course.places for course in self.smoothed)])
        d = self.states = len(self.courses.states)
        noise = np.sqrt(np.mean([np.square(course.fitted.noise) for course in self.smoothed], axis=0))
        self.noise, self.input_noise = noise[:d], noise[d:]
        further = functions(self.smooth, self.exclude_functions)
        # Who asks for a low degree has high powers in no other way either.
        low = self.degree < _HIGH_POWERS
        pool = self._usable(
            [
                *self._products(self.degree),
                *(t for t in further if t.function or not low or max(t.powers) < 2),
            ]
        )
        self.families = families(self.smooth, self.exclude_functions)
        self.selection = TermSelection(
            self._pieces(1),
            self.noise,
            self.smooth[:, :d],
            tuple(pool),
            self.courses.values,
            self.meter,
            between_times(self.courses),
            {family.place: family.terms for family in self.families},
        )

    def _pieces(self, parts: int) -> CoursePieces:
        return cut(self.courses, max(_PIECE_INTERVALS, -(-self.courses.rows // _MOST_PIECES)), parts)

    def _products(self, degree: int) -> list[DynamicsTerm]:
        return polynomials(len(self.courses.names), degree)

    def _usable(self, terms: Sequence[DynamicsTerm]) -> list[DynamicsTerm]:
        """Those with values wherever the courses go, and with values of their own."""
        library = TermLibrary(tuple(terms))
        values, slopes, _ = library.slopes(self.everywhere, library.inner)
        # How large powers are is a question of units.
        powers = np.array([not term.function for term in terms])
        good = np.isfinite(values).all(0) & np.isfinite(slopes).all((0, 2))
        good &= powers | (np.abs(values).max(0) < 1e12)
        return [term for term, is_good in zip(terms, good, strict=True) if is_good]

    def text(self) -> str:
        """The best equations so far, on one line."""
        best = self.selection.best
        if best is None:
            return ""
        trees = best.fit.model.trees(best.fit.point.constants, self.courses.names)
        return "; ".join(
            f"{name}' = {Formula(tree, names=self.courses.names).text}"
            for name, tree in zip(self.courses.states, trees, strict=True)
        )

    def run(self) -> None:
        """Starts from the weak form, from plain libraries to rich ones; then the exchange of terms."""
        pools = [
            self._usable(self._products(min(2, self.degree))),
            self._usable(self._products(self.degree)),
            list(self.selection.pool),
        ]
        self.selection.step = "weak form"
        found = list[Judged]()
        for pool in pools:
            if found and self.meter.left <= 0:
                break
            with attempted("weak form"):
                if (judged := self._started(pool)) is not None:
                    found.append(judged)
        plain = [each for each in found if not any(term.function for _, term in each.chosen)]
        rich = [each for each in found if each not in plain]
        inner = list[Judged]()
        if not any(map(self.selection.is_exact, found)):
            with attempted("inner constants"):
                inner = self._with_inner()
        # Rich libraries imitate what plain ones express shortly: the best of each kind is a start.
        inner = sorted(inner, key=lambda each: each.criterion)[: 1 if self.states > 1 else _SINGLE_STARTS]
        starts = [min(each, key=lambda one: one.criterion) for each in (plain, rich) if each] + inner
        for start in sorted(self._with_fine_steps(starts), key=lambda each: each.criterion):
            if self._is_hopeless(start):
                continue
            with attempted("terms exchanged"):
                self.selection.improved(start)
            self.judged_by_solver()
            if (best := self.selection.best) is not None and self.selection.is_exact(best):
                # What is exact may be written with more constants than it takes.
                with attempted("equation by equation"):
                    self._equation_by_equation(shorter=True)
                    self.selection.without_idle(self.selection.best or best)
                return
        if self.selection.best is None:
            # Where no solution follows the courses, that nothing changes is an answer.
            self.selection.judged((), ())
        with attempted("equation by equation"):
            self._equation_by_equation()
        self.judged_by_solver()

    def _is_hopeless(self, start: Judged) -> bool:
        """Whether what was found leaves noise alone and a start lags far behind it; next to nothing is left by imitations
        too."""
        best = self.selection.best
        spread = self.courses.values[:, : self.states].std(0)
        noisy = (self.noise > _REAL_NOISE * spread).all()
        if best is None or not noisy or not self.is_explained(self.selection.left(best)):
            return False
        lag = start.criterion - best.criterion
        return lag > _HOPELESS * self.selection.pieces.values.size

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
            solved(each, model, point.constants, point.starts)[pieces.seen]
            for each in (pieces, self._pieces(2 * pieces.parts))
        )
        wrong = np.square(fine - rough).mean(0)
        self.selection.solved_to(np.where(np.isfinite(wrong), wrong, 0.0))

    def _equation_by_equation(self, *, shorter: bool = False) -> None:
        """One equation after the other in each of the forms that the weak form suggests for it, or of those of fewer
        constants, beside the best of the others: what was wrong in one may have kept the right form of another from being
        seen."""
        if is_excluded("equation by equation"):
            return
        for state, own in enumerate(self.guesses if self.states > 1 else ()):
            best = self.selection.best
            if best is None or self.meter.left <= 0:
                return
            values, _ = best.fit.model.numbers(best.fit.point.constants)
            rest = [(each, float(v)) for each, v in zip(best.chosen, values, strict=True) if each[0] != state]
            now = _constants(term for e, term in best.chosen if e == state)
            self.selection.step = "equation by equation"
            for guess in own:
                if shorter and _constants(guess.terms) >= now:
                    continue
                chosen = (*(each for each, _ in rest), *((state, term) for term in guess.terms))
                self.selection.judged(chosen, [*(v for _, v in rest), *guess.factors.tolist()], best)
            better = self.selection.best
            if better is not None and better is not best:
                self.selection.improved(better)

    def _with_fine_steps(self, starts: list[Judged]) -> list[Judged]:
        """The starts, fitted anew where an interval takes more than one step to be solved exactly."""
        best = self.selection.best
        if best is None:
            return starts
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
        if parts == 1:
            return starts
        self.selection.begin_again(self._pieces(parts))
        again = [
            self.selection.judged(each.chosen, each.fit.model.numbers(each.fit.point.constants)[0].tolist())
            for each in starts
        ]
        return [each for each in again if each is not None]

    def _with_inner(self) -> list[Judged]:
        """Systems in which equations hold an inner constant: in each the best of its own, then the second best."""
        if is_excluded("inner constants"):
            return []
        plain = self._usable(self._products(min(2, self.degree)))
        own = [
            replace(each, terms=lambda value, each=each: self._usable(each.terms(value)))
            for each in self.families
        ]
        until = self.meter.part(_INNER_SHARE)
        within = InnerSearch(self.smoothed, tuple(plain), self.selection.makes_sense, until)
        # Of a single state every family has its turn: its fits take little.
        most = _INNER_STARTS if self.states > 1 else len(own)
        self.guesses, pairs = within.best(own, self.states, most)
        turns = [
            {state: own[turn] for state, own in enumerate(self.guesses) if turn < len(own)}
            for turn in range(max(map(len, self.guesses)))
        ]
        base = self.selection.best
        self.selection.step = "inner constants"
        starts = [self._beside(guesses, base) for guesses in (*turns, *(pair.guesses for pair in pairs))]
        found = [self.selection.judged(chosen, factors) for chosen, factors in starts]
        return [each for each in found if each is not None]

    def _beside(self, guesses: Mapping[int, WeakGuess], base: Judged | None) -> tuple[Chosen, list[float]]:
        """Terms of some equations, those of the others as a fit has them, and the factors of all."""
        chosen: Chosen = ()
        factors: list[float] = []
        for state in range(self.states):
            if state in guesses:
                chosen += tuple((state, term) for term in guesses[state].terms)
                factors += guesses[state].factors.tolist()
            elif base is not None:
                chosen += tuple(each for each in base.chosen if each[0] == state)
                values, _ = base.fit.model.numbers(base.fit.point.constants)
                factors += [float(v) for (e, _), v in zip(base.chosen, values, strict=True) if e == state]
        return chosen, factors

    def _started(self, pool: list[DynamicsTerm]) -> Judged | None:
        """The weak form's choice for every equation; where solutions blow up, its second best, then its third best."""
        rows = searches(self.smoothed, TermLibrary(tuple(pool)), range(self.states))
        ranked = [[candidate for _, candidate in search.best()[0]] for search in rows]
        for turn in range(_WEAK_STARTS):
            chosen: Chosen = ()
            factors: list[float] = []
            for state, candidates in enumerate(ranked):
                best = candidates[min(turn, len(candidates) - 1)]
                chosen += tuple((state, pool[at]) for at in best.subset)
                factors += [float(value) for value in best.coefficients]
            judged = self.selection.judged(chosen, factors)
            if judged is not None:
                return judged
        return None

    def stability(self, chosen: Chosen, seed: int) -> dict[str, float]:
        """The least share of halves of the weak form's rows from which the terms of each equation are chosen again."""
        keys = {term.key for _, term in chosen}
        plain = [term for term in self._usable(self._products(min(2, self.degree))) if term.key not in keys]
        pool = [*dict.fromkeys(term for _, term in chosen), *plain]
        found: dict[str, float] = {}
        for state, search in enumerate(searches(self.smoothed, TermLibrary(tuple(pool)), range(self.states))):
            own = tuple(sorted(pool.index(term) for e, term in chosen if e == state))
            rows = search.rows(own, search.plain.solve(own)) if own else search.plain
            times, _ = search.stability(rows, seed)
            found[self.courses.states[state]] = float(min((times[at] for at in own), default=1.0))
        return found


def _constants(terms: Iterable[DynamicsTerm]) -> int:
    """Factors of terms, and their inner constants, those of one place once."""
    every = list(terms)
    return len(every) + sum(len(inner) for _, inner in {(term.place, term.inner) for term in every})
