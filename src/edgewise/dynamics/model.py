"""A system of equations with constants: each right-hand side a sum of terms, constants free, tied or fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.dynamics.terms import RateTerm
from edgewise.forms.tree import Node, Number, ratio, summed
from edgewise.symbolic.expressions.tape import Tape

# Inner constants that start so near each other, as a share, are one.
_NEAR = 0.4


Key = frozenset[object]


def key_of(chosen: Sequence[tuple[int, RateTerm]]) -> Key:
    """What tells choices of terms apart: the equation of each, and what it is but for its constants inside."""
    return frozenset(Counter((e, term.key) for e, term in chosen).items())


@dataclass(frozen=True, eq=False)
class TermModel:
    """The terms of all equations.

    Attributes
    ----------
    states : int
        How many equations there are.
    terms : tuple of RateTerm
    equation : tuple of int
        The equation that each term stands in.
    spread : ndarray, shape (numbers, constants)
        What the numbers, factors of the terms and then inner constants, are made of; unit vectors where all are free.
    offset : ndarray, shape (numbers,)
        And what they are without the constants: numbers that are fixed.
    start : ndarray, shape (constants,)
    """

    states: int
    terms: tuple[RateTerm, ...]
    equation: tuple[int, ...]
    spread: Floats
    offset: Floats
    start: Floats

    @cached_property
    def inner(self) -> Ints:
        """The term of each inner constant."""
        return np.array([at for at, term in enumerate(self.terms) for _ in term.inner], dtype=np.int64)

    @cached_property
    def places(self) -> list[tuple[Node, int]]:
        """Where each inner constant stands (see `RateTerm.places`)."""
        return [place for term in self.terms for place in term.places]

    @cached_property
    def exponents(self) -> list[bool]:
        """Which inner constants are powers."""
        return [at in term.tape.exponents for term in self.terms for at in range(term.tape.size)]

    def _split(self, inner: Floats) -> list[Floats]:
        """The inner constants of each term."""
        ends = accumulate((term.tape.size for term in self.terms), initial=0)
        return [inner[low:high] for low, high in pairwise(ends)]

    @cached_property
    def _place(self) -> Floats:
        return np.eye(self.states)[list(self.equation)].reshape(len(self.terms), self.states)

    @property
    def keys(self) -> Key:
        """The equation of each term, and what it is but for its inner constants."""
        return key_of(list(zip(self.equation, self.terms, strict=True)))

    def numbers(self, constants: Floats) -> tuple[Floats, Floats]:
        """Factors of the terms, and their inner constants."""
        every = self.offset + self.spread @ constants
        return every[: len(self.terms)], every[len(self.terms) :]

    def known(self, constants: Floats) -> tuple[RateTerm, ...]:
        """The terms with their inner constants."""
        _, inner = self.numbers(constants)
        return tuple(term.at(own.tolist()) for term, own in zip(self.terms, self._split(inner), strict=True))

    def rates(self, constants: Floats) -> Callable[[Floats], Floats]:
        """Right-hand sides as a function of points (m, q) -> (states, q)."""
        factors, inner = self.numbers(constants)
        each = [[factor, *own] for factor, own in zip(factors.tolist(), self._split(inner), strict=True)]
        known = [np.array([value for at in own for value in each[at]]) for own in self._of]

        def at(Z: Floats) -> Floats:
            rows, found = Z.T, np.zeros((self.states, Z.shape[1]))
            for e, (tape, own) in enumerate(zip(self._sides, known, strict=True)):
                if tape is not None:
                    found[e] = tape.value(own, rows)
            return found

        return at

    @cached_property
    def _of(self) -> list[list[int]]:
        """The terms of each equation."""
        return [[at for at, e in enumerate(self.equation) if e == own] for own in range(self.states)]

    @cached_property
    def _sides(self) -> list[Tape | None]:
        """The right-hand side of each equation that has one; the constants of a term are its factor and those inside."""
        sides = [
            summed([Number(1.0) * self.terms[at].tape.tree for at in own]) if own else None
            for own in self._of
        ]
        return [None if side is None else Tape(side, self.terms[0].tape.columns) for side in sides]

    def slopes(self, Z: Floats, constants: Floats) -> tuple[Floats, Floats, Floats]:
        """Right-hand sides (q, d), their slopes in the states (q, d, d) and in the constants (q, d, constants)."""
        q, d = len(Z), self.states
        if not self.terms:
            return np.zeros((q, d)), np.zeros((q, d, d)), np.zeros((q, d, 0))
        factors, inner = self.numbers(constants)
        found = [term.tape.gradient(own, Z) for term, own in zip(self.terms, self._split(inner), strict=True)]
        values = np.column_stack([value for value, _, _ in found])
        gradient = np.stack([slopes for _, slopes, _ in found], axis=1)
        inward = np.hstack([slopes for *_, slopes in found])
        in_states = np.tensordot(gradient[:, :, :d] * factors[:, None], self._place, axes=(1, 0)).transpose(
            0, 2, 1
        )
        numbers = np.concatenate([values, inward * factors[self.inner]], axis=1)
        place = np.vstack([self._place, self._place[self.inner]])
        in_constants = (numbers[:, None, :] * place.T[None]) @ self.spread
        return (values * factors) @ self._place, in_states, in_constants

    def trees(self, constants: Floats) -> tuple[Node, ...]:
        """The formula of each right-hand side; fixed numbers are exact."""
        every = self.offset + self.spread @ constants
        free = np.abs(self.spread).sum(1) > 0
        numbers = [_number(value, measured) for value, measured in zip(every, free, strict=True)]
        sides: list[list[Node]] = [[] for _ in range(self.states)]
        for at, (e, term) in enumerate(zip(self.equation, self.terms, strict=True)):
            within = len(self.terms) + np.flatnonzero(self.inner == at)
            tree = term.tape.with_constants([numbers[n] for n in within])
            sides[e].append(_product(numbers[at], tree))
        return tuple(summed(parts) if parts else Number(0) for parts in sides)

    def tied(self, one: int, other: int, sign: float, constants: Floats) -> TermModel:
        """With one number fewer: a constant is the other, or its negative."""
        spread = self.spread.copy()
        spread[:, other] += sign * spread[:, one]
        return replace(self, spread=np.delete(spread, one, 1), start=np.delete(constants, one))

    def fixed(self, one: int, value: float, constants: Floats) -> TermModel:
        """With one constant fewer: it is a plain number."""
        return replace(
            self,
            offset=self.offset + self.spread[:, one] * value,
            spread=np.delete(self.spread, one, 1),
            start=np.delete(constants, one),
        )

    def without(self, one: int, constants: Floats) -> TermModel:
        """Without the terms whose factor is one constant alone, and what only these needed."""
        rows = np.count_nonzero(self.spread, axis=1)
        gone = {
            at
            for at in range(len(self.terms))
            if rows[at] == 1 and self.spread[at, one] and not self.offset[at]
        }
        kept = [at for at in range(len(self.terms)) if at not in gone]
        inner = [len(self.terms) + n for n, term in enumerate(self.inner) if int(term) not in gone]
        spread = self.spread[[*kept, *inner]]
        needed = np.abs(spread).sum(axis=0) > 0
        return replace(
            self,
            terms=tuple(self.terms[at] for at in kept),
            equation=tuple(self.equation[at] for at in kept),
            spread=spread[:, needed],
            offset=self.offset[[*kept, *inner]],
            start=constants[needed],
        )


def free(
    states: int, terms: Sequence[RateTerm], equation: Sequence[int], factors: Sequence[float]
) -> TermModel:
    """A model whose factors are all free. Terms of one equation with one function of the same variables share its inner
    constants, and those of several equations do where they start near each other."""
    start = [float(value) for value in factors]
    known: list[tuple[int, tuple[Node, int], float, int]] = []
    places: list[int] = []
    for e, term in zip(equation, terms, strict=True):
        for place, value in zip(term.places, term.inner, strict=True):
            like = [name for name in known if name[1] == place]
            beside = [at for other, _, _, at in like if other == e]
            near = [at for _, _, other, at in like if _are_near(other, value)]
            own = (beside or near or [len(start)])[0]
            if own == len(start):
                start.append(value)
            known.append((int(e), place, value, own))
            places.append(own)
    spread = np.zeros((len(terms) + len(places), len(start)))
    spread[: len(terms), : len(terms)] = np.eye(len(terms))
    spread[len(terms) + np.arange(len(places)), places] = 1.0
    return TermModel(
        states, tuple(terms), tuple(int(e) for e in equation), spread, np.zeros(len(spread)), np.array(start)
    )


def _are_near(one: float, other: float) -> bool:
    return abs(one - other) <= _NEAR * max(abs(one), abs(other))


# Denominators of numbers that are written as ratios.
RATIOS = (1, 2, 3, 4)


def _number(value: float, measured: bool) -> Node:
    bottom = next((n for n in RATIOS if abs(round(value * n) - value * n) < 1e-9), None)
    return Number(float(value)) if measured or bottom is None else ratio(round(value * bottom), bottom)


def _product(factor: Node, term: Node) -> Node:
    if term == Number(1):
        return factor
    if factor == Number(1):
        return term
    if factor == Number(-1):
        return -term
    return factor * term
