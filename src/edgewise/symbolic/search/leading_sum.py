"""Sums of terms in a search under noise, of which one can be its end."""

from __future__ import annotations

from collections.abc import Generator

from edgewise.symbolic.results.description_length import description
from edgewise.symbolic.results.search_result import as_formula
from edgewise.symbolic.search.search_state import Proposal, Search
from edgewise.symbolic.search.shortlist import digits_key
from edgewise.symbolic.terms.search import sums_of_terms

# A sum that leaves only noise ends the search where no formula of another kind comes as near in nats.
_LEADING_NATS = 20.0
# Of the work that remains, what sums under noise may take.
_SHARE = 0.5


def leading_sum(search: Search) -> Generator[Proposal, None, None]:
    """The best sums of terms; the search is told whether one of them leads."""
    before = known(search)
    functions = search.limits.functions
    yield Proposal(sums_of_terms(search.rows.alike, search.part(_SHARE), noisy=True, functions=functions))
    search.summed = leads(search, known(search) - before)


def known(search: Search) -> frozenset[str]:
    """What tells the formulas found so far from others."""
    return frozenset([*search.passed, *(digits_key(formula.expression) for formula in search.finished)])


def leads(search: Search, sums: frozenset[str]) -> bool:
    """Whether one of some sums of terms leaves only noise, and no formula of another kind comes near it.

    Parameters
    ----------
    search
        What has been found so far.
    sums
        What tells the sums from others.
    """
    rows = search.rows
    found = {digits_key(formula.expression): formula for formula in search.finished}
    fresh = [item for key, item in found.items() if key in sums]
    if not fresh or rows.short:
        return False
    least, _, best = min((description(item, rows), at, item) for at, item in enumerate(fresh))
    if not search.leaves_noise(best):
        return False
    found |= {
        key: as_formula(formula, rows, None) for key, formula in search.passed.items() if key not in found
    }
    return not any(
        description(item, rows) < least + _LEADING_NATS for key, item in found.items() if key not in sums
    )
