"""Attempts on files: models, tables and checkpoints that are damaged, forged, or no files at all."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import feather, parquet

import edgewise as ew

from .attempts import Attempt, Random, kind
from .damage import csv_text, damaged
from .frames import frame, matrix
from .kinds_networks import QUICK, sample
from .values import NAMES, junk, names, numbers, pick, shown

METHODS = ("lm", "adam", "lbfgs")


def bytes_of(net: ew.KAN, folder: Path) -> bytes:
    """A model file's content."""
    path = folder / "whole.kan"
    ew.save(net, path)
    content = path.read_bytes()
    path.unlink()
    return content


@kind("load", 1800)
def load(random: Random, folder: Path) -> Attempt:
    whole = bytes_of(sample(int(random.integers(4))), folder)
    content = damaged(random, whole) if random.random() < 0.95 else random.bytes(int(random.integers(200)))
    path = folder / pick(random, ("model.kan", "µ.kan", "a b.KAN", "model"))
    path.write_bytes(content)

    def unchanged(net: ew.KAN) -> str:
        """What was read from a damaged file must be what was saved, to the bit."""
        ew.save(net, folder / "again.kan")
        return (
            ""
            if (folder / "again.kan").read_bytes() == whole
            else "a damaged file was read as another network"
        )

    return Attempt(
        lambda: ew.load(path), judge=unchanged, mentions=(path.name,), writes=("again.kan",), what=path.name
    )


@kind("save and load paths", 150)
def paths(random: Random, folder: Path) -> Attempt:
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "link").symlink_to("target.kan")
    (folder / "dangling").symlink_to("nowhere/m.kan")
    path: Any = pick(
        random,
        (
            "folder",
            "loop",
            "link",
            "dangling",
            "no/such/m.kan",
            "",
            ".",
            "..",
            "/",
            "a" * 256,
            "\x00",
            "/dev/null",
            "/proc/self/mem",
            "/proc/nope",
            "m.kan/",
            "~",
            "m\n.kan",
            "\ud800.kan",
            junk(random),
            b"m.kan",
            0,
            1,
        ),
    )
    load_it = random.random() < 0.5
    if (
        load_it
        and isinstance(path, (str, int))
        and path in ("/dev/null", 0, 1)
        and not isinstance(path, bool)
    ):
        path = "folder"
    writes = ("target.kan", "m.kan", *((path,) if isinstance(path, str) else ()))
    call: Callable[[], Any] = (lambda: ew.load(path)) if load_it else (lambda: ew.save(sample(0), path))
    return Attempt(
        call, writes=() if load_it else writes, what=f"{'load' if load_it else 'save'} {shown(path)}"
    )


@kind("checkpoint", 150)
def checkpoint(random: Random, folder: Path) -> Attempt:
    path = folder / "fit.checkpoint"
    method = pick(random, METHODS)
    path.write_bytes(damaged(random, _checkpoint(method)))
    table = np.random.default_rng(0).uniform(-1, 1, (45, 2))
    options = {**QUICK, "method": method, "checkpoint": path}
    return Attempt(
        lambda: ew.fit(ew.KAN([2, 1], seed=0), table, table[:, 0] ** 2, **options),
        mentions=(path.name,),
        writes=(path.name,),
        what=method,
    )


@cache
def _checkpoint(method: str) -> bytes:
    table = np.random.default_rng(0).uniform(-1, 1, (45, 2))
    path = Path("sample.checkpoint")
    ew.fit(ew.KAN([2, 1], seed=0), table, table[:, 0] ** 2, **QUICK, method=method, checkpoint=path)
    content = path.read_bytes()
    path.unlink()
    return content


def table_file(random: Random, folder: Path) -> Path:
    """A hostile table on disk, in one of the formats."""
    way = int(random.integers(10))
    if way < 5:
        path = folder / pick(
            random,
            (
                *["table.csv"] * 6,
                "table.txt",
                "table",
                "t b.csv",
                "table.csv.gz",
                "table.parquet",
                "table.feather",
                "µ.tsv",
            ),
        )
        path.write_bytes(csv_text(random))
        return path
    rows = int(pick(random, (0, 1, 12, 30)))
    made = numbers(random, rows, int(pick(random, (1, 2, 3))))
    try:
        table = frame(random, made, "arrow")
    except (pa.ArrowException, OverflowError, TypeError, ValueError, UnicodeEncodeError):
        table = pa.table({"x": made[:, 0]})
    sink = io.BytesIO()
    suffix = pick(random, (".parquet", ".feather"))
    try:
        if suffix == ".parquet":
            parquet.write_table(table, sink)
        else:
            feather.write_feather(table, sink, compression=pick(random, ("uncompressed", "lz4", "zstd")))
    except (pa.ArrowException, UnicodeEncodeError):
        sink.write(b"PAR1")
    content = sink.getvalue()
    path = folder / f"table{suffix if random.random() < 0.9 else pick(random, ('.csv', '', '.pq', '.arrow'))}"
    path.write_bytes(damaged(random, content) if way < 8 else content)
    return path


def usable(table: ew.Table) -> str:
    """A table that was read has named columns of one length."""
    lengths = {len(values) for values in table.columns.values()}
    return (
        "" if lengths == {table.n_rows} and table.n_rows > 0 and repr(table) else "the table is not a table"
    )


@kind("read_table", 900)
def read_table(random: Random, folder: Path) -> Attempt:
    path = table_file(random, folder)
    return Attempt(lambda: ew.read_table(path), judge=usable, mentions=(path.name,), what=path.name)


@kind("read_table paths", 60)
def read_paths(random: Random, folder: Path) -> Attempt:
    path = pick(
        random,
        (".", "/", "", "nope.csv", "/dev/null", "/proc/self/mem", "\x00", "a" * 256, "\ud800", junk(random)),
    )
    return Attempt(lambda: ew.read_table(path), what=shown(path))


@kind("to_table", 300)
def to_table(random: Random, folder: Path) -> Attempt:
    rows = int(pick(random, (0, 1, 2, 10)))
    data = matrix(random, rows, 2)
    if random.random() < 0.7:
        data = frame_of(random, rows)
    target = pick(random, (*names(random, 2), junk(random)))

    def call() -> Any:
        table = ew.data.to_table(data)
        names_of = table.names
        table.features(target if random.random() < 0.2 else names_of[0])
        return table

    return Attempt(call, given=(data,), judge=usable, what=type(data).__name__)


def frame_of(random: Random, rows: int) -> Any:
    """A hostile data frame, or numbers where no frame can hold such columns."""
    try:
        return frame(random, numbers(random, rows, 3), pick(random, ("pandas", "polars", "arrow", "mapping")))
    except Exception:  # the libraries have errors of their own for what they cannot hold
        return {pick(random, NAMES): [1.0] * rows}


@kind("write_table", 60)
def write_table(random: Random, folder: Path) -> Attempt:
    table = ew.data.to_table(
        {
            pick(random, ("x", "µ", "a,b", 'q"', "\u200b")): [1.0, float("nan"), 1e300],
            "s": ["a", 'b"\n', None],
        }
    )
    path = pick(
        random, ("out.csv", "out.parquet", ".", "no/such/out.csv", "", "\x00", "a" * 256, junk(random))
    )
    return Attempt(
        lambda: ew.data.write_table(table, path),
        writes=(path,) if isinstance(path, str) else (),
        what=shown(path),
    )
