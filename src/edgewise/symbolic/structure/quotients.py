"""Quotients of two short sums under noise: y = N / (1 + D), linear in the constants once y D is on the other side.

In y = N - y D the noise of y stands on both sides, which pulls the constants of D towards zero. A smooth model of y in its
place on the right takes that away (an instrument, in the words of econometrics), and weights of 1 / (1 + D) bring the errors
back to the units of y (Sanathanan and Koerner's iteration).

References
----------
Sanathanan, Koerner (1963), Transfer function synthesis as a ratio of two complex polynomials. IEEE Trans. Automatic Control
8(1). doi:10.1109/TAC.1963.1105517
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.forms.tree import Node, Number, inverse, render
from edgewise.symbolic.costs import BATCH, PRODUCT
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.dictionaries import SumTerm, few
from edgewise.symbolic.structure.forward_selection import (
    OUTER_NATS,
    SUM_TERMS,
    TERM_NODE_NATS,
    nodes,
    select,
    weighted_targets,
)
from edgewise.symbolic.structure.state import RELATION_ROWS, product
from edgewise.symbolic.structure.transformed_targets import TransformedTarget, linear, outside, target_values

# Rows, sets of terms, quotients that are offered, and rounds, in each of which denominators weigh the rows anew.
_ROWS = 800
_DICTIONARIES = 120
_OFFERED = 8
_ROUNDS = 2
# Sets of terms that functions of y are tried with, too; a set of at most so many terms is searched for its best three.
_OUTER_DICTIONARIES = 90
_TRIPLE_TERMS = 80
# Quotients whose constants are fitted before the best are offered, steps of that fit, and columns at most.
_REFITTED = 20
_REFIT_STEPS = 12
_MOST_COLUMNS = 4
# A denominator counts as no smaller than this share of its median while rows are weighed by it; one that falls below the
# second share has a pole among the rows.
_FLAT_SHARE = 1e-3
_POLE_SHARE = 1e-6


@dataclass(frozen=True)
class _Quotient:
    criterion: float
    tree: Node
    price: float


@dataclass(frozen=True, eq=False)
class _Target:
    """A function of y, its value by a smooth model, and how much its errors count in y on each row."""

    outer: TransformedTarget
    values: Floats
    smooth: Floats
    weight: Floats


@proposes("quotients")
def quotients(rows: SplitRows, smooth: Floats, *, weight: Floats, until: float = math.inf) -> Iterator[Node]:
    """The best few quotients of sums of terms, and functions of such, the best first.

    Parameters
    ----------
    rows
        Features and target.
    smooth
        The target by a smooth model, (n,).
    weight
        How much an error of the target counts on each row to fit, (n,).
    until
        The count of work (see `spent`) where it ends.
    """
    if len(rows.names) > _MOST_COLUMNS or len(rows.y) < RELATION_ROWS:
        return
    thin = rows.thinned(_ROWS)
    counts, model = (replace(rows, y=item).thinned(_ROWS).y for item in (weight, smooth))
    if not np.isfinite(model).all():
        return
    sign, targets = _targets(thin.y, model, counts)
    found: dict[str, _Quotient] = {}
    for at, terms in enumerate(itertools.islice(few(thin), _DICTIONARIES)):
        if spent() > until:
            break
        for target in targets if at < _OUTER_DICTIONARIES else targets[:1]:
            best = _best(terms, target, sign)
            if best is not None:
                found.setdefault(render(best.tree), best)
    best = sorted(found.values(), key=lambda one: one.criterion)[:_REFITTED]
    refitted = [_refitted(value, thin, counts) for value in best]
    yield from (quotient.tree for quotient in sorted(refitted, key=lambda one: one.criterion)[:_OFFERED])


def _refitted(quotient: _Quotient, rows: SplitRows, weight: Floats) -> _Quotient:
    """The same by least squares in the units of y: the smooth model is no longer needed."""
    fit = refit(quotient.tree, rows.names, rows.X, rows.y, np.square(weight), steps=_REFIT_STEPS)
    if not math.isfinite(fit.rss):
        return quotient
    return replace(quotient, tree=fit.tree, criterion=_criterion(fit.rss, len(rows.y), quotient.price))


def _criterion(left: float, count: int, price: float) -> float:
    return count * math.log(max(left, 1e-300)) + price


def _targets(y: Floats, smooth: Floats, weight: Floats) -> tuple[int, list[_Target]]:
    """y itself first; of functions that are each other's inverse one, for the inverse of a quotient is one."""
    sign, targets = weighted_targets(y, weight)
    turned = np.where(sign * smooth > 0, smooth, y) if sign else smooth
    found: list[_Target] = []
    for item, counts in targets:
        model = target_values(item.outer, smooth if item.outer.anywhere else turned, sign)
        if model is not None and item.outer.tree not in _INVERSES:
            found.append(_Target(item.outer, item.values, np.where(counts > 0, model, item.values), counts))
    return sign, found


_INVERSES = ("s/u", "s/sqrt(u)", "s/u^(3/2)", "s/u^2")


def _best(terms: Sequence[SumTerm], target: _Target, sign: int) -> _Quotient | None:
    y, model, weight = target.values, target.smooth, target.weight
    above = np.column_stack([np.broadcast_to(term.values, len(y)) for term in terms])
    varies = [at for at, term in enumerate(terms) if term.tree != Number(1)]
    table = np.column_stack([above, -model[:, None] * above[:, varies]])
    if not np.isfinite(table).all():
        return None
    chosen: list[int] = []
    parts: list[int] = []
    lower: list[float] = []
    solution, below = np.zeros(0), np.ones(len(y))
    for turn in range(_ROUNDS):
        scale = weight / np.maximum(np.abs(below), _FLAT_SHARE * np.median(np.abs(below)))
        weighed, aim = table * scale[:, None], y * scale
        size = np.linalg.norm(weighed, axis=0)
        good = np.flatnonzero(np.isfinite(size) & (size > 0))
        unit = weighed[:, good] / size[good]
        charge(BATCH + 2 * PRODUCT * len(y) * unit.shape[1] ** 2)
        if turn == 0:
            gram, along, total = unit.T @ unit, unit.T @ aim, float(aim @ aim)
            picked, _ = select(gram, along, total, len(y), SUM_TERMS, _TRIPLE_TERMS)
            chosen = [int(good[at]) for at in picked]
            if not any(at >= len(terms) for at in chosen) or not any(at < len(terms) for at in chosen):
                return None
        solution = np.linalg.lstsq(weighed[:, chosen] / size[chosen], aim, rcond=None)[0] / size[chosen]
        parts = [at - len(terms) for at in chosen if at >= len(terms)]
        lower = [float(item) for at, item in zip(chosen, solution, strict=True) if at >= len(terms)]
        below = 1 + above[:, [varies[at] for at in parts]] @ np.array(lower)
        if (np.abs(below) < _POLE_SHARE * np.median(np.abs(below))).any():
            return None
    top = [at for at in chosen if at < len(terms)]
    upper = np.array([item for at, item in zip(chosen, solution, strict=True) if at < len(terms)])
    left = float(np.sum(np.square(weight * (y - above[:, top] @ upper / below))))
    if not math.isfinite(left):
        return None
    trees = [*(terms[at].tree for at in top), *(terms[varies[at]].tree for at in parts)]
    price = (math.log(len(y)) + 2 * math.log(table.shape[1])) * len(chosen) + TERM_NODE_NATS * sum(
        map(nodes, trees)
    )
    price += OUTER_NATS * (target.outer.tree != "u")
    denominator = 1 + linear([terms[varies[at]].tree for at in parts], np.array(lower))
    tree = product(linear([terms[at].tree for at in top], upper), inverse(denominator))
    return _Quotient(_criterion(left, len(y), price), outside(target.outer, tree, sign), price)
