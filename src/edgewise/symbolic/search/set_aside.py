"""Laws in spite of gross errors: rows that no law explains are set aside, and all rows decide which those are.

The residuals of a smooth function of the columns show the first of them (`gross_errors`); the search sees the others. The
formula it finds then shows better than any smooth function which rows are errors, and its constants are fitted to the rest
until both agree: the concentration steps of least trimmed squares, with the cutoff of a reweighted fit, set so that of a
table without errors hardly ever a row is lost. Where the search was led astray by errors that the smooth function missed,
it starts again without them.

References
----------
Rousseeuw, Van Driessen (2006), Computing LTS regression for large data sets. Data Mining and Knowledge Discovery 12.
doi:10.1007/s10618-005-0024-4
Gervini, Yohai (2002), A class of robust and fully efficient regression estimators. Annals of Statistics 30(2).
doi:10.1214/aos/1021379866
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.criterion import NODE_NATS, criterion
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.measurements import Measurements
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import FormulaResult
from edgewise.symbolic.search.exactness import ROUNDED
from edgewise.symbolic.search.outcome import Ended, named
from edgewise.training.common.gross_errors import NORMAL_DEVIATION, gross_errors, robust_deviation

# Share of the work that remains for each search: a short one shows most errors that the smooth function has missed.
_SEARCH_SHARES = (0.15, 0.6, 1.0)
# A formula that leaves more than this share of what y does does not show which single rows are errors.
_EXPLAINED_SHARE = 0.3
# Steps of fitting and setting aside; beyond this share rows are no exceptions.
_CONCENTRATION_STEPS = 12
_MOST_ASIDE = 0.4
# In a table without errors a row is set aside once in so many tables.
_CLEAN_TABLES = 20.0
# Share of the rows that judges between two searches.
_JUDGING_SHARE = 0.6
# A row departs from a formula where it is so many robust deviations off.
_FAR_DEVIATIONS = 5.0

Flags = NDArray[np.bool_]


def search_without_errors(
    rows: Measurements,
    search: Callable[[Measurements, float], Ended],
    split: Callable[[Measurements], SplitRows],
    meter: Meter,
) -> tuple[Ended, Measurements, NDArray[np.intp]]:
    """What a search finds without the rows that are gross errors.

    Parameters
    ----------
    rows
        The table.
    search
        Searches some rows until the meter has counted so much.
    split
        The rows to fit and those to judge on.
    meter
        Counts the work.

    Returns
    -------
    tuple
        The search, the rows it stands for, and the numbers in the caller's table of those set aside.
    """
    # All that departs first, even where a law may be steep: what the law explains comes back.
    waiting = [gross_errors(rows.X, rows.y, alone=alone) for alone in (False, True)]
    tried, kept = list[Flags](), list[tuple[float, Ended, Flags]]()
    # A search may have looked at few of them.
    columns = split(rows).names
    for share in _SEARCH_SHARES:
        fresh = [item for item in waiting if not any((item == other).all() for other in tried)]
        aside = (fresh or tried)[0 if fresh else -1]
        tried.append(aside)
        ended = search(rows.without(aside), meter.part(share))
        reason = ended.result.stop_reason
        outlying = departing_rows(named(ended.result, columns).best, rows, aside)
        same = bool((outlying == aside).all())
        if not same and reason.repeatable:
            ended = ended.on(split(rows.without(outlying)))
        kept.append((_criterion(named(ended.result, columns), rows), ended, outlying))
        waiting = [outlying, *fresh[1:]]
        solved = reason in (StopReason.EXACT, StopReason.EXPLAINED) or ended.result.exact
        finished = same and not fresh[1:] and reason is not StopReason.WORK_SPENT
        if solved or finished or not reason.repeatable or meter.left <= 0:
            break
    _, ended, aside = min(kept, key=lambda item: item[0])
    return ended, rows.without(aside), rows.numbers[aside]


def departing_rows(formula: Formula, rows: Measurements, aside: Flags) -> Flags:
    """The rows that a formula does not explain, its constants fitted to the others until both agree.

    Parameters
    ----------
    formula
        The formula.
    rows
        The table.
    aside
        The rows that it was not fitted to.

    Returns
    -------
    array of bool, shape (n,)
        `aside` itself where they would be more than two in five, or the formula explains too little of y to decide.
    """
    from scipy.special import ndtri

    cut = float(-ndtri(0.5 / _CLEAN_TABLES / len(rows.y)))
    root = np.ones(len(rows.y)) if rows.weight is None else np.sqrt(rows.weight)
    tree, now, scale = formula.tree, aside, math.inf
    with np.errstate(all="ignore"):
        for _ in range(_CONCENTRATION_STEPS):
            tape = Tape(tree, formula.names)
            off = np.abs(rows.y - tape.value(tape.start, rows.X))
            sizes = (off * root)[~now]
            scale = (
                NORMAL_DEVIATION
                * float(np.median(sizes))
                * math.sqrt(len(sizes) / max(len(sizes) - tape.size, 1))
            )
            rounding = tape.rounding(tape.start, rows.X) + np.finfo(np.float64).eps * np.abs(rows.y)
            far = ~(off * root <= np.maximum(cut * scale, ROUNDED * rounding * root))
            if far.mean() > _MOST_ASIDE:
                return aside
            if (far == now).all():
                break
            now = far
            weight = None if rows.weight is None else rows.weight[~now]
            tree = refit(tree, formula.names, rows.X[~now], rows.y[~now], weight).tree
    return now if scale <= _EXPLAINED_SHARE * robust_deviation(rows.y[~now]) else aside


def suspicious_rows(best: Formula, rows: Measurements) -> NDArray[np.intp]:
    """The numbers in the caller's table of rows that both a smooth function and a formula take for gross errors.

    Parameters
    ----------
    best
        The formula that was found with all rows.
    rows
        The table.
    """
    flagged = gross_errors(rows.X, rows.y)
    if not flagged.any():
        return rows.numbers[:0]
    with np.errstate(all="ignore"):
        off = np.abs(rows.y - best.predict(rows.X))
    scale = NORMAL_DEVIATION * float(np.median(off[~flagged]))
    return rows.numbers[flagged & ~(off <= _FAR_DEVIATIONS * scale)]


def _criterion(result: FormulaResult, rows: Measurements) -> float:
    """Nats: what the best formula leaves of the rows that it explains best, and the formula itself; exact ones first."""
    if result.exact:
        return -math.inf
    with np.errstate(all="ignore"):
        squares = np.sort(np.square(result.best.predict(rows.X) - rows.y))[
            : math.ceil(_JUDGING_SHARE * len(rows.y))
        ]
    error = math.sqrt(float(squares.mean())) if np.isfinite(squares).all() else math.inf
    return criterion(error, result.best.complexity, len(squares), node=NODE_NATS)
