"""Places of a domain: as users give them, and at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, plural, short
from edgewise._core.errors import InputError
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.problem import Domain


def rows(domain: Domain, at: Sequence[Any]) -> tuple[Floats, tuple[int, ...]]:
    """Places as rows, inside the bounds of the domain, and the shape that values there are to have."""
    names = [each.name for each in domain.coordinates]
    if len(at) != len(names):
        raise InputError(
            f"A solution takes {plural(len(names), 'array')}, one for each of {', '.join(names)}. Got {len(at)}."
        )
    try:
        arrays = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in at))
    except UNREADABLE:
        raise InputError(
            subject="The places 'at' of a solution",
            expected=f"be numbers for each of {', '.join(names)}, in arrays that go together",
            got=", ".join(short(each, 40) for each in at),
        ) from None
    points = np.stack([each.ravel() for each in arrays], axis=1)
    if isinstance(domain, TriangleSurface):
        # Whether places are near enough to it is seen where they are looked for.
        return points, arrays[0].shape
    on_surface = isinstance(domain, SpaceTime) and isinstance(domain.shape, TriangleSurface)
    for axis, (low, high) in enumerate(domain.bounds):
        span = high - low
        if on_surface and axis != domain.time:
            continue
        if domain.periodic[axis]:
            points[:, axis] = low + np.mod(points[:, axis] - low, span)
        elif ((points[:, axis] < low - 1e-9 * span) | (points[:, axis] > high + 1e-9 * span)).any():
            raise InputError(
                f"The solution is known for '{names[axis]}' from {low:g} to {high:g} only; some of the "
                f"places lie outside."
            )
    return points, arrays[0].shape


def somewhere(domain: Domain, points: int, r: np.random.Generator) -> Floats:
    """Random places inside a domain, all equally likely: (points, d)."""
    if isinstance(domain, SpaceTime):
        return np.column_stack([somewhere(domain.shape, points, r), r.uniform(*domain.span, points)])
    if isinstance(domain, TriangleSurface):
        return domain.somewhere(points, r)
    found = np.zeros((0, len(domain.bounds)))
    while len(found) < points:
        at = np.stack([r.uniform(low, high, points) for low, high in domain.bounds], axis=1)
        found = np.concatenate([found, at[domain.contains(at)] if isinstance(domain, Region | Solid) else at])
    return found[:points]
