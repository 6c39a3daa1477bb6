"""From what a pass computes of the columns to how they become inputs, and where the rows of each input are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.data.encoding import Encoding
from edgewise.data.encoding_columns import DroppedColumn, EncodedColumn, NumberColumn
from edgewise.data.encoding_learn import distinct_columns, level_column, number_column
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.data.streaming.columns import Numbers, Words
from edgewise.data.streaming.counting import Statistics

# Codes a column of words may have: with so many rows each is known by rows of its own.
MOST_LEVELS = 1_000
# A word in fewer rows counts as rare, as in tables held in memory.
RARE = 20
QUANTILES = 2_048

Mass = tuple[Floats, Floats]
"""Values of an input, rising, and how many rows have each."""


def learned(statistics: Statistics) -> Encoding:
    """How the columns become inputs, by the rules of `learn_encoding`.

    Numbers of few values and words are known from all rows. Of other numbers the extremes are those of all rows, and the
    typical size, codes and two-valuedness those of the sample.
    """
    rows = statistics.rows
    if not rows:
        raise InputError(
            subject="The dataset to learn from",
            expected="have at least one row of positive weight",
            got="none",
        )
    rare = max(2, min(RARE, rows // 40))
    cells = statistics.sample.cells
    columns = [
        _words(name, known, statistics, rare)
        if isinstance(known, Words)
        else _numbers(name, known, cells, k, rare)
        for k, (name, known) in enumerate(zip(statistics.roles.columns, statistics.columns, strict=True))
    ]

    def mark_of(k: int) -> bytes:
        return _mark(statistics.columns[k], cells[:, k])

    words = isinstance(statistics.columns[0], Words)
    return distinct_columns(columns, mark_of, words=words, where=" in the rows looked at")


def _mark(known: Numbers | Words, cells: Floats) -> bytes:
    """Equal for columns of the sample that hold the same, word for word or number for number."""
    if isinstance(known, Numbers):
        return b"Numbers" + (cells + 0.0).tobytes()
    words = np.array([*known.places, ""])
    return b"Words" + "\0".join(words[cells.astype(np.int64)]).encode(errors="surrogatepass")


def _numbers(name: str, known: Numbers, cells: Floats, k: int, rare: int) -> EncodedColumn:
    gaps = np.full(int(known.counts[1] > 0), np.nan)
    if known.digest is None:
        x, weight = known.values, known.mass[1]
    else:
        own = cells[:, k]
        x = np.concatenate([known.range, own[~np.isnan(own)]])
        weight = np.concatenate([[0.0, 0.0], cells[~np.isnan(own), -1]])
    raw = RawColumn(name, known.kind, numbers=np.concatenate([x, gaps]))
    column = number_column(raw, np.concatenate([weight, np.ones(len(gaps))]), rare)
    whole = bool(known.counts[2])
    return (
        replace(column, whole=whole)
        if isinstance(column, NumberColumn) and known.digest is not None
        else column
    )


def _words(name: str, known: Words, statistics: Statistics, rare: int) -> EncodedColumn:
    if known.crowded:
        return DroppedColumn(name, "it has more words than are counted: a name of the row")
    moments = known.moments[:, 1:]
    count = len(known.places)
    group = np.append(np.arange(count), -1)
    if statistics.roles.target.classes:
        # One row for each word and class, which weighs as much as all of them.
        words, classes = np.nonzero(moments > 0)
        weight, targets = moments[words, classes], np.eye(moments.shape[1])[classes]
    else:
        # Two rows for each word, which have its mean and its variance.
        words = np.repeat(np.flatnonzero(moments[:, 0] > 0), 2)
        w, s, q = moments[words].T
        mean = s / w
        deviation = np.sqrt(np.maximum(q / w - mean**2, 0.0))
        targets = (mean + deviation * np.tile([1.0, -1.0], len(words) // 2))[:, None]
        weight = w / 2
    if not len(words):
        return DroppedColumn(name, "all its cells are missing")
    raw = RawColumn(name, "text", codes=group[words], words=tuple(known.places))
    return level_column(raw, targets, weight, MOST_LEVELS, rare)


def masses(encoding: Encoding, statistics: Statistics) -> tuple[Mass, ...]:
    """Of each input the values and how many rows have them: all of them where they are few, else quantiles."""
    found = list[Mass]()
    for column, known in zip(encoding.columns, statistics.columns, strict=True):
        if isinstance(known, Words):
            x: Any = RawColumn(
                column.name,
                "text",
                codes=np.append(np.arange(len(known.places)), -1),
                words=tuple(known.places),
            )
            rows = known.moments[:, 0]
        else:
            values, counts = known.values, known.mass[0]
            if known.digest is not None:
                there = float(known.counts[0] - known.counts[1])
                values = np.concatenate([known.range[:1], known.quantiles(QUANTILES), known.range[1:]])
                counts = np.concatenate([[1.0], np.full(QUANTILES, there / QUANTILES), [1.0]])
            gaps = float(known.counts[1])
            x = RawColumn(column.name, known.kind, numbers=np.append(values, np.nan))
            rows = np.append(counts, gaps)
        inputs = column.encode(x)[rows > 0]
        for time in inputs.T:
            distinct, place = np.unique(time, return_inverse=True)
            found.append((distinct, np.bincount(place, rows[rows > 0]).astype(np.float64)))
    return tuple(found)


def sampled(statistics: Statistics) -> tuple[RawTable, Floats, Floats]:
    """The rows of the sample in their order: the columns, the target and the weights."""
    cells, roles = statistics.sample.cells, statistics.roles
    columns = list[RawColumn]()
    for k, (name, known) in enumerate(zip(roles.columns, statistics.columns, strict=True)):
        if isinstance(known, Words):
            columns.append(
                RawColumn(name, "text", codes=cells[:, k].astype(np.int64), words=tuple(known.places))
            )
        else:
            columns.append(RawColumn(name, known.kind, numbers=cells[:, k].copy()))
    return RawTable(tuple(columns), len(cells), named=True), cells[:, -2].copy(), cells[:, -1].copy()
