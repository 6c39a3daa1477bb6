"""Which terms the equations are made of, judged by solutions along the whole courses.

A model is fitted by shooting; around its solution, every other term's effect is linear in its factor, so that one table
shows what adding, dropping and exchanging terms would gain. The most promising are fitted in earnest, and the best taken
while the criterion falls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import Meter, charge
from edgewise.dynamics.model import TermModel, free
from edgewise.dynamics.pieces import CoursePieces
from edgewise.dynamics.shooting import Shooting, ShootingFit, ShootingPoint, fitted
from edgewise.dynamics.term_functions import FUNCTIONS, SATURATIONS, Span
from edgewise.dynamics.terms import DynamicsTerm, Place, TermLibrary
from edgewise.pde.discovery.subsets import MOST_CUBED, UnitNormal, best_subsets, exchanged_pairs, normal
from edgewise.symbolic.provenance import attempted

# Constants of saturations, in units of the largest power beside them: beyond, they are polynomials.
_LARGEST_INNER = 1.0
# Arguments of scaled functions reach at least and at most so far: else they are polynomials, or steps.
_LEAST_ARGUMENT = 0.2
_LARGEST_ARGUMENT = 20.0
# Phases of sines and cosines, in radians: of less than this a power series tells as much.
_LEAST_PHASE = 2.0
# Fitted powers are at most so high, and so far from whole ones, which products have.
_LARGEST_POWER = 3.0
_FROM_WHOLE = 0.08
# A choice of terms is fitted at most so often, from other constants.
_FITS = 3
# Models fitted after each table of what exchanging terms would gain, and tables at most.
_TRIALS = 6
_TABLES = 20
# A promise is worth a fit where it lacks no more than this of the criterion.
_PROMISE = 12.0
# Twice the nats of a variable; others cost more of these the rarer they are in textbooks
# (`benchmarks/dynamics_terms.py` counts them).
_NODE_PRICE = 3.0
# Where only rounding remains, terms below this share of their equation's largest may go.
_IDLE_SHARE = 1e-2
# The gap allowed when tables are computed.
_TABLE_GAP = 1e-2

Chosen = tuple[tuple[int, DynamicsTerm], ...]
# Shares of the terms, the shortest first, that one equation is chosen from.
_LEVELS = (0.1, 0.3, 1.0)
# Below this share of a state's spread, what is left is the solver's rounding.
_ROUNDING = 1e-7
# A solution whose steps are halved shows how wrong the solver is, in so many mean squares; where that is more than this
# share of a state's spread, it is the model that is wrong.
_TIMES_WRONG, _MOST_WRONG = 10.0, 1e-4


@dataclass(frozen=True, eq=False)
class Judged:
    """A fitted choice of terms and its criterion."""

    chosen: Chosen
    fit: ShootingFit
    criterion: float
    step: str = ""


@dataclass(eq=False)
class TermSelection:
    """The search over choices of terms for one set of courses.

    Attributes
    ----------
    pieces : CoursePieces
    noise : ndarray, shape (d,)
        A first estimate of the noise of each state; every fit is then judged by the noise that it leaves itself.
    smooth : ndarray, shape (rows, d)
        The states, smoothed.
    pool : tuple of DynamicsTerm
    variables : ndarray, shape (rows, m)
        States and inputs, as they were measured.
    meter : Meter
        The search ends where its work is spent.
    step : str
        The step of the search that judges choices now.
    between : float
        What inputs may do between the times at which they were measured, as a share of a state's spread.
    kin : mapping
        For functions with inner constants the terms that have them, from these constants.
    best : Judged or None
        Of all that were judged.
    tried : dict
        For every choice how often it was fitted, and the least criterion it has reached.
    found : list of Judged
        All fits that did not blow up.
    """

    pieces: CoursePieces
    noise: Floats
    smooth: Floats
    pool: tuple[DynamicsTerm, ...]
    variables: Floats
    meter: Meter
    between: float = 0.0
    kin: Mapping[Place, Callable[[tuple[float, ...]], list[DynamicsTerm]]] = field(
        default_factory=dict[Place, Callable[[tuple[float, ...]], list[DynamicsTerm]]]
    )
    best: Judged | None = None
    step: str = ""
    tried: dict[frozenset[object], tuple[int, float]] = field(
        default_factory=dict[frozenset[object], tuple[int, float]]
    )
    found: list[Judged] = field(default_factory=list[Judged])

    def __post_init__(self) -> None:
        self.states = self.smooth.shape[1]
        self._spans = [Span(float(z.min()), float(z.max())) for z in self.variables.T]
        variance = self.pieces.values.var(0)
        self.floor = self._rounding = (_ROUNDING**2 + self.between**2) * variance
        # Ten times what rounding does to a number, once it has gone through all steps.
        self._exact = self._rounded = (100 * _ROUNDING**2 + self.between**2) * variance

    def begin_again(self, pieces: CoursePieces) -> None:
        """Forget what was fitted: the pieces are others."""
        self.pieces, self.best = pieces, None
        self.tried.clear()
        self.found.clear()

    def solved_to(self, variance: Floats) -> None:
        """Take what the solver gets wrong of each state, its mean square, for no evidence of anything."""
        wrong = _TIMES_WRONG * np.minimum(variance, _MOST_WRONG**2 * self.pieces.values.var(0))
        self.floor, self._exact = self._rounding + wrong, self._rounded + wrong
        self.found = [
            replace(
                each,
                criterion=self.criterion(each.fit, self.words(each.fit.model) + self.constants(each.fit)),
            )
            for each in self.found
        ]
        self.best = min(self.found, key=lambda each: each.criterion, default=None)

    def price(self, equation: int, term: DynamicsTerm, beside: Chosen) -> float:
        """What a term must gain: what Schwarz's criterion asks for its constants, and what it takes to be written beside the
        terms of other equations."""
        others = [each for e, each in beside if e != equation]
        # Inner constants that are there already serve another term for nothing.
        known = {(each.place, each.inner) for _, each in beside}
        constants = 1 if (term.place, term.inner) in known else 1 + len(term.inner)
        return constants * math.log(self.pieces.values.size) + _NODE_PRICE * term.nodes_beside(others)

    def criterion(self, fit: ShootingFit, prices: float) -> float:
        """Twice the negative logarithm of the likelihood for noise of any size in each state, and the prices."""
        n = len(self.pieces.values)
        return float(n * np.log(fit.squares / n + self.floor).sum()) + prices

    def is_exact(self, judged: Judged) -> bool:
        """Whether only rounding is left, and what inputs may do between the times at which they were measured."""
        return bool((judged.fit.squares / len(self.pieces.values) <= self._exact).all())

    def judged(self, chosen: Chosen, factors: Sequence[float], near: Judged | None = None) -> Judged | None:
        """A choice of terms, fitted; None where its solutions blow up or it has been tried."""
        key = frozenset((e, term.key) for e, term in chosen)
        if len(key) < len(chosen) or not self._is_worth_it(key, near):
            return None
        known = {} if near is None else {(e, t.place): t.inner for e, t in near.chosen if t.inner}
        terms = [replace(t, inner=known.get((e, t.place), t.inner)) for e, t in chosen]
        model = free(self.states, terms, [e for e, _ in chosen], factors)
        starts = self.smooth[self.pieces.first] if near is None else near.fit.point.starts
        noise = self.noise if near is None else self.left(near)
        found = None
        with attempted("solutions"):
            found = fitted(self.pieces, model, noise, starts, warm=near is not None)
        if found is None or not all(map(self.makes_sense, found.model.known(found.point.constants))):
            return None
        judged = self._of(found, chosen)
        self.tried[key] = (self.tried[key][0], min(self.tried[key][1], judged.criterion))
        return judged

    def _is_worth_it(self, key: frozenset[object], near: Judged | None) -> bool:
        """Whether a choice is new, or was once fitted worse than one near it that it should better."""
        times, reached = self.tried.get(key, (0, math.inf))
        if times >= _FITS or (times and (near is None or reached <= near.criterion)):
            return False
        self.tried[key] = (times + 1, reached)
        return True

    def makes_sense(self, term: DynamicsTerm) -> bool:
        """Whether the courses determine inner constants: else there is a pole, or nearly a polynomial."""
        if not term.inner:
            return True
        function = FUNCTIONS[term.function]
        if function.reach is None or (min(term.inner) <= 0 and not function.either_sign):
            return False
        reach = function.reach(*term.inner, *(self._spans[v] for v in term.variables))
        if function.saturates:
            return reach <= _LARGEST_INNER
        if term.function == "any power":
            (k,) = term.inner
            return reach <= _LARGEST_POWER and abs(k - round(k)) >= _FROM_WHOLE
        least = _LEAST_PHASE if function.word in ("sin", "cos") else _LEAST_ARGUMENT
        return least <= reach <= _LARGEST_ARGUMENT

    def words(self, model: TermModel) -> float:
        """What the terms of a model take to be written."""
        written = zip(model.terms, range(len(model.terms)), strict=True)
        return _NODE_PRICE * sum(term.nodes_beside(model.terms[:at]) for term, at in written)

    def constants(self, fit: ShootingFit) -> float:
        """What the free constants of a fit take to be written."""
        return len(fit.point.constants) * math.log(self.pieces.values.size)

    def near(self, most: int) -> list[Judged]:
        """The best fit of each of at most so many choices, the best first."""
        each: dict[frozenset[object], Judged] = {}
        for judged in sorted(self.found, key=lambda one: one.criterion):
            each.setdefault(frozenset((e, term.key) for e, term in judged.chosen), judged)
        return list(each.values())[:most]

    def without_idle(self, judged: Judged) -> Judged:
        """Of a choice that leaves only rounding one without the terms that do next to nothing, if that leaves no more."""
        values, _ = judged.fit.model.numbers(judged.fit.point.constants)
        library = TermLibrary(tuple(term for _, term in judged.chosen))
        sizes = np.abs(library.values(self.variables, library.inner)).max(0) * np.abs(values)
        equation = np.array([e for e, _ in judged.chosen])
        shares = sizes / np.array([sizes[equation == e].max() for e in equation])
        for at in np.argsort(shares):
            if shares[at] > _IDLE_SHARE:
                break
            rest = [n for n in range(len(values)) if n != at]
            fewer = self.judged(tuple(judged.chosen[n] for n in rest), values[rest].tolist(), judged)
            if fewer is not None and self.is_exact(fewer):
                return self.without_idle(fewer)
        return judged

    def left(self, judged: Judged) -> Floats:
        """The noise that a fit leaves, no less than rounding."""
        return np.sqrt(judged.fit.squares / len(self.pieces.values) + self.floor)

    def _of(self, fit: ShootingFit, chosen: Chosen) -> Judged:
        known = fit.model.known(fit.point.constants)
        now = tuple((e, term) for (e, _), term in zip(chosen, known, strict=True))
        judged = Judged(now, fit, self.criterion(fit, self.words(fit.model) + self.constants(fit)), self.step)
        if math.isfinite(judged.criterion):
            self.found.append(judged)
            if self.best is None or judged.criterion < self.best.criterion:
                self.best = judged
        return judged

    def improved(self, start: Judged) -> Judged:
        """The best choice that exchanges of terms lead to."""
        best, self.step = start, "terms exchanged"
        for _ in range(_TABLES):
            if self.meter.left <= 0:
                break
            found = [
                each
                for chosen, factors in self._proposed(best)
                if self.meter.left > 0 and (each := self.judged(chosen, factors, best)) is not None
            ]
            better = min(found, key=lambda each: each.criterion, default=None)
            if better is None or better.criterion >= best.criterion:
                break
            best = better
        return best

    def _proposed(self, now: Judged) -> list[tuple[Chosen, list[float]]]:
        """The choices near one that promise most, with the factors to start from."""
        model, point = now.fit.model, now.fit.point
        factors, _ = model.numbers(point.constants)
        found = [(chosen, factors.tolist()) for chosen in _simpler(now.chosen)]
        noise = self.left(now)
        own = (each for _, term in now.chosen for each in (term, *self.siblings(term)))
        more = TermLibrary(tuple(dict.fromkeys((*self.pool, *own))))
        residual, table = Shooting(self.pieces, model, noise, _TABLE_GAP).matrix(
            ShootingPoint(point.starts, point.constants), more
        )
        starts, constants = point.starts.size, len(point.constants)
        columns = table[:, starts + constants :]
        options: list[tuple[int, DynamicsTerm]] = [
            (e, term) for e in range(self.states) for term in more.terms
        ]
        usable = np.isfinite(columns).all(0) & (np.abs(columns).max(0) < 1e100) & (np.abs(columns).max(0) > 0)
        place = {(e, term): at for at, (e, term) in enumerate(options)}
        current = [place[each] for each in now.chosen]
        if not usable[current].all() or not np.isfinite(table[:, : starts + constants]).all():
            return found
        left = residual + columns[:, current] @ factors
        aside = np.column_stack([table[:, :starts], table[:, starts + len(factors) : starts + constants]])
        kept = np.flatnonzero(usable)
        back = {int(at): n for n, at in enumerate(kept)}
        basis, _ = np.linalg.qr(aside / np.maximum(np.sqrt(np.square(aside).sum(0)), 1e-300))
        both = np.column_stack([columns[:, kept], left])
        both = both - basis @ (basis.T @ both)
        charge(len(both) * both.shape[1] * (both.shape[1] + aside.shape[1]) / 2e9)
        equations = normal(both[:, :-1], both[:, -1])
        chosen = tuple(back[at] for at in current)
        prices = np.array([self.price(*options[at], now.chosen) for at in kept])
        equation = np.array([options[at][0] for at in kept])
        for subset in self._promising(equations, chosen, equation, prices, len(left)):
            solved = np.linalg.lstsq(both[:, list(subset)], both[:, -1], rcond=None)[0]
            found.append((tuple(options[kept[at]] for at in subset), [float(v) for v in solved]))
        return found

    def siblings(self, term: DynamicsTerm) -> list[DynamicsTerm]:
        """The terms that a function is looked for in, at the inner constants of one that is chosen."""
        return self.kin[term.place](term.inner) if term.place in self.kin else []

    def _promising(
        self, of: UnitNormal, now: tuple[int, ...], equation: Ints, prices: Floats, rows: int
    ) -> list[tuple[int, ...]]:
        def score(subset: tuple[int, ...]) -> float:
            rest = of.rest(subset) / rows
            return rows * math.log(rest + 1e-12 * of.square / rows + 1e-300) + float(
                prices[list(subset)].sum()
            )

        def added(subset: tuple[int, ...], most: int) -> list[tuple[int, ...]]:
            gains, rest = of.gains(subset), of.rest(subset)
            left = np.maximum(rest - gains, 1e-12 * of.square)
            order = np.argsort(rows * np.log(left) + prices, kind="stable")[:most]
            return [tuple(sorted((*subset, int(at)))) for at in order if gains[at] > 0]

        with np.errstate(all="ignore"):
            near: set[tuple[int, ...]] = set(added(now, 8))
            for out in now:
                fewer = tuple(at for at in now if at != out)
                near.add(fewer)
                near.update(added(fewer, 4))
                for other in now:
                    if other > out:
                        near.update(added(tuple(at for at in fewer if at != other), 2))
            near.update(best_subsets(of, min(len(now) + 3, len(prices))))
            near.update(_one_equation_anew(of, now, equation, prices))
            near.discard(tuple(sorted(now)))
            scored: list[tuple[float, tuple[int, ...]]] = []
            for subset in sorted(near):
                try:
                    scored.append((score(subset), subset))
                except np.linalg.LinAlgError:
                    continue
            limit = score(now) + _PROMISE
        return [subset for value, subset in sorted(scored)[:_TRIALS] if value <= limit]


def _simpler(chosen: Chosen) -> Iterator[Chosen]:
    """With functions whose inner constants may be nothing as what they are then."""
    for place in dict.fromkeys(term.place for _, term in chosen if term.inner):
        if place[0] in SATURATIONS or FUNCTIONS[place[0]].simpler is not None:
            yield tuple((e, t.at_nothing if t.place == place else t) for e, t in chosen)


def _one_equation_anew(
    of: UnitNormal, now: tuple[int, ...], equation: Ints, prices: Floats
) -> Iterator[tuple[int, ...]]:
    """One equation's terms chosen from nothing beside those that the others have, of short terms and of all: what leaves
    least is rarely what is shortest."""
    levels = [prices <= most for most in np.quantile(prices, _LEVELS)]
    for own in np.unique(equation):
        others = [at for at in now if equation[at] != own]
        for level in levels:
            columns = np.flatnonzero((equation == own) & level)
            try:
                left = of.beside(others, columns)
                found = best_subsets(left, len(now) - len(others) + 1, triples=len(columns) <= MOST_CUBED)
                found = [exchanged_pairs(left, each) if len(each) > 2 else each for each in found]
            except np.linalg.LinAlgError:  # of terms that are one along these courses
                continue
            for chosen in found:
                yield tuple(sorted((*others, *(int(columns[at]) for at in chosen))))
