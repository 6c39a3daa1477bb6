"""Products of powers of columns: one that has the unit of the target, and those that have none.

Every product without unit is made of *circuits*: products with as few columns as there can be, so that leaving out any one
leaves a unit behind. They are listed by size, and the simplest that do not follow from each other are the basis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix, check_vector
from edgewise._core.errors import InputError
from edgewise.forms.tree import Node, Number, Variable, apply, inverse, multiplied, ratio, render, substitute
from edgewise.symbolic.units.rules import Exponents

# Sets of columns looked at for one size; beyond, elimination finds some basis, if not the simplest.
_MOST_SETS = 20_000


@dataclass(frozen=True)
class Groups:
    """A law in units as a law of fewer numbers without.

    Parameters
    ----------
    names
        The columns.
    prefactor
        The power of each column in a product that has the target's unit; None where there is no such product.
    products
        The powers of the columns in products without unit, the simplest first. Every other such product is made of these.

    Examples
    --------
    >>> from edgewise.symbolic.units.constraints import Dimensions
    >>> pendulum = Dimensions.read({"l": "m", "g": "m/s^2", "m": "kg", "a": "rad", "T": "s"}, ["l", "g", "m", "a"], "T")
    >>> groups = pendulum.groups()
    >>> groups.text
    'sqrt(l)/sqrt(g) * f(a)'
    """

    names: tuple[str, ...]
    prefactor: Exponents | None
    products: tuple[tuple[int, ...], ...]

    @property
    def text(self) -> str:
        """The law that is left to find, such as m*v^2 * f(a/b)."""
        inside = ", ".join(render(tree) for tree in self.product_trees)
        parts = (
            []
            if self.prefactor_tree is None or not any(self.prefactor or ())
            else [render(self.prefactor_tree)]
        )
        return " * ".join([*parts, *([f"f({inside})"] if inside else [])]) or "1"

    @property
    def prefactor_tree(self) -> Node | None:
        """The prefactor as a formula; None where there is none."""
        return None if self.prefactor is None else power_product(self.names, self.prefactor)

    @property
    def product_trees(self) -> tuple[Node, ...]:
        """The products without unit as formulas."""
        return tuple(power_product(self.names, product) for product in self.products)

    def reduce(self, X: Any, y: Any) -> tuple[Floats, Floats]:
        """The table in numbers without unit.

        Parameters
        ----------
        X, y
            The columns (n, d) and the target (n,).

        Returns
        -------
        Z, w
            The products (n, products) and the target over the prefactor (n,); not finite where a column with a negative
            or fractional power is zero or below.

        Raises
        ------
        InputError
            Where there is no prefactor, or the table does not fit.
        """
        if self.prefactor is None:
            raise InputError(
                argument="units",
                expected="allow a product of columns in the unit of the target to reduce the table",
                got="units in which there is none",
            )
        rows = check_matrix(X, "X", columns=len(self.names))
        target = check_vector(y, "y", length=len(rows))
        with np.errstate(all="ignore"):
            reduced = np.column_stack(
                [_evaluated(rows, product) for product in self.products] or [np.zeros((len(rows), 0))]
            )
            return reduced, target / _evaluated(rows, self.prefactor)

    def expand(self, tree: Node, names: Sequence[str]) -> Node:
        """A formula for the reduced target in the products, called by these names, as one in the columns.

        Parameters
        ----------
        tree
            The formula found for `reduce`'s second result.
        names
            What it calls the products; none may be a column's name.

        Returns
        -------
        Node
        """
        for name, product in zip(names, self.product_trees, strict=True):
            tree = substitute(tree, name, product)
        if self.prefactor_tree is None or not any(self.prefactor or ()):
            return tree
        return self.prefactor_tree * tree


def power_product(names: Sequence[str], powers: Sequence[Fraction | int]) -> Node:
    """A product of powers as one fraction, square roots written as such."""
    above = [_powered(name, Fraction(power)) for name, power in zip(names, powers, strict=True) if power > 0]
    below = [_powered(name, Fraction(-power)) for name, power in zip(names, powers, strict=True) if power < 0]
    inverses = [inverse(node) for node in below]
    factors: list[Node] = [*(above or [Number(1)]), *inverses]
    return multiplied(factors)


def find_groups(names: Sequence[str], columns: Sequence[Exponents], target: Exponents) -> Groups:
    """The simplest prefactor and basis of products without unit.

    Parameters
    ----------
    names
        The columns.
    columns
        The exponents of the base units of each.
    target
        Those of the target.

    Returns
    -------
    Groups
    """
    rank = _rank(columns)
    circuits = _circuits(columns, rank)
    products = _basis(circuits, len(columns) - rank)
    starts = sorted(_particular(columns, target, rank), key=_cost)
    best = min((_descended(start, circuits) for start in starts[:20]), key=_cost, default=None)
    return Groups(
        tuple(names), best, tuple(tuple(int(combination) for combination in product) for product in products)
    )


def _powered(name: str, power: Fraction) -> Node:
    base = Variable(name)
    if power == 1:
        return base
    if power == Fraction(1, 2):
        return apply("sqrt", base)
    return base ** ratio(*power.as_integer_ratio())


def _evaluated(rows: Floats, powers: Sequence[Fraction | int]) -> Floats:
    result = np.ones(len(rows))
    for at, power in enumerate(powers):
        if power:
            result = result * rows[:, at] ** (
                int(power) if Fraction(power).denominator == 1 else float(power)
            )
    return result


def _cost(powers: Exponents) -> tuple[Fraction, int, tuple[int, ...], tuple[Fraction, ...]]:
    """How much there is to read: the powers, with roots dearer; few columns first, then those that come first."""
    size = sum((abs(power.numerator) + 2 * (power.denominator - 1) for power in powers), 0)
    used = tuple(at for at, power in enumerate(powers) if power)
    return Fraction(size), len(used), used, tuple(-power for power in powers)


def _circuits(columns: Sequence[Exponents], rank: int) -> list[Exponents]:
    """Products of least support without unit, until they span all there are."""
    wanted = len(columns) - rank
    found: list[Exponents] = []
    for size in range(1, rank + 2):
        if len(_basis(found, wanted)) == wanted:
            return found
        if math.comb(len(columns), size) > _MOST_SETS:
            return found + _null_space(columns)
        found += _circuits_of(columns, size)
    return found


def _circuits_of(columns: Sequence[Exponents], size: int) -> Iterator[Exponents]:
    for chosen in itertools.combinations(range(len(columns)), size):
        null = _null_space([columns[at] for at in chosen])
        if len(null) == 1 and all(null[0]):
            yield _spread(null[0], chosen, len(columns))


def _basis(circuits: Sequence[Exponents], wanted: int) -> list[Exponents]:
    """The simplest that do not follow from each other."""
    kept: list[Exponents] = []
    for circuit in sorted(circuits, key=_cost):
        if len(kept) == wanted:
            break
        if _rank([*kept, circuit]) > len(kept):
            kept.append(circuit)
    return kept


def _particular(columns: Sequence[Exponents], target: Exponents, rank: int) -> Iterator[Exponents]:
    """Products with the unit of the target, of as few columns as there can be; some where there are very many."""
    if not any(target):
        yield (Fraction(0),) * len(columns)
        return
    for size in range(1, rank + 1):
        if math.comb(len(columns), size) > _MOST_SETS:
            yield from _solved(columns, target, range(len(columns)))
            return
        for chosen in itertools.combinations(range(len(columns)), size):
            yield from _solved(columns, target, chosen)


def _solved(columns: Sequence[Exponents], target: Exponents, chosen: Sequence[int]) -> Iterator[Exponents]:
    null = _null_space([*(columns[at] for at in chosen), target])
    # A relation that holds the target solves for it; one without is a product without unit.
    relation = next((part for part in null if part[-1]), None)
    if relation is not None:
        powers = tuple(-item / relation[-1] for item in relation[:-1])
        if all(powers) or len(chosen) == len(columns):
            yield _spread(powers, chosen, len(columns))


def _descended(powers: Exponents, circuits: Sequence[Exponents]) -> Exponents:
    """A product made simpler by products without unit, as long as that helps."""
    while True:
        steps = (
            tuple(a + sign * share * b for a, b in zip(powers, circuit, strict=True))
            for circuit in circuits
            for sign in (1, -1)
            for share in (Fraction(1), Fraction(1, 2))
        )
        best = min(steps, key=_cost, default=powers)
        if _cost(best) >= _cost(powers):
            return powers
        powers = best


def _spread(powers: Sequence[Fraction], chosen: Sequence[int], size: int) -> Exponents:
    full = [Fraction(0)] * size
    for at, power in zip(chosen, powers, strict=True):
        full[at] = power
    return tuple(full)


def _rank(vectors: Sequence[Exponents]) -> int:
    return len(vectors) - len(_null_space(vectors))


def _null_space(vectors: Sequence[Exponents]) -> list[Exponents]:
    """Whole-number relations between vectors, one for each that follows from those before it."""
    size = len(vectors)
    if size == 0:
        return []
    rows = [list(row) for row in zip(*vectors, strict=True)]
    pivots: list[int] = []
    for column in range(size):
        at = len(pivots)
        pivot = next((row for row in range(at, len(rows)) if rows[row][column]), None)
        if pivot is None:
            continue
        rows[at], rows[pivot] = rows[pivot], rows[at]
        lead = rows[at][column]
        rows[at] = [row / lead for row in rows[at]]
        for row in range(len(rows)):
            if row != at and rows[row][column]:
                factor = rows[row][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[at], strict=True)]
        pivots.append(column)
    free = [column for column in range(size) if column not in pivots]
    relations: list[Exponents] = []
    for column in free:
        relation = [Fraction(0)] * size
        relation[column] = Fraction(1)
        for row, pivot in enumerate(pivots):
            relation[pivot] = -rows[row][column]
        relations.append(_coprime(relation))
    return relations


def _coprime(powers: Sequence[Fraction]) -> Exponents:
    """The smallest whole numbers in the same ratios, more of them positive than not."""
    common = math.lcm(*(power.denominator for power in powers))
    whole = [int(power * common) for power in powers]
    divisor = math.gcd(*whole) or 1
    signs = sum((item > 0) - (item < 0) for item in whole)
    first = next((item for item in whole if item), 1)
    sign = -1 if signs < 0 or (signs == 0 and first < 0) else 1
    return tuple(Fraction(sign * item // divisor) for item in whole)
