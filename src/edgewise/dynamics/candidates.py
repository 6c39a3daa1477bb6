"""Which terms without constants to be fitted are looked at: products of powers, and functions that the values allow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.dynamics.term_functions import FUNCTIONS, SATURATIONS, function_part
from edgewise.dynamics.terms import DynamicsTerm
from edgewise.symbolic.provenance import is_excluded

# A positive state may be smoothed to below zero by this share of its size.
NEAR_ZERO = 0.02

# Arguments of exponentials stay below it, and angles go through more than that.
_LARGEST_EXPONENT, _LEAST_TURN = 50.0, 0.5


def polynomials(variables: int, degree: int) -> list[DynamicsTerm]:
    """All products of the variables up to a degree, the plainest first."""
    found = [
        tuple(float(sum(v == at for v in chosen)) for at in range(variables))
        for size in range(degree + 1)
        for chosen in itertools.combinations_with_replacement(range(variables), size)
    ]
    return [DynamicsTerm(powers) for powers in found]


def functions(Z: Floats, exclude_functions: Sequence[str] = ()) -> list[DynamicsTerm]:
    """Terms with functions, odd and high powers that have values on the points Z (q, m)."""
    m = Z.shape[1]
    found = [term for v in range(m) for term in (*_powers(Z, v), *_of_one(Z, v))]
    found += [term for a, b in itertools.combinations(range(m), 2) for term in _of_two(Z, a, b)]
    for v in range(m):
        size = float(np.abs(Z[:, v]).max())
        for name in saturating(float(Z[:, v].min()), size):
            for share in (0.1, 0.3, 1.0):
                found += saturations(m, v, name, ((share * size) ** SATURATIONS[name],))
    return [
        term
        for term in found
        if not (_words(term) & set(exclude_functions) or is_excluded(function_part(term.function)))
    ]


def _words(term: DynamicsTerm) -> set[str]:
    """By which a term is excluded; broken powers count as roots."""
    words = {FUNCTIONS[term.function].word} if term.function else set[str]()
    return words | {"sqrt" for power in term.powers if power != round(power)}


def units(m: int, *variables: int) -> list[tuple[float, ...]]:
    """The powers of each of some of m variables."""
    return [unit(m, v) for v in variables]


def unit(m: int, v: int, power: float = 1.0) -> tuple[float, ...]:
    """The powers of a power of one of m variables."""
    return tuple(power * float(w == v) for w in range(m))


def together(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    """The powers of a product."""
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _powers(Z: Floats, v: int) -> Iterator[DynamicsTerm]:
    """Powers of a variable beyond those of products, and what is shared out by it."""
    m = Z.shape[1]
    for power in (4.0, 5.0):
        yield DynamicsTerm(unit(m, v, power))
    for w in range(m):
        if w != v:
            yield DynamicsTerm(together(unit(m, v, 4.0), unit(m, w)))
    if Z[:, v].min() <= 0:
        return
    for power in (1 / 3, 0.5, 2 / 3, 0.75, 1.5, -1.0, -2.0):
        yield DynamicsTerm(unit(m, v, power))
    others = [w for w in range(m) if w != v]
    for w in others:
        yield DynamicsTerm(_over(m, (w,), v))
    for over in itertools.combinations_with_replacement(others, 2):
        yield DynamicsTerm(_over(m, over, v))


def _over(m: int, above: Sequence[int], v: int) -> tuple[float, ...]:
    """A product of variables over another."""
    return tuple(float(above.count(u)) - float(u == v) for u in range(m))


def _of_one(Z: Floats, v: int) -> Iterator[DynamicsTerm]:
    m = Z.shape[1]
    none, low, high = (0.0,) * m, Z[:, v].min(), Z[:, v].max()
    if high - low > _LEAST_TURN:
        for name in ("sin", "cos"):
            yield DynamicsTerm(none, name, (v,))
            yield from (DynamicsTerm(unit(m, w), name, (v,)) for w in range(m))
            yield from (DynamicsTerm(unit(m, w, -1.0), name, (v,)) for w in range(m) if Z[:, w].min() > 0)
        for name in ("sin sin", "sin cos"):
            yield DynamicsTerm(none, name, (v, v))
    if max(-low, high) < _LARGEST_EXPONENT:
        for name in ("exp", "decay"):
            yield DynamicsTerm(none, name, (v,))
            yield from (DynamicsTerm(unit(m, w), name, (v,)) for w in range(m))
    yield DynamicsTerm(none, "tanh", (v,))
    if low < 0 < high:
        yield DynamicsTerm(unit(m, v), "abs", (v,))
    if low > 0:
        yield DynamicsTerm(none, "log", (v,))
        yield DynamicsTerm(unit(m, v), "log", (v,))


def _of_two(Z: Floats, a: int, b: int) -> Iterator[DynamicsTerm]:
    m = Z.shape[1]
    none, difference = (0.0,) * m, Z[:, a] - Z[:, b]
    turns = [np.ptp(z) > _LEAST_TURN for z in (Z[:, a], Z[:, b], difference)]
    if turns[2]:
        yield from (DynamicsTerm(none, name, (a, b)) for name in ("sin of difference", "cos of difference"))
    if turns[0] and turns[1]:
        for name in ("sin sin", "sin cos", "cos cos"):
            yield DynamicsTerm(none, name, (a, b))
        yield DynamicsTerm(none, "sin cos", (b, a))
    if difference.min() < 0 < difference.max():
        yield from (DynamicsTerm(powers, "abs of difference", (a, b)) for powers in (none, *units(m, a, b)))
    elif difference.all():
        one, other = (a, b) if difference[0] > 0 else (b, a)
        yield DynamicsTerm(none, "root of difference", (one, other))
    if may_share(Z, a, b):
        yield from shared_out(m, a, b, "over sum")
    if np.abs(difference).max() < _LARGEST_EXPONENT:
        for one, other in ((a, b), (b, a)):
            yield DynamicsTerm(none, "exp of difference", (one, other))
    if np.hypot(Z[:, a], Z[:, b]).min() > 0:
        yield DynamicsTerm(none, "distance", (a, b))
        for name in ("distance", "inverse distance", "inverse cubed distance"):
            yield from (DynamicsTerm(unit(m, v), name, (a, b)) for v in (a, b))


def saturating(low: float, size: float) -> tuple[str, ...]:
    """The saturations of a variable of such a size that goes down to so much: those without poles.

    What is positive may be smoothed to a little less than zero.
    """
    return tuple(SATURATIONS) if low >= -NEAR_ZERO * size else ("hill2", "hill4")


def saturations(m: int, v: int, name: str, k: tuple[float, ...]) -> list[DynamicsTerm]:
    """Terms over k + z^n for a variable z: 1, z^n, where n is 1 or 2 powers between, and these times another variable."""
    power = SATURATIONS[name]
    found: list[DynamicsTerm] = []
    for top in range(power + 1) if power <= 2 else (0, power):
        own = unit(m, v, float(top))
        found.append(DynamicsTerm(own, name, (v,), k))
        if power <= 2:
            others = (together(own, unit(m, w)) for w in range(m) if w != v)
            found += [DynamicsTerm(powers, name, (v,), k) for powers in others]
    return found


def shared_out(m: int, a: int, b: int, name: str, k: tuple[float, ...] = ()) -> list[DynamicsTerm]:
    """Terms over a sum of two variables: each of them and their product, and these times another variable."""
    alone = units(m, a, b)
    others = [w for w in range(m) if w not in (a, b)]
    beside = [together(*alone), *(together(each, unit(m, w)) for each in alone for w in others)]
    return [DynamicsTerm(powers, name, (a, b), k) for powers in (*alone, *beside)]


def may_share(Z: Floats, a: int, b: int) -> bool:
    """Whether there is always something of one of them."""
    return min(Z[:, a].min(), Z[:, b].min()) >= 0 and (Z[:, a] + Z[:, b]).min() > 0 and Z[:, a].max() > 0
