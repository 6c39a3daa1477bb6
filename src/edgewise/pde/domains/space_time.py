"""A plane region, a surface or a solid through time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from edgewise._core.arguments import as_mapping, as_pair
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.parts import Face, Part, Parts
from edgewise.pde.terms.symbols import Coordinate

_LIKE = "domain.during({t: (0, 1)})"


class SpatialShape:
    """A shape in the plane or in space, without time, with `coordinates`, `bounds` and a `boundary` of parts with names."""

    coordinates: tuple[Coordinate, ...]
    # Whether it is all combinations of places of its coordinates.
    on_grid: ClassVar = False
    on_surface: ClassVar = False
    # Coordinates that are parameters of a family: none.
    parameters: ClassVar[tuple[int, ...]] = ()
    time: ClassVar = None

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The smallest box that holds it."""
        raise NotImplementedError

    @property
    def inner_box(self) -> tuple[tuple[float, float], ...] | None:
        """A large box inside it; None where there is none to be found."""
        return None

    @property
    def shape(self) -> Self:
        """Itself, which has no time."""
        return self

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Along which coordinates functions repeat: none."""
        return (False,) * len(self.coordinates)

    @cached_property
    def size(self) -> float:
        """Diagonal of the smallest box that holds it."""
        return float(np.linalg.norm([high - low for low, high in self.bounds]))

    def during(self, times: Mapping[Coordinate, tuple[float, float]]) -> SpaceTime:
        """Itself through time, for equations with derivatives in time.

        Parameters
        ----------
        times : mapping of Coordinate to (float, float)
            The coordinate of time, with its range: {t: (0, 1)}.

        Returns
        -------
        SpaceTime
            Its boundary has the parts "start" and "end" beside its own.

        Raises
        ------
        InputError
            Where `times` is no such range.

        Examples
        --------
        >>> from edgewise import pde
        >>> (x, y), t = pde.coordinates("x", "y"), pde.time()
        >>> u, plate = pde.unknown("u", x, y, t), pde.disk((x, y)).during({t: (0, 0.1)})
        >>> parts = plate.boundary
        >>> cooling = pde.Problem(
        ...     plate,
        ...     [pde.dt(u) == pde.lap(u)],
        ...     [pde.on(parts["rim"], u == 0), pde.on(parts["start"], u == 1 - x**2 - y**2)],
        ... )
        >>> round(pde.solve(cooling, tolerance=1e-4)(0, 0, 0.1), 3)
        0.615
        """
        return during(self, times)


@dataclass(frozen=True, eq=False)
class SpaceTime:
    """A shape through an interval of time, as `shape.during({t: (0, 1)})` makes it.

    Attributes
    ----------
    shape : Region, TriangleSurface or Solid
    clock : Coordinate
        Time, the last of the coordinates.
    span : (float, float)
        From when to when.
    """

    shape: Any
    clock: Coordinate
    span: tuple[float, float]
    on_grid: ClassVar = False

    @property
    def on_surface(self) -> bool:
        """Whether the shape is a surface in space."""
        return self.shape.on_surface

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of the shape, then time."""
        return (*self.shape.coordinates, self.clock)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The smallest box that holds the shape, and the interval of time."""
        return (*self.shape.bounds, self.span)

    @property
    def inner_box(self) -> tuple[tuple[float, float], ...] | None:
        """A large box inside the shape, and the interval of time."""
        inner = self.shape.inner_box
        return None if inner is None else (*inner, self.span)

    @property
    def time(self) -> int:
        """Number of the coordinate of time."""
        return len(self.shape.coordinates)

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Along which coordinates functions repeat: none."""
        return (*self.shape.periodic, False)

    @property
    def parameters(self) -> tuple[int, ...]:
        """Coordinates that are parameters of a family: none."""
        return ()

    @property
    def rim_names(self) -> tuple[str, ...]:
        """Names of the pieces of the shape's boundary."""
        return self.shape.rim_names

    @property
    def boundary(self) -> Parts:
        """Parts of the shape's boundary by name, and "start" and "end"."""
        own = dict(self.shape.boundary)
        for high, name in enumerate(("start", "end")):
            own[name] = Part(name, (Face(name, self.time, bool(high)),))
        return Parts(own)

    def somewhere(self, points: int, r: np.random.Generator) -> Floats:
        """Random places and times, all equally likely: (points, d)."""
        return np.column_stack([self.shape.somewhere(points, r), r.uniform(*self.span, points)])

    def __repr__(self) -> str:
        low, high = self.span
        return f"<{self.shape!r} during {self.clock.name} from {low:g} to {high:g}>"


def check_range(given: Any, coordinate: Coordinate) -> tuple[float, float]:
    """The range of a coordinate.

    Raises
    ------
    InputError
        Where it is empty or endless.
    """
    low, high = as_pair(given, f"range of {coordinate.name}")
    if not low < high or high - low == float("inf"):
        raise InputError(
            subject=f"The range of '{coordinate.name}'",
            expected="go from a number to a larger one",
            got=f"({low:g}, {high:g})",
        )
    return low, high


def during(shape: Any, times: Mapping[Coordinate, tuple[float, float]]) -> SpaceTime:
    """A shape through time: its own method of this name.

    Raises
    ------
    InputError
        Where `times` is no interval of one coordinate of time, or a part of the shape is called "start" or "end".
    """
    given = as_mapping(times, "times", "the coordinate of time to its range")
    clocks = list(given)
    if len(clocks) != 1 or not isinstance(clocks[0], Coordinate) or not clocks[0].time:
        raise InputError(
            argument="times",
            expected=f"be a range of one coordinate made by time(), {_LIKE}",
            got=short(times),
        )
    (clock,) = clocks
    span = check_range(given[clock], clock)
    names = [coordinate.name for coordinate in shape.coordinates]
    if clock.name in names:
        raise InputError(
            subject="Time", expected=f"have another name than {among(names)}", got=f"'{clock.name}'"
        )
    if taken := [name for name in ("start", "end") if name in tuple(shape.boundary)]:
        raise InputError(
            f"The boundary of the shape has a part '{taken[0]}', which names one of time; give it another name."
        )
    return SpaceTime(shape, clock, span)
