"""What a fit to a table decides by: every threshold, limit and count, once.

What is a fact of the numbers is no choice and stays where it is used: degrees of splines, costs in work, sizes of blocks,
and when a solver of equations counts as converged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.config import check_config, chosen


@dataclass(frozen=True)
class TableConfig:
    """The thresholds of `fit_table`, `KANRegressor` and `KANClassifier`; the defaults suit tables of all sizes.

    Attributes
    ----------
    work_units : float
        Units of work of "normal": about half a minute of one core.
    additive_share, pairs_share, bag_share : float
        Shares of it that the additive part, functions of pairs, and the updates of a bag may take.
    design_numbers : int
        Numbers that the design of all rows may hold, and the products of all pairs; of larger tables a random part is used.
    glance_rows, glance_steps : int
        Rows that are looked at, and steps on them, where a time limit ends the preparation of all.
    intervals, fewest_intervals : int
        Intervals of the grid of an input, and how few they may become where inputs are many.
    design_columns : int
        Columns of the design: more inputs get coarser grids.
    finer_rows : tuple of int
        Rows from which grids have two, three, ... times the intervals: smoothness is chosen by the evidence, so fineness
        costs time only, and resolves sharp steps where rows are many.
    finer_numbers : int
        Rows from which grids have two times the intervals where the target is a number: it holds more information a row than
        a class. Not under constraints.
    folds : int
        Parts of the rows that judge what has not learned from them.
    held_rows, held_share : int and float
        Rows that a fold seeks, and the most of all rows that it may hold out.
    repeated_rows, repeated_share : int and float
        Equal rows are one row given again if they are at most so many, or this share of all; a larger crowd is what the
        inputs cannot distinguish.
    first_weight, least_weight, most_weight : float
        Initial weights of functions, and their limits, per row of weight one. From smooth to rough:
        the other way round a table of few rows and many columns is explained to the last digit before anything is shrunk.
    least_logit_weight : float
        The least weight for logits: where a word decides every row, the likelihood alone would go on for ever.
    settled, settled_fall : float
        Weights that change by less (in their logarithm) are settled; so is a fit of classes whose loss a row falls by less,
        twice running.
    scout_rows : int
        Of long tables a part so long finds the smoothness that all rows start from; up to twice as many rows smoothness is
        learned anew without each fold: chosen on all rows it knows the rows left out, and these would praise the model.
    most_steps_of_all, most_steps_of_fold : int
        Steps of Newton's method on all rows, and without a fold where smoothness stays.
    stale : float
        Curvatures that have changed by less than this share of their size leave the normal equations as they are: gradients
        stay exact, and so does what the steps end in.
    most_leverage : float
        A row's pull on its own prediction, as far as it counts: directions of different inputs are counted one by one.
    least_freedom : float
        Share of the rows that are left to estimate the noise, however many coefficients there are.
    nothing : float
        A function of so small a share of the outputs' spread is exactly nothing.
    negligible_loss, negligible_log_loss : float
        A gain in loss that makes no difference to a reader: for targets of unit variance, and in nats.
    pair_rounds : tuple of int
        Pairs that join in each round: one by one while the strongest hide the others, then in heaps.
    pair_patience : int
        Rounds that may pass without out-of-bag rows speaking for them.
    patience_of_numbers : int
        The same where the target is a number: a pair that explains little alone may explain more beside others.
    first_pair_errors : float
        Standard errors by which the first pairs have to lower the out-of-bag loss: rounds are so many chances to be
        deceived.
    pair_candidates : int
        Pairs that later rounds choose from: the strongest at first.
    pair_sweeps, pair_updates : int
        Times at most that all parts are solved in turn in a round, and updates of the weights of a pair that has just
        joined.
    pair_products, most_pair_products : int
        Products of directions that a pair is given at first, and at most.
    pair_growth, pair_full : float
        So many times more are given where it makes use of more than this share of those it has.
    few_sweeps, many_sweeps : int
        Of few rows (see `scout_rows`), and of many: times that all parts are solved in turn where nothing is given more
        products.
    few_stride, many_stride : float
        Share of the way, in logarithms, that an update of weights goes: fixed points of this kind are neared from one side,
        and of few rows the evidence of each pair, which takes the others for known, is too sure to be outrun.
    few_prior, many_prior : float
        Degrees of freedom as which it counts that blocks as rough as each other are alike; 0 for not at all.
    joint_rows, joint_numbers : int
        Up to so many rows, and numbers of the covariances of all inputs, functions of pairs are solved for at once where the
        target is a number; their time grows with the cube of the rows.
    joint_finer : int
        So many times the intervals are grids given then: how smooth functions are follows from the evidence, and the cost
        from the rows.
    joint_steps : tuple of int
        Steps at most towards the greatest evidence: of half the rows, of all, and without a fold.
    joint_settled : float
        Evidence that a step has to gain, as a share of that of a row of noise.
    joint_restart : float
        The least variance that a function is given back before more rows are used.
    pair_nats : float
        What a pair has to gain in the logarithm of the evidence; and what one of them has to gain beyond that of the number
        of pairs to choose from, for among many one is strong by chance.
    table_bins, table_directions, table_rows : int
        Two-way tables, which screen for pairs: bins of an input, directions distinguished, rows looked at.
    table_cells, fewest_table_rows : int
        Cells of rows and pairs together: of very wide tables fewer rows are looked at, but never fewer than these.
    table_errors : float
        Standard errors of chance by which a shell of directions has to exceed it.
    members, hidden, hidden_intervals : int
        Networks of a bag, hidden nodes of each, and intervals of the grids of these.
    roughness_power : float
        How much rough directions of an edge are scaled down before training.
    weight_decay, learning_rate : float
        Of AdamW; the highest rate.
    batches, fewest_in_batch, most_in_batch : int
        Minibatches of an epoch, as far as that makes them of so many rows.
    epochs, fewest_steps, most_steps : int
        Passes over the rows, and updates, that a bag is given where the work allows.
    shown_rows, shown_rows_of_pairs : int
        Rows of all its minibatches together: out-of-bag errors fall no further with more; pairs are easier to learn.
    averaging : float
        Of the exponential moving average of the numbers, which is what is judged and kept.
    judgements, patience : int and float
        Times the bag is judged, and the share of the plan it may go on without a better judgement.
    worthwhile : float
        Share of the error at the start that a bag must take away to be kept.
    fewest_directions, directions_a_degree : int and float
        Directions of an input that a bag bends it in: at least so many, and so many for each degree of freedom that its
        additive function makes use of. Where that one is smooth, others seldom are not.
    trained_pairs : int
        Pairs that are trained where they have to be monotone, and so cannot be solved for.
    fewest_pair_nodes, most_pair_nodes, all_pair_nodes : int
        Hidden nodes for each of them in a member, and for all: the fewer pairs, the more.
    scouted_share : float
        Share of the updates after which the pairs that pay are distinguished from those that do not.
    pair_errors, pair_share : float
        Standard errors, and share of what the pairs before it gain, that such a pair must gain to stay.
    curve_errors : float
        Standard errors by which a sum must bend upwards for the root of the target to be tried, and by which the root must
        lower the out-of-bag loss.
    curve_reach : float
        The square behind it goes on as a line beyond so many times the largest root there is.
    fewest_to_calibrate : int
        Rows held out, below which log-odds are not set by them.
    most_slope, most_shift : float
        How far they may be: the factor, and the shift in log-odds.
    slope_spread : float
        Standard deviation of the prior of the factor's logarithm.
    screening_rows, fewest_kept : int
        Rows that columns of a wide table are judged by, one by one; where columns have to go, no more stay than there are
        rows, but these at least.
    reservoir_rows : int
        Rows that `partial_fit` remembers.
    importance_rows : int
        Rows on which it is estimated how much each column moves the outputs.
    """

    work_units: float = 30.0
    additive_share: float = 0.3
    pairs_share: float = 0.3
    bag_share: float = 0.6
    design_numbers: int = 100_000_000
    glance_rows: int = 1000
    glance_steps: int = 10
    intervals: int = 24
    fewest_intervals: int = 4
    design_columns: int = 1500
    finer_rows: tuple[int, ...] = (2000, 4000, 8000)
    finer_numbers: int = 500
    folds: int = 4
    held_rows: int = 2000
    held_share: float = 0.25
    repeated_rows: int = 10
    repeated_share: float = 0.01
    first_weight: float = 1e2
    least_weight: float = 1e-9
    most_weight: float = 1e6
    least_logit_weight: float = 0.01
    settled: float = 0.03
    settled_fall: float = 1e-5
    scout_rows: int = 6_000
    most_steps_of_all: int = 40
    most_steps_of_fold: int = 8
    stale: float = 0.04
    most_leverage: float = 0.9
    least_freedom: float = 0.05
    nothing: float = 1e-6
    negligible_loss: float = 5e-5
    negligible_log_loss: float = 1e-4
    pair_rounds: tuple[int, ...] = (1, 1, 2, 3, 4, 5, 8, 8, 8)
    pair_patience: int = 2
    patience_of_numbers: int = 4
    first_pair_errors: float = 2.0
    pair_candidates: int = 96
    pair_sweeps: int = 3
    pair_updates: int = 4
    pair_products: int = 100
    most_pair_products: int = 1600
    pair_growth: float = 2.5
    pair_full: float = 0.4
    few_sweeps: int = 3
    many_sweeps: int = 3
    few_stride: float = 1.0
    many_stride: float = 1.7
    few_prior: float = 20.0
    many_prior: float = 0.0
    joint_rows: int = 1500
    joint_numbers: int = 25_000_000
    joint_finer: int = 2
    joint_steps: tuple[int, int, int] = (25, 8, 4)
    joint_settled: float = 1e-4
    joint_restart: float = 1e-3
    pair_nats: float = 4.0
    table_bins: int = 32
    table_directions: int = 16
    table_rows: int = 20_000
    table_cells: int = 100_000_000
    fewest_table_rows: int = 2_000
    table_errors: float = 1.0
    members: int = 8
    hidden: int = 32
    hidden_intervals: int = 4
    roughness_power: float = 1.0
    weight_decay: float = 0.3
    learning_rate: float = 1e-2
    batches: int = 30
    fewest_in_batch: int = 32
    most_in_batch: int = 256
    epochs: int = 150
    fewest_steps: int = 200
    most_steps: int = 4000
    shown_rows: int = 700_000
    shown_rows_of_pairs: int = 450_000
    averaging: float = 0.02
    judgements: int = 30
    patience: float = 0.35
    worthwhile: float = 1e-3
    fewest_directions: int = 12
    directions_a_degree: float = 1.0
    trained_pairs: int = 24
    fewest_pair_nodes: int = 3
    most_pair_nodes: int = 6
    all_pair_nodes: int = 60
    scouted_share: float = 0.2
    pair_errors: float = 2.0
    pair_share: float = 0.01
    curve_errors: float = 2.0
    curve_reach: float = 2.0
    fewest_to_calibrate: int = 50
    most_slope: float = 3.0
    most_shift: float = 3.0
    slope_spread: float = 0.5
    screening_rows: int = 20_000
    fewest_kept: int = 20
    reservoir_rows: int = 20_000
    importance_rows: int = 2_000

    def __post_init__(self) -> None:
        shares = (
            "additive_share",
            "pairs_share",
            "bag_share",
            "held_share",
            "repeated_share",
            "pair_full",
            "averaging",
            "patience",
            "scouted_share",
            "pair_share",
            "most_leverage",
        )
        # Rows that judge are left to others: half of them at most.
        most = dict.fromkeys(shares, 1.0) | {"held_share": 0.5}
        check_config(self, most=most, least={"many_prior": 0.0, "few_prior": 0.0, "most_slope": 1.0})

    @property
    def relearned_rows(self) -> int:
        """Up to so many rows smoothness is learned anew without each fold; of more, scouts go first."""
        return 2 * self.scout_rows

    def negligible(self, dispersed: bool) -> float:
        """A gain in loss that makes no difference: of a target with a spread of its own, or of classes."""
        return self.negligible_loss if dispersed else self.negligible_log_loss


DEFAULT = TableConfig()


def config_of(config: Any) -> TableConfig:
    """The thresholds asked for; the defaults where there are none."""
    return chosen(config, DEFAULT)
