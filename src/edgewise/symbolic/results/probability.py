"""The probability that the formula recommended is the law: a logistic regression on two figures of the search's result.

A law has constants that rows know well, or none, and says much more than every shorter formula where neither was fitted. How
much the two count was fitted to laws drawn at random (`benchmarks/probability.py`).

References
----------
Cox (1958), The regression analysis of binary sequences. Journal of the Royal Statistical Society B 20(2).
doi:10.1111/j.2517-6161.1958.tb00292.x
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewise.symbolic.results.formula import Constant, Formula

# The probability of an answer that is called exact: all of those that were drawn were right, and so few say no more.
EXACT_PROBABILITY = 0.97
# A logistic regression on `FIGURES`, fitted by benchmarks/probability.py to laws drawn at random; the intercept first.
WEIGHTS = (-5.1, 1.2, 0.43)
# Above so many decades a constant is as good as certain.
MOST_SURE = 4.0

# A few hundred laws tell no probability closer than this.
_NEARLY = 0.97
FIGURES = ("sure", "shorter")


def figures(formula: Formula, front: Sequence[Formula], count: int) -> tuple[float, ...]:
    """The figures that the regression is of.

    Parameters
    ----------
    formula
        What is recommended, judged.
    front
        The formulas that no simpler one equals.
    count
        As how many rows the table counts.

    Returns
    -------
    tuple of float
        Sure: decades of the least certain measured constant over its standard error. Shorter: log(1 + nats) for each node by
        which the formula describes rows that it was not fitted to in less than any shorter one of the front.
    """
    least = min(map(_certain, formula.constants), default=math.inf)
    sure = MOST_SURE if math.isinf(least) else min(math.log10(max(least, 1.0)), MOST_SURE)
    shorter = [
        count
        * math.log(max(_left(item), 1e-300) / max(_left(formula), 1e-300))
        / (formula.complexity - item.complexity)
        for item in front
        if item.complexity < formula.complexity and math.isfinite(_left(item))
    ]
    return sure, math.log1p(max(0.0, min(shorter, default=0.0)))


def _left(formula: Formula) -> float:
    """What a formula leaves of rows that its constants were not fitted to."""
    return formula.error if formula.outside is None else formula.outside.typical


def _certain(constant: Constant) -> float:
    """A constant in standard errors; 0 where the rows do not determine it."""
    error = constant.standard_error
    if error == 0:
        return math.inf
    return abs(constant.value) / error if 0 < error < math.inf and math.isfinite(constant.value) else 0.0


def law_probability(
    formula: Formula, front: Sequence[Formula], count: int, share: float = 1.0
) -> float | None:
    """The probability that a formula is the law, up to errors of its constants; None where it was not judged.

    Parameters
    ----------
    formula
        What is recommended, and not exact.
    front
        The formulas that no simpler one equals, judged.
    count
        As how many rows the table counts.
    share
        The probability that of the formulas that were looked at it is the one, if one of them is.

    Returns
    -------
    float or None
    """
    if not math.isfinite(formula.error):
        return None
    if formula.expression.numeric:  # that says nothing of the columns
        return 0.0
    return share * logistic(figures(formula, front, count))


def logistic(values: Sequence[float]) -> float:
    """The probability by the figures."""
    intercept, *weights = WEIGHTS
    score = intercept + sum(weight * value for weight, value in zip(weights, values, strict=True))
    return 1 / (1 + math.exp(-max(min(score, 30.0), -30.0)))


def likely(probability: float) -> str:
    """A probability as people read it; no more certain than the calibration can be.

    Examples
    --------
    >>> likely(0.534), likely(0.998), likely(0.001)
    ('about 53 %', 'above 97 %', 'below 3 %')
    """
    if probability > _NEARLY:
        return f"above {100 * _NEARLY:.0f} %"
    low = round(1 - _NEARLY, 6)
    return f"below {100 * low:.0f} %" if probability < low else f"about {100 * probability:.0f} %"
