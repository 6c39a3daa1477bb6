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
from edgewise._core.work import spent
from edgewise.forms.tree import Apply, Node, Number, render
from edgewise.symbolic.config import RelationConfig, SearchConfig
from edgewise.symbolic.costs import QUOTIENT
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.dictionaries import SumTerm, few
from edgewise.symbolic.structure.forward_selection import nodes, select, weighted_targets
from edgewise.symbolic.structure.state import product
from edgewise.symbolic.structure.transformed_targets import TransformedTarget, linear, outside, target_values


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
    if len(rows.names) > rows.config.quotients.columns or len(rows.y) < rows.config.relation_rows:
        return
    config, thin = rows.config, rows.thinned(rows.config.quotients.rows)
    counts, model = (replace(rows, y=each).thinned(config.quotients.rows).y for each in (weight, smooth))
    if not np.isfinite(model).all():
        return
    sign, targets = _targets(thin.y, model, counts, config.relations)
    found: dict[str, _Quotient] = {}
    for at, terms in enumerate(itertools.islice(few(thin), config.quotients.dictionaries)):
        if spent() > until:
            break
        for target in targets if at < config.quotients.outer_dictionaries else targets[:1]:
            best = _best(terms, target, sign, config)
            if best is not None:
                found.setdefault(render(best.tree), best)
    best = sorted(found.values(), key=lambda one: one.criterion)[: config.quotients.refitted]
    refitted = [_refitted(each, thin, counts) for each in best]
    yield from (
        each.tree for each in sorted(refitted, key=lambda one: one.criterion)[: config.quotients.most]
    )


def _refitted(quotient: _Quotient, rows: SplitRows, weight: Floats) -> _Quotient:
    """The same by least squares in the units of y: the smooth model is no longer needed."""
    fit = refit(
        quotient.tree, rows.names, rows.X, rows.y, np.square(weight), steps=rows.config.quotients.steps
    )
    if not math.isfinite(fit.rss):
        return quotient
    return replace(quotient, tree=fit.tree, criterion=_criterion(fit.rss, len(rows.y), quotient.price))


def _criterion(left: float, count: int, price: float) -> float:
    return count * math.log(max(left, 1e-300)) + price


def _targets(y: Floats, smooth: Floats, weight: Floats, config: RelationConfig) -> tuple[int, list[_Target]]:
    """y itself first; of functions that are each other's inverse one, for the inverse of a quotient is one."""
    sign, targets = weighted_targets(y, weight, config)
    turned = np.where(sign * smooth > 0, smooth, y) if sign else smooth
    found: list[_Target] = []
    for each, counts in targets:
        model = target_values(each.outer, smooth if each.outer.anywhere else turned, sign)
        if model is not None and each.outer.tree not in _INVERSES:
            found.append(_Target(each.outer, each.values, np.where(counts > 0, model, each.values), counts))
    return sign, found


_INVERSES = ("s/u", "s/sqrt(u)", "s/u^(3/2)", "s/u^2")


def _best(terms: Sequence[SumTerm], target: _Target, sign: int, config: SearchConfig) -> _Quotient | None:
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
    for turn in range(config.quotients.rounds):
        scale = weight / np.maximum(np.abs(below), config.quotients.flat * np.median(np.abs(below)))
        weighed, aim = table * scale[:, None], y * scale
        size = np.linalg.norm(weighed, axis=0)
        good = np.flatnonzero(np.isfinite(size) & (size > 0))
        unit = weighed[:, good] / size[good]
        QUOTIENT(len(y) * unit.shape[1] ** 2)
        if turn == 0:
            gram, along, total = unit.T @ unit, unit.T @ aim, float(aim @ aim)
            picked, _ = select(gram, along, total, len(y), config.selected_terms, config.quotients.triples)
            chosen = [int(good[at]) for at in picked]
            if not any(at >= len(terms) for at in chosen) or not any(at < len(terms) for at in chosen):
                return None
        solution = np.linalg.lstsq(weighed[:, chosen] / size[chosen], aim, rcond=None)[0] / size[chosen]
        parts = [at - len(terms) for at in chosen if at >= len(terms)]
        lower = [float(each) for at, each in zip(chosen, solution, strict=True) if at >= len(terms)]
        below = 1 + above[:, [varies[at] for at in parts]] @ np.array(lower)
        if (np.abs(below) < config.quotients.pole * np.median(np.abs(below))).any():
            return None
    top = [at for at in chosen if at < len(terms)]
    upper = np.array([each for at, each in zip(chosen, solution, strict=True) if at < len(terms)])
    left = float(np.sum(np.square(weight * (y - above[:, top] @ upper / below))))
    if not math.isfinite(left):
        return None
    trees = [*(terms[at].tree for at in top), *(terms[varies[at]].tree for at in parts)]
    price = (math.log(len(y)) + 2 * math.log(table.shape[1])) * len(chosen) + config.term_node * sum(
        map(nodes, trees)
    )
    price += config.outer_price * (target.outer.tree != "u")
    denominator = Apply("+", (Number(1), linear([terms[varies[at]].tree for at in parts], np.array(lower))))
    tree = product(linear([terms[at].tree for at in top], upper), Apply("inv", (denominator,)))
    return _Quotient(_criterion(left, len(y), price), outside(target.outer, tree, sign), price)
