"""The structural search as a step of the whole: which of its formulas are finished, and when it has gone on long enough."""

from __future__ import annotations

import math
import time

from edgewise.forms.tree import Node, Variable
from edgewise.symbolic.claims import EXACT
from edgewise.symbolic.gathering import Search
from edgewise.symbolic.parse import from_sympy, to_sympy
from edgewise.symbolic.shortlist import settled, shortlist
from edgewise.symbolic.state import TARGET, State
from edgewise.symbolic.structure import structural
from edgewise.symbolic.tidy import simplify_expression

# The share of the time that is left for each walk.
_SHARE = 0.5
# Where nothing but noise is left: states and formulas to look through for a simpler way to say it. The same table should
# give the same answer, so that seconds only end what takes far longer than usual.
_STATES, _FORMULAS, _SECONDS = 3, 20, 8.0
# Seconds between words on where the search stands.
_TELL = 0.5
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
    table = State.table(search.rows)
    for start in (table,) if reduced is None else (reduced, table):
        _walk(search, start, table)
        if search.exact or search.explained:
            return


def _walk(search: Search, start: State, table: State) -> None:
    """All from one start; the best of the formulas that are not exact last."""
    rows, waiting = search.rows, list[tuple[float, Node]]()
    visited: list[State] = []
    started = time.monotonic()
    told = [started]

    def poll() -> None:
        # Callbacks may end the search at any time, but have better things to do than to hear of every state.
        if time.monotonic() - told[0] > _TELL:
            told[0] = time.monotonic()
            search.tell("looking for structure")

    for state, tree in structural(start, deadline=started + _SHARE * search.left, poll=poll):
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
            search.floor = min(search.floor, state.error * state.rows.spread)
        looked = len(visited) >= _STATES or len(waiting) >= _FORMULAS or time.monotonic() > started + _SECONDS
        noise = min(search.floor, table.error * rows.spread)
        if looked and min((error for error, _ in waiting), default=math.inf) <= noise:
            break
    search.floor = min(search.floor, table.error * rows.spread)
    search.add([tree for _, tree in shortlist(waiting)], None)


def _allowed(tree: Node, search: Search) -> Node | None:
    """The formula, shortened where only a longer writing of it may not be offered."""
    if search.limits.allow(tree):
        return tree
    if search.limits.functions is None and search.limits.units is None:
        return None
    short = from_sympy(simplify_expression(to_sympy(tree, search.rows.names), search.rows.positive))
    return short if search.limits.allow(short) else None
