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
    predicted, predicted_exact : int
        Turns in a row whose measurements the formula must have predicted, under noise and where it leaves nothing but
        rounding.
    noises, rounding : float
        A measurement is as predicted within so many standard deviations of the noise and this share of its value.
    slips : float
        Where slips are set aside, up to this share of a turn's measurements is measured once more where it is not as
        predicted: of more, the formula is at fault.
    repeats : int
        Places that are measured again, to know the noise, where the first does not give the same.
    level : float
        A formula that leaves more than noise by chance in fewer cases lacks something.
    least_work : float
        Share of the work that every search gets at least.
    slope_step : float
        Distance over which slopes are measured, as a share of a column's range; small, since there is no noise then.
    slope_places : int
        Places at which slopes are measured at most, besides two.
    slope_share : float
        Share of the measurements after which no more slopes are measured.
    rank_tolerance : float
        Singular values below this share of the largest are zero.
    alternatives : int
        Ways of writing a law in fewer products of powers that are searched.
    ratio_tolerance, ratio_denominator, ratio_most : float and int
        The ratio of the slopes in two columns is a simple fraction within this share of it: of such a denominator at most,
        and of such a size.
    equal : float
        Values are equal within this share of the largest of those compared: the rounding of what was done to them.
    bends : float
        Share of the largest value by which three must differ where it is asked how they bend.
    levels : tuple of int
        Values of one column that are measured with all others held: first so many, then, where no law was found, more.
    part_work : float
        Share of the work that the search along one column gets.
    part_rounding : float
        Share of the largest value within which a law of one column must hold.
    part_constants, part_fewest : int
        Measured constants that it may have, and rows that it needs.
    view_work : float
        Share of the work that a search gets at least once a law is taken apart further.
    """

    first: int = 12
    first_each: int = 3
    fewest: int = 8
    least: int = 4
    share: int = 4
    predicted: int = 2
    predicted_exact: int = 1
    noises: float = 4.0
    rounding: float = 1e-6
    slips: float = 0.25
    repeats: int = 5
    level: float = 0.01
    least_work: float = 0.02
    slope_step: float = 2e-8
    slope_places: int = 3
    slope_share: float = 0.6
    rank_tolerance: float = 1e-5
    alternatives: int = 4
    ratio_tolerance: float = 1e-4
    ratio_denominator: int = 4
    ratio_most: float = 6.0
    equal: float = 1e-10
    bends: float = 1e-4
    levels: tuple[int, ...] = (7, 12)
    part_work: float = 0.02
    part_rounding: float = 1e-9
    part_constants: int = 3
    part_fewest: int = 7
    view_work: float = 0.08

    def __post_init__(self) -> None:
        check_config(self)
