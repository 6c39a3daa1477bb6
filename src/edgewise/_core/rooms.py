"""Rooms that an installation may lack: they are asked for by name, and an absent one is answered in one sentence.

It loads nothing itself: `edgewise` asks here for all that it hands on.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def room(module: str) -> Any:
    """A module of a room that may have been taken off.

    Parameters
    ----------
    module : str
        Its whole name.

    Raises
    ------
    MissingRoomError
        If the module, or a package that it stands in, is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # Another module that it asks for in vain is no room that was taken off.
        missing = error.name or ""
        if not missing.startswith("edgewise.") or not f"{module}.".startswith(f"{missing}."):
            raise
        from edgewise._core.errors import MissingRoomError

        raise MissingRoomError(
            f"This installation has no room {missing.removeprefix('edgewise.')}, which was taken off; "
            "install the whole of edgewise to have it."
        ) from None


@cache
def is_there(module: str) -> bool:
    """Whether an installation has a module; of what it stands in, packages are loaded, and nothing else."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
