"""A problem with a beginning and no end, from its equations to its solution: marches through time, each with a smaller
tolerance, until the last two are close enough. The last estimates the error of the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter
from edgewise.pde.discretisation.free_constants import open_constants
from edgewise.pde.discretisation.modes import next_modes
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.checkpoint import Checkpoint
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import OtherGrid, Solution
from edgewise.pde.settings import CONTRADICTION, IMBALANCE, MOST_MARCHES, SLAB_SHARE, SolverConfig
from edgewise.pde.solvers.levels import BoxSystem, Level
from edgewise.pde.solvers.march import March, as_run, march, marched, slabs_of
from edgewise.pde.solvers.progress import Progress, next_share, show, stopped


def solved_by_march(
    problem: Problem,
    system: BoxSystem,
    axis: int,
    tolerance: float,
    config: SolverConfig,
    meter: Meter,
    callbacks: Sequence[Callable[[Progress], object]],
    resume: Checkpoint | None,
    doubt: str,
    held: Callable[[StopReason], Solution],
) -> Solution:
    """The solution by the last march but one, with its error by the last."""
    domain, flow = problem.domain, system.solenoidal
    kept = list(resume.runs) if resume is not None else []
    runs: list[March] = []
    so_far: list[Level] = []

    def checkpoint() -> Checkpoint:
        done = [as_run(run.slabs, axis, run.tolerance, True) for run in runs]
        begun = [as_run(so_far, axis, share * base, False)] if so_far else []
        return Checkpoint(problem, tolerance, (*done, *begun))

    def on_level(level: Level, error: float, share: float) -> None:
        progress = Progress(
            "march",
            error,
            float(np.sqrt(level.solution.objective)),
            0.4 * share if not runs else 0.4 + 0.6 * share,
            tuple(s.intervals for s in level.spaces),
            checkpoint,
        )
        show(callbacks, progress)

    base = min(tolerance, config.loosest)
    share, before = SLAB_SHARE, SLAB_SHARE

    def marches() -> None:
        nonlocal share, before
        while len(runs) < MOST_MARCHES:
            run = kept[len(runs)] if len(runs) < len(kept) else None
            so_far[:] = [] if run is None else slabs_of(run)
            if run is not None and run.complete:
                runs.append(marched(so_far, axis, share * base))
            else:
                known = _pieces(runs[-1]) if runs else None
                runs.append(
                    march(
                        system,
                        domain.bounds,
                        domain.periodic,
                        axis,
                        share * base,
                        config,
                        on_level,
                        so_far,
                        known,
                    )
                )
            if runs[-1].message:
                return
            reached = max(_errors(runs)) if len(runs) > 1 else tolerance
            if len(runs) > 1 and reached <= tolerance:
                return
            share, before = next_share(share, before, reached, tolerance), share

    reason = stopped(marches, meter) or StopReason.CONVERGED
    if not runs and not so_far:
        return held(reason)
    complete = [run for run in runs if not run.message]
    # The last march estimates the error of the one before, which is the answer.
    answer = complete[-2:][0] if complete else None
    slabs = answer.slabs if answer else (runs[-1].slabs if runs else tuple(so_far))
    warnings = [doubt] if doubt else []
    if not slabs:
        reason_of_it = doubt or "The conditions at the start may not fit the equations."
        raise InputError(f"No first slab of time meets the tolerance. {runs[-1].message} {reason_of_it}")
    if runs and runs[-1].message:
        warnings.append(runs[-1].message)
        reason = StopReason.EXHAUSTED
    elif not complete:
        warnings.append(
            f"It was ended at time {slabs[-1].spaces[axis].high:g}, before the end of the domain."
        )
    contradiction = max(slab.contradiction for slab in slabs)
    if contradiction > CONTRADICTION and not problem.jumps:
        warnings.append(
            f"Conditions contradict each other where two parts of the boundary meet, by {contradiction:.1e} of their size."
        )
    leak = max((flow.leak(slab.solution.fields) for slab in slabs), default=0.0) if flow is not None else 0.0
    if leak > max(IMBALANCE, 100 * tolerance):
        warnings.append(
            f"What flows in through the boundary and what flows out do not balance: a divergence of {leak:.1e} of its terms "
            "is left, so that there is no solution."
        )
    errors = dict.fromkeys(problem.names, float("inf"))
    if len(complete) > 1:
        errors = dict(zip(problem.names, _errors(complete), strict=True))
    if max(errors.values()) > tolerance and reason is StopReason.CONVERGED:
        reason = StopReason.EXHAUSTED
    return Solution(
        problem,
        Pieces(tuple(slab.solution.fields for slab in slabs), axis),
        max(errors.values()),
        errors,
        "the difference from a march with a smaller tolerance"
        + open_constants(problem.names, [flow.pressure] if flow is not None else []),
        tolerance,
        "march",
        reason,
        tuple(warnings),
        meter.seconds,
        int(sum(field.coefficients.size for slab in slabs for field in slab.solution.fields)),
        neighbour=OtherGrid(_pieces(complete[-1]), 1 / _more(complete)) if len(complete) > 1 else None,
    )


def _unresolved(run: March) -> tuple[float, ...]:
    """What the grids of the worst slab lack in space, relative to each unknown: two marches may have the same grids."""
    found: list[list[float]] = []
    for slab in run.slabs:
        fields = slab.solution.fields
        lacks = [next_modes(fields, [n]) for n in range(len(fields))]
        found.append([sum(float((e**2).sum()) for a, e in enumerate(own) if a != run.axis) for own in lacks])
    return tuple(np.sqrt(np.max(found, axis=0)).tolist())


def _pieces(run: March) -> Pieces:
    return Pieces(tuple(slab.solution.fields for slab in run.slabs), run.axis)


def _more(runs: Sequence[March]) -> float:
    """The share of its error that the last march but one is apart from the last."""
    return 1 - runs[-1].tolerance / runs[-2].tolerance


def _errors(runs: Sequence[March]) -> tuple[float, ...]:
    """Estimated relative error of each unknown in the last march but one.

    The last is more exact by a known share: an error is at most the distance of the two and that share of itself.
    """
    rough, fine = runs[-2:]
    apart = _pieces(fine).distance(_pieces(rough))
    return tuple(max(d / _more(runs), own, 1e-15) for d, own in zip(apart, _unresolved(rough), strict=True))
