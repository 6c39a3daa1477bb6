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
from edgewise.forms.tree import Apply, Node, Number, substitute
from edgewise.symbolic.config import DEFAULT, RelationConfig
from edgewise.symbolic.costs import NULL_SPACE, ORTHOGONAL
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.dictionaries import dictionaries, few
from edgewise.symbolic.structure.state import EXACT, product

Floats = NDArray[np.float64]


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


def relations(rows: SplitRows, tolerance: float = EXACT, *, plain: bool = False) -> Iterator[Node]:
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
    if len(rows.names) > rows.config.relation_columns or len(rows.y) < rows.config.relation_rows:
        return
    thin = rows.thinned(2 * rows.config.dictionary_terms)
    sign = 1 if (thin.y > 0).all() else -1 if (thin.y < 0).all() else 0
    targets = [
        (outer, values) for outer in OUTERS if (values := target_values(outer, thin.y, sign)) is not None
    ]
    if not targets:  # it hardly differs from one number
        return
    longest = rows.config.exact_terms + rows.config.exact_terms_a_feature * len(rows.names)
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


def leaning(y: Floats, config: RelationConfig = DEFAULT.relations) -> tuple[int, NDArray[np.bool_]]:
    """The sign of y, and the rows that noise about zero may have given the other one; 0 where y has none.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic.structure.linear_relations import leaning
    >>> sign, off = leaning(np.array([1.0, 2.0, 30.0, 5.0, 4.0, -0.1]))
    >>> sign, off.tolist()
    (1, [False, False, False, False, False, True])
    >>> leaning(np.array([1.0, 2.0, -3.0]))[0]
    0
    """
    sign = 1 if 2 * int((y > 0).sum()) >= len(y) else -1
    off = sign * y <= 0
    if off.any() and (
        off.mean() > config.astray or np.abs(y[off]).max() > config.about_zero * np.abs(y).max()
    ):
        return 0, np.zeros(len(y), dtype=bool)
    return sign, off


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
