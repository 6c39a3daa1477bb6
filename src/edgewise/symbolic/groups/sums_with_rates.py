"""Sums of functions of one column, with rates of each group's own: all groups decide which functions these are.

A rise and a fall with a rate each, or a decay beside a wave, look like many things in one noisy group. On a grid of rates
such sums are linear, so all pairs of functions are tried in all groups at once, each group with the rates that suit it best:
two, or one for both, as of a sine and a cosine or of an oscillator that just does not swing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, Variable, replaced, summed
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.groups.constants import EXACTLY
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.template import Structure, constant_names
from edgewise.symbolic.provenance import proposes

# Of a column x and a rate r, with the power of the column that the rate goes with and the signs it may have.
_SHAPES = {
    "exp(r*x)": (1, (-1, 1)), "x*exp(r*x)": (1, (-1,)), "exp(r*x^2)": (2, (-1,)), "exp(r/x)": (-1, (-1, 1)),
    "1/(1 + r*x)": (1, (1,)), "log(1 + r*x)": (1, (1,)), "tanh(r*x)": (1, (1,)), "sin(r*x)": (1, (1,)),
    "cos(r*x)": (1, (1,)),
}  # fmt: skip
# Rates, at the largest value of the column: from hardly bent to where a few rows show all.
_GRID = np.geomspace(0.2, 30, 20)
# Terms are told apart where their squares add more than this share to each other.
_APART = 1e-6


@dataclass(frozen=True, eq=False)
class _Shape:
    """A function of a column and of the rate r, and the rates on the grid."""

    tree: Node
    rates: Floats


@proposes("groups: sums with rates")
def sums_with_rates(
    rows: GroupedRows, price: Callable[[Node], float], kept: int, allowed: frozenset[str] | None = None
) -> list[Structure]:
    """The best sums of one function of a column, of two, and of two with one rate, with and without a constant.

    Parameters
    ----------
    rows
        All groups.
    price : callable
        What a formula takes to be written down, beside the criterion of Schwarz.
    kept
        How many of each kind are kept.
    allowed
        The functions that formulas may hold; None for all.
    """
    n, found = len(rows.y), list[tuple[float, tuple[int, bool], Structure]]()
    least = EXACTLY**2 * float(np.square(rows.y).sum())
    for at, column in enumerate(rows.columns):
        shapes = list(_shapes(column, rows.X[:, at], allowed))
        for constant in (False, True):
            gains = [_gains(rows, group, at, shapes, constant) for group in range(rows.count)]
            for size, chosen, one_rate in _choices(shapes):
                left = sum(gain.left - (gain.same if one_rate else gain.gain)[chosen] for gain in gains)
                places = [(gain.shared if one_rate else gain.place)[chosen] for gain in gains]
                rates = np.median(places, axis=0)[:size]
                terms = [(shapes[k].tree, float(rate)) for k, rate in zip(chosen, rates, strict=False)]
                made = _structure(terms, constant, rows.columns, one_rate=one_rate)
                values = {name: Number(1.5) for name in made[1]}
                score = n * math.log(max(left, least) / n) + price(replaced(made[0], values))
                found.append((score + rows.own_price * len(made[1]), (size, one_rate), made))
    found.sort(key=lambda item: item[0])
    # Off the grid by as much, two rates make up for each other, and one does not: each kind is compared by itself.
    kinds = (1, False), (2, False), (2, True)
    return [item for kind in kinds for item in [made for _, own, made in found if own == kind][:kept]]


@dataclass(frozen=True, eq=False)
class _Gains:
    """Of a group: what is left without terms, what one or two take of it, and at which rates; the same where two have one.

    Arrays (shapes, shapes + 1) of pairs; those of one shape alone stand in the last column. Rates have another axis.
    """

    left: float
    gain: Floats
    place: Floats
    same: Floats
    shared: Floats


def _choices(shapes: Sequence[_Shape]) -> Iterator[tuple[int, tuple[int, int], bool]]:
    """Where single functions stand in these arrays, and pairs of them, alike ones too, and whether both have one rate."""
    count = len(shapes)
    for at in range(count):
        yield 1, (at, count), False
    for chosen in itertools.combinations_with_replacement(range(count), 2):
        yield 2, chosen, False
    for one, other in itertools.combinations(range(count), 2):
        if np.array_equal(shapes[one].rates, shapes[other].rates):
            yield 2, (one, other), True


def _gains(rows: GroupedRows, group: int, at: int, shapes: list[_Shape], constant: bool) -> _Gains:
    X, y = rows.of(group)
    count, rates = len(shapes), len(_GRID)
    table = np.array(
        [_values(shape.tree, rows.columns[at], X[:, at], rate) for shape in shapes for rate in shape.rates]
    ).T
    if constant:
        table, y = table - table.mean(axis=0), y - y.mean()
    size = np.sqrt(np.square(table).sum(axis=0))
    table = np.where(np.isfinite(size) & (size > 0), table / size, 0.0)
    along, cross = table.T @ y, table.T @ table
    apart = 1 - np.square(cross)
    both = (along[:, None] ** 2 + along**2 - 2 * cross * np.outer(along, along)) / np.where(
        apart > _APART, apart, math.inf
    )
    table_of = both.reshape(count, rates, count, rates).transpose(0, 2, 1, 3)
    pairs, alike = table_of.reshape(count, count, -1), np.diagonal(table_of, axis1=2, axis2=3)
    best = pairs.argmax(axis=2)
    alone = np.square(along).reshape(count, rates)
    gain, place = np.zeros((count, count + 1)), np.zeros((count, count + 1, 2))
    grid = np.array([shape.rates for shape in shapes])
    every = np.arange(count)
    gain[:, :count], gain[:, count] = pairs.max(axis=2), alone.max(axis=1)
    place[:, :count, 0] = grid[every[:, None], best // rates]
    place[:, :count, 1] = grid[every[None, :], best % rates]
    place[:, count, 0] = grid[every, alone.argmax(axis=1)]
    shared = np.repeat(grid[every[:, None], alike.argmax(axis=2)][:, :, None], 2, axis=2)
    return _Gains(float(y @ y), gain, place, alike.max(axis=2), shared)


def _shapes(column: str, x: Floats, allowed: frozenset[str] | None) -> Iterator[_Shape]:
    most, middle = float(np.abs(x).max()) or 1.0, float(np.median(np.abs(x))) or 1.0
    for text, (power, signs) in _SHAPES.items():
        tree = replaced(read(text, ("x", "r")), {"x": Variable(column)})
        if allowed is None or functions_in(tree) <= allowed:
            unit = np.float64(most if power > 0 else middle) ** -power
            if np.isfinite(unit * _GRID).all():
                yield from (_Shape(tree, sign * _GRID * unit) for sign in signs)


def _values(tree: Node, column: str, x: Floats, rate: float) -> Floats:
    tape = Tape(replaced(tree, {"r": Number(float(rate))}), (column,))
    return np.asarray(tape.value(tape.start, x[:, None]), dtype=np.float64)


def _structure(
    terms: list[tuple[Node, float]], constant: bool, columns: tuple[str, ...], *, one_rate: bool
) -> Structure:
    supply = constant_names(columns)
    names, starts, parts = list[str](), list[float](), list[Node]()
    for at, (tree, rate) in enumerate(terms):
        factor = next(supply)
        inside = names[1] if one_rate and at else next(supply)
        parts.append(Variable(factor) * replaced(tree, {"r": Variable(inside)}))
        names += [factor] if one_rate and at else [factor, inside]
        starts += [1.0] if one_rate and at else [1.0, rate]
    if constant:
        names.append(next(supply))
        parts.append(Variable(names[-1]))
        starts.append(0.0)
    return summed(parts), tuple(names), tuple(starts)
