"""A dataset as batches that come in one order, each time from whichever batch is asked for: in constant memory.

pyarrow's dataset reader reads ahead and keeps what it has read (github.com/apache/arrow/issues/39808); here one file is
open at a time, one row group of it is read at a time, nothing is buffered ahead.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.csv
import pyarrow.fs
import pyarrow.parquet

from edgewise._core.arguments import place_among
from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import as_path, shown

csv: Any = pyarrow.csv
fs: Any = pyarrow.fs
parquet: Any = pyarrow.parquet

Batch: TypeAlias = Any
"""A pyarrow.Table of so many rows at most."""

ROWS_OF_BATCH = 65_536
# Rows of a leaf at least: what one worker counts without a break, the same however many workers there are.
ROWS_OF_LEAF = 262_144
# Bytes of text that are parsed at once.
BLOCK = 1 << 24
_SUFFIXES = (".parquet", ".pq", ".csv", ".tsv")


@dataclass(frozen=True)
class FilePart:
    """One file, or some row groups of it.

    Attributes
    ----------
    path : str
    groups : mapping of numbers of row groups to rows, or None
        None where only reading shows it.
    """

    path: str
    groups: Mapping[int, int] | None

    @cached_property
    def rows(self) -> tuple[int, ...] | None:
        """How many rows its batches have; None where only reading shows it."""
        if self.groups is None:
            return None
        return tuple(
            min(ROWS_OF_BATCH, count - begin)
            for count in self.groups.values()
            for begin in range(0, count, ROWS_OF_BATCH)
        )


@dataclass(frozen=True, eq=False)
class Source:
    """Files of one schema.

    Attributes
    ----------
    parts : tuple of FilePart
    schema : pyarrow.Schema
        Of the first file, which the others have to follow.
    filesystem : pyarrow.fs.FileSystem
    """

    parts: tuple[FilePart, ...]
    schema: Any
    filesystem: Any

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(self.schema.names)

    @property
    def rows(self) -> int | None:
        """Rows in all; None where only reading shows it."""
        counts = [part.rows for part in self.parts]
        return None if None in counts else sum(sum(rows) for rows in counts if rows is not None)

    def share(self, rank: int, workers: int) -> Source:
        """The part of one of so many workers: every so many-th row group, of text every so many-th file."""
        parts, number = list[FilePart](), 0
        for part in self.parts:
            groups = part.groups
            if groups is None:
                parts += [part] if number % workers == rank else []
                number += 1
                continue
            own = {group: rows for group, rows in groups.items() if (number + group) % workers == rank}
            parts += [FilePart(part.path, own)] if own else []
            number += len(groups)
        return replace(self, parts=tuple(parts))

    @cached_property
    def leaves(self) -> tuple[Source, ...]:
        """The rows in pieces: row groups next to each other, of text whole files."""
        found, parts, count = list[Source](), list[FilePart](), 0
        for part in self.parts:
            # A file whose rows are not known ends the leaf before it, and is one.
            for group, rows in [(None, ROWS_OF_LEAF)] if part.groups is None else part.groups.items():
                if group is None and parts:
                    found.append(replace(self, parts=tuple(parts)))
                    parts, count = [], 0
                parts.append(FilePart(part.path, None if group is None else {group: rows}))
                count += rows
                if count >= ROWS_OF_LEAF:
                    found.append(replace(self, parts=tuple(parts)))
                    parts, count = [], 0
        return (*found, replace(self, parts=tuple(parts))) if parts else tuple(found)

    def one_in(self, count: int) -> Source:
        """Every so many-th leaf."""
        return replace(self, parts=tuple(part for leaf in self.leaves[::count] for part in leaf.parts))

    def counted(
        self, columns: Sequence[str], start: int, rank: int, workers: int
    ) -> Iterator[tuple[int, Batch]]:
        """Batches of the leaves of one of so many workers, with the number of each one's leaf, from batch `start` on."""
        number, count = 0, len(self.leaves)
        for leaf in range(rank * count // workers, (rank + 1) * count // workers):
            own = self.leaves[leaf]
            batches = own.count
            if batches is not None and number + batches <= start:
                number += batches
                continue
            skipped = 0 if batches is None else max(start - number, 0)
            for number, batch in enumerate(own.batches(columns, skipped), number + skipped + 1):  # noqa: B020
                if number > start:
                    yield leaf, batch

    @property
    def blocks(self) -> int | None:
        """Blocks of rows that are shuffled together; None where only reading shows it."""
        counts = [part.rows for part in self.parts]
        if None in counts:
            return None
        blocks = held = 0
        for rows in (row for part in self.parts for row in part.rows or ()):
            held = 0 if held + rows >= ROWS_OF_LEAF else held + rows
            blocks += held == 0
        return blocks + (held > 0)

    def in_blocks(self, columns: Sequence[str]) -> Iterator[list[Batch]]:
        """The batches block by block."""
        held, rows = list[Batch](), 0
        for batch in self.batches(columns):
            held, rows = [*held, batch], rows + batch.num_rows
            if rows >= ROWS_OF_LEAF:
                yield held
                held, rows = [], 0
        if held:
            yield held

    @property
    def count(self) -> int | None:
        """Batches in all; None where only reading shows it."""
        counts = [part.rows for part in self.parts]
        return None if None in counts else sum(len(rows) for rows in counts if rows is not None)

    @property
    def fingerprint(self) -> str:
        """What the files are, their sizes and times of change included: of other files nothing is gone on with."""
        infos = self.filesystem.get_file_info([part.path for part in self.parts])
        files = [(info.path, info.size, str(info.mtime_ns)) for info in infos]
        return hashlib.sha256(json.dumps([files, str(self.schema)]).encode()).hexdigest()

    def only(self, names: Sequence[str]) -> Source:
        """The same with some of the columns."""
        return replace(self, schema=pa.schema([self.schema.field(name) for name in names]))

    def check_column(self, name: Any, argument: str) -> str:
        """A column's name, or one sentence that there is none of that name."""
        place = place_among(name, self.names)
        if place is None:
            raise InputError(
                argument=argument,
                expected=f"name a column of the dataset ({among(self.names)})",
                got=f"{short(name)}{did_you_mean(name, self.names)}",
            )
        return self.names[place]

    def batches(self, columns: Sequence[str], start: int = 0) -> Iterator[Batch]:
        """Batches of some columns, from batch number `start` on.

        Raises
        ------
        FileError
            If a file is damaged, or its columns are not those of the first.
        InputError
            If it has no such column.
        """
        if absent := [name for name in columns if name not in self.schema.names]:
            raise InputError(
                subject="The dataset",
                expected=f"have the column {short(absent[0], 40)}",
                got=f"one with {among(self.schema.names)}{did_you_mean(absent[0], self.schema.names)}",
            )
        number = 0
        for part in self.parts:
            if part.rows is not None and number + len(part.rows) <= start:
                number += len(part.rows)
                continue
            for batch in self._read(part, columns, max(start - number, 0)):
                if number >= start:
                    yield batch
                number += 1

    def _read(self, part: FilePart, columns: Sequence[str], skipped: int) -> Iterator[Batch]:
        """All batches of a file; of the first `skipped` the rows need not be read."""
        with _said(part.path):
            if _is_text(part.path):
                yield from self._texts(part.path, columns)
                return
            with self.filesystem.open_input_file(part.path) as opened:
                words = [field.name for field in self.schema if _is_words(field.type)]
                # Sums of pages, where they were written, tell damage that would else be read as other numbers.
                file = parquet.ParquetFile(
                    opened, pre_buffer=False, read_dictionary=words, page_checksum_verification=True
                )
                for group, held in (part.groups or {}).items():
                    count = -(-held // ROWS_OF_BATCH)
                    if skipped >= count:
                        skipped -= count
                        yield from [None] * count
                        continue
                    skipped = 0
                    yield from _whole(
                        file.iter_batches(ROWS_OF_BATCH, row_groups=[group], columns=list(columns)), columns
                    )

    def _texts(self, path: str, columns: Sequence[str]) -> Iterator[Batch]:
        kinds = {name: self.schema.field(name).type for name in columns}
        with self.filesystem.open_input_stream(path) as stream:
            options = csv.ConvertOptions(
                include_columns=list(columns), column_types=kinds, strings_can_be_null=True
            )
            yield from _whole(_opened(stream, path, options), columns)


def open_source(paths: str | os.PathLike[str] | Sequence[str], filesystem: Any = None) -> Source:
    """The files that a path, a glob, a folder or a list of paths names, in the order of their names.

    Parameters
    ----------
    paths : str, path or sequence of str
    filesystem : pyarrow.fs.FileSystem, optional
        Where they are; by default this machine.

    Raises
    ------
    FileError
        If there are none, one cannot be read, or its columns are not those of the first.
    """
    filesystem = fs.LocalFileSystem() if filesystem is None else filesystem
    one = isinstance(paths, (str, os.PathLike))
    files = _found(paths, filesystem) if one else [str(as_path(path, "paths")) for path in paths]
    if not files:
        raise FileError(f"There is no file {short(os.fspath(paths))}; name a file, a folder or a pattern.")  # pyright: ignore
    parts, first = list[FilePart](), None
    for path in files:
        with _said(path):
            groups, schema = _looked_at(path, filesystem)
        first = schema if first is None else first
        _check_schema(first, files[0], schema, path)
        parts.append(FilePart(path, groups))
    return Source(tuple(parts), first, filesystem)


def _found(path: str | os.PathLike[str], filesystem: Any) -> list[str]:
    name = os.fspath(path)
    if isinstance(filesystem, fs.LocalFileSystem):
        if os.path.isdir(name):
            return [
                item for item in sorted(glob.glob(os.path.join(name, "**"), recursive=True)) if _is_data(item)
            ]
        return [name] if os.path.exists(name) else sorted(glob.glob(name, recursive=True))
    info = filesystem.get_file_info(name)
    if info.type == fs.FileType.Directory:
        every = filesystem.get_file_info(fs.FileSelector(name, recursive=True))
        return sorted(item.path for item in every if _is_data(item.path))
    return [name] if info.type == fs.FileType.File else []


def _is_data(path: str) -> bool:
    return path.lower().removesuffix(".gz").endswith(_SUFFIXES)


def _is_text(path: str) -> bool:
    return path.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def _looked_at(path: str, filesystem: Any) -> tuple[dict[int, int] | None, Any]:
    """Rows of the row groups of a file, where its footer states them, and its schema."""
    if _is_text(path):
        with filesystem.open_input_stream(path) as stream:
            return None, _opened(stream, path, csv.ConvertOptions(strings_can_be_null=True)).schema
    with filesystem.open_input_file(path) as opened:
        file = parquet.ParquetFile(opened, pre_buffer=False)
        groups = {k: file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)}
        return groups, file.schema_arrow


def _opened(stream: Any, path: str, options: Any) -> Any:
    tabs = csv.ParseOptions(delimiter="\t" if path.lower().removesuffix(".gz").endswith(".tsv") else ",")
    return csv.open_csv(stream, csv.ReadOptions(block_size=BLOCK), tabs, options)


def _whole(batches: Any, columns: Sequence[str]) -> Iterator[Batch]:
    for batch in batches:
        table = pa.Table.from_batches([batch]).select(list(columns))
        for begin in range(0, table.num_rows, ROWS_OF_BATCH):
            yield table.slice(begin, ROWS_OF_BATCH)


def kind_of(kind: Any) -> str:
    """What the cells of a column are: number, bool, date or text."""
    if pa.types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date"
    return "text" if _is_words(kind) else "nothing" if pa.types.is_null(kind) else str(kind)


def _is_words(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _check_schema(first: Any, first_path: str, schema: Any, path: str) -> None:
    """All columns of the first file are there, and hold what they hold there."""
    for field in first:
        if field.name not in schema.names:
            raise FileError(
                f"The file {path} must have the columns of {first_path}. Got one without {short(field.name, 40)} "
                "instead; leave it out, or write it anew."
            )
        own, known = kind_of(schema.field(field.name).type), kind_of(field.type)
        if "nothing" not in (own, known) and own != known:
            raise FileError(
                f"Column {short(field.name, 40)} must hold {known}s in every file, as in {first_path}. Got {own}s in "
                f"{path} instead; convert that file, or leave it out."
            )


@contextmanager
def _said(path: str) -> Generator[None]:
    """Pyarrow's message about a file it cannot read, in one sentence."""
    try:
        yield
    except (FileError, InputError):
        raise
    except FileNotFoundError as error:
        raise FileError(f"The file {shown(Path(path))} cannot be read: there is no such file.") from error
    except (pa.ArrowException, OSError, ValueError) as error:  # a path with half a surrogate pair, too
        reason = " ".join(str(error).split())
        raise FileError(
            f"The file {shown(Path(path))} cannot be read: {short(reason, 120)}. Write it anew, or leave it out of "
            "the dataset."
        ) from error


T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, none of them None, the next one made on a thread of its own while one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, items, None)
        while (item := future.result()) is not None:
            future = pool.submit(next, items, None)
            yield item
