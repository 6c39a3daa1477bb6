"""Triangles that fill a region, with no small angles but the region's own.

Delaunay triangulation with the boundary cut until every piece is an edge, and circumcenters of bad triangles added
(J. Ruppert 1995, doi:10.1006/jagm.1995.1021). Pieces of arcs are edges by their chords; the triangles are curved later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import Delaunay

from edgewise._core.arrays import Floats, Ints
from edgewise._core.errors import InputError
from edgewise.pde.domains.curves import Curve
from edgewise.pde.domains.region import Region

Width = Callable[[Floats], Floats]
# Circumradius over shortest edge: the smallest angle is 20.7 degrees at least.
_RATIO = 1.4143
_MOST_POINTS = 20_000


@dataclass(frozen=True)
class Side:
    """A piece of the boundary between two points: the number of its curve, the shares of the way, and the points."""

    curve: int
    low: float
    high: float
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Triangles:
    """Points (n, 2), triangles (m, 3) counterclockwise, and the pieces of the boundary."""

    points: Floats
    triangles: Ints
    sides: tuple[Side, ...]


def triangulate(region: Region, width: Width, arc: float = np.pi / 3) -> Triangles:
    """Fills a region with triangles of about a width.

    Parameters
    ----------
    region : Region
    width : callable
        (n, 2) places -> longest edges there, in units of the coordinates.
    arc : float
        Largest angle of a piece of an arc, in radians.
    """
    builder = _MeshBuilder(region, width, arc)
    while True:
        builder.fit_boundary()
        inside = builder.inside()
        if not builder.improve(inside):
            break
        if len(builder.points) > _MOST_POINTS:
            raise InputError("The domain has details too small beside its size to be filled with elements.")
    used, numbers = np.unique(inside, return_inverse=True)
    renumber = {int(old): new for new, old in enumerate(used)}
    sides = tuple(Side(s.curve, s.low, s.high, renumber[s.first], renumber[s.last]) for s in builder.sides)
    return Triangles(np.array(builder.points)[used], numbers.reshape(inside.shape).astype(np.int64), sides)


class _MeshBuilder:
    def __init__(self, region: Region, width: Width, arc: float) -> None:
        self.region, self.width = region, width
        self.points: list[Floats] = []
        self.sides: list[Side] = []
        number = 0
        for loop in region.loops:
            first = len(self.points)
            for k, curve in enumerate(loop):
                start = len(self.points)
                shares = _cuts(curve, width, arc)
                pieces = len(shares) - 1
                self.points += list(curve.at(shares[:-1]))
                for n in range(pieces):
                    last = start + n + 1
                    if k == len(loop) - 1 and n == pieces - 1:
                        last = first
                    self.sides.append(Side(number, float(shares[n]), float(shares[n + 1]), start + n, last))
                number += 1
        self.corners = len(self.points)

    def split(self, side: Side) -> None:
        """Halves a piece of the boundary; beside a sharp corner at a distance that its neighbours share."""
        curve = self.region.curves[side.curve]
        a, b = self.points[side.first], self.points[side.last]
        length = float(np.linalg.norm(b - a))
        share = 0.5
        shell = 2.0 ** np.round(np.log2(length / 2 / self.region.size)) * self.region.size / length
        if side.first < self.corners and side.last >= self.corners:
            share = float(np.clip(shell, 0.3, 0.7))
        elif side.last < self.corners and side.first >= self.corners:
            share = float(np.clip(1 - shell, 0.3, 0.7))
        middle = side.low + share * (side.high - side.low)
        self.points.append(curve.at(middle))
        new = len(self.points) - 1
        at = self.sides.index(side)
        self.sides[at : at + 1] = [
            Side(side.curve, side.low, middle, side.first, new),
            Side(side.curve, middle, side.high, new, side.last),
        ]
        if len(self.points) > _MOST_POINTS:
            raise InputError("The domain has details too small beside its size to be filled with elements.")

    def _encroached(self, places: Floats, skip: bool) -> list[Side]:
        """Pieces in whose diametral circle one of the places lies (their own ends aside)."""
        points = np.array(self.points)
        first = points[[s.first for s in self.sides]]
        last = points[[s.last for s in self.sides]]
        inside = ((places[None] - first[:, None]) * (places[None] - last[:, None])).sum(2)
        scale = ((last - first) ** 2).sum(1)[:, None]
        hit = inside < -1e-9 * scale
        if skip:
            hit[np.arange(len(self.sides)), [s.first for s in self.sides]] = False
            hit[np.arange(len(self.sides)), [s.last for s in self.sides]] = False
        return [side for side, one in zip(self.sides, hit.any(1), strict=True) if one]

    def fit_boundary(self) -> None:
        """Cuts pieces of the boundary until the Delaunay triangulation has them all as edges."""
        while True:
            hit = self._encroached(np.array(self.points), skip=True)
            if not hit:
                return
            for side in hit:
                self.split(side)

    def inside(self) -> Ints:
        """The triangles inside the region."""
        points = np.array(self.points)
        found = Delaunay(points).simplices.astype(np.int64)
        a, b, c = points[found[:, 0]], points[found[:, 1]], points[found[:, 2]]
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
        found[area < 0] = found[area < 0][:, ::-1]
        middle = (a + b + c) / 3
        p = points[[s.first for s in self.sides]]
        q = points[[s.last for s in self.sides]]
        low = (p[:, 1] <= middle[:, 1:2]) & (middle[:, 1:2] < q[:, 1])
        high = (q[:, 1] <= middle[:, 1:2]) & (middle[:, 1:2] < p[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = p[:, 0] + (middle[:, 1:2] - p[:, 1]) * (q[:, 0] - p[:, 0]) / (q[:, 1] - p[:, 1])
        crossed = ((low | high) & (x > middle[:, :1])).sum(1)
        return found[(crossed % 2 == 1) & (np.abs(area) > 1e-14 * self.region.size**2)]

    def improve(self, triangles: Ints) -> bool:
        """Adds the circumcenter of the worst triangle, or cuts the boundary that it would come too near to."""
        points = np.array(self.points)
        corners = points[triangles]
        edges = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
        centers, radius = _circles(corners)
        ratio = radius / edges.min(1)
        own = {frozenset((s.first, s.last)) for s in self.sides}
        # The small angle of a sharp corner of the region cannot be improved.
        sharp = np.zeros(len(triangles), dtype=bool)
        for n in np.flatnonzero(ratio > _RATIO):
            k = int(edges[n].argmin())
            tri = [int(v) for v in np.roll(triangles[n], -k)]
            sharp[n] = frozenset((tri[1], tri[2])) in own and frozenset((tri[2], tri[0])) in own
        wide = edges.max(1) / (1.5 * self.width(corners.mean(1)))
        badness = np.maximum(np.where(sharp, 0, ratio / _RATIO), wide)
        for n in np.argsort(-badness):
            if badness[n] <= 1:
                return False
            center = centers[n]
            hit = self._encroached(center[None], skip=False)
            if hit:
                for side in hit:
                    self.split(side)
                return True
            if bool(self.region.contains(center[None])[0]):
                self.points.append(center)
                return True
        return False


def _cuts(curve: Curve, width: Width, arc: float) -> Floats:
    """Shares of the way at which a curve is cut: equal pieces, and halves of these where the width asks for them."""
    places = curve.at(np.linspace(0, 1, 9))
    count = max(1, int(np.ceil(curve.size / float(width(places).max()) - 1e-9)))
    if not curve.straight:
        count = max(count, int(np.ceil(abs(curve.last - curve.first) / arc - 1e-9)))
    shares = np.linspace(0, 1, count + 1)
    while True:
        middle = (shares[1:] + shares[:-1]) / 2
        long = curve.size * np.diff(shares) > 1.01 * width(curve.at(middle))
        if not long.any() or len(shares) > _MOST_POINTS:
            return shares
        shares = np.sort(np.concatenate([shares, middle[long]]))


def _circles(corners: Floats) -> tuple[Floats, Floats]:
    """Centers and radii of the circles through the corners of triangles."""
    a, b, c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    d = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    bb, cc = (b**2).sum(1), (c**2).sum(1)
    away = np.stack([(c[:, 1] * bb - b[:, 1] * cc) / d, (b[:, 0] * cc - c[:, 0] * bb) / d], axis=1)
    return a + away, np.linalg.norm(away, axis=1)
