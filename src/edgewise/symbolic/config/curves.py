"""What the closed form of a curve is searched by."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgewise._core.config import check_config
from edgewise.symbolic.config.curve_stages import CurveStageConfig


@dataclass(frozen=True)
class CurveConfig:
    """The thresholds of `one_variable`.

    Attributes
    ----------
    work_units : float
        Units of work of "normal".
    searched, pruned : int
        Points that candidates are judged on, and those that their constants are fitted to; twice as many of these where
        there is noise.
    noisy : float
        A curve with a larger residual than this share of its spread has noise in it.
    node : float
        Nats that a node and a constant cost; among thousands of candidates chance alone gains a dozen.
    term_node : float
        The same while terms of a sum are chosen, where nothing is fitted whole yet.
    near_exact : float
        What leaves no more than so many times the exact residual may be the law.
    near_noise : float
        What leaves no more than so many times the noise may be the law; what is long and leaves more only imitates it.
    quite_exact, quite_short : float and int
        The search ends with a formula of at most this complexity that leaves this share of the accuracy asked for.
    beaten_by : float
        A candidate is not pursued where a formula no longer than it could become has at most this share of its residual.
    beaten, beaten_nodes : float and int
        A candidate is not fitted where one with so many nodes less has at most this share of its residual.
    interval : float
        Standard errors within which a constant is zero or one.
    power_error : float
        Standard errors of powers count as no larger: powers are whole or far from it.
    single_proposals : int
        Constants that are tried one by one, the surest first.
    simple_reach, simple_share : float
        A constant is simple that is so close to a simple number, as a share of it, and within one tenth of the residual but
        no more.
    largest_simple : int
        The numerator of a simple number at most.
    steps, last_steps, loose_steps : int
        Steps of a fit, of those that may be the law at the end, and of the others.
    search_slack, slack : float
        Nats by which a longer description than the shortest stays, in the search and at the end: the points hardly
        distinguish them.
    spare : int
        Formulas that are fitted at the end beyond those that are returned.
    loosened, loosened_size : int
        Formulas that get a constant more everywhere, and how long they may be.
    least_rate, largest_rate, largest_shift, reach : float
        Forms of `fit_curve` on a curve from -1 to 1: beyond these b and c a form only imitates another, a line or parabola
        where it bends too little, a step where it bends too much, its own asymptote (sinh becomes exp) where its centre
        lies further out than `reach`, or than `largest_shift` for powers and forms that are not defined everywhere.
    form_steps, form_heat : int
        Steps of their fit, and after how many only the best candidate of each form goes on.
    stages : CurveStageConfig
        What the families of candidates reach for, one after another.
    """

    work_units: float = 3.0
    searched: int = 200
    pruned: int = 300
    noisy: float = 1e-5
    node: float = 2.0
    term_node: float = 4.0
    near_exact: float = 30.0
    near_noise: float = 1.5
    quite_exact: float = 1e-4
    quite_short: int = 45
    beaten_by: float = 0.9
    beaten: float = 0.3
    beaten_nodes: int = 6
    interval: float = 4.0
    power_error: float = 0.05
    single_proposals: int = 5
    simple_reach: float = 0.003
    simple_share: float = 0.1
    largest_simple: int = 12
    steps: int = 40
    last_steps: int = 60
    loose_steps: int = 8
    search_slack: float = 25.0
    slack: float = 8.0
    spare: int = 4
    loosened: int = 8
    loosened_size: int = 25
    least_rate: float = 0.03
    largest_rate: float = 400.0
    largest_shift: float = 60.0
    reach: float = 4.0
    form_steps: int = 32
    form_heat: int = 8
    stages: CurveStageConfig = field(default_factory=CurveStageConfig)

    def __post_init__(self) -> None:
        check_config(self, most={"beaten_by": 1.0, "beaten": 1.0})


CURVES = CurveConfig()
