"""Exact relations by linear algebra: a function of y that is a sum, or a ratio of sums, of products of simple atoms.

With more rows than terms, a least-squares fit over a whole dictionary has residual zero only where the law lies in its
span, and then its coefficients are the law's: nothing is searched for. Functions of y (its square, its logarithm, its
sine, ...) share one factorisation; ratios P/Q are the null vectors of [terms, -y * terms]. Under noise nothing passes,
which costs milliseconds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular

from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Number, Variable, substitute
from edgewise.symbolic.costs import NULL_SPACE, ORTHOGONAL
from edgewise.symbolic.fitting.train_test import Rows
from edgewise.symbolic.structure.state import power, powers, product

Floats = NDArray[np.float64]

MOST_TERMS = 160
# A sum with more terms than this only approximates: for one feature, and for each one more.
LONGEST, LONGER = 4, 2
EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Outer:
    """y = tree(u) where u = value(y): for |y| and its sign unless `anywhere`."""

    tree: str
    value: Callable[[Floats], Floats]
    anywhere: bool = False
    low: float = -math.inf
    high: float = math.inf


# Noise may carry an angle a little beyond its range.
_OVER = 0.15
_QUARTER = math.pi / 2 + _OVER

OUTERS = (
    Outer("u", lambda y: y, anywhere=True),
    Outer("s*sqrt(u)", np.square),
    Outer("1/u", lambda y: 1 / y),
    Outer("s/sqrt(u)", lambda y: y**-2.0),
    Outer("s*u^(3/2)", lambda y: y ** (2 / 3)),
    Outer("s/u^(3/2)", lambda y: y ** (-2 / 3)),
    Outer("s*exp(u)", np.log),
    Outer("log(u)", np.exp, anywhere=True, high=300.0),
    Outer("s*u^2", np.sqrt),
    Outer("s/u^2", lambda y: y**-0.5),
    Outer("asin(u)", np.sin, anywhere=True, low=-_QUARTER, high=_QUARTER),
    Outer("s*acos(u)", np.cos, low=0.0, high=math.pi + _OVER),
    Outer("tan(u)", np.arctan, anywhere=True),
    Outer("atan(u)", np.tan, anywhere=True, low=-1.57, high=1.57),
)


@dataclass(frozen=True)
class Term:
    """A term of a sum, with its values."""

    tree: Node
    values: Floats


def relations(rows: Rows, tolerance: float = EXACT, *, plain: bool = False) -> Iterator[Node]:
    """Formulas that hold on all rows to rounding error.

    Parameters
    ----------
    rows
        Features and target.
    tolerance
        The largest residual, as a share of the target's size, that counts as none.
    plain
        Whether to try powers of the features alone.

    Yields
    ------
    Node
        For the target, in the features.
    """
    if len(rows.names) > 9 or len(rows.y) < 30:
        return
    thin = rows.thinned(2 * MOST_TERMS)
    sign = 1 if (thin.y > 0).all() else -1 if (thin.y < 0).all() else 0
    targets = [
        (outer, values) for outer in OUTERS if (values := target_values(outer, thin.y, sign)) is not None
    ]
    longest = LONGEST + LONGER * len(rows.names)
    for terms in itertools.islice(dictionaries(thin), 1 if plain else None):
        design = np.column_stack([np.broadcast_to(term.values, len(thin.y)) for term in terms])
        for at, chosen, weights in _sums(
            design, np.column_stack([values for _, values in targets]), tolerance, longest
        ):
            tree = linear([terms[each].tree for each in chosen], weights)
            yield outside(targets[at][0], tree, sign)
    for terms in itertools.islice(few(thin), 1 if plain else None):
        design = np.column_stack([np.broadcast_to(term.values, len(thin.y)) for term in terms])
        for outer, values in targets:
            # The inverse of a ratio is one.
            if "/" in outer.tree:
                continue
            found = _ratio(design, values, tolerance, longest)
            if found is not None:
                top, bottom = (
                    linear([terms[each].tree for each in chosen], weights) for chosen, weights in found
                )
                yield outside(outer, product(top, Apply("inv", (bottom,))), sign)


def target_values(outer: Outer, y: Floats, sign: int) -> Floats | None:
    """The function of y that an outer function undoes; None where it has no values."""
    if not outer.anywhere:
        if sign == 0:
            return None
        y = np.abs(y)
    if y.min() < outer.low or y.max() > outer.high:
        return None
    with np.errstate(all="ignore"):
        values = outer.value(y)
    good = (
        np.isfinite(values).all()
        and np.abs(values).max() < 1e100
        and np.ptp(values) > 1e-9 * np.abs(values).max()
    )
    return values if good else None


def outside(outer: Outer, tree: Node, sign: int) -> Node:
    """The outer function of a tree."""
    outside = read(outer.tree, ("u", "s"))
    return substitute(substitute(outside, "s", Number(sign or 1)), "u", tree)


def _sums(
    design: Floats, targets: Floats, tolerance: float, longest: int
) -> Iterator[tuple[int, list[int], Floats]]:
    """(target, terms, weights) of every target in the span of few terms."""
    ORTHOGONAL(design.size * (design.shape[1] + targets.shape[1]))
    scale = np.linalg.norm(design, axis=0)
    size = np.linalg.norm(targets - targets.mean(axis=0), axis=0)
    unit = design / scale
    q = np.asarray(qr(unit, mode="economic", check_finite=False)[0])
    near = np.linalg.norm(targets - q @ (q.T @ targets), axis=0) <= tolerance * size
    if not near.any():
        return
    kept = _independent(unit)
    q, r = (np.asarray(each) for each in qr(unit[:, kept], mode="economic", check_finite=False))
    along = q.T @ targets
    left = targets - q @ along
    for at in np.flatnonzero(np.linalg.norm(left, axis=0) <= 3 * tolerance * size):
        solution = solve_triangular(r, along[:, at])
        share = np.abs(solution) / np.linalg.norm(targets[:, at])
        strong = [kept[each] for each in np.flatnonzero(share > 1e-8)]
        if len(strong) > longest:
            # Terms that resemble each other share what one of them could say.
            strong = _matched(unit, targets[:, at], longest)
        fitted = _fit(design[:, strong], targets[:, at])
        if fitted[1] <= 3 * tolerance * size[at]:
            yield int(at), strong, fitted[0]


def _matched(unit: Floats, target: Floats, longest: int) -> list[int]:
    """Terms by orthogonal matching pursuit, as many as are needed."""
    chosen: list[int] = []
    left, size = target, float(np.linalg.norm(target))
    while len(chosen) < longest and np.linalg.norm(left) > 1e-12 * size:
        gains = np.abs(unit.T @ left)
        gains[chosen] = -1
        chosen.append(int(np.argmax(gains)))
        left = target - unit[:, chosen] @ np.linalg.lstsq(unit[:, chosen], target, rcond=None)[0]
    return chosen


def _independent(unit: Floats) -> list[int]:
    """Columns that those before them do not add up to: the simplest of several equal writings."""
    r = np.abs(np.asarray(qr(unit, mode="r", check_finite=False)[0]).diagonal())
    return [int(at) for at in np.flatnonzero(r > 1e-8)]


def _fit(columns: Floats, target: Floats) -> tuple[Floats, float]:
    scale = np.linalg.norm(columns, axis=0)
    weights = np.linalg.lstsq(columns / scale, target, rcond=None)[0] / scale
    return weights, float(np.linalg.norm(target - columns @ weights))


def _ratio(
    design: Floats, y: Floats, tolerance: float, longest: int
) -> tuple[tuple[list[int], Floats], tuple[list[int], Floats]] | None:
    """Numerator and denominator, where some ratio of sums equals y exactly."""
    count = design.shape[1]
    table = np.column_stack([design, -y[:, None] * design])
    alive = list(range(2 * count))
    scale = np.linalg.norm(table, axis=0)
    table = table / scale
    vector, least = _null(table)
    if least > tolerance:
        return None
    # Common factors leave many null vectors: drop what is not needed, the most complicated terms first.
    for at in sorted(range(2 * count), key=lambda each: -(each % count)):
        rest = [each for each in alive if each != at]
        if len(rest) > 1:
            trial, value = _null(table[:, rest])
            if value <= 10 * tolerance:
                alive, vector, least = rest, trial, value
    weights = np.zeros(2 * count)
    weights[alive] = vector / scale[alive]
    top = [at for at in range(count) if weights[at] != 0]
    bottom = [at for at in range(count) if weights[count + at] != 0]
    if not top or not bottom or len(top) + len(bottom) > longest:
        return None
    pivot = weights[count + bottom[0]]
    up, down = weights[top] / pivot, weights[[count + at for at in bottom]] / pivot
    values = design[:, bottom] @ down
    if np.abs(values).min() == 0:
        return None
    error = np.linalg.norm(design[:, top] @ up / values - y) / np.linalg.norm(y - y.mean())
    return ((top, up), (bottom, down)) if error <= 1e3 * tolerance else None


def _null(table: Floats) -> tuple[Floats, float]:
    NULL_SPACE(table.size * table.shape[1])
    r = np.asarray(qr(table, mode="r", check_finite=False)[0])[: table.shape[1]]
    try:
        _, singular, right = np.linalg.svd(r)
    except np.linalg.LinAlgError:
        return np.zeros(table.shape[1]), np.inf
    return right[-1], float(singular[-1] / singular[0])


def linear(trees: Sequence[Node], weights: Floats) -> Node:
    """The weighted sum of some trees."""
    parts = tuple(
        Number(float(weight)) if tree == Number(1) else product(Number(float(weight)), tree)
        for tree, weight in zip(trees, weights, strict=True)
    )
    return parts[0] if len(parts) == 1 else Apply("+", parts)


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


def dictionaries(rows: Rows) -> Iterator[list[Term]]:
    """Sets of terms to try, the plainest first."""
    yield _monomials(rows, MOST_TERMS)
    largest = 3 if len(rows.names) <= 2 else 2
    single, short = _monomials(rows, 40, largest=largest), _monomials(rows, 12, largest=2)
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


def few(rows: Rows) -> Iterator[list[Term]]:
    """Small sets for numerators and denominators."""
    yield _monomials(rows, 36, whole=True)
    short, shortest = _monomials(rows, 8, whole=True), _monomials(rows, 4, whole=True)
    held = list(_all_taken(_columns(rows), FAMILIES))
    for at, _, atoms in held:
        yield _times(short, [_ONE, *atoms])
        yield _powers_of([*_without(rows, at), atoms[0]], 24)
    for one, other in itertools.combinations(held, 2):
        if one[0] != other[0]:
            yield _times(_times([_ONE, *_columns(rows)], [_ONE, one[2][0]]), [_ONE, other[2][0]])
    for _, _, atoms in _all_taken(_pairs(rows), FAMILIES[:2]):
        yield [*_monomials(rows, 10, whole=True), *atoms, *_times(_columns(rows), atoms)]
        for _, family, others in held:
            if family in FAMILIES[:2]:
                yield _times(shortest, [_ONE, *atoms, *others])


_ONE = Term(Number(1), np.ones(1))


def _columns(rows: Rows) -> list[Term]:
    return [Term(Variable(name), rows.X[:, at]) for at, name in enumerate(rows.names)]


def _without(rows: Rows, at: int) -> list[Term]:
    return [term for each, term in enumerate(_columns(rows)) if each != at]


def _powers_of(features: Sequence[Term], most: int) -> list[Term]:
    """Products of whole powers of features, by total degree."""
    chosen: list[tuple[int, ...]] = []
    for size in range(5):
        level = list(_exponents([False] * len(features), size))
        if chosen and len(chosen) + len(level) > most:
            break
        chosen += level
    terms: list[Term] = []
    for exponents in chosen:
        values = np.ones_like(features[0].values)
        for feature, exponent in zip(features, exponents, strict=True):
            values = values * feature.values**exponent
        terms.append(
            Term(powers([feature.tree for feature in features], [float(each) for each in exponents]), values)
        )
    return terms


def _pairs(rows: Rows) -> list[Term]:
    """Products, ratios, sums and differences of two features."""
    found: list[Term] = []
    with np.errstate(all="ignore"):
        for one, other in itertools.combinations(_columns(rows), 2):
            found += [
                Term(product(one.tree, other.tree), one.values * other.values),
                Term(product(one.tree, Apply("inv", (other.tree,))), one.values / other.values),
                Term(Apply("+", (one.tree, other.tree)), one.values + other.values),
                Term(Apply("+", (one.tree, Apply("neg", (other.tree,)))), one.values - other.values),
            ]
    return found


def _all_taken(
    features: Sequence[Term], families: Sequence[Sequence[str]]
) -> Iterator[tuple[int, Sequence[str], list[Term]]]:
    """The atoms of each family of each feature that has values."""
    for family in families:
        for at, feature in enumerate(features):
            atoms = taken(feature, family)
            if atoms:
                yield at, family, atoms


def taken(feature: Term, family: Sequence[str]) -> list[Term]:
    """The functions of a family at a feature, or none where one of them has no values."""
    found = list[Term]()
    for text in family:
        tree = read(text, ("x",))
        with np.errstate(all="ignore"):
            values = _evaluate(tree, feature.values)
            size = np.abs(values).max()
        if not np.isfinite(values).all() or size > 1e12 or np.ptp(values) <= 1e-6 * size:
            return []
        found.append(Term(substitute(tree, "x", feature.tree), values))
    return found


def _evaluate(tree: Node, x: Floats) -> Floats:
    from edgewise.symbolic.expressions.tape import Tape

    tape = Tape(tree, ("x",))
    return tape.value(tape.start, x[:, None])


def _squares(atoms: Sequence[Term]) -> list[Term]:
    return [
        Term(product(a.tree, b.tree) if a is not b else power(a.tree, 2), a.values * b.values)
        for a, b in itertools.combinations_with_replacement(atoms, 2)
    ]


def _times(first: Sequence[Term], second: Sequence[Term]) -> list[Term]:
    return [
        Term(product(*(each for each in (a.tree, b.tree) if each != Number(1))), a.values * b.values)
        for b in second
        for a in first
    ]


def _monomials(rows: Rows, most: int, *, whole: bool = False, largest: int = 6) -> list[Term]:
    """Products of whole powers, by total size; negative ones of columns that keep away from zero."""
    free = [not whole and bool((column > 0).all() or (column < 0).all()) for column in rows.X.T]
    chosen: list[tuple[int, ...]] = []
    for size in range(largest + 1):
        level = list(_exponents(free, size))
        if chosen and len(chosen) + len(level) > most:
            break
        chosen += level
    terms: list[Term] = []
    with np.errstate(all="ignore"):
        for exponents in chosen:
            factors = [
                power(Variable(name), each) for name, each in zip(rows.names, exponents, strict=True) if each
            ]
            values = np.prod(rows.X ** np.array(exponents, dtype=float), axis=1)
            if np.isfinite(values).all() and np.abs(values).max() > 0:
                terms.append(Term(product(*factors), values))
    return terms


def _exponents(free: Sequence[bool], size: int) -> Iterator[tuple[int, ...]]:
    if len(free) == 1:
        yield from {(size,), (-size,)} if free[0] else {(size,)}
        return
    for first in range(size + 1):
        for rest in _exponents(free[1:], size - first):
            yield (first, *rest)
            if first and free[0]:
                yield (-first, *rest)
