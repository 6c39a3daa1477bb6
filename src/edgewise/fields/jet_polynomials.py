"""Polynomials in unknowns and their derivatives: products, total derivatives, integration by parts.

    a monomial is a sorted tuple of ((unknown, orders of its derivative), power);   a polynomial maps monomials to numbers

Terms of a law are tested against functions with compact support. Derivatives that can be moved onto the test function
need not be taken of the data: u u_x = (u^2 / 2)_x, and u u_xx = (u^2 / 2)_xx - u_x^2 asks for one derivative less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import comb

import numpy as np

from edgewise._core.arrays import Floats

Orders = tuple[int, ...]
Jet = tuple[int, Orders]
Monomial = tuple[tuple[Jet, int], ...]
Polynomial = dict[Monomial, float]
# Sum over orders of the derivative of that order of a polynomial.
Divergence = dict[Orders, Polynomial]
ONE: Monomial = ()


def monomial(jets: Mapping[Jet, int]) -> Monomial:
    """The product of powers of jets."""
    return tuple(sorted((jet, power) for jet, power in jets.items() if power))


def times(a: Monomial, b: Monomial) -> Monomial:
    """The product of two monomials."""
    jets = dict(a)
    for jet, power in b:
        jets[jet] = jets.get(jet, 0) + power
    return monomial(jets)


def plus(total: Polynomial, more: Polynomial, factor: float = 1.0) -> None:
    """Adds a multiple of a polynomial to another, in place; what cancels leaves."""
    for name, value in more.items():
        added = total.get(name, 0.0) + factor * value
        if added == 0:
            total.pop(name, None)
        else:
            total[name] = added


def slope(of: Monomial, jet: Jet) -> Polynomial:
    """The derivative of a monomial in a jet."""
    jets = dict(of)
    power = jets.get(jet, 0)
    if not power:
        return {}
    jets[jet] = power - 1
    return {monomial(jets): float(power)}


def total_derivative(of: Polynomial, axis: int) -> Polynomial:
    """The derivative of a polynomial along a coordinate, by the chain rule."""
    found: Polynomial = {}
    for name, value in of.items():
        for (field, orders), _ in name:
            higher = (field, _raised(orders, axis))
            for rest, factor in slope(name, (field, orders)).items():
                plus(found, {times(rest, ((higher, 1),)): value * factor})
    return found


def derivative(of: Polynomial, orders: Orders) -> Polynomial:
    """A derivative of several orders."""
    for axis, order in enumerate(orders):
        for _ in range(order):
            of = total_derivative(of, axis)
    return of


def _raised(orders: Orders, axis: int, by: int = 1) -> Orders:
    return tuple(o + by if a == axis else o for a, o in enumerate(orders))


def by_parts(of: Monomial, dimensions: int) -> Divergence:
    """The monomial as derivatives of polynomials whose own derivatives are of as low an order as can be.

    A factor w_x of the highest order that stands alone beside Q w^k is taken out: Q w^k w_x = (Q w^(k+1) / (k+1))_x -
    Q_x w^(k+1) / (k+1), as long as Q_x holds no derivatives of that order.
    """
    found: Divergence = {}
    _move({of: 1.0}, (0,) * dimensions, found)
    return {orders: part for orders, part in found.items() if part}


def _move(part: Polynomial, outside: Orders, found: Divergence) -> None:
    for name, value in part.items():
        taken = _taken_out(name)
        if taken is None:
            plus(found.setdefault(outside, {}), {name: value})
            continue
        axis, inner, left = taken
        _move({m: value * f for m, f in inner.items()}, _raised(outside, axis), found)
        _move({m: value * f for m, f in left.items()}, outside, found)


def _taken_out(item: Monomial) -> tuple[int, Polynomial, Polynomial] | None:
    if not item:
        return None
    highest = max(sum(orders) for (_, orders), _ in item)
    tops = [(jet, power) for jet, power in item if sum(jet[1]) == highest]
    if not highest or len(tops) > 1 or tops[0][1] > 1:
        return None
    (field, orders), _ = tops[0]
    for axis, order in enumerate(orders):
        if not order:
            continue
        lower = (field, _raised(orders, axis, -1))
        jets = dict(item)
        del jets[field, orders]
        power = jets.pop(lower, 0) + 1
        rest = monomial(jets)
        inner = {times(rest, ((lower, power),)): 1.0 / power}
        left: Polynomial = {}
        for m, f in total_derivative({rest: 1.0}, axis).items():
            plus(left, {times(m, ((lower, power),)): -f / power})
        if all(sum(jet[1]) < highest for m in left for jet, _ in m):
            return axis, inner, left
    return None


def response(parts: Divergence, field: int) -> Divergence:
    """What a small change of an unknown does to the integral of the parts times a test function.

    The change is integrated against the sum over orders of (polynomial) x (test function's derivative of these orders).
    """
    found: Divergence = {}
    for outside, part in parts.items():
        for name, value in part.items():
            for (owner, inside), _ in name:
                if owner != field:
                    continue
                factor = {
                    m: (-1) ** (sum(outside) + sum(inside)) * value * f
                    for m, f in slope(name, (owner, inside)).items()
                }
                for split in product(*(range(o + 1) for o in inside)):
                    many = float(np.prod([comb(o, s) for o, s in zip(inside, split, strict=True)]))
                    rest = tuple(o - s + a for o, s, a in zip(inside, split, outside, strict=True))
                    plus(found.setdefault(rest, {}), derivative(factor, split), many)
    return {orders: part for orders, part in found.items() if part}


def evaluate(of: Polynomial, values: Callable[[Jet], Floats], shape: Sequence[int]) -> Floats:
    """Values of a polynomial where those of the jets are known."""
    total = np.zeros(shape)
    for name, factor in of.items():
        part = np.full(shape, factor)
        for jet, power in name:
            part *= values(jet) ** power
        total += part
    return total
