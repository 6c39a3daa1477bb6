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
from edgewise.symbolic.search.backfitting import backfitted
from edgewise.symbolic.search.backward_elimination import shortened
from edgewise.symbolic.search.broken_stage import broken
from edgewise.symbolic.search.missing_term import with_missing_term
from edgewise.symbolic.search.resummation import resummed
from edgewise.symbolic.search.search_state import Proposal, Search
from edgewise.symbolic.search.structural_stage import first_steps, structured
from edgewise.symbolic.structure.breaks import stairs, two_laws
from edgewise.symbolic.structure.direct_candidates import direct_candidates
from edgewise.symbolic.structure.nondimensional import from_units, reduced
from edgewise.symbolic.structure.nonlinear_sums import nonlinear_sums
from edgewise.symbolic.structure.subset_exchange import sums_by_exchange


def run(search: Search, seed: int | None) -> StopReason:
    """Search by the recipe, then in networks if nothing explains the rows; returns why that ended."""
    reason = search.follow(recipe(search, seed))
    if reason is None:
        reason = search.follow(networks(search, seed))
        search.add(shortened(search.closest, search.config), None)
    return reason


def recipe(search: Search, seed: int | None) -> Generator[Proposal, None, StopReason | None]:
    """Everything but networks, from plain to thorough; returns why it ended, None where networks are worth reading."""
    rows, limits, config = search.rows.alike, search.limits, search.config
    state = reduced(rows, limits.units)
    yield Proposal(from_units(limits.units, state, limits.forms))
    yield Proposal(direct_candidates(rows, limits.forms))
    yield Proposal(stairs(rows))
    noisy = search.table.noisy
    if not noisy:
        yield from first_steps(search, state or search.table)
        until = search.part(config.nonlinear_sums.early_share)
        yield Proposal(nonlinear_sums(rows, until, early=True))
    # Where breaks, structure and mending cost the most, sums of other terms still get their turn.
    whole = search.until
    search.until -= min(config.exchange.work, max(search.left, 0.0) / 4)
    rest = search.until
    search.until = search.part(config.breaks.share)
    yield from broken(search, _plain)
    search.until = rest
    if search.found_break:
        return StopReason.EXPLAINED
    yield from structured(search, state, sums=True)
    if not search.explained:
        yield Proposal(two_laws(rows))
    if not search.explained and not noisy:
        yield Proposal(nonlinear_sums(rows, search.part(config.nonlinear_sums.share)))
    yield Proposal(resummed(search.closest, config))
    if not search.explained:
        yield Proposal(with_missing_term(search.plain, rows))
        yield Proposal(backfitted(search.nearly, rows, search.part(config.mending.backfitting_share)))
    yield Proposal(shortened(search.closest, config))
    if search.explained:
        return StopReason.EXPLAINED
    search.until = whole
    if search.left > 0:
        yield Proposal(sums_by_exchange(rows, seed or 0))
    return None if search.left > 0 else StopReason.WORK_SPENT


def _plain(search: Search) -> Iterator[Proposal]:
    """A table that breaks nowhere, as one among others: what is read from it is judged and mended with the whole."""
    rows = search.rows.alike
    yield Proposal(direct_candidates(rows, search.limits.forms))
    yield from structured(search, None)
    yield Proposal(with_missing_term(search.plain, rows))


def networks(search: Search, seed: int | None) -> Generator[Proposal, None, StopReason]:
    """Formulas from small networks; torch is loaded here, for most searches end before."""
    from edgewise.symbolic.search.network_stage import read_networks

    with one_thread():
        return (yield from read_networks(search, seed))
