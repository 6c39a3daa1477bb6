"""Constants of the groups' own that go together: where one is the same multiple of others in every group, it is written so.

A fall in air is v*tanh(g*t/v): of two constants in a*tanh(b*t) only one is each group's own, a*b being g for all. Light
behind a polariser, a*cos(x)^2 + 1/2, is b*cos(2*x) + c, where c is b + 1/2 in every group.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgewise.forms.tree import Apply, Node, Variable, inverse, replaced
from edgewise.symbolic.groups.constants import Tied, refitted
from edgewise.symbolic.groups.outlook import Join, Outlook
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import cheaper, differ, drawn, made_plain
from edgewise.symbolic.groups.template import constant_names

# What is foretold to first order lets more pass than the refit will; so many of them, the likeliest, are refitted.
_LOOSE = 2.0
_REFITTED = 4


def related(model: Tied, rows: GroupedRows, rank: Callable[[Tied], float]) -> Tied:
    """The model with constants replaced by multiples of others, or by one and a number, while the description gets shorter.

    What is saved is what a constant of each group's own costs by empirical Bayes, see `differ`: one whose values are little
    known beside their spread costs little, and may follow others by chance.
    """
    while True:
        shorter = [
            made
            for join in _candidates(model, rows)
            if (made := _replaced(model, join, rows)) is not None
            and rank(made) - rank(model) < cheaper(model, join.name, rows)
            and not differ(model, made, rows)
        ]
        if not shorter:
            return model
        model = min(shorter, key=rank)


def _candidates(model: Tied, rows: GroupedRows) -> list[Join]:
    """Constants that may be multiples of products of others, the likeliest first."""
    with np.errstate(all="ignore"):
        outlook = Outlook.of(model, rows)
        joins = list[Join]()
        if outlook is not None:
            joins = [*(join for join in outlook.joins() if join.powers), *outlook.offsets()]
    more, n = rows.count - 1, len(rows.y)
    likely = [join for join in joins if join.gain <= _LOOSE * drawn(join.gain, more, n)]
    return sorted(likely, key=lambda join: join.gain)[:_REFITTED]


def _replaced(model: Tied, join: Join, rows: GroupedRows) -> Tied | None:
    new = next(constant_names([*rows.columns, *model.names]))
    if join.times is None:
        factors: list[Node] = [Variable(new)]
        ratio = model.own[join.name][0].copy()
        for other, power in join.powers.items():
            factors.append(Variable(other) if power == 1 else inverse(Variable(other)))
            ratio /= model.own[other][0] ** power
        start, node = float(np.median(ratio)), Apply("*", tuple(factors))
    else:
        (other,) = join.powers
        start = float(np.median(model.own[join.name][0] - join.times * model.own[other][0]))
        node = _times(join.times, Variable(other)) + Variable(new)
    own = {key: item for key, item in model.own.items() if key != join.name}
    names = tuple(name for name in model.names if name != join.name)
    tree = replaced(model.tree, {join.name: node})
    begun = Tied(
        tree, (*names, new), {**model.shared, new: (start, 0.0)}, own, model.plain, math.inf, math.inf
    )
    made = refitted(begun, rows)
    return None if made is None or not math.isfinite(made.criterion) else made_plain(made, rows)


def _times(number: float, node: Node) -> Node:
    """So many times a node, by exact numbers."""
    size = abs(number)
    scaled = node
    if size > 1:
        scaled = round(size) * node
    elif size < 1:
        scaled = inverse(round(1 / size)) * node
    return -scaled if number < 0 else scaled
