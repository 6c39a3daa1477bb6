"""Domains: the rows a proof is about, as a product of groups of inputs.

A group takes one of its *cells*; a cell gives every input of the group an interval. A column of numbers is a group of one
cell, a column of words one of as many points as it has codes, and a column of numbers with a flag for missing cells has two
cells: any number with the flag down, or the fill value with the flag up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

Interval = tuple[float, float]
Cell = tuple[Interval, ...]


@dataclass(frozen=True)
class Group:
    """Inputs that take their values together.

    Parameters
    ----------
    name : str
        The raw column they come from.
    inputs : tuple of int
        Places among the inputs of the network.
    cells : tuple of tuple of (low, high)
        One interval an input; a point where low equals high. The group's values are the union of its cells.
    labels : tuple of str
        What each cell means, in words.
    """

    name: str
    inputs: tuple[int, ...]
    cells: tuple[Cell, ...]
    labels: tuple[str, ...] = ()

    @property
    def points(self) -> tuple[int, ...]:
        """The cells that are single points."""
        return tuple(c for c, cell in enumerate(self.cells) if all(low == high for low, high in cell))

    @property
    def labelled(self) -> tuple[tuple[Cell, str], ...]:
        """The cells with their labels."""
        return tuple(zip(self.cells, self.labels, strict=True))

    def of(self, labelled: Iterable[tuple[Cell, str]]) -> Group:
        """The group with other cells and their labels."""
        pairs = list(labelled)
        return replace(self, cells=tuple(c for c, _ in pairs), labels=tuple(label for _, label in pairs))


@dataclass(frozen=True)
class ChangeCost:
    """A row pays `rate * |x_input - at|`."""

    input: int
    at: float
    rate: float


@dataclass(frozen=True)
class CellCost:
    """A row pays `cost` for being in a cell of a group."""

    group: int
    cell: int
    cost: float


@dataclass(frozen=True)
class Budget:
    """Only rows that pay at most `limit` in all count."""

    limit: float
    costs: tuple[ChangeCost, ...] = ()
    cells: tuple[CellCost, ...] = ()


@dataclass(frozen=True)
class Domain:
    """All rows whose groups each lie in one of their cells, within the budget if there is one.

    Parameters
    ----------
    groups : tuple of Group
        Every input of the network belongs to exactly one.
    whole : bool
        Whether these are all rows that the model's encoding can give.
    budget : Budget, optional
    """

    groups: tuple[Group, ...]
    whole: bool = False
    budget: Budget | None = None


def place(domain: Domain, rows: Floats) -> NDArray[np.bool_]:
    """Which rows of inputs lie in a domain, its budget aside, (n,)."""
    inside = np.ones(len(rows), dtype=bool)
    for group in domain.groups:
        part = rows[:, list(group.inputs)]
        some = np.zeros(len(rows), dtype=bool)
        for cell in group.cells:
            low, high = np.array(cell).T
            some |= ((part >= low) & (part <= high)).all(1)
        inside &= some
    return inside


def drawn(domain: Domain, count: int, rng: np.random.Generator) -> Floats:
    """Rows drawn evenly from a domain, its budget aside, (count, inputs)."""
    width = sum(len(group.inputs) for group in domain.groups)
    rows = np.empty((count, width))
    for group in domain.groups:
        cells = np.array(group.cells)  # (cells, inputs, 2)
        chosen = cells[rng.integers(len(cells), size=count)]
        share = rng.random((count, len(group.inputs)))
        rows[:, list(group.inputs)] = chosen[:, :, 0] + share * (chosen[:, :, 1] - chosen[:, :, 0])
    return rows
