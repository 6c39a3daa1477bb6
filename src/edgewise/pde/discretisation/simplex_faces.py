"""Functions on those faces of elements that lie on the boundary: places with areas and normals, values there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.simplex_elements import inverted, placed, simplex_gauss, simplex_lagrange
from edgewise.pde.discretisation.simplex_mesh import SimplexMesh, parts_of


@dataclass(frozen=True, eq=False)
class FaceSampling:
    """Places on those faces of elements, opposite to one of their corners, that lie on one part of the boundary.

    Attributes
    ----------
    elements : ndarray, shape (q,)
    at : ndarray, shape (m, d)
        Weights of all corners but the first.
    places : ndarray, shape (q, m, 3)
    normal : ndarray, shape (q, 1 or m, 3)
        Outward along the element, of length 1.
    mass : ndarray, shape (q, m)
        Area or length of each place.
    inverse : ndarray, shape (q, 1 or m, d, 3)
        Derivatives of the weights in the coordinates.
    """

    elements: Ints
    at: Floats
    places: Floats
    normal: Floats
    mass: Floats
    inverse: Floats

    @property
    def arguments(self) -> list[Floats]:
        """The coordinates and the parts of the normal, as equations on the boundary take them."""
        own = [np.broadcast_to(self.normal[..., k], self.mass.shape) for k in range(3)]
        return [*(self.places[..., k] for k in range(3)), *own]

    def basis(self, degree: int, kind: int) -> Floats:
        """Values (0) or a derivative (1, 2, 3) of an element's functions there: (q, m, n)."""
        value, *slopes = simplex_lagrange(degree, self.at)
        if kind == 0:
            return np.broadcast_to(value, (len(self.elements), *value.shape))
        return np.asarray(sum(self.inverse[..., a, kind - 1, None] * slope for a, slope in enumerate(slopes)))


def face_samplings(mesh: SimplexMesh, part: int, count: int) -> list[FaceSampling]:
    """Gauss places, `count` in each direction of each face of a part of the boundary."""
    found: list[FaceSampling] = []
    d = mesh.dimension
    inner, shares = simplex_gauss(count, d - 1)
    weights = np.concatenate([1 - inner.sum(1, keepdims=True), inner], axis=1)
    for corner, face in enumerate(parts_of(d - 1, d)):
        elements = np.flatnonzero(mesh.curve[:, corner] == part)
        if not len(elements):
            continue
        at = np.zeros((len(weights), d + 1))
        at[:, face] = weights
        places, slopes = placed(mesh, elements, at[:, 1:])
        inverse, size = inverted(slopes)
        # The weight of the corner falls toward the face, by 1 over its height.
        fall = inverse.sum(-2) if corner == 0 else -inverse[..., corner - 1, :]
        steep = np.linalg.norm(fall, axis=-1)
        found.append(
            FaceSampling(
                elements, at[:, 1:], places, fall / steep[..., None], d * size * steep * shares, inverse
            )
        )
    return found
