"""A problem: unknowns, a domain, equations that hold inside it and conditions on parts of its boundary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.box import Box
from edgewise.pde.domains.parts import Part
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.terms.constants import ConstantSymbol
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import EigenvalueSymbol, Equation, NormalSymbol, TimeSymbol

Domain = Box | Region | Solid | TriangleSurface | SpaceTime


@dataclass(frozen=True, eq=False)
class Condition:
    """An equation that holds on a part of the boundary."""

    part: Part
    equation: Equation


def on(part: Part | Any, *equations: Equation | tuple[Equation, ...]) -> tuple[Condition, ...]:
    """Equations that hold on a part of the boundary.

    Parameters
    ----------
    part : Part
        As `domain.boundary["left"]`.
    *equations : Equation
        In the unknowns, their derivatives and `dn(u)`, the derivative along the outward normal.

    Returns
    -------
    tuple of Condition

    Examples
    --------
    >>> from edgewise.pde import box, coordinates, dn, unknown
    >>> x, y = coordinates("x", "y")
    >>> u = unknown("u", x, y)
    >>> square = box({x: (0, 1), y: (0, 1)})
    >>> on(square.boundary["left"], dn(u) + u == 2 * y)[0].equation
    dn(u(x, y)) + u(x, y) == 2*y
    """
    if not isinstance(part, Part):
        raise InputError(
            subject="The first argument of on",
            expected="be a part of the boundary, domain.boundary['left']",
            got=short(part),
        )
    return tuple(Condition(part, equation) for equation in flat(equations, "on"))


def flat(equations: Iterable[Any], of: str) -> list[Equation]:
    """Equations out of lists and vector equations; what is none is refused."""
    found: list[Equation] = []
    for equation in equations:
        if isinstance(equation, Equation):
            found.append(equation)
        elif isinstance(equation, list | tuple):
            found += flat(equation, of)
        else:
            raise InputError(
                f"{of} takes equations such as lap(u) == f. Got {short(equation)} of type {type(equation).__name__}; "
                "'==' needs an unknown or a coordinate on one side."
            )
    return found


@dataclass(frozen=True, eq=False)
class Problem:
    """Equations on a domain with conditions on its boundary.

    Parameters
    ----------
    domain : Box, Region, TriangleSurface, Solid or SpaceTime
    equations : sequence of Equation
        Hold everywhere inside.
    conditions : sequence of Condition
        Made by `on`; nested sequences are welcome.
    jumps : bool
        Whether conditions contradict each other where parts of the boundary meet on purpose, as at the ends of a lid that
        slides. Without it, such contradictions are reported.

    Raises
    ------
    InputError
        Where an unknown does not depend on the domain's coordinates, a name is not known, there are fewer equations than
        unknowns, or a condition has no unknown.

    Examples
    --------
    >>> from edgewise.pde import box, coordinates, lap, unknown
    >>> x, y = coordinates("x", "y")
    >>> u = unknown("u", x, y)
    >>> square = box({x: (-1, 1), y: (-1, 1)})
    >>> Problem(square, [lap(u) == -1], on(square.boundary["walls"], u == 0)).names
    ('u',)
    """

    domain: Domain
    equations: Sequence[Equation]
    conditions: Sequence[Condition] = ()
    jumps: bool = False

    def __post_init__(self) -> None:
        equations = flat(self.equations, "The 'equations' parameter of Problem")
        object.__setattr__(self, "equations", tuple(equations))
        object.__setattr__(self, "conditions", tuple(_conditions(self.conditions)))
        if not self.fields:
            raise InputError(
                argument="equations", expected="have an unknown", advice="make one with unknown('u', x, y)"
            )
        symbols = [coordinate.tree for coordinate in self.domain.coordinates]
        for field in self.fields:
            if set(field.args) != set(symbols):
                raise InputError(
                    f"The unknown '{field.func.__name__}' must depend on the coordinates of the domain, "
                    f"{among(map(str, symbols))}. It depends on {among(map(str, field.args))}."
                    + _where_time_goes(self.domain, field)
                )
        for equation in [*equations, *(condition.equation for condition in self.conditions)]:
            known = (
                (EigenvalueSymbol, ConstantSymbol) if any(equation is own for own in equations) else _KNOWN
            )
            strange = sorted(
                str(s)
                for s in equation.residual.free_symbols - set(symbols)
                if isinstance(s, sp.Symbol) and not isinstance(s, known)
            )
            if strange:
                raise InputError(
                    f"'{equation!r}' has the name '{strange[0]}', which is no coordinate of the domain"
                    f"{did_you_mean(strange[0], map(str, symbols))}; give constants as numbers."
                )
        if len(equations) < len(self.fields):
            raise InputError(
                argument="equations",
                expected=f"be as many as the unknowns, {len(self.fields)}",
                got=len(equations),
            )
        for condition in self.conditions:
            _check_condition(condition, self.fields)

    @property
    def box(self) -> Box | None:
        """The domain where it is a box, whose solutions are splines on grids; None where elements fill it."""
        return self.domain if isinstance(self.domain, Box) else None

    @property
    def fields(self) -> tuple[AppliedUndef, ...]:
        """The unknowns as sympy functions of their coordinates, by name."""
        found = {
            f
            for equation in self.equations
            for f in equation.residual.atoms(AppliedUndef)
            if f.func != NORMAL
        }
        return tuple(sorted(found, key=str))

    @property
    def eigenvalue(self) -> Any:
        """The symbol of the eigenvalue that the equations leave open, or None."""
        found = {
            s for e in self.equations for s in e.residual.free_symbols if isinstance(s, EigenvalueSymbol)
        }
        return min(found, key=str, default=None)

    @property
    def constants(self) -> tuple[ConstantSymbol, ...]:
        """Constants to be found from data, by name."""
        every = [*self.equations, *(condition.equation for condition in self.conditions)]
        found = {
            s for equation in every for s in equation.residual.free_symbols if isinstance(s, ConstantSymbol)
        }
        return tuple(sorted(found, key=str))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the unknowns."""
        return tuple(field.func.__name__ for field in self.fields)


def _where_time_goes(domain: Any, field: Any) -> str:
    """How a shape gets time, where an unknown has one."""
    clocks = [argument for argument in field.args if isinstance(argument, TimeSymbol)]
    if not clocks or domain.on_grid or domain.time is not None:
        return ""
    return f" A shape goes through time as shape.during({{{clocks[0]}: (0, 1)}})."


# What conditions may name beside coordinates.
_KNOWN = (EigenvalueSymbol, ConstantSymbol, NormalSymbol)


def _conditions(given: Any) -> list[Condition]:
    found: list[Condition] = []
    for entry in given:
        if isinstance(entry, Condition):
            found.append(entry)
        elif isinstance(entry, list | tuple):
            found += _conditions(entry)
        else:
            raise InputError(
                argument="conditions",
                expected="be what on(domain.boundary[...], u == 0) gives",
                got=short(entry),
            )
    return found


def _check_condition(condition: Condition, fields: Sequence[AppliedUndef]) -> None:
    used = {f for f in condition.equation.residual.atoms(AppliedUndef) if f.func != NORMAL}
    if not used:
        raise InputError(f"The condition '{condition.equation!r}' on '{condition.part.name}' has no unknown.")
    for part in used - set(fields):
        raise InputError(
            f"The condition '{condition.equation!r}' has the unknown '{part.func.__name__}', which is in no equation."
        )


def velocities(problem: Problem) -> tuple[str, str] | None:
    """Two unknowns of a plane that the equations state to have no divergence."""
    space = [coordinate.tree for coordinate in problem.domain.coordinates if not coordinate.time]
    if len(space) != 2:
        return None
    names: dict[Any, str] = dict(zip(problem.fields, problem.names, strict=True))
    for equation in problem.equations:
        terms = sp.Add.make_args(equation.residual)
        pairs = [(t.args[0], t.variables) for t in terms if isinstance(t, sp.Derivative)]
        if len(terms) == len(pairs) == 2:
            along = {steps[0]: field for field, steps in pairs if len(steps) == 1}
            if set(along) == set(space) and len(set(along.values())) == 2:
                return names[along[space[0]]], names[along[space[1]]]
    return None


def on_region(problem: Problem) -> Problem:
    """The same problem, its box a region and its conditions on the edges of the same names; others as they are."""
    if problem.box is None:
        return problem
    region = problem.box.as_region()
    conditions = [
        Condition(region.boundary[face.name], condition.equation)
        for condition in problem.conditions
        for face in condition.part.faces
    ]
    return Problem(region, problem.equations, conditions)
