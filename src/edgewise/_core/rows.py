"""Rows of tables as sentences name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = Sequence[int] | NDArray[np.integer[Any]]
# Rows that a sentence names.
_NAMED = 5


def row_numbers(numbers: Rows) -> str:
    """The first few rows by number, and how many more there are.

    Examples
    --------
    >>> row_numbers([3, 17])
    'rows 3 and 17 (counted from 0)'
    >>> row_numbers([0, *range(10, 30)])
    'rows 0, 10, 11, 12, 13 and 16 more (counted from 0)'
    """
    return f"{listed_rows(numbers)} (counted from 0)"


def data_rows(numbers: Rows) -> str:
    """The same of rows counted as a person counts those of a file, from 1 below the header.

    Examples
    --------
    >>> data_rows([4, 18])
    'data rows 4 and 18'
    """
    return f"data {listed_rows(numbers)}"


def listed_rows(numbers: Rows) -> str:
    """The first few by number, and how many more there are."""
    first = [f"{number}" for number in numbers[:_NAMED]]
    more = len(numbers) - len(first)
    if more:
        text = f"{', '.join(first)} and {more:,} more"
    else:
        text = " and ".join([", ".join(first[:-1]), first[-1]] if len(first) > 1 else first)
    return f"{'row' if len(numbers) == 1 else 'rows'} {text}"
