"""Paths that name many files, and rows of one file or of many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewise._core.rooms import room
from edgewise.data import read_frame
from edgewise.data.arrow import Frame

# What is in the name of many files.
PATTERN = "*?["


def is_dataset(data: Path) -> bool:
    """Whether a path names many files: a pattern, or a folder."""
    return data.is_dir() or (any(mark in str(data) for mark in PATTERN) and not data.exists())


def streamed() -> Any:
    """What the command line does with many files."""
    return room("edgewise.cli.streamed")


def read_rows(data: Path, row: int | None = None) -> tuple[Frame, int | None, tuple[str, ...]]:
    """The rows of a table, or some of many files, the number among them of one asked for, and remarks on how many."""
    return streamed().rows_in_memory(data, row) if is_dataset(data) else (read_frame(data), row, ())
