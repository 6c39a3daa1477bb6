"""What a search for formulas decides by, stage for stage: every threshold, limit and count, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.config import check_config, chosen


@dataclass(frozen=True)
class SearchConfig:
    """The thresholds of `find_formula` and `FormulaRegressor` that choose and gate its stages.

    What a formula must fulfil to be called exact is no choice, and not among them.

    Attributes
    ----------
    work_units : float
        Units of work of "normal": about a minute of one core.
    searched_rows, searched_held : int
        Rows that are searched: those to fit and those to judge on. Of a larger table the others have their say at the end.
    last_share : float
        Share of a time limit that is kept for that.
    wide_columns : int
        From so many columns on those that matter are searched first.
    screened_rows : int
        Rows that show which columns matter.
    screening_share : float
        Share of the work that may go into finding these columns: a search of little work needs the rest.
    narrow_share : float
        Share of the work for the search among these.
    cancelling_rows : int
        Rows on which a formula is seen to cancel.
    units_as_good : float
        Formulas whose units fit by themselves are shown alone where their error is at most this times the smallest.
    largest : int
        Complexity beyond which no formula is offered: nobody reads longer ones.
    few_constants : int
        A formula with more measured constants that explains all but the noise may be an approximation to a shorter one.
    noise_reached : float
        A formula with so many times the error of the noise leaves nothing else: the noise is the least of many estimates, so
        rather low.
    close, longer, rivals : float, int and int
        A rival has at most so many times the error of the best formula, is at most so much longer; so many are looked at.
    near, most_near : float and int
        Held-out errors so close may be the other way round; so many are rounded and looked at again.
    fewest_rows : int
        A shorter table shows no structure.
    walk_share : float
        Share of the work that is left for each structural walk.
    walk_states, walk_formulas, walk_work : int, int and float
        Where nothing but noise is left: states and formulas to look through for a simpler way to say it, and work on them.
    noisy_share, poor_share : float
        Share of the work for steps that bear noise: where there is noise, and where a smooth model is too poor for relations
        between its slopes.
    noisy_terms : float
        A smooth model with fewer than this share of the terms it may have stops at noise.
    few_features : int
        With so few features left a smooth model leaves nothing but noise.
    thorough_states : int
        So many states are looked at for long.
    noise_nearly : float
        Held-out rows are others than those that told the noise: errors differ so much by chance.
    shortlisted : int
        Formulas of a walk that are rounded and judged: the shortest of the most accurate.
    shortlist_close : float
        What is about as accurate, in errors of the most accurate.
    network_intervals : tuple of int
        Intervals of the networks, turn for turn: forms show on coarse grids already; later turns start anew, and finer.
    network_explains : float
        A network that leaves no more than this share of y's spread explains all, and is read at once.
    reading_share, training_share : float
        Shares of all work for one step of reading a network, and for training one.
    training_left : float
        Share of the work that is left which training one may take where that is more.
    nothing_left : float
        Share of all work that is not worth starting anything with.
    networks_matched : float
        Formulas with at most so many times the error of the best network leave nothing to read.
    network_behind : float
        A network with so many times the error of the best formula is not read.
    robust_shares : tuple of float
        Share of the work left that each search without gross errors may take: a short one shows most errors that the smooth
        function has missed.
    """

    work_units: float = 60.0
    searched_rows: int = 3200
    searched_held: int = 800
    last_share: float = 0.2
    wide_columns: int = 6
    screened_rows: int = 1000
    screening_share: float = 0.1
    narrow_share: float = 0.4
    cancelling_rows: int = 500
    units_as_good: float = 1.05
    largest: int = 60
    few_constants: int = 1
    noise_reached: float = 1.01
    close: float = 1.25
    longer: int = 8
    rivals: int = 24
    near: float = 1.04
    most_near: int = 8
    fewest_rows: int = 12
    walk_share: float = 0.5
    walk_states: int = 3
    walk_formulas: int = 20
    walk_work: float = 8.0
    noisy_share: float = 0.6
    poor_share: float = 0.3
    noisy_terms: float = 0.7
    few_features: int = 2
    thorough_states: int = 2
    noise_nearly: float = 1.1
    shortlisted: int = 6
    shortlist_close: float = 1.05
    network_intervals: tuple[int, ...] = (6, 10, 16)
    network_explains: float = 2e-2
    reading_share: float = 0.12
    training_share: float = 0.15
    training_left: float = 0.4
    nothing_left: float = 0.003
    networks_matched: float = 1.02
    network_behind: float = 1.05
    robust_shares: tuple[float, ...] = (0.15, 0.6, 1.0)

    def __post_init__(self) -> None:
        parts = (
            "last_share",
            "screening_share",
            "narrow_share",
            "walk_share",
            "noisy_share",
            "poor_share",
            "reading_share",
            "training_share",
            "training_left",
            "nothing_left",
            "robust_shares",
        )
        check_config(self, most=dict.fromkeys(parts, 1.0), least={"network_intervals": 1})


DEFAULT = SearchConfig()


def config_of(config: Any, of: str) -> SearchConfig:
    """The thresholds asked for; the defaults where there are none."""
    return chosen(config, DEFAULT, of)
