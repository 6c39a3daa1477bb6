"""Rows of a dataset drawn at random, for what looks at rows in memory: a few of them stand for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise.data.streaming.columns import mixed
from edgewise.data.streaming.source import Source
from edgewise.data.streaming.spool import dataset

MOST = 100_000


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Some rows of a dataset, in their order.

    Attributes
    ----------
    table : pyarrow.Table
    rows : int
        How many there are in all.
    row : pyarrow.Table or None
        The one that was asked for by its number; it is not among the others.
    """

    table: Any
    rows: int
    row: Any = None

    @property
    def remark(self) -> str | None:
        """That these are not all rows; None where they are."""
        if self.rows == self.table.num_rows + (self.row is not None):
            return None
        return f"{self.table.num_rows:,} of the {self.rows:,} rows, drawn at random, stand for all."


def drawn(data: Any, *, seed: int = 0, most: int = MOST, number: int | None = None) -> DrawnRows:
    """So many rows at most, by the smallest hashes of their numbers, in memory that does not grow with the dataset.

    Parameters
    ----------
    data : path, pattern, folder, list of paths, pyarrow dataset, Polars LazyFrame, or iterator of frames
    seed, most : int
    number : int, optional
        Of a row that is wanted beside them, counted from 0.

    Raises
    ------
    InputError
        If there are no rows, or none of that number.
    """
    with dataset(data) as source:
        return _drawn(source, seed, most, number)


def _drawn(source: Source, seed: int, most: int, number: int | None) -> DrawnRows:
    held, hashes, rows, row = list[Any](), np.empty(0, np.uint64), 0, None
    for batch in source.batches(source.names):
        own = mixed(np.arange(rows, rows + batch.num_rows, dtype=np.uint64), seed)
        few = own < hashes.max() if len(hashes) >= most else np.ones(len(own), dtype=bool)
        if number is not None and rows <= number < rows + batch.num_rows:
            row = plain_words(batch.slice(number - rows, 1))
            few[number - rows] = False
        rows += batch.num_rows
        held.append(plain_words(batch.filter(pa.array(few))))
        hashes = np.append(hashes, own[few])
        if len(hashes) > 2 * most:
            held, hashes = _fewest(held, hashes, most)
    if not rows:
        raise InputError(argument="X", expected="have rows", got="none")
    if number is not None and row is None:
        raise InputError(
            argument="row",
            expected=f"be one of the {plural(rows, 'row')} of the dataset, counted from 0",
            got=f"{number:,}",
        )
    (table, *_), _ = _fewest(held, hashes, most)
    return DrawnRows(table, rows, row)


def _fewest(held: list[Any], hashes: Any, most: int) -> tuple[list[Any], Any]:
    """The rows of the smallest hashes, in their order."""
    keep = np.sort(np.argsort(hashes, kind="stable")[:most])
    table = pa.concat_tables(held, promote_options="permissive")
    return [table.take(pa.array(keep))], hashes[keep]


def plain_words(table: Any) -> Any:
    """Words as words: the dictionaries of batches differ."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(field.type.value_type))
    return table
