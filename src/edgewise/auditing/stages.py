"""The stages of an audit or a mitigation, as callbacks get them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError
from edgewise.verifying.search.answers import teller


@dataclass(frozen=True)
class Stage:
    """What a callback of `audit` and `mitigate` receives; returning True ends the work with what there is.

    Attributes
    ----------
    name : str
        What is being done.
    done, stages : int
        How many stages are behind, and how many there are; they take different times.
    seconds : float
    """

    name: str
    done: int
    stages: int
    seconds: float

    @property
    def share(self) -> float:
        """Share of the stages that are done, from 0 to 1."""
        return self.done / self.stages


class StageCounter:
    """Counts stages, and notifies callbacks of each and about twice a second in between.

    Parameters
    ----------
    names : list of str
        Of all stages, in order.
    meter : Meter
    callbacks : callable or sequence of callables
    """

    def __init__(self, names: list[str], meter: Meter, callbacks: Any) -> None:
        self.names, self.meter, self.done = names, meter, 0
        self._notify = teller(callbacks)
        meter.beat = self.tell

    def tell(self) -> None:
        """Notify of the stage that is being done."""
        name = self.names[min(self.done, len(self.names) - 1)]
        self._notify(Stage(name, self.done, len(self.names), self.meter.seconds))

    def next(self, ended: StopReason = StopReason.DECIDED) -> None:
        """The next stage begins, unless the one before was ended from outside: then all is."""
        if not ended.repeatable:
            raise StopError(ended)
        self.done += 1
        self.tell()

    def left_out(self, ended: StopReason) -> str:
        """What was not done, and why, in words."""
        left = ", ".join(self.names[self.done :])
        return f"Not done, or in part only: {left}. {ended.advice}"
