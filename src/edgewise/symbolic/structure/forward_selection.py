"""Sums of few terms under noise: forward selection and exchange in many small dictionaries, judged together.

A whole dictionary, which `linear_relations` solves for at once, would follow the noise: here terms must be chosen. In each
dictionary they are added as long as the extended BIC falls (it charges for the size of the dictionary, too), then exchanged.
Functions of y are fitted with weights that bring errors back to y's own units.

References
----------
Chen, Chen (2008), Extended Bayesian information criteria for model selection with large model spaces. Biometrika 95(3).
doi:10.1093/biomet/asn034
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.forms.tree import Apply, Node, render
from edgewise.symbolic.costs import ENTRY, PRODUCT, ROUTINE, STEP
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.dictionaries import SumTerm, dictionaries
from edgewise.symbolic.structure.direct_candidates import best_pair, best_triple
from edgewise.symbolic.structure.state import RELATION_ROWS
from edgewise.symbolic.structure.transformed_targets import (
    TargetFunction,
    TransformedTarget,
    linear,
    outside,
    target_values,
    transformed,
)

# Rows, sets of terms, and sums that are offered; columns at most.
_ROWS = 600
_DICTIONARIES = 150
_OFFERED_SUMS = 8
_MOST_COLUMNS = 6
# Terms of a sum.
SUM_TERMS = 6
# Nats of a node of a term: as description length has it, twice the logarithm of some ten symbols.
TERM_NODE_NATS = 4.0
# Nats of a function around a sum or a quotient.
OUTER_NATS = 2.0
# Noise about zero turns the sign of at most this share of the rows, and by at most this share of the largest.
_ASTRAY_SHARE = 0.2
_ABOUT_ZERO_SHARE = 0.1

# The inverse of a small triangle.
_turned: Any = get_lapack_funcs("trtri", dtype=np.float64)


@dataclass(frozen=True)
class _FittedSum:
    """A fitted sum: its criterion, outer function, terms and weights."""

    criterion: float
    outer: TransformedTarget
    trees: tuple[Node, ...]
    weights: Floats


@proposes("selected sums")
def selected_sums(
    rows: SplitRows, *, weight: Floats | None = None, until: float = math.inf
) -> Iterator[Node]:
    """The best few sums of terms, the best first.

    Parameters
    ----------
    rows
        Features and target.
    weight
        How much an error of the target counts on each row to fit, (n,); by default all the same.
    until
        The count of work (see `spent`) where it ends.
    """
    if len(rows.names) > _MOST_COLUMNS or len(rows.y) < RELATION_ROWS:
        return
    thin = rows.thinned(_ROWS)
    counts = np.ones(len(rows.y)) if weight is None else weight
    counts = replace(rows, y=counts).thinned(_ROWS).y
    sign, targets = weighted_targets(thin.y, counts)
    found: dict[str, _FittedSum] = {}
    for terms in itertools.islice(dictionaries(thin), _DICTIONARIES):
        if spent() > until:
            break
        charge(ENTRY * len(terms) * len(thin.y))
        design = np.column_stack([np.broadcast_to(term.values, len(thin.y)) for term in terms])
        for target, slope in targets:
            best = _best(design, target.values, slope, terms, target.outer)
            if best is not None:
                key = target.outer.tree + " ".join(sorted(render(tree) for tree in best.trees))
                found.setdefault(key, best)
    for item in sorted(found.values(), key=lambda one: one.criterion)[:_OFFERED_SUMS]:
        yield outside(item.outer, linear(item.trees, item.weights), sign)


def weighted_targets(y: Floats, weight: Floats) -> tuple[int, list[tuple[TargetFunction, Floats]]]:
    """The sign of y, and the functions of y that have values, each with what its errors count in y."""
    sign, off, targets = transformed(y, astray=_ASTRAY_SHARE, about_zero=_ABOUT_ZERO_SHARE)
    found: list[tuple[TargetFunction, Floats]] = []
    for target in targets:
        slope = _slopes(target.outer, target.y, sign)
        if slope is not None:
            found.append((target, weight * (slope if target.outer.anywhere else np.where(off, 0.0, slope))))
    return sign, found


def _slopes(outer: TransformedTarget, y: Floats, sign: int) -> Floats | None:
    """dy/du: what an error of the function of y means for y."""
    step = 1e-6 * float(y.std())
    up, down = target_values(outer, y + step, sign), target_values(outer, y - step, sign)
    if up is None or down is None:
        return None
    with np.errstate(all="ignore"):
        weight = np.abs(2 * step / (up - down))
    if not np.isfinite(weight).all():
        return None
    # A row where the function is flat would count for nothing but its own error.
    return np.minimum(weight, 20 * np.median(weight))


def _best(
    design: Floats, values: Floats, weight: Floats, terms: list[SumTerm], outer: TransformedTarget
) -> _FittedSum | None:
    table, target = design * weight[:, None], values * weight
    scale = np.linalg.norm(table, axis=0)
    good = np.flatnonzero(np.isfinite(scale) & (scale > 0))
    unit = table[:, good] / scale[good]
    charge(ROUTINE + PRODUCT * len(target) * unit.shape[1] ** 2)
    gram, along, total = unit.T @ unit, unit.T @ target, float(target @ target)
    chosen, criterion = select(gram, along, total, len(target), SUM_TERMS)
    if not chosen:
        return None
    solution = np.linalg.lstsq(unit[:, chosen], target, rcond=None)[0] / scale[good[chosen]]
    trees = tuple(terms[int(good[at])].tree for at in chosen)
    price = OUTER_NATS * (outer.tree != "u") + TERM_NODE_NATS * sum(map(nodes, trees))
    return _FittedSum(criterion + price, outer, trees, solution)


def nodes(tree: Node) -> int:
    """How many nodes a tree has."""
    return 1 + sum(map(nodes, tree.arguments)) if isinstance(tree, Apply) else 1


def select(
    gram: Floats, along: Floats, total: float, rows: int, longest: int, exhaustive: int = 0
) -> tuple[list[int], float]:
    """Terms by forward selection with exchange, as many as the extended BIC allows, from inner products alone.

    Two terms are the best of all pairs, three the best of all triples of at most `exhaustive` terms: where terms resemble
    each other, one at a time often ends elsewhere.
    """
    price = math.log(rows) + 2 * math.log(len(along))
    chosen: list[int] = []
    best: tuple[list[int], float] = ([], math.inf)
    while len(chosen) < longest:
        chosen, left = _longer(gram, along, total, chosen, exhaustive)
        if not math.isfinite(left):
            break
        chosen, left = _exchanged(gram, along, total, chosen, left)
        criterion = rows * math.log(max(left, 1e-26 * total)) + price * len(chosen)
        if criterion < best[1]:
            best = (chosen, criterion)
        else:
            break
    return best


def _longer(
    gram: Floats, along: Floats, total: float, chosen: list[int], exhaustive: int
) -> tuple[list[int], float]:
    """One term more, and what that leaves."""
    costs = _costs(gram, along, total, chosen)
    at = int(np.argmin(costs))
    best = [*chosen, at], float(costs[at])
    if len(chosen) == 1 < len(along):
        charge(STEP + ENTRY * gram.size)
        picked = best_pair(gram, along)
    elif len(chosen) == 2 < len(along) <= exhaustive:
        picked = best_triple(gram, along)
    else:
        return best
    left = float(_costs(gram, along, total, picked[:-1])[picked[-1]])
    return (picked, left) if left < best[1] else best


def _exchanged(
    gram: Floats, along: Floats, total: float, chosen: list[int], left: float
) -> tuple[list[int], float]:
    """The exchange of one term for another that leaves the least, again and again while it leaves less."""
    while len(chosen) > 1:
        place, promised = _worst_place(gram, along, total, chosen)
        if not promised < left * (1 - 1e-6):
            break
        rest = chosen[:place] + chosen[place + 1 :]
        costs = _costs(gram, along, total, rest)
        at = int(np.argmin(costs))
        if not costs[at] < left * (1 - 1e-6):
            break
        chosen, left = [*rest, at], float(costs[at])
    return chosen, left


@dataclass(frozen=True)
class _Basis:
    """Terms chosen, and what of the others and of the target is apart from them.

    Parameters
    ----------
    inverse
        The inverse of the lower Cholesky factor of the chosen terms' inner products, (k, k).
    across, held
        The inner products of all terms, (k, p), and of the target, (k,), with the chosen ones made orthonormal.
    apart, left
        Of each term the square that is apart from the chosen ones, and the inner product of that with the target, (p,).
    """

    inverse: Floats
    across: Floats
    held: Floats
    apart: Floats
    left: Floats

    @classmethod
    def of(cls, gram: Floats, along: Floats, chosen: list[int]) -> _Basis | None:
        """None where the chosen terms are dependent."""
        charge(STEP + ENTRY * len(chosen) * len(along))
        block = gram[np.ix_(chosen, chosen)] + 1e-13 * np.eye(len(chosen))
        try:
            lower = np.linalg.cholesky(block)
        except np.linalg.LinAlgError:
            return None
        # So few terms are quicker turned once than solved for twice.
        inverse = _turned(lower, lower=1)[0]
        across, held = inverse @ gram[chosen], inverse @ along[chosen]
        return cls(inverse, across, held, 1 - (across**2).sum(axis=0), along - held @ across)


def _costs(gram: Floats, along: Floats, total: float, rest: list[int]) -> Floats:
    """Residual sum of squares with each term added to the rest."""
    if not rest:
        return np.maximum(total - along**2, 0.0)
    basis = _Basis.of(gram, along, rest)
    if basis is None:
        return np.full(len(along), np.inf)
    costs = _with_each(total - basis.held @ basis.held, basis.left, basis.apart)
    costs[rest] = np.inf
    return costs


def _worst_place(gram: Floats, along: Floats, total: float, chosen: list[int]) -> tuple[int, float]:
    """The chosen term whose exchange for the best other leaves the least, and that: `_costs` of all that lack one, at once.

    Without the term i, whose entries in the inverse C of the inner products are C_i, a term has h_i^2 / C_ii more apart
    from the chosen ones, where h = C G, and the target w_i^2 / C_ii, where w = C b.
    """
    basis = _Basis.of(gram, along, chosen)
    if basis is None:
        return 0, math.inf
    charge(STEP + ENTRY * len(chosen) * len(along))
    # In units of the root of C_ii.
    own = 1 / np.sqrt((basis.inverse**2).sum(axis=0))
    turned = basis.inverse * own
    h, w = turned.T @ basis.across, (basis.held @ turned)[:, None]
    costs = _with_each(total - basis.held @ basis.held + w**2, basis.left + h * w, basis.apart + h**2)
    costs[:, chosen] = np.inf
    at = int(np.argmin(costs))
    return at // len(along), float(costs.flat[at])


def _with_each(total: Floats | float, left: Floats, apart: Floats) -> Floats:
    """Residual sums of squares with one term more, infinite where nothing of it is apart."""
    distinct = apart > 1e-8
    return np.maximum(np.where(distinct, total - left**2 / np.where(distinct, apart, 1.0), np.inf), 0.0)
