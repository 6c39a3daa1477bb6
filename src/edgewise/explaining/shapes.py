"""Shape functions: what one column does to the output, exactly where it acts alone, accumulated where others join in.

The effect of column j is its own term, f_j, which is exact, plus the accumulated local effect of the terms that it shares
with others (D. W. Apley and J. Zhu, "Visualizing the effects of predictor variables in black box supervised learning
models", 2020, doi:10.1111/rssb.12377),

    ALE_j(x) = integral from the least value to x of E[ df/dx_j | x_j = z ] dz.

Across a bin the integral of a row's exact derivative is the difference of two values of the network, so nothing but the mean
over the rows of the bin is estimated; its bootstrap over rows gives the band. Codes of levels take their steps one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.histograms import histogram
from edgewise._core.plain import fields
from edgewise._core.seeds import derive, numpy_generator
from edgewise.data.encoding_columns import LevelColumn, NumberColumn
from edgewise.explaining.columns import Column, number_text
from edgewise.explaining.subject import ExplainedModel, Output

POINTS, BINS, MOST_BINS = 129, 24, 40
# Rows that accumulated effects are averaged over, and that a bin holds at least.
ALE_ROWS, FEWEST_IN_BIN = 1000, 15
REPLICATES = 100


@dataclass(frozen=True)
class Mark:
    """What a cell can be instead of an ordinary number.

    Attributes
    ----------
    name : str
        "missing", or the code as it is written.
    effect : float
        Its effect on the output, on the scale of the curve.
    rows : int
        How many rows have it.
    """

    name: str
    effect: float
    rows: int


@dataclass(frozen=True, eq=False)
class Shape:
    """The effect of one column on the output, centred: its mean over the rows is zero.

    Attributes
    ----------
    column : str
    kind : "number", "bool", "date" or "levels"
    exact : bool
        Whether the column acts alone, so that the curve is a part of the network and not an average.
    x : array of shape (k,)
        Raw values (dates as days since 1970); for levels 0, 1, ...
    labels : tuple of str
        Names of the levels, or of the two values of a column that has two; empty for numbers.
    y : array of shape (k,)
        The effect, in units of the output.
    alone : array of shape (k,)
        The exact part: the column's own term, centred.
    low, high : array of shape (k,) or None
        95 % band of an accumulated effect, by a bootstrap over rows.
    edges, counts : array
        Histogram of the rows; for levels the count of each.
    marks : tuple of Mark
        The effects of what a cell can be instead of an ordinary number: missing, or one of the column's codes.
    words : str
        What the curve does.
    unit : str
    whole : bool
        Whether the rows hold whole numbers only.
    bend : (float, float) or None
        Centre and scale of an asinh axis on which the column is spread evenly.
    """

    column: str
    kind: str
    exact: bool
    x: Floats
    labels: tuple[str, ...]
    y: Floats
    alone: Floats
    low: Floats | None
    high: Floats | None
    edges: Floats
    counts: Floats
    marks: tuple[Mark, ...]
    words: str
    unit: str = ""
    whole: bool = False
    bend: tuple[float, float] | None = None

    @property
    def missing(self) -> float | None:
        """The effect of a missing cell, where the column has had some."""
        return next((mark.effect for mark in self.marks if mark.name == "missing"), None)

    @property
    def missing_rows(self) -> int:
        """How many rows have a missing cell."""
        return sum(mark.rows for mark in self.marks if mark.name == "missing")

    @property
    def besides(self) -> tuple[str, ...]:
        """What cells do that are no ordinary numbers, in words: missing ones, and the column's codes."""
        return tuple(
            f"{'where missing' if mark.name == 'missing' else f'code {mark.name}:'} {number_text(mark.effect, 3)}"
            for mark in self.marks
            if mark.rows
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers."""
        listed = {name: getattr(self, name) for name in ("x", "y", "alone", "low", "high", "edges", "counts")}
        return {
            **fields(self, "column", "kind", "exact", "unit", "labels"),
            **{name: None if value is None else value.tolist() for name, value in listed.items()},
            **fields(self, "missing", "missing_rows"),
            "codes": [asdict(mark) for mark in self.marks if mark.name != "missing"],
            "words": self.words,
        }


@dataclass(frozen=True, eq=False)
class Axis:
    """The values of a column at which functions of it are shown.

    Attributes
    ----------
    grid : array of shape (k,)
        Values of its first input, evenly spread; codes of levels.
    raw : array of shape (k,)
        The same in the table's own numbers; codes for levels.
    labels : tuple of str
        Names of the levels; empty for numbers.
    bend : (float, float) or None
        Centre and scale of the asinh that makes an input of a number, where one does.
    whole : bool
        Whether the rows hold whole numbers only.
    """

    grid: Floats
    raw: Floats
    labels: tuple[str, ...]
    bend: tuple[float, float] | None
    whole: bool


def axis_of(subject: ExplainedModel, k: int, points: int = POINTS) -> Axis:
    """The axis of column k over the range of its rows; `points` of numbers, all levels."""
    column = subject.columns[k]
    labels, whole = _labels(column), _whole(subject, column)
    if labels:
        grid = np.arange(len(labels), dtype=np.float64)
        raw = column.decode(grid) if isinstance(column.encoded, NumberColumn) else grid
        return Axis(grid, np.asarray(raw, dtype=np.float64), labels, None, whole)
    own, absent = subject.rows.inputs[:, column.inputs[0]], absent_of(column, subject.rows.inputs)
    present = own[~absent] if (~absent).any() else own
    low, high = float(present.min()), float(present.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    grid = np.linspace(low, high, points)
    encoded = column.encoded
    bend = None
    if isinstance(encoded, NumberColumn) and encoded.transform == "asinh":
        bend = (encoded.centre, encoded.scale)
    return Axis(grid, np.asarray(column.decode(grid), dtype=np.float64), (), bend, whole)


def shape_of(subject: ExplainedModel, k: int, output: Output, seed: int = 0) -> Shape:
    """The shape function of column k."""
    column, X = subject.columns[k], subject.rows.inputs
    own = X[:, column.inputs[0]]
    absent = absent_of(column, X)
    axis = axis_of(subject, k)
    labels, grid, raw = axis.labels, axis.grid, axis.raw
    alone_at = _alone(subject, k, output)
    alone = alone_at(grid)
    joint = [term for term in subject.terms.joint if k in term.columns]

    def together(inputs: Floats) -> Floats:
        return output.of(np.sum([term.values(inputs) for term in joint], axis=0))

    y, band, gaps = alone, None, dict[int, float]()
    if joint:
        some = subject.some(ALE_ROWS)
        curve, samples, gaps = accumulated(
            X[some], absent[some], column, grid, together, bool(labels), derive(seed, 6200 + k) or 0
        )
        y, band = alone + curve, alone + samples
    at_rows = np.interp(own, grid, y)
    if not joint:
        at_rows = alone_at(own)
    effects = list[float]()
    for mark in column.inputs[1:]:
        effect = float(_alone(subject, k, output, mark)(np.array([_fill(column)]))[0])
        if joint:
            effect += float(np.interp(_fill(column), grid, y - alone)) + gaps.get(mark, 0.0)
        effects.append(effect)
        at_rows = np.where(X[:, mark] > 0.5, effect, at_rows)
    mean = float(at_rows.mean())
    encoded = column.encoded
    names = encoded.marks if isinstance(encoded, NumberColumn) else ()
    marks = [
        Mark(name, effect - mean, int((X[:, mark] > 0.5).sum()))
        for name, effect, mark in zip(names, effects, column.inputs[1:], strict=True)
    ]
    counts, edges = _histogram(own[~absent], grid, labels)
    centred = y - mean
    low_high = (None, None) if band is None else _percentiles(band, own, grid)
    return Shape(
        column=column.name,
        kind=column.kind,
        exact=not joint,
        x=raw,
        labels=labels,
        y=centred,
        alone=alone - float(alone_at(own).mean()),
        low=low_high[0],
        high=low_high[1],
        edges=edges if labels else column.decode(edges),
        counts=counts,
        marks=tuple(marks),
        words=shape_words(column, raw, centred, labels, whole=axis.whole),
        unit=column.unit,
        whole=axis.whole,
        bend=axis.bend,
    )


def _alone(
    subject: ExplainedModel, k: int, output: Output, mark: int | None = None
) -> Callable[[Floats], Floats]:
    """The column's own term as a function of its first input, with the input of one of its marks set."""
    term, column = subject.terms.single.get(k), subject.columns[k]

    def value(grid: Floats) -> Floats:
        if term is None:
            return np.zeros(len(grid))
        inputs = np.zeros((len(grid), len(subject.owner)))
        inputs[:, column.inputs[0]] = grid
        if mark is not None:
            inputs[:, mark] = 1.0
        return output.of(term.values(inputs))

    return value


def absent_of(column: Column, X: Floats) -> NDArray[np.bool_]:
    """Which rows have no ordinary value in a column: none, or a code that stands for a word."""
    return np.asarray((X[:, list(column.inputs[1:])] > 0.5).any(1), dtype=bool)


def _fill(column: Column) -> float:
    return column.encoded.fill if isinstance(column.encoded, NumberColumn) else 0.0


def _labels(column: Column) -> tuple[str, ...]:
    if isinstance(column.encoded, LevelColumn):
        return column.encoded.levels
    if isinstance(column.encoded, NumberColumn) and column.discrete and column.two_valued:
        return tuple(column.text(float(raw)) for raw in column.decode(np.array([0.0, 1.0])))
    return ()


def accumulated(
    X: Floats,
    absent: NDArray[np.bool_],
    column: Column,
    grid: Floats,
    together: Callable[[Floats], Floats],
    discrete: bool,
    seed: int,
) -> tuple[Floats, Floats, dict[int, float]]:
    """The accumulated effect on the grid, (k,), its bootstrap replicates, (r, k), and the step to a missing cell."""
    at = column.inputs[0]
    present = X[~absent] if (~absent).any() else X
    own = present[:, at]
    if discrete:
        code = np.clip(own.round(), 0, len(grid) - 1)
        knots = grid
        # A step from one level to the next is taken by the rows of both.
        which = [np.flatnonzero((code == c) | (code == c + 1)) for c in range(len(grid) - 1)]
        which = [rows if len(rows) else np.arange(len(code)) for rows in which]
    else:
        bins = int(np.clip(len(own) // FEWEST_IN_BIN, 1, MOST_BINS))
        # Ends that are values themselves: between two of a few values there would be a bin without rows, and no effect.
        inner = np.unique(np.quantile(own, np.linspace(0, 1, bins + 1), method="inverted_cdf"))
        knots = inner if len(inner) > 1 else np.array([grid[0], grid[-1]])
        place = np.clip(np.searchsorted(knots, own, side="left") - 1, 0, len(knots) - 2)
        which = [np.flatnonzero(place == b) for b in range(len(knots) - 1)]
    rows = np.concatenate(which) if which else np.zeros(0, dtype=np.int64)
    owner = np.repeat(np.arange(len(which)), [len(item) for item in which])
    lower, upper = present[rows].copy(), present[rows].copy()
    lower[:, at], upper[:, at] = knots[owner], knots[np.minimum(owner + 1, len(knots) - 1)]
    change = together(upper) - together(lower) if len(rows) else np.zeros(0)
    random = numpy_generator(seed)
    size = np.bincount(owner, minlength=len(which)).astype(np.float64)
    mean = np.bincount(owner, weights=change, minlength=len(which)) / np.maximum(size, 1)
    curve = np.concatenate([[0.0], np.cumsum(mean)])
    samples = np.empty((REPLICATES, len(grid)))
    for r in range(REPLICATES):
        weight = np.bincount(random.integers(0, len(present), len(present)), minlength=len(present))[rows]
        total = np.bincount(owner, weights=weight * change, minlength=len(which))
        count = np.bincount(owner, weights=weight, minlength=len(which))
        step = np.where(count > 0, total / np.maximum(count, 1e-300), mean)
        samples[r] = np.interp(grid, knots, np.concatenate([[0.0], np.cumsum(step)]))
    gaps = dict[int, float]()
    for mark in column.inputs[1:]:
        if (own := X[X[:, mark] > 0.5]).size:
            there = own.copy()
            there[:, mark] = 0.0
            gaps[mark] = float((together(own) - together(there)).mean())
    return np.interp(grid, knots, curve), samples, gaps


def _percentiles(band: Floats, own: Floats, grid: Floats) -> tuple[Floats, Floats]:
    """The band of centred replicates."""
    density = np.bincount(np.clip(np.searchsorted(grid, own), 0, len(grid) - 1), minlength=len(grid)) / max(
        len(own), 1
    )
    centred = band - (band @ density)[:, None]
    low, high = np.percentile(centred, [2.5, 97.5], axis=0)
    return low, high


def _histogram(own: Floats, grid: Floats, labels: tuple[str, ...]) -> tuple[Floats, Floats]:
    if labels:
        codes = np.clip(own.round(), 0, len(labels) - 1).astype(np.int64)
        counts = np.bincount(codes, minlength=len(labels)).astype(np.float64)
        return counts, np.arange(len(labels) + 1, dtype=np.float64) - 0.5
    return histogram(own, float(grid[0]), float(grid[-1]), BINS)


def _whole(subject: ExplainedModel, column: Column) -> bool:
    """Whether the rows hold whole numbers only."""
    numbers = subject.rows.raw.columns[column.place].numbers
    return numbers is not None and bool((np.isnan(numbers) | (numbers == np.round(numbers))).all())


def shape_words(column: Column, x: Floats, y: Floats, labels: tuple[str, ...], *, whole: bool = False) -> str:
    """What a shape does, in one phrase with the column's own words and units."""
    height = float(y.max() - y.min()) if len(y) else 0.0
    if height <= 1e-9 * max(float(np.abs(y).max(initial=0.0)), 1e-12):
        return "has no effect"
    if labels:
        top, bottom = int(y.argmax()), int(y.argmin())
        return f"{labels[bottom]} {y[bottom]:+.2g} ... {labels[top]} {y[top]:+.2g}"
    up = float(np.maximum(np.diff(y), 0).sum())
    down = float(np.maximum(-np.diff(y), 0).sum())
    first, last = column.text(float(x[0])), column.text(float(x[-1]))
    if min(up, down) <= 0.05 * (up + down):
        way = "rises" if up > down else "falls"
        return f"{way} by {number_text(abs(float(y[-1] - y[0])), 2)} from {first} to {last}"
    bottom, top = (column.text(_round(x, int(at), whole)) for at in (y.argmin(), y.argmax()))
    return f"lowest near {bottom}, highest near {top}"


def _round(x: Floats, at: int, whole: bool) -> float:
    """A place on an axis with no more digits than the axis can show."""
    step = abs(float(x[-1] - x[0])) / 100
    if step <= 0:
        return float(x[at])
    places = min(-int(np.floor(np.log10(step))), 0 if whole else 12)
    return float(np.round(x[at], places))
