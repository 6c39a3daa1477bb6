"""`edgewise watch`: a model and new rows in; what has moved since it learned out."""

from __future__ import annotations

from pathlib import Path

from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.options import Data, Model, Request, TargetOfModel, column, option
from edgewise.cli.outcome import DONE, REFUTED
from edgewise.cli.terminal import tell


class WatchRequest(Request, group="Judge", place=53):
    """Say whether new rows have moved from those a model learned from.

    A column has moved where its stability index is 0.1 or more and chance
    alone would hardly make it so; beside the table of --against every column
    and the answers are compared, without it only numbers and words beyond what
    was learned are seen. Where the table has the target, answers are held
    against what happened. The exit code is 1 where something has moved.

    Examples:

    - `edgewise watch model.kan november.csv --against learned.csv`

    - `edgewise watch model.kan november.csv --target claims --exposure years`

    - `edgewise watch model.kan new.parquet --json || mail-somebody`
    """

    model: Model
    data: Data
    against: Path | None = option("A table of the rows that the model learned from.")
    target: TargetOfModel = None
    exposure: str | None = column("What counts or amounts are of, for a model that was fitted so.")

    def run(self) -> Answer:
        """Compare the rows."""
        import numpy as np

        from edgewise.cli.inputs import find, numbers, numbers_of
        from edgewise.cli.models import load_model
        from edgewise.data import provenance, read_frame
        from edgewise.estimators.drift import drift

        frame, loaded = read_frame(self.data), load_model(self.model)
        if not loaded.is_estimator:
            raise InputError(
                argument="model",
                expected="read raw columns, as those of `edgewise fit` do",
                got="a plain network",
            )
        used = loaded.select(frame)
        tell(provenance(frame).notes(loaded.names), quiet=self.quiet)
        before = None if self.against is None else loaded.select(read_frame(self.against))
        named = self.target or (loaded.target if loaded.target in frame.column_names else None)
        y = None
        if named is not None:
            cells = frame.column(find(frame, named))
            values = None if loaded.classes else numbers(cells)
            y = np.array(cells.to_pylist(), dtype=object) if values is None else values
        exposure = None if self.exposure is None else numbers_of(frame, find(frame, self.exposure))
        found = drift(loaded.held, used, before, y=y, exposure=exposure)
        return Answer(found.to_dict(), str(found), code=REFUTED if found.alarms else DONE)
