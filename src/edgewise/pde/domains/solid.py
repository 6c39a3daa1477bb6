"""Solids bounded by flat facets, as STL files hold them: read by trimesh, their boundary in patches with names.

file -> closed surface of facets -> patches, parted where it turns sharply -> boundary parts by name
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.checks import among, check_float, plural
from edgewise._core.errors import InputError
from edgewise._core.files import PathLike
from edgewise.pde.domains.faceted import (
    FacetedShape,
    check_near,
    corners_of,
    direction_of,
    largest_first,
    named_parts,
    numbered_parts,
    place_of,
    space_of,
)
from edgewise.pde.domains.facets import (
    closed,
    components,
    distances,
    edges_of,
    normals_of,
    sagitta,
    turns,
    winding,
)
from edgewise.pde.domains.parts import Parts
from edgewise.pde.domains.region import random_places
from edgewise.pde.terms.symbols import Coordinate


@dataclass(frozen=True, eq=False)
class Solid(FacetedShape):
    """A solid bounded by flat facets.

    Attributes
    ----------
    coordinates : tuple of Coordinate
        Three coordinates of space.
    places : ndarray, shape (n, 3)
        The corners of facets.
    facets : ndarray, shape (m, 3)
        Numbers of the corners of each, counterclockwise from outside.
    patch : ndarray, shape (m,)
        Number of the patch that each facet belongs to.
    names : tuple of str, one a patch
    """

    coordinates: tuple[Coordinate, ...]
    places: Floats
    facets: Ints
    patch: Ints
    names: tuple[str, ...]

    @cached_property
    def rim_loops(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the patches that hang together, each outer or inner surface by itself."""
        edges = edges_of(self.facets)
        body = components(len(self.names), self.patch[edges.first], self.patch[edges.second])
        return tuple(tuple(np.flatnonzero(body == n).tolist()) for n in range(int(body.max()) + 1))

    @cached_property
    def volume(self) -> float:
        """What it holds."""
        a, b, c = (self.places[self.facets[:, k]] - self.places.mean(0) for k in range(3))
        return float((a * np.cross(b, c)).sum() / 6)

    @cached_property
    def sagitta(self) -> float:
        """How far smooth surfaces that the facets stand for lie off them at most, estimated by the angles between facets.

        Answers are those on the facets: they are no more exact for the smooth solid than this is small beside its thickness.
        """
        edges = edges_of(self.facets)
        same = self.patch[edges.first] == self.patch[edges.second]
        turn = np.where(same, turns(self.places, self.facets, edges), 0.0)
        return sagitta(self.places, self.facets, edges, turn)

    @cached_property
    def boundary(self) -> Parts:
        """Parts by name: those given, "patch 1", ... by falling area, "walls", all of it, and "rest", what has no name."""
        return numbered_parts(self.names, "patch", "walls")

    def contains(self, at: Floats) -> Bools:
        """Which places (n, 3) lie inside; on the boundary either answer may come."""
        return winding(at, self.places, self.facets) > 0.5

    def somewhere(self, points: int, r: np.random.Generator) -> Floats:
        """Random places inside, all equally likely: (points, 3)."""
        return random_places(self.bounds, self.contains, points, r)

    def __repr__(self) -> str:
        return f"<Solid of {plural(len(self.facets), 'facet')}: {among(self.names, 8)}>"


def solid(
    source: PathLike | Any,
    coordinates: Sequence[Coordinate],
    *,
    scale: float = 1.0,
    names: Mapping[str, Any] | None = None,
    angle: float = 30.0,
) -> Solid:
    """A solid from an STL, OBJ, PLY or OFF file, or from a `trimesh.Trimesh`; needs the extra `solids`.

    Its boundary is parted into patches where neighbouring facets turn by more than an angle. Patches get names by a place on
    them, or by the side of the solid that they are on.

    Parameters
    ----------
    source : path or trimesh.Trimesh
    coordinates : three Coordinates
        As `(x, y, z)`.
    scale : float
        What lengths of the file are multiplied by: 0.001 for millimetres where the problem is in metres.
    names : mapping of str to place or direction, optional
        A place (x, y, z), after scaling, names the patch that is nearest; "+x", "-x", "+y", "-y", "+z" or "-z" those that
        face that way and lie farthest there; lists of these name several patches at once.
    angle : float
        In degrees.

    Returns
    -------
    Solid

    Raises
    ------
    FileError
        Where the file cannot be read.
    InputError
        Where it holds no closed surface of one solid with outward normals, a name fits no patch, or trimesh is missing.

    Examples
    --------
    >>> import trimesh
    >>> from edgewise import pde
    >>> bar = trimesh.creation.box(extents=(4, 1, 1))
    >>> part = pde.solid(bar, pde.coordinates("x", "y", "z"), names={"cold": "-x", "hot": (2, 0, 0)})
    >>> sorted(part.boundary)
    ['cold', 'hot', 'patch 1', 'patch 2', 'patch 3', 'patch 4', 'patch 5', 'patch 6', 'rest', 'walls']
    """
    of = "solid"
    given = space_of(coordinates)
    check_float(angle, "angle", low=0.0, high=180.0, closed=False)
    corners = corners_of(source, scale, of)
    places, facets = closed(corners)
    patch = _patches(places, facets, np.deg2rad(angle))
    plain = tuple(f"patch {n + 1}" for n in range(int(patch.max()) + 1))
    found = Solid(given, places, facets, patch, plain)

    def meant(name: str, where: Any) -> list[int]:
        """Numbers of the patches that a place or a direction means."""
        if isinstance(where, str):
            return _facing(found, name, where)
        facet, apart = distances(place_of(name, where)[None], places, facets)
        check_near(name, float(apart[0]), found.bounds)
        return [int(patch[facet[0]])]

    wanted = as_mapping(names, "names", "names to places")
    return replace(found, names=named_parts(plain, wanted, found.boundary, meant, "patch"))


def _patches(places: Floats, facets: Ints, angle: float) -> Ints:
    """Numbers of patches: parted where facets turn by more than the angle, the largest first."""
    edges = edges_of(facets)
    one, other = edges.first, edges.second
    normal, area = normals_of(places, facets)
    smooth = (normal[one] * normal[other]).sum(1) >= np.cos(angle)
    # Facets without area have no direction: they go with a neighbour.
    smooth |= (area[one] <= 0) | (area[other] <= 0)
    group = components(len(facets), one[smooth], other[smooth])
    return largest_first(group, area, places[facets].mean(1))


def _facing(found: Solid, name: str, side: str) -> list[int]:
    """Patches whose facets face a direction, and lie farthest that way."""
    direction = direction_of(name, side)
    normal, area = normals_of(found.places, found.facets)
    far = (found.places @ direction)[found.facets]
    mean = [np.bincount(found.patch, area * normal[:, k]) for k in range(3)]
    total = np.bincount(found.patch, area)
    faces = np.stack(mean, axis=1) @ direction / total > np.cos(np.pi / 6)
    top = np.full(len(total), -np.inf)
    np.maximum.at(top, found.patch, far.max(1))
    chosen = np.flatnonzero(faces & (top >= (found.places @ direction).max() - 1e-3 * found.size))
    if not len(chosen):
        raise InputError(
            f"No patch of the boundary faces {side} there, for '{name}'; give a place on it instead."
        )
    return chosen.tolist()
