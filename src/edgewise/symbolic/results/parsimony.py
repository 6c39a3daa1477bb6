"""Of few rows: the simplest formula that no other beats by more than chance.

A dozen rows hold many formulas equally well, and of thousands that were tried the best by a little is so by chance. How many
formulas there are with so much to choose follows from their description: one of n nats is one of about exp(n). One beats a
simpler one where chance makes a gain as large, in any of the formulas as much longer, once in twenty times (Bonferroni).

References
----------
Vuong (1989), Likelihood ratio tests for model selection and non-nested hypotheses. Econometrica 57(2). doi:10.2307/1912557
Guimera et al. (2020), A Bayesian machine scientist to aid in the solution of challenging scientific problems. Science
Advances 6. doi:10.1126/sciadv.aav6971 (priors of expressions from how often their parts occur)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betainc, stdtr

from edgewise._core.arrays import Floats
from edgewise.symbolic.config import SearchConfig
from edgewise.symbolic.expressions.algebra import negated, rebuilt
from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.complexity import surcharge
from edgewise.symbolic.expressions.nodes import (
    HALF,
    MINUS,
    ONE,
    SYMBOL,
    Expr,
    coefficient,
    is_exact,
    is_negative,
    is_whole,
    number,
    terms_of,
)
from edgewise.symbolic.expressions.numeric_values import value_of
from edgewise.symbolic.expressions.writing import values
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.alternatives import log_likelihoods, squared_errors
from edgewise.symbolic.results.formula import Formula

_WAVES, _COMMON = ("sin", "cos", "tan", "mod"), ("exp", "log")
# What is no function around another one.
_PLAIN = frozenset({"number", "symbol", "constant", "+", "*", "^", "max", "min"})


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
        cost = rows.config.code_length.operator * surcharge(formula.expression, dict(rows.costs))
        return cls(formula, nats(formula.expression, rows) + cost, likelihoods, left)

    @property
    def numbers(self) -> int:
        return len(self.formula.constants)

    def beats(self, other: _Contender, rows: SplitRows) -> bool:
        """Whether chance would make its gain over a formula no longer than it in one of twenty tables at most."""
        if self.nats < other.nats:
            return False
        least = rows.config.chance * math.exp(other.nats - self.nats)
        if _by_chance(self, other, rows.config.mention) <= least:
            return True
        return _slopes_by_chance(self, other) <= least and _nested(other.formula, self.formula, rows)


def _by_chance(long: _Contender, short: _Contender, mention: float) -> float:
    """The probability of gains in likelihood, row by row, by chance: the test of Vuong with Schwarz's correction."""
    gains = long.likelihoods - short.likelihoods
    count = len(gains)
    gain = float(gains.sum()) - 0.5 * (long.numbers - short.numbers) * math.log(count)
    if gain <= mention:
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
    return fit.rss <= rows.config.nested * float(
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
    informative = [each for each in formulas if significant(each, rows)] or list(formulas)
    contenders = [_Contender.of(each, rows) for each in informative]
    contenders = [each for each in contenders if np.isfinite(each.likelihoods).all()]
    # Of two that leave the same the one with fewer digits.
    contenders.sort(key=lambda each: (each.nats, float(f"{each.left:.2g}"), len(each.formula.exact_text)))
    for each in contenders:
        if not any(other.beats(each, rows) for other in contenders):
            return each.formula
    return min(informative, key=lambda each: each.error)


def nats(expression: Any, rows: SplitRows) -> float:
    """How much there is to choose in a formula: columns, operators, functions, numbers.

    Examples
    --------
    >>> import sympy
    >>> rows = SplitRows.split(("x",), np.linspace(0, 1, 20)[:, None], np.linspace(0, 1, 20), 0.2, 0)
    >>> x = sympy.Symbol("x")
    >>> nats(x, rows) < nats(2.5 * x, rows) < nats(2.5 * x**2, rows) < nats(2.5 * sympy.cos(sympy.exp(x)), rows)
    True
    """
    config, expression = rows.config, canonical(expression)
    if expression.head == SYMBOL:
        return config.code_length.column + math.log(len(rows.names))
    if expression.numeric:
        return config.code_length.number if expression not in (ONE, MINUS) else 0.0
    head, args = expression.head, expression.args
    if head == "^" and args[1].numeric:
        inverse = is_negative(args[1])
        size = negated(args[1]) if inverse else args[1]
        return (
            (config.code_length.operator if inverse else 0.0)
            + (0.0 if is_whole(size) else _shift_nats(args[0], config))
            + _power_nats(size, config)
            + nats(args[0], rows)
        )
    if head == "+":
        return _sum_nats(args, rows) + config.code_length.operator * (len(args) - 1)
    parts = sum(nats(each, rows) for each in args)
    if head in "*^":
        return parts + config.code_length.operator * (len(args) - 1)
    around = config.code_length.around if any(each.heads - _PLAIN for each in args) else 0.0
    if head == "log":
        around += _shift_nats(args[0], config)
    if head in _WAVES:
        return parts + around + config.code_length.wave + _turns(expression, rows)
    return parts + around + (config.code_length.function if head in _COMMON else config.code_length.rare)


def _sum_nats(terms: Iterable[Expr], rows: SplitRows) -> float:
    """Of terms that differ by their numbers alone, such as decays, one is chosen, and of the others the numbers."""
    kinds: dict[Expr, float] = {}
    numbers = 0
    for each in terms:
        kind = _numberless(each) if each.heads - _PLAIN else each
        numbers += numbers_in(each) if kind in kinds else 0
        kinds[kind] = max(kinds.get(kind, 0.0), nats(each, rows))
    return sum(kinds.values()) + rows.config.code_length.number * numbers


def _numberless(expression: Expr) -> Expr:
    if expression.numeric:
        return ONE
    if not expression.args:
        return expression
    args = [each if _is_power(expression, each) else _numberless(each) for each in expression.args]
    return rebuilt(expression, args)


def numbers_in(expression: Expr) -> int:
    """The numbers to choose besides powers."""
    if expression.numeric:
        return int(expression not in (ONE, MINUS))
    return sum(numbers_in(each) for each in expression.args if not _is_power(expression, each))


def _is_power(expression: Expr, part: Expr) -> bool:
    return expression.head == "^" and part is expression.args[1] and part.numeric


def _power_nats(size: Expr, config: SearchConfig) -> float:
    if size is ONE:
        return 0.0
    if size in (number(2), HALF):
        return config.code_length.square
    if not is_exact(size):
        return config.code_length.measured
    return config.code_length.halves if size.value.denominator <= 2 else config.code_length.ratio


def _shift_nats(base: Expr, config: SearchConfig) -> float:
    """What it takes to move a column by a number, one apart, before its root, broken power or logarithm is taken."""
    numbers = {each for each in terms_of(base) if each.numeric}
    columns = [each for each in terms_of(base) if each not in numbers]
    moved = len(columns) == 1 and coefficient(columns[0])[1].head == SYMBOL and numbers - {ONE, MINUS}
    return config.code_length.shifted if moved else 0.0


def _turns(wave: Expr, rows: SplitRows) -> float:
    """The nats of a wave's rate: one of as many as the half turns that it makes over the rows."""
    angles = values(wave.args[0], rows.names, rows.X)
    numeric = wave.head != "mod" or wave.args[1].numeric
    period = (value_of(wave.args[1]) if wave.head == "mod" else math.pi) if numeric else 0.0
    turns = float(np.ptp(angles)) / abs(period) if period else 0.0
    return math.log1p(turns) if math.isfinite(turns) else 0.0


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
    own = formula.expression.head == "+" and any(each.numeric for each in formula.expression.args)
    fitted = max(fitted - own, 1)
    freedom = max(len(y) - 1 - fitted, 1)
    return float(betainc(freedom / 2, fitted / 2, left / spread)) * math.exp(choices) <= rows.config.chance


def _made_by(expression: Expr, rows: SplitRows) -> tuple[int, float]:
    """How many numbers of an expression were fitted, and the nats of its choices: columns, operators, functions, rates."""
    if expression.head == SYMBOL:
        return 0, math.log(len(rows.names))
    if expression.numeric:
        return int(expression not in (ONE, MINUS)), 0.0
    arguments = expression.args
    if expression.head == "^" and is_exact(arguments[1]):  # an exponent is one of few
        arguments = arguments[:1]
    parts = [_made_by(each, rows) for each in arguments]
    rate = _turns(expression, rows) if expression.head in _WAVES else 0.0
    return sum(part[0] for part in parts), max(len(parts) - 1, 1) + rate + sum(part[1] for part in parts)
