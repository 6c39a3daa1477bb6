"""A guaranteed bound of the error in the energy norm, for linear elliptic equations of one unknown in the plane.

For -div(A grad u) + c u = f, whatever field y has a divergence, and y . n = h - alpha v where A grad u . n + alpha u = h,

    |||u - v||| <= |A^(-1/2) (y - A grad v)| + C |f - c v + div y|

(W. Prager and J. L. Synge 1947, doi:10.1090/qam/25902; S. Repin, "A Posteriori Estimates for Partial Differential
Equations", 2008). Here y comes from the flux of a finer solution: its normal part is averaged on the edges, and its
divergence is put right element by element, so that the last term is only what polynomials leave of the data, with
Poincare's constant of one element for C. The bound holds up to quadrature and to the interpolation of given values on
the boundary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import null_space
from scipy.sparse.linalg import splu

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.errors import InputError
from edgewise._core.threads import one_thread
from edgewise.pde.discretisation.elements import Sampling, coordinates_of
from edgewise.pde.discretisation.galerkin import Galerkin, which_jet
from edgewise.pde.discretisation.lagrange import inverses
from edgewise.pde.discretisation.quadrilaterals import Quadrilaterals
from edgewise.pde.domains.box import Box
from edgewise.pde.domains.region import Region, region_of
from edgewise.pde.problem.problem import on_region
from edgewise.pde.problem.weak import weak_form
from edgewise.pde.results.energy import EnergyBound
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.mesh_levels import MeshLevel, solve_mesh
from edgewise.pde.solvers.refinement import meshes

Sampled = Callable[[Floats, tuple[int, int]], Floats]
_ORDERS = ((0, 0), (1, 0), (0, 1))
# Sides run from corner 0 to 1, 1 to 2, 3 to 2, 0 to 3: the first two counterclockwise.
_AROUND = np.array([1.0, 1.0, -1.0, -1.0])


class _LegendreLine:
    """Polynomials of one coordinate on [0, 1] by orthonormal Legendre modes, at Gauss places."""

    def __init__(self, degree: int, count: int) -> None:
        self.degree = degree
        nodes, weights = np.polynomial.legendre.leggauss(count)
        self.places, self.weights = (nodes + 1) / 2, weights / 2
        self.modes = self.at(self.places, degree + 1)
        self.ends = self.at(np.array([0.0, 1.0]), degree + 1)
        # Derivatives of modes up to degree + 1, as modes up to the degree.
        scale = np.sqrt(2 * np.arange(degree + 2) + 1)
        slope = np.zeros((degree + 1, degree + 2))
        for n in range(1, degree + 2):
            slope[n - 1 :: -2, n] = 2 * scale[n] * (2 * np.arange(n - 1, -1, -2) + 1)
        self.slope = slope / scale[: degree + 1, None]

    @staticmethod
    def at(places: Floats, degree: int) -> Floats:
        scale = np.sqrt(2 * np.arange(degree + 1) + 1)
        return np.asarray(np.polynomial.legendre.legvander(2 * places - 1, degree) * scale, dtype=float)

    @cached_property
    def divergence(self) -> tuple[Floats, Floats, Floats]:
        """Polynomials that vanish at both ends, and the eigenvectors and eigenvalues of their derivatives' products."""
        inner = null_space(self.ends)
        values, vectors = np.linalg.eigh(self.slope @ inner @ inner.T @ self.slope.T)
        return inner, np.maximum(values, 0.0), vectors


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
    domain: Any = solution.problem.domain
    if not isinstance(domain, Box | Region) or len(domain.coordinates) != 2 or domain.time is not None:
        raise InputError(
            argument="solution",
            expected="be steady, on a box of two coordinates, on a plane shape or in a solid",
        )
    problem, pieces = on_region(solution.problem), solution.pieces
    region, form = region_of(problem.domain), weak_form(problem)

    def sampled(places: Floats, orders: tuple[int, int]) -> Floats:
        return pieces.points(0, places.reshape(-1, 2), orders).reshape(places.shape[:-1])

    best: EnergyBound | None = None
    level: MeshLevel | None = None
    with one_thread():
        for galerkin, tell in meshes(region, form, SolverConfig()):
            level = solve_mesh(galerkin, level)
            found = bound_by(galerkin, level.pieces, sampled)
            if found is None:
                break
            if best is not None and found.bound > 0.8 * best.bound:
                return min(found, best, key=lambda each: each.bound)
            best = found
            tell(level.lacks)
    if best is None:
        raise InputError(
            "The problem has no energy: energy_bound takes linear elliptic equations of one unknown without terms of the "
            "first order, whose coefficients are not negative."
        )
    return best


def bound_by(galerkin: Galerkin, finer: MeshPieces, sampled: Sampled | MeshPieces) -> EnergyBound | None:
    """The bound for a solution with the help of another on a mesh.

    Parameters
    ----------
    galerkin : Galerkin
        Of the mesh.
    finer : MeshPieces
        The solution on it.
    sampled : callable or MeshPieces
        The solution whose error is bounded: places and orders of the derivative -> values; or on a mesh of the same blocks.

    Returns
    -------
    EnergyBound or None
        None where the equation has no energy.
    """
    form, mesh = galerkin.form, galerkin.mesh
    if len(form.names) != 1 or not form.linear:
        return None
    assert isinstance(mesh, Quadrilaterals)
    if isinstance(sampled, MeshPieces) and not mesh.like(sampled.mesh):
        return None
    line = _LegendreLine(galerkin.degree, galerkin.degree + 4)
    s = mesh.sampling(galerkin.degree + 4)
    found = energy_form(galerkin, s)
    if found is None:
        return None
    matrix, sign, reaction = found
    if isinstance(sampled, MeshPieces):
        element, local = sampled.mesh.across(mesh, s.at)
        jets = [sampled.at(0, element, local, o).reshape(s.mass.shape) for o in _ORDERS]
    else:
        jets = [sampled(s.places, o) for o in _ORDERS]
    value, slope = jets[0], np.stack(jets[1:], axis=-1)
    spring = (
        sign
        * form.inside.residuals(coordinates_of(s.places), [jets[which_jet(o)] for _, o in form.inside.jets])[
            2
        ]
    )
    edges = _edges(galerkin, finer, sampled, line, sign)
    if edges is None:
        return None
    fluxes, rough, robin = edges
    numbers, counts, _ = mesh.edges
    signs = _AROUND * np.where(mesh.backward, -1.0, 1.0)
    sources = (spring * s.mass).sum(1)
    fluxes = balanced(fluxes, np.asarray(rough.any(2)), sources, numbers, signs, len(counts))
    exact = np.stack(finer.fields[0].jets(s)[1:], axis=-1)
    target = np.einsum("...ij,...j->...i", matrix, exact)
    y, divergence = _flux(fluxes, target, spring, s, line)
    apart = y - np.einsum("...ij,...j->...i", matrix, slope)
    misfit = np.einsum("...i,...ij,...j->...", apart, inverses(matrix), apart)
    least = np.linalg.eigvalsh(matrix)[..., 0].min(1)
    turn = inverses(s.inverse)
    area = np.linalg.det(turn)
    stretch = (np.linalg.norm(turn, ord=2, axis=(-2, -1)) ** 2 / area).max(1)
    poincare = np.sqrt(area.max(1) * stretch / least) / np.pi
    left = np.sqrt((s.mass * (spring + divergence) ** 2).sum(1))
    through = np.sqrt((1 / np.pi**2 + 2 / np.pi) * stretch / least)[:, None] * np.sqrt((rough**2).sum(2))
    own = np.sqrt((s.mass * misfit).sum(1)) + poincare * left + through.sum(1)
    energy = np.einsum("...i,...ij,...j->...", slope, matrix, slope) + reaction * value**2
    return EnergyBound(float(np.sqrt((own**2).sum())), float(np.sqrt((s.mass * energy).sum() + robin)))


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


def _edges(
    galerkin: Galerkin, finer: MeshPieces, sampled: Sampled | MeshPieces, line: _LegendreLine, sign: float
) -> tuple[Floats, Floats, float] | None:
    """Modes of the flux out of each side (L, 4, degree + 1): averaged inside, as the conditions require on the boundary.

    Beside it what conditions leave of their flux at Gauss places, times the roots of weight and length (L, 4, m), and
    the conditions' share of the energy.
    """
    mesh, inside = galerkin.mesh, galerkin.form.inside
    assert isinstance(mesh, Quadrilaterals)
    count, m = mesh.count, len(line.places)
    zero, one = 0 * line.places, 0 * line.places + 1
    sides = [
        np.stack(pair, axis=-1)
        for pair in ((line.places, zero), (one, line.places), (line.places, one), (zero, line.places))
    ]
    modes = line.modes[:, :-1]
    fluxes = np.empty((count, 4, line.degree + 1))
    for side, places in enumerate(sides):
        s, slopes = mesh.sampled(places, line.weights), mesh.placed(slice(None), places)[1]
        jets = finer.fields[0].jets(s)
        flow = inside.residuals(coordinates_of(s.places), [jets[which_jet(o)] for _, o in inside.jets])[:2]
        along = slopes[..., 0 if side in (0, 2) else 1]
        # Out of the side: the direction of the side turned clockwise where it runs counterclockwise.
        out = sign * _AROUND[side] * (flow[0] * along[..., 1] - flow[1] * along[..., 0])
        fluxes[:, side] = (out * line.weights) @ modes
    numbers, counts, _ = mesh.edges
    turned = np.where(mesh.backward[..., None], (-1.0) ** np.arange(line.degree + 1), 1.0)
    # Out of one neighbour is into the other.
    signs = _AROUND * np.where(mesh.backward, -1.0, 1.0)
    total = np.zeros((len(counts), line.degree + 1))
    np.add.at(total, numbers, fluxes * turned * signs[..., None])
    fluxes = (total / counts[:, None])[numbers] * turned * signs[..., None]
    rough, energy = np.zeros((count, 4, m)), 0.0
    for n, rim in enumerate(galerkin.form.rims):
        if rim.given:
            continue
        for on in mesh.on_part(n, m):
            where = (0, 3)[on.face]
            flow, alpha, value = np.zeros(on.mass.shape), np.zeros(on.mass.shape), np.zeros(on.mass.shape)
            if rim.flux is not None:
                if any(any(orders) for _, orders in rim.flux.jets):
                    return None
                if isinstance(sampled, MeshPieces):
                    element, local = sampled.mesh.across(mesh, sides[where])
                    value = sampled.at(0, element, local, (0, 0)).reshape(count, m)[on.elements]
                else:
                    value = sampled(on.places, (0, 0))
                at = on.arguments
                flow = sign * rim.flux.residuals(at, [value] * len(rim.flux.jets))[0]
                for slope in rim.flux.derivatives(at, [value] * len(rim.flux.jets)):
                    alpha = -sign * slope
            if alpha.min() < 0:
                return None
            length = on.mass / line.weights
            wanted = flow * length
            fluxes[on.elements, where] = (wanted * line.weights) @ modes
            missed = (wanted - fluxes[on.elements, where] @ modes.T) / np.sqrt(length)
            # What is left, times the root of the length once more, as the trace inequality takes it.
            rough[on.elements, where] = np.maximum(np.abs(missed * np.sqrt(length * line.weights)), 1e-300)
            energy += float((on.mass * alpha * value**2).sum())
    return fluxes, rough, energy


def _flux(
    fluxes: Floats, target: Floats, spring: Floats, s: Sampling, line: _LegendreLine
) -> tuple[Floats, Floats]:
    """A field with the given flux through all sides and minus the sources as its divergence, near a target; and that
    divergence."""
    shape = (len(s.mass), len(line.weights), len(line.weights))
    weights = np.multiply.outer(line.weights, line.weights)
    mass, spring = s.mass.reshape(shape), spring.reshape(shape)
    area = mass / weights
    # In the unit square (Piola's transformation): fluxes through lines stay what they are.
    flat = np.einsum("...ij,...j->...i", s.inverse, target).reshape(*shape, 2) * mass[..., None]
    low, high = line.modes[:, :-1], line.modes
    first, second = high.T @ flat[..., 0] @ low, low.T @ flat[..., 1] @ high
    lift = line.ends.T @ inverses(line.ends @ line.ends.T)
    out = np.stack([-fluxes[:, 3], fluxes[:, 1]], axis=1)
    first = first + lift @ (out - line.ends @ first)
    out = np.stack([-fluxes[:, 0], fluxes[:, 2]], axis=2)
    second = second + (out - second @ line.ends.T) @ lift.T
    wanted = -(low.T @ (spring * mass) @ low)
    rest = wanted - (line.slope @ first + second @ line.slope.T)
    inner, values, vectors = line.divergence
    sums = values[:, None] + values
    turned = vectors.T @ rest @ vectors
    safe = np.where(sums > 1e-12 * sums.max(), sums, np.inf)
    potential = vectors @ (turned / safe) @ vectors.T
    within = inner @ inner.T @ line.slope.T
    first, second = first + within @ potential, second + potential @ within.T
    divergence = low @ (line.slope @ first + second @ line.slope.T) @ low.T / area
    field = np.stack([high @ first @ low.T, low @ second @ high.T], axis=-1) / area[..., None]
    field, divergence = field.reshape(s.places.shape), divergence.reshape(s.mass.shape)
    return np.einsum("...ij,...j->...i", inverses(s.inverse), field), divergence
