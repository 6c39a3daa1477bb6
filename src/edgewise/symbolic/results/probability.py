"""The probability that the recommended formula is the law: a logistic regression on a few figures of the search's result.

A law has constants that rows know well, or none; leaves what no longer formula of the front explains; says much more than
every shorter one; and leaves little. How much each counts was fitted to laws drawn at random (`benchmarks/probability.py`).

References
----------
Cox (1958), The regression analysis of binary sequences. Journal of the Royal Statistical Society B 20(2).
doi:10.1111/j.2517-6161.1958.tb00292.x
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgewise.symbolic.fitting.criterion import NODE_NATS, criterion

if TYPE_CHECKING:
    from edgewise.symbolic.results.formula import Constant, Formula
    from edgewise.symbolic.results.search_result import FormulaResult

# The probability of an answer that is called exact: all of those that were drawn were right, and so few say no more.
EXACT_PROBABILITY = 0.97
# A logistic regression on `FIGURES`, fitted by benchmarks/probability.py to laws drawn at random; the intercept first.
WEIGHTS = (-6.5, 1.2, -0.9, 0.7, 0.6, -1.5)
# Above so many decades a constant is as good as certain, and below so many what is left is no more than rounding.
MOST_SURE = 4.0
_MOST_LEFT = 6.0

# A few hundred laws tell no probability closer than this.
_NEARLY = 0.97
FIGURES = ("sure", "longer", "shorter", "left", "unexplained")


def figures(result: FormulaResult, rows: int) -> tuple[float, ...]:
    """The figures that the regression is of.

    Parameters
    ----------
    result
        What a search found, its formulas judged.
    rows
        How many rows it was found in.

    Returns
    -------
    tuple of float
        Sure: decades of the least certain measured constant over its standard error. Longer: log(1 + nats) by which a longer
        formula of the front describes more. Shorter: log(1 + nats) for each node by which the best says more than any
        shorter one. Left: decades of the spread of y over the error. Unexplained: 1 where clearly more than noise is left.
    """
    best = result.best

    def nats(one: Formula) -> float:
        return criterion(one.error, one.complexity, rows, len(one.constants), node=NODE_NATS)

    def finite(one: Formula) -> bool:
        return math.isfinite(one.error)

    least = min(map(_certain, best.constants), default=math.inf)
    sure = MOST_SURE if math.isinf(least) else min(math.log10(max(least, 1.0)), MOST_SURE)
    longer = [
        0.0,
        *(
            nats(best) - nats(each)
            for each in result.front
            if each.complexity > best.complexity and finite(each)
        ),
    ]
    shorter = [
        rows
        * math.log(max(each.error, 1e-300) / max(best.error, 1e-300))
        / (best.complexity - each.complexity)
        for each in result.front
        if each.complexity < best.complexity and finite(each)
    ]
    left = 1 - best.r2 if math.isfinite(best.r2) else 1.0
    decades = min(max(-0.5 * math.log10(max(left, 1e-300)), 0.0), _MOST_LEFT)
    unexplained = best.trust is not None and best.trust.noise.unexplained
    return (
        sure,
        math.log1p(max(longer)),
        math.log1p(max(0.0, min(shorter, default=0.0))),
        decades,
        float(unexplained),
    )


def _certain(constant: Constant) -> float:
    """A constant in standard errors; 0 where the rows do not determine it."""
    error = constant.standard_error
    if error == 0:
        return math.inf
    return abs(constant.value) / error if 0 < error < math.inf and math.isfinite(constant.value) else 0.0


def law_probability(result: FormulaResult, rows: int) -> float | None:
    """The probability that the best formula is the law, up to errors of its constants; None where it was not judged.

    Parameters
    ----------
    result
        What a search found, its formulas judged.
    rows
        How many rows it was found in.

    Returns
    -------
    float or None
    """
    if not math.isfinite(result.best.error):
        return None
    if result.exact:
        return EXACT_PROBABILITY
    return logistic(figures(result, rows))


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
