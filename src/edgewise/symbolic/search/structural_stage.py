"""The structural search as a step of the whole: which of its formulas are finished, and when it has gone on long enough."""

from __future__ import annotations

import math
from collections.abc import Iterable

from edgewise._core.work import spent
from edgewise.forms.tree import Node, Variable
from edgewise.symbolic.expressions.parse import from_sympy, to_sympy
from edgewise.symbolic.expressions.rewriting import simplify_expression
from edgewise.symbolic.search.exactness import EXACT
from edgewise.symbolic.search.resummation import resummed
from edgewise.symbolic.search.search_state import Search
from edgewise.symbolic.search.shortlist import settled, shortlist
from edgewise.symbolic.structure.best_first_search import structural
from edgewise.symbolic.structure.chebyshev_surrogate import MOST_TERMS, ROWS_PER_TERM
from edgewise.symbolic.structure.cross_validated_reduction import formulas, reductions, sums_of_curves
from edgewise.symbolic.structure.state import TARGET, State

# The share of the work that is left for each walk.
_SHARE = 0.5
# Where nothing but noise is left: states and formulas to look through for a simpler way to say it, and work on them.
_STATES, _FORMULAS, _LOOKED = 3, 20, 8.0
# A smooth model worse than this has noise in it (and few terms), or is too poor for relations between its slopes; the share
# of the work that is then given to steps that bear noise.
_NOISY, _NOISY_SHARE, _POOR_SHARE = 1e-3, 0.6, 0.3
_FEW_TERMS = 0.7
# With so few features left a smooth model leaves nothing but noise.
_SMALL = 2
# So many states are looked at for long.
_THOROUGH = 2
# Held-out rows are others than those that told the noise: errors differ so much by chance.
_NEARLY = 1.1
# A shorter table shows no structure.
_FEWEST_ROWS = 12


def structured(search: Search, reduced: State | None) -> None:
    """Add formulas from the symmetries and the separability of the data.

    Parameters
    ----------
    search
        What has been found so far.
    reduced
        What units have made of the table, where they are told: it is searched first.
    """
    if len(search.rows.y) < _FEWEST_ROWS:
        return
    table = State.table(search.rows.alike)
    few = len(table.rows.names) <= _SMALL
    if noisy := _noisy(table):
        # Two columns have little to reduce, and small networks read them well.
        _reduce(search, _POOR_SHARE if few else _NOISY_SHARE)
        if search.exact or search.explained:
            return
    for start in (table,) if reduced is None else (reduced, table):
        _walk(search, start, table)
        if search.exact or search.explained:
            return
    if table.error > _NOISY and not noisy:
        _reduce(search, _POOR_SHARE)


def _noisy(table: State) -> bool:
    """Whether the smooth model stops at noise: more terms would not predict better."""
    model = table.landscape
    most = min(MOST_TERMS, len(table.rows.y) / ROWS_PER_TERM)
    return model is not None and model.error > _NOISY and len(model.powers) < _FEW_TERMS * most


def _walk(search: Search, start: State, table: State) -> None:
    """All from one start; the best of the formulas that are not exact last."""
    rows, waiting = search.rows.alike, list[tuple[float, Node]]()
    visited: list[State] = []
    enough = spent() + _LOOKED
    for state, tree in structural(start, until=search.part(_SHARE)):
        if not any(state is each for each in visited):
            visited.append(state)
        allowed = _allowed(tree, search)
        if allowed is None:
            continue
        error, settled_tree = settled(allowed, rows, EXACT)
        if error <= 10 * EXACT * rows.spread:
            search.add([settled_tree], None)
            if search.exact:
                return
        elif math.isfinite(error):
            waiting.append((error, settled_tree))
        if state.outer == Variable(TARGET):
            search.floor = min(search.floor, state.error * float(state.rows.y.std()))
        looked = len(visited) >= _STATES or len(waiting) >= _FORMULAS or spent() > enough
        noise = min(search.floor, table.error * float(rows.y.std()))
        if looked and min((error for error, _ in waiting), default=math.inf) <= noise:
            break
    search.floor = min(search.floor, table.error * float(rows.y.std()))
    search.add([tree for _, tree in shortlist(waiting)], None)


def _reduce(search: Search, share: float) -> None:
    """All from steps that bear noise, until a formula leaves nothing but it."""
    rows, waiting = search.rows.alike, list[tuple[float, Node]]()
    spread, until = float(rows.y.std()), search.part(share)
    reached = reductions(rows, until=search.part(share / 2))
    search.floor = min(search.floor, *(each.error * spread for each in reached))
    if search.explained and len(reached[0].state.rows.names) <= _SMALL:
        return
    for at, one in enumerate(reached):
        if spent() > until:
            break
        fresh = _settled(formulas(one, until, thorough=at < _THOROUGH), search)
        waiting += fresh
        if _leaves_noise(fresh, search):
            search.add([tree for _, tree in shortlist(fresh)], None)
            if search.exact or search.explained:
                return
    search.add([tree for _, tree in shortlist(waiting)], None)
    search.add(resummed(search.closest), None)
    if search.exact or search.explained:
        return
    # What is found so far falls short: the best of the states with two features may be sums of curves.
    waiting.clear()
    for one in [each for each in reached if len(each.state.rows.names) == 2][:_THOROUGH]:
        waiting += _settled(sums_of_curves(one, until), search)
    search.add([tree for _, tree in shortlist(waiting)], None)


def _settled(trees: Iterable[Node], search: Search) -> list[tuple[float, Node]]:
    """Formulas that may be offered, with their errors."""
    allowed = (tree for each in trees if (tree := _allowed(each, search)) is not None)
    pairs = [settled(tree, search.rows.alike, EXACT) for tree in allowed]
    return [pair for pair in pairs if math.isfinite(pair[0])]


def _leaves_noise(found: Iterable[tuple[float, Node]], search: Search) -> bool:
    return min((error for error, _ in found), default=math.inf) <= _NEARLY * search.floor


def _allowed(tree: Node, search: Search) -> Node | None:
    """The formula, shortened where only a longer writing of it may not be offered."""
    if search.limits.allow(tree):
        return tree
    if search.limits.functions is None and search.limits.units is None:
        return None
    short = from_sympy(simplify_expression(to_sympy(tree, search.rows.names), search.rows.positive))
    return short if search.limits.allow(short) else None
