"""What formulas that were found are made better by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class MendingConfig:
    """The thresholds of what is made of formulas that are near: series, parts read anew, terms more and fewer.

    Attributes
    ----------
    series_terms : int
        Sums of more terms are no beginning of a series.
    backfitting_share, backfitting_near, backfitted : float, float and int
        Backfitting: its share of the work that is left, what is about as close as the best formula, and formulas whose parts
        are read anew.
    part_nodes, part_rows, part_share : int, int and float
        A part that is read anew has at least so many nodes, and values and slopes on so many rows and on this share of them.
    part_glance, part_same : int and float
        Rows that show whether it depends on one feature of its columns, and how far its slopes may be from multiples of each
        other, as a share of them: rounding.
    part_denominator, part_ratio : int and float
        Exponents in that feature have denominators up to the one, and ratios of slopes are no further from them.
    missing_columns, missing_rows, missing_terms, missing_from : int
        A term that formulas lack: columns of the table at most, rows that are looked at, products tried, and formulas that
        get one.
    missing_constants : int
        Those have at most so many measured constants: longer ones imitate what they lack.
    eliminated_factors, eliminations : int
        Backward elimination: factors of a product, and candidates of a formula, those that leave most out first.
    """

    series_terms: int = 7
    backfitting_share: float = 0.3
    backfitting_near: float = 1.05
    backfitted: int = 3
    part_nodes: int = 4
    part_rows: int = 60
    part_share: float = 0.9
    part_glance: int = 200
    part_same: float = 1e-6
    part_denominator: int = 4
    part_ratio: float = 1e-4
    missing_columns: int = 7
    missing_rows: int = 1200
    missing_terms: int = 3000
    missing_from: int = 4
    missing_constants: int = 2
    eliminated_factors: int = 6
    eliminations: int = 60

    def __post_init__(self) -> None:
        check_config(self, most={"backfitting_share": 1.0, "part_share": 1.0})
