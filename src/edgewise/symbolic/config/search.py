"""What a search for formulas decides by, stage for stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgewise._core.config import check_config, chosen
from edgewise.symbolic.config.breaks import BreakConfig
from edgewise.symbolic.config.constraint_checks import ConstraintConfig
from edgewise.symbolic.config.curves import CurveConfig
from edgewise.symbolic.config.exchange import ExchangeConfig
from edgewise.symbolic.config.gross_errors import GrossErrorConfig
from edgewise.symbolic.config.meeting import MeetingConfig
from edgewise.symbolic.config.mending import MendingConfig
from edgewise.symbolic.config.networks import NetworkConfig
from edgewise.symbolic.config.noisy_sums import NoisySumConfig
from edgewise.symbolic.config.nonlinear_sums import NonlinearSumConfig
from edgewise.symbolic.config.parts import PartConfig
from edgewise.symbolic.config.quotients import QuotientConfig
from edgewise.symbolic.config.reduction import ReductionConfig
from edgewise.symbolic.config.relations import RelationConfig
from edgewise.symbolic.config.sums import SumConfig
from edgewise.symbolic.config.surrogate import SurrogateConfig
from edgewise.symbolic.config.two_laws import TwoLawConfig
from edgewise.symbolic.config.varying import VaryingConfig


@dataclass(frozen=True)
class SearchConfig:
    """The thresholds of `find_formula` and `FormulaRegressor` that choose and gate its stages.

    What a formula must fulfil to be called exact is no choice, and not among them.

    Attributes
    ----------
    work_units : float
        Units of work of "normal": about a minute of one core.
    searched_rows, searched_held : int
        Rows that are searched: those to fit and those to judge on. Of a larger table the others are used at the end.
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
        Complexity beyond which no formula is offered: longer ones explain nothing to a reader.
    few_constants : int
        A formula with more measured constants that explains all but the noise may be an approximation to a shorter one.
    noise_reached : float
        A formula with so many times the error of the noise leaves nothing else: the least of many estimates is rather low.
    noise_errors : float
        Noise of a given standard deviation leaves an error at most so many standard errors above it.
    close, longer, rivals : float, int and int
        A rival has at most so many times the error of the best formula, is at most so much longer; so many are looked at.
    near, most_near : float and int
        Held-out errors so close may be the other way round; so many are rounded and looked at again.
    fewest_rows : int
        A shorter table shows no structure.
    walk_share, first_share : float
        Share of the work that is left for each structural walk, and for a short one before sums of terms are looked at.
    walk_states, walk_formulas, walk_work : int, int and float
        Where nothing but noise is left: states and formulas to look through for a simpler equivalent, and work on them.
    noisy_share, poor_share : float
        Share of the work for steps that bear noise: where there is noise, and where a smooth model shows no relations.
    noisy_terms : float
        A smooth model with fewer than this share of the terms it may have stops at noise.
    few_features : int
        With so few features left a smooth model leaves nothing but noise.
    thorough_states : int
        So many states are looked at for long.
    noise_nearly : float
        Held-out rows are others than those the noise was estimated on: errors differ so much by chance.
    shortlisted : int
        Formulas of a walk that are rounded and judged: the shortest of the most accurate.
    shortlist_close : float
        What is about as accurate, in errors of the most accurate.
    nothing_left : float
        Share of all work below which nothing more is started.
    searched_columns : int
        A search over more columns would not come beyond the first candidates of any shape.
    screened_terms, screened_longest : int
        Terms of the sparse cubic that shows which columns matter: those looked at, and those taken at most.
    little_gain : float
        Where a cubic is too poor for the law, idle columns mend less of what it leaves than this share of the best column's.
    noisy : float
        A smooth model with a larger error has noise in it, or too few terms: its slopes show no exact relations.
    poor : float
        One with a larger error shows no structure.
    nearly : float
        Relations that hold so closely hold, where measured numbers went into features and target.
    surrogate_terms, rows_a_term : int and float
        Terms of the smooth model at most, and rows for each, so that leaving rows out means something.
    surrogate_first, quick_terms : int
        Terms of its first try, and of a quick one.
    surrogate_fine : float
        An error below which the total degree bounds well enough; above it columns that bend more get higher degrees.
    even_decades : float
        How far from the middle of the decades the median of a column may lie that enters by its logarithm, as a share.
    view_rows, view_edge : int and float
        Rows on which slopes are read, and the share near either end of a column that is not: a polynomial is worst there.
    branches : int
        States that are followed from each.
    no_worse, no_error, plainer, reflected : float
        A step may raise the error by this factor; smaller errors are none; to this share one kind of step makes others
        superfluous; to this share absolute values in place of columns must take it.
    error_weight : float
        Features that a tenfold error weighs.
    singular_gap : float
        Singular values apart by less belong together.
    exponent_off : float
        An exponent read off a model is within this of the law's; laws have none as large.
    pair_seen : float
        Share of the rows on which both columns of a pair must show.
    curve_rows, curve_work : int and float
        Rows that a curve of one column needs, and the work on it.
    noisy_curves, noisy_curve_rows, curve_accuracy, long_curve_work : int, int, float and float
        Curves under noise: those that are offered, the rows they are fitted to, how closely these are taken to be known, and
        the work on those of more than one function.
    dictionary_terms : int
        Terms of the largest set that sums are chosen from.
    exact_terms, exact_terms_a_feature : int
        A sum with more terms only approximates: so many, and so many for each feature.
    selected_rows, dictionaries, selected_terms, selections : int
        Forward selection: rows, sets of terms, terms of a sum, and sums that are offered.
    term_node : float
        What a node of a term costs there: as description length has it, twice the logarithm of some ten symbols.
    outer_price : float
        What a function around a sum or a quotient costs, in nats.
    direct_products, direct_exhaustive, direct_longest, direct_longest_inside : int
        Direct candidates: products of powers, those of which pairs and triples are all tried, terms of a sum, and of one
        inside a function that is not defined everywhere.
    direct_offset : float
        An offset whose square is below so many of its variances (95 %) may as well be none.
    growth_steps : int
        Steps that a column of whole numbers must have to count generations.
    led_features, noisy_doubt : int and float
        Features up to which slopes are asked, and how far these may be off.
    heaviest_row : float
        Weights beyond so many times the typical one would let a few rows decide.
    mostly : float
        Share of the rows on which a formula under noise must have values to be mended.
    relation_rows, relation_columns, selected_columns : int
        Rows that relations need, and columns they may have; columns of forward selection.
    pivot_sets, pivots_alike : int and float
        Scalings: sets of columns to solve for that are tried, and how alike these may be, as a condition number.
    guessed_rows, plain_curve_rows : int
        Rows that judge blind steps, and those that plain curves are fitted to.
    parts : PartConfig
        What a part of y in one column is read by.
    meeting : MeetingConfig
        How far laws of two short parts are sought.
    mending : MendingConfig
        What formulas that were found are made better by.
    networks : NetworkConfig
        What networks on the way to formulas are trained, thinned and read by.
    exchange : ExchangeConfig
        What sums are chosen by whose terms are chosen together.
    nonlinear_sums : NonlinearSumConfig
        How sums are sought whose terms each hold a constant inside.
    noisy_sums : NoisySumConfig
        The same under noise.
    quotients : QuotientConfig
        What quotients of sums are chosen by.
    gross_errors : GrossErrorConfig
        What rows with gross errors are set aside by.
    constraint_checks : ConstraintConfig
        Where formulas are held to constraints.
    reduction : ReductionConfig
        What steps to fewer columns are taken by where there is noise.
    two_laws : TwoLawConfig
        What two laws on either side of a place, and stairs, are found by.
    surrogate : SurrogateConfig
        What the smooth model is built by.
    sums : SumConfig
        What sums of simple terms are chosen from.
    varying : VaryingConfig
        What sums of known functions with varying coefficients are fitted and read by.
    relations : RelationConfig
        How far relations between slopes may miss.
    breaks : BreakConfig
        What borders of steps, kinks, teeth and pairs of laws are found by.
    curves : CurveConfig
        What the closed form of a curve is searched by.
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
    noise_errors: float = 2.0
    close: float = 1.25
    longer: int = 8
    rivals: int = 24
    near: float = 1.04
    most_near: int = 8
    fewest_rows: int = 12
    walk_share: float = 0.5
    first_share: float = 0.02
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
    nothing_left: float = 0.003
    searched_columns: int = 60
    screened_terms: int = 6000
    screened_longest: int = 60
    little_gain: float = 1e-3
    noisy: float = 1e-3
    poor: float = 0.02
    nearly: float = 1e-5
    surrogate_terms: int = 450
    rows_a_term: float = 2.5
    surrogate_first: int = 130
    quick_terms: int = 220
    surrogate_fine: float = 1e-3
    even_decades: float = 0.2
    view_rows: int = 600
    view_edge: float = 0.12
    branches: int = 6
    no_worse: float = 1.2
    no_error: float = 1e-6
    plainer: float = 0.1
    reflected: float = 0.4
    error_weight: float = 5.0
    singular_gap: float = 1.3
    exponent_off: float = 0.08
    pair_seen: float = 0.3
    curve_rows: int = 12
    curve_work: float = 1.0
    noisy_curves: int = 6
    noisy_curve_rows: int = 500
    curve_accuracy: float = 1e-3
    long_curve_work: float = 0.7
    dictionary_terms: int = 160
    exact_terms: int = 4
    exact_terms_a_feature: int = 2
    selected_rows: int = 600
    dictionaries: int = 150
    selected_terms: int = 6
    selections: int = 8
    term_node: float = 4.0
    outer_price: float = 2.0
    direct_products: int = 400
    direct_exhaustive: int = 120
    direct_longest: int = 6
    direct_longest_inside: int = 4
    direct_offset: float = 4.0
    growth_steps: int = 4
    led_features: int = 6
    noisy_doubt: float = 0.01
    heaviest_row: float = 20.0
    mostly: float = 0.97
    relation_rows: int = 30
    relation_columns: int = 9
    selected_columns: int = 6
    pivot_sets: int = 400
    pivots_alike: float = 1e4
    guessed_rows: int = 800
    plain_curve_rows: int = 300
    parts: PartConfig = field(default_factory=PartConfig)
    meeting: MeetingConfig = field(default_factory=MeetingConfig)
    mending: MendingConfig = field(default_factory=MendingConfig)
    networks: NetworkConfig = field(default_factory=NetworkConfig)
    exchange: ExchangeConfig = field(default_factory=ExchangeConfig)
    nonlinear_sums: NonlinearSumConfig = field(default_factory=NonlinearSumConfig)
    noisy_sums: NoisySumConfig = field(default_factory=NoisySumConfig)
    quotients: QuotientConfig = field(default_factory=QuotientConfig)
    gross_errors: GrossErrorConfig = field(default_factory=GrossErrorConfig)
    constraint_checks: ConstraintConfig = field(default_factory=ConstraintConfig)
    reduction: ReductionConfig = field(default_factory=ReductionConfig)
    two_laws: TwoLawConfig = field(default_factory=TwoLawConfig)
    surrogate: SurrogateConfig = field(default_factory=SurrogateConfig)
    sums: SumConfig = field(default_factory=SumConfig)
    varying: VaryingConfig = field(default_factory=VaryingConfig)
    relations: RelationConfig = field(default_factory=RelationConfig)
    breaks: BreakConfig = field(default_factory=BreakConfig)
    curves: CurveConfig = field(default_factory=CurveConfig)

    def __post_init__(self) -> None:
        parts = (
            "last_share", "screening_share", "narrow_share", "walk_share", "first_share", "noisy_share", "poor_share",
            "nothing_left", "order_distinct", "cancelling_share", "even_decades", "view_edge", "pair_seen",
            "mostly", "chance", "rare", "lost",
        )  # fmt: skip
        check_config(self, most=dict.fromkeys(parts, 1.0))


DEFAULT = SearchConfig()


def config_of(config: Any) -> SearchConfig:
    """The thresholds asked for; the defaults where there are none."""
    return chosen(config, DEFAULT)
