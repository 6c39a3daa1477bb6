"""Datasets of many files on the command line: learned from and predicted batch by batch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from edgewise._core.errors import FileError, InputError
from edgewise._core.files import said_clearly, shown
from edgewise.cli.answer import Answer
from edgewise.cli.inputs import ColumnRoles, as_names
from edgewise.cli.outcome import make_folder
from edgewise.cli.predictions import Predictions
from edgewise.cli.progress import ShownProgress
from edgewise.data.arrow import Frame
from edgewise.data.frames import Provenance, with_provenance
from edgewise.data.streaming.draw import drawn, plain_words
from edgewise.data.streaming.source import Source, kind_of, open_source, parquet

PASSES = "passes"


def rows_in_memory(data: Path, row: int | None) -> tuple[Any, int | None, tuple[str, ...]]:
    """Rows of a dataset drawn at random, the number among them of one asked for, and remarks on how many they are."""
    found = drawn(str(data), number=row)
    table = found.table if found.row is None else pa.concat_tables([found.table, found.row])
    table = with_provenance(table, Provenance(str(data)))
    return table, None if row is None else table.num_rows - 1, tuple(filter(None, [found.remark]))


def opened(data: Path, roles: ColumnRoles, task: str | None) -> tuple[Source, bool]:
    """The dataset of the columns asked for, and whether classes are predicted."""
    source = _chosen(open_source(str(data)), roles)
    kind = kind_of(source.schema.field(source.check_column(roles.target, "target")).type)
    return source, task == "classification" or (task is None and kind in ("text", "bool"))


def fit(asked: Any, roles: ColumnRoles) -> Answer:
    """Learn from a dataset and write model.kan; started again after an end of any kind it goes on where it was."""
    from edgewise.estimators import KANClassifier, KANRegressor
    from edgewise.estimators.files import save

    source, classes = opened(asked.data, roles, asked.task)
    out = asked.out
    make_folder(out)
    passes = out / PASSES
    with ShownProgress(asked.quiet) as progress:
        progress.begin("learn from the rows")
        kind: Any = KANClassifier if classes else KANRegressor
        model = asked.call(kind, random_state=asked.seed, members="auto", callbacks=progress)
        target = source.check_column(roles.target, "target")
        model.fit(source, target=target, sample_weight=roles.weight, checkpoint=passes)
    save(model, out / "model.kan")
    with contextlib.suppress(OSError):
        passes.rmdir()
    fit, error = model.fit_, model.fit_.validation_error
    result = {
        "rows": source.rows,
        "mode": fit.mode,
        "pairs": [list(pair) for pair in model.interactions_],
        "held_out_error": error,
        "model": str(out / "model.kan"),
        "message": fit.message,
    }
    lines = [fit.message]
    if error is not None:
        measure = "Log loss" if classes else "Root mean square error"
        lines.append(f"{measure} on rows held out: {error:.6g}")
    if pairs := ", ".join(" x ".join(pair) for pair in model.interactions_):
        lines.append(f"Pairs: {pairs}")
    return Answer(result, "\n".join([*lines, f"model   {out / 'model.kan'}"]))


def _chosen(source: Source, roles: ColumnRoles) -> Source:
    wanted, left = as_names(roles.columns, source.names), as_names(roles.drop, source.names) or ()
    for name in (*(wanted or ()), *left):
        source.check_column(name, "columns")
    beside = (roles.target, roles.weight)
    kept = [
        name
        for name in source.names
        if name in beside or ((wanted is None or name in wanted) and name not in left)
    ]
    return source.only(kept)


def predict(asked: Any, predicted: Callable[[Frame], Predictions], names: Sequence[str]) -> Answer:
    """Predict a dataset from the columns `names`, and write the rest beside them where it is kept."""
    source = open_source(str(asked.data))
    if not asked.keep:
        source = source.only([source.check_column(name, "columns") for name in names])
    rows, outside = predict_dataset(predicted, source, asked.file, quiet=asked.quiet)
    return Answer(
        {"rows": rows, "outside": outside, "file": str(asked.file)},
        remark=f"{rows:,} predictions, written to {asked.file}; {outside:,} outside the training range.",
    )


def predict_dataset(
    predicted: Callable[[Frame], Predictions], source: Source, out: Path | None, *, quiet: bool
) -> tuple[int, int]:
    """Predict a dataset batch by batch into one Parquet or CSV file, which is in its place when it is whole.

    Returns how many rows there are, and how many of them lie outside the training range.
    """
    if out is None or out.suffix.lower() not in (".parquet", ".pq", ".csv"):
        raise InputError(
            argument="--out",
            expected="name a .parquet or .csv file, which is written batch by batch",
            got=f"{('none' if out is None else shown(out))}",
        )
    draft, rows, outside = out.with_name(f".{out.name}.draft"), 0, 0
    writer: Any = None
    try:
        with ShownProgress(quiet) as progress, said_clearly(out, "written"):
            progress.begin("predict")
            for batch in source.batches(source.names):
                made = predicted(batch)
                frame = plain_words(made.frame)
                writer = _writer(draft, frame.schema, out.suffix.lower()) if writer is None else writer
                writer.write_table(frame)
                rows, outside = rows + frame.num_rows, outside + made.outside
        if writer is None:
            raise FileError("The dataset must have rows. Got none instead.")
        with said_clearly(out, "written"):
            writer.close()
            os.replace(draft, out)
    finally:
        draft.unlink(missing_ok=True)
    return rows, outside


def _writer(path: Path, schema: Any, ending: str) -> Any:
    if ending == ".csv":
        from pyarrow import csv

        return csv.CSVWriter(path, schema)
    # Numbers hardly repeat: looking for those that do costs more than all the rest.
    words = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return parquet.ParquetWriter(path, schema, use_dictionary=words)
