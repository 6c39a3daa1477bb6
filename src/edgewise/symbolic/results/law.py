"""Which formula is the law: the one that takes the fewest nats to describe rows where its constants were not fitted.

What a formula leaves inside the table says how well it predicts; what it leaves on ends that its constants have not seen
says whether it goes on. So the description of those ends chooses the law (Dawid's prequential principle), and how much
longer the descriptions of its rivals are says how sure that is.

References
----------
Dawid (1984), Statistical theory: the prequential approach. Journal of the Royal Statistical Society A 147(2).
doi:10.2307/2981683
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise.forms.tree import names_in
from edgewise.symbolic.fitting.structure_left import follow_together, follows_columns
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.description_length import description
from edgewise.symbolic.results.formula import Formula, with_formula
from edgewise.symbolic.results.outside import outside
from edgewise.symbolic.results.probability import EXACT_PROBABILITY, law_probability
from edgewise.symbolic.results.search_result import FormulaResult, judged

# Formulas that are looked at outside: those that describe all rows in the fewest nats.
_LOOKED_AT = 16
# Where what the closest formula leaves follows the columns, rows are no proof for each other: they count as so few.
_FEW_COUNT = 100


@dataclass(frozen=True)
class LawChoice:
    """The formula that is most likely the law.

    Attributes
    ----------
    law : Formula
        With what it does outside.
    share : float
        The probability that it is the one among the formulas that were looked at, if one of them is.
    count : int
        As how many rows the table counts.
    seen : tuple of Formula
        All that were looked at, with what they do outside, the most likely first.
    """

    law: Formula
    share: float
    count: int
    seen: tuple[Formula, ...]


def law_among(formulas: Iterable[Formula], rows: SplitRows) -> LawChoice | None:
    """The formula that describes rows outside those of its fit in the fewest nats.

    Parameters
    ----------
    formulas
        What may be the law, constants fitted to all rows.
    rows
        The table.

    Returns
    -------
    LawChoice or None
        None where no end of the table can be left out.
    """
    near = nearest(formulas, rows)
    count, columns = _count(near, rows), _columns(near)
    found = list[tuple[float, Formula]]()
    for formula in near:
        if (there := outside(formula.tree, rows, columns)) is None:
            return None
        found.append((description(formula, rows, there.typical, count), replace(formula, outside=there)))
    found.sort(key=lambda pair: pair[0])
    lengths = np.array([nats for nats, _ in found])
    if not math.isfinite(lengths[0]):
        return None
    share = 1 / float(np.exp(lengths[0] - lengths).sum())
    seen = tuple(item for _, item in found)
    return LawChoice(seen[0], share, count, seen)


def _columns(formulas: Iterable[Formula]) -> list[str]:
    """Those that some formula holds, whose ends are left out."""
    return sorted(set().union(*(names_in(formula.tree) for formula in formulas)))


def nearest(formulas: Iterable[Formula], rows: SplitRows) -> tuple[Formula, ...]:
    """Those that describe all rows in the fewest nats, which are looked at outside."""
    distinct = {formula.expression: formula for formula in formulas}.values()
    count = _count(distinct, rows)
    return tuple(sorted(distinct, key=lambda item: description(item, rows, count=count))[:_LOOKED_AT])


def _count(formulas: Collection[Formula], rows: SplitRows) -> int:
    """As how many rows the table counts: as few where even the closest formula leaves a pattern."""
    closest = min(formulas, key=lambda formula: formula.error)
    X, y, _ = rows.everything
    with np.errstate(all="ignore"):
        left = closest.predict(X) - y
    columns = _columns(formulas)
    used = [at for at, name in enumerate(rows.names) if name in columns]
    pattern = follows_columns(X, left) or follow_together(X[:, used], left)
    return min(len(y), _FEW_COUNT) if pattern else len(y)


def with_law(
    result: FormulaResult, others: Iterable[Formula], rows: SplitRows, rivals: Sequence[Formula] = ()
) -> FormulaResult:
    """A result judged: its law, how likely that is, what every formula does outside, and the trust in each.

    Parameters
    ----------
    result
        What a search found, in the columns of `rows`.
    others
        Formulas beside its front that may be the law.
    rows
        The data. Of a short table no end can be left out, and the law is what predicts best.
    rivals
        Formulas beside the front that may be alternatives.
    """
    law, share, count = result.best, 1.0, rows.count
    if not (result.exact or rows.short):
        choice = law_among([result.best, *result.front, *others], rows)
        if choice is not None:
            law, share, count = choice.law, choice.share, choice.count
            known = {formula.expression: formula for formula in choice.seen}
            columns = _columns(choice.seen)
            result = replace(result, front=with_formula(result.front, law)).changed(
                lambda formula: (
                    known.get(formula.expression)
                    or replace(formula, outside=outside(formula.tree, rows, columns))
                )
            )
    result = judged(replace(result, further=law), rows, rivals)
    likely = EXACT_PROBABILITY
    if not result.exact:
        likely = law_probability(result.recommended, result.front, count, share)
    return replace(result, probability=likely)
