"""The thresholds by which a law is found by measuring."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class AskConfig:
    """How many places are measured at a time, and when a formula is held to be the law.

    Parameters
    ----------
    first, first_each : int
        Places of the first design: so many at least, and so many a column.
    fewest : int
        Measurements that must have given a number.
    least, share : int
        Places of each later turn: so many at least, or one of so many measured so far.
    foretold, foretold_exact : int
        Turns in a row whose measurements the formula must have foretold, under noise and where it leaves nothing but
        rounding.
    noises, rounding : float
        A measurement is as foretold within so many standard deviations of the noise and this share of its value.
    repeats : int
        Places that are measured again, to know the noise, where the first does not give the same.
    level : float
        A formula that leaves more than noise by chance in fewer cases lacks something.
    least_work : float
        Share of the work that every search gets at least.
    """

    first: int = 12
    first_each: int = 4
    fewest: int = 8
    least: int = 4
    share: int = 4
    foretold: int = 2
    foretold_exact: int = 1
    noises: float = 4.0
    rounding: float = 1e-6
    repeats: int = 5
    level: float = 0.01
    least_work: float = 0.02

    def __post_init__(self) -> None:
        check_config(self)
