"""Bytes in: a file, a pipe or standard input, unpacked where it is compressed, and known by its hash."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from edgewise._core.checks import short
from edgewise._core.errors import InputError

STANDARD_INPUT = "-"

T = TypeVar("T")

# First bytes of what Arrow unpacks.
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
# First bytes of what people hand over in place of a table, and what helps.
_OTHERS = {
    b"FEA1": ("a Feather file of version 1", "write it anew"),
    b"\xfd7zXZ": ("an xz archive", "unpack it with `xz -d`"),
    b"7z\xbc\xaf": ("a 7z archive", "unpack it"),
    b"\x89HDF": ("an HDF5 file", "write the table as Parquet or CSV"),
    b"SQLite format 3": ("a database", "export the table as CSV"),
    b"\x89PNG": ("a picture", "give the table itself"),
    b"%PDF": ("a PDF document", "give the table itself"),
    b"\x93NUMPY": ("a numpy array", "write it as CSV with numpy.savetxt"),
    b"\x80\x04\x95": ("a pickle, which could run code", "write the table as Parquet or CSV"),
    b"\x80\x05\x95": ("a pickle, which could run code", "write the table as Parquet or CSV"),
}


@dataclass(frozen=True)
class SourceBytes:
    """Unpacked bytes and where they came from.

    Attributes
    ----------
    name : the file's name, for messages and reports
    content : the bytes, unpacked
    fingerprint : SHA-256 of the bytes as they came, in hexadecimal
    packing : how they were compressed, or nothing
    """

    name: str
    content: bytes
    fingerprint: str
    packing: str = ""


def open_source(path: str | PathLike[str]) -> SourceBytes:
    """All bytes of a file, or of standard input where the path is "-"."""
    try:
        place = fspath(path)
    except TypeError:
        place = b""
    if not isinstance(place, str):
        raise InputError(argument="path", expected="be the path of a file", got=short(path))
    if place == STANDARD_INPUT:
        name, raw = "standard input", sys.stdin.buffer.read()
        if not raw:
            raise InputError(subject="Standard input", expected="hold a table", got="nothing")
    else:
        file = Path(place)
        name, raw = file.name, _read(file)
    packing = _kind(raw, _COMPRESSED)
    content = raw if packing is None else _unpack(raw, packing, name)
    if other := _kind(content, _OTHERS):
        what, advice = other
        raise InputError(
            subject=name, expected="be a CSV, Excel, Parquet or Feather file", got=what, advice=advice
        )
    return SourceBytes(name, content, hashlib.sha256(raw).hexdigest(), packing or "")


def _read(file: Path) -> bytes:
    try:
        folder = file.is_dir()
        if not folder:
            return file.read_bytes()
    except FileNotFoundError:
        raise InputError(f"The file {file} does not exist; check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"The file {short(str(file))} cannot be read: {reason}.") from None
    raise InputError(subject=file, expected="be a CSV, Excel, Parquet or Feather file", got="a folder")


def _kind(content: bytes, kinds: dict[bytes, T]) -> T | None:
    return next((kind for start, kind in kinds.items() if content.startswith(start)), None)


def _unpack(raw: bytes, packing: str, name: str) -> bytes:
    try:
        with pa.CompressedInputStream(pa.BufferReader(raw), packing) as stream:
            content: bytes = stream.read()
    except (OSError, pa.ArrowException, EOFError) as error:
        raise InputError(f"The file {name} cannot be read: {first_line(error)}.") from None
    if not content:
        raise InputError(subject=name, expected="hold a table", got="an empty file")
    return content


def first_line(error: Exception) -> str:
    """The first line of another library's message, without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
