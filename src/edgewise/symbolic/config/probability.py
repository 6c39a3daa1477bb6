"""What the probability that a formula is the law is worked out by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class ProbabilityConfig:
    """A logistic regression on figures of a result, fitted by `benchmarks/probability.py` to laws drawn at random.

    Attributes
    ----------
    exact : float
        The probability of an answer that is called exact. All of those here were right; so few say no more.
    weights : tuple of float
        Beside an intercept, which comes first, those of the figures of `edgewise.symbolic.results.probability`, in their
        order.
    most_sure, most_left : float
        Above how many decades a constant is as good as certain, and below how many what is left is no more than rounding.
    """

    exact: float = 0.97
    weights: tuple[float, ...] = (-6.5, 1.2, -0.9, 0.7, 0.6, -1.5)
    most_sure: float = 4.0
    most_left: float = 6.0

    def __post_init__(self) -> None:
        check_config(self, most={"exact": 1.0}, least={"weights": -1e6})
