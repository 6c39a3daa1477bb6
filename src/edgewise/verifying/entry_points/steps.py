"""What callbacks get while a property is proved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """What a callback of `verify` receives; returning True ends the work with the bounds so far.

    Attributes
    ----------
    goal, goals : int
        Which of the goals that make up the property is being proved, from 1, and how many there are.
    upper, lower : float
        Certain bound on the excess, and the largest found.
    leaves : int
        Parts of the domain so far.
    seconds : float
    share : float
        Share of the work that may be done, from 0 to 1; most answers come before it is.
    """

    goal: int
    goals: int
    upper: float
    lower: float
    leaves: int
    seconds: float
    share: float
