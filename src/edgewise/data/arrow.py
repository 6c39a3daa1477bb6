"""pyarrow publishes no types; these names state in signatures what passes through it."""

from __future__ import annotations

from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

Frame: TypeAlias = Any
"""A pyarrow.Table."""
Cells: TypeAlias = Any
"""A pyarrow.ChunkedArray: one column."""

pc: Any = pyarrow.compute


def floats_of(series: nw.Series[Any]) -> NDArray[np.float64]:
    """A series of numbers or truth values as float64, NaN where a cell is missing; whole numbers beyond 2^53 are rounded."""
    try:
        return np.array(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
    except pa.ArrowInvalid:  # Arrow's error for such numbers
        return np.array(
            series.to_arrow().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64
        )
