"""Training rows in an order that depends on nothing but the rows themselves.

Rows are sorted by a hash of their content. A fit is then a function of the set of rows and their weights: the order of
the rows makes no difference, and a row of weight two is, to the bit, the row given twice.
"""

from __future__ import annotations

import hashlib
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.data.encoding import CELL
from edgewise.data.encoding_raw import RawColumn, RawTable

# Whole-numbered weights become repeated rows up to this many rows; beyond it they stay weights.
MOST_REPEATED = 100_000

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def canonical_rows(
    table: RawTable, y: Floats, weight: Floats | None
) -> tuple[NDArray[np.int64], Floats | None]:
    """Which rows to learn from, in which order, and their weights (None where all count the same).

    Parameters
    ----------
    table : RawTable
        n rows.
    y : array of shape (n,) or (n, k)
    weight : array of shape (n,), optional
    """
    order = np.argsort(_hashes(table, y), kind="stable")
    if weight is None:
        return order, None
    order = order[weight[order] > 0]
    own = weight[order]
    if bool((own == own[0]).all()) and not float(own[0]).is_integer():
        return order, None
    total = float(own.sum())
    if bool((own == np.floor(own)).all()) and total <= max(MOST_REPEATED, 2 * len(own)):
        return np.repeat(order, own.astype(np.int64)), None
    return order, own


def _hashes(table: RawTable, y: Floats) -> NDArray[np.uint64]:
    """One number a row, equal for equal rows."""
    state = np.zeros(table.n_rows, dtype=np.uint64)
    for column in table.columns:
        charge(CELL * table.n_rows)
        state = _mixed(state, _bits(column))
    for target in np.asarray(y, dtype=np.float64).reshape(table.n_rows, -1).T:
        state = _mixed(state, _float_bits(target))
    return state


def _mixed(state: NDArray[np.uint64], value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One round of a multiplicative hash; it wraps around, which is meant."""
    state = (state ^ value) * _MULTIPLIER
    return state ^ (state >> _SHIFT)


def _bits(column: RawColumn) -> NDArray[np.uint64]:
    if column.codes is None:
        return _float_bits(cast(Floats, column.numbers))
    # Codes number the words in the order of the rows; their own hashes do not depend on it.
    words = np.array([_word_bits(word) for word in (*column.words, "")], dtype=np.uint64)
    return words[cast(Any, column.codes)]


def _word_bits(word: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


def _float_bits(x: Floats) -> NDArray[np.uint64]:
    plain = np.where(np.isnan(x), np.nan, x + 0.0)  # one NaN, one zero
    return plain.view(np.uint64)
