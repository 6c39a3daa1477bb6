"""From a problem to its solution: choose the road, go on until the estimated error is within the tolerance, state what
was reached.

    solution = ansatz (splines with the conditions built in) x projection (least squares, or Galerkin along time) x
    refinement

Steady problems are solved on one grid after the other; problems with a beginning and no end slab by slab, twice, with two
tolerances, so that the error can be estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from edgewise._core.arguments import as_callables
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_choice, check_float
from edgewise._core.config import chosen
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, check_seconds, check_work, running
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.checkpoint import Checkpoint
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import TIME_DEGREE, SolverConfig
from edgewise.pde.solvers.by_levels import LevelsRoad
from edgewise.pde.solvers.by_products import DEGREE, check_products
from edgewise.pde.solvers.family import FamilyRoad
from edgewise.pde.solvers.levels import BoxSystem, energy_tests
from edgewise.pde.solvers.march import MarchRoad
from edgewise.pde.solvers.on_mesh import MeshRoad
from edgewise.pde.solvers.on_mesh_in_time import TimedMeshRoad
from edgewise.pde.solvers.progress import Progress, working
from edgewise.pde.solvers.road import Road, SolverRun
from edgewise.pde.solvers.solenoidal import degrees_of, solenoidal
from edgewise.pde.solvers.wave_march import WavesRoad, turns_fast, wave_system
from edgewise.pde.solvers.well_posedness import ill_posed

# Tolerance of the members of a family, in units of its own.
_FAMILY_SHARE = 0.3

# Of what flows in and out on the boundary, so much may be lost by sums over places.
_INFLOW = 1e-3


@own_settings
def solve(
    problem: Problem | Any,
    tolerance: float = 1e-6,
    *,
    road: str = "auto",
    work: str | float = "normal",
    seconds: float | None = None,
    callbacks: Callable[[Progress], object] | Sequence[Callable[[Progress], object]] = (),
    config: SolverConfig | None = None,
    resume: Checkpoint | None = None,
) -> Solution:
    """Solve a problem to a tolerance.

    Parameters
    ----------
    problem : Problem
    tolerance : float
        Relative L2 error that is asked for, from 1e-13 to 0.1.
    road : "auto" or "products"
        How: by what suits the problem (`Solution.road` names it), or, of two coordinates, by one network of products
        of functions of one coordinate, trained in space and time at once.
    work : "quick", "normal", "thorough" or float
        How large grids may become.
    seconds : float, optional
        Interrupts after so long; what there is by then is returned, and marked as interrupted.
    callbacks : callable or sequence of callable
        Each gets a `Progress` for every grid and slab; returning True stops.
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
        Where an argument is out of range, or the time is over before there is anything to return (of marches through time
        there is always the start).

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
        raise InputError(argument="problem", expected="be a Problem", got=type(problem).__name__)
    if problem.eigenvalue is not None:
        raise InputError(
            f"The problem leaves the eigenvalue '{problem.eigenvalue}' open; use eigen(problem)."
        )
    if problem.constants:
        raise InputError(
            f"The problem has the constant '{problem.constants[0]}'; solve takes numbers. identify(problem, data) finds "
            "constants from data."
        )
    check_float(tolerance, "tolerance", low=1e-13, high=0.1)
    check_choice(road, "road", ("auto", "products"))
    if road == "products":
        check_products(problem, resume)
    constants = chosen(config, SolverConfig()).scaled(check_work(work))
    listeners = as_callables(callbacks)
    meter = Meter(seconds=check_seconds(seconds))
    run = SolverRun(constants, meter, listeners)

    def member(one: Problem) -> Solution:
        return solve(one, _FAMILY_SHARE * tolerance, work=work, callbacks=listeners, config=config)

    by_members = bool(problem.domain.parameters) and problem.domain.time is None
    with running(meter) if by_members else working(meter):
        if by_members:
            way = FamilyRoad(member)
        else:
            way, run = _road(problem, tolerance, run, road, resume)
        found = way.solve(problem, tolerance, run)
        reason = StopReason.CONVERGED if found.error <= tolerance else found.stop_reason
        found = replace(found, stop_reason=reason, warnings=(run.doubt, *found.warnings))
        return Solution.of(found, problem, tolerance, meter.seconds)


def _road(
    problem: Problem, tolerance: float, run: SolverRun, asked: str, resume: Checkpoint | None
) -> tuple[Road, SolverRun]:
    """The way to the solution that suits a problem, and what it works under, with what speaks against the problem."""
    domain = problem.box
    if domain is None:
        timed = problem.domain.time is not None
        if timed and resume is not None:
            raise InputError(argument="resume", expected="be for marches on boxes", advice="leave it out")
        return TimedMeshRoad() if timed else MeshRoad(), run
    symbols = [coordinate.tree for coordinate in domain.coordinates]
    inside = compile_equations([equation.residual for equation in problem.equations], problem.fields, symbols)
    faces, axis = face_conditions(problem), domain.time
    run = replace(run, doubt=ill_posed(domain, inside, faces))
    if asked == "products":
        return LevelsRoad(asked, BoxSystem(problem.names, inside, faces, (DEGREE,) * 2)), run
    if axis is None or not _only_begins(problem, axis):
        system = BoxSystem(problem.names, inside, faces, (run.config.degree,) * len(symbols))
        if problem.jumps or len(symbols) > 2:
            system = replace(system, tests=energy_tests(system))
        if resume is not None:
            raise InputError(
                argument="resume", expected="be for problems that march through time", advice="leave it out"
            )
        return LevelsRoad("grid", system), run
    degrees = tuple(TIME_DEGREE if a == axis else run.config.degree for a in range(len(symbols)))
    system = without_pressure(problem, BoxSystem(problem.names, inside, faces, degrees), axis)
    waves = wave_system(domain, inside, faces, axis)
    loosest = min(tolerance, run.config.loosest)
    if waves is not None and resume is None and turns_fast(waves, loosest):
        return WavesRoad(waves, faces), run
    if resume is not None:
        resume.check(problem, tolerance)
    return MarchRoad(system, axis, faces, resume), run


def _only_begins(problem: Problem, axis: int) -> bool:
    """Whether time has conditions at its start, one an unknown, and none at its end.

    Equations of second order in time (waves) are not marched: what one slab hands on to the next grew in trials.
    """
    faces = [face for condition in problem.conditions for face in condition.part.faces if face.axis == axis]
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
