"""What the constants of a given formula are searched by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class ConstantsConfig:
    """The thresholds of the search for the lowest minimum of `fit_constants`.

    Values without a reason are round ones set by hand; others have not been compared.

    Attributes
    ----------
    drawn, tried, finished, seen_rows : int
        Starts that are looked at, those of them that go some steps, and those of these that go to the end; rows that the
        first two see. A look is far cheaper than a descent, so that many starts cost little beside the few that go on.
    short_steps, long_steps, polishing_steps : int
        Those some steps, the most of a descent, and the most for the last digits; the latter two end by themselves.
    decades : tuple of float
        How far starts lie from the given one, in turn (one standard deviation of each): from a start that is nearly right to
        one of which the order of magnitude is a guess.
    guessed_farther : float
        So many times farther for a constant of which no start is given.
    flipped : float
        Share of the starts in which a given constant has the other sign: the sign of what was measured is seldom wrong. One
        that is not given has either sign as often.
    equal : float
        Sums of squares closer than this share are one minimum: what a descent leaves of it.
    turned : float
        What a change of sign counts beside squared e-foldings, where one of several equal minima is chosen: five
        e-foldings, some two decades, are beyond most starts.
    """

    drawn: int = 600
    tried: int = 16
    finished: int = 6
    seen_rows: int = 1000
    short_steps: int = 12
    long_steps: int = 300
    polishing_steps: int = 60
    decades: tuple[float, ...] = (0.15, 0.5, 1.0, 1.7)
    guessed_farther: float = 1.5
    flipped: float = 0.05
    equal: float = 1e-7
    turned: float = 25.0

    def __post_init__(self) -> None:
        check_config(self, most={"flipped": 1.0, "equal": 1.0})
