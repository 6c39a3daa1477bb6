"""Rows that belong to groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints

# A group must have so many rows to be searched; the others judge what is found.
FEWEST_ROWS = 8

# Rows of a group that thinning leaves.
_FEWEST = 20


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """Rows with the number of each one's group."""

    columns: tuple[str, ...]
    X: Floats
    y: Floats
    group: Ints
    count: int

    @cached_property
    def own_price(self) -> float:
        """What a constant of each group's own costs: the log of the group's rows, which alone tell of it, of all groups."""
        return float(np.log(np.maximum(self.sizes, 1)).sum())

    @cached_property
    def sizes(self) -> Ints:
        """How many rows each group has."""
        return np.bincount(self.group, minlength=self.count)

    @cached_property
    def places(self) -> list[Ints]:
        """The numbers of each group's rows."""
        return np.split(np.argsort(self.group, kind="stable"), np.cumsum(self.sizes)[:-1])

    @cached_property
    def batches(self) -> list[tuple[Ints, Ints, Bools]]:
        """Groups of sizes within a factor of two, the numbers of their rows (groups, most), and which of these there are."""
        order, found = np.argsort(-self.sizes, kind="stable"), list[tuple[Ints, Ints, Bools]]()
        while len(order):
            most = int(self.sizes[order[0]])
            chosen = order[2 * self.sizes[order] >= most]
            there = np.arange(most) < self.sizes[chosen][:, None]
            places = np.zeros(there.shape, dtype=np.intp)
            for row, at in enumerate(chosen):
                places[row, : self.sizes[at]] = self.places[at]
            found.append((chosen, places, there))
            order = order[len(chosen) :]
        return found

    def thinned(self, most: int) -> GroupedRows:
        """About so many rows at most, evenly of all that each group has, but `_FEWEST` of each group."""
        if len(self.y) <= most:
            return self
        share = most / len(self.y)
        kept = [
            there[
                np.linspace(0, len(there) - 1, max(min(len(there), _FEWEST), int(share * len(there)))).astype(
                    int
                )
            ]
            for there in self.places
        ]
        chosen = np.sort(np.concatenate(kept))
        return GroupedRows(self.columns, self.X[chosen], self.y[chosen], self.group[chosen], self.count)

    def of(self, group: int) -> tuple[Floats, Floats]:
        """The rows of one group."""
        there = self.places[group]
        return self.X[there], self.y[there]
