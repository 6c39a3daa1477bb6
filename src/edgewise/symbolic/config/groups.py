"""What one law over many groups of rows is searched by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from edgewise._core.config import check_config
from edgewise.symbolic.config.constants import ConstantsConfig


@dataclass(frozen=True)
class GroupConfig:
    """The thresholds of a search over groups. None of them but `node` has been compared with others.

    Attributes
    ----------
    searched, fewest_rows : int
        Groups that are searched, those with most rows, each of which must have so many rows: every search costs a share of
        the work, and the other groups judge what is found.
    taken, tied : int
        Formulas taken from each search, and structures whose constants are tied, the best first.
    sums : int
        Of sums of each number of terms so many are taken beside them: of products of powers, and of functions with a rate;
        and so many curves with two constants inside.
    seen_cells : int
        Cells of the table by which the latter two are chosen.
    reshaped : int
        Of these, in so many other functions are tried in the places of the formula.
    halved : tuple of int
        After fits to so many groups only the better half of the structures goes on, but `taken` at least.
    unchanged : int
        Further searches that do not shorten the description by a node, after which no more are made, if nothing is left
        that follows a column.
    mended, mending_rounds : int
        Formulas one step away whose constants are tied in a round, and rounds at most.
    share : float
        Share of the work that searches may take; what they find is judged by all groups, which is work, too.
    starts : ConstantsConfig
        What the constants of a group are searched by: of many groups each has fewer starts, being judged with the others.
    few_starts : ConstantsConfig
        The same of a formula with another function in one place, which are many and have one new constant each.
    branches : int
        Structures at most, where levels of a category follow different ones.
    nats : float
        How often the code length of a law counts (`CodeLengthConfig`): steps from law to law try very many.
    node : float
        Nats of a node, beside the criterion of Schwarz: what log(2)/0.3 is elsewhere, by which a formula with one node more
        must have a third less error.
    """

    searched: int = 6
    fewest_rows: int = 8
    taken: int = 10
    tied: int = 8
    sums: int = 4
    seen_cells: int = 100_000
    reshaped: int = 4
    halved: tuple[int, ...] = (2, 4)
    unchanged: int = 2
    mended: int = 6
    mending_rounds: int = 5
    share: float = 0.25
    starts: ConstantsConfig = field(
        default_factory=lambda: ConstantsConfig(drawn=200, tried=6, finished=3, long_steps=80)
    )
    few_starts: ConstantsConfig = field(
        default_factory=lambda: ConstantsConfig(drawn=16, tried=2, finished=1, long_steps=60)
    )
    branches: int = 4
    nats: float = 2.0
    node: float = math.log(2) / 0.3

    def __post_init__(self) -> None:
        check_config(self, most={"share": 1.0})
