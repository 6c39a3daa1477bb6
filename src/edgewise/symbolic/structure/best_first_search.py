"""From state to state towards a formula: the structural search.

The best state is the one with the fewest features, and among these the one whose smooth model predicts best. A move is
accepted when the model of the new state is no worse than that of the old one: with fewer features it should be better.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edgewise._core.work import spent
from edgewise.forms.tree import Node
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.blind_moves import FEW, blind
from edgewise.symbolic.structure.chebyshev_surrogate import NOISY_ERROR, landscape
from edgewise.symbolic.structure.curves import long_curves, ranked_curves
from edgewise.symbolic.structure.forward_selection import selected_sums
from edgewise.symbolic.structure.linear_relations import relations
from edgewise.symbolic.structure.meeting import meetings, price
from edgewise.symbolic.structure.moves import SlopeView, pairs, scalings
from edgewise.symbolic.structure.power_factors import power_factors
from edgewise.symbolic.structure.reflections import GUESSED_ROWS, QUICK_TERMS, reflections
from edgewise.symbolic.structure.separability import factors, monomials, separations
from edgewise.symbolic.structure.state import EXACT, Move, State
from edgewise.symbolic.structure.varying_coefficients import varying
from edgewise.symbolic.univariate.search import CURVE_ROWS, CURVE_WORK_UNITS

# A smooth model with a larger error shows no structure.
_POOR_ERROR = 0.02
# Relations that hold so closely hold, where measured numbers went into features and target.
_NEARLY_EXACT = 1e-5
# States that are followed from each.
_BRANCHES = 6
# A step may raise the error by this factor; smaller errors are none.
_ERROR_FACTOR = 1.2
_NO_ERROR = 1e-6
# To this share of the error a kind of steps makes others superfluous.
_PLAINER_SHARE = 0.1
# Features that a tenfold error weighs.
_ERROR_FEATURES = 5.0
# Work on a curve of a column.
_CURVE_WORK = 1.0
# Tables on the way of a search that short expressions are looked up for, and of the work that remains what each may take.
_MEETING_STATES = 6
_MEETING_SHARE = 0.4


@dataclass(order=True)
class _Entry:
    key: tuple[float, float, int]
    state: State = field(compare=False)
    stage: int = field(compare=False)


def structural(start: State, *, until: float, noisy: bool = False) -> Iterator[tuple[State, Node]]:
    """Formulas for y in the columns, with the state each was found in.

    Parameters
    ----------
    start
        The state to start from: the table, or what units have already made of it.
    until
        The count of work (see `spent`) where it ends.
    noisy
        Whether there is noise: then no formula of short parts gives y to the last digit.
    """
    count = itertools.count()
    meet = 0 if noisy else _MEETING_STATES
    heap: list[_Entry] = []

    least = [max(start.error, _NO_ERROR)]

    def wait(state: State, stage: int) -> None:
        # Reducing costs less than working a state through, and a larger error counts against a state.
        error = max(state.error, _NO_ERROR)
        least[0] = min(least[0], error)
        doubt = _ERROR_FEATURES * math.log10(error / least[0])
        heapq.heappush(
            heap,
            _Entry((len(state.rows.names) + 1.5 * stage + doubt, state.error, next(count)), state, stage),
        )

    seen = {start.signature}
    wait(start, 0)
    while heap and spent() < until:
        entry = heapq.heappop(heap)
        state, stage = entry.state, entry.stage
        # Curves are begun at once, and take longer.
        short = meet > 0 and state.exact and (stage == 0) == (len(state.rows.names) == 1)
        short = short and price() <= _MEETING_SHARE * (until - spent())
        meet -= short
        for tree in finished(state, stage, until, short=short):
            yield from ((state, lifted) for lifted in state.lifts(tree))
            if spent() > until:
                return
        if stage == 0:
            wait(state, 1)
            if len(state.rows.names) > 1:
                for child in _accepted_children(state, seen):
                    wait(child, 0)


def _accepted_children(state: State, seen: set[tuple[str, ...]]) -> list[State]:
    """The best of the states that the moves from here lead to."""
    children = list[State]()
    for kind in _kinds(state, children):
        for child in kind:
            mark = child.signature
            if mark not in seen:
                seen.add(mark)
                # A term taken away leaves a smaller target behind.
                share = child.rows.spread / state.rows.spread if child.story[-1] == "term" else 1.0
                if child.error * min(share, 1.0) <= max(_ERROR_FACTOR * state.error, _NO_ERROR):
                    children.append(child)
        # Where one kind of move makes the law so much plainer, the others would only take longer.
        if any(child.error <= max(_PLAINER_SHARE * state.error, 0.01 * _NO_ERROR) for child in children):
            break
    return sorted(children, key=lambda child: (len(child.rows.names), child.error))[:_BRANCHES]


def _kinds(state: State, found: list[State]) -> Iterator[Iterator[State]]:
    """The moves by kinds, the most informative first; blind ones only where nothing else was found."""
    with np.errstate(all="ignore"):
        if not state.depth and state.error > NOISY_ERROR:
            yield reflections(state)
            yield _led(state, power_factors(state.rows, np.ones(len(state.rows.y))))
        view = SlopeView.of(state)
        if view is not None:
            yield _led(state, scalings(view))
            yield _led(state, pairs(view))
            yield _led(state, itertools.chain(factors(view), monomials(view)))
            yield _led(state, separations(state, view))
        if state.error > _POOR_ERROR and not found:
            yield _guessed(state)


def _led(state: State, moves: Iterator[Move]) -> Iterator[State]:
    for move in moves:
        child = state.after(move)
        if child is not None:
            yield child


def _guessed(state: State) -> Iterator[State]:
    """The blind moves that a quick model likes best."""
    rows = state.rows.thinned(GUESSED_ROWS)
    before = landscape(rows.X, rows.y, most=QUICK_TERMS)
    if before is None:
        return
    tried: list[tuple[float, State]] = []
    for move in blind(state, FEW):
        child = state.after(move)
        if child is not None:
            thin = child.rows.thinned(GUESSED_ROWS)
            quick = landscape(thin.X, thin.y, most=QUICK_TERMS)
            if quick is not None and quick.error < before.error:
                tried.append((quick.error, child))
    yield from (child for _, child in sorted(tried, key=lambda item: item[0])[:_BRANCHES])


def finished(state: State, stage: int, until: float, *, short: bool = False) -> Iterator[Node]:
    """Formulas for a state's target, in its features: quick ones at stage 0, all others at stage 1; where `short`, those of
    two short parts, too."""
    rows = state.rows
    exactly = EXACT if state.exact else _NEARLY_EXACT
    if stage == 0:
        if len(rows.names) == 1:
            yield from _curves(rows, state.exact, until, short=short)
        yield from relations(rows, exactly, plain=True, until=until)
    else:
        if short:
            yield from meetings(rows)
        if state.error > NOISY_ERROR:
            yield from selected_sums(rows, until=until)
        yield from relations(rows, exactly, until=until)
        yield from varying(rows)


def _curves(rows: SplitRows, exact: bool, until: float, *, short: bool) -> Iterator[Node]:
    """One feature: a curve, or a curve times a power; then what takes longer to find."""
    found = ranked_curves(rows)
    for _, tree in found[:4]:
        yield tree
    if short and not (found and found[0][0] <= EXACT):
        yield from meetings(rows)
    if len(rows.y) >= CURVE_ROWS and found and found[0][0] > EXACT:
        work = min(_CURVE_WORK, max((until - spent()) / CURVE_WORK_UNITS, 0.03))
        yield from long_curves(rows, accuracy=1e-9 if exact else 1e-6, work=work)
