"""Which terms the equations are made of, judged by solutions along the whole courses.

A system is fitted by shooting; around its solution, what other terms do is linear in their factors, so that one table shows
what adding, dropping and exchanging terms would gain. The most promising are fitted in earnest, and the best taken while the
description of courses and equations gets shorter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import Meter, charge
from edgewise.dynamics.model import Key, TermModel, free, key_of
from edgewise.dynamics.pieces import CoursePieces
from edgewise.dynamics.shooting import Shooting, ShootingFit, ShootingPoint, fitted
from edgewise.dynamics.terms import RateTerm
from edgewise.symbolic.fitting.code_length import NUMBER_NATS, OPERATOR_NATS
from edgewise.symbolic.provenance import attempted
from edgewise.symbolic.terms.pool import split
from edgewise.symbolic.terms.subsets import Subsets

# A choice of terms is fitted at most so often, from other constants.
_FITS = 3
# Systems fitted after each table of what exchanging terms would gain, and tables at most.
_TRIALS = 6
_TABLES = 12
# A promise is worth a fit where it lacks no more nats than this.
_PROMISE = 6.0
# Terms tried beside all of a system, beside all but one, and beside all but two.
_BESIDE = (8, 4, 2)
# Terms of an equation that is chosen anew, and how often each is exchanged.
_ANEW, _ROUNDS = 3, 2
# Where only rounding remains, terms below this share of their equation's largest may go.
_IDLE_SHARE = 1e-2
# The gap allowed when tables are computed.
_TABLE_GAP = 1e-2
# What noise cannot tell from nothing in a table, as a share of the sum of squares.
_UNSEEN = 1e-12

Chosen = tuple[tuple[int, RateTerm], ...]
# Below this share of a state's spread, what is left is the solver's rounding.
_ROUNDING = 1e-7
# A solution whose steps are halved shows how wrong the solver is, in so many mean squares; where that is more than this
# share of a state's spread, it is the model that is wrong.
_TIMES_WRONG, _MOST_WRONG = 10.0, 1e-4


@dataclass(frozen=True, eq=False)
class Judged:
    """A fitted choice of terms, and twice the nats that courses and equations take."""

    chosen: Chosen
    fit: ShootingFit
    criterion: float
    step: str = ""

    @property
    def factors(self) -> list[float]:
        """Those of its terms."""
        return self.fit.model.numbers(self.fit.point.constants)[0].tolist()


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
    pool : tuple of RateTerm
        What may be exchanged for terms.
    variables : ndarray, shape (rows, m)
        States and inputs, as they were measured.
    meter : Meter
        The search ends where its work is spent.
    between : float
        What inputs may do between the times at which they were measured, as a share of a state's spread.
    step : str
        The step of the search that judges choices now.
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
    pool: tuple[RateTerm, ...]
    variables: Floats
    meter: Meter
    between: float = 0.0
    step: str = ""
    best: Judged | None = None
    tried: dict[Key, tuple[int, float]] = field(default_factory=dict[Key, tuple[int, float]])
    found: list[Judged] = field(default_factory=list[Judged])

    def __post_init__(self) -> None:
        self.states = self.smooth.shape[1]
        variance = self.pieces.values.var(0)
        self.floor = self._rounding = (_ROUNDING**2 + self.between**2) * variance
        # Ten times what rounding does to a number, once it has gone through all steps.
        self._exact = self._rounded = (100 * _ROUNDING**2 + self.between**2) * variance
        # What is written already is referred to like a column, with an operator and a factor.
        self._again = 2 * OPERATOR_NATS + 1 + math.log(self.variables.shape[1]) + NUMBER_NATS
        # Nats of a measured constant.
        self.measured = 0.5 * math.log(self.pieces.values.size)

    def begin_again(self, pieces: CoursePieces) -> None:
        """Forget what was fitted: the pieces are others."""
        self.pieces, self.best = pieces, None
        self.tried.clear()
        self.found.clear()

    def solved_to(self, variance: Floats) -> None:
        """Take what the solver gets wrong of each state, its mean square, for no evidence of anything."""
        wrong = _TIMES_WRONG * np.minimum(variance, _MOST_WRONG**2 * self.pieces.values.var(0))
        self.floor, self._exact = self._rounding + wrong, self._rounded + wrong
        self.found = [replace(item, criterion=self.criterion(item.fit)) for item in self.found]
        self.best = min(self.found, key=lambda item: item.criterion, default=None)

    def criterion(self, fit: ShootingFit) -> float:
        """Twice the nats of the courses for noise of any size in each state, of the terms and of their constants."""
        n = len(self.pieces.values)
        courses = float(n * np.log(fit.squares / n + self.floor).sum())
        return courses + 2 * self.words(fit.model) + 2 * self.measured * len(fit.point.constants)

    def words(self, model: TermModel) -> float:
        """Nats of the terms; what stands in one equation is referred to in others."""
        seen, total = set[object](), 0.0
        for term in model.terms:
            total += min(term.nats, self._again) if term.key in seen else term.nats
            seen.add(term.key)
        return total

    def is_exact(self, judged: Judged) -> bool:
        """Whether only rounding is left, and what inputs may do between the times at which they were measured."""
        return bool((judged.fit.squares / len(self.pieces.values) <= self._exact).all())

    def judged(self, chosen: Chosen, factors: Sequence[float], near: Judged | None = None) -> Judged | None:
        """A choice of terms, fitted; None where its solutions blow up or it has been tried."""
        key = key_of(chosen)
        if not self._is_worth_it(key, near):
            return None
        model = free(self.states, [term for _, term in chosen], [e for e, _ in chosen], factors)
        starts = self.smooth[self.pieces.first] if near is None else near.fit.point.starts
        noise = self.noise if near is None else self.left(near)
        found = None
        with attempted("solutions"):
            found = fitted(self.pieces, model, noise, starts, warm=near is not None)
        if found is None:
            return None
        known = found.model.known(found.point.constants)
        if not all(term.is_seen for term in known):
            return None
        now = tuple((e, term) for (e, _), term in zip(chosen, known, strict=True))
        judged = Judged(now, found, self.criterion(found), self.step)
        if math.isfinite(judged.criterion):
            self.found.append(judged)
            if self.best is None or judged.criterion < self.best.criterion:
                self.best = judged
        self.tried[key] = (self.tried[key][0], min(self.tried[key][1], judged.criterion))
        return judged

    def _is_worth_it(self, key: Key, near: Judged | None) -> bool:
        """Whether a choice is new, or was once fitted worse than one near it that it should better."""
        times, reached = self.tried.get(key, (0, math.inf))
        if times >= _FITS or (times and (near is None or reached <= near.criterion)):
            return False
        self.tried[key] = (times + 1, reached)
        return True

    def near(self, most: int) -> list[Judged]:
        """The best fit of each of at most so many choices, the best first."""
        each: dict[Key, Judged] = {}
        for judged in sorted(self.found, key=lambda one: one.criterion):
            each.setdefault(key_of(judged.chosen), judged)
        return list(each.values())[:most]

    def without_idle(self, judged: Judged) -> Judged:
        """Of a choice that leaves only rounding one without the terms that do next to nothing, if that leaves no more."""
        values = np.array(judged.factors)
        columns = [term.tape.value(term.tape.start, self.variables) for _, term in judged.chosen]
        sizes = np.array([np.abs(column).max() for column in columns]) * np.abs(values)
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
            better = min(found, key=lambda item: item.criterion, default=None)
            if better is None or better.criterion >= best.criterion:
                break
            best = better
        return best

    def _proposed(self, now: Judged) -> list[tuple[Chosen, list[float]]]:
        """The choices near one that promise most, with the factors to start from."""
        model, point, count = now.fit.model, now.fit.point, len(now.chosen)
        # The terms of the system come first, at their constants.
        terms = tuple(dict.fromkeys([*(term for _, term in now.chosen), *self.pool]))
        residual, table = Shooting(self.pieces, model, self.left(now), _TABLE_GAP).matrix(
            ShootingPoint(point.starts, point.constants), terms
        )
        starts = point.starts.size
        columns = table[:, starts + len(point.constants) :].reshape(len(table), self.states, 2, len(terms))
        values, slopes = (columns[:, :, at].reshape(len(table), -1) for at in (0, 1))
        options = [(e, term) for e in range(self.states) for term in terms]
        usable = np.isfinite(values).all(0) & (np.abs(values).max(0) < 1e100) & (np.abs(values).max(0) > 0)
        places = {(e, term): at for at, (e, term) in enumerate(options)}
        current = [places[name] for name in now.chosen]
        if not usable[current].all() or not np.isfinite(table[:, :starts]).all():
            return []
        slopes = np.where(np.isfinite(slopes).all(0) & (np.abs(slopes).max(0) < 1e100), slopes, 0.0)
        left = residual + values[:, current] @ np.array(now.factors)
        aside = table[:, :starts]
        basis, _ = np.linalg.qr(aside / np.maximum(np.linalg.norm(aside, axis=0), 1e-300))
        kept = np.flatnonzero(usable)
        values, slopes, left = (
            item - basis @ (basis.T @ item) for item in (values[:, kept], slopes[:, kept], left)
        )
        charge(4 * values.size * starts / 2e9)
        price = np.array([self._price(*options[at], now.chosen) for at in kept])
        floor = _UNSEEN * float(left @ left)
        subsets = Subsets(*split(values, slopes), left, 0.0, self.pieces.values.size, floor, price)
        back = {int(at): n for n, at in enumerate(kept)}
        chosen = [back[at] for at in current]
        found = list[tuple[Chosen, list[float]]]()
        equation = np.array([options[at][0] for at in kept])
        for subset in self._promising(subsets, chosen, equation):
            solved = np.linalg.lstsq(values[:, subset], left, rcond=None)[0]
            found.append((tuple(options[kept[at]] for at in subset), solved.tolist()))
        charge(1e-5 * count)
        return found

    def _price(self, equation: int, term: RateTerm, beside: Chosen) -> float:
        """Nats of a term with its constants; of one that another equation has, those of referring to it."""
        again = any(e != equation and other.key == term.key for e, other in beside)
        if again:
            return min(term.nats, self._again) + self.measured
        return term.nats + self.measured * (1 + term.tape.size)

    def _promising(self, subsets: Subsets, now: Sequence[int], equation: Ints) -> list[list[int]]:
        """Sets near one, with a term more, others in place of one and two, or one equation anew, that promise most."""
        scored = dict[tuple[int, ...], float]()
        limit = math.inf
        with np.errstate(all="ignore"):
            for size, most in enumerate(_BESIDE):
                for gone in itertools.combinations(now, size):
                    rest = [at for at in now if at not in gone]
                    costs = subsets.costs(rest)
                    for at in np.argsort(costs, kind="stable")[:most].tolist():
                        scored[tuple(sorted([*rest, at]))] = float(costs[at])
            for at in now:
                rest = [number for number in now if number != at]
                own = tuple(sorted(now))
                limit = scored[own] = float(subsets.costs(rest)[at])
                if len(rest) > 1:
                    scored[tuple(sorted(rest))] = float(subsets.costs(rest[:-1])[rest[-1]])
            for own in range(self.states):
                scored |= _anew(subsets, [at for at in now if equation[at] != own], equation == own)
        scored.pop(tuple(sorted(now)), None)
        ranked = sorted(scored, key=lambda item: scored[item])
        return [list(item) for item in ranked[:_TRIALS] if scored[item] <= limit + _PROMISE]


def _anew(subsets: Subsets, beside: Sequence[int], own: Bools) -> dict[tuple[int, ...], float]:
    """Few terms of an equation chosen from nothing beside the terms of others, with their nats."""
    found, grown = dict[tuple[int, ...], float](), list[int]()

    def best(rest: Sequence[int]) -> tuple[float, int]:
        costs = np.where(own, subsets.costs([*beside, *rest]), np.inf)
        at = int(np.argmin(costs))
        return float(costs[at]), at

    for _ in range(_ANEW):
        now, at = best(grown)
        grown.append(at)
        for place in itertools.islice(itertools.cycle(range(len(grown))), _ROUNDS * len(grown)):
            cost, at = best([*grown[:place], *grown[place + 1 :]])
            if cost < now:
                now, grown[place] = cost, at
        if not math.isfinite(now):
            break
        found[tuple(sorted([*beside, *grown]))] = now
    return found
