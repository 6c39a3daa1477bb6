"""Which unknowns of a problem are the velocities of a plane flow, read from the equations."""

from __future__ import annotations

from typing import Any

import sympy as sp

from edgewise.pde.problem.problem import Problem


def velocities(problem: Problem) -> tuple[str, str] | None:
    """Two unknowns of a plane that the equations state to have no divergence."""
    space = [each.tree for each in problem.domain.coordinates if not each.time]
    if len(space) != 2:
        return None
    names: dict[Any, str] = dict(zip(problem.fields, problem.names, strict=True))
    for each in problem.equations:
        terms = sp.Add.make_args(each.residual)
        pairs = [(t.args[0], t.variables) for t in terms if isinstance(t, sp.Derivative)]
        if len(terms) == len(pairs) == 2:
            along = {steps[0]: field for field, steps in pairs if len(steps) == 1}
            if set(along) == set(space) and len(set(along.values())) == 2:
                return names[along[space[0]]], names[along[space[1]]]
    return None
