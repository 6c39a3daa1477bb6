"""Disks, ellipses and polygons as regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgewise._core.arguments import as_pair
from edgewise._core.checks import UNREADABLE, as_tuple, check_float, check_names, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.curves import CLOSE, Curve, segment
from edgewise.pde.domains.region import Region, signed_area
from edgewise.pde.terms.symbols import Coordinate


def disk(
    coordinates: Sequence[Coordinate],
    center: tuple[float, float] = (0.0, 0.0),
    radius: float = 1.0,
    *,
    name: str = "rim",
) -> Region:
    """A disk.

    Parameters
    ----------
    coordinates : two Coordinates
        As `(x, y)`.
    center : (float, float)
    radius : float
    name : str
        Of its boundary; where the disk is taken away from a shape, the name of the hole.

    Returns
    -------
    Region

    Examples
    --------
    >>> from edgewise import pde
    >>> x, y = pde.coordinates("x", "y")
    >>> plate = pde.box({x: (0, 4), y: (0, 2)}) - pde.disk((x, y), (1, 1), 0.3, name="cylinder")
    >>> [len(plate.boundary[part].faces) > 0 for part in ("cylinder", "left", "outer", "hole")]
    [True, True, True, True]
    """
    check_float(radius, "radius", low=0.0, closed=False)
    return ellipse(coordinates, center, (radius, radius), name=name)


def ellipse(
    coordinates: Sequence[Coordinate],
    center: tuple[float, float] = (0.0, 0.0),
    radii: tuple[float, float] = (1.0, 1.0),
    *,
    angle: float = 0.0,
    name: str = "rim",
) -> Region:
    """An ellipse, turned by an angle in radians.

    Parameters
    ----------
    coordinates : two Coordinates
    center, radii : (float, float)
    angle : float
        From the first coordinate's axis to that of the first radius, counterclockwise.
    name : str
        Of its boundary.

    Returns
    -------
    Region
    """
    x, y = _two(coordinates, "ellipse")
    a, b = (check_float(r, "radii", low=0.0, closed=False) for r in _pair(radii, "radii"))
    middle = _pair(center, "center")
    turn = check_float(angle, "angle")
    across = (a * float(np.cos(turn)), a * float(np.sin(turn)))
    up = (-b * float(np.sin(turn)), b * float(np.cos(turn)))
    quarter = np.pi / 2
    loop = tuple(
        Curve(name, middle, across, up, n * quarter, (n + 1) * quarter, straight=False) for n in range(4)
    )
    return Region((x, y), (loop,))


def polygon(
    coordinates: Sequence[Coordinate],
    corners: Sequence[tuple[float, float]],
    *,
    holes: Sequence[Sequence[tuple[float, float]]] = (),
    names: Sequence[str] | None = None,
) -> Region:
    """A polygon by its corners, in either direction.

    Parameters
    ----------
    coordinates : two Coordinates
    corners : sequence of (float, float)
        At least three; the last is joined to the first.
    holes : sequence of corners
        Polygons inside that do not belong to it.
    names : sequence of str, optional
        Of the edges, from each corner to the next; by default "edge 1", "edge 2", ...

    Returns
    -------
    Region

    Raises
    ------
    InputError
        Where edges cross or touch each other, have no length, or there are too few.

    Examples
    --------
    >>> from edgewise import pde
    >>> x, y = pde.coordinates("x", "y")
    >>> triangle = pde.polygon((x, y), [(0, 0), (1, 0), (0, 1)], names=["floor", "slope", "wall"])
    >>> sorted(triangle.boundary)
    ['floor', 'outer', 'slope', 'wall', 'walls']
    """
    two = _two(coordinates, "polygon")
    found = Region(two, (_loop(corners, names, "corners"),))
    for hole in as_tuple(holes, "holes", "lists of corners"):
        found = found - Region(two, (_loop(hole, None, "holes"),))
    return found


def _loop(corners: Any, names: Sequence[str] | None, what: str) -> tuple[Curve, ...]:
    try:
        places = np.array([[float(a), float(b)] for a, b in corners])
    except UNREADABLE:
        raise InputError(argument=what, expected="be pairs of numbers, [(0, 0), (1, 0), (0, 1)]") from None
    if len(places) > 1 and (places[0] == places[-1]).all():
        places = places[:-1]
    if len(places) < 3 or not np.isfinite(places).all():
        raise InputError(
            argument=what, expected="be at least three corners of finite numbers", got=len(places)
        )
    n = len(places)
    labels = [f"edge {k + 1}" for k in range(n)] if names is None else list(check_names(names, "names"))
    if len(labels) != n:
        raise InputError(argument="names", expected=f"have one name an edge, {n}", got=len(labels))
    loop = tuple(segment(places[k], places[(k + 1) % n], labels[k]) for k in range(n))
    close = CLOSE * float(np.ptp(places, axis=0).max())
    for k, curve in enumerate(loop):
        if curve.size <= close:
            raise InputError(
                f"Edge {k + 1} of the polygon has no length: two corners at {_place(curve.start)}."
            )
    for k, curve in enumerate(loop):
        for m in range(k + 1, n):
            shared = [curve.end] if m == k + 1 else []
            shared += [curve.start] if (m + 1) % n == k else []
            for share in curve.meetings(loop[m], close):
                place = curve.at(share)
                if all(np.linalg.norm(place - corner) > 10 * close for corner in shared):
                    raise InputError(
                        f"The polygon crosses itself: edges {k + 1} and {m + 1} meet at {_place(place)}."
                    )
    if signed_area(loop) < 0:
        loop = tuple(curve.reversed() for curve in loop[::-1])
    return loop


def _place(at: Any) -> str:
    return f"({float(at[0]):.4g}, {float(at[1]):.4g})"


def _pair(value: Any, what: str) -> tuple[float, float]:
    a, b = as_pair(value, what)
    if not np.isfinite([a, b]).all():
        raise InputError(argument=what, expected="be two finite numbers", got=short(value))
    return a, b


def _two(coordinates: Any, of: str) -> tuple[Coordinate, Coordinate]:
    given = tuple(coordinates) if isinstance(coordinates, tuple | list) else ()
    if len(given) != 2 or any(not isinstance(entry, Coordinate) or entry.time for entry in given):
        raise InputError(
            subject=f"The first argument of {of}",
            expected="be two coordinates of space, (x, y)",
            got=short(coordinates),
        )
    return given
