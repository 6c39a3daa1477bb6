"""Functions on those sides of elements that lie on the boundary: places with lengths and normals, values there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.elements import inverses, lagrange
from edgewise.pde.discretisation.mesh import Mesh


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

    @property
    def arguments(self) -> list[Floats]:
        """x, y and both parts of the normal, as equations on the boundary take them."""
        return [self.places[..., 0], self.places[..., 1], self.normal[..., 0], self.normal[..., 1]]

    def basis(self, degree: int, kind: int) -> Floats:
        """Values (0) or the derivative in x (1) or y (2) of an element's functions there: (q, m, n)."""
        value, slope = lagrange(degree, self.line)
        edge, across = (each[0] for each in lagrange(degree, np.zeros(1)))

        def table(one: Floats, other: Floats) -> Floats:
            """Products of functions along this side and across it."""
            rule = "mi,j->mij" if self.side == 0 else "mj,i->mij"
            return np.einsum(rule, one, other).reshape(len(self.line), -1)

        if kind == 0:
            plain = table(value, edge)
            return np.broadcast_to(plain, (len(self.elements), *plain.shape))
        along, outward = self.inverse[..., self.side, kind - 1], self.inverse[..., 1 - self.side, kind - 1]
        return along[..., None] * table(slope, edge) + outward[..., None] * table(value, across)


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
