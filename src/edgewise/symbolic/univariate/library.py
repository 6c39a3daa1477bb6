"""Functions of x as people write them: library functions of simple inner expressions, times powers and each other.

Constants are the ones laws are written with (1, 2, 1/2, pi); sums of these columns, of y or of a simple function of y, are
most formulas one meets. Those with other constants start from the nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import Node, Number, Variable
from edgewise.symbolic.univariate.best_subsets import SubsetTerms
from edgewise.symbolic.univariate.trees import ONE, X, add, call, multiply, power, size

_PI = Variable("pi")


@dataclass(frozen=True, eq=False)
class LibraryColumn:
    """A function of x and its values."""

    tree: Node
    values: Floats


# Tried in every place; the others only of a multiple of x.
_COMMON = ("sin", "cos", "exp", "log", "sqrt", "tanh", "atan", "asin", "acos")
_RARE = ("tan", "sinh", "cosh", "asinh", "acosh", "atanh", "abs")
ALL = frozenset((*_COMMON, *_RARE))


def monomials(x: Floats, low: int = -4, high: int = 9, roots: bool = True) -> list[LibraryColumn]:
    """Powers of x, whole and half, also thirds, where x allows."""
    found: list[LibraryColumn] = []
    exponents: list[float] = [p for p in range(low, high + 1) if p != 0]
    if roots and (x >= 0).all():
        exponents += [0.5, 1.5, 2.5, 1 / 3, 2 / 3, 4 / 3, *((-0.5, -1.5) if (x > 0).all() else ())]
    for p in exponents:
        if p < 0 and not ((x > 0).all() or (x < 0).all()):
            continue
        with np.errstate(all="ignore"):
            values = x ** (int(p) if p == int(p) else p)
        found += _kept([LibraryColumn(power(X, p), values)])
    return found


def inners(x: Floats, allowed: frozenset[str]) -> list[LibraryColumn]:
    """What stands inside a function: multiples and powers of x, and what surrounds one or two of them."""
    one, pi = Number(1), _PI
    out = [
        LibraryColumn(X, x),
        LibraryColumn(multiply(Number(2.0), X), 2 * x),
        LibraryColumn(multiply(Number(0.5), X), x / 2),
        LibraryColumn(multiply(pi, X), np.pi * x),
        LibraryColumn(multiply(Number(2), pi, X), 2 * np.pi * x),
        LibraryColumn(multiply(Number(3.0), X), 3 * x),
        LibraryColumn(power(X, 2), x**2),
        LibraryColumn(power(X, 3), x**3),
        LibraryColumn(multiply(Number(0.5), power(X, 2)), x**2 / 2),
        LibraryColumn(power(X, -1), 1 / x),
        LibraryColumn(power(X, -2), 1 / x**2),
        LibraryColumn(add(X, one), x + 1),
        LibraryColumn(add(one, call("neg", X)), 1 - x),
        LibraryColumn(add(X, Number(-1)), x - 1),
        LibraryColumn(add(power(X, 2), one), x**2 + 1),
        LibraryColumn(add(one, call("neg", power(X, 2))), 1 - x**2),
        LibraryColumn(add(power(X, 2), Number(-1)), x**2 - 1),
        LibraryColumn(add(power(X, 2), X), x**2 + x),
        LibraryColumn(add(power(X, 2), X, one), x**2 + x + 1),
        LibraryColumn(add(power(X, 3), one), x**3 + 1),
    ]
    for name in ("sin", "cos", "exp", "log", "sqrt"):
        if name in allowed and not (name in ("log", "sqrt") and (x < 0).any()):
            values = _value(name, x)
            tree = call(name, X)
            out += [LibraryColumn(tree, values), LibraryColumn(add(one, tree), 1 + values)]
            out += [LibraryColumn(add(one, call("neg", tree)), 1 - values)]
            out += [LibraryColumn(add(X, tree), x + values)]
    if "exp" in allowed:
        out.append(LibraryColumn(add(one, call("exp", call("neg", X))), 1 + np.exp(-x)))
        out.append(LibraryColumn(add(X, call("exp", call("neg", X))), x + np.exp(-x)))
    return _kept(out)


def functions_of(inside: list[LibraryColumn], allowed: frozenset[str]) -> Iterator[LibraryColumn]:
    """The library's functions of them, their inverses and roots."""
    for at, inner in enumerate(inside):
        names = [*_COMMON, *(_RARE if at < 5 else ())]
        for name in names:
            if name not in allowed or _silly(name, inner.tree):
                continue
            yield from _applied(name, inner)
        if at >= 10:
            yield LibraryColumn(call("inv", inner.tree), 1 / inner.values)
            yield LibraryColumn(power(inner.tree, -2), 1 / inner.values**2)
            yield LibraryColumn(power(inner.tree, 2), inner.values**2)
            yield LibraryColumn(power(inner.tree, 3), inner.values**3)
            if "sqrt" in allowed and (inner.values > 0).all():
                yield LibraryColumn(call("inv", call("sqrt", inner.tree)), inner.values**-0.5)


def _applied(name: str, inner: LibraryColumn) -> Iterator[LibraryColumn]:
    yield LibraryColumn(call(name, inner.tree), _value(name, inner.values))
    if name == "exp":
        yield LibraryColumn(call("exp", call("neg", inner.tree)), np.exp(-inner.values))
    if name in ("sin", "cos"):
        yield LibraryColumn(power(call(name, inner.tree), 2), _value(name, inner.values) ** 2)


def _value(name: str, z: Floats) -> Floats:
    return FUNCTIONS[name].value.array(z)


def _silly(name: str, inner: Node) -> bool:
    """log(exp(x)), sqrt(x^2) and the like, or a scale that the factor outside does as well."""
    text = repr(inner)
    if name in ("log", "sqrt") and isinstance(inner, type(ONE)) is False and "'*'" in text[:30]:
        return True
    return (name == "exp" and text.startswith("Apply(function='log'")) or (
        name == "log" and text.startswith("Apply(function='exp'")
    )


def _kept(columns: list[LibraryColumn]) -> list[LibraryColumn]:
    good: list[LibraryColumn] = []
    for column in columns:
        with np.errstate(all="ignore"):
            if np.isfinite(column.values).all() and float(np.abs(column.values).max()) < 1e12:
                good.append(column)
    return good


def _partners(x: Floats, allowed: frozenset[str]) -> Iterator[LibraryColumn]:
    """What multiplies each other in laws: oscillations, decays, and a few slow functions."""
    multiples = [(X, x), *((multiply(Number(k), X), k * x) for k in (2.0, 0.5, 3.0))]
    multiples += [(multiply(_PI, X), np.pi * x), (multiply(Number(2), _PI, X), 2 * np.pi * x)]
    squares = [(power(X, 2), x**2), (power(X, 3), x**3)]
    for name in ("sin", "cos"):
        if name in allowed:
            yield from (
                LibraryColumn(call(name, tree), _value(name, z)) for tree, z in (*multiples, *squares)
            )
    if "exp" in allowed:
        for tree, z in (*multiples[:3], squares[0]):
            yield LibraryColumn(call("exp", tree), np.exp(z))
            yield LibraryColumn(call("exp", call("neg", tree)), np.exp(-z))
    sums = [(add(X, Number(1)), x + 1), (add(power(X, 2), Number(1)), x**2 + 1)]
    sums.append((add(Number(1), call("neg", power(X, 2))), 1 - x**2))
    for tree, z in (*multiples[:1], *sums):
        for name in ("log", "sqrt"):
            if name in allowed:
                yield LibraryColumn(call(name, tree), _value(name, z))
    for tree, z in sums:
        yield LibraryColumn(call("inv", tree), 1 / z)
    for name in ("tanh", "atan"):
        if name in allowed:
            yield LibraryColumn(call(name, X), _value(name, x))


class CurveLibrary:
    """The columns on given points, in three sizes; each is built once, when first asked for."""

    def __init__(
        self, x: Floats, allowed: frozenset[str] = ALL, extra: list[LibraryColumn] | None = None
    ) -> None:
        self.x, self.allowed = x, allowed
        self._extra = extra or []
        self._built: dict[str, SubsetTerms] = {}

    def powers(self) -> SubsetTerms:
        """Powers of x alone."""
        return self._get("powers", lambda: monomials(self.x))

    def small(self) -> SubsetTerms:
        """Powers of x and functions of inner expressions."""
        return self._get("small", lambda: [*monomials(self.x), *self._extra, *self._forms()])

    def large(self) -> SubsetTerms:
        """Also each function times powers of x, and products of two functions."""
        return self._get("large", self._products)

    def _forms(self) -> list[LibraryColumn]:
        with np.errstate(all="ignore"):
            return _kept(list(functions_of(inners(self.x, self.allowed), self.allowed)))

    def _products(self) -> list[LibraryColumn]:
        small = self.small()
        whole = _kept([LibraryColumn(tree, small.values[:, at]) for at, tree in enumerate(small.trees)])
        found = list(whole)
        forms = [column for column in whole if "Apply" in repr(column.tree) and size(column.tree) <= 7]
        forms = [form for form in forms if not _is_power(form.tree)]
        factors = monomials(self.x, -2, 4)
        with np.errstate(all="ignore"):
            for form in forms:
                for factor in factors:
                    if size(form.tree) + size(factor.tree) <= (5 if abs(_degree(factor)) != 1 else 6):
                        found.append(
                            LibraryColumn(multiply(factor.tree, form.tree), factor.values * form.values)
                        )
            partners = _kept(list(_partners(self.x, self.allowed)))
            for at, one in enumerate(partners):
                for other in partners[at + 1 :]:
                    found.append(LibraryColumn(multiply(one.tree, other.tree), one.values * other.values))
        return _kept(found)

    def _get(self, name: str, build: Callable[[], list[LibraryColumn]]) -> SubsetTerms:
        if name not in self._built:
            with np.errstate(all="ignore"):
                self._built[name] = _distinct(build(), len(self.x))
        return self._built[name]


def _degree(factor: LibraryColumn) -> int:
    return 1 if factor.tree == X or factor.tree == call("inv", X) else 2


def _is_power(tree: Node) -> bool:
    return (
        "sin" not in (text := repr(tree))
        and not any(f"'{name}'" in text for name in ALL)
        and "'+'" not in text
    )


def _distinct(columns: list[LibraryColumn], count: int) -> SubsetTerms:
    """The columns without repeats (up to a factor and a constant), the simplest of each kept; `count` is their length."""
    if not columns:
        return SubsetTerms([], np.zeros((count, 0)), np.zeros(0))
    columns = sorted(columns, key=lambda column: size(column.tree))
    values = np.column_stack([column.values for column in columns])
    centred = values - values.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    good = np.isfinite(norm) & (norm > 1e-11 * np.abs(values).max(axis=0))
    unit = centred / np.where(good, norm, 1.0)
    probe = np.cos(np.arange(1, len(values) + 1) ** 1.5)
    keys = np.round(np.abs(probe @ unit), 11)
    seen: set[float] = set()
    kept: list[int] = []
    for at, key in enumerate(keys.tolist()):
        if good[at] and key not in seen:
            seen.add(key)
            kept.append(at)
    nodes = np.array([size(columns[at].tree) + 2.0 for at in kept])
    return SubsetTerms([columns[at].tree for at in kept], values[:, kept], nodes)
