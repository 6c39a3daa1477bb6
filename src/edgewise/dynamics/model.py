"""A system of equations with constants: each right-hand side a sum of terms, constants free, tied or fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.dynamics.terms import DynamicsTerm, TermLibrary, exact
from edgewise.forms.tree import Node, Number, summed

# Inner constants that start so near each other, as a share, are one.
_NEAR = 0.4


@dataclass(frozen=True, eq=False)
class TermModel:
    """The terms of all equations.

    Attributes
    ----------
    states : int
        How many equations there are.
    terms : tuple of DynamicsTerm
    equation : tuple of int
        The equation that each term stands in.
    spread : ndarray, shape (numbers, constants)
        What the numbers, factors of the terms and then inner constants, are made of; unit vectors where all are free.
    offset : ndarray, shape (numbers,)
        And what they are without the constants: numbers that are fixed.
    start : ndarray, shape (constants,)
    """

    states: int
    terms: tuple[DynamicsTerm, ...]
    equation: tuple[int, ...]
    spread: Floats
    offset: Floats
    start: Floats

    @cached_property
    def library(self) -> TermLibrary:
        """The terms, to be evaluated."""
        return TermLibrary(self.terms)

    @property
    def inner(self) -> Ints:
        """The term of each inner constant."""
        return self.library.owners

    @cached_property
    def _place(self) -> Floats:
        return np.eye(self.states)[list(self.equation)].reshape(len(self.terms), self.states)

    @property
    def keys(self) -> frozenset[object]:
        """The equation of each term, and what it is but for its inner constants."""
        return frozenset((e, term.key) for e, term in zip(self.equation, self.terms, strict=True))

    def numbers(self, constants: Floats) -> tuple[Floats, Floats]:
        """Factors of the terms, and their inner constants."""
        every = self.offset + self.spread @ constants
        return every[: len(self.terms)], every[len(self.terms) :]

    def known(self, constants: Floats) -> tuple[DynamicsTerm, ...]:
        """The terms with their inner constants."""
        _, inner = self.numbers(constants)
        return tuple(
            replace(term, inner=tuple(inner[self.inner == at].tolist())) if term.inner else term
            for at, term in enumerate(self.terms)
        )

    def rates(self, constants: Floats) -> Callable[[Floats], Floats]:
        """Right-hand sides as a function of points (m, q) -> (states, q)."""
        factors, inner = self.numbers(constants)
        each, parts = self.library.each(inner), list(zip(self.equation, factors.tolist(), strict=True))

        def at(Z: Floats) -> Floats:
            found = np.zeros((self.states, Z.shape[1]))
            for (e, factor), value in zip(parts, each(Z), strict=True):
                found[e] += factor * value
            return found

        return at

    def slopes(self, Z: Floats, constants: Floats) -> tuple[Floats, Floats, Floats]:
        """Right-hand sides (q, d), their slopes in the states (q, d, d) and in the constants (q, d, constants)."""
        q, d = len(Z), self.states
        if not self.terms:
            return np.zeros((q, d)), np.zeros((q, d, d)), np.zeros((q, d, 0))
        factors, inner = self.numbers(constants)
        values, gradient, inward = self.library.slopes(Z, inner)
        in_states = np.tensordot(gradient[:, :, :d] * factors[:, None], self._place, axes=(1, 0)).transpose(
            0, 2, 1
        )
        numbers = np.concatenate([values, inward * factors[self.inner]], axis=1)
        place = np.vstack([self._place, self._place[self.inner]])
        in_constants = (numbers[:, None, :] * place.T[None]) @ self.spread
        return (values * factors) @ self._place, in_states, in_constants

    def trees(self, constants: Floats, names: Sequence[str]) -> tuple[Node, ...]:
        """The formula of each right-hand side; fixed numbers are exact."""
        every = self.offset + self.spread @ constants
        free = np.abs(self.spread).sum(1) > 0
        sides: list[Node] = []
        for equation in range(self.states):
            parts: list[Node] = []
            for at, term in enumerate(self.terms):
                if self.equation[at] != equation:
                    continue
                within = len(self.terms) + np.flatnonzero(self.inner == at)
                inner = [_number(every[n], bool(free[n])) for n in within]
                parts.append(_product(_number(every[at], bool(free[at])), term.tree(names, inner)))
            sides.append(summed(parts) if parts else Number(0))
        return tuple(sides)

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

    def at_nothing(self, one: int, constants: Floats) -> TermModel:
        """With one constant fewer: the terms that have it inside without it."""
        rows = len(self.terms) + np.flatnonzero(self.spread[len(self.terms) :, one])
        gone = set(self.inner[rows - len(self.terms)].tolist())
        return replace(
            self,
            terms=tuple(term.at_nothing if at in gone else term for at, term in enumerate(self.terms)),
            spread=np.delete(np.delete(self.spread, rows, 0), one, 1),
            offset=np.delete(self.offset, rows),
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
    states: int, terms: Sequence[DynamicsTerm], equation: Sequence[int], factors: Sequence[float]
) -> TermModel:
    """A model whose factors are all free. Terms of one equation with one function of the same variables share its inner
    constants, and those of several equations do where they start near each other."""
    count = sum(len(term.inner) for term in terms)
    start = [float(value) for value in factors]
    places: list[int] = []
    known: list[tuple[int, DynamicsTerm, list[int]]] = []
    for e, term in zip(equation, terms, strict=True):
        if not term.inner:
            continue
        like = [each for each in known if each[1].place == term.place]
        beside = [at for other, _, at in like if other == e]
        near = [at for _, other, at in like if _are_near(other.inner, term.inner)]
        own = (beside or near or [[len(start) + rank for rank in range(len(term.inner))]])[0]
        if own[0] == len(start):
            start += term.inner
        known.append((int(e), term, own))
        places += own
    spread = np.zeros((len(terms) + count, len(start)))
    spread[: len(terms), : len(terms)] = np.eye(len(terms))
    spread[len(terms) + np.arange(count), places] = 1.0
    return TermModel(
        states, tuple(terms), tuple(int(e) for e in equation), spread, np.zeros(len(spread)), np.array(start)
    )


def _are_near(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= _NEAR * max(abs(a), abs(b)) for a, b in zip(one, other, strict=True))


def _number(value: float, measured: bool) -> Node:
    return Number(float(value)) if measured else exact(value)


def _product(factor: Node, term: Node) -> Node:
    if term == Number(1):
        return factor
    if factor == Number(1):
        return term
    if factor == Number(-1):
        return -term
    return factor * term
