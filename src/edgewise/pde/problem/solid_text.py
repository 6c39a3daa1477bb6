"""Solids in files of problems.

[domain]
solid = "part.stl"
scale = 0.001

[domain.names]
cold = "-x"
hot = [0.04, 0, 0]
ends = ["+z", "-z"]

Beside these there may be `space`, the names of the coordinates, and `angle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.solid import Solid, solid
from edgewise.pde.terms.symbols import Coordinate

SOLID: Final = "solid"
_KEYS: Final = (SOLID, "space", "scale", "angle", "names")


def solid_in(table: Mapping[str, Any], folder: Path) -> Solid:
    """The solid that [domain] means.

    Parameters
    ----------
    table : mapping
    folder : path
        Where its file lies, unless it says so itself.

    Raises
    ------
    InputError
        Where a key is not known, or has a value of another kind; and as `solid` does.
    """
    if strange := [key for key in table if key not in _KEYS]:
        raise InputError(
            f"[domain] has a 'solid', and {short(strange[0])} beside it, which means nothing there"
            f"{did_you_mean(strange[0], _KEYS)}; its keys are {among(_KEYS)}."
        )
    file = table[SOLID]
    if not isinstance(file, str) or not file.strip():
        raise InputError(f"'solid' of [domain] must name a file, \"part.stl\". Got {short(file)}.")
    space: Any = table.get("space", ["x", "y", "z"])
    if not (isinstance(space, list) and all(isinstance(name, str) for name in cast("Any", space))):
        raise InputError(
            f'\'space\' of [domain] must name the coordinates, ["x", "y", "z"]. Got {short(space)}.'
        )
    names: Any = table.get("names", {})
    if not isinstance(names, dict):
        raise InputError(f"'names' of [domain] must be a table, [domain.names]. Got {short(names)}.")
    # Lists of numbers are places, lists of sides or of places are several patches.
    meant = {
        name: tuple(where)
        if isinstance(where, list) and not any(isinstance(e, list | str) for e in where)
        else where
        for name, where in cast("dict[str, Any]", names).items()
    }
    return solid(
        folder / file,
        tuple(Coordinate(name) for name in cast("list[str]", space)),
        scale=table.get("scale", 1.0),
        angle=table.get("angle", 30.0),
        names=meant,
    )
