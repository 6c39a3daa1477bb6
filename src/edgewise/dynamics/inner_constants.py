"""Choices of terms that hold inner constants: looked for at a few values, then at those that suit each choice best."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.dynamics.families import Constants, TermFamily
from edgewise.dynamics.terms import DynamicsTerm, TermLibrary
from edgewise.dynamics.weak import SmoothedCourse, searches
from edgewise.pde.discovery.select_terms import SubsetSearch
from edgewise.pde.discovery.subsets import MOST_CUBED, best_subsets, best_triple, exchanged_pairs, normal

# What splines through exact values miss of rates, as a share of their square.
_FLOOR = 1e-9
# Terms of a choice at most, and of one whose constant is fitted; how often and how closely that is, as a share.
_MOST, _MOST_FITTED, _EVALUATIONS, _CLOSE = 6, 4, 16, 1e-6
# Of each number of terms so many choices have their constants fitted; evaluations of several constants.
_FITTED, _SEVERAL = 2, 50
# Of values with steps so many are looked at for all numbers of terms.
_KEPT = 4
# Units of work of rows made of values, and multiplications in one.
_CALL, _RATE = 1e-4, 2e9
# How often terms and inner constants are chosen in turns.
_TURNS = 4


@dataclass(frozen=True, eq=False)
class WeakGuess:
    """Terms of one equation with their factors, and how well they do in the weak form; lower is better."""

    score: float
    terms: tuple[DynamicsTerm, ...]
    factors: Floats


@dataclass(frozen=True, eq=False)
class SharedGuess:
    """Terms of two equations, by their states, with a function of the same inner constants in both."""

    guesses: Mapping[int, WeakGuess]

    @property
    def score(self) -> float:
        """How well they do together."""
        return sum(each.score for each in self.guesses.values())


@dataclass(frozen=True, eq=False)
class StateRows:
    """The rows of one state's weak form, those of each course in units of their left side.

    Attributes
    ----------
    left : ndarray, shape (K,)
    courses : sequence of (ndarray, ndarray)
        What makes rows of values at places, and the places.
    """

    left: Floats
    courses: Sequence[tuple[Floats, Floats]]

    def columns(self, library: TermLibrary, inner: Floats) -> Floats:
        """Terms at inner constants against every test function, (K, terms)."""
        charge(sum(_CALL + matrix.size * len(library.terms) / _RATE for matrix, _ in self.courses))
        return np.concatenate([matrix @ library.values(places, inner) for matrix, places in self.courses])

    def fitted(self, chosen: Sequence[DynamicsTerm], near: _Near) -> tuple[Constants, float]:
        """The inner constants at which some terms leave least, and what they leave."""
        plain, own = (
            TermLibrary(tuple(term for term in chosen if bool(term.inner) == inner))
            for inner in (False, True)
        )
        fixed = self.columns(plain, plain.inner) if plain.terms else np.empty((len(self.left), 0))

        def rest(constants: Floats) -> float:
            varied = self.columns(own, np.tile(constants, len(own.terms)))
            if not np.isfinite(varied).all():
                return math.inf
            equations = normal(np.column_stack([fixed, varied]), self.left)
            try:
                return equations.rest(range(len(chosen)))
            except np.linalg.LinAlgError:
                return equations.square

        found = _several(rest, near) if near.steps else _one(rest, near)
        return found, rest(np.array(found))


@dataclass(frozen=True)
class _Near:
    """Constants on the grid, and how far the search goes from them: between two others, or in steps."""

    at: Constants
    low: float
    high: float
    steps: Constants


def _near(family: TermFamily, at: int) -> _Near:
    values = family.values
    return _Near(values[at], values[max(at - 1, 0)][0], values[min(at + 1, len(values) - 1)][0], family.steps)


def _one(rest: Callable[[Floats], float], near: _Near) -> Constants:
    sign = math.copysign(1.0, near.low)
    found: Any = minimize_scalar(
        lambda log: math.log(rest(np.array([sign * math.exp(log)])) + 1e-300),
        bounds=sorted((math.log(abs(near.low)), math.log(abs(near.high)))),
        method="bounded",
        options={"maxiter": _EVALUATIONS, "xatol": _CLOSE},
    )
    return (sign * math.exp(float(found.x)),)


def _several(rest: Callable[[Floats], float], near: _Near) -> Constants:
    start = np.array(near.at)
    found: Any = minimize(
        lambda constants: math.log(rest(constants) + 1e-300),
        start,
        method="Nelder-Mead",
        options={
            "maxfev": _SEVERAL,
            "initial_simplex": np.vstack([start, start + np.diag(near.steps)]),
            "xatol": _CLOSE,
            "fatol": _CLOSE,
        },
    )
    return tuple(found.x.tolist())


@dataclass(frozen=True, eq=False)
class _Choice:
    """Terms at inner constants on the grid, what they leave of a state's rows (of their square), the price of a term, and
    where better constants are looked for."""

    terms: tuple[DynamicsTerm, ...]
    rest: float
    rows: StateRows
    square: float
    price: float
    near: _Near

    def score(self, rest: float) -> float:
        left = rest + _FLOOR * self.square
        constants = max((len(term.inner) for term in self.terms), default=0)
        rows = len(self.rows.left)
        return rows * math.log(left) + self.price * len(self.terms) + constants * math.log(rows)

    def fitted(self) -> tuple[float, tuple[DynamicsTerm, ...]]:
        """The terms at the constants that suit them best, and their score."""
        constants, rest = self.rows.fitted(self.terms, self.near)
        return self.score(rest), _at(self.terms, constants)


@dataclass(frozen=True, eq=False)
class InnerSearch:
    """What choices of terms are looked for by.

    Attributes
    ----------
    courses : sequence of SmoothedCourse
    plain : tuple of DynamicsTerm
        Terms without inner constants, which may stand beside a family.
    makes_sense : callable
        Whether a term's inner constants are such that the courses determine them.
    until : float
        The count of work (see `spent`) where it ends.
    """

    courses: Sequence[SmoothedCourse]
    plain: tuple[DynamicsTerm, ...]
    makes_sense: Callable[[DynamicsTerm], bool]
    until: float = math.inf

    def best(
        self, families: Sequence[TermFamily], states: int, most: int
    ) -> tuple[list[list[WeakGuess]], list[SharedGuess]]:
        """For each state so many choices of terms at most, each with one family, best first; and as many in which two states
        have one family at the same inner constants, as what leaves one state and enters another does."""
        found: list[list[WeakGuess]] = [[] for _ in range(states)]
        pairs: list[SharedGuess] = []
        for family in families:
            if spent() > self.until:
                break
            every = [(*self.plain, *family.terms(value)) for value in family.values]
            own = zip(*(self._searches(terms, range(states)) for terms in every), strict=True)
            at_grid: list[dict[int, WeakGuess]] = []
            for state, at_values in enumerate(own):
                kept = list(range(len(every)))
                if family.steps:
                    kept = sorted(kept, key=lambda at: _screened(at_values[at]))[:_KEPT]
                choices = {at: self._choices(at_values[at], every[at], _near(family, at)) for at in kept}
                on_grid = {at: _unfitted(each, at_values[at], every[at]) for at, each in choices.items()}
                at_grid.append(
                    {
                        at: each
                        for at, each in on_grid.items()
                        if each is not None and self._is_sound(each.terms)
                    }
                )
                found[state] += self._fitted(family, itertools.chain(*choices.values()), state)
            pairs += _shared(at_grid)
        ranked = [sorted(each, key=lambda guess: guess.score) for each in found]
        # Of pairs of states those whose scores lag least behind the best of each.
        lag = {
            pair: pair.score - sum(ranked[e][0].score for e in pair.guesses if ranked[e]) for pair in pairs
        }
        return [each[:most] for each in ranked], sorted(pairs, key=lambda pair: lag[pair])[:most]

    def _is_sound(self, terms: Sequence[DynamicsTerm]) -> bool:
        return all(map(self.makes_sense, terms))

    def _fitted(self, family: TermFamily, choices: Iterable[_Choice], state: int) -> list[WeakGuess]:
        """The best of some choices once constants are fitted; none where it is without the family."""
        scored = [each for each in _scored(list(choices)) if self._is_sound(each[1])]
        _, chosen, near = min(scored, key=lambda each: each[0], default=(0.0, (), None))
        if near is None or not any(term.inner for term in chosen):
            return []
        return self._guess(family, chosen, near, state)

    def _choices(self, search: SubsetSearch, terms: Sequence[DynamicsTerm], near: _Near) -> list[_Choice]:
        """The best choices of each number of terms."""
        equations, price = search.plain.normal, search.choice
        rows = StateRows(search.plain.left, self._courses(search))
        return [
            _Choice(
                tuple(terms[at] for at in each), equations.rest(each), rows, equations.square, price, near
            )
            for each in _subsets(search)
        ]

    def _courses(self, search: SubsetSearch) -> list[tuple[Floats, Floats]]:
        return [
            (course.weights.values(0) * (course.weights.step / size), course.places)
            for course, size in zip(self.courses, search.sizes, strict=True)
        ]

    def _guess(
        self, family: TermFamily, chosen: tuple[DynamicsTerm, ...], near: _Near, state: int
    ) -> list[WeakGuess]:
        """A choice with its factors, or a better one of all terms at its constants, and of these at those that suit it
        better, in turns; none where it has no values there."""
        best: list[WeakGuess] = []
        for _ in range(_TURNS):
            constants = next(term.inner for term in chosen if term.inner)
            terms = (*self.plain, *family.terms(constants))
            (search,) = self._searches(terms, [state])
            places = {term.key: at for at, term in enumerate(terms)}
            if not all(term.key in places and self.makes_sense(term) for term in chosen):
                break
            rows, own = search.plain, tuple(places[term.key] for term in chosen)
            subsets = [own, *(each for each in _subsets(search) if any(terms[at].inner for at in each))]
            score, subset = min((rows.score(each, search.choice, _FLOOR), each) for each in subsets)
            score += len(constants) * math.log(search.count)
            if best and score > best[0].score - 1:
                break
            best = [WeakGuess(score, tuple(terms[at] for at in subset), rows.solve(subset))]
            near = replace(near, at=constants, steps=tuple(each / 2 for each in near.steps))
            better, _ = StateRows(rows.left, self._courses(search)).fitted(best[0].terms, near)
            chosen = _at(best[0].terms, better)
        return best

    def _searches(self, terms: Sequence[DynamicsTerm], states: Iterable[int]) -> list[SubsetSearch]:
        return searches(self.courses, TermLibrary(tuple(terms)), states)


def _unfitted(
    choices: Sequence[_Choice], search: SubsetSearch, terms: Sequence[DynamicsTerm]
) -> WeakGuess | None:
    """The best choice with the family at inner constants of the grid; none where no choice has it."""
    own = [each for each in choices if any(term.inner for term in each.terms)]
    if not own:
        return None
    best = min(own, key=lambda each: each.score(each.rest))
    subset = tuple(terms.index(term) for term in best.terms)
    return WeakGuess(best.score(best.rest), best.terms, search.plain.solve(subset))


def _shared(at_grid: Sequence[Mapping[int, WeakGuess]]) -> list[SharedGuess]:
    """For every two states the inner constants of the grid at which a family does best in both."""
    found: list[SharedGuess] = []
    for one, other in itertools.combinations(range(len(at_grid)), 2):
        both = [
            {one: guess, other: at_grid[other][at]}
            for at, guess in at_grid[one].items()
            if at in at_grid[other]
        ]
        if both:
            found.append(SharedGuess(min(both, key=lambda pair: sum(each.score for each in pair.values()))))
    return found


def _at(terms: Sequence[DynamicsTerm], constants: Constants) -> tuple[DynamicsTerm, ...]:
    return tuple(replace(term, inner=constants) if term.inner else term for term in terms)


def _scored(choices: Sequence[_Choice]) -> Iterator[tuple[float, tuple[DynamicsTerm, ...], _Near]]:
    """Choices with their scores and where they were found: of few terms those that leave least, at the constants that suit
    each best."""
    for size in sorted({len(each.terms) for each in choices}):
        own = sorted((each for each in choices if len(each.terms) == size), key=lambda each: each.rest)
        for place, each in enumerate(own):
            if size <= _MOST_FITTED and place < _FITTED and any(term.inner for term in each.terms):
                yield *each.fitted(), each.near
            else:
                yield each.score(each.rest), each.terms, each.near


def _screened(search: SubsetSearch) -> float:
    """About how well the best few terms do at some inner constants: the best three, then whatever gains most."""
    equations, price = search.plain.normal, search.choice
    few = len(equations.right) <= MOST_CUBED
    chosen = best_triple(equations) if few and len(equations.right) >= 3 else ()
    scores = [math.inf]
    while True:
        left = equations.rest(chosen) + _FLOOR * equations.square
        scores.append(search.count * math.log(left) + price * len(chosen))
        gains = equations.gains(chosen)
        if len(chosen) >= min(_MOST, search.count // 3) or not gains.max() > 0:
            return min(scores)
        chosen = (*chosen, int(gains.argmax()))


def _subsets(search: SubsetSearch) -> list[tuple[int, ...]]:
    """The best few terms: at a constant next to the true one the true terms lead by little."""
    equations = search.plain.normal
    triples = len(equations.right) <= MOST_CUBED
    found = best_subsets(equations, min(_MOST, search.count // 3), triples=triples)
    if triples:
        found += [exchanged_pairs(equations, each) for each in found if len(each) == _MOST_FITTED]
    return found
