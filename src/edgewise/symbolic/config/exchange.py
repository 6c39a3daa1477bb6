"""What sums of powers and products are chosen by that are chosen together."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class ExchangeConfig:
    """The thresholds of subset exchange, within `SearchConfig`.

    Attributes
    ----------
    columns, rows, terms, longest, starts : int
        Columns and rows at most, terms chosen from and taken, and random sets it starts from.
    work : float
        What is kept for it of the work that is left once plain candidates are done, at most a quarter. Without it, breaks
        and mending spent all on nuclear binding, whose sum of powers only this finds.
    weights : tuple of float
        Shares of the residual sum of squares that one more node must take off there.
    """

    columns: int = 6
    rows: int = 2000
    terms: int = 600
    longest: int = 5
    starts: int = 150
    work: float = 6.0
    weights: tuple[float, ...] = (0.0, 0.02, 0.05)

    def __post_init__(self) -> None:
        check_config(self)
