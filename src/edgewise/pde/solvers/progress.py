"""What solvers report while they work, why they end, and sentences about what counts against an answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sized
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, running
from edgewise.pde.results.checkpoint import Checkpoint
from edgewise.pde.settings import CHECK_SHARE, CONTRADICTION, UNDETERMINED

# What equations tell of a change is vanishing where it is below such a share of their terms and halves on a finer grid. Of
# problems with one solution it was 1e-3 and more, at resonance 1e-5 on the first grids, which have its waves roughly.
_FADING = 1e-4
# Where the last steps of Newton's method failed: on a grid or a mesh.
UNCONVERGED = "Newton's method did not converge on the last {}: there may be no solution near."


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


@contextmanager
def working(meter: Meter) -> Generator[None]:
    """Work that is counted, on one thread; numbers that are not finite are dealt with where they arise."""
    with one_thread(), running(meter), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        yield


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


def way_share(share: float, first: bool) -> float:
    """Share of all the work of marches: the first takes less than those after it."""
    return 0.4 * share if first else 0.4 + 0.6 * share


def next_share(share: float, before: float, reached: float, tolerance: float) -> float:
    """Of marches, the share of the tolerance for the next one, where the last but one had an error."""
    return min(CHECK_SHARE * share, 0.5 * tolerance / reached * before)


def ended_at(time: float, after: str = "") -> str:
    """A sentence where a march was ended from outside."""
    return f"It was ended at time {time:g}, before the end of the domain{after}."


def contradicting(share: float, start: bool = False) -> str:
    """A sentence where conditions differ by more than rounding, relative to their size; "" where they do not."""
    if not share > CONTRADICTION:
        return ""
    where = (
        "two parts of the boundary, or it and the start, meet" if start else "two parts of the boundary meet"
    )
    advice = "; jumps=True states that this is meant" if start else ""
    return f"Conditions contradict each other where {where}, by {share:.1e} of their size{advice}."


def undetermined(weakest: float, before: float = 0.0) -> str:
    """A sentence where the equations hardly tell of some change of the unknowns, or ever less on finer grids."""
    if not (weakest < UNDETERMINED or weakest < min(_FADING, 0.5 * before)):
        return ""
    return (
        "The equations and conditions do not determine the unknowns: other functions meet them as well; a condition may be "
        "missing, or the problem may be at resonance."
    )
