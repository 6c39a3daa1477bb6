"""What training reports while it runs, and the callbacks that are notified, also in the middle of its long steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgewise._core.stopping import StopReason, tell
from edgewise._core.work import PULSE, Meter, StopError


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


class Listeners:
    """The callbacks of one call: they get records, and the latest one again where none has come for a while.

    Parameters
    ----------
    callbacks : sequence of callable
    meter : Meter
        Of the call; it wakes them while work is charged.
    last : callable
        The record that they get in between.
    """

    def __init__(self, callbacks: Sequence[Callback], meter: Meter, last: Callable[[], Record]) -> None:
        self._callbacks, self._meter, self._last, self._notified = callbacks, meter, last, 0.0
        meter.beat = self._again

    def tell(self, record: Record) -> bool:
        """Pass a record on; whether one of them asks to stop."""
        self._notified = self._meter.seconds
        return tell(self._callbacks, record)

    def _again(self) -> None:
        if self._meter.seconds - self._notified >= PULSE and tell(self._callbacks, self._last()):
            raise StopError(StopReason.CALLBACK)
