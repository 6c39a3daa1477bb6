"""What a formula search returns: a front, the formula on it that goes on best outside the table, and the one that predicts
best among rows like those of the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.rows import row_numbers
from edgewise._core.stopping import StopReason
from edgewise.symbolic.expressions.writing import values
from edgewise.symbolic.fitting.criterion import criterion
from edgewise.symbolic.fitting.least_squares import RARE_CHANCE
from edgewise.symbolic.fitting.noise_estimate import neighbour_noise
from edgewise.symbolic.fitting.rounding import FittedFormula
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import Failure
from edgewise.symbolic.results.alternatives import Alternative, alternatives
from edgewise.symbolic.results.diagnostics import constant_intervals, trust
from edgewise.symbolic.results.formula import Constant, Formula
from edgewise.symbolic.results.probability import likely

if TYPE_CHECKING:
    from edgewise.network import KAN

# The recommended formula is called the law where that is more likely than not, and an approximation where it is hardly so.
_LIKELY, _HARDLY = 0.5, 0.05
# Each node of the best formula must take this share off the error.
_NODE_GAIN = 0.03


@dataclass(frozen=True)
class RefusedFormula:
    """The formula closest to the rows of those that constraints ruled out.

    Attributes
    ----------
    formula : Formula
    broken : tuple of str
        The constraints that it breaks, as they were written.
    """

    formula: Formula
    broken: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"formula": self.formula.to_dict(), "broken": list(self.broken)}


@dataclass(frozen=True, eq=False)
class FormulaResult:
    """Formulas from the simplest to the most accurate; `str` of it is a table of them.

    Parameters
    ----------
    best
        The formula that predicts best among rows like these: the simplest that no other beats by more than chance.
    front
        The formulas that no simpler one equals, the simplest first.
    network
        The network the best formula was read from, or the most accurate one trained; None where none was needed.
    message
        What was found and why the search ended, in one sentence.
    seconds
        How long it took.
    stop_reason
        Why the search ended.
    noise
        The standard deviation of the noise in y, rather too large than too small; None where it was not estimated.
    equivalents
        What `alternatives` returns.
    exact
        Whether the search holds `best` to be the law itself: it leaves no more than rounding error on rows it was not
        fitted to, with few measured constants.
    remarks
        What is to know of the rows, in sentences: which were left out, what stands against them, what they cannot decide.
        The message ends with them.
    gross_errors
        Numbers of the rows of the caller's table, from 0, that were set aside as gross errors, or that look like such.
    slips
        Those among them that a second measurement did not repeat, where `ask` measured.
    reduced_chi_square
        Where the noise was given by `sigma`: the mean squared error in units of it, with the constants' degrees of freedom
        taken off. About one where the formula is right.
    further
        The formula of the front that goes on best outside the rows its constants were fitted to, where that was looked into;
        often the best.
    probability
        The probability that `recommended` is the law, if there is a short one of these columns: without noise that it has
        the law's values, in noise up to the errors of its constants. Calibrated on laws drawn at random; None where it was
        not worked out.
    broken
        The constraints that `best` breaks, as they were written: no formula was found that satisfies all. Such a result is
        to be looked at, not to be used.
    contradicted
        The constraints that the rows speak against, as they were written: a formula that breaks them is far closer than
        `best`, which satisfies them. The message says which.
    refused
        The formula closest to the rows of those that constraints ruled out, where there was one and `best` is not exact.
    failures
        Parts of the search that failed on these rows and proposed no more: the others went on.
    """

    best: Formula
    front: tuple[Formula, ...]
    network: KAN | None
    message: str
    seconds: float
    stop_reason: StopReason = StopReason.EXHAUSTED
    noise: float | None = None
    equivalents: tuple[Alternative, ...] = field(default=(), repr=False)
    exact: bool = False
    remarks: tuple[str, ...] = ()
    gross_errors: tuple[int, ...] = ()
    slips: tuple[int, ...] = ()
    reduced_chi_square: float | None = None
    further: Formula | None = None
    probability: float | None = None
    broken: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()
    refused: RefusedFormula | None = None
    failures: tuple[Failure, ...] = ()

    @property
    def recommended(self) -> Formula:
        """The formula that goes on best; the best where nothing could be left out."""
        return self.best if self.further is None else self.further

    @property
    def law(self) -> Formula | None:
        """The recommended formula where it is more likely than not the law; else None."""
        return self.recommended if (self.probability or 0.0) >= _LIKELY else None

    def changed(self, change: Callable[[Formula], Formula]) -> FormulaResult:
        """The result with every formula changed in the same way."""
        return replace(
            self,
            best=change(self.best),
            front=tuple(map(change, self.front)),
            further=None if self.further is None else change(self.further),
            equivalents=tuple(
                replace(equivalent, formula=change(equivalent.formula)) for equivalent in self.equivalents
            ),
        )

    def alternatives(self) -> tuple[Alternative, ...]:
        """The formulas, of the front and beside it, that the data cannot distinguish from the best, the shortest first.

        Each with the p-value of a paired test on held-out rows and the place where a measurement would distinguish the two.
        """
        return self.equivalents

    def __repr__(self) -> str:
        return f"FormulaResult(best={self.best!r}, {len(self.front)} on the front, {self.stop_reason})"

    def __str__(self) -> str:
        lines = [f"  {'complexity':>10}  {'error':>9}  {'outside':>9}  formula"]
        for formula in self.front:
            there = "" if formula.outside is None else f"{formula.outside.error:.3g}"
            lines.append(
                f"{self.mark(formula)} {formula.complexity:>10}  {formula.error:>9.3g}  {there:>9}  {formula.text}"
            )
        lines += [
            "",
            *(
                [f"The best formula ({self.mark(self.best)}) breaks {', '.join(self.broken)}."]
                if self.broken
                else []
            ),
            *filter(None, [self.recommended.constants_told]),
            self.message,
        ]
        if self.noise is not None:
            lines.append(f"The noise in y is at most {self.noise:.3g}.")
        if self.equivalents:
            lines.append("The data cannot distinguish the best formula from:")
            lines += [f"    {equivalent}" for equivalent in self.equivalents]
        return "\n".join(lines)

    def recommendation(self, called: Callable[[Formula], str] = lambda formula: formula.text) -> str:
        """Which formula is the law and which predicts best, and how sure that is, in sentences.

        Parameters
        ----------
        called
            What a formula is called in them.
        """
        best, first = self.best, self.recommended
        alone = first.expression == best.expression
        why = "no other beats it by more than chance" if alone else "it goes on best where it was not fitted"
        sentences = [f"{called(first)} is recommended: {why}."]
        if first.outside is not None:
            sentences.append(str(first.outside))
        if self.probability is not None:
            sure = f"probability that it is the law is {likely(self.probability)}, if a short law of these columns exists."
            sentences.append(
                f"It is an approximation: the {sure}" if self.probability < _HARDLY else f"The {sure}"
            )
        if not alone:
            sentences.append(f"{called(best)} predicts best among rows like these.")
        return " ".join(sentences)

    def mark(self, formula: Formula) -> str:
        """An asterisk at the recommended formula, a plus at the best where that is another one, else a blank."""
        if formula.expression == self.recommended.expression:
            return "*"
        return "+" if formula.expression == self.best.expression else " "

    def to_dict(self) -> dict[str, Any]:
        """Everything but the network, for JSON."""
        return {
            "best": self.best.to_dict(),
            "recommended": self.recommended.to_dict(),
            "front": [formula.to_dict() for formula in self.front],
            "alternatives": [equivalent.to_dict() for equivalent in self.equivalents],
            "noise": self.noise,
            "exact": self.exact,
            "probability": self.probability,
            "broken": list(self.broken),
            "contradicted": list(self.contradicted),
            "refused": None if self.refused is None else self.refused.to_dict(),
            "remarks": list(self.remarks),
            "failures": list(map(str, self.failures)),
            "gross_errors": list(self.gross_errors),
            "reduced_chi_square": self.reduced_chi_square,
            "message": self.message,
            "stop_reason": self.stop_reason.value,
            "seconds": self.seconds,
        }


def renumbered(
    result: FormulaResult, number: Callable[[int], int], named: Callable[[Sequence[int]], str] = row_numbers
) -> FormulaResult:
    """A result with other numbers of the rows that it names.

    Parameters
    ----------
    result
    number
        Turns the number of a row into another.
    named
        Turns rows into words.
    """
    message, remarks = result.message, result.remarks
    for rows in (result.slips, [row for row in result.gross_errors if row not in result.slips]):
        before, after = row_numbers(rows), named([number(row) for row in rows])
        if rows:
            message = message.replace(before, after)
            remarks = tuple(remark.replace(before, after) for remark in remarks)
    errors, slips = (tuple(map(number, rows)) for rows in (result.gross_errors, result.slips))
    return replace(result, message=message, remarks=remarks, gross_errors=errors, slips=slips)


def judged(
    result: FormulaResult,
    rows: SplitRows,
    rivals: Sequence[Formula] = (),
) -> FormulaResult:
    """A result with the trust in every formula, the noise and the alternatives.

    Parameters
    ----------
    result
        What a search found, in the columns of `rows`.
    rows
        The data it was found on.
    rivals
        Formulas beside the front that may be alternatives too.

    Returns
    -------
    FormulaResult
    """
    noise_beside = neighbour_noise(*rows.alike.everything[:2])
    trusted = {
        formula.expression: _trusted(formula, rows, result.network, noise_beside)
        for formula in (result.best, *result.front)
    }
    result = result.changed(lambda formula: trusted.get(formula.expression, formula))
    best, front = result.best, result.front
    levels = [formula.trust.noise.level for formula in (best, *front) if formula.trust is not None]
    noise = min((level for level in levels if math.isfinite(level)), default=None)
    return replace(result, noise=noise, equivalents=alternatives(best, (*front, *rivals), rows))


def _trusted(formula: Formula, rows: SplitRows, network: KAN | None, neighbours_noise: float) -> Formula:
    """A formula with the trust in it, on held-out rows or, in a short table, each row left out in turn."""
    training = None if rows.short else (rows.X, rows.y)
    intervals = constant_intervals(formula, rows.X, rows.y, rows.weight, rows.variance)
    found = trust(
        formula,
        rows.X_held,
        rows.y_held,
        network,
        training=training,
        neighbours=neighbours_noise,
    )
    found = replace(found, constants=intervals)
    if rows.weight is not None:
        noise = replace(found.noise, residuals=formula.error, network=math.nan)
        found = replace(found, error=formula.error, r2=formula.r2, noise=noise)
    if not rows.short:
        return replace(formula, trust=found)
    # The network's residuals on its own rows show too little.
    noise = replace(found.noise, residuals=formula.error, network=math.nan)
    judged = replace(found, error=formula.error, r2=formula.r2, noise=noise, leave_one_out=True)
    return replace(formula, trust=judged)


def as_formula(fitted: FittedFormula, rows: SplitRows, network: KAN | None) -> Formula:
    """A fitted expression as a result."""
    r2 = (
        1.0 - (fitted.held / rows.spread) ** 2 if rows.spread > 0 and math.isfinite(fitted.held) else math.nan
    )
    constants = tuple(
        Constant(value, error)
        for value, error in zip(
            fitted.fit.constants.tolist(), fitted.fit.standard_errors.tolist(), strict=True
        )
    )
    deviation = None
    if network is not None:
        difference = values(fitted.expression, rows.names, rows.X_held) - network.predict(rows.X_held)[:, 0]
        with np.errstate(all="ignore"):
            deviation = float(np.sqrt(np.mean(np.square(difference))))
    return Formula(
        fitted.expression,
        rows.names,
        fitted.held,
        r2,
        constants,
        deviation,
        costs=rows.costs,
        origin=fitted.origin,
    )


def chi_square_text(value: float, freedom: int) -> str:
    """What the known noise shows of the formula: too much or too little is left, or what chance leaves."""
    from scipy.special import chdtr, chdtrc

    freedom = max(freedom, 1)
    if chdtrc(freedom, value * freedom) < RARE_CHANCE:
        judgement = "more than sigma leaves room for: the formula falls short, or sigma is too small"
    elif chdtr(freedom, value * freedom) < RARE_CHANCE:
        judgement = "less than sigma lets expect: sigma is too large"
    else:
        judgement = "as sigma lets expect"
    return f"chi-square per degree of freedom is {value:.3g} ({freedom:,} degrees of freedom), {judgement}"


def best_of(front: Sequence[Formula], rows: SplitRows) -> Formula:
    """The formula with the best balance: each node must take 3 % off the error, and more than chance.

    A formula stays in the running where no simpler one has a squared error within one standard error of its own, the
    rule of Breiman et al. (1984), Classification and Regression Trees.
    """
    # A difference that floating point itself makes is none.
    floor = rows.rounding_error
    running: list[tuple[Formula, Floats]] = []
    for formula in sorted(front, key=lambda one: one.complexity):
        squares = np.square(formula.predict(rows.X_held) - rows.y_held)
        squares = squares if rows.weight_held is None else squares * rows.weight_held
        gains = [(before - squares) for _, before in running]
        if all(float(gain.mean()) > float(gain.std()) / math.sqrt(len(gain)) for gain in gains):
            running.append((formula, squares))
    return min(
        (item for item, _ in running),
        key=lambda one: criterion(one.error, one.complexity, 1, node=_NODE_GAIN, floor=floor),
    )
