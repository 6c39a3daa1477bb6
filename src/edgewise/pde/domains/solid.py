"""Solids bounded by flat facets, as STL files hold them: read by trimesh, their boundary in patches with names.

file -> closed surface of facets -> patches, parted where it turns sharply -> boundary parts by name
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.checks import UNREADABLE, among, check_float, plural, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.extras import need
from edgewise._core.files import PathLike, as_path, said_clearly, shown
from edgewise.pde.domains.box import Part, Parts
from edgewise.pde.domains.facets import closed, components, distances, edges_of, normals_of, winding
from edgewise.pde.domains.region import Rim
from edgewise.pde.terms.symbols import Coordinate

EXTRA: Final = "solids"
_KINDS: Final = (".stl", ".obj", ".ply", ".off")
# Beyond this, elements along the facets alone are more than the solver takes.
MOST_FACETS: Final = 20_000
# A name's point may lie off the surface by this share of the size.
_NEAR: Final = 0.02
_DIRECTIONS: Final = {
    sign + letter: np.eye(3)[axis] * (1.0 if sign == "+" else -1.0)
    for axis, letter in enumerate("xyz")
    for sign in "+-"
}


@dataclass(frozen=True, eq=False)
class Solid:
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

    @property
    def rim_names(self) -> tuple[str, ...]:
        """Names of the patches."""
        return self.names

    @cached_property
    def rim_loops(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the patches that hang together, each outer or inner surface by itself."""
        _, one, other = edges_of(self.facets)
        body = components(len(self.names), self.patch[one], self.patch[other])
        return tuple(tuple(np.flatnonzero(body == n).tolist()) for n in range(int(body.max()) + 1))

    @property
    def time(self) -> None:
        """A solid has no time."""
        return

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Along which coordinates functions repeat: none."""
        return (False, False, False)

    @property
    def parameters(self) -> tuple[int, ...]:
        """Coordinates that are parameters of a family: none."""
        return ()

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The smallest box that holds the solid."""
        ends = zip(self.places.min(0), self.places.max(0), strict=True)
        return tuple((float(low), float(high)) for low, high in ends)

    @cached_property
    def size(self) -> float:
        """Diagonal of that box."""
        return float(np.linalg.norm(np.ptp(self.places, axis=0)))

    @cached_property
    def volume(self) -> float:
        """What it holds."""
        a, b, c = (self.places[self.facets[:, k]] - self.places.mean(0) for k in range(3))
        return float((a * np.cross(b, c)).sum() / 6)

    @cached_property
    def sagitta(self) -> float:
        """How far smooth surfaces that the facets stand for lie off them at most, told by the angles between facets.

        A chord of length h between facets that turn by an angle lies h * angle / 8 off its arc; a facet's edges add up, as
        surfaces may bend both ways. Answers are those on the facets: they are no more exact for the smooth solid than this
        is small beside its thickness.
        """
        ends, one, other = edges_of(self.facets)
        normal, area = normals_of(self.places, self.facets)
        cosine = (normal[one] * normal[other]).sum(1)
        smooth = (self.patch[one] == self.patch[other]) & (area[one] > 0) & (area[other] > 0)
        length = np.linalg.norm(self.places[ends[:, 0]] - self.places[ends[:, 1]], axis=1)
        # Across an edge facets are as wide as twice their area over its length.
        width = (area[one] + area[other]) / np.maximum(length, 1e-300)
        turn = np.arccos(np.clip(cosine, -1.0, 1.0))
        turn = np.where(smooth & (turn > 1e-5), turn, 0.0)
        return float(np.bincount(np.concatenate([one, other]), np.tile(turn * width / 8, 2)).max(initial=0.0))

    @cached_property
    def boundary(self) -> Parts:
        """Parts by name: those given, "patch 1", ... by falling area, "walls", all of it, and "rest", what has no name."""
        every = [Rim(name, n) for n, name in enumerate(self.names)]
        groups: dict[str, list[Rim]] = {"walls": every}
        for n, rim in enumerate(every):
            numbered = f"patch {n + 1}"
            for name in dict.fromkeys((self.names[n], numbered)):
                groups.setdefault(name, []).append(rim)
            if self.names[n] == numbered:
                groups.setdefault("rest", []).append(rim)
        return Parts({name: Part(name, tuple(rims)) for name, rims in groups.items()})

    def contains(self, at: Floats) -> Bools:
        """Which places (n, 3) lie inside; on the boundary either answer may come."""
        return winding(at, self.places, self.facets) > 0.5

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
    given: tuple[Any, ...] = tuple(coordinates) if isinstance(coordinates, tuple | list) else ()
    if len(given) != 3 or any(not isinstance(c, Coordinate) or c.time or c.parameter for c in given):
        raise InputError(
            f"The 'coordinates' parameter of solid must be three coordinates of space, (x, y, z). Got {short(coordinates)}."
        )
    check_float(scale, "scale", low=0.0, closed=False, of=of)
    check_float(angle, "angle", low=0.0, high=180.0, closed=False, of=of)
    corners = scale * _corners(source)
    if not len(corners):
        raise InputError("The surface has no facets; export the solid as a surface of triangles.")
    if not np.isfinite(corners).all():
        raise InputError("The surface has corners that are not finite numbers; export the solid anew.")
    if len(corners) > MOST_FACETS:
        raise InputError(
            f"The surface has {len(corners)} facets; solid takes {MOST_FACETS} at most. Export it more coarsely, or make it "
            "simpler with trimesh's simplify_quadric_decimation."
        )
    places, facets = closed(corners)
    patch = _patches(places, facets, np.deg2rad(angle))
    plain = tuple(f"patch {n + 1}" for n in range(int(patch.max()) + 1))
    found = Solid(given, places, facets, patch, plain)
    return Solid(
        given, places, facets, patch, _named(found, as_mapping(names, "names", "names to places", of=of))
    )


def _corners(source: Any) -> Floats:
    """The corners of the triangles of a file or a mesh, (m, 3, 3)."""
    trimesh = need("trimesh", EXTRA, "Solids from files")
    if isinstance(source, trimesh.Trimesh):
        return np.asarray(source.triangles, dtype=float).reshape(-1, 3, 3)
    if not isinstance(source, str | Path):
        raise InputError(
            f"The 'source' parameter of solid must be the path of a file, or a trimesh.Trimesh. Got {short(source)}."
        )
    path = Path(as_path(source))
    kind = path.suffix.lower()
    if kind not in _KINDS:
        raise InputError(f"Solids are read from files that end in {among(_KINDS)}. Got {shown(path)}.")
    with said_clearly(path, "read"):
        content = path.read_bytes()
    return _read(content, kind, f"The file {shown(path)}")


def _read(content: bytes, kind: str, where: str) -> Floats:
    """The corners of the triangles that a file's content holds."""
    trimesh = need("trimesh", EXTRA, "Solids from files")
    options = {"skip_materials": True} if kind == ".obj" else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = trimesh.load_mesh(io.BytesIO(content), file_type=kind[1:], process=False, **options)
            loaded = loaded.to_mesh() if isinstance(loaded, trimesh.Scene) else loaded
            found = np.asarray(loaded.triangles, dtype=float).reshape(-1, 3, 3)
    except MemoryError:
        raise
    except Exception:
        # Readers of damaged files end in errors of every kind.
        found = np.zeros((0, 3, 3))
    if not len(found):
        raise FileError(
            f"{where} is no {kind[1:].upper()} file with triangles; export the solid anew as STL."
        )
    return found


def _patches(places: Floats, facets: Ints, angle: float) -> Ints:
    """Numbers of patches: parted where facets turn by more than the angle, the largest first."""
    _, one, other = edges_of(facets)
    normal, area = normals_of(places, facets)
    smooth = (normal[one] * normal[other]).sum(1) >= np.cos(angle)
    # Facets without area have no direction: they go with a neighbour.
    smooth |= (area[one] <= 0) | (area[other] <= 0)
    group = components(len(facets), one[smooth], other[smooth])
    total = np.bincount(group, area)
    # Equal areas, as of a box, in the order of where they lie.
    middle = [np.bincount(group, area * places[facets].mean(1)[:, k]) / total for k in range(3)]
    digits = [np.round(each / max(float(np.abs(each).max()), 1e-300), 6) for each in (*middle[::-1], -total)]
    rank = np.argsort(np.lexsort(digits))
    return rank[group].astype(np.int64)


def _named(found: Solid, given: Mapping[Any, Any]) -> tuple[str, ...]:
    names = list(found.names)
    for name, where in given.items():
        if not isinstance(name, str) or not name.strip() or name in tuple(found.boundary) or "|" in name:
            raise InputError(
                f"The 'names' parameter of solid must have names of its own for patches, without '|'. Got {short(name)}."
            )
        several = where if isinstance(where, list) else [where]
        for n in sorted({n for each in several for n in _meant(found, name, each)}):
            if names[n] != found.names[n]:
                raise InputError(
                    f"The names '{names[n]}' and '{name}' are for one patch of the boundary, which has no edge of more than "
                    "the 'angle' between them; leave one out, or give a smaller angle."
                )
            names[n] = name
    return tuple(names)


def _meant(found: Solid, name: str, where: Any) -> list[int]:
    """Numbers of the patches that a place or a direction means."""
    if isinstance(where, str):
        if where not in _DIRECTIONS:
            raise InputError(
                f"The side of '{name}' must be one of {among(_DIRECTIONS, 6)}, or a place. Got {short(where)}."
            )
        return _facing(found, name, where)
    try:
        place = np.asarray(where, dtype=float)
    except UNREADABLE:
        place = np.zeros(0)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise InputError(
            f"The place of '{name}' must be three numbers, (x, y, z), or a side such as '+x'. Got {short(where)}."
        )
    facet, apart = distances(place[None], found.places, found.facets)
    if apart[0] > _NEAR * found.size:
        low, high = ("({:.4g}, {:.4g}, {:.4g})".format(*end) for end in zip(*found.bounds, strict=True))
        raise InputError(
            f"The place of '{name}' lies {apart[0]:.3g} off the surface, which reaches from {low} to {high}; give a place "
            "on it (and mind 'scale')."
        )
    return [int(found.patch[facet[0]])]


def _facing(found: Solid, name: str, side: str) -> list[int]:
    """Patches whose facets face a direction, and lie farthest that way."""
    direction = _DIRECTIONS[side]
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
