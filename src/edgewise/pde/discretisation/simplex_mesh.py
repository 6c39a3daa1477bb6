"""Triangles of a surface or tetrahedra in a solid, with their edges and faces."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.domains.tetrahedra import Tetrahedra


@lru_cache(maxsize=8)
def parts_of(size: int, dimension: int) -> tuple[tuple[int, ...], ...]:
    """Which corners belong to each part of an element: corners (0), edges (1), faces (2), itself. What has one corner less
    than the element stands in the order of the corner that it leaves out."""
    every = tuple(itertools.combinations(range(dimension + 1), size + 1))
    return every[::-1] if size == dimension - 1 else every


@dataclass(frozen=True, eq=False)
class SimplexMesh:
    """Triangles or tetrahedra in space.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
    nodes : ndarray, shape (L, d + 1)
        Numbers of the corners, rising.
    curve : ndarray, shape (L, d + 1)
        The part of the boundary that the face opposite to each corner lies on; -1 inside.
    bend : ndarray, shape (L, n, 3), or None
        Of curved elements the places of a degree; None where all are flat.
    bend_degree : int
    reach : float
        How far off a surface places may lie that mean the nearest one on it.
    """

    points: Floats
    nodes: Ints
    curve: Ints
    bend: Floats | None = None
    bend_degree: int = 1
    reach: float = 0.0
    # Degrees rise by one from a mesh to the next, so that even and odd functions gain in turns.
    degree_steps: ClassVar = 1
    _parts: dict[int, tuple[Ints, int]] = field(default_factory=dict, repr=False)

    def like(self, other: SimplexMesh) -> bool:
        """Whether they differ by their degree alone."""
        return self.nodes is other.nodes

    @property
    def dimension(self) -> int:
        """2 for triangles, 3 for tetrahedra."""
        return self.nodes.shape[1] - 1

    @property
    def count(self) -> int:
        """Number of elements."""
        return len(self.nodes)

    def parts(self, size: int) -> tuple[Ints, int]:
        """Numbers of each element's edges (1), faces (2), or of itself, and how many there are."""
        if size == self.dimension:
            return np.arange(self.count)[:, None], self.count
        if size not in self._parts:
            self._parts[size] = _numbered(self.nodes, parts_of(size, self.dimension))
        return self._parts[size]

    @property
    def slopes(self) -> Floats:
        """Derivatives of places in the weights of all corners but the first where elements are flat, (L, 3, d)."""
        corners = self.points[self.nodes]
        return np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)

    @property
    def volume(self) -> Floats:
        """Volume or area of each element, of those with flat faces between the same corners."""
        slopes = self.slopes
        gram = np.linalg.det(np.swapaxes(slopes, 1, 2) @ slopes)
        return np.sqrt(np.maximum(gram, 0.0)) / math.factorial(self.dimension)


def tetra_mesh(filled: Tetrahedra) -> SimplexMesh:
    """The mesh of tetrahedra that fill a solid."""
    nodes = np.sort(filled.tetrahedra, axis=1)
    return SimplexMesh(filled.points, nodes, on_boundary(nodes, filled.sides, filled.patch))


def on_boundary(nodes: Ints, sides: Ints, part: Ints) -> Ints:
    """For the face opposite to each corner of each element the part of the boundary that it is on, or -1."""
    faces = parts_of(nodes.shape[1] - 2, nodes.shape[1] - 1)
    numbers, count = _numbered(nodes, faces)
    own = np.zeros((count, nodes.shape[1] - 1), dtype=np.int64)
    for k, face in enumerate(faces):
        own[numbers[:, k]] = nodes[:, face]
    order = {tuple(face): n for n, face in enumerate(own.tolist())}
    found = np.full(count, -1, dtype=np.int64)
    found[[order[tuple(side)] for side in np.sort(sides, axis=1).tolist()]] = part
    return found[numbers]


def _numbered(nodes: Ints, parts: tuple[tuple[int, ...], ...]) -> tuple[Ints, int]:
    every = np.concatenate([nodes[:, part] for part in parts])
    found, numbers = np.unique(every, axis=0, return_inverse=True)
    return numbers.reshape(len(parts), len(nodes)).T.astype(np.int64), len(found)
