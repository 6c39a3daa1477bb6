"""What constants are made exact by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class RoundingConfig:
    """The thresholds that decide whether a measured constant is an exact number.

    Attributes
    ----------
    refits : int
        Exact numbers that are tried in one formula.
    worse, worse_errors : float
        The held-out error may grow by this factor, and by so many standard errors of itself: rows are few.
    interval, blur : float
        Half the interval that the data leave a constant: so many standard errors, and this share of the constant for what
        the fit itself rounds.
    chance, power_chance : float
        Share of the distance to the next such number that the interval may fill, for any constant and for powers: these are
        simple numbers far more often.
    level_price : float
        What each kind of numbers tried before takes off that share, as a part: the more kinds are tried, the closer a hit
        must be to mean anything.
    largest_whole : float
        Whole numbers beyond are not exact in a law: they only count digits.
    claim_width, claim_chance : float
        Outside an angle a multiple of an irrational number is a strong claim about where a constant comes from (a measured
        15.7 is not 5*pi): the interval as a share of the constant, and of the distance to the next such multiple.
    whole_share, largest_small : float and int
        Share of the constants of laws that are small whole numbers, and the largest of these.
    half_share, largest_half : float and int
        The same for halves of whole numbers.
    multiple_share, multiple_decades, multiple_odds : float
        Share of the constants of laws that are multiples of one irrational number over one denominator; decades that other
        constants spread over; odds that make a claim.
    recognised_width, recognised_whole : float and int
        The interval as a share of the constant below which its digits alone show that it is a small ratio of a further
        irrational number, such as 1/(2*sqrt(pi)) or log(10); the largest number above the line there.
    digits_lost : float
        Digits that data do not determine are dropped: each constant alone moves the fit by less than one part in so many of
        what the noise does.
    """

    refits: int = 60
    worse: float = 1.01
    worse_errors: float = 2.0
    interval: float = 4.0
    blur: float = 1e-11
    chance: float = 0.2
    power_chance: float = 0.8
    level_price: float = 0.5
    largest_whole: float = 1e9
    claim_width: float = 1e-3
    claim_chance: float = 0.02
    whole_share: float = 0.4
    largest_small: int = 12
    half_share: float = 0.15
    largest_half: int = 5
    multiple_share: float = 0.004
    multiple_decades: float = 4.0
    multiple_odds: float = 3.0
    recognised_width: float = 1e-9
    recognised_whole: int = 24
    digits_lost: float = 50.0

    def __post_init__(self) -> None:
        parts = ("chance", "power_chance", "whole_share", "half_share", "multiple_share")
        check_config(self, most=dict.fromkeys(parts, 1.0))
