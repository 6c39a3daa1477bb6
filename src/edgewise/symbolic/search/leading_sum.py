"""Whether a sum of terms can be the end of a search under noise."""

from __future__ import annotations

from edgewise.symbolic.results.description_length import description
from edgewise.symbolic.results.search_result import as_formula
from edgewise.symbolic.search.search_state import Search
from edgewise.symbolic.search.shortlist import digits_key


def known(search: Search) -> frozenset[str]:
    """What tells the formulas found so far from others."""
    return frozenset([*search.passed, *(digits_key(each.expression) for each in search.finished)])


def leads(search: Search, sums: frozenset[str], *, all_others: bool) -> bool:
    """Whether one of some sums of terms leaves only noise, and no other formula with as few constants comes near it.

    Parameters
    ----------
    search
        What has been found so far.
    sums
        What tells the sums from others.
    all_others
        Whether the other sums count, too: one that merely follows the rows has others beside it that do so as well.
    """
    rows = search.rows
    found = {digits_key(each.expression): each for each in search.finished}
    fresh = [each for key, each in found.items() if key in sums]
    if not fresh or rows.short:
        return False
    least, _, best = min((description(each, rows), at, each) for at, each in enumerate(fresh))
    search.floor = min(search.floor, search.smooth)
    if not search.leaves_noise(best):
        return False
    found |= {key: as_formula(each, rows, None) for key, each in search.passed.items() if key not in found}
    return not any(
        len(each.constants) <= len(best.constants)
        and each is not best
        and description(each, rows) < least + rows.config.noisy_sums.leads
        for key, each in found.items()
        if all_others or key not in sums
    )
