"""What quotients of sums, and functions of such, are chosen by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class QuotientConfig:
    """The thresholds of quotients of sums under noise, within `SearchConfig`.

    Attributes
    ----------
    rows, dictionaries, most, rounds : int
        Rows, sets of terms, quotients that are offered, and rounds, in each of which denominators weigh the rows anew.
    outer_dictionaries, triples, refitted : int
        Sets of terms that functions of y are tried with, too; a set of at most so many terms is searched for its best three;
        quotients whose constants are fitted before the best are offered.
    columns, steps : int
        Columns at most, and steps of that fit.
    flat, pole : float
        A denominator counts as no smaller than this share of its median while rows are weighed by it; one that falls below
        the second share has a pole among the rows.
    """

    rows: int = 800
    dictionaries: int = 120
    most: int = 8
    rounds: int = 2
    outer_dictionaries: int = 90
    triples: int = 80
    refitted: int = 20
    columns: int = 4
    steps: int = 12
    flat: float = 1e-3
    pole: float = 1e-6

    def __post_init__(self) -> None:
        check_config(self)
