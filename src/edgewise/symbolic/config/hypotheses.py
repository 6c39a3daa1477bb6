"""What claims about the law behind a table are judged by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class HypothesisConfig:
    """The thresholds of `check_structure`.

    Attributes
    ----------
    work_units : float
        Units of work of "normal".
    level : float
        A true claim is called false once in so many times: a thousandth, for claims are often tested by the dozen.
    held_out : float
        Share of the rows that neither function has seen.
    fewest_rows, fewest_tested : int
        Rows of a table at least, and held-out rows that have others to compare with.
    likely : float
        How many times the network's error a true claim may seem to be violated by, where that error has heavy tails.
    rounding : float
        Differences below this share of y's size are the arithmetic's.
    accurate, agreed : float
        No more networks are trained where one has so small an error beside y, or where two differ by less than this share of
        what neither explains.
    intervals : tuple of int
        Grids of the networks, each finer than the one before.
    rows_an_interval : int
        A finer grid than the rows only follows them: so many rows for each interval.
    mates, line : int
        Points that each row is compared with, and those on the line that it is made monotone along.
    lonely : float
        The network is asked no farther from a row than this many times the distance of the loneliest row from its
        neighbour.
    grid, met : int and float
        Places that are looked through for a point of the same level, and how closely it must meet that: at a pole the sign
        changes too, and the level is not met.
    """

    work_units: float = 20.0
    level: float = 1e-3
    held_out: float = 0.25
    fewest_rows: int = 60
    fewest_tested: int = 12
    likely: float = 3.0
    rounding: float = 1e-8
    accurate: float = 1e-3
    agreed: float = 0.5
    intervals: tuple[int, ...] = (5, 10, 20, 40, 80)
    rows_an_interval: int = 20
    mates: int = 48
    line: int = 41
    lonely: float = 1.5
    grid: int = 65
    met: float = 1e-6

    def __post_init__(self) -> None:
        check_config(self, most={"level": 0.5, "held_out": 0.9}, least={"intervals": 1, "line": 2, "grid": 2})
