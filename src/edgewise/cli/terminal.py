"""What is printed on a terminal: text from files is shown there, and moves no cursor, paints nothing and forges no line."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgewise._core.plain import visible

if TYPE_CHECKING:
    from edgewise.data.arrow import Frame

# Lines and tabs of our own do no harm.
KEPT = "\n\t"


def say(text: str, *, err: bool = False) -> None:
    """Lines of text, on standard output or standard error."""
    typer.echo(visible(text, KEPT), err=err)


def tell(notes: Iterable[str], *, quiet: bool) -> None:
    """What was decided on the way, on standard error, a line each."""
    for note in () if quiet else notes:
        say(visible(f"Note: {note}"), err=True)


def tell_files(paths: Iterable[Path], *, quiet: bool) -> None:
    """The files that were written and their sizes, on standard error, a line each."""
    for path in () if quiet else paths:
        say(f"{path}  ({path.stat().st_size:,} bytes)", err=True)


def print_json(text: str) -> None:
    """Machine-readable results; the only thing a command with --json writes to standard output."""
    # Outside its strings JSON has nothing that is not seen but spaces and line ends, and in them an escape means the same.
    hidden = (c for c in set(text) if not c.isprintable() and c not in KEPT)
    escapes = {ord(c): json.dumps(c)[1:-1] for c in hidden}
    sys.stdout.write(text.rstrip("\n").translate(escapes) + "\n")


def print_bytes(content: bytes) -> None:
    """A whole file to standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def print_table(table: Frame) -> None:
    """A table as CSV to standard output: to the byte for a file or a program, as what can be seen on a terminal."""
    from edgewise.data import write_frame

    if not sys.stdout.isatty():
        sys.stdout.flush()
        write_frame(table, sys.stdout.buffer)
        return
    content = io.BytesIO()
    write_frame(table, content)
    sys.stdout.write(visible(content.getvalue().decode(), KEPT))
