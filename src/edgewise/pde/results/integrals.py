"""Integrals of terms over a domain or a part of its boundary: forces, fluxes, means.

Derivatives on a boundary are an order less exact than values inside. Where conditions give an unknown, what flows out
through that part is known better: test functions that do not vanish there give it, as forces are found by virtual work

    integral of flux . n = integral of (flux . grad w - source w),   w = 1 on the part, 0 on all others

(M. Giles, M. G. Larson, M. Levenstam and E. Sueli 1997, "Adaptive error control for finite element approximations of the
lift and drag coefficients in viscous flow", Oxford NA-97/06).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.arguments import as_mapping, check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float
from edgewise._core.errors import InputError
from edgewise.fields.quadrature import AxisRule, end, gauss
from edgewise.pde.discretisation.assembly import Patch
from edgewise.pde.discretisation.faces import outward
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.domains.parts import Part
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.problem.problem import Problem
from edgewise.pde.problem.through_time import timed_form
from edgewise.pde.problem.weak import (
    NORMALS,
    Posed,
    WeakForm,
    by_direction,
    divided,
    outward_derivative,
    weak_form,
)
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.tables import Tables
from edgewise.pde.results.waves import Waves
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import NormalSymbol

_STEADY = "Integrals are of steady solutions, and of those on shapes at a time; here take values, solution.grid(...)."


def integral(
    problem: Problem,
    pieces: Tables,
    tree: Any,
    over: Part | str | None,
    at: Mapping[Any, float] | None = None,
) -> float:
    """The integral of a term over the domain, or over a part of its boundary, at a time where there is one."""
    if isinstance(pieces, MeshSlabs):
        return _at_a_time(problem, pieces, tree, over, at)
    if at:
        raise InputError(argument="at", expected="be for shapes through time", advice="leave it out")
    part = problem.domain.boundary[over] if isinstance(over, str) else over
    if part is not None:
        check_is(part, Part, "over", "a part of the boundary or its name")
    _check(problem, tree, part)
    if isinstance(pieces, Waves):
        raise InputError(_STEADY)
    if isinstance(pieces, Pieces):
        return _on_box(problem, pieces, tree, part)
    galerkin = _galerkin(pieces, weak_form(problem))
    values = np.concatenate([field.values for field in pieces.fields])
    return _on_mesh(problem, galerkin, values, tree, part)


def _galerkin(pieces: MeshPieces, form: WeakForm) -> Galerkin:
    """The system of a form on the elements of a solution, of its degree."""
    # Forms through time have further fields behind the unknowns.
    lowered = zip(pieces.fields, form.lower, strict=False)
    degree = max(item.numbering.degree + low for item, low in lowered)
    return Galerkin(pieces.mesh, form, degree)


def _on_mesh(problem: Posed, galerkin: Galerkin, values: Floats, tree: Any, part: Part | None) -> float:
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    if part is None:
        compiled = compile_equations([tree], problem.fields, symbols)
        _first_order(compiled.jets)
        return galerkin.integral(compiled, values)
    numbers = [rim.number for rim in part.faces]
    total, tree = _by_reaction(problem, galerkin, values, tree, numbers)
    tree = outward_derivative(tree, symbols)
    compiled = compile_equations([tree], problem.fields, [*symbols, *NORMALS[: len(symbols)]])
    _first_order(compiled.jets)
    return total + galerkin.rim_integral(compiled, values, numbers)


def _at_a_time(
    problem: Problem, pieces: MeshSlabs, tree: Any, over: Part | str | None, at: Mapping[Any, float] | None
) -> float:
    """The integral at one time, its derivatives in time included."""
    domain: Any = problem.domain
    given = as_mapping(at or {}, "at", "the coordinate of time to a time")
    named = {getattr(key, "name", key): value for key, value in given.items()}
    clock, (low, high) = domain.clock, domain.span
    if set(named) != {clock.name}:
        raise InputError(
            argument="at",
            expected=f"give the time of an integral over a shape, {{'{clock.name}': {high:g}}}",
        )
    time = check_float(named[clock.name], "at", low=low, high=high)
    part = domain.shape.boundary[over] if isinstance(over, str) else over
    if part is not None:
        check_is(part, Part, "over", "a part of the boundary or its name")
    _check(problem, tree, part)
    timed = timed_form(problem)
    galerkin = _galerkin(pieces.start, timed.form).at_time(time)
    when = np.array([time])
    values = np.concatenate([pieces.values(f, when, k)[0] for f, k in timed.fields])
    term = timed.at_a_time(tree.replace(NORMAL, lambda u: NORMAL(timed.at_a_time(u))))
    return _on_mesh(timed.moment, galerkin, values, term.subs(clock.tree, sp.Float(time, 17)), part)


def _check(problem: Problem, tree: Any, part: Part | None) -> None:
    """Refuses a term that has no value where it is to be integrated."""
    known = {*problem.fields, *(coordinate.tree for coordinate in problem.domain.coordinates)}
    if part is not None:
        known |= tree.atoms(NormalSymbol) | {atom for atom in tree.atoms(AppliedUndef) if atom.func == NORMAL}
    strange = (tree.atoms(AppliedUndef) | tree.free_symbols) - known
    if strange:
        raise InputError(
            argument="term",
            expected=f"have a value {'inside the domain' if part is None else 'on its boundary'}",
            got=f"'{min(map(str, strange))}', which has none there",
        )


def _first_order(jets: Sequence[tuple[int, tuple[int, ...]]]) -> None:
    if any(sum(orders) > 1 for _, orders in jets):
        raise InputError("Integrals on shapes that are no boxes take derivatives of the first order.")


def _by_reaction(
    problem: Posed, galerkin: Galerkin, values: Any, tree: Any, numbers: Sequence[int]
) -> tuple[float, Any]:
    """What outward derivatives with constant weights give, where unknowns are given on all that hangs together; the rest."""
    domain: Any = problem.domain
    tree = by_direction(tree, problem)
    total = 0.0
    whole = all(len(set(loop) & set(numbers)) in (0, len(loop)) for loop in domain.rim_loops)
    residual = None
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    for equation, f in zip(problem.equations, galerkin.form.tests, strict=True):
        field, letter = problem.fields[f], sp.Dummy()
        plain = tree.xreplace({NORMAL(field): letter})
        weight = sp.diff(plain, letter)
        given = all(f in galerkin.form.rims[n].given for n in numbers)
        *flux, _ = divided(equation.residual.doit(), problem.fields, symbols)
        share = sp.simplify(flux[0] / sp.diff(field, symbols[0]))
        if not (whole and given and weight.is_number and weight != 0 and share.is_number and share != 0):
            continue
        if any(
            sp.simplify(item - share * sp.diff(field, s)) != 0 for item, s in zip(flux, symbols, strict=True)
        ):
            continue
        if residual is None:
            residual = galerkin.residual(values)
        held = np.unique(np.concatenate([galerkin.on_rim(f, n) for n in numbers]))
        flows = -float(residual[held].sum())
        total += float(weight) / float(share) * flows
        tree = plain.subs(letter, 0)
    return total, tree


def _on_box(problem: Problem, pieces: Pieces, tree: Any, part: Part | None) -> float:
    if pieces.axis is not None or problem.domain.time is not None:
        raise InputError(_STEADY)
    fields = pieces.fields[0]
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    rules = [gauss(space, space.degree + 1) for space in fields[0].spaces]
    if part is None:
        patches = [Patch(compile_equations([tree], problem.fields, symbols), tuple(rules))]
    else:
        patches = []
        for face in part.faces:
            on: list[AxisRule] = list(rules)
            on[face.axis] = end(fields[0].spaces[face.axis], face.high)
            moved = outward(tree, face, symbols[face.axis])
            patches.append(Patch(compile_equations([moved], problem.fields, symbols), tuple(on)))
    return float(sum((patch.residuals(fields)[0] * patch.mass).sum() for patch in patches))
