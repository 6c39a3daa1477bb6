"""Solids and surfaces in files of problems.

[domain]
solid = "part.stl"
scale = 0.001

[domain.names]
cold = "-x"
hot = [0.04, 0, 0]
ends = ["+z", "-z"]

Beside these there may be a time, `t = [0, 1]` (`text`), `space`, the names of the coordinates, and `angle`. Surfaces stand
there as `surface = "part.stl"`, with the equation of the smooth one as `smooth = "x^2 + y^2 + z^2 = 1"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.solid import Solid, solid
from edgewise.pde.domains.surface import TriangleSurface, surface
from edgewise.pde.terms.symbols import Coordinate
from edgewise.pde.terms.text import read_equations

SOLID: Final = "solid"
SURFACE: Final = "surface"
_SMOOTH: Final = "smooth"
_KEYS: Final = ("space", "scale", "angle", "names")


def solid_in(table: Mapping[str, Any], folder: Path) -> Solid | TriangleSurface:
    """The solid or the surface that [domain] means.

    Parameters
    ----------
    table : mapping
    folder : path
        Where its file lies, unless it states that itself.

    Raises
    ------
    InputError
        Where a key is not known, or has a value of another kind; and as `solid` does.
    """
    kind = SOLID if SOLID in table else SURFACE
    keys = (kind, *_KEYS) if kind == SOLID else (kind, _SMOOTH, *_KEYS)
    if strange := [key for key in table if key not in keys]:
        raise InputError(
            f"[domain] has a '{kind}', and {short(strange[0])} beside it, which means nothing there"
            f"{did_you_mean(strange[0], keys)}; its keys are {among(keys)}."
        )
    file = table[kind]
    if not isinstance(file, str) or not file.strip():
        raise InputError(subject=f"'{kind}' of [domain]", expected='name a file, "part.stl"', got=short(file))
    space: Any = table.get("space", ["x", "y", "z"])
    if not (isinstance(space, list) and all(isinstance(name, str) for name in cast("Any", space))):
        raise InputError(
            subject="'space' of [domain]", expected='name the coordinates, ["x", "y", "z"]', got=short(space)
        )
    names: Any = table.get("names", {})
    if not isinstance(names, dict):
        raise InputError(
            subject="'names' of [domain]", expected="be a table, [domain.names]", got=short(names)
        )
    # Lists of numbers are places, lists of sides or of places are several patches.
    meant = {
        name: tuple(where)
        if isinstance(where, list) and not any(isinstance(e, list | str) for e in where)
        else where
        for name, where in cast("dict[str, Any]", names).items()
    }
    coordinates = tuple(Coordinate(name) for name in cast("list[str]", space))
    options: dict[str, Any] = {
        "scale": table.get("scale", 1.0),
        "angle": table.get("angle", 30.0),
        "names": meant,
    }
    if kind == SOLID:
        return solid(folder / file, coordinates, **options)
    smooth = table.get(_SMOOTH)
    if smooth is not None and not isinstance(smooth, str):
        raise InputError(
            subject=f"'{_SMOOTH}' of [domain]",
            expected='be an equation, "x^2 + y^2 + z^2 = 1"',
            got=short(smooth),
        )
    if smooth is not None:
        equations = read_equations(smooth, {each.name: each for each in coordinates})
        if len(equations) != 1:
            raise InputError(
                subject=f"'{_SMOOTH}' of [domain]", expected="be one equation", got=short(smooth)
            )
        options[_SMOOTH] = equations[0]
    return surface(folder / file, coordinates, **options)
