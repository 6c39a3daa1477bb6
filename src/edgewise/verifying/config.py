"""What the prover decides by: every threshold, limit and count, once.

What is a fact of the numbers is no choice and stays where it is used: the rounding of float64, the room that a certified
bound leaves for it, and the work that a step costs. Whatever stands here, a certificate is checked by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.config import check_config, chosen


@dataclass(frozen=True)
class ProverConfig:
    """The thresholds of `verify` and `minimal_counterfactual`; the defaults suit all domains.

    They decide how soon an answer is found, and which row shows it. A certificate is checked without them.

    Attributes
    ----------
    work_units : float
        Units of work of "normal": about a minute of one core.
    first_turns : float
        Of a property of several goals, each first gets the work divided by this: most are settled, and a false one is
        found before a hard one has taken everything.
    least_goal_work : float
        Units that a goal gets at least while others wait.
    drawn_rows : int
        Rows drawn before any proof is tried: most false claims fall here.
    rounding : float
        An excess counts as one beyond this share of the numbers it is the difference of; smaller ones are evaluated as
        fractions. About 1e7 times what float64 rounds by.
    tie : float
        A bound that is at most so many times what may be rounding will hardly fall any more: a tie.
    slope_rows : int
        Rows, the steepest of those drawn, along which pairs are tried that show a slope.
    shown_starts : int
        Rows next to one that breaks a goal from which rows that can be are climbed to.
    possible_work : float
        Units of the search for a row that can be, where only one that cannot is known to break a claim.
    unit_rows : int
        Rows that show how large an excess is, and so in which unit it is searched.
    attack_share, attack_most : float
        Share of the work, and units at most, of the search for a row before a tree is grown.
    attack_rows, attack_given : int
        Rows drawn, and given rows looked at, for that search.
    attack_starts, attack_leads : int
        Of these the best from which it climbs; the first ones also climb the sum of a goal's rows.
    attack_rounds, lead_rounds : int
        Rounds of a climb; of one of the sum.
    attack_values : int
        Values tried along an interval in one look.
    attack_joined : int
        Best single changes that are tried all at once.
    attack_shrink, attack_finest : float
        The factor of the steps where none helps, and the step, as a share of the interval, at which a climb ends.
    numbers_at_once : int
        Rows are evaluated in batches of at most so many numbers, the widest layer counted for each: memory, never answers.
    follow_share, follow_most : float
        Share of the work, and units at most, of a climb from a row that bounds suggest.
    follow_rounds, follow_rounds_maximised : int
        Rounds of it: of a goal, and of a maximum, which needs the row itself.
    maximise_share, maximise_most : float
        `attack_share` and `attack_most` of a certified maximum.
    maximise_rows, maximise_given : int
        Rows that show the range of a maximised sum.
    lemma_share : float
        Share of the work that ranges of hidden nodes may take.
    lemma_gain : float
        A lemma must cut a range by such a share of it; less costs more than it is worth.
    lemmas_together : int
        Lemmas that are sought in one batch.
    shares : tuple of float
        Candidates of an interval, besides breaks: where the relaxation looks.
    most_breaks, most_joint, most_node_breaks : int
        Candidates that are breaks, or between them, of an input; of a cell of several intervals; breaks of a hidden node.
    near_candidates : int
        Candidates of a site that a search near its minimum looks at.
    cold, warm : float
        Temperatures to begin with, as shares of what a maximum may gain: anew, and from a parent's multipliers.
    cool, cool_slowly, heat : float
        Factors of the temperature after a long step, a middling one, and one so short that the multipliers cannot move.
    long_step, middling_step, short_step : float
        What is a long, a middling and a short step, as shares of Newton's.
    lowest : float
        The least temperature, as a share of the first.
    cold_steps, warm_steps : int
        Steps of Newton's method: anew, and from a parent's multipliers.
    farthest : float
        How far a multiplier may go in one step, in units of the gap over the range of its node.
    rise : float
        How far above the rest a candidate may rise in one step, in logarithms.
    together, numbers_together : int
        Parts that are bounded together at most, and their numbers.
    two_models_threshold : float
        Nodes are cut while that may win such a share of what is missing, else inputs, where two models follow the same
        inputs, so that their nodes hang together. One model's nodes are always worth it.
    node_preference : float
        A node is cut where it gains at least such a share of what an input does.
    picky : float
        `two_models_threshold` where the bound is slow.
    watch, slow : int and float
        How often this is looked at, in leaves, and which share of the way to the target is slow.
    idle_gain, idle_kept : float
        A cut is in vain that gains less than this share of the way to the target; what its variable keeps of its worth.
    least_worth : float
        What a cut is worth at least, as a share of what its variable moves the bound at all.
    narrow : float
        Ranges of nodes so narrow, as a share of their ends, are not cut.
    node_margin, input_margin : float
        How near an end, as a share of the range, a node or an interval is cut.
    rival_cell, unmixed : float
        Share of a group that its second value needs for a cut between values rather than in an interval, and the share of
        the first below which its values are cut in any case.
    wide_input : float
        A chain of slopes cuts its widest input while that is more than this share of its range, else between values.
    stay_above : float
        How much of the way to zero a step may take a number that must stay above it.
    sites_tried : int
        Inputs that are tried for one that can be cut.
    pair_rows : int
        Rows that show which nodes of two evaluations belong together.
    vacuous_rows : int
        Rows whose decisions are compared before it is tried to prove that there is one only.
    vacuous_work : float
        Units of that proof.
    formula_inputs, formula_cells : int
        Most inputs that may vary, and most combinations of words, where a formula is compared.
    formula_rows : int
        Rows that are tried before.
    formula_together, formula_boxes : int
        Boxes that are bounded together; boxes that wait, beyond which those nearest to being certain go first, so that
        memory does not grow.
    formula_narrowest : float
        Boxes so narrow, as a share of the domain, are not cut: rounding would decide.
    change_rows, change_starts : int
        Rows drawn for a counterfactual, and the cheapest ones that are brought nearer.
    change_comb, change_halvings : int
        Rows between two that are tried, and how often the first that is decided otherwise is closed in on.
    change_rounds : int
        How often all columns are gone through.
    change_aim : float
        Share of the gap below the cost at which the proof that ends the search is tried.
    change_turns : float
        Such a proof gets the work that is left divided by this, while more than `change_least_work` units are.
    change_least_work : float
    change_failures : int
        Failed proofs in a row after which no more are tried.
    change_worse : float
        By how much of its cost a row may cost more when its numbers are rounded.
    change_ways : int
        Rows beside one whose numbers are rounded down or up.
    """

    work_units: float = 60.0
    first_turns: float = 10.0
    least_goal_work: float = 0.05
    drawn_rows: int = 2048
    rounding: float = 1e-9
    tie: float = 2.0
    slope_rows: int = 16
    shown_starts: int = 4
    possible_work: float = 1.0
    unit_rows: int = 64
    attack_share: float = 0.2
    attack_most: float = 5.0
    attack_rows: int = 512
    attack_given: int = 4096
    attack_starts: int = 4
    attack_leads: int = 3
    attack_rounds: int = 60
    lead_rounds: int = 12
    attack_values: int = 17
    attack_joined: int = 6
    attack_shrink: float = 0.2
    attack_finest: float = 1e-6
    numbers_at_once: int = 1 << 21
    follow_share: float = 0.1
    follow_most: float = 0.5
    follow_rounds: int = 6
    follow_rounds_maximised: int = 10
    maximise_share: float = 0.15
    maximise_most: float = 2.0
    maximise_rows: int = 256
    maximise_given: int = 2000
    lemma_share: float = 0.4
    lemma_gain: float = 1e-3
    lemmas_together: int = 16
    shares: tuple[float, ...] = (0.0, 0.2, 0.5, 0.8, 1.0)
    most_breaks: int = 22
    most_joint: int = 48
    most_node_breaks: int = 40
    near_candidates: int = 6
    cold: float = 0.5
    warm: float = 0.05
    cool: float = 0.25
    cool_slowly: float = 0.7
    heat: float = 10.0
    long_step: float = 0.5
    middling_step: float = 0.2
    short_step: float = 0.002
    lowest: float = 2e-4
    cold_steps: int = 18
    warm_steps: int = 8
    farthest: float = 1e3
    rise: float = 3.0
    together: int = 32
    numbers_together: int = 4 << 20
    two_models_threshold: float = 0.7
    node_preference: float = 0.7
    picky: float = 0.7
    watch: int = 64
    slow: float = 0.12
    idle_gain: float = 0.02
    idle_kept: float = 0.25
    least_worth: float = 0.01
    narrow: float = 1e-6
    node_margin: float = 0.1
    input_margin: float = 0.2
    rival_cell: float = 1e-3
    unmixed: float = 1e-9
    wide_input: float = 0.05
    stay_above: float = 0.9
    sites_tried: int = 6
    pair_rows: int = 256
    vacuous_rows: int = 1024
    vacuous_work: float = 0.5
    formula_inputs: int = 8
    formula_cells: int = 4096
    formula_rows: int = 4096
    formula_together: int = 1024
    formula_boxes: int = 2_000_000
    formula_narrowest: float = 1e-11
    change_rows: int = 4096
    change_starts: int = 8
    change_comb: int = 65
    change_halvings: int = 60
    change_rounds: int = 4
    change_aim: float = 0.7
    change_turns: float = 3.0
    change_least_work: float = 0.3
    change_failures: int = 12
    change_worse: float = 0.0005
    change_ways: int = 512

    def __post_init__(self) -> None:
        shares = (
            "attack_share",
            "follow_share",
            "maximise_share",
            "lemma_share",
            "attack_shrink",
            "idle_kept",
            "change_aim",
            "stay_above",
        )
        most = dict.fromkeys((*shares, "shares"), 1.0) | {"node_margin": 0.5, "input_margin": 0.5}
        # Smaller ones could take rounding for a row that breaks a property.
        check_config(self, most=most, least={"rounding": 1e-9})


DEFAULT = ProverConfig()


def config_of(config: Any) -> ProverConfig:
    """The thresholds asked for; the defaults where there are none."""
    return chosen(config, DEFAULT)
