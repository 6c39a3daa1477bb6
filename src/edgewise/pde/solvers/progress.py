"""What solvers report while they work, why they end, and sentences about what counts against an answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason, tell
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, running
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.checkpoint import Checkpoint
from edgewise.pde.settings import CHECK_SHARE, CONTRADICTION, UNDETERMINED, SolverConfig

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


@dataclass(frozen=True, eq=False)
class SolverTask:
    """A problem, and what a solver works under.

    Attributes
    ----------
    problem : Problem
    tolerance : float
    config : SolverConfig
    meter : Meter
    callbacks : sequence of callable
        Each gets every `Progress`.
    doubt : str
        What spoke against the problem before; empty where nothing did.
    """

    problem: Problem
    tolerance: float
    config: SolverConfig
    meter: Meter
    callbacks: Sequence[Callable[[Progress], object]]
    doubt: str = ""


@contextmanager
def working(meter: Meter) -> Generator[None]:
    """Work that is counted, on one thread; numbers that are not finite are dealt with where they arise."""
    with one_thread(), running(meter), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        yield


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
