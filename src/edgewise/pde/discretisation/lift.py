"""Functions that meet the conditions built into the faces of a box, whatever the free coefficients are.

Coordinate after coordinate: what the conditions at the two ends of one coordinate still lack is added by splines that
live at these ends (transfinite interpolation; W. J. Gordon and C. A. Hall 1973, doi:10.1007/BF01436298). Where two
faces meet and their data contradict each other, no function meets both; how far they are apart is returned too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.fields.field import Field, interpolate
from edgewise.fields.space import Reduction, Space, reduce
from edgewise.pde.discretisation.assembly import Layout, ReducedAxis
from edgewise.pde.discretisation.faces import BuiltIn


def reductions(
    spaces: Sequence[Space],
    conditions: Sequence[BuiltIn],
    n_fields: int,
    lower: Sequence[Sequence[int]] | None = None,
) -> tuple[tuple[Reduction, ...], ...]:
    """For each unknown and coordinate, the space (of so much lower a degree) less the conditions built in."""
    return tuple(
        tuple(
            reduce(
                space if lower is None else space.lowered(lower[f][axis]),
                [
                    condition.end
                    for condition in conditions
                    if condition.field == f and condition.face.axis == axis
                ],
            )
            for axis, space in enumerate(spaces)
        )
        for f in range(n_fields)
    )


def conditioned(
    spaces: Sequence[Space],
    conditions: Sequence[BuiltIn],
    n_fields: int,
    lower: Sequence[Sequence[int]] | None = None,
    known: Mapping[int, Field] | None = None,
    wide: Sequence[Space] | None = None,
) -> tuple[Layout, list[Floats], float]:
    """The free coefficients of all unknowns on a grid, what meets the conditions of each, and the largest contradiction
    between faces.

    Parameters
    ----------
    spaces : sequence of Space, one a coordinate
    conditions : sequence of BuiltIn
    n_fields : int
        Number of unknowns.
    lower : sequence of (sequence of int), optional
        How much lower the degrees of each unknown are.
    known : mapping, optional
        Data of conditions that are splines along the face already, by the condition's number.
    wide : sequence of Space, optional
        A coarser grid, whose splines meet the conditions instead.
    """
    reduced = reductions(spaces, conditions, n_fields, lower)
    axes = tuple(
        tuple(
            ReducedAxis(space if lower is None else space.lowered(lower[f][a]), reduction)
            for a, (space, reduction) in enumerate(zip(spaces, own, strict=True))
        )
        for f, own in enumerate(reduced)
    )
    coarse = None if wide is None else reductions(wide, conditions, n_fields)
    lifts: list[Floats] = []
    worst = 0.0
    for f, own in enumerate(axes):
        numbers = [n for n, condition in enumerate(conditions) if condition.field == f]
        splines = {numbers.index(n): field for n, field in (known or {}).items() if n in numbers}
        blends = None
        if wide is not None and coarse is not None:
            blends = [a.insertion(b) @ c.lift for a, b, c in zip(wide, spaces, coarse[f], strict=True)]
        table, apart = lift(
            [axis.space for axis in own], reduced[f], [conditions[n] for n in numbers], splines, blends
        )
        lifts.append(table)
        worst = max(worst, apart)
    return Layout(axes), lifts, worst


def lift(
    spaces: Sequence[Space],
    reduced: Sequence[Reduction],
    conditions: Sequence[BuiltIn],
    known: dict[int, Field] | None = None,
    blends: Sequence[Floats] | None = None,
) -> tuple[Floats, float]:
    """Coefficients that meet the conditions of one unknown, and the largest contradiction between faces.

    Parameters
    ----------
    spaces, reduced : sequence, one a coordinate
    conditions : sequence of BuiltIn
        Those of this unknown.
    known : dict, optional
        Data of conditions that are splines along the face already, by the condition's number.
    blends : sequence of ndarray, one a coordinate
        Coefficients of the splines that meet one condition at an end each; without them those of `reduced`, which live on
        the last intervals.
    """
    known = known or {}
    total = np.zeros([space.size for space in spaces])
    for axis in range(len(spaces)):
        numbers = [n for n, condition in enumerate(conditions) if condition.face.axis == axis]
        if not numbers:
            continue
        along = [space for a, space in enumerate(spaces) if a != axis]
        data = np.stack(
            [
                known[n].on(along).coefficients if n in known else _data(conditions[n], spaces, along)
                for n in numbers
            ]
        )
        has = np.tensordot(reduced[axis].rows, total, axes=(1, axis))
        added = np.moveaxis(
            np.tensordot(reduced[axis].lift if blends is None else blends[axis], data - has, axes=(1, 0)),
            0,
            axis,
        )
        for other in range(axis):
            # Where the data contradict those of earlier coordinates, the earlier ones hold, and the step between both
            # is as short as the intervals at the corner.
            free, own = reduced[other].free, reduced[other].own
            kept = np.moveaxis(added, other, 0)[own]
            spread = (free @ kept.reshape(len(own), -1)).reshape(-1, *kept.shape[1:])
            added = np.moveaxis(spread, 0, other)
        total = total + added
    # A later coordinate may have been left without some of its data: exactly where these contradict each other.
    worst = 0.0
    for axis in range(len(spaces)):
        numbers = [n for n, condition in enumerate(conditions) if condition.face.axis == axis]
        along = [space for a, space in enumerate(spaces) if a != axis]
        for row, n in enumerate(numbers):
            wanted = known[n].on(along).coefficients if n in known else _data(conditions[n], spaces, along)
            has = np.tensordot(reduced[axis].rows[row], total, axes=(0, axis))
            scale = max(1.0, float(np.abs(wanted).max(initial=0.0)))
            worst = max(worst, float(np.abs(has - wanted).max(initial=0.0)) / scale)
    return total, worst


def _data(condition: BuiltIn, spaces: Sequence[Space], along: Sequence[Space]) -> Floats:
    """The condition's data as a spline along its face."""
    axis = condition.face.axis
    at = spaces[axis].high if condition.face.high else spaces[axis].low
    grids = np.meshgrid(*(space.greville for space in along), indexing="ij") if along else []
    places: list[Floats | float] = list(grids)
    places.insert(axis, at)
    shape = tuple(space.size for space in along)
    values = np.broadcast_to(np.asarray(condition.data(*places), dtype=float), shape)
    return interpolate(along, values) if along else np.asarray(values, dtype=float)
