"""What solids and surfaces that are given by triangles have in common."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import UNREADABLE, among, check_float, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.extras import need
from edgewise._core.files import PathLike, as_path, said_clearly, shown
from edgewise.pde.domains.parts import Part, Parts
from edgewise.pde.domains.region import Rim
from edgewise.pde.domains.space_time import SpatialShape
from edgewise.pde.terms.symbols import Coordinate

# A name's place may lie off the boundary by this share of the size.
_NEAR: Final = 0.02
_DIRECTIONS: Final = {
    sign + letter: np.eye(3)[axis] * (1.0 if sign == "+" else -1.0)
    for axis, letter in enumerate("xyz")
    for sign in "+-"
}
EXTRA: Final = "solids"
_KINDS: Final = (".stl", ".obj", ".ply", ".off")
# Beyond this, elements along the facets alone are more than the solver takes.
MOST_FACETS: Final = 20_000
_WHAT: Final = "Solids and surfaces from files"


def numbered_parts(names: Sequence[str], word: str, whole: str) -> Parts:
    """Parts by name: those given, "patch 1", ... by falling size, "walls", all of it, and "rest", what has no name."""
    every = [Rim(name, n) for n, name in enumerate(names)]
    groups: dict[str, list[Rim]] = {whole: every} if every else {}
    for n, rim in enumerate(every):
        numbered = f"{word} {n + 1}"
        for name in dict.fromkeys((names[n], numbered)):
            groups.setdefault(name, []).append(rim)
        if names[n] == numbered:
            groups.setdefault("rest", []).append(rim)
    return Parts({name: Part(name, tuple(rims)) for name, rims in groups.items()})


def named_parts(
    names: Sequence[str],
    given: Mapping[Any, Any],
    known: Parts,
    meant: Callable[[str, Any], list[int]],
    word: str,
) -> tuple[str, ...]:
    """Names with those given in their place.

    Parameters
    ----------
    names : sequence of str
    given : mapping of str to place, side, or list of these
    known : Parts
        Under the names before.
    meant : callable
        A name and a place or side -> numbers of parts.
    word, of : str
        What parts are called, and the function that is called.
    """
    found = list(names)
    for name, where in given.items():
        if not isinstance(name, str) or not name.strip() or name in tuple(known) or "|" in name:
            raise InputError(
                argument="names",
                expected="have names of its own for parts of the boundary, without '|'",
                got=short(name),
            )
        several = where if isinstance(where, list) else [where]
        for n in sorted({n for item in several for n in meant(name, item)}):
            if found[n] != names[n]:
                raise InputError(
                    f"The names '{found[n]}' and '{name}' are for one {word} of the boundary, which nowhere turns by more "
                    "than the 'angle' between them; leave one out, or give a smaller angle."
                )
            found[n] = name
    return tuple(found)


def direction_of(name: str, side: str) -> Floats:
    """The direction that a side such as "+x" means."""
    if side not in _DIRECTIONS:
        raise InputError(
            subject=f"The side of '{name}'",
            expected=f"be one of {among(_DIRECTIONS, 6)}, or a place",
            got=short(side),
        )
    return _DIRECTIONS[side]


def place_of(name: str, where: Any) -> Floats:
    """Three numbers."""
    try:
        place = np.asarray(where, dtype=float)
    except UNREADABLE:
        place = np.zeros(0)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise InputError(
            subject=f"The place of '{name}'",
            expected="be three numbers, (x, y, z), or a side such as '+x'",
            got=short(where),
        )
    return place


def check_near(name: str, apart: float, bounds: Sequence[tuple[float, float]]) -> None:
    """Refuses a place that lies off the boundary."""
    ends = np.array(bounds)
    if apart > _NEAR * float(np.linalg.norm(ends[:, 1] - ends[:, 0])):
        low, high = ("({:.4g}, {:.4g}, {:.4g})".format(*end) for end in ends.T)
        raise InputError(
            f"The place of '{name}' lies {apart:.3g} off the boundary of what reaches from {low} to {high}; give a place on "
            "it (and mind 'scale')."
        )


def space_of(coordinates: Sequence[Coordinate] | Any) -> tuple[Coordinate, ...]:
    """Three coordinates of space."""
    given: tuple[Any, ...] = tuple(coordinates) if isinstance(coordinates, tuple | list) else ()
    if len(given) != 3 or any(not isinstance(c, Coordinate) or c.time or c.parameter for c in given):
        raise InputError(
            argument="coordinates",
            expected="be three coordinates of space, (x, y, z)",
            got=short(coordinates),
        )
    return given


def corners_of(source: PathLike | Any, scale: float, of: str) -> Floats:
    """The corners of the triangles of a file or a mesh, (m, 3, 3), times a scale.

    Raises
    ------
    FileError
        Where the file cannot be read.
    InputError
        Where there are none, too many, or some that are no numbers; or trimesh is missing.
    """
    check_float(scale, "scale", low=0.0, closed=False)
    corners = scale * _loaded(source)
    if not len(corners):
        raise InputError(f"The surface has no facets; export the {of} anew, as triangles.")
    if not np.isfinite(corners).all():
        raise InputError(f"The surface has corners that are not finite numbers; export the {of} anew.")
    if len(corners) > MOST_FACETS:
        raise InputError(
            f"The surface has {len(corners)} facets; {of} takes {MOST_FACETS} at most. Export it more coarsely, or make it "
            "simpler with trimesh's simplify_quadric_decimation."
        )
    return corners


def _loaded(source: Any) -> Floats:
    trimesh = need("trimesh", EXTRA, _WHAT)
    if isinstance(source, trimesh.Trimesh):
        return np.asarray(source.triangles, dtype=float).reshape(-1, 3, 3)
    if not isinstance(source, str | Path):
        raise InputError(
            argument="source", expected="be the path of a file, or a trimesh.Trimesh", got=short(source)
        )
    path = Path(as_path(source))
    kind = path.suffix.lower()
    if kind not in _KINDS:
        raise InputError(
            subject="Files of solids and surfaces", expected=f"end in {among(_KINDS)}", got=shown(path)
        )
    with said_clearly(path, "read"):
        content = path.read_bytes()
    return _read(content, kind, f"The file {shown(path)}")


def _read(content: bytes, kind: str, where: str) -> Floats:
    """The corners of the triangles that a file's content holds."""
    trimesh = need("trimesh", EXTRA, _WHAT)
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
        raise FileError(f"{where} is no {kind[1:].upper()} file with triangles; export it anew as STL.")
    return found


class FacetedShape(SpatialShape):
    """A shape in space whose corners are at `places` (n, 3), with the names of the parts of its boundary."""

    places: Floats
    names: tuple[str, ...]

    @property
    def rim_names(self) -> tuple[str, ...]:
        """Names of the parts of the boundary."""
        return self.names

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The smallest box that holds all corners."""
        ends = zip(self.places.min(0), self.places.max(0), strict=True)
        return tuple((float(low), float(high)) for low, high in ends)


def largest_first(group: Ints, size: Floats, middle: Floats) -> Ints:
    """Numbers of the groups that things (n,) belong to, the largest first by the sizes of these (n,); equal ones, as of a
    box, in the order of where they lie (n, 3)."""
    total = np.bincount(group, size)
    center = [np.bincount(group, size * middle[:, k]) / total for k in range(3)]
    digits = [np.round(item / max(float(np.abs(item).max()), 1e-300), 6) for item in (*center[::-1], -total)]
    return np.argsort(np.lexsort(digits))[group].astype(np.int64)
