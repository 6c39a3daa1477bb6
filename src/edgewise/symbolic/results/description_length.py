"""The formula that says most in the fewest words: description length on all rows.

A few hundred held-out rows cannot tell two formulas whose errors differ by a per cent; all rows often can. Those that
were fitted may speak, too, as long as every measured constant is paid for.

References
----------
Rissanen (1978), Modeling by shortest data description. Automatica 14(5). doi:10.1016/0005-1098(78)90005-5
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from edgewise.symbolic.expressions.parse import from_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula

Floats = NDArray[np.float64]
# Nats of a node: one out of some twenty symbols; fewer where rows are left out one at a time, which charges for fitting.
NODE, _NODE_LEFT_OUT = 3.0, 1.0
# And of a function around another one.
_NESTED = 3.0
# A challenger may be so much longer, and must be shorter in description by so many nats.
_LONGER, _CLEARLY = 10, 4.0
# Standard errors of a gain that is more than chance (5 %, one-sided), and how often all formulas that are as short may by
# chance fit as well.
_CHANCE, _BY_CHANCE = 1.645, 0.05


def description(formula: Formula, rows: SplitRows) -> float:
    """Nats that it takes to write down the formula, its constants and what it leaves of y.

    In a short table what counts is what it leaves of each row when fitted to the others.
    """
    X, y, weight = rows.everything
    if rows.short:
        error = formula.error
    else:
        with np.errstate(all="ignore"):
            error = float(np.sqrt(np.average(np.square(formula.predict(X) - y), weights=weight)))
    if not math.isfinite(error):
        return math.inf
    floor = max(rows.rounding_error, 1e-300)
    data = len(y) * math.log(max(error, floor))
    words = NODE * formula.complexity
    if rows.short:
        words = _NODE_LEFT_OUT * formula.complexity + _NESTED * nested(formula.sympy)
    return data + 0.5 * len(formula.constants) * math.log(len(y)) + words


def nested(expression: Any) -> int:
    """How many functions stand around another one: cos(exp(x)) can follow almost anything and is hardly ever a law.

    Examples
    --------
    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> nested(sympy.cos(sympy.sin(x) + 1)), nested(sympy.exp(-x) * sympy.cos(x))
    (1, 0)
    """
    from sympy import Function

    return sum(any(each.has(Function) for each in call.args) for call in expression.atoms(Function))


def shortest(formulas: Sequence[Formula], rows: SplitRows) -> Formula:
    """The formula that describes few rows in the fewest words, or the simplest that it beats by no more than chance.

    A dozen rows hold many formulas equally well, and of thousands that were tried the best by a little is so by chance.
    The mean is among what is to be beaten: where it is offered, so are only formulas that tell something about y.

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
    formulas = [each for each in formulas if tells(each, rows)] or formulas
    best = min(formulas, key=lambda each: description(each, rows))
    likely = _likelihoods(best, rows)
    as_good = [
        each
        for each in formulas
        if each.complexity < best.complexity and not _clearly(likely - _likelihoods(each, rows))
    ]
    return min(as_good, key=lambda each: each.complexity, default=best)


def tells(formula: Formula, rows: SplitRows) -> bool:
    """Whether y follows a formula more closely than it would follow the best of all that are as short by chance.

    That a formula of k fitted numbers explains so much of noise has the probability of an F test; times the number of
    formulas that are made by as many choices, it bounds the probability that any of them does (Bonferroni). Rounded numbers
    were fitted too, and leaving out rows does not charge for them.
    """
    if not formula.sympy.free_symbols:
        return True
    X, y, weight = rows.everything
    with np.errstate(all="ignore"):
        left = np.average(np.square(formula.predict(X) - y), weights=weight)
    spread = np.average(np.square(y - np.average(y, weights=weight)), weights=weight)
    if not left < spread:
        return False
    fitted, choices = _made_by(formula.sympy, math.log(len(rows.names)))
    # A constant that is added is the mean's.
    own = formula.sympy.is_Add and any(each.is_number for each in formula.sympy.args)
    fitted = max(fitted - own, 1)
    freedom = max(len(y) - 1 - fitted, 1)
    return float(betainc(freedom / 2, fitted / 2, left / spread)) * math.exp(choices) <= _BY_CHANCE


def _made_by(expression: Any, column: float) -> tuple[int, float]:
    """How many numbers of an expression were fitted, and the nats of its choices: columns, operators and functions."""
    if expression.is_Symbol:
        return 0, column
    if expression.is_number:
        return int(abs(expression) != 1), 0.0
    arguments = expression.args
    if expression.is_Pow and arguments[1].is_Rational:  # an exponent is one of few
        arguments = arguments[:1]
    parts = [_made_by(each, column) for each in arguments]
    return sum(part[0] for part in parts), max(len(parts) - 1, 1) + sum(part[1] for part in parts)


def _clearly(gains: Floats) -> bool:
    """Whether gains in log-likelihood, row by row, are positive by more than chance."""
    return bool(gains.sum() > _CHANCE * math.sqrt(len(gains)) * gains.std())


def _likelihoods(formula: Formula, rows: SplitRows) -> Floats:
    """The logarithm of each row's likelihood under the formula fitted to the others, (n,).

    Noise is taken to be normal and as large as what the formula leaves. Formulas are compared by it in the test of Vuong
    (1989), Likelihood ratio tests for model selection and non-nested hypotheses. Econometrica 57(2). doi:10.2307/1912557
    """
    tape = Tape(from_sympy(formula.sympy), rows.names)
    value, jacobian = tape.jacobian(tape.start, rows.X)
    size = np.linalg.norm(jacobian, axis=0)
    q = np.linalg.qr(jacobian / np.where(size > 0, size, 1.0))[0]
    left = (rows.y - value) / np.maximum(1 - np.square(q).sum(axis=1), 1e-3)
    square = max(float(np.mean(np.square(left))), rows.rounding_error**2, 1e-300)
    return -0.5 * math.log(square) - np.square(left) / (2 * square)


def challenged(best: Formula, others: Iterable[Formula], rows: SplitRows) -> Formula:
    """The best formula, or one with no more measured constants that describes all rows in clearly fewer words.

    Parameters
    ----------
    best
        What the front recommends by held-out rows.
    others
        Formulas that may take its place.
    rows
        The table.

    Returns
    -------
    Formula
    """
    if rows.short:
        return best
    price = description(best, rows) - _CLEARLY
    for each in others:
        if (
            len(each.constants) <= len(best.constants)
            and each.complexity <= best.complexity + _LONGER
            and (own := description(each, rows)) < price
        ):
            best, price = each, own
    return best
