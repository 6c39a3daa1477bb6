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
from scipy.optimize import linear_sum_assignment

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.assembly import WeightingSpace
from edgewise.pde.discretisation.field import Field, interpolate, widest
from edgewise.pde.discretisation.modes import next_modes
from edgewise.pde.discretisation.space import Space
from edgewise.pde.results.checkpoint import MarchRun
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.settings import BANDLESS, CHECK_SHARE, FIRST_INTERVALS, FIRST_SLABS, SolverConfig
from edgewise.pde.solvers.gauss_newton import GridSolution
from edgewise.pde.solvers.levels import BoxSystem, Level, first_spaces, solve_level

# What space may lack, as a share of what time may.
_SPACE_SHARE = 0.03


@dataclass(frozen=True, eq=False)
class March:
    """Slabs of time with what was found in each.

    Attributes
    ----------
    slabs : tuple of Level
        In the order of time.
    axis : int
        Number of the coordinate of time.
    indicator : float
        The error by the residuals of all slabs.
    reached : float
        Time up to which the equations were solved.
    tolerance : float
        What each slab met.
    message : str
        Why it ended early; empty where it did not.
    """

    slabs: tuple[Level, ...]
    axis: int
    indicator: float
    reached: float
    tolerance: float
    message: str = ""

    @property
    def edges(self) -> np.ndarray:
        """Where slabs meet, both ends included."""
        return np.array(
            [self.slabs[0].spaces[self.axis].low, *(s.spaces[self.axis].high for s in self.slabs)]
        )


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


def marched(slabs: Sequence[Level], axis: int, tolerance: float, message: str = "") -> March:
    """A march of these slabs."""
    indicator = float(np.sqrt(sum(s.indicator**2 for s in slabs)))
    return March(
        tuple(slabs), axis, indicator, slabs[-1].spaces[axis].high if slabs else 0.0, tolerance, message
    )


def march(
    system: BoxSystem,
    bounds: tuple[tuple[float, float], ...],
    periodic: tuple[bool, ...],
    axis: int,
    tolerance: float,
    config: SolverConfig,
    on_level: Callable[[Level, float, float], None] = lambda level, error, share: None,
    so_far: list[Level] | None = None,
    near: Pieces | None = None,
) -> March:
    """Goes through time in slabs, each solved to the tolerance.

    Parameters
    ----------
    system : BoxSystem
    bounds, periodic : tuple, one entry a coordinate
    axis : int
        Number of the coordinate of time.
    tolerance : float
        Relative error that a slab may add.
    config : SolverConfig
    on_level : callable
        Gets each slab, its estimated error and the share of time that is done.
    so_far : list, optional
        Slabs are put here as they are solved, for who interrupts; those that are there already are gone on from.
    near : Pieces, optional
        All unknowns of an earlier march, with which Newton's steps begin, and the first grids.
    """
    low, high = bounds[axis]
    spaces = list(first_spaces(bounds, periodic, system.degrees, FIRST_INTERVALS))
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
    slabs: list[Level] = [] if so_far is None else so_far
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
        errors = [float(np.sqrt((each**2).sum())) for each in lacks]
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
        if failures > config.most_failures:
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
    return marched(slabs, axis, tolerance, message)


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
        n: _across(fields[each.field], axis, end, each.end.weights)
        for n, each in enumerate(system.faces.built_in)
        if each.face.axis == axis and not each.face.high
    }


def evolution_tests(system: BoxSystem, axis: int) -> tuple[WeightingSpace, ...] | None:
    """WeightingSpace functions in space and time, one set an equation, where every unknown has an equation with its own
    time derivative.

    In space they are the splines themselves; in time the derivatives of the trial functions, as many orders as there are
    conditions at the start, which are all polynomials of the right degree (the continuous Galerkin-Petrov method; A. K. Aziz
    and P. Monk 1989, doi:10.1090/S0025-5718-1989-0983310-2). Without such equations, as for a pressure, there are none.
    """
    if system.faces.weak or system.inside.count != len(system.names):
        return None
    order = np.zeros((system.inside.count, len(system.names)))
    for e, j in system.inside.entries:
        f, orders = system.inside.jets[j]
        order[e, f] = max(order[e, f], orders[axis])
    rows, columns = linear_sum_assignment(-order)
    if (order[rows, columns] == 0).any():
        return None
    starts = [
        sum(b.field == f and b.face.axis == axis and not b.face.high for b in system.faces.built_in)
        for f in range(len(system.names))
    ]
    return tuple(
        WeightingSpace(int(f), tuple(starts[f] if a == axis else 0 for a in range(len(system.degrees))))
        for f in columns
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
