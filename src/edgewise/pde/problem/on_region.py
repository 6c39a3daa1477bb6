"""Problems on boxes as problems on plane regions."""

from __future__ import annotations

from edgewise.pde.domains.box import Box
from edgewise.pde.domains.region import region_of
from edgewise.pde.problem.problem import Condition, Problem


def on_region(problem: Problem) -> Problem:
    """The same problem, its box a region and its conditions on the edges of the same names; others as they are."""
    if not isinstance(problem.domain, Box):
        return problem
    region = region_of(problem.domain)
    conditions = [
        Condition(region.boundary[face.name], each.equation)
        for each in problem.conditions
        for face in each.part.faces
    ]
    return Problem(region, problem.equations, conditions)
