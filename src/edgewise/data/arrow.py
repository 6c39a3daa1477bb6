"""pyarrow publishes no types; these names say in signatures what passes through it."""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow.compute

Frame: TypeAlias = Any
"""A pyarrow.Table."""
Cells: TypeAlias = Any
"""A pyarrow.ChunkedArray: one column."""

pc: Any = pyarrow.compute
