"""Collocation at Radau's places in time (Radau IIA), of as many stages as asked for, with the polynomials that come of it.

    u(t_i) = u_0 + h sum over j of A_ij dt(u)(t_j)

The stages are taken apart by the eigenvectors of A: each pair of conjugate eigenvalues costs one complex system
(J. C. Butcher 1976, doi:10.1007/BF01932265; E. Hairer and G. Wanner, "Solving Ordinary Differential Equations II", 1996,
section IV.8). It is of order 2 s - 1 at the ends of slabs and damps what is too fast to be followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from scipy.special import roots_jacobi

from edgewise._core.arrays import Floats


@dataclass(frozen=True, eq=False)
class Radau:
    """The places and weights of so many stages, in a slab of length 1.

    Attributes
    ----------
    nodes : ndarray, shape (s,)
        In (0, 1], the last one 1.
    matrix : ndarray, shape (s, s)
        A, integrals up to each place.
    values : ndarray, shape (v,)
        Its eigenvalues that are real, and those in the upper half of the plane.
    vectors, inverse : ndarray, shapes (s, v) and (v, s)
        Their eigenvectors, and the rows that find their shares; those of complex values twice as large.
    """

    nodes: Floats
    matrix: Floats
    values: Any
    vectors: Any
    inverse: Any

    @property
    def stages(self) -> int:
        """How many there are."""
        return len(self.nodes)

    @property
    def back(self) -> Floats:
        """The inverse of A."""
        return np.asarray(np.linalg.inv(self.matrix), dtype=float)


@lru_cache(maxsize=16)
def radau(stages: int) -> Radau:
    """Radau IIA of so many stages."""
    inner = roots_jacobi(stages - 1, 1.0, 0.0)[0] if stages > 1 else np.zeros(0)
    nodes = (np.append(inner, 1.0) + 1) / 2
    # Legendre polynomials at the places, and their integrals from 0.
    at = 2 * nodes - 1
    powers = legendre.legvander(at, stages - 1)
    integrals = np.stack(
        [legendre.legval(at, legendre.legint(row, lbnd=-1)) / 2 for row in np.eye(stages)], axis=1
    )
    matrix = integrals @ np.linalg.inv(powers)
    found: Any = np.linalg.eig(matrix)
    values, vectors = found
    inverse = np.linalg.inv(vectors)
    keep = np.flatnonzero(values.imag >= -1e-12 * np.abs(values))
    twice = np.where(np.abs(values[keep].imag) > 1e-12 * np.abs(values[keep]), 2.0, 1.0)
    return Radau(nodes, matrix, values[keep], vectors[:, keep], inverse[keep] * twice[:, None])


@lru_cache(maxsize=16)
def to_legendre(stages: int, started: bool) -> Floats:
    """The matrix from values at Radau's places to Legendre coefficients on a slab; `started` puts the start before them."""
    nodes = radau(stages).nodes
    at = np.concatenate([[0.0], nodes]) if started else nodes
    return np.asarray(np.linalg.inv(legendre.legvander(2 * at - 1, len(at) - 1)), dtype=float)
