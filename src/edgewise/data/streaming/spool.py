"""What can be read only once, or not from its middle, is written to Parquet files of a temporary folder first."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from edgewise._core.checks import short
from edgewise._core.errors import FileError, InputError
from edgewise._core.plain import article
from edgewise.data.datasets import are_paths
from edgewise.data.streaming.source import ROWS_OF_BATCH, Source, open_source, parquet


@contextmanager
def dataset(data: Any, filesystem: Any = None) -> Generator[Source]:
    """Any dataset as files that can be read from any row.

    Parameters
    ----------
    data : path, glob, folder, list of paths, pyarrow.dataset.Dataset, polars.LazyFrame, or frames one after the other
        Frames (of Arrow, pandas, Polars, or mappings of columns) are written to a temporary folder, and so is what a lazy
        frame gives; it is removed at the end.
    filesystem : pyarrow.fs.FileSystem, optional
        Where paths are.
    """
    if isinstance(data, Source):
        yield data
    elif are_paths(data):
        yield open_source(data, filesystem)
    elif hasattr(data, "get_fragments"):
        yield _of_dataset(data)
    elif hasattr(data, "sink_parquet") or (isinstance(data, Iterable) and not _is_frame(data)):
        with tempfile.TemporaryDirectory(prefix="edgewise-") as folder:
            path = Path(folder, "rows.parquet")
            with _room(folder):
                if hasattr(data, "sink_parquet"):
                    cast(Any, data).sink_parquet(path, row_group_size=ROWS_OF_BATCH)
                else:
                    _write(iter(cast("Iterable[Any]", data)), path)
            yield open_source(path)
    else:
        raise InputError(
            argument="X",
            expected="be a path, a pattern, a pyarrow dataset, a Polars LazyFrame or an iterator of frames",
            got=short(data),
        )


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") or hasattr(data, "column_names") or hasattr(data, "shape")


def _of_dataset(data: Any) -> Source:
    """The files of a pyarrow dataset."""
    try:
        files, kind = list(data.files), data.format.default_extname
    except AttributeError:
        raise InputError(
            subject="The pyarrow dataset",
            expected="be one of files",
            got=article(type(data)),
            advice="pass its frames one after the other",
        ) from None
    if kind not in ("parquet", "csv"):
        raise InputError(
            subject="The files of a pyarrow dataset",
            expected="be Parquet or CSV",
            got=kind,
            advice="write them anew",
        )
    absent = [name for name in data.schema.names if name not in open_source(files[:1], data.filesystem).names]
    if absent:
        raise InputError(
            subject="The files of a pyarrow dataset",
            expected="hold all its columns",
            got=f"{short(absent[0], 40)} in the names of folders",
            advice="write it into the files",
        )
    return open_source(files, data.filesystem)


def _write(frames: Iterator[Any], path: Path) -> None:
    first = next(frames, None)
    if first is None:
        raise InputError(argument="X", expected="have rows", got="an iterator without frames")
    table = _arrow(first)
    schema = table.schema
    with parquet.ParquetWriter(path, schema) as writer:
        for number, frame in enumerate(itertools.chain([table], frames)):
            own = _arrow(frame)
            try:
                writer.write_table(own.select(schema.names).cast(schema), row_group_size=ROWS_OF_BATCH)
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, KeyError) as error:
                raise InputError(
                    subject=f"Frame {number + 1} of the dataset",
                    expected="have the columns of the first",
                    got=f"one of other columns ({short(' '.join(str(error).split()), 80)})",
                    advice="bring the frames into one form",
                ) from error


def _arrow(frame: Any) -> Any:
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, pa.RecordBatch):
        return pa.Table.from_batches([frame])
    try:
        if isinstance(frame, dict):
            return pa.table(cast("dict[str, Any]", frame))
        import narwhals as nw

        return nw.from_native(frame, eager_only=True).to_arrow()
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise InputError(
            argument="X", expected="give frames, one after the other", got=f"{short(frame)} among them"
        ) from error


@contextmanager
def _room(folder: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(
            f"The rows cannot be written to the temporary folder {folder}: {error.strerror or error}. Make room there, "
            "or point TMPDIR to another disk."
        ) from error
