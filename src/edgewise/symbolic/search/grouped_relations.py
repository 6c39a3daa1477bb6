"""Constants of the groups' own that go together: where one is the same multiple of others in every group, it is written so.

A fall in air is v*tanh(g*t/v): of two constants in a*tanh(b*t) only one is each group's own, a*b being g for all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Apply, Node, Variable, replaced
from edgewise.symbolic.search.grouped_constants import (
    GroupedRows,
    Tied,
    cheaper,
    differ,
    made_plain,
    refitted,
)
from edgewise.symbolic.search.grouped_template import constant_names

# Errors of constants that are fitted together are not independent: the screening lets more pass than the refit will.
_LOOSE = 10.0


def related(model: Tied, rows: GroupedRows, rank: Callable[[Tied], float]) -> Tied:
    """The model with constants replaced by multiples of products of others while the description gets shorter.

    What is saved is what a constant of each group's own costs by empirical Bayes, see `differ`: one whose values are little
    known beside their spread costs little, and may follow others by chance.
    """
    while True:
        shorter = [
            made
            for name, powers in _candidates(model)
            if (made := _replaced(model, name, powers, rows)) is not None
            and rank(made) - rank(model) < cheaper(model, name, rows)
            and not differ(model, made, rows)
        ]
        if not shorter:
            return model
        model = min(shorter, key=rank)


def _candidates(model: Tied) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Constants, and the powers of others whose product they follow in all groups."""
    known = {name: each for name, each in model.own.items() if (each[0] != 0).all() and len(each[0]) > 2}
    for name in known:
        others = [each for each in known if each != name]
        for count in (1, 2):
            for chosen in itertools.combinations(others, count):
                for signs in itertools.product((1, -1), repeat=count):
                    powers = dict(zip(chosen, signs, strict=True))
                    ratio, error = _ratio(known, name, powers)
                    apart = np.abs(ratio - np.median(ratio))
                    if (apart <= _LOOSE * error * np.abs(ratio)).all():
                        yield name, powers


def _ratio(
    known: dict[str, tuple[Floats, Floats]], name: str, powers: Mapping[str, int]
) -> tuple[Floats, Floats]:
    """A constant over a product of powers of others in every group, and its relative error."""
    values, errors = known[name]
    ratio, squares = values.copy(), np.square(errors / values)
    for other, power in powers.items():
        ratio /= known[other][0] ** power
        squares += np.square(known[other][1] / known[other][0])
    return ratio, np.sqrt(squares) + 1e-12


def _replaced(model: Tied, name: str, powers: Mapping[str, int], rows: GroupedRows) -> Tied | None:
    factor = next(constant_names([*rows.columns, *model.names]))
    factors: list[Node] = [Variable(factor)]
    factors += [
        Variable(other) if power == 1 else Apply("inv", (Variable(other),)) for other, power in powers.items()
    ]
    start = float(np.median(_ratio(model.own, name, powers)[0]))
    own = {key: each for key, each in model.own.items() if key != name}
    names = tuple(each for each in model.names if each != name)
    tree = replaced(model.tree, {name: Apply("*", tuple(factors))})
    begun = Tied(
        tree, (*names, factor), {**model.shared, factor: (start, 0.0)}, own, model.plain, math.inf, math.inf
    )
    made = refitted(begun, rows)
    return None if made is None or not math.isfinite(made.criterion) else made_plain(made, rows)
