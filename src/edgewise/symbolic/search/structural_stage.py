"""The structural search as a step of the whole: which of its formulas are finished, and when it has gone on long enough."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator

from edgewise._core.work import spent
from edgewise.forms.tree import Node, Variable
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.provenance import attempts, like, proposes
from edgewise.symbolic.search.leading_sum import leading_sum
from edgewise.symbolic.search.resummation import resummed
from edgewise.symbolic.search.search_state import Proposal, Search
from edgewise.symbolic.search.shortlist import settled, shortlist
from edgewise.symbolic.structure.best_first_search import structural
from edgewise.symbolic.structure.chebyshev_surrogate import NOISY_ERROR
from edgewise.symbolic.structure.cross_validated_reduction import formulas, reductions
from edgewise.symbolic.structure.state import EXACT, FEWEST_ROWS, TARGET, State

# Share of the work that remains for each structural walk, and for a short one before sums of terms are looked at.
_WALK_SHARE = 0.5
_FIRST_SHARE = 0.02
# Where nothing but noise remains: states and formulas to look through for a simpler equivalent, and work on them.
_WALK_STATES = 3
_WALK_FORMULAS = 20
_WALK_WORK = 8.0
# Share of the work for steps that bear noise: where there is noise, and where a smooth model shows no relations.
_NOISY_SHARE = 0.6
_POOR_SHARE = 0.3
# With so few features to go a smooth model leaves nothing but noise.
_FEW_FEATURES = 2
# So many states are looked at for long.
_THOROUGH_STATES = 2
# Held-out rows are others than those the noise was estimated on: errors differ so much by chance.
_NOISE_NEARLY = 1.1


def structured(
    search: Search, reduced: State | None, *, sums: bool = False
) -> Generator[Proposal, None, None]:
    """Formulas from the symmetries and the separability of the data.

    Parameters
    ----------
    search
        What has been found so far.
    reduced
        What units have made of the table, where they are given: it is searched first.
    sums
        Whether sums of terms have their turn under noise, once short steps have found nothing and before long ones begin.
    """
    if len(search.rows.y) < FEWEST_ROWS:
        return
    table = search.table
    few = len(table.rows.names) <= _FEW_FEATURES
    noisy = table.noisy
    if noisy and search.reflected:
        # What the smooth model leaves is no noise where one of absolute values leaves much less.
        search.floor = min(search.floor, search.smooth)
        noisy = search.reflected[0].noisy
    # Two columns have little to reduce, and small networks read them well.
    until = search.part(_POOR_SHARE if few else _NOISY_SHARE)
    if noisy:
        yield from attempts("reductions", _reduced(search, until))
        if search.explained:
            return
    if sums and table.noisy:
        yield from attempts("sums in noise", leading_sum(search))
        if search.explained:
            return
    for start in (table,) if reduced is None else (reduced, table):
        yield from _walked(search, start, table, noisy=noisy)
        if search.explained:
            return
    if table.error > NOISY_ERROR and not noisy:
        yield from attempts("reductions", _reduced(search, search.part(_POOR_SHARE)))


@proposes("first steps")
def first_steps(search: Search, start: State) -> Iterator[Proposal]:
    """Formulas that hold exactly and that a short walk from a start leads to; what else it finds is for the whole walk."""
    # With one column the walk is a search for curves, which is not short.
    if len(search.rows.y) < FEWEST_ROWS or len(start.rows.names) == 1:
        return
    for _, tree in structural(start, until=search.part(_FIRST_SHARE)):
        allowed = _allowed(tree, search)
        if allowed is not None:
            error, settled_tree = settled(allowed, search.rows.alike, EXACT)
            if error <= 10 * EXACT * search.rows.alike.spread:
                yield Proposal([settled_tree])


@proposes("walk over states")
def _walked(search: Search, start: State, table: State, *, noisy: bool) -> Iterator[Proposal]:
    """All from one start; the best of the formulas that are not exact last."""
    rows, waiting = search.rows.alike, list[tuple[float, Node]]()
    visited: list[State] = []
    enough = spent() + _WALK_WORK
    for state, tree in structural(start, until=search.part(_WALK_SHARE), noisy=noisy):
        if not any(state is item for item in visited):
            visited.append(state)
        allowed = _allowed(tree, search)
        if allowed is None:
            continue
        error, settled_tree = settled(allowed, rows, EXACT)
        if error <= 10 * EXACT * rows.spread:
            yield Proposal([settled_tree])
        elif math.isfinite(error):
            waiting.append((error, settled_tree))
        if state.outer == Variable(TARGET):
            search.floor = min(search.floor, state.error * float(state.rows.y.std()))
        looked = len(visited) >= _WALK_STATES or len(waiting) >= _WALK_FORMULAS or spent() > enough
        noise = min(search.floor, table.error * float(rows.y.std()))
        if looked and min((error for error, _ in waiting), default=math.inf) <= noise:
            break
    search.floor = min(search.floor, table.error * float(rows.y.std()))
    yield Proposal([tree for _, tree in shortlist(waiting)])


def _reduced(search: Search, until: float) -> Generator[Proposal, None, None]:
    """All from steps that bear noise, until a formula leaves nothing but it."""
    rows, waiting = search.rows.alike, list[tuple[float, Node]]()
    spread = float(rows.y.std())
    reached = reductions(rows, until=(spent() + until) / 2)
    search.floor = min(search.floor, *(reduction.error * spread for reduction in reached))
    if search.explained and len(reached[0].state.rows.names) <= _FEW_FEATURES:
        return
    for at, one in enumerate(reached):
        if spent() > until:
            break
        fresh = _settled(formulas(one, until, thorough=at < _THOROUGH_STATES), search)
        waiting += fresh
        if _leaves_noise(fresh, search):
            yield Proposal([tree for _, tree in shortlist(fresh)])
            if search.explained:
                return
    yield Proposal([tree for _, tree in shortlist(waiting)])
    yield Proposal(resummed(search.closest))


def _settled(trees: Iterable[Node], search: Search) -> list[tuple[float, Node]]:
    """Formulas that may be offered, with their errors."""
    allowed = (tree for item in trees if (tree := _allowed(item, search)) is not None)
    pairs = [settled(tree, search.rows.alike, EXACT) for tree in allowed]
    return [pair for pair in pairs if math.isfinite(pair[0])]


def _leaves_noise(found: Iterable[tuple[float, Node]], search: Search) -> bool:
    return min((error for error, _ in found), default=math.inf) <= _NOISE_NEARLY * search.floor


def _allowed(tree: Node, search: Search) -> Node | None:
    """The formula, shortened where only a longer writing of it may not be offered."""
    if search.limits.allow(tree):
        return tree
    if search.limits.functions is None and search.limits.units is None:
        return None
    short = like(to_tree(shortest(from_tree(tree, search.rows.names), search.rows.positive)), tree)
    return short if search.limits.allow(short) else None
