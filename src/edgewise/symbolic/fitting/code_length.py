"""How many nats a formula takes to be written down: what there is to choose in it, by how often laws of handbooks hold it.

References
----------
Guimera et al. (2020), A Bayesian machine scientist to aid in the solution of challenging scientific problems. Science
Advances 6. doi:10.1126/sciadv.aav6971 (priors of expressions from how often their parts occur)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from edgewise.forms.functions import FUNCTIONS
from edgewise.symbolic.expressions.algebra import negated, rebuilt
from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.complexity import root_of
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
from edgewise.symbolic.fitting.train_test import SplitRows

# Nats of the parts of a formula, about minus the logarithm of how often laws of handbooks hold them.
OPERATOR_NATS = 1.0
_COLUMN_NATS = 1.0
NUMBER_NATS = 0.7
# Of exponents: two, halves of whole numbers, other ratios, and what was measured.
_SQUARE_NATS = 1.5
_HALVES_NATS = 3.0
_RATIO_NATS = 4.0
_MEASURED_NATS = 6.0
# A root, broken power or logarithm of a column moved by a number: (x + 0.7)^(5/2) follows other curves closely.
_SHIFTED_NATS = 3.0
# A function around another: cos(exp(x)) can follow almost anything and is hardly ever a law.
_AROUND_NATS = 4.0

WAVES = frozenset(name for name, function in FUNCTIONS.items() if function.periodic)
# What is no function around another one.
_PLAIN = frozenset({"number", "symbol", "constant", "+", "*", "^", "max", "min"})


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
    expression = canonical(expression)
    if expression.head == SYMBOL:
        return _COLUMN_NATS + math.log(len(rows.names))
    if expression.numeric:
        return NUMBER_NATS if expression not in (ONE, MINUS) else 0.0
    head, args = expression.head, expression.args
    if head == "^" and args[1].numeric:
        inverse = is_negative(args[1])
        size = negated(args[1]) if inverse else args[1]
        return (
            (OPERATOR_NATS if inverse else 0.0)
            + (0.0 if is_whole(size) else _shift_nats(args[0]))
            + _power_nats(size)
            + nats(args[0], rows)
        )
    if head == "+":
        return _sum_nats(args, rows) + OPERATOR_NATS * (len(args) - 1)
    parts = sum(nats(argument, rows) for argument in args)
    if head == "*":
        # Factors under roots of one degree are under one root.
        roots = [argument for argument in map(root_of, args) if argument is not None]
        parts -= sum(_power_nats(root) for root in roots)
        parts += sum(_power_nats(root) for root in dict.fromkeys(roots))
    if head in "*^":
        return parts + OPERATOR_NATS * (len(args) - 1)
    around = _AROUND_NATS if any(argument.heads - _PLAIN for argument in args) else 0.0
    if head == "log":
        around += _shift_nats(args[0])
    if head in WAVES:
        around += turns(expression, rows)
    return parts + around + FUNCTIONS[head].nats


def _sum_nats(terms: Iterable[Expr], rows: SplitRows) -> float:
    """Of terms that differ by their numbers alone, such as decays, one is chosen, and of the others the numbers."""
    kinds: dict[Expr, float] = {}
    numbers = 0
    for term in terms:
        kind = _numberless(term) if term.heads - _PLAIN else term
        numbers += numbers_in(term) if kind in kinds else 0
        kinds[kind] = max(kinds.get(kind, 0.0), nats(term, rows))
    return sum(kinds.values()) + NUMBER_NATS * numbers


def _numberless(expression: Expr) -> Expr:
    if expression.numeric:
        return ONE
    if not expression.args:
        return expression
    args = [
        argument if _is_power(expression, argument) else _numberless(argument) for argument in expression.args
    ]
    return rebuilt(expression, args)


def numbers_in(expression: Expr) -> int:
    """The numbers to choose besides powers."""
    if expression.numeric:
        return int(expression not in (ONE, MINUS))
    return sum(numbers_in(argument) for argument in expression.args if not _is_power(expression, argument))


def _is_power(expression: Expr, part: Expr) -> bool:
    return expression.head == "^" and part is expression.args[1] and part.numeric


def _power_nats(size: Expr) -> float:
    if size is ONE:
        return 0.0
    if size in (number(2), HALF):
        return _SQUARE_NATS
    if not is_exact(size):
        return _MEASURED_NATS
    return _HALVES_NATS if size.value.denominator <= 2 else _RATIO_NATS


def _shift_nats(base: Expr) -> float:
    """What it takes to move a column by a number, one apart, before its root, broken power or logarithm is taken."""
    numbers = {term for term in terms_of(base) if term.numeric}
    columns = [term for term in terms_of(base) if term not in numbers]
    moved = len(columns) == 1 and coefficient(columns[0])[1].head == SYMBOL and numbers - {ONE, MINUS}
    return _SHIFTED_NATS if moved else 0.0


def turns(wave: Expr, rows: SplitRows) -> float:
    """The nats of a wave's rate: one of as many as the half turns that it makes over the rows."""
    angles = values(wave.args[0], rows.names, rows.X)
    numeric = wave.head != "mod" or wave.args[1].numeric
    period = (value_of(wave.args[1]) if wave.head == "mod" else math.pi) if numeric else 0.0
    turns = float(np.ptp(angles)) / abs(period) if period else 0.0
    return math.log1p(turns) if math.isfinite(turns) else 0.0
