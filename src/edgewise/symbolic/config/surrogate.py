"""What the smooth polynomial model of a table is built by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class SurrogateConfig:
    """The thresholds of `landscape`, beside the numbers of terms that `SearchConfig` grants it.

    Values without a reason are round ones set by hand; others have not been compared.

    Attributes
    ----------
    highest_degree : int
        Of a polynomial in few columns, where the number of terms would allow more: the coefficients of a smooth law have
        fallen to rounding long before.
    least_ratio : float
        A column whose least value is above this share of its largest may enter by its logarithm: over fewer than two decades
        (1/50) evenly spread rows determine it everywhere. Columns over more must be even over their decades instead.
    uneven_rounds, uneven_better : int and float
        Columns that bend more get higher degrees at most so often, and as long as that takes error times doubt down to this
        share: a smaller gain is not worth another least-squares problem of all terms.
    most_uneven : float
        A column gets degrees at most so many times lower than the one that bends most, even one without effect: what the
        last polynomial saw of it is an estimate, too.
    uneven_halvings : int
        Halvings of the interval that holds the bound on weighted degrees; twelve leave a four-thousandth of it, less than
        one degree.
    cuts, first_cut : int and float
        Lengths at which such a polynomial may end, and the first as a share of its terms: they stand for the total degrees
        at which one of even degrees may end.
    least_freedom : float
        Share of itself that a row is taken to leave to the others, at least: one that the fit passes through would
        count without bound.
    doubt_rows : int
        Rows on which the slopes of two degrees are compared: of their difference only the median counts.
    unknown_doubt : float
        The doubt where the slopes have no value: larger than doubts are.
    """

    highest_degree: int = 40
    least_ratio: float = 0.02
    uneven_rounds: int = 2
    uneven_better: float = 0.8
    most_uneven: float = 6.0
    uneven_halvings: int = 12
    cuts: int = 12
    first_cut: float = 0.08
    least_freedom: float = 1e-3
    doubt_rows: int = 200
    unknown_doubt: float = 1e3

    def __post_init__(self) -> None:
        shares = ("least_ratio", "uneven_better", "first_cut", "least_freedom")
        check_config(self, most=dict.fromkeys(shares, 1.0), least={"most_uneven": 1.0})
