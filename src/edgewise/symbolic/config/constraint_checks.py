"""Where formulas are held to the constraints of a search."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class ConstraintConfig:
    """The places at which constraints are looked at; values set by hand, for speed: a proof asks the prover.

    Attributes
    ----------
    points, steps : int
        Places in the box of the table, and steps from each along a column whose slope or bend is limited.
    limit_points : int
        Places from which a column goes to its limit.
    decades : tuple of int
        Decades on that way, from the size of the column on.
    closer, growing : float
        Over two decades at most the one share of the gap to a finite limit is left; towards an infinite one the last rise is
        at least the other share of the rise before, which logarithms keep.
    contradicted, contradicted_share : float
        Rows speak against constraints where a formula that breaks them is better by so much in Schwarz's criterion, which
        R. E. Kass and A. E. Raftery (1995, Bayes factors, doi:10.1080/01621459.1995.10476572) call very strong evidence,
        and takes off such a share of the squares that the best one leaves.
    """

    points: int = 96
    steps: int = 25
    limit_points: int = 16
    decades: tuple[int, ...] = (2, 4, 6, 8)
    closer: float = 0.9
    growing: float = 0.5
    contradicted: float = 10.0
    contradicted_share: float = 0.5

    def __post_init__(self) -> None:
        check_config(self, most={"closer": 1.0, "growing": 1.0, "contradicted_share": 1.0})
