"""What training reports while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One line of the history.

    Attributes
    ----------
    phase : str
        "start 2/8", "round 3", "refit", "epoch" ...
    step : int
        Number of the step, counted through the whole fit.
    loss : float
        Training error (see `FitResult`), penalties left out.
    validation : float or None
        The same on the held-out rows; None where there are none, and while a refit learns from them.
    seconds : float
        Since the fit began.
    intervals : int
        Intervals of the grid at this step.
    note : str
        A remark, or empty.
    share : float or None
        Share of the work that is done, from 0 to 1; None where no end is planned.
    """

    phase: str
    step: int
    loss: float
    validation: float | None
    seconds: float
    intervals: int
    note: str = ""
    share: float | None = None


Callback = Callable[[Record], object]
