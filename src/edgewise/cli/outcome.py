"""How a command ends: its exit code, its one sentence when something was wrong, its files written or refused."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType, TracebackType
from typing import ParamSpec

import typer

from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import EdgewiseError, FileError, InputError
from edgewise._core.files import hands_on
from edgewise._core.plain import visible
from edgewise._core.rows import data_rows
from edgewise._core.stopping import StopReason
from edgewise._core.work import StopError
from edgewise.cli.terminal import say

P = ParamSpec("P")

DONE = 0
REFUTED = 1
BAD_INPUT = 2
# Neither done nor refuted, and no fault of the input.
UNDECIDED = 3
# sysexits.h: an error inside the program. Not 1, which means that a check failed, nor 2, which blames the input.
DEFECT = 70
INTERRUPTED = 130
# The exit code of a program whose reader left; `edgewise predict ... | head` is no error.
READER_LEFT = 141

TRACEBACK = "EDGEWISE_TRACEBACK"
# Typer's complaints about options; newer versions bring a click of their own, so that class is reached through Typer.
_Complaint: type[Exception] = typer.BadParameter.__mro__[2]


def guarded(
    command: Callable[P, None], named: Mapping[str, str] = MappingProxyType({}), *, file_rows: bool = False
) -> Callable[P, None]:
    """A command that ends in an exit code, whatever happens inside it.

    Parameters
    ----------
    command
    named
        What a sentence about an argument of the library is about here, as "The option --cost" of costs.
    file_rows
        Whether the rows that the library is given are those of the file, one for one.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _warned
                command(*args, **kwargs)
        except (typer.Exit, typer.Abort, _Complaint):
            raise
        except InputError as error:
            told = EdgewiseError(refusal(error, named, file_rows=file_rows)).with_traceback(
                error.__traceback__
            )
            raise typer.Exit(ended(told, verbose=bool(kwargs.get("verbose")))) from None
        except (Exception, KeyboardInterrupt) as error:
            raise typer.Exit(ended(error, verbose=bool(kwargs.get("verbose")))) from None

    return run


def refusal(error: InputError, named: Mapping[str, str], *, file_rows: bool = False) -> str:
    """The sentence of a refusal, about the option behind the argument and, where they are known, rows of the file."""
    argument, _, key = error.argument.partition("[")
    subject = named.get(argument, "")
    if error.expected.startswith("name "):  # which the option does, and not the column
        subject = subject.replace("column of", "option")
    if subject and key:
        subject += f" of {key.rstrip(']')}"
    rows = data_rows([row + 1 for row in error.rows]) if file_rows else ""
    return error.sentence(error.subject or subject, rows)


def _warned(message: Warning | str, *_: object) -> None:
    """A warning in its own words; where in the source it stands is of no use here."""
    say(visible(f"Warning: {' '.join(str(message).split())}"), err=True)


def ended(error: BaseException, *, verbose: bool = False) -> int:
    """Say on standard error, in one sentence, what went wrong; the exit code for it."""
    if isinstance(error, BrokenPipeError):
        _silence()
        return READER_LEFT
    if isinstance(error, OSError) and error.filename is None and not isinstance(error, EdgewiseError):
        _silence()
    if verbose or os.environ.get(TRACEBACK, "") not in ("", "0"):
        say("".join(traceback.format_exception(error)).rstrip("\n"), err=True)
    text, code = _sentence(error)
    with contextlib.suppress(OSError):  # nowhere to print it; the exit code still shows it
        say(visible(text), err=True)
    return code


def _silence() -> None:
    """Standard output takes no more: Python would complain once more when it flushes the stream at its end."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):  # no file
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _sentence(error: BaseException) -> tuple[str, int]:
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "Interrupted.", INTERRUPTED
    if isinstance(error, EdgewiseError):
        return f"Error: {error}", BAD_INPUT
    if isinstance(error, _Complaint):
        return f"Error: {_complaint(error)}", BAD_INPUT
    if isinstance(error, MemoryError):
        return (
            "Error: The work needs more memory than this machine gives; take fewer rows or columns.",
            BAD_INPUT,
        )
    if isinstance(error, OSError) and error.filename is not None:
        return f"Error: The file {error.filename} cannot be used: {error.strerror or error}.", BAD_INPUT
    if isinstance(error, OSError) and error.errno is not None:  # of a stream, which has no name
        return f"Error: The output cannot be written: {error.strerror or error}.", BAD_INPUT
    words = " ".join(str(error).split())
    if len(words) > 200:
        words = words[:197] + "..."
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    cure = f"run the command again with --verbose, or with {TRACEBACK}=1 set, for the details to report"
    return f"Error: edgewise met a defect of its own ({what}); {cure}.", DEFECT


def _complaint(error: Exception) -> str:
    """Typer's message about the options, on one line, and where to look."""
    message: str = getattr(error, "format_message", lambda: str(error))()
    message = " ".join(message.split()).rstrip(".")
    context = getattr(error, "ctx", None)
    where = "edgewise" if context is None else context.command_path
    commands = getattr(getattr(context, "command", None), "commands", {})
    if wrong := re.match(
        r"No such command '([^']*)'$", message
    ):  # newer versions of Typer suggest one themselves
        message += did_you_mean(wrong[1], commands)
    # Arguments of any length are repeated.
    message = re.sub(r"\S{81,}", lambda word: f"{word[0][:77]}...", message)
    message = message if len(message) <= 220 else f"{message[:217]}..."
    return f"{message}{'' if message.endswith('?') else ';'} `{where} --help` shows what there is."


class Interrupts:
    """Takes Ctrl-C as a wish to end with what there is; a second one ends at once.

    An exception may strike anywhere, also where nothing can be saved yet. So the first Ctrl-C only sets a mark, which
    ends training where it calls back, for there it knows what to do: give the object to `fit` and its kin as a callback.
    SIGTERM, by which schedulers ask a program to end, counts as Ctrl-C.
    """

    def __init__(self) -> None:
        self.happened = False
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __call__(self, record: object) -> None:
        """End the training that calls back, once there was a Ctrl-C."""
        if self.happened:
            raise StopError(StopReason.INTERRUPTED)

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        if self.happened and isinstance(
            value, InputError
        ):  # there is nothing yet to end with: no fault of the input
            say(f"Error: {value}", err=True)
            raise typer.Exit(INTERRUPTED) from None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.happened:
            raise KeyboardInterrupt
        self.happened = True
        # Not through a stream object: the handler may run in the middle of a write to it.
        os.write(2, b"\nStopping with the best so far; Ctrl-C once more leaves at once.\n")


# What --plot writes.
PICTURES = (".png", ".svg")


def refuse_to_overwrite(
    paths: Iterable[Path | None], force: bool, *, plot: Path | None = None, folder: Path | None = None
) -> None:
    """Stop before any work is done where a result would replace a file or has no place.

    Parameters
    ----------
    paths
        Files to write; None is none.
    force
        Whether they may exist.
    plot
        One more, which must be a picture that can be drawn.
    folder
        Is yet to be made.
    """
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise InputError(
            subject="The file of --plot", expected=f"end in {' or '.join(PICTURES)}", got=short(plot.name)
        )
    paths = [path for path in (*paths, plot) if path is not None]
    for path in paths:
        if path != STANDARD_OUTPUT and path.parent != folder and not path.parent.is_dir():
            raise FileError(f"The file {path} cannot be written: its folder does not exist; make it first.")
    taken = [path for path in paths if os.path.lexists(path) and not hands_on(path)]
    if folders := [path for path in taken if path.is_dir()]:
        raise InputError(
            subject=folders[0],
            expected="be the name of a file",
            got="a folder there",
            advice="choose another place",
        )
    if taken and not force:
        raise InputError(
            subject=" and ".join(map(str, taken)),
            expected="not exist yet",
            got=f"{('files' if len(taken) > 1 else 'a file')} there",
            advice="choose another place, or give --force to overwrite",
        )


# As a file to write to: standard output.
STANDARD_OUTPUT = Path("-")


def to_standard_output(path: Path | None, *, json: bool) -> bool:
    """Whether a result is to go to standard output, which then holds nothing else."""
    if path != STANDARD_OUTPUT:
        return False
    if json:
        raise InputError(
            subject="Standard output",
            expected="be for one result",
            got="- beside --json",
            advice="name a file instead",
        )
    return True


def refuse_short(source: str, rows: int, least: int) -> None:
    """Stop where a table has too few rows for anything to be learned and judged."""
    if rows < least:
        raise InputError(
            subject=source,
            expected=f"have at least {least} rows",
            got=rows,
            advice="a formula for fewer would mean nothing",
        )


# How files are named that commands write.
_FILES = (".kan", ".html", ".csv", ".json", ".parquet", ".png")


def make_folder(path: Path) -> None:
    """Create a folder for results, or report why it cannot be."""
    if path == STANDARD_OUTPUT:
        raise InputError(
            subject="The place of several files",
            expected="be a folder",
            got="-, standard output",
            advice="name a folder with --out",
        )
    if path.suffix in _FILES and not path.exists():
        raise InputError(
            subject="The place of several files",
            expected="be a folder",
            got=f"{short(path.name)}, which is named like one file",
            advice=f"name the folder, as in --out {path.stem}",
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"The folder {path} cannot be created: {error.strerror or error}.") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise FileError(f"The folder {path} cannot be written to; choose another place with --out.")
