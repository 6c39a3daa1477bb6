"""Sets of terms that a sum, or a quotient of sums, may be made of: products of powers and of simple functions of columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, Variable, inverse, substitute
from edgewise.symbolic.costs import TERM
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.state import power, powers, product

# Terms of the largest set that sums are chosen from.
MOST_TERMS = 160
# A function of a column is no term where its values reach the first, or vary by less than the second as a share of their
# size: the other terms, or its constant part, would be lost beside it.
_TALLEST_VALUE = 1e12
_FLATTEST_SHARE = 1e-6
# Sizes of the exponents of a product together, in sets of products alone; what laws have is smaller.
_LARGEST_EXPONENTS = 6
# Products that stand before one function of a column and its squares: how many, their exponents together, and those where
# there are at most so many columns. Each comes with one, the functions and their squares: six times as many terms.
_BESIDE_TERMS = 40
_BESIDE_EXPONENTS = 2
_BESIDE_EXPONENTS_NARROW = 3
_NARROW_COLUMNS = 2
# The same before products of two functions.
_BESIDE_TWO_TERMS = 12
_BESIDE_TWO_EXPONENTS = 2
# Products of sines and cosines are formed of so many columns on: those of fewer are among the sets before.
_ANGLE_COLUMNS = 3
# Products in a numerator or denominator: alone, before one function, and before two. A third of those in a sum at most, as
# both sides of a quotient are chosen at once.
_QUOTIENT_TERMS = 36
_QUOTIENT_SHORT = 8
_QUOTIENT_SHORTEST = 4
# Products of powers of columns and one function there, their degree, and those that stand beside a function of a pair.
_QUOTIENT_POWERS = 24
_QUOTIENT_DEGREE = 4
_QUOTIENT_BESIDE_PAIR = 10


@dataclass(frozen=True)
class SumTerm:
    """A term of a sum, with its values."""

    tree: Node
    values: Floats


# What a feature may be taken through before products are formed: pairs that belong together.
FAMILIES = (
    ("cos(x)", "sin(x)"),
    ("exp(x)", "exp(-x)"),
    ("log(x)",),
    ("sqrt(x)",),
    ("sqrt(1 - x^2)",),
    ("sqrt(1 + x^2)",),
    ("cos(x/2)", "sin(x/2)"),
    ("exp(-x^2/2)",),
    ("exp(-x^2)",),
    ("sin(x^2)", "cos(x^2)"),
    ("tanh(x)",),
)


def dictionaries(rows: SplitRows) -> Iterator[list[SumTerm]]:
    """Sets of terms to try, the plainest first."""
    yield _monomials(rows, MOST_TERMS)
    narrow = len(rows.names) <= _NARROW_COLUMNS
    largest = _BESIDE_EXPONENTS_NARROW if narrow else _BESIDE_EXPONENTS
    single = _monomials(rows, _BESIDE_TERMS, largest=largest)
    short = _monomials(rows, _BESIDE_TWO_TERMS, largest=_BESIDE_TWO_EXPONENTS)
    held = [(at, family[0], atoms) for at, family, atoms in _all_taken(_columns(rows), FAMILIES)]
    for _, _, atoms in held:
        yield _times(single, [_ONE, *atoms, *_squares(atoms)])
    plain = [(name, atoms) for _, name, atoms in held if name in ("cos(x)", "exp(x)")]
    for _, _, atoms in _all_taken(_pairs(rows), FAMILIES[:2]):
        yield _times(single, [_ONE, *atoms, *_squares(atoms)])
        for _, others in plain:
            yield _times(short, _times([_ONE, *atoms], [_ONE, *others]))
    for one, other in itertools.combinations(held, 2):
        if one[0] != other[0] or len(rows.names) == 1:
            yield _times(short, _times([_ONE, *one[2]], [_ONE, *other[2]]))
    yield from _angles(rows)


def _angles(rows: SplitRows) -> Iterator[list[SumTerm]]:
    """Products of sines and cosines of many columns: all that sums and differences of angles, and squares of
    sines of half of them, come to.
    """
    held = [(at, atoms) for at, _, atoms in _all_taken(_columns(rows), FAMILIES[:1])]
    for size in range(_ANGLE_COLUMNS, len(held) + 1):
        for chosen in itertools.combinations(held, size):
            angles = [_ONE]
            for _, atoms in chosen:
                angles = _times(angles, [_ONE, *atoms])
            if len(angles) > MOST_TERMS:
                return
            others = [at for at in range(len(rows.names)) if at not in [item for item, _ in chosen]]
            plain = _monomials(_of(rows, others), MOST_TERMS // len(angles)) if others else [_ONE]
            yield _times(plain, angles)


def _of(rows: SplitRows, columns: Sequence[int]) -> SplitRows:
    """Some of the columns."""
    return replace(rows, names=tuple(rows.names[at] for at in columns), X=rows.X[:, columns])


def few(rows: SplitRows) -> Iterator[list[SumTerm]]:
    """Small sets for numerators and denominators."""
    yield _monomials(rows, _QUOTIENT_TERMS, whole=True)
    short = _monomials(rows, _QUOTIENT_SHORT, whole=True)
    shortest = _monomials(rows, _QUOTIENT_SHORTEST, whole=True)
    held = list(_all_taken(_columns(rows), FAMILIES))
    for at, _, atoms in held:
        yield _times(short, [_ONE, *atoms])
        yield _powers_of([*_without(rows, at), atoms[0]])
    for _, _, atoms in _all_taken(_pairs(rows), FAMILIES[:2]):
        beside = _monomials(rows, _QUOTIENT_BESIDE_PAIR, whole=True)
        yield [*beside, *atoms, *_times(_columns(rows), atoms)]
        for _, family, others in held:
            if family in FAMILIES[:2]:
                yield _times(shortest, [_ONE, *atoms, *others])
    for one, other in itertools.combinations(held, 2):
        if one[0] != other[0]:
            yield _times(_times([_ONE, *_columns(rows)], [_ONE, one[2][0]]), [_ONE, other[2][0]])


_ONE = SumTerm(Number(1), np.ones(1))


def _columns(rows: SplitRows) -> list[SumTerm]:
    return [SumTerm(Variable(name), rows.X[:, at]) for at, name in enumerate(rows.names)]


def _without(rows: SplitRows, at: int) -> list[SumTerm]:
    return [term for place, term in enumerate(_columns(rows)) if place != at]


def _powers_of(features: Sequence[SumTerm]) -> list[SumTerm]:
    """Products of whole powers of features, by total degree."""
    chosen: list[tuple[int, ...]] = []
    for size in range(_QUOTIENT_DEGREE + 1):
        level = list(whole_exponents([False] * len(features), size))
        if chosen and len(chosen) + len(level) > _QUOTIENT_POWERS:
            break
        chosen += level
    terms: list[SumTerm] = []
    for exponents in chosen:
        values = np.ones_like(features[0].values)
        for feature, exponent in zip(features, exponents, strict=True):
            values = values * feature.values**exponent
        terms.append(
            SumTerm(
                powers([feature.tree for feature in features], [float(exponent) for exponent in exponents]),
                values,
            )
        )
    return terms


def _pairs(rows: SplitRows) -> list[SumTerm]:
    """Products, ratios, sums and differences of two features."""
    found: list[SumTerm] = []
    with np.errstate(all="ignore"):
        for one, other in itertools.combinations(_columns(rows), 2):
            found += [
                SumTerm(product(one.tree, other.tree), one.values * other.values),
                SumTerm(product(one.tree, inverse(other.tree)), one.values / other.values),
                SumTerm(one.tree + other.tree, one.values + other.values),
                SumTerm(one.tree - other.tree, one.values - other.values),
            ]
    return found


def _all_taken(
    features: Sequence[SumTerm], families: Sequence[Sequence[str]]
) -> Iterator[tuple[int, Sequence[str], list[SumTerm]]]:
    """The atoms of each family of each feature that has values."""
    for family in families:
        for at, feature in enumerate(features):
            atoms = taken(feature, family)
            if atoms:
                yield at, family, atoms


def taken(feature: SumTerm, family: Sequence[str]) -> list[SumTerm]:
    """The functions of a family at a feature, or none where one of them has no values."""
    found = list[SumTerm]()
    for text in family:
        tree = read(text, ("x",))
        with np.errstate(all="ignore"):
            values = _evaluate(tree, feature.values)
            size = np.abs(values).max()
        if not np.isfinite(values).all() or size > _TALLEST_VALUE or np.ptp(values) <= _FLATTEST_SHARE * size:
            return []
        found.append(SumTerm(substitute(tree, "x", feature.tree), values))
    return found


def _evaluate(tree: Node, x: Floats) -> Floats:
    from edgewise.symbolic.expressions.tape import Tape

    tape = Tape(tree, ("x",))
    return tape.value(tape.start, x[:, None])


def _squares(atoms: Sequence[SumTerm]) -> list[SumTerm]:
    return [
        SumTerm(product(a.tree, b.tree) if a is not b else power(a.tree, 2), a.values * b.values)
        for a, b in itertools.combinations_with_replacement(atoms, 2)
    ]


def _times(first: Sequence[SumTerm], second: Sequence[SumTerm]) -> list[SumTerm]:
    charge(TERM * len(first) * len(second))
    return [
        SumTerm(product(*(tree for tree in (a.tree, b.tree) if tree != Number(1))), a.values * b.values)
        for b in second
        for a in first
    ]


def _monomials(
    rows: SplitRows, most: int, *, whole: bool = False, largest: int | None = None
) -> list[SumTerm]:
    """Products of whole powers, by total size; negative ones of columns that keep away from zero."""
    free = [not whole and bool((column > 0).all() or (column < 0).all()) for column in rows.X.T]
    chosen: list[tuple[int, ...]] = []
    for size in range((_LARGEST_EXPONENTS if largest is None else largest) + 1):
        level = list(whole_exponents(free, size))
        if chosen and len(chosen) + len(level) > most:
            break
        chosen += level
    charge(TERM * len(chosen))
    terms: list[SumTerm] = []
    with np.errstate(all="ignore"):
        for exponents in chosen:
            factors = [
                power(Variable(name), exponent)
                for name, exponent in zip(rows.names, exponents, strict=True)
                if exponent
            ]
            values = np.prod(rows.X ** np.array(exponents, dtype=float), axis=1)
            if np.isfinite(values).all() and np.abs(values).max() > 0:
                terms.append(SumTerm(product(*factors), values))
    return terms


def whole_exponents(free: Sequence[bool], size: int) -> Iterator[tuple[int, ...]]:
    """Whole exponents of columns whose sizes add up to one; negative ones of the columns that are free to have them."""
    if len(free) == 1:
        yield from {(size,), (-size,)} if free[0] else {(size,)}
        return
    for first in range(size + 1):
        for rest in whole_exponents(free[1:], size - first):
            yield (first, *rest)
            if first and free[0]:
                yield (-first, *rest)
