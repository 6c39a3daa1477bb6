"""Cuts of parts of a domain, and what is known of a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise.verifying.domain.space import Subdomains

# Least and greatest sums of nodes over parts, and which parts hold no row.
Sums = tuple[Floats, Floats, Bools]
# Ranges of nodes so narrow, as a share of their ends, are not cut.
NARROW = 1e-6
# How often each variable was cut in vain.
Idle = Mapping[tuple[str, int], int]


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
    group : int
        The group that an input or cells belong to.
    """

    kind: str
    number: int
    at: float = 0.0
    cells: tuple[int, ...] = ()
    group: int = -1

    @property
    def variable(self) -> tuple[str, int]:
        """What is cut, a node or a group."""
        return ("node", self.number) if self.kind == "node" else ("group", self.group)


@dataclass(frozen=True, eq=False)
class Bounded:
    """What is known of one part.

    Attributes
    ----------
    part : Subdomains (of one)
    bound : float
        Certified bound of the excess; -inf where no row is there.
    v : array of shape (multipliers,)
    split : Split or None
        Where to cut it next; None where nothing is left to cut.
    idle : mapping of (kind, number) to int
        How often each variable was cut since a cut last gained, on the way from the root.
    sums : triple of arrays, or None
        Sums of the first layers over the part, where they are known.
    """

    part: Subdomains
    bound: float
    v: Floats
    split: Split | None
    sums: Sums | None
    idle: Idle = field(default_factory=dict[tuple[str, int], int])

    def after(self, bound: float, target: float, gain: float) -> Idle:
        """What is idle in a half with such a bound: what gained less than such a share of the way to the target."""
        if self.split is None or self.bound - bound >= gain * (self.bound - target):
            return {}
        return {**self.idle, self.split.variable: self.idle.get(self.split.variable, 0) + 1}


def turns(idle: Idle, count: int, kind: str, kept: float) -> Floats:
    """The shares of their worth that nodes or inputs keep: those that were cut in vain this one each time.

    What a cut may gain is seen from what the relaxation mixes. That may lie in a part of the gap which other cuts must close
    first: then a cut gains nothing, however often it is repeated, and others must get their turn.
    """
    found = np.ones(count)
    for (which, number), times in idle.items():
        if which == kind:
            found[number] = kept**times
    return found
