"""Problems on shapes through time, as their divergence form at one time takes them.

    residual(u, dt(u), dt(u, 2), t, places) = 0

Derivatives in time are fields of their own there, and time is a number: what is left are equations on the shape, to be met
at every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.checks import among
from edgewise._core.errors import InputError
from edgewise.pde.domains.parts import Face, Part
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.problem.jets import Evaluate
from edgewise.pde.problem.problem import Condition, Problem
from edgewise.pde.problem.weak import Posed, WeakForm, weak_form
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import Equation, Expr

_MOST = 2


@dataclass(frozen=True, eq=False)
class TimedForm:
    """A problem on a shape through time in divergence form.

    Attributes
    ----------
    form : WeakForm
        Its fields are the unknowns, then their derivatives in time.
    still : WeakForm
        Of the unknowns alone, for meshes of them; its equations are of no use.
    orders : tuple of int, one an unknown
        Of the derivatives in time, 0 to 2.
    fields : tuple of (int, int)
        Unknown and order of each field of `form`.
    starts : dict of (int, int) to callable
        Unknowns and their first derivatives at the start, by the coordinates of space.
    moment : Posed
        The problem with time as a number.
    at_a_time : callable
        Terms of the problem as such, with its fields.
    steady : bool
        Whether what the unknowns are multiplied by is the same at all times.
    fed : bool
        Whether anything else in the equations depends on time.
    """

    form: WeakForm
    still: WeakForm
    orders: tuple[int, ...]
    fields: tuple[tuple[int, int], ...]
    starts: Mapping[tuple[int, int], Evaluate]
    moment: Posed
    at_a_time: Callable[[Any], Any]
    steady: bool
    fed: bool


@dataclass(frozen=True, eq=False)
class _Moment:
    """A problem with time as a number."""

    domain: Any
    equations: Sequence[Equation]
    conditions: Sequence[Condition]
    fields: tuple[Any, ...]
    names: tuple[str, ...]


def timed_form(problem: Problem) -> TimedForm:
    """The divergence form of a problem on a shape through time.

    Raises
    ------
    InputError
        As `weak_form` does; and where derivatives in time are above the second, none is there at all, values at the start
        are missing or too many, or conditions stand at the end.
    """
    domain = problem.domain
    assert isinstance(domain, SpaceTime)
    clock, space = domain.clock.tree, [coordinate.tree for coordinate in domain.shape.coordinates]
    residuals = [equation.residual.doit() for equation in problem.equations]
    orders = [
        max((_order(d, clock) for r in residuals for d in _of(r, u)), default=0) for u in problem.fields
    ]
    if max(orders) > _MOST:
        raise InputError(
            "On shapes equations have derivatives in time up to the second order; write higher ones with a further unknown."
        )
    if max(orders) == 0:
        raise InputError(
            "The equations have no derivative in time: leave out .during(...), or name the time a parameter."
        )
    fields = [(f, 0) for f in range(len(orders))]
    fields += [(f, k) for k in range(1, _MOST + 1) for f, order in enumerate(orders) if k <= order]
    made = {
        (f, k): sp.Function(f"{problem.names[f]}{'_' + k * str(clock) if k else ''}", real=True)(*space)
        for f, k in fields
    }

    def at_a_time(tree: Any) -> Any:
        tree, moved = sp.sympify(tree).doit(), dict[Any, Any]()
        for f, u in enumerate(problem.fields):
            moved[u] = made[f, 0]
            for item in _of(tree, u):
                k = _order(item, clock)
                if (f, k) not in made:
                    raise InputError(
                        f"'{item}' has a higher derivative in time than the equations have of '{problem.names[f]}'."
                    )
                rest = [(s, n) for s, n in item.variable_count if s != clock]
                moved[item] = sp.Derivative(made[f, k], *rest) if rest else made[f, k]
        return tree.xreplace(moved)

    walls, begins = _parted(problem.conditions)
    zero = Expr(sp.Integer(0))
    moment = _Moment(
        domain.shape,
        [
            _AtATime(Expr(at_a_time(residual)), zero, repr(own))
            for residual, own in zip(residuals, problem.equations, strict=True)
        ],
        [
            Condition(part, _AtATime(Expr(at_a_time(wall.equation.residual)), zero, repr(wall.equation)))
            for part, wall in walls
        ],
        tuple(made.values()),
        tuple(f"dt({problem.names[f]})" if k else problem.names[f] for f, k in fields),
    )
    count = len(orders)
    for condition, (_, own) in zip(moment.conditions, walls, strict=True):
        tree = condition.equation.residual
        still = any(tree.has(field) for (_, k), field in made.items() if k == 0)
        if not still and any(tree.has(field) for field in made.values()):
            raise InputError(
                f"The condition '{own.equation!r}' gives a derivative in time alone; give the unknown itself, at all times."
            )
    form = weak_form(moment, rate_of=[f for f, _ in fields[count:]], clock=clock)
    compiled = [form.inside, *(rim.flux for rim in form.rims if rim.flux is not None)]
    starts = _starts(problem, begins, at_a_time, made, orders)
    still = WeakForm(form.names[:count], form.inside, form.tests, form.lower[:count], form.rims)
    return TimedForm(
        form,
        still,
        tuple(orders),
        tuple(fields),
        starts,
        moment,
        at_a_time,
        not any(clock in flux.slopes_of for flux in compiled),
        any(clock in flux.values_of for flux in compiled),
    )


def _of(tree: Any, unknown: Any) -> list[Any]:
    """The derivatives of an unknown in a term."""
    return [atom for atom in tree.atoms(sp.Derivative) if atom.expr == unknown]


def _order(derivative: Any, clock: Any) -> int:
    return sum(int(n) for s, n in derivative.variable_count if s == clock)


@dataclass(frozen=True, eq=False)
class _AtATime(Equation):
    """An equation whose derivatives in time are fields, shown as it was written."""

    written: str = ""

    def __repr__(self) -> str:
        return self.written


def _parted(conditions: Sequence[Condition]) -> tuple[list[tuple[Part, Condition]], list[Condition]]:
    """Conditions on the shape's boundary, with their parts of it, and those at the start."""
    walls: list[tuple[Part, Condition]] = []
    begins: list[Condition] = []
    for condition in conditions:
        rims = tuple(face for face in condition.part.faces if not isinstance(face, Face))
        ends = [face for face in condition.part.faces if isinstance(face, Face)]
        if any(face.high for face in ends):
            raise InputError(
                f"The condition '{condition.equation!r}' stands at the end of time; "
                "on shapes there are those at the start alone."
            )
        if rims:
            walls.append((Part(condition.part.name, rims), condition))
        if ends:
            begins.append(condition)
    return walls, begins


def _starts(
    problem: Problem,
    begins: Sequence[Condition],
    at_a_time: Any,
    made: Mapping[tuple[int, int], Any],
    orders: Sequence[int],
) -> dict[tuple[int, int], Evaluate]:
    domain: Any = problem.domain
    clock, space = domain.clock.tree, [coordinate.tree for coordinate in domain.shape.coordinates]
    found: dict[tuple[int, int], Evaluate] = {}
    for begin in begins:
        # The outward direction of the start is that back in time.
        tree = begin.equation.residual.replace(NORMAL, lambda u: -sp.diff(u, clock))
        tree = at_a_time(tree).subs(clock, sp.Float(domain.span[0], 17))
        used = [key for key, field in made.items() if tree.has(field)]
        letter = sp.Dummy()
        plain = tree.xreplace({made[used[0]]: letter}) if used else tree
        weight = sp.diff(plain, letter)
        if len(used) != 1 or tree.atoms(sp.Derivative) or weight == 0 or weight.has(letter):
            raise InputError(
                subject=f"The condition '{begin.equation!r}' at the start",
                expected="give one unknown, or one derivative in time, by the coordinates of space",
            )
        f, k = used[0]
        name = problem.names[f]
        if k >= orders[f]:
            order = "no derivative in time" if orders[f] == 0 else "no higher derivative in time than that"
            raise InputError(
                f"The equations have {order} of '{name}': leave out '{begin.equation!r}' at the start."
            )
        if (f, k) in found:
            raise InputError(
                f"Two conditions at the start give '{name}' or its derivative; leave one of them out."
            )
        value = plain.subs(letter, 0) / (-1 * weight)
        if value.atoms(AppliedUndef):
            raise InputError(
                subject=f"The condition '{begin.equation!r}' at the start", expected="give numbers"
            )
        found[f, k] = sp.lambdify(space, value, modules=["scipy", "numpy"])
    lacking = [
        f"dt({problem.names[f]})" if k else problem.names[f]
        for f, order in enumerate(orders)
        for k in range(order)
        if (f, k) not in found
    ]
    if lacking:
        raise InputError(
            f"Nothing gives {among(lacking)} at the start: add on(domain.boundary['start'], {lacking[0]} == ...)."
        )
    return found
