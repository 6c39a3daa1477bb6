"""The progress of a formula search: each line ends with the best formula so far."""

from __future__ import annotations

import math
from dataclasses import replace

from edgewise.cli.progress import ShownProgress
from edgewise.training import Record


class BestSoFar:
    """A callback for `find_formula` that passes its records to the display with the best formula as their note."""

    def __init__(self, progress: ShownProgress, target: str) -> None:
        self._progress = progress
        self._target = target
        self._error = math.inf
        self._text = ""

    def __call__(self, record: Record) -> bool:
        """Take note of one step; never asks to stop."""
        error = record.validation
        if record.phase == "formula":
            # The record that lowers the error is that of the formula which did.
            if error is not None and error < self._error:
                self._error, self._text = error, record.note
            record = replace(record, loss=math.nan)
        note = f"best so far: {self._target} = {self._text}" if self._text else record.note
        return self._progress(replace(record, note=note))
