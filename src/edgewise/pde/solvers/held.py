"""What is answered where a march ends before its first slab: the state at the start, for all of time."""

from __future__ import annotations

import numpy as np

from edgewise._core.stopping import StopReason
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.discretisation.field import Field, interpolate
from edgewise.pde.discretisation.space import Space
from edgewise.pde.domains.box import Box
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.solution import Solution
from edgewise.pde.settings import FIRST_INTERVALS, SolverConfig

# More intervals would follow a kink in the data, not their course.
_FINEST = 64


def held_solution(
    problem: Problem,
    faces: FaceConditions,
    axis: int,
    tolerance: float,
    config: SolverConfig,
    road: str,
    reason: StopReason,
    doubt: str,
    seconds: float,
) -> Solution:
    """The start held, with an error of which nothing is known.

    Parameters
    ----------
    problem : Problem
    faces : FaceConditions
    axis : int
        Number of the coordinate of time.
    tolerance : float
    config : SolverConfig
    road : str
    reason : StopReason
        What ended it.
    doubt : str
        What spoke against the problem before; empty where nothing did.
    seconds : float
    """
    assert isinstance(problem.domain, Box)
    pieces = _held(problem.domain, faces, axis, len(problem.names), config)
    unknown = float("inf")
    sentence = (
        "It was ended before the first slab of time: the state at the start is held, which says nothing about later times. "
        + reason.advice
    )
    return Solution(
        problem,
        pieces,
        unknown,
        dict.fromkeys(problem.names, unknown),
        "nothing was solved",
        tolerance,
        road,
        reason,
        (*filter(None, [doubt]), sentence),
        seconds,
        sum(field.coefficients.size for field in pieces.fields[0]),
    )


def _held(domain: Box, faces: FaceConditions, axis: int, count: int, config: SolverConfig) -> Pieces:
    """The data of the start as splines that stay the same along time; zero where an unknown has none, as a pressure."""
    starts = {
        each.field: each
        for each in faces.built_in
        if each.face.axis == axis and not each.face.high and len(each.end.weights) == 1
    }
    intervals, before = FIRST_INTERVALS, None
    while True:
        spaces = tuple(
            Space(np.array([low, high]), 1)
            if a == axis
            else Space(np.linspace(low, high, intervals + 1), config.degree, around)
            for a, ((low, high), around) in enumerate(zip(domain.bounds, domain.periodic, strict=True))
        )
        places = list(np.meshgrid(*(space.greville for space in spaces), indexing="ij"))
        shape = places[0].shape
        places[axis] = np.full(shape, domain.bounds[axis][0])
        fields: list[Field] = []
        for f in range(count):
            data = starts[f].data(*places) / starts[f].end.weights[0] if f in starts else 0.0
            values = np.broadcast_to(np.asarray(data, dtype=float), shape)
            # As files hold it, so that what is read again has the same bits.
            fields.append(Field(spaces, np.ascontiguousarray(interpolate(spaces, values))))
        found = Pieces((tuple(fields),), axis)
        settled = before is not None and max(found.distance(before)) < config.loosest
        finer = 2 ** (len(spaces) - 1) * fields[0].coefficients.size
        if settled or 2 * intervals > _FINEST or finer > config.most_coefficients:
            return found
        before, intervals = found, 2 * intervals
