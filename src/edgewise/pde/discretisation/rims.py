"""Functions on those sides of elements that lie on the boundary: places with lengths and normals, values there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.elements import MeshField, inverses, lagrange
from edgewise.pde.discretisation.mesh import Mesh
from edgewise.pde.problem.jets import Compiled


@dataclass(frozen=True, eq=False)
class RimSampling:
    """Places on those sides of elements that lie on one curve.

    Attributes
    ----------
    elements : ndarray, shape (q,)
    side : int
        0 for the side from the first corner to the second, 1 for that to the fourth.
    places, normal : ndarray, shape (q, m, 2)
    mass : ndarray, shape (q, m)
        Length of each place.
    inverse : ndarray, shape (q, m, 2, 2)
        As in `Sampling`.
    """

    elements: Ints
    side: int
    line: Floats
    places: Floats
    normal: Floats
    mass: Floats
    inverse: Floats


def rim_sampling(mesh: Mesh, curve: int, side: int, count: int) -> RimSampling | None:
    """Gauss places on the sides of one kind that lie on a curve; None where there are none."""
    elements = np.flatnonzero(mesh.curve[:, side] == curve)
    if not len(elements):
        return None
    line, weights = np.polynomial.legendre.leggauss(count)
    line, weights = (line + 1) / 2, weights / 2
    at = np.stack([line, 0 * line] if side == 0 else [0 * line, line], axis=-1)
    places, slopes = mesh.places(elements, np.broadcast_to(at, (len(elements), count, 2)))
    along = slopes[..., side]
    length = np.linalg.norm(along, axis=-1)
    sign = 1.0 if side == 0 else -1.0
    normal = sign * np.stack([along[..., 1], -along[..., 0]], axis=-1) / length[..., None]
    return RimSampling(elements, side, line, places, normal, length * weights, inverses(slopes))


def which_jet(orders: Sequence[int]) -> int:
    """0 for a value, 1, 2 and 3 for the derivatives in x, y and z."""
    return next((axis + 1 for axis, order in enumerate(orders) if order), 0)


def arguments(on: RimSampling) -> list[Floats]:
    """x, y and both parts of the normal, as equations on the boundary take them."""
    return [on.places[..., 0], on.places[..., 1], on.normal[..., 0], on.normal[..., 1]]


def rim_jets(compiled: Compiled, on: RimSampling, fields: Sequence[MeshField]) -> list[Floats]:
    """The jets of equations on the boundary, at its places."""
    jets: list[Floats] = []
    for f, orders in compiled.jets:
        numbering = fields[f].numbering
        own = fields[f].values[numbering.table[on.elements]].reshape(len(on.elements), -1)
        jets.append(np.einsum("qmn,qn->qm", rim_basis(numbering.degree, on)[which_jet(orders)], own))
    return jets


def rim_basis(degree: int, on: RimSampling) -> tuple[Floats, Floats, Floats]:
    """Values and derivatives in x and y of an element's functions at places on a side: three arrays (q, m, n)."""
    value, slope = lagrange(degree, on.line)
    edge, across = (each[0] for each in lagrange(degree, np.zeros(1)))
    if on.side == 0:
        table = [
            np.einsum("mi,j->mij", value, edge),
            np.einsum("mi,j->mij", slope, edge),
            np.einsum("mi,j->mij", value, across),
        ]
    else:
        table = [
            np.einsum("i,mj->mij", edge, value),
            np.einsum("i,mj->mij", across, value),
            np.einsum("i,mj->mij", edge, slope),
        ]
    plain, first, second = (each.reshape(len(on.line), -1) for each in table)
    inverse = on.inverse
    return (
        np.broadcast_to(plain, (len(on.elements), *plain.shape)),
        inverse[..., 0, 0, None] * first + inverse[..., 1, 0, None] * second,
        inverse[..., 0, 1, None] * first + inverse[..., 1, 1, None] * second,
    )
