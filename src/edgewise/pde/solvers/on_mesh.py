"""A problem on a plane region, a surface or a solid, from its equations to its solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise.pde.discretisation.free_constants import open_constants
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.problem import Problem
from edgewise.pde.problem.weak import weak_form
from edgewise.pde.results.outcome import OtherGrid, RoadOutcome
from edgewise.pde.settings import IMBALANCE
from edgewise.pde.solvers.energy_bound import bound_by
from edgewise.pde.solvers.mesh_levels import MeshLevel, left_of, solve_meshes
from edgewise.pde.solvers.progress import (
    UNCONVERGED,
    Progress,
    contradicting,
    ended,
    undetermined,
)
from edgewise.pde.solvers.road import SolverRun


@dataclass(frozen=True, eq=False)
class MeshRoad:
    """One mesh of a shape after the other."""

    def solve(self, problem: Problem, tolerance: float, run: SolverRun) -> RoadOutcome:
        """The solution on the last mesh but one, with its error by the last."""
        region: Any = problem.domain
        form = weak_form(problem)
        levels: list[MeshLevel] = []

        def on_level(level: MeshLevel) -> None:
            levels.append(level)
            lacks = float(np.sqrt(level.lacks.sum()))
            progress = Progress("mesh", max(level.change), lacks, None, (level.galerkin.mesh.count,))
            run.show(progress)

        reason = ended(
            lambda: solve_meshes(region, form, tolerance, run.config, on_level),
            run.meter,
            levels,
            "solve",
            "mesh",
        )
        chosen = levels[-2] if len(levels) > 1 else levels[-1]
        last = levels[-1]
        errors = left_of(levels) if last.converged else (float("inf"),) * len(problem.names)
        return RoadOutcome(
            chosen.pieces,
            errors,
            "the change to a mesh of higher degree"
            + open_constants(problem.names, last.loose)
            + said_of_facets(region, last.imbalance),
            road="mesh",
            stop_reason=reason,
            warnings=_doubts(region, last, tolerance),
            slope_error=max(last.slope_change),
            energy=bound_by(last.galerkin, last.pieces, chosen.pieces) if len(levels) > 1 else None,
            neighbour=OtherGrid(last.pieces, 1.0) if len(levels) > 1 else None,
        )


def said_of_facets(region: Region | Solid | TriangleSurface, imbalance: float = 0.0) -> str:
    """What facets leave of a curved solid or surface, which no mesh of them can show."""
    if region.sagitta <= 1e-6 * region.size:
        return ""
    kind = "surface" if region.on_surface else "solid"
    return (
        f"; for the {kind} of flat facets, which lie up to about {region.sagitta:.1e} off the curves they stand for"
        + (f", where {imbalance:.1e} of the sources was balanced by an even one" if imbalance > 1e-9 else "")
    )


def _doubts(region: Region | Solid | TriangleSurface, last: MeshLevel, tolerance: float) -> tuple[str, ...]:
    """What counts against the answer."""
    found = [contradicting(last.contradiction), undetermined(last.weakest)]
    if not last.converged:
        found.append(UNCONVERGED.format("mesh"))
    # What is balanced on a smooth surface is not quite on its facets.
    by_facets = 10 * region.sagitta / region.size if region.on_surface else 0.0
    if last.imbalance > max(IMBALANCE, 100 * tolerance, by_facets):
        found.append(
            f"Sources inside and flows through the boundary do not balance: {last.imbalance:.1e} of them is left, so "
            "that there is no solution."
        )
    if not last.definite:
        found.append(
            "The weights of the second derivatives change their sign within the domain: the problem has no solution that "
            "depends on its data."
        )
    return tuple(found)
