"""Functions on those faces of tetrahedra that lie on the boundary: places with areas and normals, values there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.rims import which_jet
from edgewise.pde.discretisation.tetra_elements import (
    FACES,
    TetraField,
    TetraMesh,
    tetra_lagrange,
    triangle_gauss,
)
from edgewise.pde.problem.jets import Compiled


@dataclass(frozen=True, eq=False)
class FaceSampling:
    """Places on those faces of elements, opposite to one of their corners, that lie on one patch.

    Attributes
    ----------
    elements : ndarray, shape (q,)
    corner : int
    at : ndarray, shape (m, 3)
        Weights of the last three corners.
    places : ndarray, shape (q, m, 3)
    normal : ndarray, shape (q, 3)
        Outward, of length 1.
    mass : ndarray, shape (q, m)
        Area of each place.
    inverse : ndarray, shape (q, 3, 3)
        Derivatives of the weights in the coordinates.
    """

    elements: Ints
    corner: int
    at: Floats
    places: Floats
    normal: Floats
    mass: Floats
    inverse: Floats

    @cached_property
    def arguments(self) -> list[Floats]:
        """The coordinates and the parts of the normal, as equations on the boundary take them."""
        shape = self.mass.shape
        own = [np.broadcast_to(self.normal[:, None, k], shape) for k in range(3)]
        return [*(self.places[..., k] for k in range(3)), *own]


def face_samplings(mesh: TetraMesh, patch: int, count: int) -> list[FaceSampling]:
    """Gauss places, count^2 on each face of a patch."""
    found: list[FaceSampling] = []
    weights, shares = triangle_gauss(count)
    for corner, face in enumerate(FACES):
        elements = np.flatnonzero(mesh.curve[:, corner] == patch)
        if not len(elements):
            continue
        at = np.zeros((len(weights), 4))
        at[:, face] = weights
        a, b, c = (mesh.points[mesh.nodes[elements, k]] for k in face)
        cross = np.cross(b - a, c - a)
        cross *= -np.sign((cross * (mesh.points[mesh.nodes[elements, corner]] - a)).sum(1))[:, None]
        twice = np.linalg.norm(cross, axis=1)
        found.append(
            FaceSampling(
                elements,
                corner,
                at[:, 1:],
                mesh.places(elements, at[:, 1:]),
                cross / twice[:, None],
                twice[:, None] / 2 * shares,
                mesh.inverse[elements],
            )
        )
    return found


def face_basis(degree: int, on: FaceSampling, kind: int) -> Floats:
    """Values (0) or a derivative (1, 2, 3) of an element's functions at places on its face: (q, m, n)."""
    value, *slopes = tetra_lagrange(degree, on.at)
    if kind == 0:
        return np.broadcast_to(value, (len(on.elements), *value.shape))
    return np.einsum("qa,amn->qmn", on.inverse[:, :, kind - 1], np.stack(slopes))


def face_jets(compiled: Compiled, on: FaceSampling, fields: Sequence[TetraField]) -> list[Floats]:
    """The jets of equations on the boundary, at its places."""
    found: list[Floats] = []
    for f, orders in compiled.jets:
        numbering = fields[f].numbering
        own = fields[f].values[numbering.table[on.elements]]
        found.append(np.einsum("qmn,qn->qm", face_basis(numbering.degree, on, which_jet(orders)), own))
    return found
