"""Terms that right-hand sides are sums of: products of powers of the variables, times a function of one of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.dynamics.config import DEFAULT, DynamicsConfig
from edgewise.forms.tree import Apply, Node, Number, Variable

# Units of work of an entry of a table.
_ENTRY = 4e-9


@dataclass(frozen=True)
class TermFunction:
    """A function of one variable z and, where it has one, of an inner constant k.

    Attributes
    ----------
    value, slope : callable
        Of (z, k); the slope in z.
    inner : callable or None
        The slope in k; None where there is no inner constant.
    tree : callable
        The formula from those of z and k.
    nodes : float
        How much it takes to be written.
    """

    value: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any]
    inner: Callable[[Any, Any], Any] | None
    tree: Callable[[Node, Node], Node]
    nodes: float


def _hill(power: int) -> TermFunction:
    def tree(z: Node, k: Node) -> Node:
        return Apply("inv", (Apply("+", (k, z if power == 1 else Apply("^", (z, Number(power))))),))

    return TermFunction(
        lambda z, k: 1 / (k + z**power),
        lambda z, k: -power * z ** (power - 1) / (k + z**power) ** 2,
        lambda z, k: -1 / (k + z**power) ** 2,
        tree,
        3.5 if power == 1 else 4.5,
    )


def _named(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> TermFunction:
    return TermFunction(
        lambda z, _: value(z), lambda z, _: slope(z), None, lambda z, _: Apply(name, (z,)), 2.5
    )


FUNCTIONS: Mapping[str, TermFunction] = {
    "sin": _named("sin", np.sin, np.cos),
    "cos": _named("cos", np.cos, lambda z: -np.sin(z)),
    "exp": _named("exp", np.exp, np.exp),
    "log": _named("log", np.log, lambda z: 1 / z),
    "abs": _named("abs", np.abs, np.sign),
    "tanh": _named("tanh", np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "hill1": _hill(1),
    "hill2": _hill(2),
    "hill3": _hill(3),
    "hill4": _hill(4),
}
_HILLS = {"hill1": 1, "hill2": 2, "hill3": 3, "hill4": 4}


@dataclass(frozen=True)
class DynamicsTerm:
    """A product of powers and, where it has one, of a function.

    Attributes
    ----------
    powers : tuple of float
        Of every variable.
    function : str
        One of `FUNCTIONS`, or nothing.
    of : int
        The variable that the function is of.
    inner : float
        Where its inner constant starts; 0 where it has none.
    """

    powers: tuple[float, ...]
    function: str = ""
    of: int = 0
    inner: float = 0.0

    @property
    def has_inner(self) -> bool:
        """Whether there is a constant inside the function."""
        return bool(self.function) and FUNCTIONS[self.function].inner is not None

    @property
    def key(self) -> tuple[Any, ...]:
        """What the term is but for the value of its inner constant."""
        return (self.powers, self.function, self.of if self.function else 0)

    @property
    def nodes(self) -> float:
        """How much it takes to be written."""
        own = [p if p > 0 and p == round(p) else 2.0 if p == 0.5 else 2.5 for p in self.powers if p]
        return sum(own) + (FUNCTIONS[self.function].nodes if self.function else 0)

    def tree(self, names: Sequence[str], inner: Node) -> Node:
        """The formula of the term."""
        factors: list[Node] = [
            Variable(name) if p == 1 else Apply("^", (Variable(name), _exact(p)))
            for name, p in zip(names, self.powers, strict=True)
            if p
        ]
        if self.function:
            factors.append(FUNCTIONS[self.function].tree(Variable(names[self.of]), inner))
        if not factors:
            return Number(1)
        return factors[0] if len(factors) == 1 else Apply("*", tuple(factors))


def _exact(power: float) -> Node:
    """A power as a whole number or a ratio with a small denominator."""
    for bottom in (1, 2, 3):
        top = round(power * bottom)
        if abs(top - power * bottom) < 1e-9:
            return Number(top) if bottom == 1 else Apply("*", (Number(top), Apply("inv", (Number(bottom),))))
    return Number(power)


@dataclass(frozen=True, eq=False)
class TermLibrary:
    """Terms, to be evaluated side by side."""

    terms: tuple[DynamicsTerm, ...]

    @cached_property
    def inner(self) -> Floats:
        """Where the inner constants start."""
        return np.array([term.inner for term in self.terms])

    @cached_property
    def _powers(self) -> list[tuple[Floats, Ints]]:
        """For each variable the powers that occur, and which of them each term has."""
        table = np.array([term.powers for term in self.terms], dtype=float).T
        return [np.unique(column, return_inverse=True) for column in table]

    @cached_property
    def _functions(self) -> list[tuple[TermFunction, Ints, Ints]]:
        names = sorted({term.function for term in self.terms if term.function})
        found: list[tuple[TermFunction, Ints, Ints]] = []
        for name in names:
            at = np.array([n for n, term in enumerate(self.terms) if term.function == name])
            found.append((FUNCTIONS[name], at, np.array([self.terms[n].of for n in at])))
        return found

    def values(self, Z: Floats, inner: Floats) -> Floats:
        """Values at points (q, m) -> (q, terms)."""
        charge(_ENTRY * len(Z) * len(self.terms))
        with np.errstate(all="ignore"):
            total = np.ones((len(Z), len(self.terms)))
            for z, (powers, at) in zip(Z.T, self._powers, strict=True):
                if len(powers) > 1 or powers[0] != 0:
                    total *= _power(z, powers)[:, at]
            for function, at, of in self._functions:
                total[:, at] *= function.value(Z[:, of], inner[at])
        return total

    def slopes(self, Z: Floats, inner: Floats) -> tuple[Floats, Floats, Floats]:
        """Values (q, terms), their slopes in the variables (q, terms, m) and in the inner constants (q, terms)."""
        q, m = Z.shape
        charge(_ENTRY * q * len(self.terms) * (m + 2))
        with np.errstate(all="ignore"):
            tables = [
                (_power(z, p)[:, at], _power_slope(z, p)[:, at])
                for z, (p, at) in zip(Z.T, self._powers, strict=True)
            ]
            outer = np.ones((q, len(self.terms)))
            outer_slope = np.zeros_like(outer)
            inner_slope = np.zeros_like(outer)
            for function, at, of in self._functions:
                z, k = Z[:, of], inner[at]
                outer[:, at] = function.value(z, k)
                outer_slope[:, at] = function.slope(z, k)
                if function.inner is not None:
                    inner_slope[:, at] = function.inner(z, k)
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
            for _, at, of in self._functions:
                gradient[:, at, of] += product[:, at] * outer_slope[:, at]
        return product * outer, gradient, product * inner_slope


def _power(z: Floats, powers: Floats) -> Floats:
    """Powers of a column (q,) -> (q, powers); multiplied out where they are small and whole."""
    found = np.empty((len(z), len(powers)))
    for at, power in enumerate(powers.tolist()):
        if power == 0:
            found[:, at] = 1.0
        elif power == 1:
            found[:, at] = z
        elif power == 2:
            found[:, at] = z * z
        elif power == 3:
            found[:, at] = z * z * z
        else:
            found[:, at] = z**power
    return found


def _power_slope(z: Floats, powers: Floats) -> Floats:
    return powers * _power(z, np.where(powers == 0, 0.0, powers - 1))


def polynomials(variables: int, degree: int) -> list[DynamicsTerm]:
    """All products of the variables up to a degree, the plainest first."""
    found = [
        tuple(float(sum(v == at for v in chosen)) for at in range(variables))
        for size in range(degree + 1)
        for chosen in itertools.combinations_with_replacement(range(variables), size)
    ]
    return [DynamicsTerm(powers) for powers in found]


def functions(
    Z: Floats, exclude_functions: Sequence[str] = (), config: DynamicsConfig = DEFAULT
) -> list[DynamicsTerm]:
    """Terms with functions and odd powers that have values on the points Z (q, m)."""
    m = Z.shape[1]
    eye = [tuple(float(a == v) for a in range(m)) for v in range(m)]
    none = (0.0,) * m
    found: list[DynamicsTerm] = []
    low, high = Z.min(0), Z.max(0)
    for v in range(m):
        size = float(np.abs(Z[:, v]).max())
        turning = high[v] - low[v] > 0.5
        if turning and "sin" not in exclude_functions:
            found += [DynamicsTerm(none, "sin", v), DynamicsTerm(none, "cos", v)]
            found += [DynamicsTerm(eye[w], name, v) for w in range(m) for name in ("sin", "cos")]
        if size < 50 and "exp" not in exclude_functions:
            found += [DynamicsTerm(none, "exp", v)]
        if "tanh" not in exclude_functions:
            found += [DynamicsTerm(none, "tanh", v)]
        if low[v] < 0 < high[v] and "abs" not in exclude_functions:
            found += [DynamicsTerm(eye[v], "abs", v)]
        if low[v] > 0:
            if "log" not in exclude_functions:
                found += [DynamicsTerm(none, "log", v), DynamicsTerm(eye[v], "log", v)]
            for power in (0.5, 1.5, 2 / 3, -1.0, -2.0):
                found.append(DynamicsTerm(tuple(power * e for e in eye[v])))
        if "saturation" not in exclude_functions:
            for name in saturating(low[v], size, config):
                for share in (0.1, 0.3, 1.0):
                    found += saturations(m, v, name, (share * size) ** _HILLS[name])
    return found


def hill_power(term: DynamicsTerm) -> int:
    """The power of the variable in a saturation."""
    return _HILLS[term.function]


def saturating(low: float, size: float, config: DynamicsConfig) -> tuple[str, ...]:
    """The saturations of a variable of such a size that goes down to so much: those without poles.

    What is positive may be smoothed to a little less than zero.
    """
    return tuple(_HILLS) if low >= -config.near_zero * size else ("hill2", "hill4")


def inner_sizes(size: float, name: str) -> Floats:
    """Where inner constants of a saturation are sought, for a variable of such a size."""
    return np.asarray((size * np.geomspace(0.03, 1, 10)) ** _HILLS[name])


def saturations(m: int, v: int, name: str, k: float) -> list[DynamicsTerm]:
    """Terms over k + z^n for a variable z: 1, z^n, and where n is 1 or 2 these times another variable."""
    power = _HILLS[name]
    eye = np.eye(m)
    found: list[DynamicsTerm] = []
    for top in (0.0, float(power)):
        own = top * eye[v]
        found.append(DynamicsTerm(tuple(own.tolist()), name, v, k))
        if power <= 2:
            found += [DynamicsTerm(tuple((own + eye[w]).tolist()), name, v, k) for w in range(m) if w != v]
    return found
