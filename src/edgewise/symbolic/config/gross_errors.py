"""Thresholds by which rows with gross errors are found and set aside."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class GrossErrorConfig:
    """The thresholds of a search without gross errors.

    Attributes
    ----------
    shares : tuple of float
        Share of the work left that each search without gross errors may take: a short one shows most errors that the smooth
        function has missed.
    explains : float
        A formula that leaves more than this share of what y does does not show which single rows are errors.
    concentration_steps, most_aside : int and float
        Steps of fitting and setting aside; beyond this share rows are no exceptions.
    clean_tables : float
        In a table without errors a row is set aside once in so many tables.
    judging_share : float
        Share of the rows that judges between two searches.
    far_off : float
        A row departs from a formula where it is so many robust deviations off.
    """

    shares: tuple[float, ...] = (0.15, 0.6, 1.0)
    explains: float = 0.3
    concentration_steps: int = 12
    most_aside: float = 0.4
    clean_tables: float = 20.0
    judging_share: float = 0.6
    far_off: float = 5.0

    def __post_init__(self) -> None:
        check_config(self, most=dict.fromkeys(("shares", "most_aside", "judging_share"), 1.0))
