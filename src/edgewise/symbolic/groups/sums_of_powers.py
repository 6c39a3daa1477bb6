"""Sums of products of powers of the columns, a factor of each group's own at every term: all groups decide which.

One noisy group hardly tells a*x + b*x^5 from a*sinh(b*x). Such sums are linear in their constants, so very many are tried
in all groups at once: the best products, then the best pairs with one of these, then the best triples with one of the best
pairs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Node, Number, Variable, apply, inverse, multiplied, ratio, summed
from edgewise.symbolic.groups.constants import EXACTLY
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.template import Structure, constant_names
from edgewise.symbolic.provenance import proposes

# Powers of a column, the most usual first. Of several columns together as many of them, of as many columns, as there may be
# products, and cells of their table.
_POWERS = (1.0, 2.0, -1.0, 0.5, 3.0, -2.0, -0.5, 1.5, 4.0, 5.0)
_MOST_PRODUCTS, _MOST_CELLS = 600, 10_000_000
_WIDEST, _FEWEST_POWERS, _LONGEST = 3, 3, 3


@proposes("groups: sums of powers")
def sums_of_powers(
    rows: GroupedRows, price: Callable[[Node], float], kept: int, *, broken: bool = True
) -> list[Structure]:
    """The best sums of one, two and three terms, so many of each, with their constants and where these start.

    Parameters
    ----------
    rows
        All groups.
    price : callable
        What a formula takes to be written down, beside the criterion of Schwarz.
    kept
        How many sums of each length are kept, and made longer.
    broken
        Whether powers may be broken.
    """
    products = [
        product for product in _products(rows, broken) if np.isfinite(product[1]).all() and product[1].any()
    ]
    if not products:
        return []
    n, y = len(rows.y), rows.y
    table = np.column_stack([values / np.sqrt(np.mean(np.square(values))) for _, values in products])
    prices = np.array([price(1.5 * tree) for tree, _ in products])
    parts = [(table[rows.group == at], y[rows.group == at]) for at in range(rows.count)]
    least = EXACTLY**2 * float(np.square(y).sum())
    sums: list[tuple[int, ...]] = [()]
    found = list[tuple[int, ...]]()
    for size in range(1, _LONGEST + 1):
        scored = dict[tuple[int, ...], float]()
        for chosen in sums:
            left = sum((_left(part, target, chosen) for part, target in parts), np.zeros(len(products)))
            score = n * np.log(np.maximum(left, least) / n) + prices + prices[list(chosen)].sum()
            score += size * rows.own_price
            for at in np.argsort(score, kind="stable")[: 4 * kept]:
                if int(at) not in chosen:
                    scored.setdefault(tuple(sorted((*chosen, int(at)))), float(score[at]))
        sums = sorted(scored, key=lambda item: scored[item])[: 4 * kept]
        found += sums[:kept]
    return [_structure([products[at][0] for at in item], rows.columns) for item in found]


def _left(part: Floats, target: Floats, chosen: Sequence[int]) -> Floats:
    """What a sum leaves in a group with each product as one term more."""
    if chosen:
        basis, _ = np.linalg.qr(part[:, list(chosen)])
        part, target = part - basis @ (basis.T @ part), target - basis @ (basis.T @ target)
    size = np.square(part).sum(axis=0)
    # What is a multiple of the terms there are adds nothing.
    along = np.where(size > 1e-20 * len(target), np.square(target @ part) / np.maximum(size, 1e-300), 0.0)
    return float(target @ target) - along


def _products(rows: GroupedRows, broken: bool) -> Iterator[tuple[Node, Floats]]:
    powers = [power for power in _POWERS if broken or power == round(power)]
    width, count = _size(len(rows.columns), len(powers), min(_MOST_PRODUCTS, _MOST_CELLS // len(rows.y)))
    for wide in range(width + 1):
        for places in itertools.combinations(range(len(rows.columns)), wide):
            for chosen in itertools.product(powers[:count], repeat=wide):
                factors = [_power(rows.columns[at], power) for at, power in zip(places, chosen, strict=True)]
                tree = multiplied(factors or [Number(1)])
                yield tree, np.prod(np.power(rows.X[:, list(places)], np.array(chosen)), axis=1)


def _size(columns: int, powers: int, most: int) -> tuple[int, int]:
    """Of how many columns at once a product is, and of how many powers."""
    for width in range(min(columns, _WIDEST), 0, -1):
        for count in range(powers, min(powers, _FEWEST_POWERS) - 1, -1):
            if sum(math.comb(columns, wide) * count**wide for wide in range(width + 1)) <= most:
                return width, count
    return 0, 0


def _power(name: str, power: float) -> Node:
    column = Variable(name)
    if power < 0:
        return inverse(_power(name, -power))
    if power == 0.5:
        return apply("sqrt", column)
    if power == round(power):
        return column if power == 1 else column ** round(power)
    return column ** ratio(round(2 * power), 2)


def _structure(products: Sequence[Node], columns: Sequence[str]) -> Structure:
    names = list(itertools.islice(constant_names(columns), len(products)))
    terms = [
        Variable(name) if isinstance(tree, Number) else Variable(name) * tree
        for name, tree in zip(names, products, strict=True)
    ]
    return summed(terms), tuple(names), (1.0,) * len(names)
