"""How a command ends: its exit code, its one sentence when the input was bad, its files written or refused."""

from __future__ import annotations

import functools
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import ParamSpec

import typer

from edgewise._core.errors import EdgewiseError, FileError, InputError

P = ParamSpec("P")

BAD_INPUT = 2
INTERRUPTED = 130


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """A command that ends bad input in one sentence on standard error, and an interruption without a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except EdgewiseError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return run


class Interrupts:
    """Remembers Ctrl-C.

    `fit` and its kin answer an interruption with the best they have, so the exception alone does not tell the job that the
    user wants to leave.
    """

    def __init__(self) -> None:
        self.happened = False
        self._before: Callable[[int, FrameType | None], object] | int | None = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.happened = True
        raise KeyboardInterrupt


def refuse_to_overwrite(paths: Iterable[Path], force: bool) -> None:
    """Stop before any work is done where a result would replace a file."""
    taken = [str(path) for path in paths if path.exists()]
    if taken and not force:
        raise InputError(
            f"{' and '.join(taken)} must not exist yet. Got {'files' if len(taken) > 1 else 'a file'} there instead; "
            "choose another place, or give --force to overwrite."
        )


def refuse_short(source: str, rows: int, least: int) -> None:
    """Stop where a table has too few rows for anything to be learned and judged."""
    if rows < least:
        raise InputError(
            f"{source} must have at least {least} rows. Got {rows} instead; a formula for fewer would say nothing."
        )


def make_folder(path: Path) -> None:
    """Create a folder for results, or say why it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"The folder {path} cannot be created: {error.strerror or error}.") from None


def print_json(text: str) -> None:
    """Machine-readable results; the only thing a command with --json writes to standard output."""
    sys.stdout.write(text.rstrip("\n") + "\n")
