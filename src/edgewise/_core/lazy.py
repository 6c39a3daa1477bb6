"""Packages whose names are loaded on first use: the names stand once, in the package's stub file.

Importing torch takes a second; who asks for a formula, or for help, need not wait for it.
"""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Mapping
from functools import cache

from edgewise._core.rooms import is_there, room


@cache
def homes(package: str) -> Mapping[str, str]:
    """Where each public name of a package lives, by its stub; of a module, that is the package.

    Examples
    --------
    >>> homes("edgewise")["Table"]
    'edgewise.data'
    """
    found: dict[str, str] = {}
    for line in ast.parse(pkgutil.get_data(package, "__init__.pyi") or b"").body:
        if isinstance(line, ast.ImportFrom):
            home = importlib.util.resolve_name("." * line.level + (line.module or ""), package)
            found.update({name.name: home for name in line.names})
    return found


def surface(package: str) -> list[str]:
    """What a package hands on: its public names that are no modules, but for those of rooms that were taken off."""
    return sorted(name for name, home in homes(package).items() if home != package and is_there(home))


def attach(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package with a stub file.

    Parameters
    ----------
    package : str
        Its `__name__`.
    """

    def load(name: str) -> object:
        if name == "__all__":
            return surface(package)
        if name not in homes(package):
            # Only who asks for what is not there waits for it: it loads numpy.
            from edgewise._core.moved import no_such_name_in

            raise AttributeError(no_such_name_in(package, name, homes(package)), name=name, obj=None)
        home = homes(package)[name]
        value = room(f"{package}.{name}") if home == package else getattr(room(home), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        rooms = [name for name in homes(package) if homes(package)[name] == package]
        there = [name for name in rooms if is_there(f"{package}.{name}")]
        return sorted({*vars(sys.modules[package]), *there, *surface(package), "__all__"})

    return load, names
