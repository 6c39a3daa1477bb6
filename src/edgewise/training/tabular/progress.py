"""How far a fit to a table has come: the work it has done, what ended it, and what listeners get."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from torch import Tensor

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, running
from edgewise.training.common.listeners import Listeners
from edgewise.training.common.losses import Loss
from edgewise.training.common.records import Callback, Record


class TableProgress:
    """Work and history of one fit; errors are reported in the units of a target that was divided by `scale` (D,)."""

    def __init__(self, loss: Loss, scale: Tensor, meter: Meter, callbacks: Sequence[Callback]) -> None:
        self.loss, self.scale, self.meter = loss, scale, meter
        self.intervals = 0
        self.history: list[Record] = []
        self.listeners = Listeners(callbacks, meter, self._last)
        # Why it was broken off, and what more work could have been spent on.
        self.stopped: StopReason | None = None
        self.short = False

    def _counted(self) -> AbstractContextManager[object]:
        """Count what the block charges; after a stop nothing interrupts what is left to do."""
        return running(self.meter) if self.stopped is None else nullcontext()

    def _stop(self, stop: StopError | None) -> None:
        """Note what has ended the work, unless it was meant for a call around this one."""
        if stop is not None:
            self.stopped = self.meter.own(stop)

    def _ended(self, chosen: str) -> StopReason:
        if self.stopped is not None:
            return self.stopped
        if self.short:
            return StopReason.WORK_SPENT
        return StopReason.CONVERGED if chosen == "additive" else StopReason.NO_IMPROVEMENT

    def _last(self) -> Record:
        last = (
            self.history[-1] if self.history else Record("additive", 0, math.nan, None, 0.0, self.intervals)
        )
        return replace(last, seconds=self.meter.seconds, share=self._share)

    @property
    def _share(self) -> float | None:
        """Share of the work that is done, once it is planned."""
        return self.meter.share if math.isfinite(self.meter.most) else None

    def _tell(self, phase: str, train: float, held: float) -> bool:
        record = Record(
            phase,
            len(self.history) + 1,
            self._error(train),
            self._error(held),
            self.meter.seconds,
            self.intervals,
            share=self._share,
        )
        self.history.append(record)
        try:
            if self.listeners.tell(record):
                self.stopped = self.stopped or StopReason.CALLBACK
        except StopError as stop:
            self._stop(stop)
        return self.stopped is not None

    def _error(self, value: float) -> float:
        """Loss in network units as a root mean square error in units of y, or as it is."""
        if self.loss.name != "squared":
            return value * float(self.scale.mean()) if self.loss.dispersed else value
        return math.sqrt(max(2 * value, 0.0) / len(self.scale) * float((self.scale**2).mean()))
