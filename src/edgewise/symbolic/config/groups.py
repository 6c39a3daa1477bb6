"""What one law over many groups of rows is searched by."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgewise._core.config import check_config


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
    branches : int
        Structures at most, where levels of a category follow different ones.
    node : float
        Nats of a node, beside the criterion of Schwarz: what log(2)/0.3 is elsewhere, by which a formula with one node more
        must have a third less error.
    """

    searched: int = 6
    fewest_rows: int = 8
    taken: int = 10
    tied: int = 4
    branches: int = 4
    node: float = math.log(2) / 0.3

    def __post_init__(self) -> None:
        check_config(self)
