"""Plane regions bounded by segments and arcs: disks, ellipses, polygons, and their unions, differences and intersections.

    loops of curves (the region on their left) -> boundary parts by name

Set operations cut the curves where they meet, keep the pieces on the right side of the other region and join them
again, so that arcs stay arcs and every piece keeps its name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise.pde.domains.curves import CLOSE, Curve, segment
from edgewise.pde.domains.parts import Part, Parts
from edgewise.pde.domains.space_time import SpatialShape
from edgewise.pde.terms.symbols import Coordinate


class PlaneShape(Protocol):
    """What can be joined with plane regions: it can be seen as one."""

    def as_region(self) -> Region:
        """As a region."""
        ...


@dataclass(frozen=True)
class Rim:
    """A piece of the boundary of a region, by the number of its curve."""

    name: str
    number: int


@dataclass(frozen=True, eq=False)
class Region(SpatialShape):
    """A connected plane region.

    Attributes
    ----------
    coordinates : tuple of Coordinate
        Two coordinates of space.
    loops : tuple of (tuple of Curve)
        The outer one first; the region lies on the left of each curve.
    """

    coordinates: tuple[Coordinate, Coordinate]
    loops: tuple[tuple[Curve, ...], ...]
    # Arcs are exact: no smooth curve lies off the boundary.
    sagitta: ClassVar = 0.0

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """All curves of the boundary, loop after loop."""
        return tuple(curve for loop in self.loops for curve in loop)

    @property
    def rim_names(self) -> tuple[str, ...]:
        """Names of the curves."""
        return tuple(curve.name for curve in self.curves)

    @property
    def rim_loops(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the curves of each loop."""
        ends = [0, *itertools.accumulate(len(loop) for loop in self.loops)]
        return tuple(tuple(range(a, b)) for a, b in itertools.pairwise(ends))

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The smallest box that holds the region."""
        places = np.concatenate(
            [piece.at(np.linspace(0, 1, 2)) for c in self.curves for piece in _turning(c)]
        )
        return tuple(
            (float(low), float(high)) for low, high in zip(places.min(0), places.max(0), strict=True)
        )

    @property
    def inner_box(self) -> tuple[tuple[float, float], ...]:
        """A large box inside: the largest around places of a grid, of the shape of the whole."""
        (left, right), (low, high) = self.bounds
        center = np.stack(
            np.meshgrid(np.linspace(left, right, 24)[1:-1], np.linspace(low, high, 24)[1:-1]), axis=-1
        ).reshape(-1, 2)
        rim = np.concatenate([curve.at(np.linspace(0, 1, 200)) for curve in self.curves])
        half = np.array([right - left, high - low]) / 2
        # No place of the boundary lies in a box whose half size is below the distance in the largest coordinate.
        size = np.abs((rim[None] - center[:, None]) / half).max(-1).min(-1) * self.contains(center)
        best = int(np.argmax(size))
        reach = 0.95 * size[best] * half
        return tuple((float(c - r), float(c + r)) for c, r in zip(center[best], reach, strict=True))

    @cached_property
    def boundary(self) -> Parts:
        """Parts by name: those given to edges and shapes; "outer", "hole", "hole 1", ... and "walls", all of it."""
        groups: dict[str, list[Rim]] = {"walls": [], "outer": []}
        number = 0
        for n, loop in enumerate(self.loops):
            places = ("outer",) if n == 0 else ("hole", f"hole {n}")
            for curve in loop:
                for name in dict.fromkeys((*places, "walls", curve.name)):
                    groups.setdefault(name, []).append(Rim(curve.name, number))
                number += 1
        return Parts({name: Part(name, tuple(rims)) for name, rims in groups.items()})

    def contains(self, at: Floats) -> NDArray[np.bool_]:
        """Which places (n, 2) lie inside; on the boundary either answer may come."""
        return sum((c.crossings(at) for c in self.curves), np.zeros(len(at), dtype=np.int64)) % 2 == 1

    def somewhere(self, points: int, r: np.random.Generator) -> Floats:
        """Random places inside, all equally likely: (points, 2)."""
        return random_places(self.bounds, self.contains, points, r)

    def as_region(self) -> Region:
        """Itself."""
        return self

    def __or__(self, other: PlaneShape) -> Region:
        return _combined(self, region_of(other), "union")

    def __sub__(self, other: PlaneShape) -> Region:
        return _combined(self, region_of(other), "difference")

    def __and__(self, other: PlaneShape) -> Region:
        return _combined(self, region_of(other), "intersection")


def random_places(
    bounds: Sequence[tuple[float, float]],
    contains: Callable[[Floats], NDArray[np.bool_]],
    points: int,
    r: np.random.Generator,
) -> Floats:
    """Random places in bounds that a shape contains, all equally likely."""
    found = np.zeros((0, len(bounds)))
    while len(found) < points:
        at = np.stack([r.uniform(low, high, points) for low, high in bounds], axis=1)
        found = np.concatenate([found, at[contains(at)]])
    return found[:points]


def region_of(shape: Any) -> Region:
    """A plane shape as a region: a box of two coordinates of space, or a region as it is."""
    if not hasattr(shape, "as_region"):
        raise not_plane(shape)
    return shape.as_region()


def not_plane(shape: Any) -> InputError:
    """What to say of what is no plane shape."""
    return InputError(
        "Unions and differences take plane shapes: disk, ellipse, polygon, or a box of two coordinates of space "
        f"that is not periodic. Got {type(shape).__name__}."
    )


def joined(coordinates: tuple[Coordinate, Coordinate], pieces: Sequence[Curve], close: float) -> Region:
    """The region whose boundary consists of pieces in any order, each with the region on its left."""
    left, loops = list(pieces), []
    while left:
        loop = [left.pop(0)]
        while np.linalg.norm(loop[-1].end - loop[0].start) > close:
            nexts = [c for c in left if np.linalg.norm(c.start - loop[-1].end) <= close]
            if not nexts:
                raise InputError("The boundaries of the shapes meet in a way that leaves no closed boundary.")
            # Where four pieces meet, turning right as far as possible keeps parts that only touch apart.
            back = -loop[-1].slope(1.0)
            turns = [_turn(back, c.slope(0.0)) for c in nexts]
            loop.append(nexts[int(np.argmax(turns))])
            left.remove(loop[-1])
        loops.append(_merged(loop, close))
    areas = [signed_area(loop) for loop in loops]
    outer = [n for n, area in enumerate(areas) if area > 0]
    if len(outer) != 1:
        what = "nothing is left" if not outer else f"it falls into {plural(len(outer), 'piece')}"
        raise InputError(subject="A domain", expected=f"be one piece: of these shapes {what}")
    order = [outer[0], *(n for n in range(len(loops)) if n != outer[0])]
    return Region(coordinates, tuple(loops[n] for n in order))


def _turn(back: Floats, ahead: Floats) -> float:
    """Angle from where a piece came from, counterclockwise, to where another goes."""
    return float((np.arctan2(ahead[1], ahead[0]) - np.arctan2(back[1], back[0])) % (2 * np.pi))


def _merged(loop: Sequence[Curve], close: float) -> tuple[Curve, ...]:
    """Segments of one name that go on in one direction, joined."""
    found = list(loop)
    n = 0
    while n < len(found) and len(found) > 3:
        one, two = found[n], found[(n + 1) % len(found)]
        whole = segment(one.start, two.end, one.name) if one.straight and two.straight else None
        if (
            whole is not None
            and one.name == two.name
            and whole.where(one.end, close) is not None
            and (np.dot(one.across, two.across) > 0)
        ):
            found[n] = whole
            del found[(n + 1) % len(found)]
        else:
            n += 1
    return tuple(found)


def signed_area(loop: Sequence[Curve]) -> float:
    """Signed area by 16 chords a curve: its sign is what is asked for."""
    p = np.concatenate([curve.at(np.linspace(0, 1, 17)[:-1]) for curve in loop])
    q = np.roll(p, -1, axis=0)
    return float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum() / 2)


def _turning(curve: Curve) -> list[Curve]:
    """Pieces between the places where an arc is highest, lowest, leftmost or rightmost."""
    if curve.straight:
        return [curve]
    span = curve.last - curve.first
    ends = {0.0, 1.0}
    for axis in (0, 1):
        peak = float(np.arctan2(curve.up[axis], curve.across[axis]))
        for n in range(-5, 6):
            share = (peak + np.pi * n - curve.first) / span
            if 0 < share < 1:
                ends.add(share)
    cuts = sorted(ends)
    return [curve.part(a, b) for a, b in itertools.pairwise(cuts)]


def _combined(one: Region, other: Region, how: str) -> Region:
    if tuple(c.name for c in one.coordinates) != tuple(c.name for c in other.coordinates):
        raise InputError(
            subject="Shapes that are joined", expected="have the same coordinates in the same order"
        )
    close = CLOSE * max(one.size, other.size)
    pieces: list[Curve] = []
    for piece in _cut(one, other, close):
        side = _side(piece, other, close)
        keep = {
            "union": side in ("outside", "along"),
            "difference": side in ("outside", "against"),
            "intersection": side in ("inside", "along"),
        }[how]
        if keep:
            pieces.append(piece)
    for piece in _cut(other, one, close):
        side = _side(piece, one, close)
        if side == ("outside" if how == "union" else "inside"):
            pieces.append(piece.reversed() if how == "difference" else piece)
    return joined(one.coordinates, pieces, 10 * close)


def _cut(one: Region, other: Region, close: float) -> list[Curve]:
    """The curves of a region, cut where they meet those of another."""
    pieces: list[Curve] = []
    for curve in one.curves:
        meet = [s for item in other.curves for s in curve.meetings(item, close)]
        ends, least = [0.0], 4 * close / curve.size
        for share in sorted(meet):
            if share > ends[-1] + least and share < 1 - least:
                ends.append(share)
        ends.append(1.0)
        pieces += [curve if (a, b) == (0, 1) else curve.part(a, b) for a, b in itertools.pairwise(ends)]
    return pieces


def _side(piece: Curve, other: Region, close: float) -> str:
    """Where a piece lies beside another region: inside, outside, or along or against its boundary."""
    middle = piece.at(0.5)
    for curve in other.curves:
        share = curve.where(middle, 10 * close)
        if share is not None:
            return "along" if piece.slope(0.5) @ curve.slope(share) > 0 else "against"
    return "inside" if bool(other.contains(middle[None])[0]) else "outside"
