"""Reason codes: contributions in words, with the column's own values and units.

A number is described by the stretch around it: how far it could go, all else as in the row, before its contribution would be
gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.explaining.columns import Cell, Column, number_text
from edgewise.explaining.subject import ExplainedModel, Output
from edgewise.explaining.terms import values_of

POINTS = 65
# A threshold may be rounded by this share of its distance to the row's value.
ROUNDING = 0.1


@dataclass(frozen=True)
class Reason:
    """One column's part in an answer.

    Attributes
    ----------
    column : str
    condition : str
        What holds of the row, as "income below 2,000".
    effect : float
        Its contribution, in units of the output.
    text : str
        The sentence.
    reference : str
        What the effect is counted from.
    """

    column: str
    condition: str
    effect: float
    text: str
    reference: str = "the mean"


def reasons_of(
    subject: ExplainedModel,
    output: Output,
    x: Floats,
    cells: list[Cell],
    effects: Floats,
    most: int,
) -> tuple[Reason, ...]:
    """The largest contributions of a row in words.

    Parameters
    ----------
    x : array of shape (inputs,)
    cells : list
        The row's cell in each column of the explanation.
    effects : array of shape (columns,)
    most : int
        How many at most.
    """
    top = [int(k) for k in np.argsort(-np.abs(effects), kind="stable")[:most] if effects[k] != 0]
    numbers = list[int]()
    for k in top:
        column = subject.columns[k]
        if (
            column.kind in ("number", "date")
            and not column.discrete
            and cells[k] not in (None, *column.codes)
        ):
            numbers.append(k)
    stretches = _stretches(subject, output, x, effects, numbers)
    reasons: list[Reason] = []
    for k in top:
        column, cell = subject.columns[k], cells[k]
        if k in stretches:
            condition = _stretch_words(column, cell, *stretches[k])
        elif cell is None:
            condition = f"{column.name} missing"
        else:
            condition = f"{column.name} = {column.text(cell)}"
        way = "raised" if effects[k] > 0 else "lowered"
        size = number_text(abs(float(effects[k])), 2)
        text = f"{condition} {way} {output.name} by {size} against the mean"
        reasons.append(Reason(column.name, condition, float(effects[k]), text))
    return tuple(reasons)


def _stretches(
    subject: ExplainedModel, output: Output, x: Floats, effects: Floats, columns: list[int]
) -> dict[int, tuple[float, float]]:
    """For each column the stretch of raw values, (-inf, inf) where open, on which its contribution keeps its sign."""
    if not columns:
        return {}
    grids = list[Floats]()
    for k in columns:
        own = subject.rows.inputs[:, subject.columns[k].inputs[0]]
        here = x[subject.columns[k].inputs[0]]
        low, high = min(float(own.min()), here), max(float(own.max()), here)
        grids.append(np.unique(np.concatenate([np.linspace(low, high, POINTS), [here]])))
    rows = np.repeat(x[None], sum(map(len, grids)), axis=0)
    start = 0
    for k, grid in zip(columns, grids, strict=True):
        rows[start : start + len(grid), subject.columns[k].inputs[0]] = grid
        start += len(grid)
    value = output.of(values_of(subject.network, rows))
    found: dict[int, tuple[float, float]] = {}
    start = 0
    for k, grid in zip(columns, grids, strict=True):
        own = value[start : start + len(grid)]
        start += len(grid)
        at = int(np.searchsorted(grid, x[subject.columns[k].inputs[0]]))
        # What is left of the contribution, in its own direction, along the column.
        left = np.sign(effects[k]) * (own - own[at] + effects[k])
        decode = subject.columns[k].decode
        below = _crossing(grid[at::-1], left[at::-1])
        above = _crossing(grid[at:], left[at:])
        found[k] = (
            -math.inf if below is None else float(decode(np.array([below]))[0]),
            math.inf if above is None else float(decode(np.array([above]))[0]),
        )
    return found


def _crossing(grid: Floats, left: Floats) -> float | None:
    """Where the rest of a contribution vanishes, going along the grid from its beginning."""
    gone = np.flatnonzero(left <= 0)
    if not len(gone) or gone[0] == 0:
        return None
    k = int(gone[0])
    share = left[k - 1] / (left[k - 1] - left[k])
    return float(grid[k - 1] + share * (grid[k] - grid[k - 1]))


def _stretch_words(column: Column, cell: Cell, low: float, high: float) -> str:
    here = float(cell) if isinstance(cell, (int, float)) else math.nan
    value = column.text(cell)
    floor = None if low == -math.inf or low >= here else column.text(_near(low, here))
    roof = None if high == math.inf or high <= here else column.text(_near(high, here))
    if floor is None and roof is None:
        return f"{column.name} = {value}"
    if floor is not None and roof is not None:
        return f"{column.name} between {floor} and {roof} ({value})"
    return (
        f"{column.name} below {roof} ({value})" if floor is None else f"{column.name} above {floor} ({value})"
    )


def _near(threshold: float, here: float) -> float:
    """A threshold with few digits, still on its side of the row's value."""
    gap = abs(threshold - here)
    if gap == 0 or not math.isfinite(gap):
        return threshold
    first = -math.floor(math.log10(max(abs(threshold), gap)))
    for places in range(first, first + 15):
        rounded = round(threshold, places)
        if abs(rounded - threshold) <= ROUNDING * gap:
            return rounded
    return threshold
