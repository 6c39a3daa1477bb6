"""A problem with a beginning and no end, from its equations to its solution: marches through time, each with a smaller
tolerance, until the difference of two of them is small enough."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError
from edgewise.pde.discretisation.loose import told
from edgewise.pde.discretisation.modes import next_modes
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.checkpoint import Checkpoint
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.levels import BoxSystem, Level
from edgewise.pde.solvers.march import March, as_run, march, marched, slabs_of
from edgewise.pde.solvers.progress import Progress


def solved_by_march(
    problem: Problem,
    system: BoxSystem,
    axis: int,
    tolerance: float,
    config: SolverConfig,
    meter: Meter,
    callback: Callable[[Progress], object] | None,
    resume: Checkpoint | None,
    doubt: str,
) -> Solution:
    """The solution by the last of several marches, with its error by the one before."""
    domain, flow = problem.domain, system.solenoidal
    kept = list(resume.runs) if resume is not None else []
    runs: list[March] = []
    reason = StopReason.CONVERGED
    so_far: list[Level] = []

    def checkpoint() -> Checkpoint:
        done = [as_run(run.slabs, axis, run.tolerance, True) for run in runs]
        begun = [as_run(so_far, axis, share * base, False)] if so_far else []
        return Checkpoint(problem, tolerance, (*done, *begun))

    def heard(level: Level, error: float, share: float) -> None:
        told = Progress(
            "march",
            error,
            float(np.sqrt(level.solution.objective)),
            (0.3 * share if not runs else 0.3 + 0.7 * share),
            tuple(s.intervals for s in level.spaces),
            checkpoint,
        )
        if callback is not None and callback(told) is True:
            raise StopError(StopReason.CALLBACK)

    base = min(tolerance, config.loosest)
    share = config.rough_tolerance
    try:
        while len(runs) < config.most_marches:
            run = kept[len(runs)] if len(runs) < len(kept) else None
            so_far[:] = [] if run is None else slabs_of(run)
            if run is not None and run.complete:
                runs.append(marched(so_far, axis, share * base))
            else:
                runs.append(
                    march(system, domain.bounds, domain.periodic, axis, share * base, config, heard, so_far)
                )
            if runs[-1].message:
                break
            reached = (
                max(*_apart(runs, axis, flow is not None), *_unresolved(runs[-1]))
                if len(runs) > 1
                else np.inf
            )
            if reached <= tolerance:
                break
            share = config.slab_share if len(runs) == 1 else share * min(0.3, 0.3 * tolerance / reached)
    except StopError as stop:
        reason = meter.own(stop)
    except KeyboardInterrupt:
        if not so_far and not runs:
            raise
        reason = StopReason.INTERRUPTED
    if not runs and not so_far:
        raise InputError("The time of solve was over before the first slab of time; give more 'seconds'.")
    complete = [run for run in runs if not run.message]
    slabs = complete[-1].slabs if complete else (runs[-1].slabs if runs else tuple(so_far))
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
    if contradiction > config.contradiction and not problem.jumps:
        warnings.append(
            f"Conditions contradict each other where two parts of the boundary meet, by {contradiction:.1e} of their size."
        )
    leak = max((flow.leak(slab.solution.fields) for slab in slabs), default=0.0) if flow is not None else 0.0
    if leak > max(config.imbalance, 100 * tolerance):
        warnings.append(
            f"What flows in through the boundary and what flows out do not balance: a divergence of {leak:.1e} of its terms "
            "is left, so that there is no solution."
        )
    pieces = Pieces(tuple(slab.solution.fields for slab in slabs), axis)
    errors = dict.fromkeys(problem.names, float("inf"))
    if len(complete) > 1:
        both = zip(_apart(complete, axis, flow is not None), _unresolved(complete[-1]), strict=True)
        errors = dict(zip(problem.names, map(max, both), strict=True))
    if max(errors.values()) > tolerance and reason is StopReason.CONVERGED:
        reason = StopReason.EXHAUSTED
    return Solution(
        problem,
        pieces,
        max(errors.values()),
        errors,
        "the difference from a march with a larger tolerance, scaled by the fall of the residuals"
        + told(problem.names, [flow.pressure] if flow is not None else []),
        tolerance,
        "march",
        reason,
        tuple(warnings),
        meter.seconds,
        int(sum(field.coefficients.size for slab in slabs for field in slab.solution.fields)),
    )


def _unresolved(run: March) -> tuple[float, ...]:
    """What the grids of the worst slab lack in space, relative to each unknown: two marches may have the same grids."""
    found: list[list[float]] = []
    for slab in run.slabs:
        fields = slab.solution.fields
        lacks = [next_modes(fields, [n]) for n in range(len(fields))]
        found.append([sum(float((e**2).sum()) for a, e in enumerate(own) if a != run.axis) for own in lacks])
    return tuple(np.sqrt(np.max(found, axis=0)).tolist())


def _apart(runs: list[March], axis: int, by_grids: bool) -> tuple[float, ...]:
    """Estimated relative error of each unknown at the end of the last march.

    The difference from the march before is that one's error, and it fell as the residuals did, or as what grids lack where
    residuals hold a pressure that is not solved for; but not further than slabs and grids were asked to become finer.
    """
    rough, fine = runs[-2:]
    asked = fine.tolerance / rough.tolerance
    fall = [fine.indicator / max(rough.indicator, 1e-300)] * len(runs[0].slabs[0].solution.fields)
    if by_grids:
        fall = [b / max(a, 1e-300) for a, b in zip(*map(_unresolved, (rough, fine)), strict=True)]
    pieces = [Pieces(tuple(slab.solution.fields for slab in run.slabs), axis) for run in (fine, rough)]
    apart = pieces[0].distance(pieces[1])
    return tuple(max(d * min(max(f, asked), 1.0), 1e-15) for d, f in zip(apart, fall, strict=True))
