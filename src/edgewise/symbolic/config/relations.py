"""How far relations between the slopes of a smooth model may miss."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class RelationConfig:
    """How far a relation between slopes may miss, and what is read off one that holds.

    Attributes
    ----------
    doubts, whole_doubts : float
        A relation that holds row by row (median) may miss by so many times the doubt of the slopes; one over all rows at
        once by so many.
    exact, nearly_exact : float
        It may always miss by this: one of given functions, and one whose numbers are read off the slopes as well.
    loose, strict : float
        It may never miss by more: any relation, and one with weights of its own.
    idle_doubts, idle : float
        A column is without effect that does no more than so many doubts, or than this share of what the strongest does.
    common_rows, common_tail : float
        Rows that fit a relation best, the rest being where the model is worst: of scalings, and of powers in a ratio.
    one_sign : float
        Share of the rows on which a ratio must have one sign.
    faint : float
        Rows where a column does less than this share of the usual do not determine a ratio.
    near_simple : float
        A ratio this near a simple number, as a share of it, is tried as that number, too.
    simple_price : float
        How much nearer a fraction must be for one more in its denominator.
    quarters_apart, off_price : float
        Of exponents, thirds and quarters must be so many times as near as halves, which only a good model distinguishes;
        what being off costs beside what an exponent takes to be read.
    largest_ratio : float
        Exponents that are solved for are looked at up to this size.
    scalings, pair_moves : int
        The best scalings, and ways to merge two features, that are followed.
    as_near : float
        Relations that miss by so many times as much as the closest are as good.
    factor_off, largest_factor : float
        How near the exponent of a factor must be to a half of a whole number, and the largest.
    term_spread : float
        What one of given exponents misses, in medians of what it leaves.
    part_doubt : float
        A part of y in one column that is known no better is not read.
    astray, about_zero : float
        Noise about zero turns the sign of at most this share of the rows, and by at most this share of the largest.
    power_steps, power_rounds, power_settled : int, int and float
        Steps and rounds of weighing of the fit that takes powers of columns out of y; a step that gains a smaller share of
        the sum of squares ends it.
    power_reach : float
        How far beyond the largest y its exponential may reach, in nats.
    power_chance : float
        Chance of what squares and products must show before they count.
    power_near, power_sure : float
        How close an exponent is to a half of a whole number, and how sure it must be.
    """

    doubts: float = 10.0
    whole_doubts: float = 20.0
    exact: float = 1e-7
    nearly_exact: float = 1e-6
    loose: float = 0.1
    strict: float = 0.05
    idle_doubts: float = 3.0
    idle: float = 0.03
    common_rows: float = 0.85
    common_tail: float = 0.8
    one_sign: float = 0.9
    faint: float = 1e-3
    near_simple: float = 0.03
    simple_price: float = 0.03
    quarters_apart: float = 4.0
    off_price: float = 50.0
    largest_ratio: float = 50.0
    scalings: int = 3
    pair_moves: int = 2
    as_near: float = 3.0
    factor_off: float = 0.1
    largest_factor: float = 6.0
    term_spread: float = 1.5
    part_doubt: float = 0.1
    astray: float = 0.2
    about_zero: float = 0.1
    power_steps: int = 40
    power_rounds: int = 3
    power_settled: float = 1e-9
    power_reach: float = 3.0
    power_chance: float = 1e-6
    power_near: float = 0.12
    power_sure: float = 0.1

    def __post_init__(self) -> None:
        parts = (
            "loose",
            "strict",
            "idle",
            "common_rows",
            "common_tail",
            "one_sign",
            "faint",
            "astray",
            "power_chance",
        )
        check_config(self, most=dict.fromkeys(parts, 1.0))
