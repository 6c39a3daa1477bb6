"""How a training of pictures ends: what is settled on all pictures is settled on few of them once somebody waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, running

T = TypeVar("T")

# Pictures that are enough for statistics, and soon done.
FEW = 256
# Ends that somebody waits for.
AWAITED = (StopReason.INTERRUPTED, StopReason.TIME_LIMIT)


def finished(work: Callable[[int | None], T], reason: StopReason, meter: Meter) -> tuple[T, StopReason]:
    """What is left to do after the last step, and why it all ended.

    Parameters
    ----------
    work : callable
        Gives the result from at most so many pictures, None for all of them. It is called again, with few, where it is
        itself ended from outside, and must stand that.
    reason : StopReason
        Why the steps ended.
    meter : Meter
        Of the call.

    Examples
    --------
    >>> finished(lambda most: most, StopReason.MOST_STEPS, Meter())
    (None, <StopReason.MOST_STEPS: 'most_steps'>)
    >>> finished(lambda most: most, StopReason.INTERRUPTED, Meter())
    (256, <StopReason.INTERRUPTED: 'interrupted'>)
    """
    if reason not in AWAITED:
        try:
            # Callbacks that have asked to stop are not asked again.
            with running(Meter() if reason is StopReason.CALLBACK else meter):
                return work(None), reason
        except StopError as stop:
            reason = meter.own(stop)
        except KeyboardInterrupt:
            reason = StopReason.INTERRUPTED
    return work(FEW), reason
