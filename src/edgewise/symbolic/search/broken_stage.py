"""Laws with breaks: the break becomes a column and the table is searched with it, or each of its sides becomes a table.

y = 2*floor(x/7) + sin(z) is a plain law of floor(x/7) and z, and max(x, z^2) is one law where it is x and another where it
is z^2. So a break that polynomials show is all that is to be found here, and the search does the rest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from edgewise.forms.tree import Node, Number, apply, substitute
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.criterion import NODE_NATS, criterion
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.results.formula import pareto
from edgewise.symbolic.results.search_result import best_of
from edgewise.symbolic.search.search_state import BREAK_REACHED, Proposal, Search
from edgewise.symbolic.structure.border_scan import Border, borders, clearly_below
from edgewise.symbolic.structure.direct_candidates import direct_candidates
from edgewise.symbolic.structure.two_laws import MOST_ROWS, SIDE_ROWS
from edgewise.symbolic.structure.two_regimes import Regimes, two_regimes

# Two laws: the share of the rows nearest to the border that neither side is searched with.
_APART_SHARE = 0.04
# Borders that are followed.
_MOST_BORDERS = 2
# Work on each table beside a border, as a share of what remains, and formulas of it that go on.
_TABLE_WORK = 0.25
_TABLE_FORMULAS = 3

# What a table of its own is searched by.
Plan = Callable[[Search], Iterator[Proposal]]


@proposes("breaks")
def broken(search: Search, plan: Plan) -> Iterator[Proposal]:
    """Formulas with a break, where one explains much more than the best formula that there is.

    Parameters
    ----------
    search
        What has been found so far.
    plan
        The way to search a table without breaks.
    """
    rows = search.rows.alike
    if search.limits.units is not None:
        return
    known = _determined(search)
    found: list[Border | Regimes] = [*borders(rows, known), *two_regimes(rows, known)]
    found = [border for border in found if _may(search, border.kind)]
    if not found:
        return
    model = search.table.landscape
    terms = 0 if model is None else len(model.powers)
    found = [
        border
        for border in found
        if border.error < clearly_below(search.smooth, len(rows.y), terms - border.constants)
    ]
    found.sort(key=lambda border: border.rank)
    for border in found[:_MOST_BORDERS]:
        # A kink and the larger of two laws are the same: which is written shorter is for the front to decide.
        same = isinstance(border, Regimes) and border.rank <= BREAK_REACHED * found[0].rank
        if search.left <= 0 or (search.found_short and not same):
            break
        search.floor = min(search.floor, border.error)
        ways = [] if border.kind == "floor" else [_of_sides(search, border, plan)]
        if isinstance(border, Border):
            ways.insert(len(ways) if _better_apart(search, border) else 0, _with_column(search, border, plan))
        for trees in ways:
            if same or not search.found_short:
                yield Proposal(trees)


def _determined(search: Search) -> float:
    """The least error of formulas whose constants the rows determine: steep functions may only have imitated kinks."""
    return min(
        (
            formula.error
            for formula in search.finished
            if all(one.standard_error < abs(one.value) for one in formula.constants)
        ),
        default=math.inf,
    )


def _may(search: Search, kind: str) -> bool:
    allowed = search.limits.functions
    return allowed is None or kind in allowed


# ---- a break as a column


def _better_apart(search: Search, border: Border) -> bool:
    """Whether plain formulas describe the sides of a step better than they do the table with the step as a column."""
    if border.kind != "step":
        return False
    sides = _sides(search, border)
    (_, wide) = _columns(search, border)[0]
    return sides is not None and sum(map(_plainest, sides)) < _plainest(wide)


def _with_column(search: Search, border: Border, plan: Plan) -> Iterator[Node]:
    """The formulas of a table that has the break as one more column."""
    name, tables = _column_name(search), _columns(search, border)
    shape, wide = tables[0] if len(tables) == 1 else min(tables, key=lambda table: _plainest(table[1]))
    for tree in _searched(search, wide, border.error, plan):
        yield substitute(tree, name, shape)


def _columns(search: Search, border: Border) -> list[tuple[Node, SplitRows]]:
    """The shapes of a break, and the table with each as a column."""
    rows = search.rows.alike
    shapes = [shape for kind, shape in border.trees(rows.X).items() if _may(search, kind)]
    return [(shape, _widened(rows, _column_name(search), shape)) for shape in shapes]


def _column_name(search: Search) -> str:
    names = search.rows.names
    return next(each for at in itertools.count() if (each := f"u{at}") not in names)


def _widened(rows: SplitRows, name: str, shape: Node) -> SplitRows:
    tape = Tape(shape, rows.names)
    fit, held = (np.column_stack([X, tape.value(tape.start, X)]) for X in (rows.X, rows.X_held))
    return replace(rows, names=(*rows.names, name), X=fit, X_held=held)


def _plainest(rows: SplitRows) -> float:
    """What describes the rows best of the formulas that need no search."""
    thin = rows.thinned(MOST_ROWS)
    floor = 1e-10 * float(np.abs(thin.y).max())
    least = math.inf
    for tree in direct_candidates(thin):
        fit = refit(tree, rows.names, thin.X, thin.y)
        if math.isfinite(fit.rss):
            size, error = Tape(tree, rows.names).operations, math.sqrt(fit.rss / len(thin.y))
            price = criterion(error, size, len(thin.y), len(fit.constants), node=NODE_NATS, floor=floor)
            least = min(least, price)
    return least


# ---- two sides


def _of_sides(search: Search, border: Border | Regimes, plan: Plan) -> Iterator[Node]:
    """Two laws, each searched on the rows that are well on its side."""
    tables = _sides(search, border)
    if tables is None:
        return
    rows, sides = search.rows.alike, [_searched(search, table, border.error, plan) for table in tables]
    # The law of one side may be that of all rows: then the break is chance.
    yield from (number for side in sides for number in side if not isinstance(number, Number))
    for f, g in itertools.product(*sides):
        if isinstance(border, Regimes):
            yield apply(border.kind, f, g)
            continue
        if border.kind == "max":
            yield from (apply(kind, f, g) for kind in ("max", "min"))
        for step in replace(border, kind="step").trees(rows.X).values():
            if isinstance(f, Number) and f.value == 0:
                yield g * step
            yield f + (g - f) * step


def _sides(search: Search, border: Border | Regimes) -> list[SplitRows] | None:
    """The rows well on either side; None where a side has too few."""
    rows = search.rows.alike
    along, held = border.side(rows.X), border.side(rows.X_held)
    margin = float(np.quantile(np.abs(along), _APART_SHARE))
    sides: list[SplitRows] = []
    for sign in (-1.0, 1.0):
        own, judging = sign * along > margin, sign * held > margin
        if own.sum() < SIDE_ROWS or judging.sum() < 2:
            return None
        sides.append(
            replace(
                rows, X=rows.X[own], y=rows.y[own], X_held=rows.X_held[judging], y_held=rows.y_held[judging]
            )
        )
    return sides


def _searched(search: Search, rows: SplitRows, noise: float, plan: Plan) -> list[Node]:
    """The recommended formula of a table and those that come closest."""
    limits = replace(
        search.limits, columns=rows.names, require_columns=frozenset(), functions=None, constraints=()
    )
    own = Search(rows, limits, (), search.meter, search.part(_TABLE_WORK), search.config, floor=noise)
    for proposal in plan(own):
        own.add(proposal.trees, proposal.network)
        if own.found_short:
            break
    front = pareto(own.finished)
    if not front:
        return []
    best = best_of(front, rows)
    others = sorted((formula for formula in front if formula is not best), key=lambda formula: formula.error)
    return [other.tree for other in (best, *others)][:_TABLE_FORMULAS]
