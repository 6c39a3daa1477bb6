"""A table with a model's predictions beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.inputs import complete
from edgewise.cli.models import LoadedModel
from edgewise.data import provenance, write_frame
from edgewise.data.arrow import Cells, Frame

OUTSIDE = "outside_training_range"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The table that was made, and how many of its rows lie outside the training range."""

    frame: Frame
    outside: int


def with_predictions(
    model: LoadedModel,
    frame: Frame,
    *,
    keep: bool = False,
    drop_missing: bool = False,
    interval: float | None = None,
) -> Predictions:
    """The model's columns (all columns where `keep`), predictions, probabilities of classes and a flag for extrapolation.

    With `interval` there are the ends of intervals that hold such a share of new rows as well.
    """
    used = model.select(frame)
    if drop_missing:
        rows = pa.array(complete(used, used.column_names))
        used, frame = used.filter(rows), frame.filter(rows)
        if not used.num_rows:
            source = provenance(frame).source
            raise InputError(
                subject=source,
                expected="have at least one row without missing cells",
                got="none",
                advice="leave --drop-missing out",
            )
    fresh = columns_of(model, used, interval)
    return beside(frame if keep else used, fresh, model.outside(used), provenance(frame).source)


def beside(table: Frame, fresh: dict[str, Cells], outside: NDArray[np.bool_], source: str) -> Predictions:
    """The table with predictions and the flag for extrapolation as further columns."""
    fresh = {**fresh, OUTSIDE: pa.array(outside)}
    if taken := [name for name in fresh if name in table.column_names]:
        raise InputError(
            subject=source,
            expected=f"not have a column {taken[0]!r} yet, for the predictions go there",
            got="one",
            advice="rename or remove it",
        )
    for name, values in fresh.items():
        table = table.append_column(name, values)
    return Predictions(table.replace_schema_metadata(None), int(outside.sum()))


def handed_over(predictions: Predictions, out: Path | None) -> Answer:
    """Write the table, or have it printed, and state how many rows it has."""
    frame, outside = predictions.frame, predictions.outside
    if out is not None:
        write_frame(frame, out)
    where = "" if out is None else f", written to {out}"
    return Answer(
        lambda: {
            "rows": frame.num_rows,
            "outside": outside,
            **({"predictions": frame.to_pylist()} if out is None else {"file": str(out)}),
        },
        table=frame if out is None else None,
        remark=f"{frame.num_rows:,} predictions{where}; {outside:,} outside the training range.",
    )


def columns_of(model: LoadedModel, used: Frame, interval: float | None = None) -> dict[str, Cells]:
    """The predictions by the names they are written under."""
    ends = None if interval is None else model.interval(used, interval).reshape(used.num_rows, -1, 2)
    values = model.values(used)
    if not model.classes:
        columns = dict[str, Cells]()
        for k, (name, column) in enumerate(
            zip(model.outputs, values.reshape(used.num_rows, -1).T, strict=True)
        ):
            columns[f"{name}_predicted"] = pa.array(column)
            if ends is not None:
                columns[f"{name}_low"], columns[f"{name}_high"] = map(pa.array, ends[:, k].T)
        return columns
    labels = pa.array(np.asarray(model.classes)[values.argmax(axis=1)].tolist())
    shares = {
        f"{model.target}_probability_{label}": pa.array(values[:, place])
        for place, label in enumerate(model.classes)
    }
    return {f"{model.target}_predicted": labels, **shares}
