"""What a condition leaves of the values that a column can have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import EncodedColumn, LevelColumn, NumberColumn
from edgewise.verifying.domain.domain import Group, Interval
from edgewise.verifying.domain.raw_values import Cell, code_of, codes_of
from edgewise.verifying.language.conditions import Between, Condition, Missing, OneOf


class RawNumbers(Protocol):
    """What is known of columns here: their encodings, and raw values as numbers."""

    def encoded(self, group: int) -> EncodedColumn | None:
        """How a column becomes inputs; None where it is read as it is."""
        ...

    def number(self, g: int, value: Any, default: float = ...) -> float:
        """The raw number of a value; the default of None."""
        ...

    def interval(self, g: int, low: Any, high: Any) -> Interval:
        """A range of raw numbers as the inputs they become."""
        ...


def widen(columns: RawNumbers, g: int, group: Group, conditions: Sequence[Condition]) -> Group:
    """An input of a plain network as far as conditions go: beyond its grid edges go on as straight lines.

    Where they leave a side open, the grid ends it.
    """
    lows, highs = list[float](), list[float]()
    for each in conditions:
        if each.column == group.name and not isinstance(each, Missing):
            ends = (
                (each.low, each.high) if isinstance(each, Between) else (min(each.values), max(each.values))
            )
            lows += [] if ends[0] is None else [columns.number(g, ends[0])]
            highs += [] if ends[1] is None else [columns.number(g, ends[1])]
    ((low, high),) = group.cells[0]
    low, high = max(lows, default=low), min(highs, default=high)
    return replace(group, cells=(((low, high),),)) if low <= high else group


def narrow(columns: RawNumbers, g: int, group: Group, condition: Condition) -> Group:
    """The cells of a group that a condition leaves, each as far as it does."""
    kept = list[tuple[Cell, str]]()
    for cell, label in zip(group.cells, group.labels, strict=True):
        found = _cut(columns, g, cell, label, condition)
        if found is not None:
            kept.append((found, label))
    return Group(group.name, group.inputs, tuple(c for c, _ in kept), tuple(text for _, text in kept))


def _cut(columns: RawNumbers, g: int, cell: Cell, label: str, condition: Condition) -> Cell | None:
    """What a condition leaves of one cell."""
    column = columns.encoded(g)
    if isinstance(column, LevelColumn):
        if isinstance(condition, Between):
            raise InputError(
                subject=f"Column {short(condition.column, 40)}",
                expected="be narrowed by its words",
                got=f"the range {str(condition)!r}",
                advice=f"list words, as in {condition.column} in {{{', '.join(column.levels[:2])}}}",
            )
        if isinstance(condition, Missing):
            # Without a code of their own, missing cells share one with words, which are not missing.
            here = cell[0][0] == column.missing
            return cell if (here if condition.missing else not (here and column.gap)) else None
        return cell if cell[0][0] in codes_of(column, condition) else None
    missing, code = label == "missing", code_of(column, cell)
    if isinstance(condition, Missing):
        if column is None and condition.missing:
            return None
        return cell if missing == condition.missing else None
    if missing:
        return None
    if code is not None:
        return cell if _holds(columns, g, condition, code) else None
    ends = (
        [(condition.low, condition.high)]
        if isinstance(condition, Between)
        else [(v, v) for v in condition.values]
    )
    if isinstance(column, NumberColumn) and isinstance(condition, OneOf):
        # What is a code is not among the ordinary numbers.
        ends = [pair for pair in ends if columns.number(g, pair[0]) not in column.codes]
    pieces = [columns.interval(g, low, high) for low, high in ends]
    pieces = [(max(low, cell[0][0]), min(high, cell[0][1])) for low, high in pieces]
    pieces = [(low, high) for low, high in pieces if low <= high]
    if not pieces:
        return None
    if len(pieces) > 1 and cell[0][0] < cell[0][1]:
        raise InputError(
            subject=f"Column {short(condition.column, 40)}",
            expected="be narrowed to one range or one number",
            got=f"{len(pieces)} numbers",
            advice="ask once for each",
        )
    return (pieces[0] if cell[0][0] < cell[0][1] else cell[0], *cell[1:])


def _holds(columns: RawNumbers, g: int, condition: Between | OneOf, number: float) -> bool:
    """Whether a raw number meets a condition."""
    if isinstance(condition, OneOf):
        return any(columns.number(g, value) == number for value in condition.values)
    return (
        columns.number(g, condition.low, -math.inf) <= number <= columns.number(g, condition.high, math.inf)
    )
