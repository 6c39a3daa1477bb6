"""A domain as arrays: cells of groups, the intervals and points they are made of, and parts of the domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.verifying.domain.domain import Domain


@dataclass(frozen=True, eq=False)
class CellSpace:
    """The cells of all groups in a row, and the *slots*: inputs of cells that range over an interval.

    Attributes
    ----------
    domain : Domain
    inputs : int
    cell_group : array of shape (cells,)
    first : array of shape (groups,)
        First cell of each group.
    table : array of shape (groups, most cells)
        Cells of each group, padded with the number of cells.
    centre : array of shape (cells, inputs)
        Points of the cells (the middle of intervals), 0 at inputs of other groups.
    low, high : arrays of shape (cells, inputs)
        Intervals of the cells; 0 at inputs of other groups.
    slot_cell, slot_input : arrays of shape (slots,)
    input_group : array of shape (inputs,)
    shift, scale : arrays of shape (inputs,)
        Bounds are found in *units* (x - shift) / scale, those of a network: far from zero, numbers of a column are
        too coarse to hold the breaks of its functions.
    """

    domain: Domain
    inputs: int
    cell_group: Ints
    first: Ints
    table: Ints
    centre: Floats
    low: Floats
    high: Floats
    slot_cell: Ints
    slot_input: Ints
    input_group: Ints
    shift: Floats
    scale: Floats

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.cell_group)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.first)

    def cells_of(self, group: int, alive: Bools) -> list[int]:
        """The cells of a group, those that are left."""
        return [int(c) for c in self.table[group] if c < self.cells and alive[c]]

    def owns(self) -> Bools:
        """Which inputs a cell fixes, (cells, inputs)."""
        return self.input_group[None] == self.cell_group[:, None]

    def points(self) -> Bools:
        """Which inputs a cell fixes to a point, (cells, inputs)."""
        return self.owns() & (self.low == self.high)

    def to_units(self, x: Floats, inputs: Ints | None = None, side: int = 0) -> Floats:
        """Numbers of the inputs (all, or those named) in units: nearest, or certainly not above (-1) or below (1) the true.

        Numbers and shifts are floats, so that their difference and the quotient have relative errors of half a unit in
        the last place each, however far from zero they lie.
        """
        every = slice(None) if inputs is None else inputs
        shift, scale = self.shift[every], self.scale[every]
        t = (x - shift) / scale
        rounded = (shift != 0) | (scale != 1)
        return t + side * 2 * np.spacing(np.abs(t)) * rounded if side else t

    def from_units(self, t: Floats, inputs: Ints | None = None) -> Floats:
        """The numbers nearest to some units."""
        every = slice(None) if inputs is None else inputs
        return self.shift[every] + self.scale[every] * t


def make_space(
    domain: Domain, inputs: int, shift: Floats | None = None, scale: Floats | None = None
) -> CellSpace:
    """Arrays of a domain, and of the units that it is looked at in; its own without.

    Raises
    ------
    InputError
        If an input is in no group or in two, or an interval is empty or not finite.
    """
    owner = np.full(inputs, -1)
    cell_group: list[int] = []
    first: list[int] = []
    for g, group in enumerate(domain.groups):
        first.append(len(cell_group))
        for i in group.inputs:
            if not 0 <= i < inputs or owner[i] >= 0:
                raise InputError(
                    argument="domain",
                    expected=f"name each of the {inputs} inputs of the network in one group",
                    got=f"input {i} {('twice' if 0 <= i < inputs else '')} in {group.name!r}",
                )
            owner[i] = g
        if not group.cells:
            raise InputError(
                subject="Each group of a 'domain'",
                expected="have a cell",
                got=f"{short(group.name)} without any",
            )
        cell_group += [g] * len(group.cells)
    if (owner < 0).any():
        raise InputError(
            argument="domain",
            expected=f"name each of the {inputs} inputs of the network in one group",
            got=f"none for input {int(np.argmax(owner < 0))}",
        )
    low, high = np.zeros((len(cell_group), inputs)), np.zeros((len(cell_group), inputs))
    at = 0
    for group in domain.groups:
        where = list(group.inputs)
        for cell in group.cells:
            if len(cell) != len(where):
                raise InputError(
                    subject=f"Each cell of group {group.name!r}",
                    expected=f"have one interval for each of its {len(where)} inputs",
                    got=len(cell),
                )
            low[at, where], high[at, where] = np.asarray(cell, dtype=np.float64).reshape(-1, 2).T
            at += 1
    bad = ~(np.isfinite(low) & np.isfinite(high) & (low <= high))
    if bad.any():
        c, i = (int(k[0]) for k in np.nonzero(bad))
        raise InputError(
            subject="The intervals of a 'domain'",
            expected="be finite with low <= high",
            got=f"[{low[c, i]}, {high[c, i]}] for input {i}",
        )
    most = max(len(group.cells) for group in domain.groups)
    table = np.full((len(domain.groups), most), len(cell_group))
    for g, group in enumerate(domain.groups):
        table[g, : len(group.cells)] = first[g] + np.arange(len(group.cells))
    slots = np.nonzero(low < high)
    return CellSpace(
        domain,
        inputs,
        np.array(cell_group),
        np.array(first),
        table,
        0.5 * (low + high),
        low,
        high,
        slots[0],
        slots[1],
        owner,
        np.zeros(inputs) if shift is None else shift,
        np.ones(inputs) if scale is None else scale,
    )


@dataclass(frozen=True, eq=False)
class Subdomains:
    """Parts of a domain, B of them: what splits have left of inputs, cells and hidden nodes.

    Attributes
    ----------
    low, high : arrays of shape (B, inputs)
        Limits of inputs.
    cells : array of bool, shape (B, cells)
    node_low, node_high : arrays of shape (B, nodes)
        Limits of hidden nodes.
    """

    low: Floats
    high: Floats
    cells: Bools
    node_low: Floats
    node_high: Floats


def whole(space: CellSpace, nodes: int) -> Subdomains:
    """The whole domain as the one part."""
    return Subdomains(
        np.full((1, space.inputs), -np.inf),
        np.full((1, space.inputs), np.inf),
        np.ones((1, space.cells), bool),
        np.full((1, nodes), -np.inf),
        np.full((1, nodes), np.inf),
    )


def stack(parts: list[Subdomains]) -> Subdomains:
    """Parts one after the other."""
    return Subdomains(
        np.concatenate([part.low for part in parts]),
        np.concatenate([part.high for part in parts]),
        np.concatenate([part.cells for part in parts]),
        np.concatenate([part.node_low for part in parts]),
        np.concatenate([part.node_high for part in parts]),
    )


def living(space: CellSpace, part: Subdomains) -> Bools:
    """Cells that a part has left, (B, cells): a split of an input cuts the intervals and points of all cells."""
    mine = space.owns()[None]
    cut = mine & ((space.low[None] > part.high[:, None]) | (space.high[None] < part.low[:, None]))
    return part.cells & ~cut.any(-1)


def slots(space: CellSpace, part: Subdomains) -> tuple[Floats, Floats]:
    """Intervals of the slots in each part, (B, slots) each; those of cells that are gone may be points."""
    c, i = space.slot_cell, space.slot_input
    low = np.maximum(space.low[c, i][None], part.low[:, i])
    high = np.minimum(space.high[c, i][None], part.high[:, i])
    return low, np.maximum(high, low)


def unit_slots(space: CellSpace, part: Subdomains) -> tuple[Floats, Floats]:
    """The same in units, rounded outward."""
    low, high = slots(space, part)
    return space.to_units(low, space.slot_input, -1), space.to_units(high, space.slot_input, 1)


def divisible(space: CellSpace, slot: int, low: float, high: float, least: float = 1e-6) -> bool:
    """Whether an interval of a slot is wide enough, beside the numbers in it, to gain from a cut."""
    i = space.slot_input[slot]
    inside = low < 0.5 * low + 0.5 * high < high
    return bool(inside and high - low > least * (space.scale[i] + min(abs(high), abs(high - space.shift[i]))))


def draw(space: CellSpace, count: int, part: Subdomains, rng: np.random.Generator) -> Floats:
    """Random rows of the domain, whatever the budget."""
    alive = living(space, part)[0]
    x = np.zeros((count, space.inputs))
    for g in range(space.groups):
        mine = space.input_group == g
        cells = np.array(space.cells_of(g, alive))
        if len(cells):
            chosen = rng.choice(cells, count)
            low, high = space.low[chosen][:, mine], space.high[chosen][:, mine]
            share = rng.uniform(size=low.shape)
            # Maxima are often at ends.
            share = np.where(rng.uniform(size=low.shape) < 0.3, share.round(), share)
            x[:, mine] = np.clip(low + (high - low) * share, low, high)
    return x
