"""From one grid after the other, or one sum of products after the other, to the answer with its error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgewise.pde.discretisation.free_constants import open_constants
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.outcome import OtherGrid, RoadOutcome
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.settings import FIRST_INTERVALS, LINE_INTERVALS, RESIDUAL_LEFT
from edgewise.pde.solvers.by_products import grow_products, products_error
from edgewise.pde.solvers.error_estimates import differences, slope_difference
from edgewise.pde.solvers.levels import BoxSystem, Level, estimate, first_spaces, solve_levels
from edgewise.pde.solvers.progress import (
    UNCONVERGED,
    Progress,
    contradicting,
    ended,
    undetermined,
)
from edgewise.pde.solvers.road import SolverRun

# Conditions met in the mean may be missed by so many tolerances of their terms before it is reported.
_VIOLATION = 100.0
# Residuals that fall by less than this factor on the last grid are reported.
_RESIDUAL_FALL = 0.5

# How the error is found, by road.
_HOW = {
    "grid": "the change to the last grid, scaled by the fall of the residuals",
    "products": "what the last products and grids changed, as a series that falls as the residuals do",
}


@dataclass(frozen=True, eq=False)
class LevelsRoad:
    """All at once: on one grid after the other, or by one sum of products after the other, as `road` names it."""

    road: str
    system: BoxSystem

    def solve(self, problem: Problem, tolerance: float, run: SolverRun) -> RoadOutcome:
        """The solution on the last of the grids, or by the last sum of products."""
        road, system = self.road, self.system
        levels: list[Level] = []

        def on_level(level: Level, error: float) -> None:
            levels.append(level)
            progress = Progress(
                road,
                error,
                float(np.sqrt(level.solution.objective)),
                None,
                tuple(s.intervals for s in level.spaces),
            )
            run.show(progress)

        def refine() -> None:
            if road == "products":
                grow_products(problem, system, tolerance, run.config, on_level)
                return
            bounds = problem.domain.bounds
            intervals = FIRST_INTERVALS if len(bounds) > 1 else LINE_INTERVALS
            spaces = first_spaces(bounds, problem.domain.periodic, system.degrees, intervals)
            solve_levels(system, spaces, tolerance, run.config, on_level)

        reason = ended(refine, run.meter, levels, "solve", "grid")
        last = levels[-1]
        error = (
            (products_error if road == "products" else estimate)(levels) if len(levels) > 1 else float("inf")
        )
        ratio = error / max(last.change, 1e-300)
        before = levels[-2].solution.fields if len(levels) > 1 else None
        errors = (
            [float("inf")] * len(problem.names)
            if before is None
            else [ratio * change for change in differences(last.solution.fields, before)]
        )
        slope_error = neighbour = None
        axes = [a for a, coordinate in enumerate(problem.domain.coordinates) if not coordinate.time]
        if before is not None and axes:
            # With each halving of intervals derivatives gain a factor 2 less than values.
            k = min(system.degrees)
            every = zip(last.solution.fields, before, strict=True)
            fall = min(ratio, 1.0) ** (k / (k + 1))
            slope_error = fall * max(slope_difference(a, b, axes) for a, b in every)
            neighbour = OtherGrid(Pieces((before,), None), fall)
        return RoadOutcome(
            Pieces((last.solution.fields,), None),
            errors,
            _HOW[road] + open_constants(problem.names, system.loose),
            road=road,
            stop_reason=reason,
            warnings=_doubts(levels, system, road, problem.jumps, tolerance),
            coefficients=last.solution.free.size if road == "products" else None,
            whole=error,
            slope_error=slope_error,
            neighbour=neighbour,
        )


def _doubts(
    levels: list[Level], system: BoxSystem, road: str, jumps: bool, tolerance: float
) -> tuple[str, ...]:
    """What counts against the answer on the last grid."""
    last = levels[-1]
    before = levels[-2].solution.weakest if len(levels) > 1 else 0.0
    fell = last.solution.objective / max(levels[-2].solution.objective, 1e-300) if len(levels) > 1 else 0.0
    judged = not last.weak and len(levels) > (2 if road == "products" else 1)
    left = (judged or system.loose) and last.relative > RESIDUAL_LEFT and fell > _RESIDUAL_FALL
    # Of a course that its grid does not follow, nothing tells whether others meet the equations as well.
    lost = left and len(last.spaces) == 1
    weakest = math.inf if lost else last.solution.weakest
    found = ["" if jumps else contradicting(last.contradiction), undetermined(weakest, before)]
    if last.violation > max(_VIOLATION * tolerance, 1e-9):
        found.append(
            f"Conditions that could not be built in are missed by {last.violation:.1e} of their terms; they "
            f"may contradict others."
        )
    if left:
        why = "the equations and conditions may have no solution"
        if system.loose:
            why = (
                "sources inside and flows through the boundary may not balance, and then there is no solution"
            )
        elif lost:
            why += ", or the range is long for what happens in it: solve a part of it, then the next from its end"
        found.append(
            f"The residuals do not fall on finer grids ({last.relative:.1e} of the terms of the equations are left): {why}."
        )
    if not last.solution.converged:
        found.append(UNCONVERGED.format("grid"))
    return tuple(found)
