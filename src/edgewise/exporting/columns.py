"""Raw columns of an estimator's table as plain numbers: how each becomes inputs of the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise.data import Encoding
from edgewise.data.encoding_columns import REACH, EncodedColumn, LevelColumn, NumberColumn


@dataclass(frozen=True)
class NumberInput:
    """A column of numbers, truth values or dates.

    The value is x, (x - centre) / scale or asinh((x - centre) / scale), kept inside [low, high]; a missing cell becomes
    `fill`. Where `flagged`, a second input states whether the cell is missing. Each of `codes`, raw numbers that stand for
    words, becomes `fill` as well, and has an input that marks where it is. `first` and `last` are the training range in
    the column's own units.
    """

    name: str
    kind: str
    transform: str
    centre: float
    scale: float
    low: float
    high: float
    fill: float
    flagged: bool
    first: float
    last: float
    codes: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Inputs that it becomes."""
        return 1 + self.flagged + len(self.codes)


@dataclass(frozen=True)
class LevelInput:
    """A column of words: the code of each, of words that are not listed and of missing cells."""

    name: str
    levels: tuple[str, ...]
    unseen: int
    missing: int

    @property
    def width(self) -> int:
        """Inputs that it becomes."""
        return 1


@dataclass(frozen=True)
class Unused:
    """A column that the network does not read."""

    name: str

    @property
    def width(self) -> int:
        """Inputs that it becomes."""
        return 0


Column = NumberInput | LevelInput | Unused


def columns_of(encoding: Encoding) -> tuple[Column, ...]:
    """The raw columns of an encoding, in order."""
    return tuple(_column(each) for each in encoding.columns)


def _column(column: EncodedColumn) -> Column:
    if isinstance(column, NumberColumn):
        reach = 0.0 if column.two_valued else REACH * (column.high - column.low)
        first, last = sorted(column.decode(np.array([column.low, column.high])).tolist())
        return NumberInput(
            column.name,
            column.kind,
            column.transform,
            float(column.centre),
            float(column.scale),
            float(column.low - reach),
            float(column.high + reach),
            float(column.fill),
            bool(column.flagged),
            first,
            last,
            tuple(float(code) for code in column.codes),
        )
    if isinstance(column, LevelColumn):
        return LevelInput(column.name, column.levels, int(column.unseen), int(column.missing))
    return Unused(column.name)
