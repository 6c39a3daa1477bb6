"""The probability that equations are the true ones: a logistic regression on how well constants and terms are known, and
how far rivals are.

References
----------
Cox (1958), The regression analysis of binary sequences. Journal of the Royal Statistical Society B 20(2).
doi:10.1111/j.2517-6161.1958.tb00292.x
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from edgewise.symbolic import Constant, Formula

# Weights of the probability that equations are the true ones: intercept, the decades by which the least certain
# constant stands above its error, the least stability, and tens of nats before the best rival. Fitted by
# `benchmarks/courses_probability.py` to what an earlier search found, and tested on what this one finds.
WEIGHTS = (-4.3, 1.3, 1.7, 3.2)

FIGURES = ("sure", "stability", "lead")
# Decades above which a constant, and nats above which a choice of terms is as good as certain.
_MOST_SURE, _MOST_LEAD = 3.0, 30.0


def figures(
    equations: Sequence[Formula], stability: Mapping[str, float], lead: float
) -> tuple[float, float, float]:
    """What the regression is of: decades of the least certain constant over its error, the least stability, and tens of nats
    before the best rival."""
    least = min((_certain(constant) for one in equations for constant in one.constants), default=math.inf)
    sure = _MOST_SURE if math.isinf(least) else min(math.log10(max(least, 1.0)), _MOST_SURE)
    return sure, min(stability.values(), default=0.0), min(max(lead, 0.0), _MOST_LEAD) / 10


def probability(equations: Sequence[Formula], stability: Mapping[str, float], lead: float) -> float:
    """The probability that all equations have the terms of the true ones and no others."""
    intercept, *weights = WEIGHTS
    told = figures(equations, stability, lead)
    score = intercept + sum(weight * entry for weight, entry in zip(weights, told, strict=True))
    return 1 / (1 + math.exp(-score))


def _certain(constant: Constant) -> float:
    """A constant in standard errors; 0 where the rows do not determine it."""
    error = constant.standard_error
    if error == 0:
        return math.inf
    return abs(constant.value) / error if 0 < error < math.inf else 0.0
