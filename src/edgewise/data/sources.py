"""Bytes in, from a file or standard input, unpacked and known by their hash; and as UTF-8 text whose lines are rows."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import sys
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError, on_a_line

STANDARD_INPUT = "-"
# What a file must do.
A_TABLE = "be a CSV, Excel, Parquet or Feather file"

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
        raise InputError(subject=name, expected=A_TABLE, got=what, advice=advice)
    return SourceBytes(name, content, hashlib.sha256(raw).hexdigest(), packing or "")


def _read(file: Path) -> bytes:
    try:
        folder = file.is_dir()
        if not folder:
            return file.read_bytes()
    except FileNotFoundError:
        raise InputError(f"The file {on_a_line(str(file))} does not exist; check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"The file {short(str(file))} cannot be read: {reason}.") from None
    raise InputError(subject=file, expected=A_TABLE, got="a folder")


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


COMMENT = b"#"
# Text holds none of these.
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")
# Characters beyond ASCII with their neighbours, and those that stand alone.
_RUN = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+[\x00-\x7f]?")
_SIGNS = "°µ£€¥¢²³¹±·½¼¾§®©×÷…–—‘’“”«»\u00a0"
# The byte 0xFF, which fills files that are no text; no word begins with it.
_NEVER_ALONE = "ÿ"
# The start of a file, which shows how it is written.
SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Text:
    """A table as UTF-8 text.

    Attributes
    ----------
    content : lines of cells, without comments and byte-order mark
    heading : the last line of comment before the first row, which may hold the names
    unusual : what was undone, in words
    """

    content: bytes
    heading: str = ""
    unusual: tuple[str, ...] = ()


def as_text(content: bytes, name: str) -> Text:
    """The text of a file as far as its first bytes show: UTF-8, UTF-16 with a mark, or no text at all."""
    if content.startswith(codecs.BOM_UTF8):
        content = content[len(codecs.BOM_UTF8) :]
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise InputError(
                subject=name, expected="be text", got="damaged UTF-16", advice="save it as UTF-8"
            ) from None
    if _CONTROL.search(content[:SAMPLE_BYTES]):
        raise InputError(
            subject=name,
            expected=A_TABLE,
            got="a file that is none of them",
        )
    return Text(content)


def of_single_bytes(text: Text, name: str) -> Text:
    """Text that is no UTF-8 taken for Windows-1252, which Latin-1 is a part of; refused where it is damaged UTF-8.

    Latin letters are followed by plain ones, so that they hardly ever form what UTF-8 would have.
    """
    valid = text.content.decode("utf-8", "ignore")
    try:
        if not valid.isascii():
            raise UnicodeError
        latin = text.content.decode("cp1252")
        runs = _RUN.findall(latin)
        if 2 * sum(map(_is_plausible, runs)) <= len(runs):
            raise UnicodeError
        content = latin.encode()
    except UnicodeError:
        line = _first_bad_line(text.content)
        raise InputError(
            subject=name,
            expected="be UTF-8 text",
            got=f"bytes in line {line} that are neither UTF-8 nor words in Latin-1",
            advice="save it as UTF-8",
        ) from None
    return replace(text, content=content, unusual=(*text.unusual, "Latin-1 (Windows-1252) rather than UTF-8"))


def without_comments(text: Text) -> Text:
    """The text without its lines of comment, which begin with #.

    Where most lines begin so, # is a part of the data (as in codes of colours), and so it is below the first row in a
    column of words.
    """
    content = text.content
    if not content.lstrip().startswith(COMMENT) and b"\n" + COMMENT not in content:
        return text
    lines = content.splitlines(keepends=True)
    rows = [line for line in lines if line.strip() and not line.lstrip().startswith(COMMENT)]
    remarks = [line for line in lines if line.lstrip().startswith(COMMENT)]
    if not rows or (len(rows) < len(remarks) and _leading(lines) != len(remarks)):
        return text
    kept: list[bytes] = []
    heading, quoted, count, begun = "", False, 0, False
    words = any(line[:1].isalpha() for line in rows[1:])
    for line in lines:
        remark = line.lstrip().startswith(COMMENT) and not quoted
        if remark and not (begun and words):
            count += 1
            if not begun:
                heading = line.decode("utf-8", "replace").strip()
            continue
        begun = begun or bool(line.strip())
        quoted ^= line.count(b'"') % 2 == 1
        kept.append(line)
    if not count:
        return text
    note = f"{plural(count, 'line')} beginning with # left out as comments"
    return Text(b"".join(kept), heading, (*text.unusual, note))


def between_blanks(text: Text) -> Text:
    """A table whose cells are separated by white space as one with tabs."""
    rows = blank_separated(text.content.decode("utf-8", "replace"))
    stream = io.StringIO()
    csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(rows)
    return replace(text, content=stream.getvalue().encode())


def blank_separated(lines: str) -> list[list[str]]:
    """The cells of every line that is not blank, cut at runs of white space outside quotes."""
    plain = [line.replace("\t", " ").strip() for line in lines.splitlines() if line.strip()]
    return list(csv.reader(plain, delimiter=" ", skipinitialspace=True))


def _is_plausible(run: str) -> bool:
    """Whether characters beyond ASCII, with their neighbours, are letters of a word, common signs or a cell of one letter.

    Of a character of UTF-8 that is cut off at the end of a file one letter is left, too; none follows it.
    """
    foreign = "".join(char for char in run if not char.isascii())
    if any(map(str.isalpha, filter(str.isascii, run))) or not foreign.strip(_SIGNS):
        return True
    alone = len(foreign) == 1 and run[-1].isascii() and not any(map(str.isdigit, run))
    return alone and foreign.isalpha() and foreign not in _NEVER_ALONE


def _leading(lines: list[bytes]) -> int:
    """How many lines of comment come before the first row."""
    count = 0
    for line in lines:
        if line.lstrip().startswith(COMMENT):
            count += 1
        elif line.strip():
            break
    return count


def _first_bad_line(content: bytes) -> int:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content[: error.start].count(b"\n") + 1
    return 1
