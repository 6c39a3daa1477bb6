"""From a problem to its solution: choose the road, go on until the estimated error is within the tolerance, say what
was reached.

    solution = ansatz (splines with the conditions built in) x projection (least squares, or Galerkin along time) x
    refinement

Steady problems are solved on one grid after the other; problems with a beginning and no end slab by slab, twice, with two
tolerances, so that the error can be estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from edgewise._core.checks import check_float
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.discretisation.loose import told
from edgewise.pde.discretisation.modes import next_modes
from edgewise.pde.domains.region import Region
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.checkpoint import Checkpoint
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.family import solve_family
from edgewise.pde.solvers.growth import ill_posed
from edgewise.pde.solvers.levels import (
    BoxSystem,
    Level,
    energy_tests,
    estimate,
    first_spaces,
    solve_levels,
)
from edgewise.pde.solvers.march import March, as_run, march, marched, slabs_of
from edgewise.pde.solvers.norms import norms
from edgewise.pde.solvers.on_mesh import solved_on_mesh
from edgewise.pde.solvers.progress import Progress
from edgewise.pde.solvers.solenoidal import degrees_of, solenoidal

# Of what flows in and out on the boundary, so much may be lost by sums over places.
_INFLOW = 1e-3


def solve(
    problem: Problem | Any,
    tolerance: float = 1e-6,
    *,
    work: str | float = "normal",
    seconds: float | None = None,
    callback: Callable[[Progress], object] | None = None,
    config: SolverConfig | None = None,
    resume: Checkpoint | None = None,
) -> Solution:
    """Solve a problem to a tolerance.

    Parameters
    ----------
    problem : Problem
    tolerance : float
        Relative L2 error that is asked for, from 1e-13 to 0.1.
    work : "quick", "normal", "thorough" or float
        How large grids may become.
    seconds : float, optional
        Interrupts after so long; what there is by then is returned, and says so.
    callback : callable, optional
        Gets a `Progress` for every grid and slab; returning True stops.
    config : SolverConfig, optional
        Constants of the solver.
    resume : Checkpoint, optional
        Goes on from what an earlier march through time had found (`progress.checkpoint()` in a callback), to the same
        bits as without the interruption.

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        Where an argument is out of range, or the time is over before there is anything to return.

    Examples
    --------
    >>> from edgewise import pde
    >>> (x,), t = pde.coordinates("x"), pde.time()
    >>> u = pde.unknown("u", x, t)
    >>> rod = pde.box({x: (0, 1), t: (0, 0.1)})
    >>> problem = pde.Problem(
    ...     rod,
    ...     [pde.dx(u, t) == pde.dx(u, x, 2)],
    ...     [pde.on(rod.boundary["walls"], u == 0), pde.on(rod.boundary["start"], u == pde.sin(pde.pi * x))],
    ... )
    >>> solution = pde.solve(problem, tolerance=1e-6)
    >>> solution.road, round(solution(0.5, 0.1), 4)
    ('march', 0.3727)
    """
    if not isinstance(problem, Problem):
        raise InputError(f"The 'problem' parameter of solve must be a Problem. Got {type(problem).__name__}.")
    if problem.eigenvalue is not None:
        raise InputError(
            f"The problem leaves the eigenvalue '{problem.eigenvalue}' open; use eigen(problem)."
        )
    if problem.constants:
        raise InputError(
            f"The problem has the constant '{problem.constants[0]}'; solve takes numbers. identify(problem, data) finds "
            "constants from data."
        )
    check_float(tolerance, "tolerance", low=1e-13, high=0.1, of="solve")
    constants = (config or SolverConfig()).scaled(check_work(work, "solve"))
    meter = Meter(seconds=check_seconds(seconds, "solve"))
    if isinstance(problem.domain, Region):
        with one_thread(), running(meter), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return solved_on_mesh(problem, tolerance, constants, meter, callback)
    if problem.domain.parameters and problem.domain.time is None:

        def member(one: Problem) -> Solution:
            return solve(one, constants.family_share * tolerance, work=work, callback=callback, config=config)

        with running(meter):
            return solve_family(problem, member, tolerance, constants, meter)
    symbols = [each.tree for each in problem.domain.coordinates]
    inside = compile_equations([each.residual for each in problem.equations], problem.fields, symbols)
    faces = face_conditions(problem)
    axis = problem.domain.time
    marches = axis is not None and _only_begins(problem, axis)
    degrees = tuple(
        constants.time_degree if marches and a == axis else constants.degree for a in range(len(symbols))
    )
    system = BoxSystem(problem.names, inside, faces, degrees)
    if marches and axis is not None:
        system = without_pressure(problem, system, axis)
    if (problem.jumps or len(symbols) > 2) and not marches:
        system = replace(system, tests=energy_tests(system))
    with one_thread(), running(meter), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        doubt = ill_posed(problem.domain, inside, faces)
        if marches:
            assert axis is not None
            if resume is not None:
                resume.check(problem, tolerance)
            return _marched(problem, system, axis, tolerance, constants, meter, callback, resume, doubt)
        if resume is not None:
            raise InputError(
                "The 'resume' parameter of solve is for problems that march through time; leave it out."
            )
        return _refined(problem, system, tolerance, constants, meter, callback, doubt)


def _only_begins(problem: Problem, axis: int) -> bool:
    """Whether time has conditions at its start, one an unknown, and none at its end.

    Equations of second order in time (waves) are not marched: what one slab hands on to the next grew in trials.
    """
    faces = [face for each in problem.conditions for face in each.part.faces if face.axis == axis]
    return {face.high for face in faces} == {False} and len(faces) <= len(problem.names)


def without_pressure(problem: Problem, system: BoxSystem, axis: int) -> BoxSystem:
    """The equations of a flow in its velocities alone; others as they are."""
    found = solenoidal(problem, system.faces, axis)
    if found is None:
        return system
    flow, faces = found
    more = flow.inflow(faces, problem.domain.bounds)
    if more > _INFLOW:
        raise InputError(
            f"The velocities on the boundary let in and out what differs by {more:.1e} of both: no flow without divergence "
            "has them. Correct the conditions on the walls."
        )
    names = tuple(name for f, name in enumerate(system.names) if f != flow.pressure)
    lower = degrees_of(flow, len(names), len(system.degrees))
    return BoxSystem(names, flow.inside, faces, system.degrees, None, lower, flow)


def _refined(
    problem: Problem,
    system: BoxSystem,
    tolerance: float,
    config: SolverConfig,
    meter: Meter,
    callback: Callable[[Progress], object] | None,
    doubt: str,
) -> Solution:
    levels: list[Level] = []
    reason = StopReason.EXHAUSTED

    def heard(level: Level, error: float) -> None:
        levels.append(level)
        progress = Progress(
            "grid",
            error,
            float(np.sqrt(level.solution.objective)),
            None,
            tuple(s.intervals for s in level.spaces),
        )
        if callback is not None and callback(progress) is True:
            raise StopError(StopReason.CALLBACK)

    spaces = first_spaces(
        problem.domain.bounds, problem.domain.periodic, system.degrees, config.first_intervals
    )
    try:
        solve_levels(system, spaces, tolerance, config, heard)
    except StopError as stop:
        reason = meter.own(stop)
    except KeyboardInterrupt:
        if not levels:
            raise
        reason = StopReason.INTERRUPTED
    if not levels:
        raise InputError("The time of solve was over before the first grid; give more 'seconds'.")
    last = levels[-1]
    error = estimate(levels) if len(levels) > 1 else float("inf")
    if error <= tolerance:
        reason = StopReason.CONVERGED
    ratio = error / max(last.change, 1e-300)
    before = levels[-2].solution.fields if len(levels) > 1 else None
    errors = {
        name: float("inf")
        if before is None
        else ratio * norms([field], [before[n]])[1] / max(norms([field])[0], 1e-300)
        for n, (name, field) in enumerate(zip(problem.names, last.solution.fields, strict=True))
    }
    return Solution(
        problem,
        Pieces((last.solution.fields,), None),
        error,
        errors,
        "the change to the last grid, scaled by the fall of the residuals"
        + told(problem.names, system.loose),
        tolerance,
        "grid",
        reason,
        (*filter(None, [doubt]), *_doubts(levels, system, problem.jumps, tolerance, config)),
        meter.seconds,
        int(sum(field.coefficients.size for field in last.solution.fields)),
    )


def _doubts(
    levels: list[Level], system: BoxSystem, jumps: bool, tolerance: float, config: SolverConfig
) -> tuple[str, ...]:
    """What speaks against the answer on the last grid."""
    last = levels[-1]
    found: list[str] = []
    if last.contradiction > config.contradiction and not jumps:
        found.append(
            f"Conditions contradict each other where two parts of the boundary meet, by "
            f"{last.contradiction:.1e} of their size."
        )
    if last.solution.weakest < config.undetermined:
        found.append(
            "The equations and conditions do not determine the unknowns: other functions meet them as well; "
            "a condition may be missing, or the problem may be at resonance."
        )
    if last.violation > max(config.violation * tolerance, 1e-9):
        found.append(
            f"Conditions that could not be built in are missed by {last.violation:.1e} of their terms; they "
            f"may contradict others."
        )
    fell = last.solution.objective / max(levels[-2].solution.objective, 1e-300) if len(levels) > 1 else 0.0
    judged = len(levels) > 2 and not last.weak
    if (judged or system.loose) and last.relative > config.residual_left and fell > config.residual_fall:
        found.append(
            f"The residuals do not fall on finer grids ({last.relative:.1e} of the terms of the equations are left): "
            + (
                "sources inside and flows through the boundary may not balance, and then there is no solution."
                if system.loose
                else "the equations and conditions may have no solution."
            )
        )
    if not last.solution.converged:
        found.append("Newton's method did not converge on the last grid: there may be no solution near.")
    return tuple(found)


def _marched(
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
