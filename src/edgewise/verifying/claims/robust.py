"""Near a row the decision is the row's, or the output stays near the row's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import as_table
from edgewise.forms.tree import quote
from edgewise.verifying.claims.decides import decision_task
from edgewise.verifying.claims.output_range import OutputRange
from edgewise.verifying.claims.property import Property, output_argument
from edgewise.verifying.claims.tasks import Task, numbers_of, output_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import number
from edgewise.verifying.domain.domain import Cell, Domain, Group
from edgewise.verifying.domain.raw_values import code_of, shown
from edgewise.verifying.results.witness import in_float64

# A share of the width of each training range, or how far some columns may move in their own units.
Radius = float | tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Robust(Property):
    """Near a row the decision is the row's, or the output stays near the row's; made by `robust`."""

    row: Any = field(repr=False)
    radius: Radius
    change: float | None = None
    output: Any = None

    def __str__(self) -> str:
        row = f"row {self.row}" if isinstance(self.row, int) else "a row"
        radius = (
            "{" + ", ".join(f"{quote(name)}: {number(size)}" for name, size in self.radius) + "}"
            if isinstance(self.radius, tuple)
            else number(self.radius)
        )
        change = "" if self.change is None else f", {number(self.change)}"
        return f"robust({row}, {radius}{change}{output_argument(self.output)})"

    @property
    def of_decision(self) -> bool:
        """Whether no change of an output is asked about."""
        return self.change is None

    @property
    def rows_in_words(self) -> str:
        """The rows near its row."""
        return f"every row near {f'row {self.row}' if isinstance(self.row, int) else 'it'}"

    def moved_nearby(self, columns: Columns) -> Sequence[str] | None:
        """Those of the radius, or all."""
        return [name for name, _ in self.radius] if isinstance(self.radius, tuple) else columns.names

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """The task of the row's decision or of a range around its output, on the rows near it."""
        table, k = self._place(columns, rows)
        x, view = columns.table(table)[k], columns.view
        domain = _ball(self.radius, columns, start.domain, x, lambda g: columns.numbers(table, g)[k])
        outputs = in_float64(view.network, x[None])
        if len(view.classes) >= 2 and self.change is None:
            return decision_task(int(view.decided(outputs)[0]), view, domain)
        if self.change is None:
            raise InputError(
                argument="change",
                expected="be how far the output may move, for this model decides nothing",
                got="None",
                advice="give change=",
            )
        o = output_of(view, self.output)
        y = float(view.answers(outputs)[0, o])
        nearby = OutputRange(y - self.change, y + self.change, o)
        return nearby.task(columns, replace(start, domain=domain), rows)

    def _place(self, columns: Columns, rows: Any) -> tuple[Any, int]:
        """A table and the place of the row in it."""
        if not isinstance(self.row, int):
            columns.encode(self.row)
            return as_table(self.row), 0
        if rows is None:
            raise InputError(
                argument="rows", expected=f"hold the table whose row {self.row} is asked about", got="none"
            )
        count = len(columns.table(rows))
        if self.row >= count:
            raise InputError(
                argument="row",
                expected=f"be one of 0 to {count - 1}",
                got=self.row,
                advice="rows are counted from 0",
            )
        return rows, self.row


def _ball(radius: Radius, columns: Columns, domain: Domain, x: Floats, raw: Callable[[int], float]) -> Domain:
    """The rows near one: its cells, numbers moved by at most the radius; `raw` gives what a group of numbers holds."""
    for name, _ in radius if isinstance(radius, tuple) else ():
        if not columns.is_numbers(numbers_of(columns, name)[0]):
            raise InputError(
                subject="The columns of the radius",
                expected="hold numbers of more than two values",
                got=short(name, 40),
                advice=f"ask never_flips({name})",
            )
    groups = list[Group]()
    for g, group in enumerate(domain.groups):
        at = [float(x[i]) for i in group.inputs]
        here = [
            c
            for c, cell in enumerate(group.cells)
            if all(lo <= v <= hi for v, (lo, hi) in zip(at, cell, strict=True))
        ]
        if not here:
            raise InputError(
                subject="The row of robust",
                expected="lie in the domain",
                got=(
                    f"{shown(columns.raw(g, at))} in {short(group.name, 40)}, which may be "
                    f"{columns.described(g, group)}"
                ),
            )
        low, high = group.cells[here[0]][0]
        if low < high:
            if isinstance(radius, tuple):
                ends = columns.around(g, at[0], dict(radius).get(group.name, 0.0))
            else:
                reach = radius * columns.span(g)
                ends = at[0] - reach, at[0] + reach
            low, high = max(low, ends[0]), min(high, ends[1])
        else:
            low = high = at[0]
        cell = ((low, high), *((v, v) for v in at[1:]))
        kept = [(cell, group.labels[here[0]])]
        column = columns.number_column(g)
        if column is not None and column.codes:
            kept += _beside_codes(radius, columns, g, group, raw(g))
        groups.append(group.of(kept))
    return Domain(tuple(groups))


def _beside_codes(
    radius: Radius, columns: Columns, g: int, group: Group, number: float
) -> list[tuple[Cell, str]]:
    """What lies within reach of a raw number beside its own cell: codes; of a code, numbers too."""
    column = columns.number_column(g)
    assert column is not None
    share = not isinstance(radius, tuple)
    size = dict(radius).get(group.name, 0.0) if isinstance(radius, tuple) else radius * columns.span(g)
    scale = column.transformed if share else np.asarray
    centre = float(scale(np.array([number]))[0])
    kept = list[tuple[Cell, str]]()
    for cell, label in group.labelled:
        code, (low, high) = code_of(column, cell), cell[0]
        if code is not None:
            apart = abs(float(scale(np.array([code]))[0]) - centre)
            kept += [(cell, label)] if code != number and apart <= size * (1 + 2.0**-50) else []
        elif size > 0 and number in column.codes and label != "missing":
            limits = columns.whole.groups[g].cells[0][0]
            ends = (
                (centre - size, centre + size) if share else columns.interval(g, number - size, number + size)
            )
            near = tuple(min(max(end, limits[0]), limits[1]) for end in ends)
            low, high = max(low, near[0]), min(high, near[1])
            kept += [(((low, high), *cell[1:]), label)] if low <= high else []
    return kept
