"""Surfaces of triangles as STL, OBJ, PLY and OFF files hold them, read by trimesh."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_float, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.extras import need
from edgewise._core.files import PathLike, as_path, said_clearly, shown
from edgewise.pde.terms.symbols import Coordinate

EXTRA: Final = "solids"
_KINDS: Final = (".stl", ".obj", ".ply", ".off")
# Beyond this, elements along the facets alone are more than the solver takes.
MOST_FACETS: Final = 20_000
_WHAT: Final = "Solids and surfaces from files"


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
            f"Solids and surfaces are read from files that end in {among(_KINDS)}. Got {shown(path)}."
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
