"""Of few rows: the simplest formula that no other beats by more than chance.

A dozen rows hold many formulas equally well, and of thousands that were tried the best by a little is so by chance. How many
formulas there are with so much to choose follows from their description: one of n nats is one of about exp(n). One beats a
simpler one where chance makes a gain as large, in any of the formulas as much longer, once in twenty times (Bonferroni).

References
----------
Vuong (1989), Likelihood ratio tests for model selection and non-nested hypotheses. Econometrica 57(2). doi:10.2307/1912557
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, stdtr

from edgewise._core.arrays import Floats
from edgewise.symbolic.expressions.complexity import surcharge
from edgewise.symbolic.expressions.nodes import MINUS, ONE, SYMBOL, Expr, is_exact
from edgewise.symbolic.fitting.code_length import OPERATOR_NATS, WAVES, nats, turns
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.alternatives import log_likelihoods, squared_errors
from edgewise.symbolic.results.formula import Formula

# The probability with which chance makes what passes for more than chance, where rows are few.
_CHANCE = 0.05
# Gains of so few nats are not worth more than a bare mention (Kass and Raftery 1995, doi:10.1080/01621459.1995.10476572).
_BARE_MENTION = 1.0
# Two formulas are the same where they differ by no more than this share of what either leaves of y.
_NESTED_SHARE = 1e-4


@dataclass(frozen=True, eq=False)
class _Contender:
    """A formula with its nats, what it leaves, and the log likelihood of each row when it is fitted to the others, (n,)."""

    formula: Formula
    nats: float
    likelihoods: Floats
    left: float

    @classmethod
    def of(cls, formula: Formula, rows: SplitRows) -> _Contender:
        weight = 1.0 if rows.weight is None else rows.weight
        with np.errstate(all="ignore"):
            likelihoods = log_likelihoods(squared_errors(formula, rows), rows.rounding_error)
            left = float(np.sum(weight * np.square(formula.predict(rows.X) - rows.y)))
        cost = OPERATOR_NATS * surcharge(formula.expression, dict(rows.costs))
        return cls(formula, nats(formula.expression, rows) + cost, likelihoods, left)

    @property
    def numbers(self) -> int:
        return len(self.formula.constants)

    def beats(self, other: _Contender, rows: SplitRows) -> bool:
        """Whether chance would make its gain over a formula no longer than it in one of twenty tables at most."""
        if self.nats < other.nats:
            return False
        least = _CHANCE * math.exp(other.nats - self.nats)
        if _by_chance(self, other) <= least:
            return True
        return _slopes_by_chance(self, other) <= least and _nested(other.formula, self.formula, rows)


def _by_chance(long: _Contender, short: _Contender) -> float:
    """The probability of gains in likelihood, row by row, by chance: the test of Vuong with Schwarz's correction."""
    gains = long.likelihoods - short.likelihoods
    count = len(gains)
    gain = float(gains.sum()) - 0.5 * (long.numbers - short.numbers) * math.log(count)
    if gain <= _BARE_MENTION:
        return 1.0
    spread = math.sqrt(count) * float(gains.std())
    return float(stdtr(count - 1, -gain / spread)) if spread > 0 else 0.0


def _slopes_by_chance(long: _Contender, short: _Contender) -> float:
    """The probability of what more constants explain by chance, were the shorter formula the law (F test)."""
    more, freedom = long.numbers - short.numbers, len(long.likelihoods) - long.numbers
    if more <= 0 or freedom <= 0 or not long.left < short.left:
        return 1.0
    return float(betainc(freedom / 2, more / 2, long.left / short.left))


def _nested(short: Formula, long: Formula, rows: SplitRows) -> bool:
    """Whether a formula is another one with special constants: that one, fitted to its values, leaves next to nothing."""
    values = short.predict(rows.X)
    fit = refit(long.tree, rows.names, rows.X, values, rows.weight)
    return fit.rss <= _NESTED_SHARE * float(
        np.sum(np.square(values - rows.y) * (1.0 if rows.weight is None else rows.weight))
    )


def simplest(formulas: Sequence[Formula], rows: SplitRows) -> Formula:
    """The formula with the shortest description that no other, as long or longer, beats by more than chance.

    Where some formulas explain significantly more than the mean, only these are compared.

    Parameters
    ----------
    formulas
        What may be recommended.
    rows
        A short table, of which rows are left out one at a time.

    Returns
    -------
    Formula
    """
    informative = [formula for formula in formulas if significant(formula, rows)] or list(formulas)
    contenders = [_Contender.of(formula, rows) for formula in informative]
    contenders = [contender for contender in contenders if np.isfinite(contender.likelihoods).all()]
    # Of two that leave the same the one with fewer digits.
    contenders.sort(
        key=lambda contender: (
            contender.nats,
            float(f"{contender.left:.2g}"),
            len(contender.formula.exact_text),
        )
    )
    for contender in contenders:
        if not any(other.beats(contender, rows) for other in contenders):
            return contender.formula
    return min(informative, key=lambda formula: formula.error)


def significant(formula: Formula, rows: SplitRows) -> bool:
    """Whether y follows a formula more closely than it would follow the best of all that are as short by chance.

    That a formula of k fitted numbers explains so much of noise has the probability of an F test; times the number of
    formulas that are made by as many choices, it bounds the probability that any of them does. Rounded numbers were fitted
    too, and leaving out rows does not charge for them.
    """
    if formula.expression.numeric:
        return True
    X, y, weight = rows.everything
    with np.errstate(all="ignore"):
        left = np.average(np.square(formula.predict(X) - y), weights=weight)
    spread = np.average(np.square(y - np.average(y, weights=weight)), weights=weight)
    if not left < spread:
        return False
    fitted, choices = _made_by(formula.expression, rows)
    # A constant that is added is the mean's.
    own = formula.expression.head == "+" and any(argument.numeric for argument in formula.expression.args)
    fitted = max(fitted - own, 1)
    freedom = max(len(y) - 1 - fitted, 1)
    return float(betainc(freedom / 2, fitted / 2, left / spread)) * math.exp(choices) <= _CHANCE


def _made_by(expression: Expr, rows: SplitRows) -> tuple[int, float]:
    """How many numbers of an expression were fitted, and the nats of its choices: columns, operators, functions, rates."""
    if expression.head == SYMBOL:
        return 0, math.log(len(rows.names))
    if expression.numeric:
        return int(expression not in (ONE, MINUS)), 0.0
    arguments = expression.args
    if expression.head == "^" and is_exact(arguments[1]):  # an exponent is one of few
        arguments = arguments[:1]
    parts = [_made_by(argument, rows) for argument in arguments]
    rate = turns(expression, rows) if expression.head in WAVES else 0.0
    return sum(part[0] for part in parts), max(len(parts) - 1, 1) + rate + sum(part[1] for part in parts)
