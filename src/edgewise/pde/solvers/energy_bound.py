"""A guaranteed bound of the error in the energy norm, for linear elliptic equations of one unknown, in plane shapes
and in solids.

For -div(A grad u) + c u = f, whatever field y has a divergence, and y . n = h - alpha v where A grad u . n + alpha u = h,

    |||u - v||| <= |A^(-1/2) (y - A grad v)| + C |f - c v + div y|

(W. Prager and J. L. Synge 1947, doi:10.1090/qam/25902; S. Repin, "A Posteriori Estimates for Partial Differential
Equations", 2008). Here y comes from the flux of a finer solution: its normal part is averaged on sides of elements, and its
divergence is put right element by element (D. Braess and J. Schoeberl 2008, doi:10.1090/S0025-5718-07-02080-7), so that the
last term is only what polynomials leave of the data, with Poincare's constant of one element for C. The bound holds up to
quadrature and to the interpolation of given values on the boundary; in solids for that of flat facets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.errors import InputError
from edgewise._core.threads import one_thread
from edgewise.pde.discretisation.elements import Sampling, coordinates_of
from edgewise.pde.discretisation.galerkin import Galerkin, which_jet
from edgewise.pde.discretisation.lagrange import inverses
from edgewise.pde.domains.region import region_of
from edgewise.pde.problem.problem import on_region
from edgewise.pde.problem.weak import weak_form
from edgewise.pde.results.energy import EnergyBound
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.flux_fields import FluxFields, flux_fields
from edgewise.pde.solvers.mesh_levels import MeshLevel, solve_mesh
from edgewise.pde.solvers.refinement import meshes_of

# Value and derivatives at the places of a sampling.
Jets = Callable[[Sampling], Sequence[Floats]]
# Elements that are worked on at once.
_CHUNK = 128


def energy_bound(solution: Solution | Any) -> EnergyBound:
    """A guaranteed bound of the error in the energy norm, for linear elliptic equations of one unknown.

    Parameters
    ----------
    solution : Solution
        Solutions on plane shapes and in solids have it already, as `solution.energy`; for one on a box of two coordinates
        the problem is solved again on elements.

    Returns
    -------
    EnergyBound

    Raises
    ------
    InputError
        Where the problem has no energy: several unknowns, terms of the first order, coefficients below zero, other domains.

    Examples
    --------
    >>> from edgewise import pde
    >>> x, y = pde.coordinates("x", "y")
    >>> u, square = pde.unknown("u", x, y), pde.box({x: (0, 1), y: (0, 1)})
    >>> problem = pde.Problem(square, [-pde.lap(u) == 1], pde.on(square.boundary["walls"], u == 0))
    >>> pde.energy_bound(pde.solve(problem, tolerance=1e-4)).relative < 1e-2
    True
    """
    if not isinstance(solution, Solution):
        raise InputError(argument="solution", expected="be a Solution", got=type(solution).__name__)
    if solution.energy is not None:
        return solution.energy
    domain = solution.problem.domain
    if len(domain.coordinates) != 2 or domain.time is not None:
        raise InputError(
            argument="solution",
            expected="be steady, on a box of two coordinates, on a plane shape or in a solid",
        )
    problem, pieces = on_region(solution.problem), solution.pieces
    region, form = region_of(problem.domain), weak_form(problem)

    def jets(s: Sampling) -> list[Floats]:
        at = s.places.reshape(-1, 2)
        return [pieces.points(0, at, orders).reshape(s.mass.shape) for orders in ((0, 0), (1, 0), (0, 1))]

    best: EnergyBound | None = None
    level: MeshLevel | None = None
    with one_thread():
        for galerkin, tell in meshes_of(region, form, SolverConfig()):
            level = solve_mesh(galerkin, level)
            found = bound_by(galerkin, level.pieces, jets)
            if found is None:
                break
            if best is not None and found.bound > 0.8 * best.bound:
                return min(found, best, key=lambda item: item.bound)
            best = found
            tell(level.lacks)
    if best is None:
        raise InputError(
            "The problem has no energy: energy_bound takes linear elliptic equations of one unknown without terms of the "
            "first order, whose coefficients are not negative."
        )
    return best


def bound_by(galerkin: Galerkin, finer: MeshPieces, coarse: MeshPieces | Jets) -> EnergyBound | None:
    """The bound for a solution with the help of another on a mesh.

    Parameters
    ----------
    galerkin : Galerkin
        Of the mesh.
    finer : MeshPieces
        The solution on it.
    coarse : MeshPieces or callable
        The solution whose error is bounded, on a mesh of the same blocks or tetrahedra, or by its jets.

    Returns
    -------
    EnergyBound or None
        None where the equation has no energy, or the meshes are not alike.
    """
    form, mesh = galerkin.form, galerkin.mesh
    fields = flux_fields(mesh, galerkin.degree, coarse if isinstance(coarse, MeshPieces) else None)
    if len(form.names) != 1 or not form.linear or fields is None:
        return None
    s = mesh.sampling(fields.count)
    found = energy_form(galerkin, s)
    if found is None:
        return None
    jets_at: Jets = partial(coarse.jets_on, mesh, unknown=0) if isinstance(coarse, MeshPieces) else coarse
    matrix, sign, reaction = found
    value, *slopes = jets = jets_at(s)
    parts, slope = len(slopes), np.stack(slopes, axis=-1)
    chosen = [jets[which_jet(orders)] for _, orders in form.inside.jets]
    spring = sign * form.inside.residuals(coordinates_of(s.places), chosen)[parts]
    numbers, count, _ = fields.joints()
    signs = _signs(numbers, count)
    fluxes = sign * _averaged(galerkin, finer, fields)
    boundary = _on_boundary(galerkin, fields, jets_at, sign, fluxes)
    if boundary is None:
        return None
    fixed, missed, robin = boundary
    fluxes = balanced(fluxes, fixed, (spring * s.mass).sum(1), numbers, signs, count)
    exact = np.stack(finer.fields[0].jets(s)[1:], axis=-1)
    bounds = np.zeros(mesh.count)
    for first in range(0, mesh.count, _CHUNK):
        part = slice(first, first + _CHUNK)
        target = np.einsum("...ij,...j->...i", matrix[part], exact[part])
        y, divergence = fields.field(s, part, fluxes[part], target, spring[part])
        apart = y - np.einsum("...ij,...j->...i", matrix[part], slope[part])
        misfit = np.einsum("...i,...ij,...j->...", apart, inverses(matrix[part]), apart)
        least = np.sqrt(np.linalg.eigvalsh(matrix[part])[..., 0].min(1))
        left = np.sqrt((s.mass[part] * (spring[part] + divergence) ** 2).sum(1))
        poincare, through = fields.constants(s, part)
        bounds[part] = np.sqrt((s.mass[part] * misfit).sum(1))
        bounds[part] += (poincare * left + (through * missed[part]).sum(1)) / least
    energy = np.einsum("...i,...ij,...j->...", slope, matrix, slope) + reaction * value**2
    return EnergyBound(float(np.sqrt((bounds**2).sum())), float(np.sqrt((s.mass * energy).sum() + robin)))


def energy_form(galerkin: Galerkin, s: Sampling) -> tuple[Floats, float, Floats] | None:
    """A at the places of a sampling, the sign that makes it positive, and c; None where there is no energy."""
    inside, zero, parts = galerkin.form.inside, np.zeros(s.mass.shape), s.places.shape[-1]
    slopes = inside.derivatives(coordinates_of(s.places), [zero] * len(inside.jets))
    matrix, reaction = np.zeros((*s.mass.shape, parts, parts)), zero
    for (row, j), slope in zip(inside.entries, slopes, strict=True):
        kind = which_jet(inside.jets[j][1])
        if row < parts and kind:
            matrix[..., row, kind - 1] = slope
        elif row == parts and not kind:
            reaction = -slope
        elif np.abs(slope).max() > 0:
            return None
    if np.abs(matrix - np.swapaxes(matrix, -1, -2)).max() > 1e-12 * np.abs(matrix).max():
        return None
    values = np.linalg.eigvalsh(matrix)
    sign = 1.0 if values.max() > 0 else -1.0
    if (sign * values).min() <= 0 or (sign * reaction).min() < 0:
        return None
    return sign * matrix, sign, sign * reaction


def balanced(
    fluxes: Floats, fixed: Bools, sources: Floats, numbers: Ints, signs: Floats, count: int
) -> Floats:
    """Fluxes changed by constants, as little as possible, so that each element loses what springs in it.

    Parameters
    ----------
    fluxes : ndarray, shape (L, 4, n)
        Modes of the flux out of each side, the first constant.
    fixed : ndarray of bool, shape (L, 4)
    sources : ndarray, shape (L,)
    numbers, signs : ndarray, shape (L, 4)
        The number of each side, and whether its flux counts as out or in there.
    count : int
        Of all sides.
    """
    missing = -(sources + fluxes[..., 0].sum(1))
    free = ~fixed.ravel()
    rows = np.repeat(np.arange(len(fluxes)), 4)
    shape = (len(fluxes), count)
    out = sparse.csr_matrix((signs.ravel()[free], (rows[free], numbers.ravel()[free])), shape=shape)
    graph = sparse.csc_matrix(out @ out.T)
    # Where no side is free on the boundary, one element follows from the others.
    graph = graph + sparse.csc_matrix(([1e-13 * graph.diagonal().max()], ([0], [0])), shape=graph.shape)
    change = out.T @ splu(sparse.csc_matrix(graph)).solve(missing)
    found = fluxes.copy()
    found[..., 0] += np.where(fixed, 0.0, change[numbers] * signs)
    return found


def _signs(numbers: Ints, count: int) -> Floats:
    """1 for the first element at each side and -1 for the second, (L, F)."""
    flat = numbers.ravel()
    first = np.full(count, -1, dtype=np.int64)
    first[flat[::-1]] = np.arange(len(flat))[::-1]
    return np.where(first[flat] == np.arange(len(flat)), 1.0, -1.0).reshape(numbers.shape)


def _averaged(galerkin: Galerkin, finer: MeshPieces, fields: FluxFields) -> Floats:
    """Modes of the flux out of each side, (L, F, n), averaged where two elements meet."""
    mesh, inside = galerkin.mesh, galerkin.form.inside
    numbers, count, turned = fields.joints()
    found = np.empty((*numbers.shape, fields.polynomials.shape[1]))
    for n, side in enumerate(fields.sides):
        s = mesh.sampled(side.at, side.shares)
        jets = finer.fields[0].jets(s)
        flow = inside.residuals(coordinates_of(s.places), [jets[which_jet(o)] for _, o in inside.jets])
        out = coordinates_of(side.outward @ s.inverse)
        found[:, n] = (sum(a * b for a, b in zip(flow, out, strict=False)) * s.mass) @ fields.polynomials
    # Out of one neighbour is into the other.
    across = turned * _signs(numbers, count)[..., None]
    total = np.zeros((count, fields.polynomials.shape[1]))
    np.add.at(total, numbers, found * across)
    return (total / np.bincount(numbers.ravel())[:, None])[numbers] * across


def _on_boundary(
    galerkin: Galerkin, fields: FluxFields, jets_at: Jets, sign: float, fluxes: Floats
) -> tuple[Bools, Floats, float] | None:
    """Puts the flux that conditions require into `fluxes`; which sides these are (L, F), what polynomials miss of it in L2
    on the reference element, and the conditions' share of the energy. None where there is no energy."""
    mesh = galerkin.mesh
    fixed, missed, energy = np.zeros(fluxes.shape[:2], dtype=bool), np.zeros(fluxes.shape[:2]), 0.0
    for n, rim in enumerate(galerkin.form.rims):
        for on in () if rim.given else mesh.on_part(n, fields.count):
            side = fields.side_of(on.face)
            value, flow, alpha = (np.zeros(on.mass.shape) for _ in range(3))
            if rim.flux is not None:
                if any(any(orders) for _, orders in rim.flux.jets):
                    return None
                value = jets_at(mesh.sampled(on.at, fields.weights))[0][on.elements]
                flow = sign * rim.flux.residuals(on.arguments, [value] * len(rim.flux.jets))[0]
                for slope in rim.flux.derivatives(on.arguments, [value] * len(rim.flux.jets)):
                    alpha = -sign * slope
            if np.min(alpha) < 0:
                return None
            fluxes[on.elements, side] = (flow * on.mass) @ fields.polynomials
            rest = flow * on.mass / fields.weights - fluxes[on.elements, side] @ fields.polynomials.T
            fixed[on.elements, side] = True
            missed[on.elements, side] = np.sqrt((rest**2 * fields.weights).sum(1))
            energy += float((on.mass * alpha * value**2).sum())
    return fixed, missed, energy
