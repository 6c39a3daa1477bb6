"""The formula that explains most in the fewest symbols: description length on all rows.

A few hundred held-out rows cannot distinguish two formulas whose errors differ by a per cent; all rows often can. Those
that were fitted may count, too, as long as every measured constant is paid for. The symbols cost what few rows hold them to
cost, too (`nats`): as many nodes are a sum of decays and waves, or a cosine of a logarithm, and laws are rather the first.
What functions cost by the caller is in nodes, as on the front.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.complexity import surcharge
from edgewise.symbolic.expressions.nodes import Expr, floats
from edgewise.symbolic.fitting.code_length import NUMBER_NATS, OPERATOR_NATS, nats, numbers_in
from edgewise.symbolic.fitting.criterion import NODE_NATS, criterion
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula

# An exact number in place of a measured one, where rows are many: there are a dozen or so to choose from.
_EXACT_NATS = 2.5
# A formula near the best that describes all rows in so many nats less, and so many for each measured constant more, takes
# its place, if at most so much longer.
_CHALLENGE_NATS = 1.0
_CHALLENGE_LONGER = 10


def description(
    formula: Formula, rows: SplitRows, error: float | None = None, count: float | None = None
) -> float:
    """Nats that it takes to write down the formula, its constants and what it leaves of y.

    Parameters
    ----------
    formula
    rows
        The table.
    error
        What the formula leaves, as a root mean square; by default what it leaves of all rows.
    count
        As how many rows these count; by default as many as they are.
    """
    X, y, weight = rows.everything
    count = len(y) if count is None else count
    if error is None:
        with np.errstate(all="ignore"):
            error = float(np.sqrt(np.average(np.square(formula.predict(X) - y), weights=weight)))
    if not math.isfinite(error):
        return math.inf
    floor = max(rows.rounding_error, 1e-300)
    left = criterion(error, 0, count, len(formula.constants), node=0.0, floor=floor)
    dearer = NODE_NATS * surcharge(formula.expression, dict(rows.costs))
    expression = canonical(formula.expression)
    exact = _EXACT_NATS * max(numbers_in(expression) - len(formula.constants), 0)
    measured = NUMBER_NATS + 0.5 * math.log(count)
    return left + nats(expression, rows) + exact - _beyond(expression, measured) + dearer


def _beyond(expression: Expr, most: float) -> float:
    """Nats of exact numbers, beyond what one measured number takes in place of those that stand together."""
    if expression.atom or expression.numeric:
        return 0.0
    numbers = [argument for argument in expression.args if argument.numeric and expression.head in "*+"]
    together = len(numbers) * (NUMBER_NATS + _EXACT_NATS + OPERATOR_NATS) - OPERATOR_NATS
    rest = sum(_beyond(argument, most) for argument in expression.args)
    return rest + (max(together - most, 0.0) if len(numbers) > 1 and not any(map(floats, numbers)) else 0.0)


def challenged(best: Formula, others: Iterable[Formula], rows: SplitRows) -> Formula:
    """The best formula, or one that describes all rows in clearly fewer words, even more clearly for each constant more.

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
    first = best
    price = description(first, rows) - _CHALLENGE_NATS
    for other in others:
        if other.complexity > best.complexity + _CHALLENGE_LONGER:
            continue
        more = max(len(other.constants) - len(first.constants), 0)
        if (own := description(other, rows) + _CHALLENGE_NATS * more) < price:
            best, price = other, own
    return best
