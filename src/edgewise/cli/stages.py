"""The stages of a job, one after the other, within its time limit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from edgewise._core.stopping import StopReason
from edgewise.cli.options import Began
from edgewise.cli.outcome import Interrupts
from edgewise.cli.progress import ShownProgress

Result = TypeVar("Result")

LEARN, FIT, SIMPLIFY, FORMULA, COMPARE = (
    "learn",
    "fit a small network",
    "simplify it",
    "find the formula",
    "compare on held-out rows",
)
# Shares of the work and of a time limit, where there is one. What earlier stages leave unused, the last one gets.
SHARES = {LEARN: 0.2, FIT: 0.2, SIMPLIFY: 0.2, FORMULA: 0.4}
# Seconds of one core for what cannot be interrupted, and more for each million cells of the table: other models to
# compare with, and the page. A stage that no time is left for gets the least.
COMPARING, PAGE, A_MILLION, LEAST = 0.3, 1.0, 1.0, 0.1


class Limit:
    """How much of a time limit each stage gets.

    A stage that ends early leaves the rest to those after it; some is kept for comparisons, unless they are dear, and the
    page.

    Parameters
    ----------
    seconds : for the whole job; None for no limit
    began : from when on they count
    stages : those that a share is kept for
    cells : of the table
    """

    def __init__(self, seconds: float | None, began: Began, stages: Sequence[str], cells: int) -> None:
        self._shares = {stage: SHARES[stage] for stage in stages}
        seconds, more = math.inf if seconds is None else seconds, A_MILLION * cells / 1e6
        self._comparing, page = began.stretch * (COMPARING + more), began.stretch * (PAGE + more)
        self._end = began.wall + seconds
        last = page + (self._comparing if self._comparing <= seconds / 4 else 0.0)
        self._until = self._end - min(last, seconds / 2)

    @property
    def compares(self) -> bool:
        """Whether there is time to fit other models."""
        return time.monotonic() + self._comparing <= self._end

    def of(self, stage: str) -> float | None:
        """Seconds for a stage of those still to come; None for no limit."""
        left, waiting = self._until - time.monotonic(), sum(self._shares.values())
        share = self._shares.pop(stage, 0.0)
        return max(left * share / waiting, LEAST) if share and math.isfinite(left) else None


class Stages:
    """Runs one stage after the other and times them; after Ctrl-C no further one begins.

    Attributes
    ----------
    seconds, stopped : how long each took, and why it ended where it says so
    callbacks : what the stages are to be given
    """

    def __init__(self, interrupts: Interrupts, progress: ShownProgress, limit: Limit) -> None:
        self.seconds: dict[str, float] = {}
        self.stopped: dict[str, StopReason] = {}
        self.callbacks = (progress, interrupts)
        self._interrupts = interrupts
        self._progress = progress
        self._limit = limit

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    @property
    def stop_reason(self) -> StopReason:
        """What ended a stage from outside, if anything did; else why the last one ended."""
        if self._interrupts.happened:
            return StopReason.INTERRUPTED
        reasons = list(self.stopped.values())
        return next((reason for reason in reasons if not reason.repeatable), reasons[-1])

    def run(self, title: str, work: Callable[[float | None], Result]) -> Result | None:
        """The stage's result from its time limit; None where it was not begun or had no answer to an interruption."""
        if self._interrupts.happened:
            return None
        self._progress.begin(title)
        start = time.perf_counter()
        try:
            result = work(self._limit.of(title))
        except KeyboardInterrupt:
            return None
        finally:
            self.seconds[title] = time.perf_counter() - start
        if (reason := getattr(result, "stop_reason", None)) is not None:
            self.stopped[title] = reason
        return result
