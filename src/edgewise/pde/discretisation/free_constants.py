"""Unknowns to which a constant may be added: equations and conditions have their derivatives alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise.fields.field import Field
from edgewise.fields.quadrature import gauss
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.problem.jets import Compiled


def loose_unknowns(inside: Compiled, faces: FaceConditions, count: int) -> tuple[int, ...]:
    """Numbers of the unknowns whose values stand in no equation and no condition.

    Parameters
    ----------
    inside : Compiled
        The equations.
    faces : FaceConditions
    count : int
        Number of unknowns.
    """
    held = {face.field for face in faces.built_in if face.end.weights[0]}
    for compiled in (inside, *(weak.compiled for weak in faces.weak)):
        held |= {compiled.jets[j][0] for _, j in compiled.entries if not any(compiled.jets[j][1])}
    return tuple(f for f in range(count) if f not in held)


def mean(field: Field) -> float:
    """Mean of a spline over its box."""
    average = field.coefficients
    for space in field.spaces:
        rule = gauss(space, space.degree // 2 + 1)
        average = (rule.weights.ravel() @ space.matrix(rule.at(space))) @ average.reshape(space.size, -1)
    return float(average.sum()) / float(np.prod([space.high - space.low for space in field.spaces]))


def open_constants(names: Sequence[str], loose: Sequence[int]) -> str:
    """Which unknowns are determined up to a constant, as an addition to how the error was found."""
    open_ones = " and ".join(f"'{names[f]}'" for f in loose)
    return (
        f"; the problem leaves a constant of {open_ones} open, with which its mean is zero" if loose else ""
    )
