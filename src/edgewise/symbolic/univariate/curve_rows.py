"""The points of a curve as they are given, checked and in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_vector
from edgewise._core.errors import InputError

# Beyond this size squares leave the range of floats.
_MOST = 1e140


def read_curve(x: Any, y: Any, sample_weight: Any, least: int) -> tuple[Floats, Floats, Floats]:
    """Points, values and weights, ordered by the points.

    Raises
    ------
    InputError
        If there are fewer than `least`, they do not go together, or are too large to be squared.
    """
    points = check_vector(x, "x", min_length=least)
    values = check_vector(y, "y", length=len(points))
    weights = (
        np.ones(len(points))
        if sample_weight is None
        else check_vector(sample_weight, "sample_weight", length=len(points))
    )
    if weights.min() < 0 or weights.sum() <= 0:
        raise InputError(
            argument="sample_weight", expected="hold non-negative numbers, not all zero", got="others"
        )
    for name, entries in (("x", points), ("y", values)):
        if float(np.abs(entries).max()) > _MOST:
            raise InputError(
                argument=name,
                expected=f"have entries up to {_MOST:g}, so that they can be squared",
                got=f"{float(np.abs(entries).max()):g}",
                advice="choose other units",
            )
    order = np.argsort(points, kind="stable")
    return points[order], values[order], weights[order]
