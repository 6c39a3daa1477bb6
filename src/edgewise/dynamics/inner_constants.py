"""Choices of terms that hold an inner constant: looked for at a few values, then at the one that suits each choice best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar

from edgewise._core.arrays import Floats
from edgewise.dynamics.candidates import TermFamily
from edgewise.dynamics.terms import DynamicsTerm, TermLibrary
from edgewise.dynamics.weak import SmoothedCourse, searches
from edgewise.pde.discovery.select_terms import SubsetSearch
from edgewise.pde.discovery.subsets import best_subsets
from edgewise.pde.settings import DiscoveryConfig

# What splines through exact values miss of rates, as a share of their square.
_FLOOR = 1e-9
# Terms of a choice at most, and of one whose constant is fitted; how often and how closely that is, as a share.
_MOST, _MOST_FITTED, _EVALUATIONS, _CLOSE = 6, 4, 24, 1e-7


@dataclass(frozen=True, eq=False)
class WeakGuess:
    """Terms of one equation with their factors, and how well they do in the weak form; lower is better."""

    score: float
    terms: tuple[DynamicsTerm, ...]
    factors: Floats


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
        rough: list[list[tuple[float, int, int]]] = [[] for _ in range(states)]
        for number, family in enumerate(families):
            every = [self._guesses(family, value, range(states)) for value in family.values]
            for state in range(states):
                scores = [
                    math.inf if guess is None else guess.score for guess in (own[state] for own in every)
                ]
                at = int(np.argmin(scores))
                if scores[at] < math.inf:
                    rough[state].append((scores[at], number, at))
        return [
            sorted(
                (self._fine(families[number], at, state) for _, number, at in sorted(own)[:most]),
                key=lambda guess: guess.score,
            )
            for state, own in enumerate(rough)
        ]

    def _fine(self, family: TermFamily, at: int, state: int) -> WeakGuess:
        """The best choice between the values beside one at which there is one."""
        values = [family.values[at]]
        low, high = (family.values[max(at - 1, 0)], family.values[min(at + 1, len(family.values) - 1)])
        terms = (*self.plain, *family.terms(values[0]))
        for subset in _subsets(self._search(terms, [state])[0]):
            chosen = [terms[n] for n in subset]
            if len(chosen) <= _MOST_FITTED and any(term.has_inner for term in chosen):
                values.append(self._fitted(chosen, state, low, high))
        guesses = [
            guess for value in values if (guess := self._guesses(family, value, [state])[0]) is not None
        ]
        return min(guesses, key=lambda guess: guess.score)

    def _fitted(self, chosen: Sequence[DynamicsTerm], state: int, low: float, high: float) -> float:
        """The inner constant at which some terms leave least."""

        def rest(log: float) -> float:
            value = math.copysign(math.exp(log), low)
            terms = [replace(term, inner=value) if term.has_inner else term for term in chosen]
            columns = self._search(terms, [state])[0].plain.normal
            try:
                return math.log(columns.rest(range(len(terms))) + _FLOOR**2 * columns.square)
            except np.linalg.LinAlgError:
                return math.inf

        bounds = sorted((math.log(abs(low)), math.log(abs(high))))
        options = {"maxiter": _EVALUATIONS, "xatol": _CLOSE}
        found = minimize_scalar(rest, bounds=bounds, method="bounded", options=options)
        return math.copysign(math.exp(float(found.x)), low)

    def _search(self, terms: Sequence[DynamicsTerm], states: Iterable[int]) -> list[SubsetSearch]:
        return searches(self.courses, TermLibrary(tuple(terms)), states, self.config)

    def _guesses(self, family: TermFamily, value: float, states: Iterable[int]) -> list[WeakGuess | None]:
        """The best choice for each state, where it has an inner constant."""
        terms = (*self.plain, *family.terms(value))
        found: list[WeakGuess | None] = []
        for search in self._search(terms, states):
            rows = search.plain
            score, subset = min((rows.score(each, search.choice, _FLOOR), each) for each in _subsets(search))
            chosen = tuple(terms[at] for at in subset)
            inner = any(term.has_inner for term in chosen)
            found.append(WeakGuess(score, chosen, rows.solve(subset)) if inner else None)
        return found


def _subsets(search: SubsetSearch) -> list[tuple[int, ...]]:
    return best_subsets(search.plain.normal, min(_MOST, search.count // 3))
