"""What a search for the equations of measured courses decides by: every threshold once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.config import check_config, chosen
from edgewise._core.errors import InputError


@dataclass(frozen=True)
class DynamicsConfig:
    """The thresholds of `find_dynamics`.

    Values without a reason are round ones set by hand; others have not been compared.

    Attributes
    ----------
    work_units : float
        Work of "normal" at most: about a minute of one core.
    density : float
        Weighting functions per half width: one coordinate can have more than fields in space.
    piece, most_pieces, most_parts : int
        Intervals of a piece that solutions are started on; pieces of all courses at most; steps of an interval at most.
    noise_share, spread_share : float
        Solutions are as exact as this share of what a fit leaves, or of the spread of the states.
    near_zero : float
        A state that goes below zero by no more than this share of its size may be positive, and smoothed to less.
    high_powers : int
        Fourth and fifth powers of a state are looked at where products go up to this degree.
    weak_starts : int
        Of the weak form's choices from a library, so many are tried until one can be solved.
    inner_starts : int
        Choices with an inner constant for each state that are started from.
    single_starts : int
        And those that terms are exchanged from where there is one state.
    hopeless : float
        A start is left out where another fit that leaves noise alone is likelier by half so many nats a value.
    real_noise : float
        Noise of less than this share of a state's spread may be what an imitation leaves.
    largest_inner : float
        Constants of saturations are at most so many times the largest power beside them: else they are polynomials.
    least_scaled, largest_scaled : float
        Arguments of scaled functions go at least and at most so far: else they are polynomials, or steps.
    least_wave : float
        The same of sines and cosines, in radians: of less than a quarter of one a power series tells as much.
    largest_power, broken : float
        Powers that are fitted are at most so high, and so far from whole ones, which products have.
    fits : int
        A choice of terms is fitted at most so often, from other constants.
    trials, tables : int
        Models fitted after each table of what exchanging terms would gain, and tables at most.
    promise : float
        What a table promises is worth a fit where it lacks no more than this of the criterion.
    node : float
        Twice the nats of a variable. Other powers and functions cost more of these the rarer they are in textbooks, rounded
        (`benchmarks/dynamics_terms.py` counts them).
    idle : float
        Where only rounding is left, terms of less than this share of their equation's largest are tried to be left out.
    gaps, gap_steps : tuple of float and tuple of int
        Gaps between pieces that are allowed in units of the noise, first wide, then next to none; steps of fitting at each.
    damping : float
        Damping at first, for gaps as wide as the noise.
    table_gap, error_gap : float
        Gaps allowed when tables, and errors of constants, are computed.
    plain, sure : tuple of int and float
        Whole numbers that a factor may be rounded to, and how well it must be known, as a share.
    alike : float
        Two constants, or a constant and a number, may be one where they differ by so many standard errors.
    rivals : int
        Systems whose constants are made plain, and of which the shortest is taken.
    plain_price : float
        Twice the nats of a factor that is one of the three plain numbers, or another's or its negative.
    explained : float
        Where more is left than so many times the noise of the splines, something is missing.
    rough_input : float
        Inputs that lie more than this share of their spread off a smooth curve are told of.
    null : float
        A combination whose rate is below this share of its terms' rates may be kept.
    probability : tuple of float
        Weights of the probability that equations are the true ones: of nothing, of the decades by which the least certain
        constant stands above its error, of the least stability, and of tens of nats before the best rival. Fitted by
        `benchmarks/courses_probability.py` to what an earlier search found, and tested on what this one finds.
    places, quantities : int
        Places that rates are compared at, and terms at most that a conserved quantity may be a sum of.
    """

    work_units: float = 60.0
    density: float = 6.0
    piece: int = 10
    most_pieces: int = 60
    most_parts: int = 8
    noise_share: float = 1e-2
    spread_share: float = 1e-8
    near_zero: float = 0.02
    high_powers: int = 3
    weak_starts: int = 3
    inner_starts: int = 6
    single_starts: int = 4
    hopeless: float = 1.0
    real_noise: float = 1e-3
    largest_inner: float = 1.0
    least_scaled: float = 0.2
    largest_scaled: float = 20.0
    least_wave: float = 2.0
    largest_power: float = 3.0
    broken: float = 0.08
    fits: int = 3
    trials: int = 6
    tables: int = 20
    promise: float = 12.0
    node: float = 3.0
    idle: float = 1e-2
    gaps: tuple[float, ...] = (3.0, 0.3, 0.03, 1e-3)
    gap_steps: tuple[int, ...] = (8, 8, 8, 12)
    damping: float = 1e-4
    table_gap: float = 1e-2
    error_gap: float = 1e-3
    plain: tuple[int, ...] = (1, 2, 3)
    sure: float = 0.1
    alike: float = 3.0
    rivals: int = 8
    plain_price: float = 2.2
    explained: float = 1.5
    rough_input: float = 0.01
    null: float = 1e-6
    probability: tuple[float, ...] = (-4.3, 1.3, 1.7, 3.2)
    places: int = 400
    quantities: int = 120

    def __post_init__(self) -> None:
        check_config(
            self,
            most={"noise_share": 1.0, "spread_share": 1.0, "near_zero": 1.0, "sure": 1.0},
            least={"gap_steps": 1, "plain": 1, "probability": -1e6},
        )
        if len(self.gaps) != len(self.gap_steps):
            raise InputError(
                argument="gap_steps",
                expected="be as many numbers as 'gaps'",
                got=f"{len(self.gap_steps)} and {len(self.gaps)}",
            )


DEFAULT = DynamicsConfig()


def config_of(config: Any) -> DynamicsConfig:
    """The thresholds asked for; the defaults where there are none."""
    return chosen(config, DEFAULT)
