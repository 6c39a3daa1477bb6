"""Columns that a model should not learn from: identifiers, which are left out, and those that give the answer away."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.data.identifiers import FEWEST_ROWS, is_identifier

# Fewer rows may be in the target's order by chance.
_FEWEST_ROWS = 20


def identifiers(table: RawTable, fewest: int = FEWEST_ROWS) -> tuple[str, ...]:
    """Names of the columns that number the rows of a table in canonical order, where equal rows follow one another; none
    where distinct rows are fewer."""
    numbers = [column for column in table.columns if table.named and column.kind == "number"]
    return tuple(column.name for column in numbers if is_identifier(column.name, _once(column), fewest))


def _once(column: RawColumn) -> Floats:
    """The cells of a column, equal neighbours as one: a row may be given again."""
    x = cast(Floats, column.numbers)
    return x[np.append(True, x[1:] != x[:-1])]


def giveaways(table: RawTable, y: Floats) -> tuple[str, ...]:
    """Names of the columns that the target follows without exception: rising, falling, or word by word.

    Parameters
    ----------
    table : RawTable
        n rows.
    y : array of shape (n,) or (n, k)
        Numbers, or class numbers; of several targets nothing is named.
    """
    if y.ndim != 1 or len(y) < _FEWEST_ROWS or len(table.columns) < 2 or bool((y == y[0]).all()):
        return ()
    return tuple(column.name for column in table.columns if _follows(column, y))


def giveaways_sentence(names: tuple[str, ...]) -> str:
    """What to ask of columns that give the answer away; empty where there are none."""
    if not names:
        return ""
    listed = ", ".join(short(name, 40) for name in names)
    return f"The target follows {listed} without exception: leave out what is not known before the target is."


def _follows(column: RawColumn, y: Floats) -> bool:
    if column.codes is not None:
        codes = cast(Any, column.codes)
        (words, word), (values, value) = (np.unique(part, return_inverse=True) for part in (codes, y))
        if not len(words) == len(values) < len(y):
            return False
        return len(np.unique(word * len(values) + value)) == len(words)
    return is_followed(cast(Floats, column.numbers), y)


def is_followed(x: Floats, y: Floats) -> bool:
    """Whether y rises, or falls, with x without exception, both of shape (n,)."""
    if np.isnan(x).any():
        return False
    order = np.lexsort((y, x))
    dx, dy = np.diff(x[order]), np.diff(y[order])
    tied = dx == 0
    return bool((dy[tied] == 0).all()) and bool((dy >= 0).all() or (dy <= 0).all())
