"""The end of a search: its front, the formula it recommends, and what is near that."""

from __future__ import annotations

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, running
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.cancellation import cancels, too_steep
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.description_length import challenged
from edgewise.symbolic.results.formula import Formula, pareto, with_formula
from edgewise.symbolic.results.law import nearest
from edgewise.symbolic.results.parsimony import simplest
from edgewise.symbolic.results.search_result import FormulaResult, best_of
from edgewise.symbolic.search.all_rows import anew, fitted_on_all
from edgewise.symbolic.search.exactness import is_law
from edgewise.symbolic.search.outcome import Ended
from edgewise.symbolic.search.search_state import Search

# Rows on which a formula is seen to cancel.
_CANCELLING_ROWS = 500
# Formulas whose units fit by themselves are shown alone where their error is at most this times the smallest.
_UNITS_AS_GOOD = 1.05


def concluded(search: Search, reason: StopReason, everything: SplitRows, meter: Meter) -> Ended:
    """What a search has found, fitted on all rows."""
    rows = search.rows
    if not search.finished:
        _finish_simplest(search)
    known = _preferred(search, search.finished)
    front = pareto(known, slack=1e-6)
    front = front if front else tuple(known[:1])
    if rows.short:
        best = search.polished(simplest(search.laws or _preferred(search, search.contenders), rows))
    else:
        laws = [name for name in known if any(name is law for law in search.laws)]
        best = best_of(pareto(laws or search.laws) or front, rows)
    near = () if search.exact else search.near(best)
    if not search.exact:
        best = challenged(best, [*known, *near], rows)
    exact = any(law.expression == best.expression for law in search.laws) or is_law(best, rows)
    if exact and reason.repeatable:
        reason = StopReason.EXACT
    others = [*search.rivals(best), *(search.finished if rows.short else ())]
    rivals = () if exact else tuple(other for other in others if search.limits.strict(other))
    network = search.networks.get(best.expression)
    if network is None and search.trained:
        network = min(search.trained, key=lambda formula: formula.error).network
    candidates = () if exact or rows.short else nearest([*known, *near], rows)
    if everything.count > rows.count:
        try:
            with running(meter):
                front, best, exact = fitted_on_all((*front, *near), best, exact, everything)
                candidates = tuple(anew(candidate, everything) for candidate in candidates)
            rows = everything
        except StopError as stop:
            reason = meter.own(stop)
        except KeyboardInterrupt:
            reason = StopReason.INTERRUPTED
    front = with_formula(front, best)
    found = FormulaResult(best, front, network, "", meter.seconds, stop_reason=reason, exact=exact)
    count = len({formula.expression for formula in search.finished})
    straightened = search.straightened.get(best.expression, ())
    return Ended(found, count, rows, rivals, candidates, straightened=straightened, refused=search.refused)


def _finish_simplest(search: Search) -> None:
    """Stopped before anything was judged, or nothing allowed: a constant is always an answer."""
    tree = search.limits.simplest(float(search.rows.y.mean()))
    search.callbacks = ()
    search.finish(fit_expression(from_tree(tree, search.rows.names), search.rows), None, last=True)


def _preferred(search: Search, formulas: list[Formula]) -> list[Formula]:
    """The formulas that neither cancel nor are too steep; with units those whose constants have none, if as close."""
    look = search.rows.X[:_CANCELLING_ROWS]
    shown = [formula for formula in formulas if not cancels(formula.expression, search.rows.names, look)]
    shown = [formula for formula in shown if not too_steep(formula.expression)] or shown or formulas
    strict = [item for item in shown if search.limits.strict(item)]
    smallest = max(_UNITS_AS_GOOD * min(formula.error for formula in shown), search.exactness)
    return strict if any(formula.error <= smallest for formula in strict) else shown
