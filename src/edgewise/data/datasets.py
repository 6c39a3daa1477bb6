"""What names rows rather than holds them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, cast


def is_dataset(data: Any) -> bool:
    """Whether something names rows rather than holds them: paths, a pyarrow dataset, a lazy frame, an iterator of frames.

    Examples
    --------
    >>> is_dataset("rows-*.parquet"), is_dataset([[1.0, 2.0]])
    (True, False)
    """
    lazy = hasattr(data, "get_fragments") or hasattr(data, "sink_parquet")
    return lazy or are_paths(data) or isinstance(data, Iterator)


def are_paths(data: Any) -> bool:
    """Whether it is a path or a list of them."""
    parts = cast("Sequence[Any]", data) if isinstance(data, (list, tuple)) else [data]
    return bool(parts) and all(isinstance(part, (str, os.PathLike)) for part in parts)
