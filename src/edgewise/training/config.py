"""What a caller may set of a fit to a table beyond its arguments; every other threshold stands where it decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.config import brief, check_config, chosen


@dataclass(frozen=True)
class TableConfig:
    """Sizes and limits of `fit_table`, `KANRegressor` and `KANClassifier`; the defaults suit tables of all sizes.

    Attributes
    ----------
    members, hidden : int
        Networks of a bag, and hidden nodes of each.
    epochs : int
        Passes over the rows that a bag is given where the work allows.
    folds : int
        Parts of the rows that judge what has not learned from them.
    intervals : int
        Intervals of the grid of an input.
    finer_rows : tuple of int
        Rows from which grids have two, three, ... times the intervals: smoothness is chosen by the evidence, so fineness
        costs time only, and resolves sharp steps where rows are many.
    design_numbers : int
        Numbers that the design of all rows may hold, and the products of all pairs; of larger tables a random part is used.
    joint_rows : int
        Up to so many rows functions of pairs are solved for at once where the target is a number; their time grows with the
        cube of the rows.
    curve_errors : float
        Standard errors by which a sum must bend upwards for the root of the target to be tried, and by which the root must
        lower the out-of-bag loss.
    reservoir_rows : int
        Rows that `partial_fit` remembers.
    importance_rows : int
        Rows on which it is estimated how much each column moves the outputs.
    identifier_rows : int
        Rows from which estimators leave out a column of whole numbers that all differ and that its name calls an identifier.
    """

    members: int = 8
    hidden: int = 32
    epochs: int = 150
    folds: int = 4
    intervals: int = 24
    finer_rows: tuple[int, ...] = (2000, 4000, 8000)
    design_numbers: int = 100_000_000
    joint_rows: int = 1500
    curve_errors: float = 2.0
    reservoir_rows: int = 20_000
    importance_rows: int = 2_000
    identifier_rows: int = 20

    def __post_init__(self) -> None:
        check_config(self)

    def __repr__(self) -> str:
        return brief(self)


DEFAULT = TableConfig()


def config_of(config: Any) -> TableConfig:
    """The thresholds asked for; the defaults where there are none."""
    return chosen(config, DEFAULT)
