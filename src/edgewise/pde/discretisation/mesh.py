"""Elements: blocks, cut in geometric layers toward those corners of the region where derivatives grow without bound.

Toward its first corner a block is cut at shares sigma, sigma^2, ... of both sides: a small square is left, and two
trapezoids a layer. Neighbours at the same corner are cut alike, so that elements meet edge to edge, and the error falls
exponentially with the number of layers and the degree (I. Babuska and B. Q. Guo 1988, doi:10.1137/0725048).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.blocks import Blocks

# Shares below .2 save elements but ask for degrees that cost more: .35 was the cheapest of .15 to .4 to 1e-9 on an L.
SIGMA = 0.35


@dataclass(frozen=True, eq=False)
class Mesh:
    """Elements, each a quadrilateral in the unit square of a block.

    Attributes
    ----------
    blocks : Blocks
    layers : dict of int to int
        Of each point of the blocks that is refined to.
    block : ndarray, shape (L,)
    corners : ndarray, shape (L, 4, 2)
        In the unit square of the block, counterclockwise.
    nodes : ndarray, shape (L, 4)
        Numbers of the corners.
    tip : ndarray, shape (L,)
        The point among `layers` that an element touches as the innermost; -1 for others.
    curve : ndarray, shape (L, 2)
        Number of the curve of the region that the sides from the first corner to the second and to the fourth lie on; -1
        inside.
    """

    blocks: Blocks
    layers: dict[int, int]
    block: Ints
    corners: Floats
    nodes: Ints
    tip: Ints
    curve: Ints
    degree_steps: ClassVar = 2

    def like(self, other: Mesh) -> bool:
        """Whether they differ by their degree, and by layers at corners, alone."""
        return self.blocks is other.blocks

    @property
    def count(self) -> int:
        """Number of elements."""
        return len(self.block)

    def local(self, which: Ints, at: Floats) -> tuple[Floats, Floats]:
        """Places of the unit squares of elements in those of their blocks, (q, m, 2), and derivatives (q, m, 2, 2)."""
        a, b, c, d = (self.corners[which, k][:, None, :] for k in range(4))
        x, y = at[..., :1], at[..., 1:]
        # Weights of the corners, not differences: beside a corner at 0 this keeps all digits.
        places = (1 - x) * (1 - y) * a + x * (1 - y) * b + x * y * c + (1 - x) * y * d
        slopes = np.stack([(1 - y) * (b - a) + y * (c - d), (1 - x) * (d - a) + x * (c - b)], axis=-1)
        return places, slopes

    def places(self, which: Ints, at: Floats) -> tuple[Floats, Floats]:
        """Places of the unit squares of elements in the region, (q, m, 2), and derivatives (q, m, 2, 2)."""
        inner, first = self.local(which, at)
        places, second = self.blocks.places(self.block[which], inner)
        return places, second @ first

    @cached_property
    def edges(self) -> tuple[Ints, Ints, Ints]:
        """Number of each element's four sides (L, 4), the elements' count at each edge, and the edges' nodes (E, 2).

        Sides run from corner 0 to 1, 1 to 2, 3 to 2, 0 to 3.
        """
        ends = self.nodes[:, [[0, 1], [1, 2], [3, 2], [0, 3]]]
        pairs, numbers, counts = np.unique(
            np.sort(ends.reshape(-1, 2), axis=1), axis=0, return_inverse=True, return_counts=True
        )
        return numbers.reshape(-1, 4).astype(np.int64), counts, pairs

    @cached_property
    def backward(self) -> NDArray[np.bool_]:
        """Whether a side runs from the larger node to the smaller, (L, 4)."""
        ends = self.nodes[:, [[0, 1], [1, 2], [3, 2], [0, 3]]]
        return ends[..., 0] > ends[..., 1]


def mesh_of(blocks: Blocks, layers: Mapping[int, int]) -> Mesh:
    """Elements of blocks with so many layers at some of their points."""
    names: dict[tuple[int, ...], int] = {}

    def node(*key: int) -> int:
        return names.setdefault(key, len(names))

    block: list[int] = []
    corners: list[list[tuple[float, float]]] = []
    nodes: list[list[int]] = []
    tip: list[int] = []
    curve: list[tuple[int, int]] = []

    def add(q: int, square: list[tuple[float, float]], own: list[int], at: int, on: tuple[int, int]) -> None:
        block.append(q)
        corners.append(square)
        nodes.append(own)
        tip.append(at)
        curve.append(on)

    for q, (a, b, c, d) in enumerate(blocks.quads.tolist()):
        n = layers.get(a, 0)
        low, left = (int(k) for k in blocks.numbers[q])

        def along(end: int, k: int, a: int = a) -> int:
            """The node on the side from the corner to another, after k layers."""
            return node(end) if k == 0 else node(a, end, k)

        def inside(k: int, q: int = q, c: int = c) -> int:
            return node(c) if k == 0 else node(-1, q, k)

        s = SIGMA**n
        square = [(0.0, 0.0), (s, 0.0), (s, s), (0.0, s)]
        add(q, square, [node(a), along(b, n), inside(n), along(d, n)], a if a in layers else -1, (low, left))
        for k in range(n, 0, -1):
            s, t = SIGMA**k, SIGMA ** (k - 1)
            one = [along(b, k), along(b, k - 1), inside(k - 1), inside(k)]
            two = [along(d, k), inside(k), inside(k - 1), along(d, k - 1)]
            add(q, [(s, 0.0), (t, 0.0), (t, t), (s, s)], one, -1, (low, -1))
            add(q, [(0.0, s), (s, s), (t, t), (0.0, t)], two, -1, (-1, left))
    return Mesh(
        blocks,
        dict(layers),
        np.array(block),
        np.array(corners),
        np.array(nodes),
        np.array(tip),
        np.array(curve, dtype=np.int64),
    )
