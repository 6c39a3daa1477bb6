"""Families of terms that share inner constants, and at which of these they are looked for first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.dynamics.candidates import (
    NEAR_ZERO,
    may_share,
    saturating,
    saturations,
    shared_out,
    together,
    unit,
)
from edgewise.dynamics.term_function import Span
from edgewise.dynamics.term_functions import FUNCTIONS, SATURATIONS, SCALED, function_part
from edgewise.dynamics.terms import DynamicsTerm, Place
from edgewise.symbolic.provenance import is_excluded

Constants = tuple[float, ...]
# Powers that broken ones are looked for from; of what starts at nothing the slopes must be finite there.
_POWERS = (-2.5, -1.5, -0.75, -0.5, -0.25, 0.2, 0.35, 0.5, 0.65, 0.8, 1.25, 1.5, 1.75, 2.5)
# Twice the half width of steps, as shares of what their argument goes through; directions of sums, as angles of shares.
_STEEP, _ANGLES = (1.5, 4.0, 10.0), tuple((np.arange(-3, 4, 2) * np.pi / 8).tolist())
_SHARES = (0.05, 0.2, 0.7)


@dataclass(frozen=True, eq=False)
class TermFamily:
    """Terms that share inner constants.

    Attributes
    ----------
    values : tuple of tuple of float
        At which the constants are looked for first; a single one without steps in order.
    terms : callable
        The terms with such constants.
    steps : tuple of float
        How far the search goes from these at first; where there are none, to those beside.
    """

    values: tuple[Constants, ...]
    terms: Callable[[Constants], list[DynamicsTerm]]
    steps: Constants = ()

    @property
    def place(self) -> Place:
        """The function and its variables."""
        return self.terms(self.values[0])[0].place


def families(Z: Floats, exclude_functions: Sequence[str]) -> list[TermFamily]:
    """All terms with inner constants that the points Z (q, m) allow."""
    spans = [Span(float(z.min()), float(z.max())) for z in Z.T]
    found: list[tuple[str, TermFamily]] = []
    for v, z in enumerate(spans):
        found += [
            *_saturating(len(spans), v, z),
            *_scaled(len(spans), v, z),
            *_curves(spans, v),
        ]
    for a, b in itertools.combinations(range(len(spans)), 2):
        found += _of_two(spans, a, b)
        if may_share(Z, a, b):
            rates = np.geomspace(0.1, 5, 7) * spans[b].high / spans[a].high
            terms = partial(shared_out, len(spans), a, b, "over weighted sum")
            found.append(("over weighted sum", TermFamily(_alone(rates), terms)))
    return [
        family
        for name, family in found
        if FUNCTIONS[name].word not in exclude_functions and not is_excluded(function_part(name))
    ]


def _alone(values: Floats) -> tuple[Constants, ...]:
    return tuple((float(value),) for value in values)


def scaled(m: int, v: int, name: str, k: Constants) -> list[DynamicsTerm]:
    """Terms with a function of a variable: by itself, and but for tanh(k z) times each variable."""
    found = [DynamicsTerm((0.0,) * m, name, (v,), k)]
    if name != "scaled tanh":
        found += [DynamicsTerm(unit(m, w), name, (v,), k) for w in range(m)]
    return found


def _saturating(m: int, v: int, z: Span) -> Iterator[tuple[str, TermFamily]]:
    for name in saturating(z.low, z.size):
        values = _alone((z.size * np.geomspace(0.03, 1, 10)) ** SATURATIONS[name])
        yield name, TermFamily(values, partial(saturations, m, v, name))


def _scaled(m: int, v: int, z: Span) -> Iterator[tuple[str, TermFamily]]:
    """Functions of a multiple, and other powers, of what is never negative."""
    for name in SCALED:
        rates = np.geomspace(0.4, 8, 6 if name in ("scaled sin", "scaled cos") else 10) / z.size
        for sign in (-1.0, 1.0) if FUNCTIONS[name].either_sign else (1.0,):
            yield name, TermFamily(_alone(sign * rates), partial(scaled, m, v, name))
    if z.low > 0:
        values = _alone(np.geomspace(0.4, 8, 8) * z.size)
        yield "activation", TermFamily(values, partial(scaled, m, v, "activation"))
    if z.low > -1e-2 * z.size:
        for sign in (-1, 1):
            powers = [p for p in _POWERS if p * sign > 0 and (z.low > 0 or p > 1)]
            if powers:
                yield "any power", TermFamily(_alone(np.array(powers)), partial(scaled, m, v, "any power"))


def _curves(spans: Sequence[Span], v: int) -> Iterator[tuple[str, TermFamily]]:
    """Poles, steps of any place, and quadratics under the line."""
    m, z = len(spans), spans[v]
    gaps = z.width * np.geomspace(0.1, 3, 8)
    for name in ("pole", "double pole"):
        steps = (0.1 * z.width,)
        yield name, TermFamily(_alone(z.high + gaps), partial(scaled, m, v, name), steps)
        # Below what is positive, a pole is a saturation.
        if name == "double pole" or "hill1" not in saturating(z.low, z.size):
            yield name, TermFamily(_alone(z.low - gaps), partial(scaled, m, v, name), steps)
    middles = z.low + z.width * np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    values = tuple((2 * k / z.width, float(c)) for k in _STEEP for c in middles)
    yield "logistic", TermFamily(values, partial(scaled, m, v, "logistic"), (1 / z.width, 0.1 * z.width))
    if z.low >= -NEAR_ZERO * z.size:
        values = tuple((k * z.size**2, c * z.size) for k in _SHARES for c in (-0.1, 0.2, 0.7, 2.0))
        terms = partial(_over_quadratic, m, v)
        yield "quadratic", TermFamily(values, terms, (0.1 * z.size**2, 0.2 * z.size))


def _over_quadratic(m: int, v: int, k: Constants) -> list[DynamicsTerm]:
    own = [unit(m, v, float(power)) for power in range(3)]
    others = [together(each, unit(m, w)) for each in own for w in range(m) if w != v]
    return [DynamicsTerm(powers, "quadratic", (v,), k) for powers in (*own, *others)]


def _of_two(spans: Sequence[Span], a: int, b: int) -> Iterator[tuple[str, TermFamily]]:
    """Steps of sums, and saturations of two variables."""
    m, x, y = len(spans), spans[a], spans[b]
    middle = np.array([(x.low + x.high) / 2, (y.low + y.high) / 2])
    values = list[Constants]()
    for steep, angle, place in itertools.product(_STEEP, _ANGLES, (-0.5, 0.0, 0.5)):
        weights = 2 * steep * np.array([np.cos(angle) / x.width, np.sin(angle) / y.width])
        values.append((*weights.tolist(), float(weights @ middle + place * steep)))
    name = "logistic of two"
    terms = partial(_products, m, (a, b), name, ((0, 0),))
    yield name, TermFamily(tuple(values), terms, (1 / x.width, 1 / y.width, 0.5))
    if min(x.low, y.low) < 0:
        return
    shares = list(itertools.product(_SHARES, repeat=2))
    powers = (0, 0), (0, 1), (1, 0), (1, 1)
    name = "two saturations"
    values = [(k * x.size, n * y.size) for k, n in shares]
    yield (
        name,
        TermFamily(tuple(values), partial(_products, m, (a, b), name, powers), (0.1 * x.size, 0.1 * y.size)),
    )
    name = "over sum and constant"
    values = [(k * y.size, n * y.size / x.size) for k, n in itertools.product(_SHARES, (0.3, 1.0, 3.0))]
    steps = 0.1 * y.size, 0.3 * y.size / x.size
    yield name, TermFamily(tuple(values), partial(_products, m, (a, b), name, powers[1:]), steps)


def _products(
    m: int, of: tuple[int, int], name: str, powers: Sequence[tuple[int, int]], k: Constants
) -> list[DynamicsTerm]:
    """A function of two variables times powers of these."""
    a, b = of
    return [
        DynamicsTerm(together(unit(m, a, float(p)), unit(m, b, float(q))), name, of, k) for p, q in powers
    ]
