"""The last word on a table of which a sample was searched: constants fitted on all rows, and all held-out rows to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.description_length import challenged
from edgewise.symbolic.results.formula import Formula, pareto
from edgewise.symbolic.results.search_result import as_formula, best_of
from edgewise.symbolic.search.exactness import is_law


def fitted_on_all(
    formulas: Sequence[Formula], best: Formula, exact: bool, rows: SplitRows
) -> tuple[tuple[Formula, ...], Formula, bool]:
    """The front and the best of formulas that were found on a sample, fitted and judged on all rows.

    Parameters
    ----------
    formulas
        What the sample left in the running.
    best
        The one that it recommends.
    exact
        Whether that one held exactly on the sample: it then stays the best as long as it does on all rows.
    rows
        The whole table, in the columns of the formulas.

    Returns
    -------
    tuple
        The front, the best formula, and whether it holds exactly on all rows.
    """
    again = anew(best, rows)
    others = [formula for formula in formulas if formula.expression != best.expression]
    known = [again, *(anew(other, rows) for other in others)]
    front = pareto(known, slack=1e-6) or (again,)
    if exact and is_law(again, rows):
        return front, again, True
    return front, challenged(best_of(front, rows), known, rows), False


def anew(formula: Formula, rows: SplitRows) -> Formula:
    """The formula with its constants fitted to other rows, which judge it."""
    fitted = as_formula(fit_expression(formula.expression, rows), rows, None)
    return replace(fitted, origin=formula.origin)
