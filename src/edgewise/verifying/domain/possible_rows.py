"""Rows that can be: numbers within the training range, whole where the column is, and words that the model knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.data.encoding_columns import NumberColumn
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Cell, Domain, Group, Interval
from edgewise.verifying.domain.raw_values import shown

Value = Callable[[Floats], Floats]

# Values of a column of numbers that are tried at once; all of them where there are no more.
VALUES = 65
# Steps from a number to others, as shares of its range; of whole numbers in ones as well.
_NEAR = tuple(2.0**-k for k in range(2, 34))
_WHOLE = (1, 2, 4, 8)
_ROUNDS = 60
# Share of an input by which a cell of a transformed column may be wider than the numbers asked for.
_BENT = 16 * np.finfo(np.float64).eps
# Units of work for each number of a row that is looked at.
_NUMBER = 1e-7


@dataclass(frozen=True, eq=False)
class Possible:
    """The rows of a domain that can be.

    Parameters
    ----------
    columns : Columns
    domain : Domain
        Where it lies beyond the training range altogether, it is taken as it is: that was asked for.
    """

    columns: Columns
    domain: Domain

    @cached_property
    def near(self) -> Domain:
        """What of the domain lies within the training range, and within the numbers asked for to the last digit."""
        return self._trimmed(self.columns.familiar(self.domain))

    @cached_property
    def asked(self) -> Domain:
        """The domain within the numbers asked for to the last digit."""
        return self._trimmed(self.domain)

    def _trimmed(self, domain: Domain) -> Domain:
        return replace(domain, groups=tuple(self._inside(group) for group in domain.groups))

    def _inside(self, group: Group) -> Group:
        """A group without the last few floats at both ends of a transformed column, which others but whole numbers keep."""
        if group.name not in self.columns.names:  # several columns together, which are words
            return group
        column = self.columns.number_column(self.columns.names.index(group.name))
        if column is None or column.transform != "asinh" or column.whole:
            return group
        cells = list[Cell]()
        for (low, high), *flags in group.cells:
            room = _BENT * max(abs(low), abs(high))
            inside = (low + room, high - room) if high - low > 2 * room else (low, high)
            cells.append((inside, *flags))
        return replace(group, cells=tuple(cells))

    def listed(self, without: int | None) -> Domain:
        """The same, with a cell for each whole number where these are few, but not in group `without`."""
        groups = tuple(
            group if g == without or group.inputs not in self.columns.inputs else self._listed(g, group)
            for g, group in enumerate(self.near.groups)
        )
        return replace(self.near, groups=groups)

    def _listed(self, g: int, group: Group) -> Group:
        cells = list[Cell]()
        for first, *flags in group.cells:
            values = None if first[0] == first[1] else self.all_whole(g, first, VALUES)
            if values is None or not len(values):
                cells.append((first, *flags))
            else:
                cells += [((value, value), *flags) for value in values.tolist()]
        return group.of((cell, "") for cell in cells) if len(cells) > len(group.cells) else group

    def whole(self, g: int) -> NumberColumn | None:
        """The column of a group, where it holds whole numbers."""
        column = self.columns.number_column(g)
        return column if column is not None and column.whole else None

    def nearest(self, rows: Floats) -> Floats:
        """The possible rows next to some rows, column by column, (n, inputs)."""
        out = rows.copy()
        for g, group in enumerate(self.near.groups):
            mine = list(group.inputs)
            out[:, mine], ends = _clipped(group, rows[:, mine])
            column = self.whole(g)
            if column is not None:
                out[:, mine[0]] = _rounded(column, out[:, mine[0]], ends)
        return out

    def within(self, rows: Floats) -> Floats:
        """The rows next to some rows that are within the numbers asked for to the last digit."""
        out = rows.copy()
        for group in self.asked.groups:
            mine = list(group.inputs)
            out[:, mine] = _clipped(group, rows[:, mine])[0]
        return out

    def values(self, g: int, cell: Interval) -> Floats:
        """Values of a number's input within a cell: all whole ones if these are few, else some that are short to write."""
        (low, high), back = cell, self.columns.number_column(g)
        if low == high:
            return np.array([low])
        raw = np.array([low, high]) if back is None else back.decode(np.array([low, high]))
        span = raw[1] - raw[0]
        if back is not None and back.whole:
            first, last = np.ceil(raw[0] - 1e-9 * abs(raw[0])), np.floor(raw[1] + 1e-9 * abs(raw[1]))
            numbers = np.unique(np.round(np.linspace(first, last, int(min(VALUES, last - first + 1)))))
        else:
            # Evenly on the scale that the model reads, since a long tail is empty there.
            numbers = np.linspace(low, high, VALUES)
            numbers = numbers if back is None else back.decode(numbers)
            if np.isfinite(span) and span > 0:
                numbers = np.round(numbers, int(np.clip(np.ceil(-np.log10(span)) + 2, -300, 300)))
        made = numbers if back is None else back.transformed(numbers)
        made = np.unique(made[(made >= low) & (made <= high)])
        return made if len(made) else np.array([low, high])

    def all_whole(self, g: int, cell: Interval, most: int) -> Floats | None:
        """All values of a column of whole numbers within a cell; None of other columns, and where there are too many."""
        column = self.whole(g)
        if column is None:
            return None
        low, high = column.decode(np.array(cell))
        first, last = np.ceil(low - 1e-9 * abs(low)), np.floor(high + 1e-9 * abs(high))
        if not 1 <= last - first + 1 <= most:
            return None
        made = column.transformed(np.arange(first, last + 1))
        return made[(made >= cell[0]) & (made <= cell[1])]

    def neighbours(self, x: Floats, without: int | None) -> Floats:
        """Possible rows that differ from one in one column, but not in that of group `without`."""
        made = list[Floats]()
        for g, group in enumerate(self.near.groups):
            if g == without:
                continue
            mine = list(group.inputs)
            for cell in group.cells:
                first = self.values(g, cell[0])
                here = all(low <= x[i] <= high for i, (low, high) in zip(mine, cell, strict=True))
                if here and len(first) > 1:
                    first = np.concatenate([first, self.steps(g, float(x[mine[0]]), cell[0])])
                rows = np.repeat(x[None], len(first), axis=0)
                for i, (low, _) in zip(mine, cell, strict=True):
                    rows[:, i] = low
                rows[:, mine[0]] = first
                made.append(rows[(rows != x).any(1)])
        return np.concatenate(made) if made else np.zeros((0, len(x)))

    def climbed(
        self, x: Floats, value: Value, *, enough: float, without: int | None = None
    ) -> tuple[Floats, float]:
        """Change one column at a time for the best, until that is enough or nothing helps."""
        best = float(value(x[None])[0])
        for _ in range(_ROUNDS):
            if best >= enough:
                break
            tries = self.neighbours(x, without)
            if not len(tries):
                break
            charge(_NUMBER * tries.size)
            found = value(tries)
            k = int(np.argmax(found))
            # As a share of what is left: a claim may be broken by hardly anything, by numbers of any size.
            if found[k] <= best + 1e-12 * abs(best):
                break
            x, best = tries[k], float(found[k])
        return x, best

    def unlike(self, rows: Iterable[Floats]) -> tuple[str, ...]:
        """What of some rows cannot be, in words."""
        reasons = dict[str, None]()
        for x in rows:
            for g, group in enumerate(self.domain.groups):
                column = self.columns.number_column(g)
                values, name = [float(x[i]) for i in group.inputs], self.columns.names[g]
                number = self.columns.raw(g, values)
                if column is None or number is None:
                    continue
                at = values[0]
                if not column.low <= at <= column.high and at != column.fill:
                    low, high = (shown(self.columns.raw(g, (end, 0.0))) for end in (column.low, column.high))
                    reasons[f"{name} {shown(number)} lies beyond {low} to {high}"] = None
                elif column.whole and isinstance(number, float) and not number.is_integer():
                    reasons[f"{name} {shown(number)} is not whole"] = None
        return tuple(reasons)

    def steps(self, g: int, at: float, cell: Interval) -> Floats:
        """Possible values of a number's input near and far from one of them, within a cell."""
        low, high = cell
        sizes = np.array([sign * share for share in _NEAR for sign in (1, -1)])
        column = self.whole(g)
        if column is None:
            return np.clip(at + sizes * (high - low), min(low, at), max(high, at))
        number = np.round(column.decode(np.array([at])))
        span = float(np.ptp(column.decode(np.array(cell))))
        steps = np.round(np.concatenate([sizes * span, [sign * step for step in _WHOLE for sign in (1, -1)]]))
        made = column.transformed(number + np.unique(steps))
        return made[(made >= low) & (made <= high)]


def _clipped(group: Group, values: Floats) -> tuple[Floats, Floats]:
    """Values of a group (n, inputs) clipped to the nearest of its cells, and the ends of this for the first input (n, 2)."""
    ends = np.array(group.cells)  # (cells, inputs, 2)
    clipped = np.clip(values[:, None], ends[:, :, 0], ends[:, :, 1])
    best = np.abs(clipped - values[:, None]).sum(2).argmin(1)
    return clipped[np.arange(len(values)), best], ends[best, 0]


def _rounded(column: NumberColumn, values: Floats, cells: Floats) -> Floats:
    """Values of whole numbers next to others, within their cells (n, 2) where there is one; else as they are."""
    number = column.decode(values)
    out, done = values.copy(), cells[:, 0] >= cells[:, 1]
    for tried in (np.round(number), np.floor(number), np.ceil(number)):
        made = column.transformed(tried)
        fits = ~done & (made >= cells[:, 0]) & (made <= cells[:, 1])
        out[fits] = made[fits]
        done |= fits
    return out
