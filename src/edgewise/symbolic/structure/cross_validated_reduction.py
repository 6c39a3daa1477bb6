"""Structure under noise: steps that make the table smaller without making left-out rows harder to predict.

Derivatives of a model of noisy rows are too rough for exact relations. What can still be compared is how well rows that a
model has not seen are predicted: where y is x3 times a function of the others, or depends on x1 and x2 through their ratio
alone, a smooth model with one column less predicts no worse, for it has less to learn. Each step is tried blindly, and the
best few are followed. The moves are those of `best_first_search`; there slopes suggest them and a state with a formula ends
the walk, here left-out rows judge them and no formula shows that one is there. Errors are in the units of y: dividing y by a
column makes the noise uneven, so rows are weighed by how much the new target counts in the old.

References
----------
Stone (1974), Cross-validatory choice and assessment of statistical predictions. J. R. Stat. Soc. B 36(2).
doi:10.1111/j.2517-6161.1974.tb00994.x
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.forms.tree import Node, Variable, render
from edgewise.symbolic.costs import BATCH, ENTRY, FACTORED, ROUTINE
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.blind_moves import ALL, blind
from edgewise.symbolic.structure.chebyshev_surrogate import (
    HIGHEST_DEGREE,
    TARGETS,
    coordinates,
    design,
    logarithmic,
    terms,
)
from edgewise.symbolic.structure.curves import curves, long_curves
from edgewise.symbolic.structure.forward_selection import selected_sums
from edgewise.symbolic.structure.moves import SlopeView, scalings
from edgewise.symbolic.structure.power_factors import power_factors
from edgewise.symbolic.structure.quotients import quotients
from edgewise.symbolic.structure.separability import factors, separations
from edgewise.symbolic.structure.state import Move, State

# Features up to which slopes are asked, and how far these may be off.
_LED_FEATURES = 6
_NOISY_DOUBT = 0.01
# Weights beyond so many times the typical one would let a few rows decide.
_HEAVIEST_ROW = 20.0
# States followed at each size, steps from each that are looked at closely, and kinds of models kept for that.
_BEAM = 4
_CLOSE_LOOKS = 10
_MODEL_KINDS = 3
# Rows and columns of the table of the quick model, and of the close one.
_QUICK_ROWS = 500
_QUICK_COLUMNS = 72
_CLOSE_ROWS = 2000
_CLOSE_COLUMNS = 260
# Factors of the error up to which a step is accepted, is looked at closely, and beyond which it is wrong wherever taken.
_STEP_FACTOR = 1.01
_QUICK_FACTOR = 1.04
_HOPELESS_FACTOR = 1.3

# Functions of the target that are worth a model.
_TARGETS = ("identity", "log", "reciprocal", "square")


@dataclass(frozen=True, eq=False)
class Reduced:
    """A state, how much its target counts in y on each row, and its errors as shares of y's spread."""

    state: State
    weight: Floats
    quick: float
    error: float
    story: tuple[str, ...] = ()


def reductions(rows: SplitRows, *, until: float) -> list[Reduced]:
    """The states that bear noise, the smallest first, from there on those that predict best.

    Parameters
    ----------
    rows
        The table.
    until
        The count of work (see `spent`) where it ends.
    """
    table, weight = State.table(rows), np.ones(len(rows.y))
    judge = _LeftOutError(float(rows.y.std()))
    quick, kinds = judge.quick(table, weight)
    beam = [Reduced(table, weight, quick, judge.close(table, weight, kinds))]
    reached: list[Reduced] = []
    while beam:
        reached += beam
        fresh: list[Reduced] = []
        for one in beam:
            if len(one.state.rows.names) > 1 and spent() < until:
                fresh += _smaller(one, judge, until)
        # Some steps take several features together: the smallest states do not come from one level alone.
        fresh.sort(key=lambda formula: formula.error)
        beam = fresh[: _beam(len(fresh[0].state.rows.names))] if fresh else []
    return sorted(reached, key=lambda formula: (len(formula.state.rows.names), formula.error))


def _beam(features: int) -> int:
    """How many states to follow: steps commute, and wide tables take long."""
    return 1 if features > 6 else 2 if features > 4 else _BEAM


# Which columns enter by their logarithms, and a function of the target.
Kind = tuple[tuple[bool, ...], str]


class _LeftOutError:
    """Errors of predicting left-out rows, in shares of the spread of y; steps that failed once are not tried again."""

    def __init__(self, spread: float) -> None:
        self.spread = spread
        self.failed: set[str] = set()
        self.seen: set[tuple[str, ...]] = set()

    def quick(self, state: State, weight: Floats) -> tuple[float, list[Kind]]:
        """The error of a quick model, and the kinds of models that did best."""
        errors = self._errors(state.rows, weight, _QUICK_ROWS, _QUICK_COLUMNS, None)
        best = sorted(errors, key=lambda kind: errors[kind])
        return min(errors.values(), default=math.inf), best[:_MODEL_KINDS]

    def close(self, state: State, weight: Floats, kinds: list[Kind]) -> float:
        """The error of the best of a few kinds of models on all rows."""
        most = _CLOSE_ROWS, _CLOSE_COLUMNS
        errors = self._errors(state.rows, weight, *most, kinds)
        return min(errors.values(), default=math.inf)

    def _errors(
        self, rows: SplitRows, weight: Floats, most_rows: int, most_terms: int, only: list[Kind] | None
    ) -> dict[Kind, float]:
        chosen = np.linspace(0, len(rows.y) - 1, min(len(rows.y), most_rows)).astype(np.intp)
        X, y, w = rows.X[chosen], rows.y[chosen], weight[chosen]
        most = max(min(most_terms, len(y) // 4), X.shape[1] + 1)
        powers_, ends = terms(X.shape[1], most, HIGHEST_DEGREE)
        positive = logarithmic(X)
        errors: dict[Kind, float] = {}
        for logs in sorted({tuple(False for _ in positive), positive}):
            names = [name for name in _TARGETS if only is None or (logs, name) in only]
            u = coordinates(X, logs)
            low, high = u.min(axis=0), u.max(axis=0)
            if not names or not (high > low).all():
                continue
            charge(BATCH + ENTRY * len(y) * len(powers_))
            table = design(2 * (u - low) / (high - low) - 1, powers_)
            errors |= {(logs, name): _error(table, ends, y, w, name) / self.spread for name in names}
        return errors


def _error(table: Floats, ends: Sequence[int], y: Floats, weight: Floats, name: str) -> float:
    function = TARGETS[name]
    sign = 1 if function.anywhere or (y > 0).all() else -1 if (y < 0).all() else 0
    if sign == 0:
        return math.inf
    with np.errstate(all="ignore"):
        target, scale = function.value(sign * y), weight / np.abs(function.slope(sign * y))
    if not (np.isfinite(target).all() and np.isfinite(scale).all()):
        return math.inf
    # The fit must not follow a few rows alone; they count in full for the error.
    whole, scale = scale, np.minimum(scale, _HEAVIEST_ROW * np.median(scale))
    charge(ROUTINE + FACTORED * table.size * (table.shape[1] + 10))
    q, r = np.linalg.qr(table * scale[:, None])
    size, aim = np.abs(np.diagonal(r)), target * scale
    along, leverage = q.T @ aim, np.cumsum(np.square(q), axis=1)
    best = math.inf
    for end in ends:
        if end > len(size) or size[:end].min() <= 1e-10 * size[0]:
            break
        residual = (
            (aim - q[:, :end] @ along[:end]) / np.maximum(1 - leverage[:, end - 1], 1e-2) * (whole / scale)
        )
        best = min(best, float(np.sqrt(np.mean(np.square(residual)))))
    return best


def _smaller(one: Reduced, judge: _LeftOutError, until: float) -> list[Reduced]:
    """The states with fewer features that predict as well."""
    tried: list[tuple[float, list[Kind], Move, State, Floats]] = []
    taken = power_factors(one.state.rows, one.weight)
    for move in itertools.chain(taken, blind(one.state, ALL), _led(one.state)):
        if spent() > until:
            break
        name = _name(one.state, move)
        child = None if name in judge.failed else one.state.after(move)
        if child is None or (mark := child.signature) in judge.seen:
            continue
        judge.seen.add(mark)
        weight = one.weight
        if move.factor is not None:
            weight = weight * np.abs(one.state._values(move.factor, 1.0)[0])
        quick, kinds = judge.quick(child, weight)
        if quick <= _QUICK_FACTOR * one.quick:
            tried.append((quick, kinds, move, child, weight))
        elif quick > _HOPELESS_FACTOR * one.quick and name:
            judge.failed.add(name)
    tried.sort(key=lambda item: item[0])
    kept: list[Reduced] = []
    for quick, kinds, move, child, weight in tried[:_CLOSE_LOOKS]:
        error = judge.close(child, weight, kinds)
        if error <= _STEP_FACTOR * one.error:
            kept.append(Reduced(child, weight, quick, error, (*one.story, move.kind)))
    return kept


def _name(state: State, move: Move) -> str:
    """What a step shows of the columns, wherever it is taken; nothing where that is not known."""
    fresh = [tree for tree in move.features if not isinstance(tree, Variable)]
    if move.kind == "merge" and len(fresh) == 1:
        return render(state._in_columns(fresh[0]))
    if move.kind == "factor" and move.factor is not None:
        return "y / " + render(state._in_columns(move.factor))
    return ""


def _led(state: State) -> Iterator[Move]:
    """The steps that the slopes of a smooth model suggest: rough as these are, the rows have the last word."""
    if len(state.rows.names) > _LED_FEATURES:
        return
    view = SlopeView.of(state)
    if view is not None:
        view = replace(view, doubt=max(view.doubt, _NOISY_DOUBT))
        yield from scalings(view)
        yield from factors(view)
        yield from separations(state, view)


@proposes("reductions")
def formulas(one: Reduced, until: float, *, thorough: bool = True) -> Iterator[Node]:
    """Formulas for y in the columns, by what is found for a state's target in its features."""
    rows = one.state.rows
    if len(rows.names) == 1:
        yield from map(one.state.lift, curves(rows, one.weight))
        if thorough:
            yield from map(one.state.lift, long_curves(rows, one.weight))
    yield from map(one.state.lift, selected_sums(rows, weight=one.weight, until=until))
    model = one.state.landscape
    if model is not None:
        smooth = model.value(rows.X)
        yield from map(one.state.lift, quotients(rows, smooth, weight=one.weight, until=until))
