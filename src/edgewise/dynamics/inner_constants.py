"""Choices of terms that hold an inner constant: looked for at a few values, then at the one that suits each choice best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from edgewise._core.arrays import Floats
from edgewise.dynamics.candidates import TermFamily
from edgewise.dynamics.terms import DynamicsTerm, TermLibrary
from edgewise.dynamics.weak import SmoothedCourse, searches
from edgewise.pde.discovery.select_terms import SubsetSearch
from edgewise.pde.discovery.subsets import MOST_CUBED, best_subsets, exchanged_pairs, normal
from edgewise.pde.settings import DiscoveryConfig

# What splines through exact values miss of rates, as a share of their square.
_FLOOR = 1e-9
# Terms of a choice at most, and of one whose constant is fitted; how often and how closely that is, as a share.
_MOST, _MOST_FITTED, _EVALUATIONS, _CLOSE = 6, 4, 16, 1e-6
# Of each number of terms so many choices have their constant fitted.
_FITTED = 3


@dataclass(frozen=True, eq=False)
class WeakGuess:
    """Terms of one equation with their factors, and how well they do in the weak form; lower is better."""

    score: float
    terms: tuple[DynamicsTerm, ...]
    factors: Floats


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
        return np.concatenate([matrix @ library.values(places, inner) for matrix, places in self.courses])

    def fitted(self, chosen: Sequence[DynamicsTerm], low: float, high: float) -> tuple[float, float]:
        """The inner constant at which some terms leave least, and what they leave."""
        plain, own = (
            TermLibrary(tuple(term for term in chosen if term.has_inner == inner)) for inner in (False, True)
        )
        fixed = self.columns(plain, plain.inner) if plain.terms else np.empty((len(self.left), 0))
        sign = math.copysign(1.0, low)

        def rest(log: float) -> float:
            varied = self.columns(own, np.full(len(own.terms), sign * math.exp(log)))
            equations = normal(np.column_stack([fixed, varied]), self.left)
            try:
                return equations.rest(range(len(chosen)))
            except np.linalg.LinAlgError:
                return equations.square

        bounds = sorted((math.log(abs(low)), math.log(abs(high))))
        found: Any = minimize_scalar(
            lambda log: math.log(rest(log) + 1e-300),
            bounds=bounds,
            method="bounded",
            options={"maxiter": _EVALUATIONS, "xatol": _CLOSE},
        )
        return sign * math.exp(float(found.x)), rest(float(found.x))


@dataclass(frozen=True, eq=False)
class _Choice:
    """Terms at an inner constant on the grid, what they leave of a state's rows (of their square), the price of a term, and
    the constants beside it on the grid."""

    terms: tuple[DynamicsTerm, ...]
    rest: float
    rows: StateRows
    square: float
    price: float
    near: tuple[float, float]

    def score(self, rest: float) -> float:
        left = rest + _FLOOR * self.square
        return len(self.rows.left) * math.log(left) + self.price * len(self.terms)

    def fitted(self) -> tuple[float, tuple[DynamicsTerm, ...]]:
        """The terms at the constant that suits them best, and their score."""
        constant, rest = self.rows.fitted(self.terms, *self.near)
        terms = tuple(replace(term, inner=constant) if term.has_inner else term for term in self.terms)
        return self.score(rest), terms


@dataclass(frozen=True, eq=False)
class InnerSearch:
    """What choices of terms are looked for by.

    Attributes
    ----------
    courses : sequence of SmoothedCourse
    plain : tuple of DynamicsTerm
        Terms without inner constants, which may stand beside a family.
    config : DiscoveryConfig
    """

    courses: Sequence[SmoothedCourse]
    plain: tuple[DynamicsTerm, ...]
    config: DiscoveryConfig

    def best(self, families: Sequence[TermFamily], states: int, most: int) -> list[list[WeakGuess]]:
        """For each state so many choices of terms at most, each with one family, best first."""
        found: list[list[WeakGuess]] = [[] for _ in range(states)]
        for family in families:
            own: list[list[_Choice]] = [[] for _ in range(states)]
            for at, value in enumerate(family.values):
                terms = (*self.plain, *family.terms(value))
                near = family.values[max(at - 1, 0)], family.values[min(at + 1, len(family.values) - 1)]
                for state, search in enumerate(self._searches(terms, range(states))):
                    own[state] += self._choices(search, terms, near)
            for state, choices in enumerate(own):
                chosen = min(_scored(choices), key=lambda each: each[0])[1]
                if any(term.has_inner for term in chosen):
                    found[state].append(self._guess(family, chosen, state))
        return [sorted(each, key=lambda guess: guess.score)[:most] for each in found]

    def _choices(
        self, search: SubsetSearch, terms: Sequence[DynamicsTerm], near: tuple[float, float]
    ) -> list[_Choice]:
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

    def _guess(self, family: TermFamily, chosen: tuple[DynamicsTerm, ...], state: int) -> WeakGuess:
        """A choice with its factors, or a better one of all terms at its constant."""
        constant = next(term.inner for term in chosen if term.has_inner)
        terms = (*self.plain, *family.terms(constant))
        (search,) = self._searches(terms, [state])
        places = {term.key: at for at, term in enumerate(terms)}
        rows, own = search.plain, tuple(places[term.key] for term in chosen)
        subsets = [own, *(each for each in _subsets(search) if any(terms[at].has_inner for at in each))]
        score, subset = min((rows.score(each, search.choice, _FLOOR), each) for each in subsets)
        return WeakGuess(score, tuple(terms[at] for at in subset), rows.solve(subset))

    def _searches(self, terms: Sequence[DynamicsTerm], states: Iterable[int]) -> list[SubsetSearch]:
        return searches(self.courses, TermLibrary(tuple(terms)), states, self.config)


def _scored(choices: Sequence[_Choice]) -> Iterator[tuple[float, tuple[DynamicsTerm, ...]]]:
    """Choices with their scores: of few terms those that leave least, at the constant that suits each best."""
    for size in sorted({len(each.terms) for each in choices}):
        own = sorted((each for each in choices if len(each.terms) == size), key=lambda each: each.rest)
        for place, each in enumerate(own):
            if size <= _MOST_FITTED and place < _FITTED and any(term.has_inner for term in each.terms):
                yield each.fitted()
            else:
                yield each.score(each.rest), each.terms


def _subsets(search: SubsetSearch) -> list[tuple[int, ...]]:
    """The best few terms: at a constant next to the true one the true terms lead by little."""
    equations = search.plain.normal
    triples = len(equations.right) <= MOST_CUBED
    found = best_subsets(equations, min(_MOST, search.count // 3), triples=triples)
    if triples:
        found += [exchanged_pairs(equations, each) for each in found if len(each) == _MOST_FITTED]
    return found
