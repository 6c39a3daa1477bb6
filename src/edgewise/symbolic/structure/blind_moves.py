"""Moves to one feature less that nothing suggests: tried where slopes are too poor to show which, and judged afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from edgewise.forms.tree import Node, Variable
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.state import Move, State, power, powers


@dataclass(frozen=True)
class Blind:
    """What blind steps try: powers of a column as factors, exponents of two columns in products and in sums.

    A column counts as positive whose least value is above `near_zero` times its largest: close to zero a power of it would
    stand for a few rows alone.
    """

    factors: tuple[float, ...]
    products: tuple[tuple[float, float], ...]
    sums: tuple[tuple[float, float], ...]
    idle: bool
    near_zero: float


# The smooth model has the word on each of the few states that look best, or left-out rows on all of them.
FEW = Blind((1.0, -1.0, 2.0, -2.0), ((1.0, 1.0), (1.0, -1.0)), ((1.0, 1.0),), idle=False, near_zero=0.0)
ALL = Blind(
    (1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0),
    ((1.0, 1.0), (1.0, -1.0), (2.0, 1.0), (1.0, 2.0), (2.0, -1.0), (1.0, -2.0)),
    ((1.0, 1.0), (2.0, 2.0), (-1.0, -1.0), (2.0, 1.0), (1.0, 2.0)),
    idle=True,
    near_zero=0.01,
)


@proposes("blind moves")
def blind(state: State, steps: Blind) -> Iterator[Move]:
    """y proportional to a power, a column idle, two that go together."""
    X = state.rows.X
    names = tuple(Variable(name) for name in state.rows.names)
    if len(names) < 2:
        return
    positive = [bool(column.min() > max(steps.near_zero * column.max(), 0.0)) for column in X.T]
    clear = [good or bool(column.max() < 0) for good, column in zip(positive, X.T, strict=True)]
    for at, name in enumerate(names):
        rest = names[:at] + names[at + 1 :]
        if steps.idle:
            yield Move("idle", rest)
        for exponent in steps.factors if clear[at] else ():
            if exponent == round(exponent) or positive[at]:
                yield Move("factor", rest, power(name, exponent))
    for i, j in itertools.combinations(range(len(names)), 2):
        pair = (names[i], names[j])
        merged: list[Node] = []
        for exponents in steps.products:
            if (exponents[1] > 0 or clear[j]) and (clear[i] or clear[j] or exponents == (1.0, 1.0)):
                merged.append(powers(pair, exponents))
        for p, q in steps.sums:
            if p > 0 or (clear[i] and clear[j]):
                first, second = power(names[i], p), power(names[j], q)
                merged += [first + second, first - second]
        for feature in merged:
            yield Move(
                "merge", tuple(feature if at == i else name for at, name in enumerate(names) if at != j)
            )
