"""What solvers tell while they work, and why they end."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError
from edgewise.pde.results.checkpoint import Checkpoint


@dataclass(frozen=True)
class Progress:
    """What callbacks of `solve` get; returning True stops.

    Attributes
    ----------
    stage : str
        "grid", "march", "waves" or "mesh".
    error : float
        Estimated error so far; infinite before the second grid.
    residual : float
        Root of the integrated squared residuals; on a mesh what the highest modes have of the energy.
    share : float or None
        Share of the way through time, where the problem marches.
    intervals : tuple of int
        Of every coordinate; on a mesh the number of elements.
    checkpoint : callable or None
        What a march has found so far, to be saved and gone on from; None where nothing marches.
    """

    stage: str
    error: float
    residual: float
    share: float | None
    intervals: tuple[int, ...]
    checkpoint: Callable[[], Checkpoint] | None = None


def ended(run: Callable[[], object], meter: Meter, levels: Sized, of: str, first: str) -> StopReason:
    """Why a refinement ended: by itself, or from outside, once there is a level to answer with."""
    reason = StopReason.EXHAUSTED
    try:
        run()
    except StopError as stop:
        reason = meter.own(stop)
    except KeyboardInterrupt:
        if not levels:
            raise
        reason = StopReason.INTERRUPTED
    if not levels:
        raise InputError(f"The time of {of} was over before the first {first}; give more 'seconds'.")
    return reason
