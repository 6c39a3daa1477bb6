"""Why training, a search, a proof or an audit ended: one list for all of them, each with a sentence of advice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum


class StopReason(StrEnum):
    """Why something ended.

    Members are strings too: they go into JSON as they are, and `reason == "time_limit"` is a plain comparison.

    Examples
    --------
    >>> from edgewise import StopReason
    >>> StopReason.TIME_LIMIT.repeatable, StopReason.WORK_SPENT.repeatable
    (False, True)
    >>> print(StopReason.WORK_SPENT, "-", StopReason.WORK_SPENT.advice)
    work_spent - The work that was allowed is done; more work, thorough or by a larger factor, goes on.
    """

    EXACT = "exact"
    EXPLAINED = "explained"
    CONVERGED = "converged"
    NO_IMPROVEMENT = "no_improvement"
    EXHAUSTED = "exhausted"
    LARGEST_GRID = "largest_grid"
    MOST_STEPS = "most_steps"
    DIVERGED = "diverged"
    DECIDED = "decided"
    TIED = "tied"
    WORK_SPENT = "work_spent"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"
    CALLBACK = "callback"

    @property
    def advice(self) -> str:
        """What it means and what may help, in a sentence."""
        return _ADVICE[self]

    @property
    def repeatable(self) -> bool:
        """Whether the same call gives the same result again: nothing from outside ended it."""
        return self not in (StopReason.TIME_LIMIT, StopReason.INTERRUPTED, StopReason.CALLBACK)


_ADVICE = {
    StopReason.EXACT: "The result is exact up to rounding: nothing is left to look for.",
    StopReason.EXPLAINED: "What is left is noise as far as these rows show; more rows may show more.",
    StopReason.CONVERGED: "It converged: more steps would change nothing.",
    StopReason.NO_IMPROVEMENT: "Going on no longer lowers the error on held-out rows.",
    StopReason.EXHAUSTED: "Everything that there was to try has been tried.",
    StopReason.LARGEST_GRID: "It ended at the largest grid that second-order steps can carry; named intervals go on.",
    StopReason.MOST_STEPS: "The steps that were allowed are done; more help if the error is still falling.",
    StopReason.DIVERGED: "The loss left the range of numbers; smaller steps or other units of y may help.",
    StopReason.DECIDED: "The question is decided.",
    StopReason.TIED: "The largest excess equals its bound up to rounding, which no work changes.",
    StopReason.WORK_SPENT: "The work that was allowed is done; more work, thorough or by a larger factor, goes on.",
    StopReason.TIME_LIMIT: "The time limit ended it, so the result may differ from run to run; without a limit of "
    "seconds, or with a larger one, it does not.",
    StopReason.INTERRUPTED: "It was interrupted; this is the best until then.",
    StopReason.CALLBACK: "A callback asked to stop; this is the best until then.",
}


def tell(callbacks: Sequence[Callable[..., object]], *news: object) -> bool:
    """Call all with the news; whether one of them asks to stop, by returning True."""
    try:
        # All of them, whatever the first one returns.
        answers = [callback(*news) is True for callback in callbacks]
    except Exception as error:
        error.add_note(_OF_CALLBACK)
        raise
    return any(answers)


# What a callback raises goes up to the caller, through whatever would go on after an error of its own.
_OF_CALLBACK = "A callback raised this."


def is_of_callback(error: Exception) -> bool:
    """Whether a callback raised an error."""
    return _OF_CALLBACK in getattr(error, "__notes__", ())
