"""What two laws on either side of a place, and stairs, are found by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class TwoLawConfig:
    """The thresholds of tables of two laws, and of constants between jumps.

    Attributes
    ----------
    columns, rows, degree, places : int
        Columns and rows at most, powers of the column whose break is looked for, places tried at a time.
    better, sharp, beside : float
        A break must take the error down to this share; cutting this share of the rows beside it must raise it so many times.
    unsure : float
        Share of the column's range beside the break that neither side is fitted to.
    side_rows, side_share, side_work, side_formulas, side_closer : int, float, float, int and float
        Rows of a side at least, as a number and a share; work on a curve of it; its formulas that are combined, of two of
        which the longer must have an error so much smaller.
    stair_alike, stair_steps : float
        Slopes beside the common one and jumps beside the common height, as shares of the spread; share of the neighbours
        that jumps may part.
    """

    columns: int = 4
    rows: int = 600
    degree: int = 4
    places: int = 19
    better: float = 0.5
    sharp: float = 2.0
    beside: float = 0.05
    unsure: float = 0.03
    side_rows: int = 12
    side_share: float = 0.05
    side_work: float = 0.3
    side_formulas: int = 2
    side_closer: float = 0.8
    stair_alike: float = 1e-6
    stair_steps: float = 0.5

    def __post_init__(self) -> None:
        check_config(self, most=dict.fromkeys(("beside", "unsure", "side_share", "stair_steps"), 1.0))
