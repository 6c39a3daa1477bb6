"""What a search for formulas decides by, stage for stage.

Long because it is one table: a threshold that stood elsewhere as well would be a second one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgewise._core.config import check_config, chosen
from edgewise.symbolic.config.breaks import BreakConfig
from edgewise.symbolic.config.constants import ConstantsConfig
from edgewise.symbolic.config.curves import CurveConfig
from edgewise.symbolic.config.hypotheses import HypothesisConfig
from edgewise.symbolic.config.known_form import KnownFormConfig
from edgewise.symbolic.config.relations import RelationConfig
from edgewise.symbolic.config.rounding import RoundingConfig
from edgewise.symbolic.config.sums import SumConfig
from edgewise.symbolic.config.surrogate import SurrogateConfig
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
        Complexity beyond which no formula is offered: longer ones explain nothing to a reader.
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
    short : int
        Shorter tables are judged by leaving out one row at a time: nobody could judge fairly by the few held out.
    searched_columns : int
        A search over more columns would not come beyond the first candidates of any shape.
    screened_terms, screened_longest : int
        Terms of the sparse cubic that shows which columns matter: those looked at, and those taken at most.
    little_gain : float
        Where a cubic is too poor for the law, idle columns mend a little of what it leaves: less than this share of what the
        best column explains.
    order_rows, order_distinct, order_sure, order_columns, order_waves : int, float, float, int and int
        Residuals follow a column of so many rows at least, with at least this share of different values, where neighbours
        agree by so many standard deviations: chance does not reach four in ten thousand columns. Of so many columns at most
        all pairs are asked, too.
    cancelling, cancelling_share : float
        Terms cancel that are so many times their sum on more than this share of the rows.
    tied_apart, tied_loose, tied_tries : float, float and int
        How far apart two constants may be, in sums of their standard errors, to be one; how large such a sum may be, as a
        share of them, for looser ones agree by chance; candidates tried.
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
        Rows on which slopes are read, and the share near either end of a column that is not, for a polynomial is worst
        there.
    branches : int
        States that are followed from each.
    no_worse, no_error, plainer : float
        A step may raise the error by this factor; smaller errors are none; where one kind of step takes it down to this
        share, the other kinds would only take longer.
    error_weight : float
        Features that a tenfold error weighs.
    singular_gap : float
        Singular values apart by less belong together.
    exponent_off, largest_exponent : float
        An exponent read off a model is within this of the law's; laws have none as large.
    pair_seen : float
        Share of the rows on which both columns of a pair must show.
    part_degree, part_forms, part_work, plain_number : int, int, float and float
        The polynomial that stands for a part of y in one column; closed forms of it that are tried, and the work on them;
        how near a number in it must be to a simple one to be it.
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
    quotient_rows, quotient_dictionaries, quotients, quotient_rounds : int
        The same for quotients of sums, whose denominators weigh the rows anew in each round.
    quotient_outer_dictionaries, quotient_triples, quotients_refitted : int
        Sets of terms that functions of y are tried with, too; a set of at most so many terms is searched for its best three;
        quotients whose constants are fitted before the best are offered.
    quotient_columns, quotient_steps : int
        Columns at most, and steps of that fit.
    quotient_flat, quotient_pole : float
        A denominator counts as no smaller than this share of its median while rows are weighed by it; one that falls below
        the second share has a pole among the rows.
    outer_price : float
        What a function around a sum or a quotient costs, in nats.
    direct_products, direct_exhaustive, direct_longest, direct_longest_inside : int
        Direct candidates: products of powers, those of which pairs and triples are all tried, terms of a sum, and of one
        inside a function that is not defined everywhere.
    direct_offset : float
        An offset whose square is below so many of its variances (95 %) may as well be none.
    exchange_columns, exchange_rows, exchange_terms, exchange_longest, exchange_starts : int
        Subset exchange: columns and rows at most, terms chosen from and taken, and random sets it starts from.
    exchange_work : float
        What is kept for it of the work that is left by then, at most half. Without it, mending formulas spent all on nuclear
        binding, whose sum of powers only this finds.
    exchange_weights : tuple of float
        Shares of the residual sum of squares that one more node must take off there.
    growth_steps : int
        Steps that a column of whole numbers must have to count generations.
    beam, looked_closely, model_kinds : int
        Cross-validated reduction: states followed at each size, steps from each that are looked at closely, and kinds of
        models kept for that.
    quick_rows, quick_columns, close_rows, close_columns : int
        Rows and columns of the table of the quick model, and of the close one.
    step_chance, quick_chance, give_up : float
        The factors of the error up to which a step is accepted, is looked at closely, and beyond which it is wrong wherever
        it is taken.
    led_features, noisy_doubt : int and float
        Features up to which slopes are asked, and how far these may be off.
    heaviest_row : float
        Weights beyond so many times the typical one would let a few rows decide.
    break_columns, break_rows, break_degree, break_places : int
        Two laws: columns and rows at most, powers of the column whose break is looked for, places tried at a time.
    break_better, break_sharp, break_beside : float
        A break must take the error down to this share; cutting this share of the rows beside it must raise it so many times.
    break_unsure : float
        Share of the column's range beside the break that neither side is fitted to.
    side_rows, side_share, side_work, side_formulas, side_closer : int, float, float, int and float
        Rows of a side at least, as a number and a share; work on a curve of it; its formulas that are combined, of two of
        which the longer must have an error so much smaller.
    stair_alike, stair_steps : float
        Slopes beside the common one and jumps beside the common height, as shares of the spread; share of the neighbours
        that jumps may part.
    series_terms : int
        Sums of more terms are no beginning of a series.
    backfitting_share, backfitting_near, backfitted : float, float and int
        Backfitting: its share of the work that is left, what is about as close as the best formula, and formulas whose parts
        are read anew.
    missing_columns, missing_rows, missing_terms, missing_from : int
        A term that formulas lack: columns of the table at most, rows that are looked at, products tried, and formulas that
        get one.
    missing_constants : int
        Those have at most so many measured constants: longer ones imitate what they lack.
    eliminated_factors, eliminations : int
        Backward elimination: factors of a product, and candidates of a formula, those that leave most out first.
    mostly : float
        Share of the rows on which a formula under noise must have values to be mended.
    robust_explains : float
        A formula that leaves more than this share of what y does tells nothing of single rows.
    concentration_steps, most_aside : int and float
        Steps of fitting and setting aside; beyond this share rows are no exceptions.
    clean_tables : float
        In a table without errors a row is set aside once in so many tables.
    judging_share : float
        Share of the rows that judges between two searches.
    far_off : float
        A row departs from a formula where it is so many robust deviations off.
    node, recommended_node : float
        Nats of a node: one out of some twenty symbols; of the formula recommended each must take 3 % off the error.
    challenge_longer, challenge_nats : int and float
        A formula near it that describes all rows in so many nats less takes its place, if at most so much longer.
    chance : float
        The probability with which chance makes what passes for more than chance, where rows are few.
    mention : float
        Gains of so few nats are not worth more than a bare mention (Kass and Raftery 1995,
        doi:10.1080/01621459.1995.10476572).
    nested : float
        What a formula leaves of another one's values, as a share of what that leaves of y, where they are the same.
    operator_nats, column_nats, number_nats, square_nats, halves_nats, ratio_nats, measured_nats : float
        Nats of the parts of a formula, minus the logarithm of about how often laws of handbooks hold them: operators,
        columns and numbers; as exponents two, halves of whole numbers, other ratios, and what was measured.
    function_nats, wave_nats, rare_nats, around_nats : float
        The same for exponentials and logarithms, waves, and other functions; and for a function around another one:
        cos(exp(x)) can follow almost anything and is hardly ever a law.
    rare : float
        A chi-square is called out of the ordinary where chance makes so few like it.
    lost, extreme, lost_rows : float, float and int
        A term below this share of its sum on every row is lost; it takes constants this large or small to make one; rows
        that are looked at.
    tiny : float
        An argument below this on every row, whose third power is lost beside itself.
    network_starts, edge_slack, edge_blur, edge_polish, edge_rows : int, float, float, int and int
        Networks: starts of a training, for single ones do get stuck; removing an edge may cost this factor of the error, or
        this share of y's spread, as shapes show long before digits do; steps of training after it, and rows that show which
        edge is missed least.
    edge_forms, snapped_rows, snapped_steps : int
        Forms that each edge is tried with, rows that choose among them, and steps of the fit of a choice.
    relation_rows, relation_columns, selected_columns : int
        Rows that relations need, and columns they may have; columns of forward selection.
    pivot_sets, pivots_alike : int and float
        Scalings: sets of columns to solve for that are tried, and how alike these may be, as a condition number.
    guessed_rows, plain_curve_rows : int
        Rows that judge blind steps, and those that plain curves are fitted to.
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
    rounding : RoundingConfig
        What constants are made exact by.
    constants : ConstantsConfig
        What the constants of a given formula are searched by.
    curves : CurveConfig
        What the closed form of a curve is searched by.
    known_form : KnownFormConfig
        What unknown functions of a partly known formula are learned by.
    hypotheses : HypothesisConfig
        What claims about a law are judged by.
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
    short: int = 60
    searched_columns: int = 60
    screened_terms: int = 6000
    screened_longest: int = 60
    little_gain: float = 1e-3
    order_rows: int = 20
    order_distinct: float = 0.5
    order_sure: float = 4.0
    order_waves: int = 400
    order_columns: int = 6
    cancelling: float = 1e3
    cancelling_share: float = 0.5
    tied_apart: float = 3.0
    tied_loose: float = 0.1
    tied_tries: int = 8
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
    error_weight: float = 5.0
    singular_gap: float = 1.3
    exponent_off: float = 0.08
    largest_exponent: float = 9.0
    pair_seen: float = 0.3
    part_degree: int = 14
    part_forms: int = 3
    part_work: float = 0.33
    plain_number: float = 1e-5
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
    quotient_rows: int = 800
    quotient_dictionaries: int = 120
    quotients: int = 8
    quotient_rounds: int = 2
    quotient_outer_dictionaries: int = 90
    quotient_triples: int = 80
    quotients_refitted: int = 20
    quotient_columns: int = 4
    quotient_steps: int = 12
    quotient_flat: float = 1e-3
    quotient_pole: float = 1e-6
    outer_price: float = 2.0
    direct_products: int = 400
    direct_exhaustive: int = 120
    direct_longest: int = 6
    direct_longest_inside: int = 4
    direct_offset: float = 4.0
    exchange_columns: int = 6
    exchange_rows: int = 2000
    exchange_terms: int = 600
    exchange_longest: int = 5
    exchange_starts: int = 150
    exchange_work: float = 6.0
    exchange_weights: tuple[float, ...] = (0.0, 0.02, 0.05)
    growth_steps: int = 4
    beam: int = 4
    looked_closely: int = 10
    model_kinds: int = 3
    quick_rows: int = 500
    quick_columns: int = 72
    close_rows: int = 2000
    close_columns: int = 260
    step_chance: float = 1.01
    quick_chance: float = 1.04
    give_up: float = 1.3
    led_features: int = 6
    noisy_doubt: float = 0.01
    heaviest_row: float = 20.0
    break_columns: int = 4
    break_rows: int = 600
    break_degree: int = 4
    break_places: int = 19
    break_better: float = 0.5
    break_sharp: float = 2.0
    break_beside: float = 0.05
    break_unsure: float = 0.03
    side_rows: int = 12
    side_share: float = 0.05
    side_work: float = 0.3
    side_formulas: int = 2
    side_closer: float = 0.8
    stair_alike: float = 1e-6
    stair_steps: float = 0.5
    series_terms: int = 7
    backfitting_share: float = 0.3
    backfitting_near: float = 1.05
    backfitted: int = 3
    missing_columns: int = 7
    missing_rows: int = 1200
    missing_terms: int = 3000
    missing_from: int = 4
    missing_constants: int = 2
    eliminated_factors: int = 6
    eliminations: int = 60
    mostly: float = 0.97
    robust_explains: float = 0.3
    concentration_steps: int = 12
    most_aside: float = 0.4
    clean_tables: float = 20.0
    judging_share: float = 0.6
    far_off: float = 5.0
    node: float = 3.0
    recommended_node: float = 0.03
    challenge_longer: int = 10
    challenge_nats: float = 4.0
    chance: float = 0.05
    mention: float = 1.0
    nested: float = 1e-4
    operator_nats: float = 1.0
    column_nats: float = 1.0
    number_nats: float = 0.7
    square_nats: float = 1.5
    halves_nats: float = 3.0
    ratio_nats: float = 4.0
    measured_nats: float = 6.0
    function_nats: float = 1.5
    wave_nats: float = 2.5
    rare_nats: float = 4.0
    around_nats: float = 4.0
    rare: float = 1e-3
    lost: float = 1e-13
    extreme: float = 1e6
    lost_rows: int = 200
    tiny: float = 1e-8
    network_starts: int = 3
    edge_slack: float = 1.05
    edge_blur: float = 2e-3
    edge_polish: int = 20
    edge_rows: int = 400
    edge_forms: int = 7
    snapped_rows: int = 300
    snapped_steps: int = 14
    relation_rows: int = 30
    relation_columns: int = 9
    selected_columns: int = 6
    pivot_sets: int = 400
    pivots_alike: float = 1e4
    guessed_rows: int = 800
    plain_curve_rows: int = 300
    surrogate: SurrogateConfig = field(default_factory=SurrogateConfig)
    sums: SumConfig = field(default_factory=SumConfig)
    varying: VaryingConfig = field(default_factory=VaryingConfig)
    relations: RelationConfig = field(default_factory=RelationConfig)
    breaks: BreakConfig = field(default_factory=BreakConfig)
    rounding: RoundingConfig = field(default_factory=RoundingConfig)
    constants: ConstantsConfig = field(default_factory=ConstantsConfig)
    curves: CurveConfig = field(default_factory=CurveConfig)
    known_form: KnownFormConfig = field(default_factory=KnownFormConfig)
    hypotheses: HypothesisConfig = field(default_factory=HypothesisConfig)

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
            "order_distinct",
            "cancelling_share",
            "even_decades",
            "view_edge",
            "pair_seen",
            "break_beside",
            "break_unsure",
            "side_share",
            "stair_steps",
            "mostly",
            "most_aside",
            "judging_share",
            "backfitting_share",
            "chance",
            "rare",
            "lost",
        )
        check_config(
            self,
            most=dict.fromkeys(parts, 1.0),
            least={"network_intervals": 1},
        )


DEFAULT = SearchConfig()


def config_of(config: Any, of: str) -> SearchConfig:
    """The thresholds asked for; the defaults where there are none."""
    return chosen(config, DEFAULT, of)
