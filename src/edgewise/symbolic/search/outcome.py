"""What a search reports when it has ended: what was found, how sure that is, and what of the rows stands against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.checks import plural, short
from edgewise._core.rows import row_numbers
from edgewise._core.stopping import StopReason
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.measurements import Measurements
from edgewise.symbolic.fitting.structure_left import follows_columns
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula, with_formula
from edgewise.symbolic.results.law import with_law
from edgewise.symbolic.results.probability import likely
from edgewise.symbolic.results.search_result import FormulaResult, chi_square_text
from edgewise.symbolic.search.all_rows import fitted_on_all
from edgewise.symbolic.search.exactness import is_law
from edgewise.symbolic.units.constraints import Dimensions
from edgewise.symbolic.units.of_constants import constant_units


@dataclass(frozen=True, eq=False)
class Ended:
    """A search that has ended.

    Parameters
    ----------
    result
        Its formulas, in the columns of `rows`; their message is still to be written.
    count
        How many formulas were found.
    rows
        The rows that judged them.
    rivals
        Formulas beside the front that may be alternatives.
    candidates
        Formulas beside the front that may be the law.
    remarks
        What of the table was not searched, in sentences.
    straightened
        Columns of the best formula where the rows see but a line of a function.
    refused
        The closest of the formulas that constraints ruled out, in the columns of `rows`.
    """

    result: FormulaResult
    count: int
    rows: SplitRows
    rivals: tuple[Formula, ...] = ()
    candidates: tuple[Formula, ...] = ()
    remarks: tuple[str, ...] = ()
    straightened: tuple[str, ...] = ()
    refused: Formula | None = None

    def judged(self) -> Ended:
        """With the law, what every formula does outside, and the trust in each."""
        return replace(self, result=with_law(self.result, self.candidates, self.rows, self.rivals))

    def on(self, rows: SplitRows) -> Ended:
        """The formulas fitted and judged on other rows."""
        known = self.result
        rows = rows.named(self.rows.names)
        front, best, _ = fitted_on_all(known.front, known.best, True, rows)
        exact = is_law(best, rows)
        reason = StopReason.EXACT if exact and known.stop_reason.repeatable else known.stop_reason
        front = with_formula(front, best)
        result = replace(known, best=best, front=front, exact=exact, stop_reason=reason)
        return replace(
            self, result=result, rows=rows, rivals=() if exact else self.rivals, candidates=()
        ).judged()


def named(result: FormulaResult, names: tuple[str, ...]) -> FormulaResult:
    """The result with formulas that predict from the whole table."""
    return result if result.best.names == names else result.changed(lambda item: replace(item, names=names))


def with_units(result: FormulaResult, units: Dimensions | None) -> FormulaResult:
    """The result with the units that constants of its formulas carry, where units were given."""
    return result if units is None else result.changed(lambda item: _measured(item, units))


def _measured(formula: Formula, units: Dimensions) -> Formula:
    found = constant_units(formula.tree, units)
    if found is None or len(found) != len(formula.constants):
        return formula
    pairs = zip(formula.constants, found, strict=True)
    return replace(formula, constants=tuple(replace(item, unit=unit) for item, unit in pairs))


def message(ended: Ended) -> str:
    """What was found and why the search ended, in a sentence, and what more work could do."""
    result, rows, reason = ended.result, ended.rows, ended.result.stop_reason
    best = result.best
    how = "leaving out one row at a time" if rows.short else f"{len(rows.y_held):,} held-out rows"
    error = f"{'an' if rows.weight is None else 'a weighted'} RMSE of {best.error:.4g} (R2 {best.r2:.6f})"
    why = _NOISE if reason is StopReason.EXPLAINED and _predicts_nothing(ended) else _WHY[reason]
    text = f"The best of {ended.count} formulas has {error} judged by {how}; {why}."
    if result.probability is not None:
        if result.recommended.expression != best.expression:
            text += f" {result.recommended.text} goes on best where it was not fitted."
        text += f" The probability that it is the law is {likely(result.probability)}."
    return f"{text} {reason.advice}" if not reason.repeatable or reason is StopReason.WORK_SPENT else text


def remarks(
    ended: Ended, table: Measurements, suspicious: Sequence[int], aside: Sequence[int], constrained: bool
) -> tuple[str, ...]:
    """What is to know of the rows, in sentences.

    Parameters
    ----------
    ended
        The search, its columns named.
    table
        The rows that count.
    suspicious, aside
        Numbers of the rows that look like gross errors, and of those that were set aside as such.
    constrained
        Whether formulas that predict y may have been left out.
    """
    result, rows = ended.result, ended.rows
    best = result.best
    notes = list[str]()
    if not constrained and _is_constant(ended):
        notes.append(
            "No column predicts y: no formula is better than a constant."
            if _predicts_nothing(ended)
            else "No formula that was found predicts y, though y follows columns: more work may find one."
        )
    if ended.straightened:
        notes.append(
            f"Where arguments are so small these rows cannot distinguish a function from a line; it was seen for "
            f"{_ranges(rows, ended.straightened)}."
        )
    if best.units_told:
        notes.append(best.units_told)
    if result.reduced_chi_square is not None:
        freedom = len(table.y) - len(best.constants)
        notes.append(f"{chi_square_text(result.reduced_chi_square, freedom).capitalize()}.")
    if len(aside):
        notes.append(
            f"{plural(len(aside), 'row')} set aside as gross errors, which no formula explains: "
            f"{row_numbers(aside)}."
        )
    elif len(suspicious):
        verb = "lies" if len(suspicious) == 1 else "lie"
        notes.append(
            f"{plural(len(suspicious), 'row')} {verb} far from what rows beside them show, as gross errors do: "
            f"{row_numbers(suspicious)}; a robust loss searches without such rows."
        )
    return (*notes, *ended.remarks, *table.notes)


def _is_constant(ended: Ended) -> bool:
    """Whether a constant is the best formula of a y that varies, and no end from outside made it so."""
    result = ended.result
    varies = float(ended.rows.y.std()) > 0
    return varies and result.best.expression.numeric and result.stop_reason.repeatable


def _predicts_nothing(ended: Ended) -> bool:
    """Whether that is because y follows no column, as far as the rows show."""
    X, y, _ = ended.rows.everything
    return _is_constant(ended) and not follows_columns(X, y)


_NOISE = "all that y does is noise as far as these rows show"
_WHY = {
    StopReason.EXACT: "a formula is exact",
    StopReason.EXPLAINED: "the formulas explain all but the noise",
    StopReason.NO_IMPROVEMENT: "no network explains more than the formulas do",
    StopReason.EXHAUSTED: "every shape has been tried",
    StopReason.WORK_SPENT: "the work was done",
    StopReason.TIME_LIMIT: "the time was up",
    StopReason.INTERRUPTED: "the search was interrupted",
    StopReason.CALLBACK: "a callback asked to stop",
}


def reduced_chi_square(formula: Formula, table: Measurements) -> float | None:
    """The mean squared error in units of the known noise, with the constants' degrees of freedom taken off."""
    if table.variance is None:
        return None
    tape = Tape(formula.tree, formula.names)
    with np.errstate(all="ignore"):
        squares = np.square(table.y - tape.value(tape.start, table.X)) / table.variance
    squares = squares if table.weight is None else squares * table.weight
    return float(squares.sum()) / max(len(table.y) - tape.size, 1)


def _ranges(rows: SplitRows, names: Sequence[str]) -> str:
    """ "x1 from 0 to 1 and x2 from 2 to 3"."""
    X = np.vstack([rows.X, rows.X_held])
    parts = [
        f"{short(name, 40)[1:-1]} from {X[:, at].min():.6g} to {X[:, at].max():.6g}"
        for at, name in enumerate(rows.names)
        if name in names
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
