"""Surfaces as drawings lay them: which column lies across, where there are gaps, and the bands of colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.explaining.surfaces import Surface, SurfaceAxis

# Of more levels the most frequent ones are drawn.
MOST_LEVELS = 8
# Bands of colour on each side of the blank one, at least.
BANDS = 4
# A scale this many times larger than a surface needs would leave it blank.
DWARFED = 4.0
# Half the width of a strip or a cell of levels, which are 1 apart; and how far rows are spread over it.
HALF, SPREAD = 0.47, 0.4


@dataclass(frozen=True, eq=False)
class Laid:
    """A surface with its columns in place.

    Attributes
    ----------
    across, up : SurfaceAxis
    z, near : array of shape (len(up.x), len(across.x))
    rows : array of shape (n, 2)
        Across and up; of levels spread over their strips, always in the same way.
    """

    across: SurfaceAxis
    up: SurfaceAxis
    z: Floats
    near: Floats
    rows: Floats

    @property
    def smooth(self) -> bool:
        """Whether both columns are numbers, so that lines of equal height mean something."""
        return not (self.across.labels or self.up.labels)


@dataclass(frozen=True, eq=False)
class SurfacePiece:
    """A piece without gaps: all of a surface, a strip, or a cell; arrays of shapes (k,), (l,) and (l, k)."""

    x: Floats
    y: Floats
    z: Floats
    near: Floats


def laid(surface: Surface) -> Laid:
    """Numbers across where there are any; of two columns of levels the one with fewer."""
    a, b = surface.a, surface.b
    turned = bool(a.labels) and (not b.labels or len(b.labels) < len(a.labels))
    axes = [b, a] if turned else [a, b]
    z, near = (surface.z, surface.near) if turned else (surface.z.T, surface.near.T)
    rows = surface.rows[:, ::-1].copy() if turned else surface.rows.copy()
    for side, axis in enumerate(axes):
        if not axis.labels:
            continue
        along = 1 - side
        most = np.sort(np.argsort(-near.sum(axis=side), kind="stable")[:MOST_LEVELS])
        z, near = np.take(z, most, axis=along), np.take(near, most, axis=along)
        rows = rows[np.isin(rows[:, side], most)]
        spread = np.random.default_rng(side).uniform(-SPREAD, SPREAD, len(rows))
        rows[:, side] = np.searchsorted(most, rows[:, side]) + spread
        names = tuple(axis.labels[k] for k in most)
        axes[side] = SurfaceAxis(axis.column, axis.kind, np.arange(len(most), dtype=np.float64), names)
    return Laid(axes[0], axes[1], z, near, rows)


def ends(axis: SurfaceAxis) -> tuple[float, float]:
    """The range that an axis shows, in the table's own numbers."""
    return (-0.5, len(axis.labels) - 0.5) if axis.labels else (float(axis.x[0]), float(axis.x[-1]))


def parts(view: Laid) -> list[SurfacePiece]:
    """The pieces of a surface between which there is nothing."""
    rows = [slice(k, k + 1) for k in range(len(view.up.labels))] or [slice(None)]
    columns = [slice(k, k + 1) for k in range(len(view.across.labels))] or [slice(None)]
    made = list[SurfacePiece]()
    for row in rows:
        for column in columns:
            z, near = view.z[row, column], view.near[row, column]
            x, y = view.across.x, view.up.x
            # A strip has two sides of one height.
            if view.across.labels:
                x, z, near = column.start + np.array([-HALF, HALF]), np.repeat(z, 2, 1), np.repeat(near, 2, 1)
            if view.up.labels:
                y, z, near = row.start + np.array([-HALF, HALF]), np.repeat(z, 2, 0), np.repeat(near, 2, 0)
            made.append(SurfacePiece(x, y, z, near))
    return made


def scales(surfaces: Sequence[Surface]) -> list[float]:
    """The largest effect on the colour scale of each surface: one for all that are not dwarfed by it."""
    top = max((surface.size for surface in surfaces), default=0.0)
    return [top if surface.size * DWARFED >= top else surface.size for surface in surfaces]


def bands(limit: float) -> Floats:
    """Borders of the bands of colour, round numbers up to `limit` or just beyond, without zero.

    The band about zero is twice as wide and blank: where an effect is next to nothing, its sign is noise.

    Examples
    --------
    >>> bands(0.9).tolist()
    [-1.0, -0.8, -0.6, -0.4, -0.2, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    limit = limit if limit > 0 else 1.0
    rough = limit / BANDS
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(s * power for s in (1.0, 2.0, 2.5, 5.0) if s * power <= rough * (1 + 1e-9))
    count = math.ceil(limit / step - 1e-9)
    up = np.array([round(k * step, 12) if step > 1e-9 else k * step for k in range(1, count + 1)])
    return np.concatenate([-up[::-1], up])
