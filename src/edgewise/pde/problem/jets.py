"""Equations as numeric functions of jets: the values of unknowns and of their derivatives at a point.

    residual_e(x, jets),   derivative of residual_e in each jet

A jet is (number of the unknown, order of the derivative in each coordinate). Everything that solvers evaluate is compiled
from these two, so that no derivative is taken by nesting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError

Evaluate = Callable[..., Any]
Jet = tuple[int, tuple[int, ...]]
HIGHEST = 4


@dataclass(frozen=True, eq=False)
class Compiled:
    """Equations in the jets of the unknowns.

    Attributes
    ----------
    jets : tuple of Jet
        Those that occur.
    values : callable
        (coordinates, jet values) -> list of residuals.
    slopes : callable
        The same arguments -> list of the derivatives named by `entries`.
    entries : tuple of (equation, jet)
        Which derivatives are not zero throughout.
    linear : bool
        Whether no derivative depends on the unknowns.
    count : int
        Number of equations.
    slopes_of, values_of : frozenset
        The symbols that derivatives and residuals depend on beside the unknowns.
    share : float
        What terms that are not linear are taken with: residuals are share R(u) + (1 - share) (R(0) + R'(0) u).
    """

    jets: tuple[Jet, ...]
    values: Evaluate
    slopes: Evaluate
    entries: tuple[tuple[int, int], ...]
    linear: bool
    count: int
    share: float = 1.0
    slopes_of: frozenset[Any] = frozenset()
    values_of: frozenset[Any] = frozenset()

    def at_time(self, time: float) -> Compiled:
        """The same equations at a time, where time is the last of their coordinates."""
        values, slopes, jets = self.values, self.slopes, len(self.jets)

        def at(function: Evaluate) -> Evaluate:
            return lambda *given: function(*given[: len(given) - jets], time, *given[len(given) - jets :])

        return replace(self, values=at(values), slopes=at(slopes))

    def softened(self, share: float) -> Compiled:
        """The same equations, their terms that are not linear in the unknowns taken with a share."""
        return self if self.linear or share == self.share else replace(self, share=share)

    def residuals(self, at: Sequence[Floats], jets: Sequence[Floats]) -> list[Floats]:
        """Residuals (E arrays of the shape of the places)."""
        found = self._on_grid(self.values, at, jets)
        if self.share == 1:
            return found
        still = [np.zeros(()) for _ in jets]
        flat = self._on_grid(self.values, at, still)
        for (e, j), slope in zip(self.entries, self._on_grid(self.slopes, at, still), strict=True):
            flat[e] = flat[e] + slope * jets[j]
        return [self.share * a + (1 - self.share) * b for a, b in zip(found, flat, strict=True)]

    def derivatives(self, at: Sequence[Floats], jets: Sequence[Floats]) -> list[Floats]:
        """Derivatives of the residuals in the jets, one array for each of `entries`."""
        found = self._on_grid(self.slopes, at, jets)
        if self.share == 1:
            return found
        flat = self._on_grid(self.slopes, at, [np.zeros(()) for _ in jets])
        return [self.share * a + (1 - self.share) * b for a, b in zip(found, flat, strict=True)]

    @staticmethod
    def _on_grid(function: Evaluate, at: Sequence[Floats], jets: Sequence[Floats]) -> list[Floats]:
        shape = np.broadcast_shapes(*(np.shape(a) for a in at))
        return [np.broadcast_to(np.asarray(value, dtype=float), shape) for value in function(*at, *jets)]


def compile_equations(residuals: Sequence[Any], fields: Sequence[Any], symbols: Sequence[Any]) -> Compiled:
    """Equations, as sympy expressions that are to be zero, as numeric functions.

    Raises
    ------
    InputError
        Where a derivative is of an order above four, or of something that is no unknown.
    """
    done = [sp.sympify(residual).doit() for residual in residuals]
    names: dict[Any, Jet] = {}
    for item in done:
        for derivative in item.atoms(sp.Derivative):
            names[derivative] = _jet(derivative, fields, symbols)
        for field in item.atoms(AppliedUndef):
            if field in fields:
                names[field] = (list(fields).index(field), (0,) * len(symbols))
    jets = tuple(sorted(set(names.values())))
    letters = {jet: sp.Symbol(f"_jet{n}", real=True) for n, jet in enumerate(jets)}
    # Derivatives before the functions inside them.
    order = sorted(names, key=lambda tree: (not isinstance(tree, sp.Derivative), str(tree)))
    plain = [item.xreplace({tree: letters[names[tree]] for tree in order}) for item in done]
    arguments = [*symbols, *letters.values()]
    slopes: list[sp.Expr] = []
    entries: list[tuple[int, int]] = []
    for e, item in enumerate(plain):
        for n, jet in enumerate(jets):
            slope = sp.diff(item, letters[jet])
            if slope != 0:
                slopes.append(slope)
                entries.append((e, n))
    linear = not any(slope.free_symbols & set(letters.values()) for slope in slopes)
    make = lambda trees: sp.lambdify(arguments, list(trees), modules=["scipy", "numpy"], cse=True)  # noqa: E731
    own = set(letters.values())
    return Compiled(
        jets,
        make(plain),
        make(slopes),
        tuple(entries),
        linear,
        len(plain),
        slopes_of=_symbols(slopes) - own,
        values_of=_symbols(plain) - own,
    )


def _symbols(trees: Sequence[Any]) -> frozenset[Any]:
    return frozenset(symbol for tree in trees for symbol in tree.free_symbols)


def _jet(derivative: Any, fields: Sequence[Any], symbols: Sequence[Any]) -> Jet:
    if derivative.expr not in fields:
        raise InputError(
            subject="Derivatives",
            expected="be of unknowns",
            got=f"'{derivative}', which does not resolve into those",
        )
    orders = [0] * len(symbols)
    for symbol, count in derivative.variable_count:
        orders[list(symbols).index(symbol)] += int(count)
    if sum(orders) > HIGHEST:
        raise InputError(
            subject="Derivatives",
            expected=f"go up to order {HIGHEST}",
            got=f"'{derivative}' of order {sum(orders)}",
        )
    return list(fields).index(derivative.expr), tuple(orders)
