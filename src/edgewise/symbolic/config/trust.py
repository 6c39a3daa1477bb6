"""What the trust in a formula is judged by."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgewise._core.config import check_config
from edgewise.symbolic.config.probability import ProbabilityConfig


@dataclass(frozen=True)
class TrustConfig:
    """The thresholds of `trust`. Numbers of places are what takes a few milliseconds; single values have not been compared.

    Attributes
    ----------
    coverage : float
        Share of such tables in which the interval of a constant holds the true one.
    places : int
        Places in the box of the table at which a formula and a network are compared.
    clearly : float
        Standard deviations of an estimate from n rows, about 1/sqrt(n) each, by which an error must exceed the noise to be
        more than it.
    around : float
        How many times as wide as the box of the data the wider one is, in which conditions on the columns are looked at.
    domain_places, halvings : int
        Places where such a condition is looked at, and halvings of the way to where it fails: 60 leave rounding.
    zero, near, near_places : float, float and int
        A minimum this small beside the values around it, at this share of the box and so many places, is zero.
    probability : ProbabilityConfig
        What the probability that a formula is the law is worked out by.
    """

    coverage: float = 0.95
    places: int = 2048
    clearly: float = 4.0
    around: float = 1.5
    domain_places: int = 512
    halvings: int = 60
    zero: float = 1e-6
    near: float = 1e-3
    near_places: int = 64
    probability: ProbabilityConfig = field(default_factory=ProbabilityConfig)

    def __post_init__(self) -> None:
        check_config(self, most={"coverage": 1.0, "near": 1.0})


TRUST = TrustConfig()
