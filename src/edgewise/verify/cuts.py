"""Cuts of parts of a domain, and what is known of a part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise.verify.space import Part

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Where a part is cut.

    Parameters
    ----------
    kind : "node", "input" or "cells"
    number : int
        The node, input or group.
    at : float
        The value that parts the two sides.
    cells : tuple of int
        Cells of the low side.
    """

    kind: str
    number: int
    at: float = 0.0
    cells: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Bounded:
    """What is known of one part.

    Attributes
    ----------
    part : Part (of one)
    bound : float
        Certified bound of the excess; -inf where no row is there.
    v : array of shape (multipliers,)
    split : Split or None
        Where to cut it next; None where nothing is left to cut.
    other : Split or None
        A cut of another kind, for where cuts of that kind stopped helping.
    stalled : int
        How many cuts in a row gained little.
    sums : triple of arrays, or None
        Sums of the first layers over the part, where they are known.
    """

    part: Part
    bound: float
    v: Floats
    split: Split | None
    sums: tuple[Floats, Floats, Bools] | None
    other: Split | None = None
    stalled: int = 0
