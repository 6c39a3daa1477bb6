"""One solution for a family of problems: a parameter is a further input of the unknowns.

No derivative is taken by a parameter, so that every value of it has a problem of its own. These are solved at Chebyshev
places, each on the grid that it needs, and joined by a polynomial of the parameter; 3, 5, 9, ... members, each time those
between the ones before, until the polynomial predicts the new members well enough (L. N. Trefethen, "Approximation Theory
and Approximation Practice", 2013, chapter 4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy.core.function import AppliedUndef

from edgewise._core.stopping import StopReason
from edgewise._core.work import StopError
from edgewise.fields.field import Field
from edgewise.fields.space import Space
from edgewise.pde.domains.box import Box
from edgewise.pde.domains.parts import Face, Part
from edgewise.pde.problem.problem import Condition, Problem
from edgewise.pde.results.outcome import RoadOutcome
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.solvers.error_estimates import norms
from edgewise.pde.solvers.progress import ended
from edgewise.pde.solvers.road import SolverRun
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import Equation, Expr

# Values of a parameter that are solved for at most; one more than a power of two.
_MOST_MEMBERS = 17


def member_of(problem: Problem, axis: int, value: float) -> Problem:
    """The problem at one value of a parameter."""
    domain = problem.box
    assert domain is not None
    kept = [a for a in range(len(domain.coordinates)) if a != axis]
    symbol = domain.coordinates[axis].tree
    trees = [item.residual for item in (*problem.equations, *(c.equation for c in problem.conditions))]
    fields = {f for tree in trees for f in tree.atoms(AppliedUndef) if f.func != NORMAL}
    names: dict[Any, Any] = {f: f.func(*(a for a in f.args if a != symbol)) for f in fields}
    names[symbol] = Expr(value).tree

    def at_value(equation: Equation) -> Equation:
        return Equation(*(Expr(side.tree.xreplace(names)) for side in (equation.left, equation.right)))

    def across(part: Part) -> Part:
        faces = (Face(f.name, f.axis - (f.axis > axis), f.high) for f in part.faces)
        return Part(part.name, tuple(faces))

    return Problem(
        Box(
            tuple(domain.coordinates[a] for a in kept),
            tuple(domain.bounds[a] for a in kept),
            tuple(domain.periodic[a] for a in kept),
        ),
        [at_value(item) for item in problem.equations],
        [Condition(across(condition.part), at_value(condition.equation)) for condition in problem.conditions],
        jumps=problem.jumps,
    )


@dataclass(frozen=True, eq=False)
class FamilyRoad:
    """Member by member: problems at values of a parameter, each solved by `member`."""

    member: Callable[[Problem], Solution]

    def solve(self, problem: Problem, tolerance: float, run: SolverRun) -> RoadOutcome:
        """Members at more and more values of the last parameter, joined along it."""
        axis = problem.domain.parameters[-1]
        low, high = problem.domain.bounds[axis]
        members: dict[float, Solution] = {}
        joined: list[Field] = []
        errors = [float("inf")] * len(problem.names)
        change, before, count = np.inf, np.inf, 3

        def members_joined() -> None:
            nonlocal errors, change, before, count
            while count <= _MOST_MEMBERS:
                places = (1 - np.cos(np.pi * np.arange(count) / (count - 1))) / 2
                for share in places:
                    if float(share) not in members:
                        members[float(share)] = self.member(
                            member_of(problem, axis, float(low + (high - low) * share))
                        )
                        if members[float(share)].stop_reason in (StopReason.CALLBACK, StopReason.INTERRUPTED):
                            raise StopError(members[float(share)].stop_reason)
                finer = _joined([members[float(share)] for share in places], axis, (low, high))
                if joined:
                    fields = [field.on(new.spaces) for field, new in zip(joined, finer, strict=True)]
                    changes = [
                        norms([new], [old])[1] / max(norms([new])[0], 1e-300)
                        for new, old in zip(finer, fields, strict=True)
                    ]
                    before, change = change, max(changes)
                    # The change is the error before. It falls with its square, or that of its last fall; half is counted on.
                    fall = min(change / before if np.isfinite(before) else np.sqrt(change), 1.0)
                    own = [max(member.errors[name] for member in members.values()) for name in problem.names]
                    errors = [float(np.hypot(c * fall, e)) for c, e in zip(changes, own, strict=True)]
                joined[:], count = finer, 2 * count - 1
                if max(errors) <= tolerance:
                    return

        reason = ended(members_joined, run.meter, joined, "solve", "members of the family")
        name = problem.domain.coordinates[axis].name
        warnings = tuple(
            f"At {name} = {low + (high - low) * share:g}: {warning}"
            for share, one in sorted(members.items())
            for warning in one.warnings
        )
        return RoadOutcome(
            Pieces((tuple(joined),), None),
            errors,
            f"from the change to {(count + 1) // 2} values of {name}, and the errors at each",
            road="family",
            stop_reason=reason,
            warnings=warnings,
        )


def _joined(members: list[Solution], axis: int, bounds: tuple[float, float]) -> tuple[Field, ...]:
    """The members, at Chebyshev places, as polynomials of the parameter on the grid of all their breaks."""
    first = members[0].pieces
    assert isinstance(first, Pieces)
    own = [one.pieces.fields[0] for one in members if isinstance(one.pieces, Pieces)]
    spaces = []
    for a, space in enumerate(own[0][0].spaces):
        breaks = np.unique(np.concatenate([fields[0].spaces[a].breaks for fields in own]))
        degree = max(fields[0].spaces[a].degree for fields in own)
        spaces.append(Space(breaks, degree, space.periodic))
    low, high = bounds
    along = Space(np.array([low, high]), len(members) - 1)
    places = low + (high - low) * (1 - np.cos(np.pi * np.arange(len(members)) / (len(members) - 1))) / 2
    back = np.linalg.inv(along.design(places))
    found: list[Field] = []
    for f in range(len(own[0])):
        values = np.stack([fields[f].on(spaces).coefficients for fields in own])
        table = np.moveaxis(np.tensordot(back, values, axes=(1, 0)), 0, axis)
        found.append(Field((*spaces[:axis], along, *spaces[axis:]), table))
    return tuple(found)
