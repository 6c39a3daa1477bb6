"""Which rows lie where the model has learned nothing: columns outside the range of training, words it has never seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import plural
from edgewise._core.plain import lines_of
from edgewise.data.encoding_columns import LevelColumn, NumberColumn
from edgewise.explaining.columns import Cell, Column, columns_of, number_text, read_rows
from edgewise.network.fitted import Fitted, fitted

# Rounding, in widths of the range.
_SLACK = 1e-9


@dataclass(frozen=True)
class Beyond:
    """One cell that training has not prepared the model for.

    Attributes
    ----------
    row : int
    column : str
    kind : "below", "above", "between", "unseen" or "missing"
        Outside the range; neither of the two values a column knows; a word not seen; a gap in a column without gaps.
    value : float, str or None
    low, high : float or None
        The range of training, in raw units.
    distance : float
        How far beyond the range, in raw units; zero for words and gaps.
    widths : float
        The same in widths of the range.
    text : str
    """

    row: int
    column: str
    kind: str
    value: Cell
    low: float | None
    high: float | None
    distance: float
    widths: float
    text: str


@dataclass(frozen=True, eq=False)
class OutOfRange:
    """What `out_of_range` found.

    Attributes
    ----------
    rows : int
        How many rows were looked at.
    found : tuple of Beyond
        By row, then by column.
    """

    rows: int
    found: tuple[Beyond, ...]

    @property
    def flags(self) -> NDArray[np.bool_]:
        """For each row whether there is anything, shape (n,)."""
        flags = np.zeros(self.rows, dtype=bool)
        flags[[one.row for one in self.found]] = True
        return flags

    def of(self, row: int) -> tuple[Beyond, ...]:
        """What there is in one row."""
        return tuple(one for one in self.found if one.row == row)

    def __iter__(self) -> Iterator[Beyond]:
        return iter(self.found)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {
            "rows": self.rows,
            "flagged": int(self.flags.sum()),
            "found": [asdict(one) for one in self.found],
        }

    def __str__(self) -> str:
        count = int(self.flags.sum())
        if not count:
            return f"All of {plural(self.rows, 'row')} lie within the range of training."
        head = f"{count} of {plural(self.rows, 'row')} lie outside the range of training:"
        lines = [f"  row {one.row}: {one.text}" for one in self.found[:20]]
        more = [f"  ... and {len(self.found) - 20} more"] if len(self.found) > 20 else []
        return lines_of([head, *lines, *more])


def out_of_range(model: Any, X: Any) -> OutOfRange:
    """Find the cells of a table that lie where the model has not learned.

    A fitted model takes a number far beyond its training range for one near the end of it, a plain network goes on straight;
    nothing vouches for either.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
        Of a plain network the range is that of its grids.
    X : table with the model's columns

    Returns
    -------
    OutOfRange

    Raises
    ------
    InputError
        If the model is not fitted or the table lacks a column.

    Examples
    --------
    >>> import edgewise as ew
    >>> net = ew.edits.scale_to_data(ew.KAN([1, 1], seed=0), [[0.0], [10.0]], [0.0, 1.0]).network
    >>> print(out_of_range(net, [[5.0], [12.0]]))
    1 of 2 rows lie outside the range of training:
      row 1: x1 is 12, which is 2 above the highest value of training, 10
    """
    seen = fitted(model)
    table = read_rows(seen, X)
    found: list[Beyond] = []
    for column in columns_of(seen):
        cells = table.raw.columns[column.place].cells()
        if isinstance(column.encoded, LevelColumn):
            found += _words(column, column.encoded, cells)
        else:
            found += _numbers(column, seen, cells)
    order = sorted(found, key=lambda one: one.row)
    return OutOfRange(len(table), tuple(order))


def _words(column: Column, levels: LevelColumn, cells: list[Cell]) -> Iterator[Beyond]:
    known = {*levels.levels, *levels.pooled}
    for row, cell in enumerate(cells):
        if cell is None:
            if not levels.gap:
                yield _gap(row, column)
            continue
        word = cell if isinstance(cell, str) else number_text(cell)
        if word not in known and str(cell) not in known:
            text = f"{column.name} is {word}, which training has not seen (or too rarely to judge)"
            yield Beyond(row, column.name, "unseen", cell, None, None, 0.0, 0.0, text)


def _numbers(column: Column, model: Fitted, cells: list[Cell]) -> Iterator[Beyond]:
    low, high = _range(column, model)
    two = column.two_valued
    flagged = isinstance(column.encoded, NumberColumn) and column.encoded.flagged
    width = max(high - low, 1e-300)
    for row, cell in enumerate(cells):
        if cell is None:
            if not flagged:
                yield _gap(row, column)
            continue
        value = float(cell)
        if value in column.codes:
            continue
        distance = max(low - value, value - high, 0.0)
        if distance > _SLACK * width:
            kind, edge, end = ("below", "lowest", low) if value < low else ("above", "highest", high)
            unit = "days" if column.kind == "date" else column.unit
            beyond = f"{number_text(distance)} {unit}".rstrip()
            text = (
                f"{column.name} is {column.text(value)}, which is {beyond} {kind} the {edge} value of training, "
                f"{column.text(end)}"
            )
            yield Beyond(row, column.name, kind, value, low, high, distance, distance / width, text)
        elif two and min(value - low, high - value) > _SLACK * width:
            known = f"{column.text(low)} and {column.text(high)}"
            text = f"{column.name} is {column.text(value)}, where training knows only {known}"
            yield Beyond(row, column.name, "between", value, low, high, 0.0, 0.0, text)


def _gap(row: int, column: Column) -> Beyond:
    text = f"{column.name} is missing, and was never missing in training"
    return Beyond(row, column.name, "missing", None, None, None, 0.0, 0.0, text)


def _range(column: Column, model: Fitted) -> tuple[float, float]:
    """Range of training in raw units."""
    if isinstance(column.encoded, NumberColumn):
        ends = column.decode(np.array([column.encoded.low, column.encoded.high]))
        return float(ends.min()), float(ends.max())
    net, i = model.network, column.inputs[0]
    grid = (
        net.layers[0].domain[i].detach().to("cpu").double() * net.input_scale[i].cpu()
        + net.input_shift[i].cpu()
    )
    return float(grid.min()), float(grid.max())
