"""Callbacks that are notified while a training runs, also in the middle of its long steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgewise._core.stopping import StopReason, tell
from edgewise._core.work import PULSE, Meter, StopError
from edgewise.training.common.records import Callback, Record


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
