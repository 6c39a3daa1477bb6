"""Curves of one column with two constants inside, as growth, doses, decays and lines of spectra follow.

An exponent that is a constant itself, or a place on the column's axis, is seldom near enough in what one noisy group gives
to be mended afterwards. On a grid of both constants such curves are linear in their factor, so all groups decide at once
which are worth a fit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, Variable, replaced
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.groups.constants import EXACTLY
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.template import Structure, constant_names
from edgewise.symbolic.provenance import proposes

# Rates, where z is 1 in the middle of the column; exponents; and places, as shares of the column's range.
_RATES = np.geomspace(0.1, 10, 13)
_EXPONENTS = (0.5, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
_PLACES = np.linspace(0, 1, 21)
_SHIFTS = np.array([-0.9, -0.5, 0.1, 0.3, 1.0, 3.0])


@dataclass(frozen=True, eq=False)
class _CurveFamily:
    """A function of a column and of constants r and q, and where these may be, (k, 2)."""

    tree: Node
    places: Floats


@proposes("groups: curves")
def curves(
    rows: GroupedRows, price: Callable[[Node], float], kept: int, allowed: frozenset[str] | None = None
) -> list[Structure]:
    """The best curves of one column, with a factor, without and with a constant; so many of both.

    Parameters
    ----------
    rows
        All groups.
    price : callable
        What a formula takes to be written down, beside the criterion of Schwarz.
    kept
        How many are kept without and with a constant.
    allowed
        The functions that formulas may hold; None for all.
    """
    n, least = len(rows.y), EXACTLY**2 * float(np.square(rows.y).sum())
    found: dict[bool, list[tuple[float, Structure]]] = {False: [], True: []}
    for at, column in enumerate(rows.columns):
        for curve in _curves(column, rows.X[:, at], allowed):
            values = _values(curve, column, rows.X[:, at])
            for constant, scored in found.items():
                best = [
                    _best(values[rows.group == number], rows.of(number)[1], constant)
                    for number in range(rows.count)
                ]
                left = sum(rest for rest, _ in best)
                made = _structure(
                    curve,
                    np.median([curve.places[place] for _, place in best], axis=0),
                    constant,
                    rows.columns,
                )
                size = price(replaced(made[0], {name: Number(1.5) for name in made[1]}))
                score = n * math.log(max(left, least) / n) + size + rows.own_price * len(made[1])
                scored.append((score, made))
    return [made for item in found.values() for _, made in sorted(item, key=lambda pair: pair[0])[:kept]]


def _curves(column: str, x: Floats, allowed: frozenset[str] | None) -> Iterator[_CurveFamily]:
    # Numbers of numpy become infinite where those of Python raise.
    middle = np.median(np.abs(x)) or np.float64(1.0)
    low, high = x.min(), x.max()
    signed = np.array([*_EXPONENTS, *(-exponent for exponent in _EXPONENTS)])
    powers = [(rate * middle**-exponent, exponent) for exponent in signed for rate in _RATES]
    decays = [(rate / middle, factor) for rate in _RATES for factor in np.geomspace(0.3, 300, 13)]
    peaks = [
        (rate * (high - low) ** -2, low + place * (high - low))
        for place in _PLACES
        for rate in np.geomspace(2, 400, 12)
    ]
    shifts = [(shift * (low if shift < 0 else middle), power) for shift in _SHIFTS for power in signed]
    rises = [(rate / middle, power) for rate in _RATES for power in _EXPONENTS]
    for text, places in (
        ("1/(1 + r*x^q)", powers), ("exp(-r*x^q)", powers), ("(x + r)^q", shifts), ("x^q*exp(-r*x)", rises),
        ("exp(-q*exp(-r*x))", decays), ("1/(1 + q*exp(-r*x))", decays), ("exp(-r*(x - q)^2)", peaks),
        ("1/(1 + r*(x - q)^2)", peaks),
    ):  # fmt: skip
        tree = replaced(read(text, ("x", "r", "q")), {"x": Variable(column)})
        # An exponent that is fitted may be broken, as a root's is.
        filled = replaced(tree, {"r": Number(1.5), "q": Number(1.5)})
        if np.isfinite(places).all() and (allowed is None or functions_in(filled) <= allowed):
            yield _CurveFamily(tree, np.array(places))


def _values(curve: _CurveFamily, column: str, x: Floats) -> Floats:
    """The curve at each of its places, (n, k)."""
    filled = [
        replaced(curve.tree, {"r": Number(float(rate)), "q": Number(float(other))})
        for rate, other in curve.places
    ]
    tapes = [Tape(item, (column,)) for item in filled]
    table = np.array([np.broadcast_to(tape.value(tape.start, x[:, None]), x.shape) for tape in tapes]).T
    return np.where(np.isfinite(table).all(axis=0), table, 0.0)


def _best(table: Floats, y: Floats, constant: bool) -> tuple[float, int]:
    """What the best place leaves of a group, and which it is."""
    if constant:
        table, y = table - table.mean(axis=0), y - y.mean()
    size = np.sqrt(np.square(table).sum(axis=0))
    along = y @ np.where(size > 0, table / np.where(size > 0, size, 1.0), 0.0)
    place = int(np.abs(along).argmax())
    return float(y @ y - along[place] ** 2), place


def _structure(curve: _CurveFamily, starts: Floats, constant: bool, columns: tuple[str, ...]) -> Structure:
    factor, rate, other, added = itertools.islice(constant_names(columns), 4)
    inner = replaced(curve.tree, {"r": Variable(rate), "q": Variable(other)})
    scaled = Variable(factor) * inner
    if not constant:
        return scaled, (factor, rate, other), (1.0, *starts.tolist())
    return scaled + Variable(added), (factor, rate, other, added), (1.0, *starts.tolist(), 0.0)
