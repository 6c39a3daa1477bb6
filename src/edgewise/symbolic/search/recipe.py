"""What a search does, in its order: the recipe.

The algebra: a search is a *state* (`Search`: rows, limits, formulas found so far, the noise that is left), *generators* that
propose candidates from it, and one *loop*. A generator yields a `Proposal`, and looks at the state again when it goes on; so
each builds on what the loop has made of those before. The loop (`Search.follow`) treats every candidate alike: its constants
are fitted, the expression is brought to its shortest writing, constants are rounded and tied where the rows allow it, and
rows that it has not seen judge it (`Search.add`). One test decides what is exact (`is_law`) and ends the search; one decides
what leaves nothing but noise (`Search.explained`), and the recipe asks it where going on would only fit noise. What is
chosen of the formulas found is not decided here (`pareto`, `recommended`, `shortest`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise.forms.tree import Node
from edgewise.symbolic.provenance import attempted, attempts
from edgewise.symbolic.search.backfitting import backfitted
from edgewise.symbolic.search.backward_elimination import shortened
from edgewise.symbolic.search.broken_stage import broken
from edgewise.symbolic.search.missing_term import with_missing_term
from edgewise.symbolic.search.resummation import resummed
from edgewise.symbolic.search.search_state import Proposal, Search
from edgewise.symbolic.search.structural_stage import first_steps, structured
from edgewise.symbolic.structure.chebyshev_surrogate import NOISY_ERROR
from edgewise.symbolic.structure.direct_candidates import direct_candidates
from edgewise.symbolic.structure.nondimensional import from_units, reduced
from edgewise.symbolic.structure.stairs import stairs
from edgewise.symbolic.structure.two_laws import two_laws
from edgewise.symbolic.terms.search import sums_of_terms

# Of the work that remains, what breaks may take: kinks at the magic numbers of nuclei took what the exchange of terms needs.
_BREAK_SHARE = 0.25
# Of the work that remains, what sums of terms may take before other stages and after them.
_EARLY_SUM_SHARE = 0.35
_SUM_SHARE = 0.5
# The share of backfitting.
_BACKFITTING_SHARE = 0.3


def run(search: Search, seed: int | None) -> StopReason:
    """Search by the recipe, then in networks if nothing explains the rows; returns why that ended."""
    reason = search.follow(recipe(search))
    if reason is None:
        reason = search.follow(networks(search, seed))
        search.add(shortened(search.closest), None)
    return StopReason.EXHAUSTED if reason is None else reason


def recipe(search: Search) -> Generator[Proposal, None, StopReason | None]:
    """Everything but networks, from plain to thorough; returns why it ended, None where networks are worth reading."""
    rows, limits = search.rows.alike, search.limits
    state = None
    with attempted("units"):
        state = reduced(rows, limits.units)
    yield Proposal(from_units(limits.units, state, limits.forms))
    yield Proposal(direct_candidates(rows, limits.forms))
    yield Proposal(stairs(rows))
    noisy = search.table.noisy
    if not noisy:
        yield from first_steps(search, state or search.table)
        yield Proposal(_sums(search, _EARLY_SUM_SHARE, early=True))
    rest = search.until
    search.until = search.part(_BREAK_SHARE)
    yield from broken(search, _plain)
    search.until = rest
    if search.found_break:
        return StopReason.EXPLAINED
    yield from attempts("structure", structured(search, state, sums=True))
    if not search.explained:
        yield Proposal(two_laws(rows))
    if not search.explained and not noisy:
        yield Proposal(_sums(search, _SUM_SHARE))
    yield Proposal(resummed(search.closest))
    if not search.explained:
        yield Proposal(with_missing_term(search.plain, rows))
        yield Proposal(backfitted(search.nearly, rows, search.part(_BACKFITTING_SHARE)))
    yield Proposal(shortened(search.closest))
    if search.explained:
        return StopReason.EXPLAINED
    return None if search.left > 0 else StopReason.WORK_SPENT


def _sums(search: Search, share: float, *, early: bool = False) -> Iterator[Node]:
    """Sums of terms; early ones are offered only where they leave rounding alone."""
    noisy = not early and search.table.error > NOISY_ERROR
    functions = search.limits.functions
    return sums_of_terms(search.rows.alike, search.part(share), noisy=noisy, early=early, functions=functions)


def _plain(search: Search) -> Iterator[Proposal]:
    """A table that breaks nowhere, as one among others: what is read from it is judged and mended with the whole."""
    rows = search.rows.alike
    yield Proposal(direct_candidates(rows, search.limits.forms))
    yield from attempts("structure", structured(search, None))
    yield Proposal(with_missing_term(search.plain, rows))


def networks(search: Search, seed: int | None) -> Generator[Proposal, None, StopReason]:
    """Formulas from small networks; torch is loaded here, for most searches end before."""
    from edgewise.symbolic.search.network_stage import read_networks

    with one_thread():
        return (yield from read_networks(search, seed))
