"""From the content of a page to the data of its live network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgewise.programs.program import LevelInput, NumberInput, Program, Unused, network_program, program_of
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings.edge_functions import EdgeView
from edgewise.report.drawings.panels import thumbnail_range
from edgewise.report.live.page_data import (
    AnswerInterval,
    Cell,
    EdgeMark,
    InputControl,
    LiveData,
    LiveFormula,
    LiveRow,
)
from edgewise.report.text.svg import few

Cells = tuple[Cell, ...]

# Rows that a reader may start from.
MOST_ROWS = 100


def live_data(content: ReportContent, views: Sequence[EdgeView]) -> LiveData | None:
    """What the page's script reads; None where there is no network, or where raw rows do not lead to its inputs.

    Parameters
    ----------
    content : ReportContent
    views : sequence of EdgeView
        Of the edges that are drawn.
    """
    net = content.network
    if net is None:
        return None
    program = content.program
    if program is None:
        if content.inputs:
            return None  # the network reads coded columns, and nothing states how
        program = program_of(net)
    rows = _rows(content, program) if content.rows else ()
    cells = [row.cells for row in rows]
    inputs = tuple(_control(content, program, k, [row[k] for row in cells]) for k in range(_count(program)))
    return LiveData(
        program,
        content.target,
        content.unit(content.target),
        inputs,
        _order(inputs, views),
        _typical(program, cells, content),
        rows,
        tuple(mark(view) for view in views),
        _interval(content, program),
        _formula(content, program),
    )


def _formula(content: ReportContent, program: Program) -> LiveFormula | None:
    """The formula, where the cells that the network reads are its columns, too."""
    found = content.formula
    if found is None:
        return None
    places = {column.name: k for k, column in enumerate(program.columns or program.inputs)}
    if any(str(symbol) not in places for symbol in found.sympy.free_symbols):
        return None
    return LiveFormula(program_of(found), tuple(places.get(name, -1) for name in found.names))


def _interval(content: ReportContent, program: Program) -> AnswerInterval | None:
    """How sure the answers are, by calibration rows, where there are."""
    sure = content.intervals
    if sure is None:
        return None
    share = 1.0 - sure.alpha
    if sure.scale is None:
        return AnswerInterval(share, sure.quantile)
    inputs, body = network_program(sure.scale)
    scale = replace(
        program, origin="a local scale", inputs=inputs, outputs=("scale",), body=body, classes=None
    )
    return AnswerInterval(share, sure.quantile, scale, sure.spread, *sure.scale_bounds)


def _count(program: Program) -> int:
    return len(program.columns) or len(program.inputs)


def _rows(content: ReportContent, program: Program) -> tuple[LiveRow, ...]:
    """Held-out rows in their own cells, with what is known of them."""
    if program.columns:
        cells = content.cells
        places = range(len(cells))
    else:
        X = content.columns(content.X_test, [variable.name for variable in program.inputs])
        places = few(len(X), MOST_ROWS).tolist()
        cells = tuple(tuple(float(v) for v in X[k]) for k in places)
    ways = content.ways or (None,) * len(cells)
    return tuple(
        LiveRow(
            f"held-out row {at + 1}",
            own,
            _truth(content, at),
            None if way is None else way.cells,
            "" if way is None else way.words,
        )
        for at, own, way in zip(content.cell_rows or places, cells, ways, strict=True)
    )


def _truth(content: ReportContent, at: int) -> float | str:
    value = float(content.y_test[at])
    return content.classes[int(value)] if content.classes else value


def _control(content: ReportContent, program: Program, k: int, cells: Sequence[Cell]) -> InputControl:
    if not program.columns:
        one = program.inputs[k]
        low, high = one.low, one.high
        values = content.columns(content.X, [one.name])[:, 0]
        if low is None or high is None:
            low, high = float(values.min()), float(values.max())
        whole = bool((values == values.round()).all()) and high > low
        return InputControl(
            one.name, content.unit(one.name), low, high, "whole" if whole else "number", (), False, (k,)
        )
    column = program.columns[k]
    start = sum(item.width for item in program.columns[:k])
    inputs, unit = tuple(range(start, start + column.width)), content.unit(column.name)
    if isinstance(column, LevelInput):
        return InputControl(column.name, unit, None, None, "choice", column.levels, True, inputs)
    if isinstance(column, Unused):
        return InputControl(column.name, unit, None, None, "unused", (), True, inputs)
    missing = column.flagged or any(cell is None for cell in cells)
    if column.kind == "bool":
        return InputControl(column.name, unit, 0.0, 1.0, "choice", ("no", "yes"), missing, inputs)
    numbers = [cell for cell in cells if isinstance(cell, float)]
    whole = all(value.is_integer() for value in numbers) and len(numbers) > 0
    kind = "date" if column.kind == "date" else "whole" if whole else "number"
    return InputControl(column.name, unit, column.first, column.last, kind, (), missing, inputs)


def _order(inputs: Sequence[InputControl], views: Sequence[EdgeView]) -> tuple[int, ...]:
    """The columns by their strongest edge."""
    strongest = [
        max((view.share for view in views if view.edge[0] == 0 and view.edge[1] in one.inputs), default=0.0)
        for one in inputs
    ]
    return tuple(sorted(range(len(inputs)), key=lambda k: -strongest[k]))


def _typical(program: Program, cells: Sequence[Cells], content: ReportContent) -> Cells:
    """The row whose columns are nearest to their medians, each by its spread; words count where they are rare."""
    if not cells:
        return tuple(_middle(program, k, content) for k in range(_count(program)))
    far = np.zeros(len(cells))
    for column in zip(*cells, strict=True):
        numbers = np.array([cell if isinstance(cell, float) else np.nan for cell in column])
        if np.isfinite(numbers).any():
            spread = np.nanpercentile(numbers, 75) - np.nanpercentile(numbers, 25)
            away = np.abs(numbers - np.nanmedian(numbers)) / (spread or 1.0)
            far += np.minimum(np.nan_to_num(away, nan=2.0), 5.0)
        else:
            counts = {cell: column.count(cell) for cell in column}
            far += np.array([1.0 - counts[cell] / len(column) for cell in column])
    return tuple(cells[int(far.argmin())])


def _middle(program: Program, k: int, content: ReportContent) -> Cell:
    """A cell in the middle of the training range."""
    if program.columns:
        column = program.columns[k]
        if isinstance(column, NumberInput):
            return 0.5 * (column.first + column.last)
        return column.levels[0] if isinstance(column, LevelInput) and column.levels else None
    return float(np.median(content.columns(content.X, [program.inputs[k].name])))


def mark(view: EdgeView) -> EdgeMark:
    """How the curve of an edge is drawn, as data."""
    low, high, bottom, top = thumbnail_range(view)
    return EdgeMark(*view.edge, view.before, low, high, bottom, top, view.mean, view.height, len(view.levels))
