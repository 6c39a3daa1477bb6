"""Curved quadrilaterals that fill a region exactly, each the image of the unit square.

Triangles are joined in pairs where that gives good quadrilaterals, and everything is cut at the middles of its edges
into quadrilaterals: four, or three of a triangle. Each has one corner of the triangulation, which is (0, 0) of its unit
square, so that corners of the region lie there and nowhere else. Edges on arcs follow them exactly (W. J. Gordon and
C. A. Hall 1973, doi:10.1007/BF01436298).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.errors import InputError
from edgewise.pde.domains.curves import Curve
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.triangles import Side, Triangles, Width, triangulate

_MOST_TRIALS = 8


@dataclass(frozen=True, eq=False)
class Blocks:
    """Quadrilaterals as images of the unit square.

    Attributes
    ----------
    region : Region
    points : ndarray, shape (n, 2)
    quads : ndarray, shape (m, 4)
        Points counterclockwise from the image of (0, 0).
    low, left : tuple of Curve or None, one entry a quad
        What the sides from the first corner to the second and to the fourth follow, where they are on the boundary.
    numbers : ndarray, shape (m, 2)
        Numbers of these curves in the region; -1 inside.
    """

    region: Region
    points: Floats
    quads: Ints
    low: tuple[Curve | None, ...]
    left: tuple[Curve | None, ...]
    numbers: Ints

    def places(self, block: Ints, at: Floats) -> tuple[Floats, Floats]:
        """Images of places of unit squares, and derivatives.

        Parameters
        ----------
        block : ndarray, shape (q,)
        at : ndarray, shape (q, m, 2)

        Returns
        -------
        places : ndarray, shape (q, m, 2)
        slopes : ndarray, shape (q, m, 2, 2)
            Derivative of each coordinate (last but one axis) along both directions of the square (last axis).
        """
        a, b, c, d = (self.points[self.quads[block, k]][:, None, :] for k in range(4))
        x, y = at[..., :1], at[..., 1:]
        places = a + x * (b - a) + y * (d - a) + x * y * (a - b + c - d)
        slopes = np.stack([(b - a) + y * (a - b + c - d), (d - a) + x * (a - b + c - d)], axis=-1)
        for along, curves in ((0, self.low), (1, self.left)):
            bent = [n for n, q in enumerate(block) if (curve := curves[q]) is not None and not curve.straight]
            for n in bent:
                curve = curves[block[n]]
                assert curve is not None
                s, t = at[n, :, along], at[n, :, 1 - along, None]
                chord = curve.end - curve.start
                apart = curve.at(s) - curve.start - s[:, None] * chord
                places[n] += (1 - t) * apart
                slopes[n, :, :, along] += (1 - t) * (curve.slope(s) - chord)
                slopes[n, :, :, 1 - along] -= apart
        return places, slopes


def blocks_of(region: Region, width: float | Width) -> Blocks:
    """Quadrilaterals for a region, of about half a width (that of places, where it varies); finer where they would fold."""

    def scaled(at: Floats, share: float) -> Floats:
        return share * (width(at) if callable(width) else np.full(len(at), float(width)))

    arc = np.pi / 3
    for n in range(_MOST_TRIALS):
        share = 1.2**-n
        blocks = _blocks(region, triangulate(region, lambda at, share=share: scaled(at, share), arc))
        if _unfolded(blocks).all():
            return blocks
        arc /= 1.5
    raise InputError(
        "The domain cannot be filled with elements: two of its edges meet at an angle near zero."
    )


def _unfolded(blocks: Blocks) -> Bools:
    """Which blocks keep their orientation throughout."""
    line = np.linspace(0, 1, 7)
    at = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(1, -1, 2)
    every = np.arange(len(blocks.quads))
    slopes = blocks.places(every, np.repeat(at, len(every), axis=0))[1]
    area = np.linalg.det(slopes)
    return area.min(1) > 0.02 * area.max(1)


def _blocks(region: Region, triangles: Triangles) -> Blocks:
    points = list(triangles.points)
    sides = {frozenset((s.first, s.last)): s for s in triangles.sides}
    faces = _joined(region, triangles, sides)
    middles: dict[frozenset[int], int] = {}

    def middle(a: int, b: int) -> int:
        key = frozenset((a, b))
        if key not in middles:
            side = sides.get(key)
            curve = region.curves[side.curve] if side else None
            points.append(
                (points[a] + points[b]) / 2
                if side is None or curve is None
                else curve.at((side.low + side.high) / 2)
            )
            middles[key] = len(points) - 1
        return middles[key]

    quads: list[list[int]] = []
    low: list[Curve | None] = []
    left: list[Curve | None] = []
    numbers: list[list[int]] = []
    for face in faces:
        n = len(face)
        mids = [middle(face[k], face[(k + 1) % n]) for k in range(n)]
        points.append(np.mean([points[m] for m in mids], axis=0))
        center = len(points) - 1
        for k in range(n):
            quads.append([face[k], mids[k], center, mids[k - 1]])
            ahead = sides.get(frozenset((face[k], face[(k + 1) % n])))
            behind = sides.get(frozenset((face[k], face[k - 1])))
            low.append(_half(region, ahead, face[k]))
            left.append(_half(region, behind, face[k]))
            numbers.append([ahead.curve if ahead else -1, behind.curve if behind else -1])
    return Blocks(
        region, np.array(points), np.array(quads), tuple(low), tuple(left), np.array(numbers, dtype=np.int64)
    )


def _half(region: Region, side: Side | None, corner: int) -> Curve | None:
    """The half of a piece of the boundary that begins at a corner."""
    if side is None:
        return None
    middle = (side.low + side.high) / 2
    return region.curves[side.curve].part(side.low if side.first == corner else side.high, middle)


def _joined(region: Region, triangles: Triangles, sides: Mapping[frozenset[int], Side]) -> list[list[int]]:
    """Pairs of triangles as quadrilaterals, the squarest first, and the triangles that are left."""
    owner: dict[frozenset[int], list[int]] = {}
    for n, triangle in enumerate(triangles.triangles):
        for k in range(3):
            owner.setdefault(frozenset((int(triangle[k]), int(triangle[(k + 1) % 3]))), []).append(n)
    found: list[tuple[float, int, int, list[int]]] = []
    for edge, pair in owner.items():
        if len(pair) < 2:
            continue
        one, other = triangles.triangles[pair[0]], triangles.triangles[pair[1]]
        k = next(k for k in range(3) if int(one[k]) not in edge)
        far = next(int(v) for v in other if int(v) not in edge)
        quad = [int(one[k]), int(one[(k + 1) % 3]), far, int(one[(k + 2) % 3])]
        found.append((_squareness(quad, triangles.points, region, sides), pair[0], pair[1], quad))
    faces: list[list[int]] = []
    taken: set[int] = set()
    for good, a, b, quad in sorted(found, key=lambda item: (-item[0], item[1], item[2])):
        if good > 0.5 and a not in taken and b not in taken:
            taken |= {a, b}
            faces.append(quad)
    faces += [[int(v) for v in t] for n, t in enumerate(triangles.triangles) if n not in taken]
    return faces


def _squareness(
    quad: Sequence[int], points: Floats, region: Region, sides: Mapping[frozenset[int], Side]
) -> float:
    """The smallest sine of the four angles; negative where it is not convex."""

    def way(a: int, b: int) -> Floats:
        """Direction in which the edge leaves a corner."""
        side = sides.get(frozenset((a, b)))
        if side is None:
            return points[b] - points[a]
        slope = region.curves[side.curve].slope(side.low if side.first == a else side.high)
        return slope if side.first == a else -slope

    sines: list[float] = []
    for k, corner in enumerate(quad):
        ahead, behind = way(corner, quad[(k + 1) % 4]), way(corner, quad[k - 1])
        cross = ahead[0] * behind[1] - ahead[1] * behind[0]
        sines.append(float(cross / (np.linalg.norm(ahead) * np.linalg.norm(behind))))
    return min(sines)
