"""Terms that right-hand sides are sums of: products of powers of the variables, times a function of one or two of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.dynamics.term_functions import FUNCTIONS, SATURATIONS, TermFunction
from edgewise.forms.tree import Node, Number, Variable, multiplied

Place = tuple[str, tuple[int, ...]]

# Denominators of powers that are written as ratios.
RATIOS = (1, 2, 3, 4)
# Units of work of an entry of a table.
ENTRY = 4e-9


@dataclass(frozen=True)
class DynamicsTerm:
    """A product of powers and, where it has one, of a function.

    Attributes
    ----------
    powers : tuple of float
        Of every variable.
    function : str
        One of `FUNCTIONS`, or nothing.
    variables : tuple of int
        The variables that the function is of.
    inner : tuple of float
        Where its inner constants start.
    """

    powers: tuple[float, ...]
    function: str = ""
    variables: tuple[int, ...] = ()
    inner: tuple[float, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What the term is but for the values of its inner constants."""
        return self.powers, *self.place

    @property
    def place(self) -> Place:
        """The function and its variables: where inner constants stand."""
        return self.function, self.variables

    @property
    def nodes(self) -> float:
        """How much it takes to be written; a constant alone as much as a variable."""
        return self._factors + FUNCTIONS[self.function].nodes if self.function else max(self._factors, 1.0)

    def nodes_beside(self, others: Collection[DynamicsTerm]) -> float:
        """The same where others are written already: what is there is only referred to."""
        if any(self.key == other.key for other in others):
            return 1.0
        if self.function and any(self.place == other.place for other in others):
            return self._factors + 1.0
        return self.nodes

    @property
    def _factors(self) -> float:
        return sum(map(_rarity, self.powers))

    @property
    def at_nothing(self) -> DynamicsTerm:
        """The term where an inner constant is nothing: with a simpler function, or, of a saturation, with a power alone."""
        simpler = FUNCTIONS[self.function].simpler
        if simpler is not None:
            name, kept = simpler
            return replace(self, function=name, inner=tuple(self.inner[at] for at in kept))
        powers = list(self.powers)
        powers[self.variables[0]] -= SATURATIONS[self.function]
        return DynamicsTerm(tuple(powers))

    def tree(self, names: Sequence[str], inner: Sequence[Node]) -> Node:
        """The formula of the term."""
        factors: list[Node] = [
            Variable(name) if p == 1 else Variable(name) ** exact(p)
            for name, p in zip(names, self.powers, strict=True)
            if p
        ]
        if self.function:
            arguments = (Variable(names[v]) for v in self.variables)
            factors.append(FUNCTIONS[self.function].tree(*arguments, *inner))
        if not factors:
            return Number(1)
        return multiplied(factors)


def _rarity(power: float) -> float:
    """What a power takes to be written: the more, the more rarely textbooks have it."""
    if power != round(power):
        return 3.5 if power == 0.5 else 4.5
    return power if power >= 0 else 2.5 - power


def exact(value: float) -> Node:
    """A number as a whole one or a ratio with a small denominator, where it is one."""
    for bottom in RATIOS:
        top = round(value * bottom)
        if abs(top - value * bottom) < 1e-9:
            return Number(top) if bottom == 1 else Number(top) / bottom
    return Number(value)


@dataclass(frozen=True, eq=False)
class TermLibrary:
    """Terms, to be evaluated side by side."""

    terms: tuple[DynamicsTerm, ...]

    @cached_property
    def inner(self) -> Floats:
        """Where the inner constants of all terms start, one term after the other."""
        return np.array([k for term in self.terms for k in term.inner])

    @cached_property
    def owners(self) -> Ints:
        """The term of each inner constant."""
        return np.array([n for n, term in enumerate(self.terms) for _ in term.inner], dtype=np.int64)

    @cached_property
    def _powers(self) -> list[tuple[Floats, Ints]]:
        """For each variable the powers that occur, and which of them each term has."""
        table = np.array([term.powers for term in self.terms], dtype=float).T
        return [np.unique(column, return_inverse=True) for column in table]

    @cached_property
    def _functions(self) -> list[tuple[TermFunction, Ints, Ints, Ints]]:
        """The functions that occur, the terms that have each, and the variables, (arity, terms), and inner constants,
        (constants, terms), of these."""
        names = sorted({term.function for term in self.terms if term.function})
        first = np.cumsum([0, *(len(term.inner) for term in self.terms)])
        found: list[tuple[TermFunction, Ints, Ints, Ints]] = []
        for name in names:
            at = np.array([n for n, term in enumerate(self.terms) if term.function == name])
            own = first[at] + np.arange(FUNCTIONS[name].constants)[:, None]
            found.append((FUNCTIONS[name], at, np.array([self.terms[n].variables for n in at]).T, own))
        return found

    def each(self, inner: Floats) -> Callable[[Floats], list[Any]]:
        """The terms as a function of points (m, q), which gives the values of each, (q,) or a number: of few points at a
        time, many times, faster than `values`."""
        parts: dict[tuple[Any, ...], tuple[int, Callable[[Floats], Any]]] = {}
        owned: list[list[int]] = []
        first = 0
        for term in self.terms:
            own: list[int] = []
            for v, power in enumerate(term.powers):
                if power:
                    own.append(parts.setdefault((v, power), (len(parts), partial(_raised, v, power)))[0])
            if term.function:
                constants = tuple(inner[first : first + len(term.inner)].tolist())
                first += len(constants)
                value = partial(_function, FUNCTIONS[term.function].value, term.variables, constants)
                own.append(parts.setdefault((*term.place, *constants), (len(parts), value))[0])
            owned.append(own)
        makers = [maker for _, maker in parts.values()]

        def at(Z: Floats) -> list[Any]:
            made = [maker(Z) for maker in makers]
            return [math.prod([made[n] for n in own]) for own in owned]

        return at

    def values(self, Z: Floats, inner: Floats) -> Floats:
        """Values at points (q, m) -> (q, terms)."""
        charge(ENTRY * len(Z) * len(self.terms))
        with np.errstate(all="ignore"):
            total = np.ones((len(Z), len(self.terms)))
            for z, (powers, at) in zip(Z.T, self._powers, strict=True):
                if len(powers) > 1 or powers[0] != 0:
                    total *= _power(z, powers)[:, at]
            for function, at, of, own in self._functions:
                total[:, at] *= function.value(*(Z[:, v] for v in of), *inner[own])
        return total

    def slopes(self, Z: Floats, inner: Floats) -> tuple[Floats, Floats, Floats]:
        """Values (q, terms), their slopes in the variables (q, terms, m) and in the inner constants (q, constants)."""
        q, m = Z.shape
        charge(ENTRY * q * len(self.terms) * (m + 2))
        with np.errstate(all="ignore"):
            tables = [
                (_power(z, p)[:, at], _power_slope(z, p)[:, at])
                for z, (p, at) in zip(Z.T, self._powers, strict=True)
            ]
            outer = np.ones((q, len(self.terms)))
            outer_slopes: list[tuple[Any, ...]] = []
            inner_slope = np.zeros((q, len(inner)))
            for function, at, of, own in self._functions:
                z, k = tuple(Z[:, v] for v in of), tuple(inner[own])
                outer[:, at] = function.value(*z, *k)
                outer_slopes.append(function.slopes(*z, *k))
                if function.inner is not None:
                    for place, slope in zip(own, function.inner(*z, *k), strict=True):
                        inner_slope[:, place] = slope
            product = np.ones_like(outer)
            for table, _ in tables:
                product = product * table
            gradient = np.empty((q, len(self.terms), m))
            for v in range(m):
                part = tables[v][1]
                for w in range(m):
                    if w != v:
                        part = part * tables[w][0]
                gradient[:, :, v] = part * outer
            for (_, at, of, _), slopes in zip(self._functions, outer_slopes, strict=True):
                for v, slope in zip(of, slopes, strict=True):
                    gradient[:, at, v] += product[:, at] * slope
        return product * outer, gradient, product[:, self.owners] * inner_slope


def _raised(v: int, power: float, Z: Floats) -> Floats:
    """A variable of points (m, q) to a power; multiplied out where it is small and whole."""
    z: Floats = Z[v]
    if power == 1:
        return z
    if power == 2:
        return z * z
    if power == 3:
        return z * z * z
    return z**power


def _function(value: Callable[..., Any], of: tuple[int, ...], inner: tuple[float, ...], Z: Floats) -> Any:
    return value(*(Z[v] for v in of), *inner)


def _power(z: Floats, powers: Floats) -> Floats:
    """Powers of a column (q,) -> (q, powers)."""
    return np.column_stack(
        [_raised(0, power, z[None]) if power else np.ones_like(z) for power in powers.tolist()]
    )


def _power_slope(z: Floats, powers: Floats) -> Floats:
    return powers * _power(z, np.where(powers == 0, 0.0, powers - 1))
