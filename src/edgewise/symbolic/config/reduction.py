"""What steps to fewer columns are taken by where there is noise."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class ReductionConfig:
    """The thresholds of cross-validated reduction.

    Attributes
    ----------
    beam, looked_closely, model_kinds : int
        States followed at each size, steps from each that are looked at closely, and kinds of models kept for that.
    quick_rows, quick_columns, close_rows, close_columns : int
        Rows and columns of the table of the quick model, and of the close one.
    step_chance, quick_chance, give_up : float
        The factors of the error up to which a step is accepted, is looked at closely, and beyond which it is wrong wherever
        it is taken.
    """

    beam: int = 4
    looked_closely: int = 10
    model_kinds: int = 3
    quick_rows: int = 500
    quick_columns: int = 72
    close_rows: int = 2000
    close_columns: int = 260
    step_chance: float = 1.01
    quick_chance: float = 1.04
    give_up: float = 1.3

    def __post_init__(self) -> None:
        check_config(self)
