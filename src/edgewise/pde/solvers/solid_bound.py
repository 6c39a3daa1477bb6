"""A guaranteed bound of the error in the energy norm in solids, as `energy_bound` has it on plane shapes.

On tetrahedra the field y is a polynomial of a degree in each, with the flux of a finer solution averaged on faces and its
divergence put right element by element (F. Brezzi, J. Douglas and L. D. Marini 1985, doi:10.1007/BF01389710; D. Braess and
J. Schoeberl 2008, doi:10.1090/S0025-5718-07-02080-7). What polynomials leave of the data is bounded with Poincare's constant
of one element, its width / pi (L. E. Payne and H. F. Weinberger 1960, doi:10.1007/BF00252910), so that no constant of the
whole solid is needed; what they leave of a flux on a face F of a tetrahedron T, h from its fourth corner to F at most, by

    |w|_F^2 <= |F| / |T| |w|_T (|w|_T + 2/3 h |grad w|_T)

The bound holds for the solid of flat facets, up to quadrature and to the interpolation of given values on the boundary.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise.pde.discretisation.elements import Sampling, coordinates_of
from edgewise.pde.discretisation.galerkin import Galerkin, which_jet
from edgewise.pde.discretisation.lagrange import inverses
from edgewise.pde.discretisation.simplex_polynomials import orthonormal_modes, simplex_gauss, simplex_lagrange
from edgewise.pde.discretisation.simplices import Simplices
from edgewise.pde.results.energy import EnergyBound
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.solvers.energy_bound import balanced, energy_form

_MORE = 3
# Elements that are worked on at once.
_CHUNK = 128


def solid_bound(galerkin: Galerkin, finer: MeshPieces, coarse: MeshPieces) -> EnergyBound | None:
    """The bound for a solution with the help of another of a higher degree on the same tetrahedra.

    Parameters
    ----------
    galerkin : Galerkin
        Of the finer solution.
    finer, coarse : MeshPieces
        The solution that helps, and the one whose error is bounded.

    Returns
    -------
    EnergyBound or None
        None where the equation has no energy, or the tetrahedra are others.
    """
    form, mesh = galerkin.form, galerkin.mesh
    if len(form.names) != 1 or not form.linear or mesh.dimension != 3 or coarse.mesh.nodes is not mesh.nodes:
        return None
    assert isinstance(mesh, Simplices)
    s = mesh.sampling(galerkin.degree + _MORE)
    found = energy_form(galerkin, s)
    if found is None:
        return None
    matrix, sign, reaction = found
    jets = coarse.fields[0].jets(s)
    spring = (
        sign
        * form.inside.residuals(coordinates_of(s.places), [jets[which_jet(o)] for _, o in form.inside.jets])[
            3
        ]
    )
    fluxes = sign * _fluxes(galerkin, finer)
    fixed, missed, robin = _on_boundary(galerkin, coarse, sign, fluxes)
    if fixed is None:
        return None
    numbers, signs, counts = _sides(galerkin)
    fluxes = balanced(fluxes, fixed, (spring * s.mass).sum(1), numbers, signs, len(counts))
    slope = np.stack(jets[1:], axis=-1)
    exact = np.stack(finer.fields[0].jets(s)[1:], axis=-1)
    corners = mesh.points[mesh.nodes]
    gaps = np.linalg.norm(corners[:, :, None] - corners[:, None], axis=-1)
    width = gaps.max((1, 2))
    own = np.zeros(mesh.count)
    for first in range(0, mesh.count, _CHUNK):
        part = slice(first, first + _CHUNK)
        y, divergence = _field(galerkin, s, part, fluxes, matrix[part], exact[part], spring[part])
        apart = y - np.einsum("...ij,...j->...i", matrix[part], slope[part])
        misfit = np.einsum("...i,...ij,...j->...", apart, inverses(matrix[part]), apart)
        least = np.linalg.eigvalsh(matrix[part])[..., 0].min(1)
        left = np.sqrt((s.mass[part] * (spring[part] + divergence) ** 2).sum(1))
        own[part] = np.sqrt((s.mass[part] * misfit).sum(1)) + width[part] / np.pi / np.sqrt(least) * left
        # Of faces: |F| / |T| is 3 over the height, and the corner lies at most the longest edge at it off the face.
        steep = np.linalg.norm(_falls(s.inverse[part, 0]), axis=-1)
        far = gaps[part].max(2)
        trace = 3 * steep * ((width[part, None] / np.pi) ** 2 + 2 / 3 * far * width[part, None] / np.pi)
        own[part] += (np.sqrt(trace / least[:, None]) * missed[part]).sum(1)
    energy = np.einsum("...i,...ij,...j->...", slope, matrix, slope) + reaction * jets[0] ** 2
    return EnergyBound(float(np.sqrt((own**2).sum())), float(np.sqrt((s.mass * energy).sum() + robin)))


def _falls(inverse: Floats) -> Floats:
    """Minus the gradient of the weight of each corner, (L, 4, 3): its length is 1 over the height above the face."""
    return np.concatenate([inverse.sum(-2)[..., None, :], -inverse], axis=-2)


@lru_cache(maxsize=16)
def _faces(degree: int, count: int) -> tuple[tuple[Floats, ...], Floats, Floats]:
    """Places on the faces opposite to each corner (m, 3), their shares, and orthonormal polynomials there (m, n)."""
    inner, shares = simplex_gauss(count, 2)
    weights = np.concatenate([1 - inner.sum(1, keepdims=True), inner], axis=1)
    polynomials = simplex_lagrange(degree, inner)[0] @ np.linalg.inv(orthonormal_modes(degree, 2)[0])
    found: list[Floats] = []
    for corner in range(4):
        at = np.zeros((len(weights), 4))
        at[:, [k for k in range(4) if k != corner]] = weights
        found.append(at[:, 1:])
    return tuple(found), shares, polynomials


def _fluxes(galerkin: Galerkin, finer: MeshPieces) -> Floats:
    """Modes of the flux out of each face, (L, 4, n), averaged where two elements meet."""
    mesh, inside, degree = galerkin.mesh, galerkin.form.inside, galerkin.degree
    faces, shares, polynomials = _faces(degree, degree + _MORE)
    found = np.empty((mesh.count, 4, polynomials.shape[1]))
    for corner, at in enumerate(faces):
        s = mesh.sampled(at, shares)
        jets = finer.fields[0].jets(s)
        flow = inside.residuals(coordinates_of(s.places), [jets[which_jet(o)] for _, o in inside.jets])[:3]
        # Areas are 3 volumes over heights.
        out = _falls(s.inverse[:, 0])[:, corner]
        found[:, corner] = 3 * (sum(flow[k] * out[:, k, None] for k in range(3)) * s.mass) @ polynomials
    numbers, signs, counts = _sides(galerkin)
    total = np.zeros((len(counts), polynomials.shape[1]))
    np.add.at(total, numbers, found * signs[..., None])
    return (total / counts[:, None])[numbers] * signs[..., None]


def _sides(galerkin: Galerkin) -> tuple[Ints, Floats, Ints]:
    """Numbers of each element's faces, 1 for the first element at each and -1 for the second, and how many there are."""
    assert isinstance(galerkin.mesh, Simplices)
    numbers, count = galerkin.mesh.parts(2)
    first = np.full(count, -1, dtype=np.int64)
    flat = numbers.ravel()
    first[flat[::-1]] = np.arange(len(flat))[::-1]
    signs = np.where(first[flat] == np.arange(len(flat)), 1.0, -1.0).reshape(numbers.shape)
    return numbers, signs, np.bincount(flat, minlength=count)


def _on_boundary(
    galerkin: Galerkin, coarse: MeshPieces, sign: float, fluxes: Floats
) -> tuple[Bools | None, Floats, float]:
    """Puts the flux that conditions require into `fluxes`; which faces these are, what polynomials miss of it in L2, and
    the conditions' share of the energy."""
    mesh, degree = galerkin.mesh, galerkin.degree
    _, shares, polynomials = _faces(degree, degree + _MORE)
    fixed, missed, energy = np.zeros((mesh.count, 4), dtype=bool), np.zeros((mesh.count, 4)), 0.0
    for n, rim in enumerate(galerkin.form.rims):
        if rim.given:
            continue
        for on in mesh.on_part(n, degree + _MORE):
            corner = on.face
            flow, alpha = np.zeros(on.mass.shape), np.zeros(on.mass.shape)
            numbering = coarse.fields[0].numbering
            basis = simplex_lagrange(numbering.degree, on.at)[0]
            value = coarse.fields[0].values[numbering.table[on.elements]] @ basis.T
            if rim.flux is not None:
                if any(any(orders) for _, orders in rim.flux.jets):
                    return None, missed, energy
                flow = sign * rim.flux.residuals(on.arguments, [value] * len(rim.flux.jets))[0]
                for slope in rim.flux.derivatives(on.arguments, [value] * len(rim.flux.jets)):
                    alpha = -sign * slope
            if alpha.min() < 0:
                return None, missed, energy
            area = (on.mass / shares).mean(1, keepdims=True)
            fluxes[on.elements, corner] = (flow * on.mass) @ polynomials
            rest = flow - fluxes[on.elements, corner] @ polynomials.T / area
            fixed[on.elements, corner] = True
            missed[on.elements, corner] = np.sqrt((rest**2 * on.mass).sum(1))
            energy += float((on.mass * alpha * value**2).sum())
    return fixed, missed, energy


@lru_cache(maxsize=8)
def _reference(degree: int, count: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """On the tetrahedron of the weights: orthonormal polynomials at Gauss places (m, n) and their derivatives (3, m, n);
    those up to a degree less, (m, n'); fluxes and divergences of fields of them, (rows, 3 n), and its inverse."""
    at, shares = simplex_gauss(count, 3)
    back = np.linalg.inv(orthonormal_modes(degree, 3)[0])
    value, *slopes = (each @ back for each in simplex_lagrange(degree, at))
    lower = value[:, orthonormal_modes(degree, 3)[1] < degree]
    faces, weights, polynomials = _faces(degree, count)
    n = value.shape[1]
    rows: list[Floats] = []
    for corner, on in enumerate(faces):
        there = (polynomials * weights[:, None]).T @ (simplex_lagrange(degree, on)[0] @ back) / 2
        row = np.zeros((len(there), 3, n))
        if corner:
            row[:, corner - 1] = -there
        else:
            row[:] = there[:, None]
        rows.append(row)
    spread = np.stack([(lower * shares[:, None]).T @ slope for slope in slopes], axis=1)
    table = np.concatenate([*rows, spread]).reshape(-1, 3 * n)
    return value, np.stack(slopes), lower, table, np.asarray(np.linalg.pinv(table, rcond=1e-10), dtype=float)


def _field(
    galerkin: Galerkin,
    s: Sampling,
    part: slice,
    fluxes: Floats,
    matrix: Floats,
    exact: Floats,
    spring: Floats,
) -> tuple[Floats, Floats]:
    """A field with the given flux through all faces and minus the sources as its divergence, near that of the finer
    solution; and that divergence."""
    degree = galerkin.degree
    value, slopes, lower, table, back = _reference(degree, degree + _MORE)
    assert isinstance(galerkin.mesh, Simplices)
    turn = galerkin.mesh.slopes[part]
    size = np.abs(np.linalg.det(turn))[:, None, None]
    target = np.einsum("...ij,...j->...i", matrix, exact)
    # By the weights of the corners (Piola's transformation): fluxes through faces stay what they are.
    flat = np.einsum("lab,lmb->lam", s.inverse[part, 0], target) * size
    own: Any = (flat * s.shares) @ value
    count = len(own)
    sources = -size[:, 0] * ((spring * s.shares) @ lower)
    wanted = np.concatenate([fluxes[part].reshape(count, -1), sources], axis=1)
    own = own.reshape(count, -1)
    own = (own + (wanted - own @ table.T) @ back.T).reshape(count, 3, -1)
    divergence = np.asarray(sum(own[:, a] @ slopes[a].T for a in range(3))) / size[:, 0]
    return np.einsum("lba,lam->lmb", turn, own @ value.T) / size, divergence
