"""Boxes: an interval for every coordinate, whose faces have names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgewise._core.arguments import all_are, as_mapping
from edgewise._core.arrays import Floats
from edgewise._core.checks import among
from edgewise._core.errors import InputError
from edgewise.pde.domains.curves import segment
from edgewise.pde.domains.parts import Face, Part, Parts
from edgewise.pde.domains.region import PlaneShape, Region, not_plane
from edgewise.pde.domains.space_time import check_range, during
from edgewise.pde.terms.symbols import Coordinate

_NAMES = (("left", "right"), ("bottom", "top"), ("back", "front"))


@dataclass(frozen=True, eq=False)
class Box:
    """The product of an interval for each coordinate, time included.

    Attributes
    ----------
    coordinates : tuple of Coordinate
    bounds : tuple of (float, float)
    periodic : tuple of bool
        Along which coordinates every function repeats.
    """

    coordinates: tuple[Coordinate, ...]
    bounds: tuple[tuple[float, float], ...]
    periodic: tuple[bool, ...]
    on_grid: ClassVar = True
    on_surface: ClassVar = False

    @property
    def shape(self) -> Self:
        """Itself: boxes have time among their coordinates."""
        return self

    @property
    def inner_box(self) -> tuple[tuple[float, float], ...]:
        """Its bounds."""
        return self.bounds

    @property
    def time(self) -> int | None:
        """Number of the coordinate of time, if there is one."""
        return next((axis for axis, coordinate in enumerate(self.coordinates) if coordinate.time), None)

    def __or__(self, other: PlaneShape) -> Region:
        return self.as_region() | other

    def __sub__(self, other: PlaneShape) -> Region:
        return self.as_region() - other

    def __and__(self, other: PlaneShape) -> Region:
        return self.as_region() & other

    def as_region(self) -> Region:
        """The box as a plane region, for unions, differences and intersections."""
        if len(self.coordinates) != 2 or self.time is not None or any(self.periodic):
            raise not_plane(self)
        (left, right), (bottom, top) = self.bounds
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        names = ("bottom", "right", "top", "left")
        x, y = self.coordinates
        sides = (segment(corners[n], corners[(n + 1) % 4], name) for n, name in enumerate(names))
        return Region((x, y), (tuple(sides),))

    def during(self, times: Mapping[Coordinate, tuple[float, float]]) -> Box:
        """The box with time as one more coordinate, as shapes of other kinds have it.

        Parameters
        ----------
        times : mapping of Coordinate to (float, float)
            The coordinate of time, with its range: {t: (0, 1)}.

        Returns
        -------
        Box

        Raises
        ------
        InputError
            Where `times` is no such range, or the box has a time.
        """
        if self.time is not None:
            raise InputError(f"The box has the time '{self.coordinates[self.time].name}' already.")
        made = during(self, times)
        return Box(made.coordinates, made.bounds, made.periodic)

    def somewhere(self, points: int, r: np.random.Generator) -> Floats:
        """Random places inside, all equally likely: (points, d)."""
        return np.stack([r.uniform(low, high, points) for low, high in self.bounds], axis=1)

    @property
    def parameters(self) -> tuple[int, ...]:
        """Numbers of the coordinates that are parameters of a family."""
        return tuple(axis for axis, coordinate in enumerate(self.coordinates) if coordinate.parameter)

    @property
    def boundary(self) -> Parts:
        """Parts by name: left, right, bottom, top, back, front, start, end, walls (all but start and end), and "x low"."""
        parts: dict[str, Part] = {}
        space = [
            axis
            for axis, coordinate in enumerate(self.coordinates)
            if not coordinate.time and not coordinate.parameter
        ]
        for axis, coordinate in enumerate(self.coordinates):
            if self.periodic[axis] or coordinate.parameter:
                continue
            names = ("start", "end") if coordinate.time else _NAMES[space.index(axis)]
            for high, name in zip((False, True), names, strict=True):
                face = Face(name, axis, high)
                parts[name] = Part(name, (face,))
                parts[f"{coordinate.name} {'high' if high else 'low'}"] = Part(name, (face,))
        walls = tuple(
            part.faces[0]
            for name, part in parts.items()
            if name == part.name and name not in ("start", "end")
        )
        if walls:
            parts["walls"] = Part("walls", walls)
        return Parts(parts)


def box(
    ranges: Mapping[Coordinate | Any, tuple[float, float]],
    *,
    periodic: Coordinate | tuple[Coordinate, ...] = (),
) -> Box:
    """A box: a range for each coordinate.

    Parameters
    ----------
    ranges : mapping of Coordinate to (float, float)
        From where to where, in units of the coordinate.
    periodic : Coordinate or tuple of Coordinate
        Along which every function repeats.

    Returns
    -------
    Box

    Raises
    ------
    InputError
        Where a range is empty, or a coordinate is none.

    Examples
    --------
    >>> from edgewise.pde import coordinates, time
    >>> (x,), t = coordinates("x"), time()
    >>> sorted(box({x: (-1, 1), t: (0, 1)}).boundary)
    ['end', 'left', 'right', 'start', 't high', 't low', 'walls', 'x high', 'x low']
    """
    around = (periodic,) if isinstance(periodic, Coordinate) else periodic
    around = all_are(around, Coordinate, "periodic", "coordinates")
    ranges = as_mapping(ranges, "ranges", "coordinates to ranges")
    if not ranges or any(not isinstance(span, Coordinate) for span in ranges):
        raise InputError(argument="ranges", expected="be a range for each coordinate, {x: (0, 1), t: (0, 1)}")
    bounds = tuple(check_range(given, name) for name, given in ranges.items())
    names = [span.name for span in ranges]
    if len(set(names)) < len(names) or sum(span.time for span in ranges) > 1:
        raise InputError(
            subject="The coordinates of a box",
            expected="have different names, and one of them at most is time",
        )
    known = {item.name for item in around}
    if strange := known - set(names):
        raise InputError(
            argument="periodic", expected="name coordinates that have a range in the box", got=among(strange)
        )
    if sum(not span.time and not span.parameter for span in ranges) > 3:
        raise InputError("A box has at most three coordinates of space.")
    return Box(tuple(ranges), bounds, tuple(name in known for name in names))
