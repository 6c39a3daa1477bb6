"""Datasets of many files on the command line: learned from and predicted batch by batch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from edgewise._core.errors import FileError, InputError
from edgewise._core.files import said_clearly, shown
from edgewise.cli.answer import Answer, to_json
from edgewise.cli.inputs import ColumnRoles, as_names
from edgewise.cli.outcome import make_folder
from edgewise.cli.predictions import Predictions
from edgewise.cli.progress import ShownProgress
from edgewise.cli.requests import FitRequest
from edgewise.cli.terminal import print_json, say
from edgewise.data.arrow import Frame
from edgewise.data.frames import Provenance, with_provenance
from edgewise.data.streaming.draw import drawn
from edgewise.data.streaming.source import Source, kind_of, open_source, parquet

PATTERN = "*?["
PASSES = "passes"


def is_dataset(data: Path) -> bool:
    """Whether a path names many files: a pattern, or a folder."""
    return data.is_dir() or (any(mark in str(data) for mark in PATTERN) and not data.exists())


def rows_in_memory(data: Path, row: int | None) -> tuple[Any, int | None, str | None]:
    """Rows of a dataset drawn at random, the number among them of one asked for, and a remark on how many they are."""
    found = drawn(str(data), number=row)
    table = found.table if found.row is None else pa.concat_tables([found.table, found.row])
    table = with_provenance(table, Provenance(str(data)))
    return table, None if row is None else table.num_rows - 1, found.remark


def opened(data: Path, roles: ColumnRoles, task: str | None) -> tuple[Source, bool]:
    """The dataset of the columns asked for, and whether classes are predicted."""
    source = _chosen(open_source(str(data)), roles)
    kind = kind_of(source.schema.field(source.check_column(roles.target, "target")).type)
    return source, task == "classification" or (task is None and kind in ("text", "bool"))


def fit_dataset(model: Any, source: Source, roles: ColumnRoles, asked: FitRequest) -> Answer:
    """Learn from a dataset and write model.kan; started again after an end of any kind it goes on where it was."""
    from edgewise.estimators import KANClassifier
    from edgewise.estimators.files import save

    out = asked.out
    make_folder(out)
    passes = out / PASSES
    with ShownProgress(asked.quiet) as progress:
        progress.begin("learn from the rows")
        model.set_params(callbacks=progress)
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
        measure = "Log loss" if isinstance(model, KANClassifier) else "Root mean square error"
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


def predict_dataset(
    predicted: Callable[[Frame], Predictions], source: Source, out: Path | None, *, quiet: bool, json: bool
) -> None:
    """Predict a dataset batch by batch into one Parquet or CSV file, which is in its place when it is whole."""
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
                frame = _plain(made.frame)
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
    if json:
        print_json(to_json({"rows": rows, "outside": outside, "file": str(out)}))
    if not quiet:
        say(f"{rows:,} predictions, written to {out}; {outside:,} outside the training range.", err=True)


def _writer(path: Path, schema: Any, ending: str) -> Any:
    if ending == ".csv":
        from pyarrow import csv

        return csv.CSVWriter(path, schema)
    # Numbers hardly repeat: looking for those that do costs more than all the rest.
    words = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return parquet.ParquetWriter(path, schema, use_dictionary=words)


def _plain(frame: Any) -> Any:
    """Words as words: the dictionaries of batches differ."""
    for at, field in enumerate(frame.schema):
        if pa.types.is_dictionary(field.type):
            frame = frame.set_column(at, field.name, frame.column(at).cast(field.type.value_type))
    return frame
