"""Named parts of the boundary of a domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError


@dataclass(frozen=True)
class Face:
    """A face of a box: where one coordinate is at its low or high end.

    Attributes
    ----------
    name : str
    axis : int
        Number of the coordinate in the box.
    high : bool
        At its high end.
    """

    name: str
    axis: int
    high: bool


@dataclass(frozen=True)
class Part:
    """A named part of a boundary: one face of a box or several, or pieces of the rim of a region."""

    name: str
    faces: tuple[Any, ...]

    def __or__(self, other: Part) -> Part:
        return Part(f"{self.name} | {other.name}", (*self.faces, *other.faces))


class Parts(Mapping[str, Part]):
    """The parts of a boundary by name; a name that is none is answered by those that are."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = MappingProxyType(dict(parts))

    def __getitem__(self, name: str) -> Part:
        if name in self._parts:
            return self._parts[name]
        if not self._parts:
            raise InputError("The domain is a closed surface, without a boundary: leave conditions out.")
        raise InputError(
            f"The boundary has no part {short(name, 60)}. It has {among(self._parts, 12)}{did_you_mean(name, self._parts)}."
        )

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self):
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
