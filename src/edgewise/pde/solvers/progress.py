"""What solvers report while they work, and why they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason, tell
from edgewise._core.work import Meter, StopError
from edgewise.pde.results.checkpoint import Checkpoint
from edgewise.pde.settings import CHECK_SHARE


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


def show(callbacks: Sequence[Callable[[Progress], object]], progress: Progress) -> None:
    """Hand it to all callbacks; a `StopError` where one asks to stop."""
    if tell(callbacks, progress):
        raise StopError(StopReason.CALLBACK)


def stopped(run: Callable[[], object], meter: Meter) -> StopReason | None:
    """Run something, and why it was ended from outside, if it was."""
    try:
        run()
    except StopError as stop:
        return meter.own(stop)
    except KeyboardInterrupt:
        return StopReason.INTERRUPTED
    return None


def ended(run: Callable[[], object], meter: Meter, levels: Sized, of: str, first: str) -> StopReason:
    """Why a refinement ended: by itself, or from outside, once there is a level to answer with."""
    reason = stopped(run, meter)
    if reason is StopReason.INTERRUPTED and not levels:
        raise KeyboardInterrupt
    if not levels:
        raise InputError(f"The time of {of} was over before the first {first}; give more 'seconds'.")
    return reason or StopReason.EXHAUSTED


def next_share(share: float, before: float, reached: float, tolerance: float) -> float:
    """Of marches, the share of the tolerance for the next one, where the last but one had an error."""
    return min(CHECK_SHARE * share, 0.5 * tolerance / reached * before)
