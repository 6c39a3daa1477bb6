"""Problems with a beginning and no end: one slab of time after the other, each as long and on as fine a grid as it needs.

In a slab the unknowns are polynomials in time and splines in space. Residuals are orthogonal to as many test functions,
at Radau places in time, so that stiff equations need no small steps; where an unknown has no equation with its time
derivative, as a pressure, they are made small by least squares. What a slab lacks is seen from the last Legendre modes of
the unknowns and by their jumps: along time it is shortened, along a coordinate of space its intervals are halved there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.fields.field import Field, interpolate, next_modes, widest
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import WeightingSpace
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.discretisation.free_constants import open_constants
from edgewise.pde.domains.box import Box
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.checkpoint import Checkpoint, MarchRun
from edgewise.pde.results.outcome import OtherGrid, RoadOutcome
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.settings import (
    BANDLESS,
    CHECK_SHARE,
    FIRST_INTERVALS,
    FIRST_SLABS,
    IMBALANCE,
    MOST_MARCHES,
    SLAB_SHARE,
    SolverConfig,
)
from edgewise.pde.solvers.levels import BoxSystem, Level, first_spaces, own_equations, solve_level
from edgewise.pde.solvers.newton import GridSolution
from edgewise.pde.solvers.progress import Progress, contradicting, ended_at, next_share, stopped, way_share
from edgewise.pde.solvers.road import SolverRun

# What space may lack, as a share of what time may.
_SPACE_SHARE = 0.03
# More intervals would follow a kink in the data, not their course.
_FINEST = 64


@dataclass(frozen=True, eq=False)
class March:
    """Slabs of time with what was found in each.

    Attributes
    ----------
    slabs : tuple of Level
        In the order of time.
    axis : int
        Number of the coordinate of time.
    tolerance : float
        What each slab met.
    message : str
        Why it ended early; empty where it did not.
    """

    slabs: tuple[Level, ...]
    axis: int
    tolerance: float
    message: str = ""


def as_run(slabs: Sequence[Level], axis: int, tolerance: float, complete: bool) -> MarchRun:
    """Slabs to be kept and gone on from."""
    return MarchRun(
        Pieces(tuple(slab.solution.fields for slab in slabs), axis),
        tuple(slab.indicator for slab in slabs),
        tuple(slab.contradiction for slab in slabs),
        tolerance,
        complete,
    )


def slabs_of(run: MarchRun) -> list[Level]:
    """The slabs that were kept."""
    return [
        Level(
            widest(fields),
            GridSolution(fields, np.zeros(0), 0.0, 0, True, 1.0),
            contradiction,
            np.inf,
            (),
            indicator,
            0.0,
            0.0,
            False,
        )
        for fields, indicator, contradiction in zip(
            run.pieces.fields, run.indicators, run.contradictions, strict=True
        )
    ]


def march(
    system: BoxSystem,
    domain: Box,
    tolerance: float,
    config: SolverConfig,
    on_level: Callable[[Level, float, float], None],
    slabs: list[Level],
    near: Pieces | None,
) -> March:
    """Goes through time in slabs, each solved to the tolerance.

    Parameters
    ----------
    system : BoxSystem
    domain : Box
    tolerance : float
        Relative error that a slab may add.
    config : SolverConfig
    on_level : callable
        Gets each slab, its estimated error and the share of time that is done.
    slabs : list
        They are put here as they are solved, for who interrupts; those that are there already are gone on from.
    near : Pieces, optional
        All unknowns of an earlier march, with which Newton's steps begin, and the first grids.
    """
    axis = domain.time
    assert axis is not None
    low, high = domain.bounds[axis]
    spaces = list(first_spaces(domain.bounds, domain.periodic, system.degrees, FIRST_INTERVALS))
    length = (high - low) / FIRST_SLABS
    if near is not None:
        # On the same grids two marches would lack the same.
        begun, more = widest(near.fields[0]), CHECK_SHARE
        spaces = [space.denser(more ** (-1 / (space.degree + 1))) for space in begun]
        length = begun[axis].high - begun[axis].low
    # What a grid in space lacks dies out within a slab, and time would have to follow that: space is to be finer than time.
    fine = _SPACE_SHARE * tolerance
    at, failures, message = low, 0, ""
    tests = evolution_tests(system, axis)
    known: dict[int, Field] | None = None
    if slabs:
        # Going on from an earlier march: all that it knew follows from its last slab.
        at, spaces, known = (
            slabs[-1].spaces[axis].high,
            list(slabs[-1].spaces),
            _handed_on(system, slabs[-1], axis),
        )
        lacks = _lacking(system, slabs[-1].solution.fields, axis, _SPACE_SHARE)
        length = _longer(slabs[-1].spaces[axis], float(np.sqrt((lacks[axis] ** 2).sum())), tolerance)
    while at < high:
        # A rest shorter than half a slab would be a slab of its own.
        rest = high - at
        stop = high if length > 0.999 * rest else at + (rest / 2 if length > 0.6 * rest else length)
        spaces[axis] = Space(np.array([at, stop]), system.degrees[axis])
        level = solve_level(
            system, tuple(spaces), _guess(system, slabs, tuple(spaces), axis, near), known, tests
        )
        whole = system.whole(level.solution.fields)
        lacks = _lacking(system, whole, axis, _SPACE_SHARE)
        errors = [float(np.sqrt((lack**2).sum())) for lack in lacks]
        in_time, in_space = errors[axis], max((e for a, e in enumerate(errors) if a != axis), default=0.0)
        on_level(level, max(errors), (at - low) / (high - low))
        change = _change(in_time, tolerance, system.degrees[axis])
        if level.solution.converged and in_time <= tolerance and in_space <= fine:
            failures = 0
            slabs.append(replace(level, solution=replace(level.solution, fields=whole)))
            known = _handed_on(system, slabs[-1], axis)
            length = _longer(level.spaces[axis], in_time, tolerance)
            at = stop
            continue
        failures += 1
        if failures > config.most_failures or stop - at < _SHORTEST * (high - low):
            message = f"It ended at time {at:g}: no slab from there meets the tolerance."
            break
        if in_time > tolerance:
            length = (stop - at) * float(np.clip(change, 0.2, 0.9))
        if in_space > fine:
            spaces = [
                space if a == axis else _finer(space, lack, fine)
                for a, (space, lack) in enumerate(zip(level.spaces, lacks, strict=True))
            ]
        elif in_time <= tolerance:
            length = (stop - at) / 2
        # Flows are solved for in their velocities without divergence alone: no band has to fit into memory.
        most = config.most_coefficients * (BANDLESS if system.solenoidal is not None else 1)
        if np.prod([s.size for s in spaces]) * len(system.names) > most:
            message = f"It ended at time {at:g}: the next grid would have more than {most:,} coefficients."
            break
    return March(tuple(slabs), axis, tolerance, message)


def _finer(space: Space, lacks: Floats, fine: float) -> Space:
    """The intervals that lack much halved; where all are alike, no more of them than it takes."""
    marked = lacks > max(0.1 * lacks.max(), fine / space.intervals)
    if marked.all() and np.ptp(np.diff(space.breaks)) < 1e-9 * (space.high - space.low):
        return space.equal(1.1 * float(np.sqrt((lacks**2).sum()) / fine) ** (1 / (space.degree + 1)))
    return space.refined(marked)


def _change(in_time: float, tolerance: float, degree: int) -> float:
    """How much longer a slab might have been, by what it lacks along time."""
    return float((0.5 * tolerance / max(in_time, 1e-3 * tolerance)) ** (1 / (degree + 1)))


def _longer(space: Space, in_time: float, tolerance: float) -> float:
    """Length of the slab after one that was accepted, by what that one lacks along time."""
    change = _change(in_time, tolerance, space.degree)
    return (space.high - space.low) * float(np.clip(change, 0.5, 1.8))


def _lacking(system: BoxSystem, whole: Sequence[Field], axis: int, share: float) -> tuple[Floats, ...]:
    """What a slab lacks along each coordinate, interval by interval.

    A pressure is read off the velocities and not followed by them: it may lack in space what they may lack in time.
    """
    if system.solenoidal is None:
        return next_modes(whole)
    p = system.solenoidal.pressure
    moving = next_modes(whole, [f for f in range(len(whole)) if f != p])
    return tuple(
        np.maximum(own, other * (1.0 if a == axis else share))
        for a, (own, other) in enumerate(zip(moving, next_modes(whole, [p]), strict=True))
    )


def _handed_on(system: BoxSystem, level: Level, axis: int) -> dict[int, Field]:
    """The values of the conditions at the start of the next slab, by their number."""
    end, fields = level.spaces[axis].high, system.marching(level.solution.fields)
    return {
        n: _across(fields[face.field], axis, end, face.end.weights)
        for n, face in enumerate(system.faces.built_in)
        if face.face.axis == axis and not face.face.high
    }


def evolution_tests(system: BoxSystem, axis: int) -> tuple[WeightingSpace, ...] | None:
    """WeightingSpace functions in space and time, one set an equation, where every unknown has an equation with its own
    time derivative.

    In space they are the splines themselves; in time the derivatives of the trial functions, as many orders as there are
    conditions at the start, which are all polynomials of the right degree (the continuous Galerkin-Petrov method; A. K. Aziz
    and P. Monk 1989, doi:10.1090/S0025-5718-1989-0983310-2). Without such equations, as for a pressure, there are none.
    """
    found = own_equations(system, lambda orders: orders[axis])
    if found is None:
        return None
    starts = [
        sum(b.field == f and b.face.axis == axis and not b.face.high for b in system.faces.built_in)
        for f in range(len(system.names))
    ]
    return tuple(
        WeightingSpace(f, tuple(starts[f] if a == axis else 0 for a in range(len(system.degrees))))
        for f, _ in found
    )


def _across(field: Field, axis: int, at: float, weights: tuple[float, ...]) -> Field:
    """The unknown (or the derivative across that a condition weighs) at a time, as a spline in space."""
    space = field.spaces[axis]
    row = sum(w * space.design(np.array([at]), k)[0] for k, w in enumerate(weights) if w)
    others = tuple(s for a, s in enumerate(field.spaces) if a != axis)
    return Field(others, np.tensordot(row, field.coefficients, axes=(0, axis)))


def _guess(
    system: BoxSystem, slabs: list[Level], spaces: tuple[Space, ...], axis: int, near: Pieces | None
) -> tuple[Field, ...] | None:
    """What Newton's steps in a slab begin with: an earlier march, or the end of the slab before for all of its time."""
    if near is not None:
        skipped = None if system.solenoidal is None else system.solenoidal.pressure
        moving = [f for f in range(len(near.fields[0])) if f != skipped]
        places = [system.own(n, spaces) for n in range(len(moving))]
        return tuple(
            Field(own, interpolate(own, near.grid(f, [s.greville for s in own])))
            for f, own in zip(moving, places, strict=True)
        )
    if not slabs:
        return None
    found = []
    for f, field in enumerate(system.marching(slabs[-1].solution.fields)):
        edge = _across(field, axis, field.spaces[axis].high, (1.0,))
        own = system.own(f, spaces)
        moved = edge.on([s for a, s in enumerate(own) if a != axis]).coefficients
        found.append(Field(own, np.repeat(np.expand_dims(moved, axis), spaces[axis].size, axis=axis)))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class MarchRoad:
    """Two marches or more through time, slab by slab: the answer is that of the last but one, its error seen by the last."""

    system: BoxSystem
    axis: int
    faces: FaceConditions
    resume: Checkpoint | None = None

    def solve(self, problem: Problem, tolerance: float, run: SolverRun) -> RoadOutcome:
        """The last march but one, with its error by the last."""
        system, axis, resume, config = self.system, self.axis, self.resume, run.config
        domain, flow = problem.box, system.solenoidal
        assert domain is not None
        kept = list(resume.runs) if resume is not None else []
        runs: list[March] = []
        so_far: list[Level] = []

        def checkpoint() -> Checkpoint:
            done = [as_run(one.slabs, axis, one.tolerance, True) for one in runs]
            begun = [as_run(so_far, axis, share * base, False)] if so_far else []
            return Checkpoint(problem, tolerance, (*done, *begun))

        def on_level(level: Level, error: float, share: float) -> None:
            progress = Progress(
                "march",
                error,
                float(np.sqrt(level.solution.objective)),
                way_share(share, not runs),
                tuple(s.intervals for s in level.spaces),
                checkpoint,
            )
            run.show(progress)

        base = min(tolerance, config.loosest)
        share, before = SLAB_SHARE, SLAB_SHARE

        def marches() -> None:
            nonlocal share, before
            while len(runs) < MOST_MARCHES:
                known = kept[len(runs)] if len(runs) < len(kept) else None
                so_far[:] = [] if known is None else slabs_of(known)
                if known is not None and known.complete:
                    runs.append(March(tuple(so_far), axis, share * base))
                else:
                    near = _pieces_of(runs[-1]) if runs else None
                    runs.append(march(system, domain, share * base, config, on_level, so_far, near))
                if runs[-1].message:
                    return
                reached = max(_errors(runs)) if len(runs) > 1 else tolerance
                if len(runs) > 1 and reached <= tolerance:
                    return
                share, before = next_share(share, before, reached, tolerance), share

        reason = stopped(marches, run.meter) or StopReason.EXHAUSTED
        if not runs and not so_far:
            return outcome_of_start(problem, self.faces, axis, "march", reason, config)
        complete = [one for one in runs if not one.message]
        # The last march estimates the error of the one before, which is the answer.
        answer = complete[-2:][0] if complete else None
        slabs = answer.slabs if answer else (runs[-1].slabs if runs else tuple(so_far))
        warnings: list[str] = []
        if not slabs:
            reason_of_it = run.doubt or (
                "The conditions at the start may not fit the equations, or jump there, which a box through time cannot "
                f"follow{', with jumps=True either' if problem.jumps else ''}: write a jump as steep but smooth, such as "
                "tanh(x/0.01) for a start of 1 beside a wall at 0."
            )
            raise InputError(f"No first slab of time meets the tolerance. {runs[-1].message} {reason_of_it}")
        if runs and runs[-1].message:
            warnings.append(runs[-1].message)
        elif not complete:
            warnings.append(ended_at(slabs[-1].spaces[axis].high))
        contradiction = max(slab.contradiction for slab in slabs)
        if not problem.jumps:
            warnings.append(contradicting(contradiction))
        leak = (
            max((flow.leak(slab.solution.fields) for slab in slabs), default=0.0) if flow is not None else 0.0
        )
        if leak > max(IMBALANCE, 100 * tolerance):
            warnings.append(
                f"What flows in through the boundary and what flows out do not balance: a divergence of {leak:.1e} of its "
                "terms is left, so that there is no solution."
            )
        errors = _errors(complete) if len(complete) > 1 else (float("inf"),) * len(problem.names)
        return RoadOutcome(
            Pieces(tuple(slab.solution.fields for slab in slabs), axis),
            errors,
            "the difference from a march with a smaller tolerance"
            + open_constants(problem.names, [flow.pressure] if flow is not None else []),
            road="march",
            stop_reason=reason,
            warnings=tuple(warnings),
            neighbour=OtherGrid(_pieces_of(complete[-1]), 1 / _more(complete)) if len(complete) > 1 else None,
        )


def _unresolved(run: March) -> tuple[float, ...]:
    """What the grids of the worst slab lack in space, relative to each unknown: two marches may have the same grids."""
    found: list[list[float]] = []
    for slab in run.slabs:
        fields = slab.solution.fields
        lacks = [next_modes(fields, [n]) for n in range(len(fields))]
        found.append([sum(float((e**2).sum()) for a, e in enumerate(own) if a != run.axis) for own in lacks])
    return tuple(np.sqrt(np.max(found, axis=0)).tolist())


def _pieces_of(run: March) -> Pieces:
    return Pieces(tuple(slab.solution.fields for slab in run.slabs), run.axis)


def _more(runs: Sequence[March]) -> float:
    """The share of its error that the last march but one is apart from the last."""
    return 1 - runs[-1].tolerance / runs[-2].tolerance


# Slabs shorter than such a share of the whole end a march.
_SHORTEST = 1e-10
# Marches whose slabs are alike differ by rounding; errors below such a share of their tolerance are not told apart.
_LEAST = 1e-3


def _errors(runs: Sequence[March]) -> tuple[float, ...]:
    """Estimated relative error of each unknown in the last march but one.

    The last is more exact by a known share: an error is at most the distance of the two and that share of itself.
    """
    rough, fine = runs[-2:]
    apart = _pieces_of(fine).distance(_pieces_of(rough))
    least = _LEAST * fine.tolerance
    return tuple(max(d / _more(runs), own, least) for d, own in zip(apart, _unresolved(rough), strict=True))


def outcome_of_start(
    problem: Problem, faces: FaceConditions, axis: int, road: str, reason: StopReason, config: SolverConfig
) -> RoadOutcome:
    """The start for all of time, with an error of which nothing is known, where a march was ended before its first slab.

    Parameters
    ----------
    problem : Problem
    faces : FaceConditions
    axis : int
        Number of the coordinate of time.
    road : str
    reason : StopReason
        What ended it.
    config : SolverConfig
    """
    assert problem.box is not None
    sentence = (
        "It was ended before the first slab of time: the state at the start is held, which says nothing about later times. "
        + reason.advice
    )
    return RoadOutcome(
        _start_held(problem.box, faces, axis, len(problem.names), config),
        [float("inf")] * len(problem.names),
        "nothing was solved",
        road,
        reason,
        (sentence,),
    )


def _start_held(domain: Box, faces: FaceConditions, axis: int, count: int, config: SolverConfig) -> Pieces:
    """The data of the start as splines that stay the same along time; zero where an unknown has none, as a pressure."""
    starts = {
        face.field: face
        for face in faces.built_in
        if face.face.axis == axis and not face.face.high and len(face.end.weights) == 1
    }
    intervals, before = FIRST_INTERVALS, None
    while True:
        spaces = tuple(
            Space(np.array([low, high]), 1)
            if a == axis
            else Space(np.linspace(low, high, intervals + 1), config.degree, around)
            for a, ((low, high), around) in enumerate(zip(domain.bounds, domain.periodic, strict=True))
        )
        places = list(np.meshgrid(*(space.greville for space in spaces), indexing="ij"))
        shape = places[0].shape
        places[axis] = np.full(shape, domain.bounds[axis][0])
        fields: list[Field] = []
        for f in range(count):
            data = starts[f].data(*places) / starts[f].end.weights[0] if f in starts else 0.0
            values = np.broadcast_to(np.asarray(data, dtype=float), shape)
            # As files hold it, so that what is read again has the same bits.
            fields.append(Field(spaces, np.ascontiguousarray(interpolate(spaces, values))))
        found = Pieces((tuple(fields),), axis)
        settled = before is not None and max(found.distance(before)) < config.loosest
        finer = 2 ** (len(spaces) - 1) * fields[0].coefficients.size
        if settled or 2 * intervals > _FINEST or finer > config.most_coefficients:
            return found
        before, intervals = found, 2 * intervals
