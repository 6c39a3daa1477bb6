"""Callbacks that hear of a training as it goes, also in the middle of its long steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgewise._core.stopping import StopReason, tell
from edgewise._core.work import PULSE, Meter, StopError
from edgewise.training.common.records import Callback, Record


class Listeners:
    """The callbacks of one call: they are told records, and a last one again where none has come for a while.

    Parameters
    ----------
    callbacks : sequence of callable
    meter : Meter
        Of the call; it wakes them while work is charged.
    last : callable
        The record that they hear of in between.
    """

    def __init__(self, callbacks: Sequence[Callback], meter: Meter, last: Callable[[], Record]) -> None:
        self._callbacks, self._meter, self._last, self._told = callbacks, meter, last, 0.0
        meter.beat = self._again

    def tell(self, record: Record) -> bool:
        """Tell a record; whether one of them asks to stop."""
        self._told = self._meter.seconds
        return tell(self._callbacks, record)

    def _again(self) -> None:
        if self._meter.seconds - self._told >= PULSE and tell(self._callbacks, self._last()):
            raise StopError(StopReason.CALLBACK)
