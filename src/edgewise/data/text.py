"""Bytes of text as UTF-8 whose lines are rows: other encodings, comments and white space between cells are undone."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, replace

from edgewise._core.checks import plural
from edgewise._core.errors import InputError

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
            expected="be a CSV, Excel, Parquet or Feather file",
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
