"""Quadrilaterals on a plane shape: blocks, cut in geometric layers toward those corners of the region where derivatives grow
without bound.

Toward its first corner a block is cut at shares sigma, sigma^2, ... of both sides: a small square is left, and two
trapezoids a layer. Neighbours at the same corner are cut alike, so that elements meet edge to edge, and the error falls
exponentially with the number of layers and the degree (I. Babuska and B. Q. Guo 1988, doi:10.1137/0725048).

Functions are products of polynomials in both directions of the unit square, so that sums over places are taken one direction
after the other (sum factorisation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.discretisation.blocks import Blocks
from edgewise.pde.discretisation.elements import Block, Elements, Sampling
from edgewise.pde.discretisation.lagrange import lagrange, lobatto, to_modes

# Shares below .2 save elements but ask for degrees that cost more: .35 was the cheapest of .15 to .4 to 1e-9 on an L.
SIGMA = 0.35
# Places may lie outside a block by this share of it: rounding, on its edges.
_SLACK = 1e-9
_MOST_STEPS = 40
# Derivatives of functions on curved elements are no polynomials: so much higher is the degree that stands for them.
_MORE = 4


@dataclass(frozen=True, eq=False)
class Quadrilaterals(Elements):
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
    measured: ClassVar = 2
    most_at_once: ClassVar = 32

    @property
    def outward(self) -> Floats:
        """Of the sides from the first corner to the second and to the fourth: they alone may lie on the boundary."""
        return np.array([[0.0, -1.0], [-1.0, 0.0]])

    @property
    def integrated_beyond(self) -> int:
        """How many places in each direction beyond the degree products of functions take."""
        return 3

    def like(self, other: Elements) -> bool:
        """Whether they differ by their degree, and by layers at corners, alone."""
        return isinstance(other, Quadrilaterals) and self.blocks is other.blocks

    def local_places(self, which: Ints, at: Floats) -> tuple[Floats, Floats]:
        """Places of the unit squares of elements in those of their blocks, (q, m, 2), and derivatives (q, m, 2, 2)."""
        a, b, c, d = (self.corners[which, k][:, None, :] for k in range(4))
        x, y = at[..., :1], at[..., 1:]
        # Weights of the corners, not differences: beside a corner at 0 this keeps all digits.
        places = (1 - x) * (1 - y) * a + x * (1 - y) * b + x * y * c + (1 - x) * y * d
        slopes = np.stack([(1 - y) * (b - a) + y * (c - d), (1 - x) * (d - a) + x * (c - b)], axis=-1)
        return places, slopes

    def places(self, which: Ints, at: Floats) -> tuple[Floats, Floats]:
        """Places of the unit squares of elements in the region, (q, m, 2), and derivatives (q, m, 2, 2)."""
        inner, first = self.local_places(which, at)
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
    def backward(self) -> Bools:
        """Whether a side runs from the larger node to the smaller, (L, 4)."""
        ends = self.nodes[:, [[0, 1], [1, 2], [3, 2], [0, 3]]]
        return ends[..., 0] > ends[..., 1]

    def lattice(self, degree: int) -> Floats:
        """The places of `lobatto` in both directions, (n, 2)."""
        return _pairs(lobatto(degree))

    def basis(self, degree: int, at: Floats) -> Floats:
        """Values of the functions of a degree at places (q, 2), and both derivatives, (3, q, n)."""
        (x, x_slope), (y, y_slope) = (lagrange(degree, at[:, a]) for a in (0, 1))
        return np.stack([_products(x, y), _products(x_slope, y), _products(x, y_slope)])

    def values(self, degree: int, at: Floats) -> Floats:
        """The values of `basis` alone, (q, n)."""
        return _products(*(lagrange(degree, at[:, a])[0] for a in (0, 1)))

    def modes(self, degree: int) -> tuple[Floats, Ints, Floats]:
        """The matrix to products of Legendre's polynomials, the larger degree of each, and their energies."""
        n = np.arange(degree + 1.0)
        energy = (n[:, None] ** 2 + n**2) / ((2 * n[:, None] + 1) * (2 * n + 1))
        order = np.maximum(n[:, None], n).astype(np.int64)
        matrix = np.asarray(np.kron(to_modes(degree), to_modes(degree)), dtype=float)
        return matrix, order.ravel(), energy.ravel()

    def gauss(self, count: int) -> tuple[Floats, Floats]:
        """Places in the unit square, and their shares of it."""
        line, weights = _gauss(count)
        return _pairs(line), np.outer(weights, weights).ravel()

    def sampling(self, count: int) -> Sampling:
        """Gauss places, `count` in each direction of every element."""
        return replace(super().sampling(count), line=_gauss(count)[0])

    def face_gauss(self, face: int, count: int) -> tuple[Floats, Floats]:
        """Places on the side from the first corner to the second (0) or to the fourth (1), and their shares."""
        line, weights = _gauss(count)
        return np.stack([line, 0 * line] if face == 0 else [0 * line, line], axis=-1), weights

    def on_face(self, face: int, degree: int) -> Ints:
        """Which places of the lattice lie on that side."""
        every = np.arange(degree + 1)
        return every * (degree + 1) if face == 0 else every

    def within(self, degree: int) -> Bools:
        """Which places of the lattice lie on no side."""
        own = np.zeros((degree + 1, degree + 1), dtype=bool)
        own[1:-1, 1:-1] = True
        return own.ravel()

    def _skeleton(self, degree: int) -> int:
        """How many places lie on edges and corners."""
        return int(self.nodes.max()) + 1 + len(self.edges[2]) * (degree - 1)

    def coefficients(self, degree: int) -> int:
        """How many places functions of a degree are given at."""
        return self._skeleton(degree) + self.count * (degree - 1) ** 2

    def numbered(self, degree: int) -> Ints:
        """Numbers of each element's places: corners, edges, then the inside of elements."""
        k = degree
        found = np.empty((self.count, k + 1, k + 1), dtype=np.int64)
        first, inner = int(self.nodes.max()) + 1, np.arange(k - 1)
        for corner, (i, j) in enumerate(((0, 0), (k, 0), (k, k), (0, k))):
            found[:, i, j] = self.nodes[:, corner]
        sides = ((slice(1, k), 0), (k, slice(1, k)), (slice(1, k), k), (0, slice(1, k)))
        for side, where in enumerate(sides):
            order = np.where(self.backward[:, side, None], inner[::-1], inner)
            found[:, where[0], where[1]] = first + self.edges[0][:, side, None] * (k - 1) + order
        own = self._skeleton(degree) + np.arange(self.count)[:, None, None] * (k - 1) ** 2
        found[:, 1:k, 1:k] = own + np.arange((k - 1) ** 2).reshape(k - 1, k - 1)
        return found.reshape(self.count, -1)

    def placed(self, which: Ints | slice, at: Floats) -> tuple[Floats, Floats]:
        """Places of elements by those of the unit square (m, 2), and their derivatives (q, m, 2, 2)."""
        elements = np.arange(self.count)[which]
        return self.places(elements, np.broadcast_to(at, (len(elements), *at.shape)))

    def inverted(self, slopes: Floats) -> tuple[Floats, Floats]:
        """Derivatives of the unit square's directions in x and y, and areas, from the derivatives of places."""
        area = slopes[..., 0, 0] * slopes[..., 1, 1] - slopes[..., 0, 1] * slopes[..., 1, 0]
        inverse = np.empty_like(slopes)
        inverse[..., 0, 0], inverse[..., 1, 1] = slopes[..., 1, 1] / area, slopes[..., 0, 0] / area
        inverse[..., 0, 1], inverse[..., 1, 0] = -slopes[..., 0, 1] / area, -slopes[..., 1, 0] / area
        return inverse, area

    def sloped(self, degree: int, given: int) -> int:
        """The degree that stands for derivatives of functions of a degree."""
        return degree + _MORE

    def located(self, at: Floats, nearest: bool = False) -> tuple[Ints, Floats]:
        """Elements that hold places (q, 2), -1 outside of all, and the places in their unit squares."""
        block, local = in_blocks(self.blocks, at)
        hit = np.ones(len(at), dtype=bool) if nearest else block >= 0
        element = np.full(len(at), -1, dtype=np.int64)
        element[hit], local[hit] = in_elements(self, np.maximum(block[hit], 0), local[hit])
        return element, local

    def across(self, mesh: Quadrilaterals, at: Floats) -> tuple[Ints, Floats]:
        """Elements, and places in them, that hold the places of another mesh's unit squares, element by element."""
        if mesh.blocks is not self.blocks:
            return self.located(mesh.placed(slice(None), at)[0].reshape(-1, 2), nearest=True)
        every = np.arange(mesh.count)
        inner = mesh.local_places(every, np.broadcast_to(at, (mesh.count, *at.shape)))[0]
        return in_elements(self, np.repeat(mesh.block, len(at)), inner.reshape(-1, 2))

    def local(self, values: Floats, degree: int, s: Sampling) -> list[Floats]:
        """Values and derivatives in both directions, at places, of functions by their values (l, n)."""
        if s.line is None:
            return super().local(values, degree, s)
        value, slope = lagrange(degree, s.line)
        own = _square(values)
        right = own @ value.T
        found = value @ right, slope @ right, value @ (own @ slope.T)
        return [array.reshape(len(own), -1) for array in found]

    def tested(self, degree: int, along: Sequence[Floats], value: Floats | None, s: Sampling) -> Floats:
        """Sums over places of what goes with both derivatives of test functions, and with them: (L, n)."""
        assert s.line is not None
        own, slope = lagrange(degree, s.line)
        total: Any = 0.0 if value is None else own.T @ _square(value) @ own
        if along:
            total = total + slope.T @ _square(along[0]) @ own + own.T @ _square(along[1]) @ slope
        return total.reshape(len(total), -1)

    def integrated(self, block: Block, degrees: tuple[int, int], s: Sampling) -> Floats:
        """Sums over places of products of test functions and unknowns: (l, n, n')."""
        assert s.line is not None
        line = s.line
        tests, trials = lagrange(degrees[0], line), lagrange(degrees[1], line)
        m, p, q = len(line), degrees[0] + 1, degrees[1] + 1

        def pairs(a: int, b: int) -> Floats:
            return (tests[a][:, :, None] * trials[b][:, None, :]).reshape(m, p * q)

        total: Any = 0.0
        # Those that need the same products along the first direction are summed before it is integrated.
        for a1, b1 in ((0, 0), (0, 1), (1, 0), (1, 1)):
            summed: Any = None
            for (a, b), weight in block.items():
                if (int(a == 1), int(b == 1)) == (a1, b1):
                    charge(weight.size * p * q / RATE)
                    found = _square(weight) @ pairs(int(a == 2), int(b == 2))
                    summed = found if summed is None else summed + found
            if summed is not None:
                charge(summed.size * p * q / RATE)
                total = total + pairs(a1, b1).T @ summed
        count = len(next(iter(block.values())))
        whole = total.reshape(count, p, q, p, q)
        return whole.transpose(0, 1, 3, 2, 4).reshape(count, p * p, q * q)


def _gauss(count: int) -> tuple[Floats, Floats]:
    """Gauss places in [0, 1], and their weights."""
    line, weights = np.polynomial.legendre.leggauss(count)
    return (line + 1) / 2, weights / 2


def _pairs(line: Floats) -> Floats:
    """All pairs of places of a line, (m * m, 2)."""
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


def _products(first: Floats, second: Floats) -> Floats:
    """Products of functions in both directions, (q, n)."""
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)


def _square(values: Floats) -> Floats:
    """Values at all pairs of places, (l, m * m), as tables (l, m, m)."""
    side = math.isqrt(values.shape[1])
    return values.reshape(len(values), side, side)


def mesh_of(blocks: Blocks, layers: Mapping[int, int]) -> Quadrilaterals:
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
    return Quadrilaterals(
        blocks,
        dict(layers),
        np.array(block),
        np.array(corners),
        np.array(nodes),
        np.array(tip),
        np.array(curve, dtype=np.int64),
    )


def in_blocks(blocks: Blocks, at: Floats) -> tuple[Ints, Floats]:
    """For places (q, 2): the number of the block, -1 outside of all, and the place in its unit square (q, 2)."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 2))
    line = np.linspace(0, 1, 9)
    edges = np.concatenate(
        [
            np.stack(pair, axis=-1)
            for pair in ((line, 0 * line), (line, 0 * line + 1), (0 * line, line), (0 * line + 1, line))
        ]
    )
    every = np.arange(len(blocks.quads))
    outline = blocks.places(every, np.broadcast_to(edges, (len(every), *edges.shape)))[0]
    low, high = outline.min(1), outline.max(1)
    # Arcs bulge beyond their samples by a little.
    slack = 0.05 * (high - low).max(1, keepdims=True)
    best = np.full(len(at), _SLACK)
    for q in range(len(every)):
        near = np.flatnonzero(
            (best > 0) & (at >= low[q] - slack[q]).all(1) & (at <= high[q] + slack[q]).all(1)
        )
        if len(near):
            found, outside = _inverted(blocks, q, at[near])
            # Beside a corner the slack is more than whole elements: the block counts that a place is least outside of.
            hit = outside < best[near]
            which[near[hit]], local[near[hit]], best[near[hit]] = q, found[hit], outside[hit]
    return which, np.clip(local, 0.0, 1.0)


def _inverted(blocks: Blocks, q: int, at: Floats) -> tuple[Floats, Floats]:
    """Newton's method for the place in the unit square of one block, and how far outside it lies; infinite by far."""
    found = np.full((len(at), 2), 0.5)
    block = np.array([q])
    size = np.ptp(blocks.points[blocks.quads[q]], axis=0).max()
    left = np.full(len(at), np.inf)
    for _ in range(_MOST_STEPS):
        places, slopes = blocks.places(block, found[None])
        gap = at - places[0]
        left = np.abs(gap).max(1) / size
        step = np.linalg.solve(slopes[0], gap[..., None])[..., 0]
        # Beside the unit square the map may fold: what leaves it by far is brought back.
        found = np.clip(found + np.clip(step, -0.5, 0.5), -0.2, 1.2)
        if np.abs(step).max() < 1e-15:
            break
    outside = np.maximum(np.maximum(-found, found - 1).max(1), 0.0)
    return found, np.where(left < 1e-8, outside, np.inf)


def in_elements(mesh: Quadrilaterals, block: Ints, at: Floats) -> tuple[Ints, Floats]:
    """For places in the unit squares of blocks: the number of the element, and the place in its own unit square."""
    firsts = np.searchsorted(mesh.block, np.arange(len(mesh.blocks.quads)))
    tips = mesh.blocks.quads[:, 0]
    layers = np.array([mesh.layers.get(int(tip), 0) for tip in tips])[block]
    larger = at.max(1)
    with np.errstate(divide="ignore"):
        depth = np.log(larger) / np.log(SIGMA)
    layer = np.minimum(np.floor(np.minimum(depth, 1e6)).astype(np.int64) + 1, layers + 1)
    innermost = layer > layers
    outer, inner = SIGMA ** (layer - 1.0), SIGMA ** layer.astype(float)
    outer = np.where(innermost, SIGMA ** layers.astype(float), outer)
    along_x = at[:, 0] >= at[:, 1]
    share = np.clip((larger - inner) / (outer - inner), 0, 1)
    ratio = at.min(1) / np.where(larger > 0, larger, 1)
    local = np.where(along_x[:, None], np.stack([share, ratio], 1), np.stack([ratio, share], 1))
    local[innermost] = np.minimum(at[innermost] / outer[innermost, None], 1.0)
    element = firsts[block] + np.where(innermost, 0, 1 + 2 * (layers - layer) + ~along_x)
    return element.astype(np.int64), local
