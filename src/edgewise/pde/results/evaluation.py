"""Values of a solution at places: of unknowns and their derivatives, of terms of them, and of what equations miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, among, check_choice, check_int, plural, short
from edgewise._core.errors import InputError
from edgewise.pde.problem.jets import Compiled, compile_equations
from edgewise.pde.problem.problem import Domain, Problem
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.tables import Tables
from edgewise.pde.terms.symbols import Coordinate

# Places at which equations are looked at, and what may be missed of their terms in the median.
_PLACES = 200
_MISSED = 0.1


def rows(domain: Domain, at: Sequence[Any]) -> tuple[Floats, tuple[int, ...]]:
    """Places as rows, inside the bounds of the domain, and the shape that values there are to have."""
    names = [coordinate.name for coordinate in domain.coordinates]
    if len(at) != len(names):
        raise InputError(
            f"A solution takes {plural(len(names), 'array')}, one for each of {', '.join(names)}. Got {len(at)}."
        )
    try:
        arrays = np.broadcast_arrays(*(np.asarray(item, dtype=float) for item in at))
    except UNREADABLE:
        raise InputError(
            subject="The places 'at' of a solution",
            expected=f"be numbers for each of {', '.join(names)}, in arrays that go together",
            got=", ".join(short(item, 40) for item in at),
        ) from None
    points = np.stack([array.ravel() for array in arrays], axis=1)
    for axis, (low, high) in enumerate(domain.bounds):
        span = high - low
        if domain.on_surface and axis != domain.time:
            # Whether places are near enough to it is seen where they are looked for.
            continue
        if domain.periodic[axis]:
            points[:, axis] = low + np.mod(points[:, axis] - low, span)
        elif ((points[:, axis] < low - 1e-9 * span) | (points[:, axis] > high + 1e-9 * span)).any():
            raise InputError(
                f"The solution is known for '{names[axis]}' from {low:g} to {high:g} only; some of the "
                f"places lie outside."
            )
    return points, arrays[0].shape


def derivatives(
    domain: Domain,
    pieces: Tables,
    unknown: int,
    at: Sequence[Any],
    orders: Mapping[Coordinate | str, int],
) -> Any:
    """Values of an unknown, or of a derivative of it, in the shape of the places.

    Raises
    ------
    InputError
        Where places lie outside the domain, or an order is of no coordinate.
    """
    names = [coordinate.name for coordinate in domain.coordinates]
    each_order = [0] * len(names)
    for key, order in orders.items():
        name = check_choice(getattr(key, "name", key), "derivative", names)
        each_order[names.index(name)] = check_int(order, "derivative", low=0, high=4)
    points, shape = rows(domain, at)
    values = pieces.points(unknown, points, each_order).reshape(shape)
    _inside(pieces, values)
    return float(values) if values.ndim == 0 else values


def terms(problem: Problem, pieces: Tables, tree: sympy.Expr, at: Sequence[Any]) -> Any:
    """Values of a term of the unknowns and their derivatives, in the shape of the places.

    Raises
    ------
    InputError
        Where places lie outside the domain, or the term has names that are none of the problem's.
    """
    coordinates = problem.domain.coordinates
    strange = (tree.atoms(AppliedUndef) - set(problem.fields)) | (
        tree.free_symbols - {coordinate.tree for coordinate in coordinates}
    )
    if strange:
        raise InputError(
            argument="term",
            expected=f"be of {among([*problem.names, *(coordinate.name for coordinate in coordinates)])} alone",
            got=f"'{min(map(str, strange))}' in it",
        )
    points, shape = rows(problem.domain, at)
    compiled = compile_equations([tree], problem.fields, [coordinate.tree for coordinate in coordinates])
    jets = _jets(pieces, compiled, points)
    _inside(pieces, *jets)
    values = compiled.residuals(list(points.T), jets)[0].reshape(shape)
    return float(values) if values.ndim == 0 else np.array(values)


def residuals(problem: Problem, pieces: Tables, points: int, seed: int) -> dict[str, float]:
    """Root mean square of what each equation misses at random places."""
    at = problem.domain.somewhere(points, np.random.default_rng(seed))
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    equations = problem.equations
    compiled = compile_equations([equation.residual for equation in equations], problem.fields, symbols)
    values = compiled.residuals(list(at.T), _jets(pieces, compiled, at))
    return {repr(e): float(np.sqrt((v**2).mean())) for e, v in zip(equations, values, strict=True)}


def unmet(problem: Problem, pieces: Tables) -> str:
    """A sentence where equations are not met at the most places that the solver never saw; empty where they are.

    What an equation misses is weighed by the sizes of its terms there, and by what these would be of an unknown that
    varies once over the domain. The median over places counts, since solutions may be rough in some.
    """
    domain = problem.domain
    at = domain.somewhere(_PLACES, np.random.default_rng(0))
    compiled = compile_equations(
        [equation.residual for equation in problem.equations],
        problem.fields,
        [coordinate.tree for coordinate in domain.coordinates],
    )
    places, jets = list(at.T), _jets(pieces, compiled, at)
    spans = np.array([high - low for low, high in domain.bounds])
    sizes = [
        np.sqrt(np.nanmean(pieces.points(f, at, (0,) * len(spans)) ** 2)) for f in range(len(problem.names))
    ]
    terms = np.zeros((compiled.count, len(at)))
    rest = np.array(compiled.residuals(places, jets))
    for (e, j), slope in zip(compiled.entries, compiled.derivatives(places, jets), strict=True):
        f, orders = compiled.jets[j]
        terms[e] += np.abs(slope) * (np.abs(jets[j]) + sizes[f] / np.prod(spans ** np.array(orders)))
        rest[e] -= slope * jets[j]
    missed = np.abs(compiled.residuals(places, jets)) / np.maximum(terms + np.abs(rest), 1e-300)
    if not np.isfinite(missed).any():
        return ""
    share = float(np.nanmedian(missed, axis=1).max())
    if share <= _MISSED:
        return ""
    return f"The equations are not met: {share:.1e} of their terms is left at the most places."


def _jets(pieces: Tables, compiled: Compiled, points: Floats) -> list[Floats]:
    return [pieces.points(f, points, orders) for f, orders in compiled.jets]


def _inside(pieces: Tables, *values: Floats) -> None:
    """Refuses places outside a shape, where its elements have no values."""
    if isinstance(pieces, MeshPieces | MeshSlabs) and any(np.isnan(value).any() for value in values):
        raise InputError("Some of the places lie outside the domain; solution.grid(...) gives nan there.")
