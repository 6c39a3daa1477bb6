"""A problem on a plane region, a surface or a solid through time, from its equations to its solution.

It is marched through all of time on one mesh after the other, each finer, and in slabs of a smaller tolerance. The answer is
that of the last mesh but one: its error is what the last one changes, in the mean over the shape and time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from edgewise._core.arrays import Floats
from edgewise._core.stopping import StopReason
from edgewise.pde.discretisation.free_constants import open_constants
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.problem.problem import Problem
from edgewise.pde.problem.through_time import timed_form
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.outcome import OtherGrid, RoadOutcome
from edgewise.pde.settings import CHECK_SHARE, CONTRADICTION, SLAB_SHARE, TIME_DEGREE
from edgewise.pde.solvers.mesh_levels import left_by
from edgewise.pde.solvers.mesh_march import MeshMarch
from edgewise.pde.solvers.on_mesh import said_of_facets
from edgewise.pde.solvers.progress import Progress, contradicting, ended, ended_at
from edgewise.pde.solvers.refinement import meshes_of
from edgewise.pde.solvers.road import SolverRun
from edgewise.pde.solvers.well_posedness import grows_with_time

# What slabs of time may lack on the first mesh of a shape, relative to the unknowns.
_FIRST_LACKS = 1e-3
# Slabs on the next mesh are shorter by this factor at least: with nine stages their error is a tenth then.
_SLAB_FALL = 0.8

# Times in a slab at which two marches are compared, and at which elements tell what they lack.
_COMPARED, _LOOKED_AT = 4, 2


@dataclass(frozen=True, eq=False)
class _TimedLevel:
    """What a march on one mesh gave.

    Attributes
    ----------
    march : MeshMarch
    slabs : MeshSlabs
    change : tuple of float, one an unknown
        Relative L2 difference from the march before, over the shape and time; infinite at first.
    lacks : ndarray, shape (L,)
        Energy of the modes that each element lacks, in the mean over time, relative to the largest of the unknowns.
    """

    march: MeshMarch
    slabs: MeshSlabs
    change: tuple[float, ...]
    lacks: Floats


@dataclass(frozen=True, eq=False)
class TimedMeshRoad:
    """Marches through time on one mesh of a shape after the other."""

    def solve(self, problem: Problem, tolerance: float, run: SolverRun) -> RoadOutcome:
        """The solution by the march on the last mesh but one, with its error by the last."""
        config = run.config
        timed, domain = timed_form(problem), problem.domain
        assert isinstance(domain, SpaceTime)
        symbols = [coordinate.tree for coordinate in domain.coordinates]
        inside = compile_equations(
            [equation.residual for equation in problem.equations], problem.fields, symbols
        )
        doubt = grows_with_time(domain, inside, domain.time)
        levels: list[_TimedLevel] = []
        begun: list[MeshMarch] = []

        def marches() -> None:
            allowed = max(_FIRST_LACKS, tolerance)
            for galerkin, tell in meshes_of(domain.shape, timed.still, config):
                allowed = min(allowed, _FIRST_LACKS if not levels else CHECK_SHARE * allowed)
                march = MeshMarch(galerkin, timed, domain.span, _stages(tolerance), allowed, config)
                if levels:
                    # What begins at nothing is not followed to digits of nothing.
                    march.scales = np.maximum(march.scales, levels[-1].march.scales)
                begun.append(march)
                error = min((max(level.change) for level in levels), default=float("inf"))

                def on_slab(share: float, march: MeshMarch = march, error: float = error) -> None:
                    progress = Progress("march", error, march.tolerance, share, (march.galerkin.mesh.count,))
                    run.show(progress)

                march.run(on_slab, _shorter(levels[-1].slabs) if levels else None)
                if march.message:
                    return
                levels.append(_level(march, levels[-1] if levels else None))
                if len(levels) > 1:
                    allowed = min(allowed, SLAB_SHARE * max(levels[-1].change))
                    same = levels[-1].slabs.mesh.like(levels[-2].slabs.mesh)
                    if same and max(_left(levels)) <= tolerance:
                        return
                    if levels[-1].march.start.contradiction > CONTRADICTION and not problem.jumps:
                        return
                if 2 * levels[-1].slabs.coefficients > config.timed_numbers:
                    return
                tell(levels[-1].lacks)

        reason = ended(marches, run.meter, begun, "solve", "mesh")
        return _outcome(problem, doubt, levels, begun, reason)


def _stages(tolerance: float) -> int:
    """More of them for more digits: an odd number, so that one eigenvalue is real."""
    return int(np.clip(2 * round(-np.log10(tolerance) / 2) + 1, 3, TIME_DEGREE))


def _shorter(before: MeshSlabs) -> Callable[[float], float]:
    """How long slabs may be so that they are more exact than others by far: what both do alike shows no error."""
    lengths = _SLAB_FALL * np.diff(before.edges)

    def most(time: float) -> float:
        # The slab that begins there, not one that ends there but for rounding.
        late = time + 1e-9 * float(np.ptp(before.edges))
        return float(lengths[np.searchsorted(before.edges[1:-1], late, side="right")])

    return most


def _level(march: MeshMarch, before: _TimedLevel | None) -> _TimedLevel:
    slabs = _slabs_of(march)
    change = (np.inf,) * len(march.timed.orders)
    if before is not None:
        change = _apart(slabs, before.slabs, march.galerkin)
    total = np.zeros(march.galerkin.mesh.count)
    largest, span = float((march.scales**2).sum()), float(np.ptp(slabs.edges))
    for low, high in zip(slabs.edges[:-1], slabs.edges[1:], strict=True):
        for time in np.linspace(low, high, _LOOKED_AT):
            pieces = slabs.at_time(float(time))
            values = np.concatenate([field.values for field in pieces.fields])
            size = sum(norm**2 for norm in march.norms(values))
            total += (
                (high - low) / span / _LOOKED_AT * size / max(largest, 1e-300) * np.nan_to_num(pieces.lacks())
            )
    return _TimedLevel(march, slabs, change, total)


def _slabs_of(march: MeshMarch) -> MeshSlabs:
    edges = np.array([march.slabs[0].low, *(slab.high for slab in march.slabs)])
    start = MeshPieces(march.galerkin.fields(march.start.state[0]))
    return MeshSlabs(start, edges, tuple(slab.tables for slab in march.slabs))


def _left(levels: Sequence[_TimedLevel]) -> tuple[float, ...]:
    """Estimated errors of the last level but one, as on meshes without time."""
    return left_by([level.change for level in levels], levels[-1].slabs.mesh)


def _apart(fine: MeshSlabs, coarse: MeshSlabs, galerkin: Galerkin) -> tuple[float, ...]:
    """Relative L2 difference of each unknown over the shape and time, at the places of the finer mesh."""
    nodes, shares = np.polynomial.legendre.leggauss(_COMPARED)
    lows, highs = fine.edges[:-1, None], fine.edges[1:, None]
    times = (lows + (highs - lows) * (nodes + 1) / 2).ravel()
    weights = ((highs - lows) * shares / 2).ravel()
    sizes: list[float] = []
    differences: list[float] = []
    for f in range(len(fine.slabs[0])):
        own = galerkin.slices[f]
        across = _between(galerkin, f, coarse.start)
        size = apart = 0.0
        for first in range(0, len(times), 64):
            part = slice(first, first + 64)
            mine = fine.values(f, times[part])
            theirs = (across @ coarse.values(f, times[part]).T).T
            for weight, one, other in zip(weights[part], mine, mine - theirs, strict=True):
                size += weight * _squared(galerkin, own, one)
                apart += weight * _squared(galerkin, own, other)
        sizes.append(size)
        differences.append(apart)
    largest = max(sizes)
    # An unknown that vanishes has no relative error of its own.
    return tuple(
        float(np.sqrt(d / max(s, 1e-12 * largest, 1e-300))) for d, s in zip(differences, sizes, strict=True)
    )


def _squared(galerkin: Galerkin, own: slice, values: Floats) -> float:
    whole = np.zeros(galerkin.count)
    whole[own] = values
    return max(float(whole @ galerkin.moments(whole)), 0.0)


def _between(galerkin: Galerkin, unknown: int, coarse: MeshPieces) -> Any:
    """The matrix from coefficients on another mesh to those of one: values at its places."""
    own, first = np.unique(galerkin.numberings[unknown].table, return_index=True)
    element, local = coarse.at_nodes(galerkin.numberings[unknown])
    element, local = element[first], local[first]
    table = coarse.fields[unknown].numbering.table
    shape = (galerkin.numberings[unknown].count, len(coarse.fields[unknown].values))
    parts: list[Any] = []
    for begin in range(0, len(own), 4096):
        part = slice(begin, begin + 4096)
        basis, columns = coarse.basis(unknown, local[part]), table[element[part]]
        rows = np.repeat(own[part], columns.shape[1])
        parts.append(sparse.csr_matrix((basis.ravel(), (rows, columns.ravel())), shape=shape))
    total = parts[0]
    for item in parts[1:]:
        total = total + item
    return total


def _outcome(
    problem: Problem,
    doubt: str,
    levels: Sequence[_TimedLevel],
    begun: Sequence[MeshMarch],
    reason: StopReason,
) -> RoadOutcome:
    domain: Any = problem.domain
    last = begun[-1]
    warnings = [doubt, last.message]
    errors = (float("inf"),) * len(problem.names)
    if levels:
        chosen, march = levels[-2:][0].slabs, levels[-2:][0].march
        if len(levels) > 1 and not last.message:
            errors = _left(levels)
    else:
        chosen, march = _unfinished(last), last
        if not last.message:
            when = last.slabs[-1].high if last.slabs else domain.span[0]
            warnings.append(ended_at(when, ": the state there is held"))
    if not problem.jumps:
        warnings.append(contradicting(march.start.contradiction, start=True))
    return RoadOutcome(
        chosen,
        errors,
        "the change to a finer mesh and shorter slabs of time"
        + open_constants(problem.names, march.start.loose)
        + said_of_facets(domain.shape),
        road="mesh march",
        stop_reason=reason,
        warnings=tuple(warnings),
        neighbour=OtherGrid(levels[-1].slabs, 1.0) if len(levels) > 1 else None,
    )


def _unfinished(march: MeshMarch) -> MeshSlabs:
    """The slabs of a march that was ended, and the last state held from there on."""
    low, high = march.span
    when = march.slabs[-1].high if march.slabs else low
    state = (
        np.concatenate([table.sum(0) for table in march.slabs[-1].tables])
        if march.slabs
        else march.start.state[0]
    )
    held = tuple(state[own][None] for own in march.system.slices)
    edges = [low, *(slab.high for slab in march.slabs)]
    slabs = [slab.tables for slab in march.slabs]
    if when < high:
        edges, slabs = [*edges, high], [*slabs, held]
    return MeshSlabs(MeshPieces(march.galerkin.fields(march.start.state[0])), np.array(edges), tuple(slabs))
