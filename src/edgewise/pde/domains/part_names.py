"""Names for the parts of the boundary of a solid or a surface: by a place on them, or by the side that they are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, among, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.parts import Part, Parts
from edgewise.pde.domains.region import Rim

# A name's place may lie off the boundary by this share of the size.
_NEAR: Final = 0.02
_DIRECTIONS: Final = {
    sign + letter: np.eye(3)[axis] * (1.0 if sign == "+" else -1.0)
    for axis, letter in enumerate("xyz")
    for sign in "+-"
}


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
        for n in sorted({n for each in several for n in meant(name, each)}):
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
