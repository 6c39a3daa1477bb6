"""Exact relations by linear algebra: a function of y that is a sum, or a ratio of sums, of products of simple atoms.

With more rows than terms, a least-squares fit over a whole dictionary has residual zero only where the law lies in its
span, and then its coefficients are the law's: nothing is searched for. Functions of y (its square, its logarithm, its
sine, ...) share one factorisation; ratios P/Q are the null vectors of [terms, -y * terms]. Under noise nothing passes,
which costs milliseconds; what `forward_selection` and `quotients` do then is unlike this, as it must choose terms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from scipy.linalg import qr, solve_triangular

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.forms.tree import Node, inverse
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.dictionaries import MOST_TERMS, dictionaries, few
from edgewise.symbolic.structure.state import EXACT, RELATION_ROWS, product
from edgewise.symbolic.structure.transformed_targets import linear, outside, transformed

# Columns that relations may have.
_MOST_COLUMNS = 9
# A sum with more terms only approximates: so many, and so many for each feature.
_EXACT_TERMS = 4
_EXACT_TERMS_A_FEATURE = 2


@proposes("linear relations")
def relations(
    rows: SplitRows, tolerance: float = EXACT, *, plain: bool = False, until: float = math.inf
) -> Iterator[Node]:
    """Formulas that hold on all rows to rounding error.

    Parameters
    ----------
    rows
        Features and target.
    tolerance
        The largest residual, as a share of the target's size, that counts as none.
    plain
        Whether to try powers of the features alone.
    until
        The count of work (see `spent`) where it ends.

    Yields
    ------
    Node
        For the target, in the features.
    """
    if len(rows.names) > _MOST_COLUMNS or len(rows.y) < RELATION_ROWS:
        return
    thin = rows.thinned(2 * MOST_TERMS)
    sign, _, targets = transformed(thin.y)
    if not targets:  # it hardly differs from one number
        return
    longest = _EXACT_TERMS + _EXACT_TERMS_A_FEATURE * len(rows.names)
    for terms in itertools.islice(dictionaries(thin), 1 if plain else None):
        if spent() > until:
            return
        design = np.column_stack([np.broadcast_to(term.values, len(thin.y)) for term in terms])
        for at, chosen, weights in _sums(
            design, np.column_stack([target.values for target in targets]), tolerance, longest
        ):
            tree = linear([terms[item].tree for item in chosen], weights)
            yield outside(targets[at].outer, tree, sign)
    for terms in itertools.islice(few(thin), 1 if plain else None):
        if spent() > until:
            return
        design = np.column_stack([np.broadcast_to(term.values, len(thin.y)) for term in terms])
        for target in targets:
            # The inverse of a ratio is one.
            if "/" in target.outer.tree:
                continue
            found = _ratio(design, target.values, tolerance, longest)
            if found is not None:
                top, bottom = (
                    linear([terms[item].tree for item in chosen], weights) for chosen, weights in found
                )
                yield outside(target.outer, product(top, inverse(bottom)), sign)


def _sums(
    design: Floats, targets: Floats, tolerance: float, longest: int
) -> Iterator[tuple[int, list[int], Floats]]:
    """(target, terms, weights) of every target in the span of few terms."""
    charge(ROUTINE + FACTORED * (design.size * (design.shape[1] + targets.shape[1])))
    scale = np.linalg.norm(design, axis=0)
    size = np.linalg.norm(targets - targets.mean(axis=0), axis=0)
    unit = design / scale
    q = np.asarray(qr(unit, mode="economic", check_finite=False)[0])
    near = np.linalg.norm(targets - q @ (q.T @ targets), axis=0) <= tolerance * size
    if not near.any():
        return
    charge(ROUTINE + FACTORED * 2 * design.size * design.shape[1])
    kept = _independent(unit)
    q, r = (np.asarray(item) for item in qr(unit[:, kept], mode="economic", check_finite=False))
    along = q.T @ targets
    left = targets - q @ along
    for at in np.flatnonzero(np.linalg.norm(left, axis=0) <= 3 * tolerance * size):
        solution = solve_triangular(r, along[:, at])
        share = np.abs(solution) / np.linalg.norm(targets[:, at])
        strong = [kept[item] for item in np.flatnonzero(share > 1e-8)]
        if len(strong) > longest:
            # Terms that resemble each other share what one of them could explain.
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
        left = target - unit[:, chosen] @ linear_fit(unit[:, chosen], target)
    return chosen


def _independent(unit: Floats) -> list[int]:
    """Columns that those before them do not add up to: the simplest of several equal writings."""
    r = np.abs(np.asarray(qr(unit, mode="r", check_finite=False)[0]).diagonal())
    return [int(at) for at in np.flatnonzero(r > 1e-8)]


def _fit(columns: Floats, target: Floats) -> tuple[Floats, float]:
    scale = np.linalg.norm(columns, axis=0)
    weights = linear_fit(columns / scale, target) / scale
    return weights, float(np.linalg.norm(target - columns @ weights))


def _ratio(
    design: Floats, y: Floats, tolerance: float, longest: int
) -> tuple[tuple[list[int], Floats], tuple[list[int], Floats]] | None:
    """Numerator and denominator, where some ratio of sums equals y exactly."""
    count = design.shape[1]
    # Rows weighed alike: where a few are far larger than all others, every sum that is small on these would pass.
    size = float(np.median(np.abs(y))) or float(np.abs(y).max())
    weight = size / np.hypot(size, y)[:, None]
    table = np.column_stack([weight * design, -weight * y[:, None] * design])
    alive = list(range(2 * count))
    scale = np.linalg.norm(table, axis=0)
    table = table / scale
    vector, least = _null(table)
    if least > tolerance:
        return None
    # Common factors leave many null vectors: drop what is not needed, the most complicated terms first.
    for at in sorted(range(2 * count), key=lambda number: -(number % count)):
        rest = [number for number in alive if number != at]
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
    charge(ROUTINE + FACTORED * table.size * table.shape[1])
    r = np.asarray(qr(table, mode="r", check_finite=False)[0])[: table.shape[1]]
    try:
        _, singular, right = np.linalg.svd(r)
    except np.linalg.LinAlgError:
        return np.zeros(table.shape[1]), np.inf
    return right[-1], float(singular[-1] / singular[0])
