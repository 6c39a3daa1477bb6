"""What came of a command, and the one way in which it is delivered."""

from __future__ import annotations

import json as plain_json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import RenderableType
from rich.table import Table

from edgewise.cli.console import console
from edgewise.cli.outcome import DONE, INTERRUPTED, Interrupts
from edgewise.cli.terminal import print_bytes, print_json, print_table, say, tell_files

if TYPE_CHECKING:
    from edgewise.data.arrow import Frame


@dataclass(frozen=True)
class Answer:
    """What came of a command.

    Attributes
    ----------
    data : what --json prints, as plain data or as JSON; a function makes it where that takes time
    text : what a person reads instead: lines, or parts that rich draws, a line of text as it is
    table : what is printed as CSV before the text
    content : a file for standard output, which then holds nothing else; the text goes to standard error
    files : what was written, or a function that writes it
    figure : makes what --plot draws
    remark : more for a person, on standard error
    warnings : what even --quiet leaves there
    code : the exit code
    refusal : what of the question could not be answered, though the rest was
    """

    data: Any = None
    text: str | Iterable[RenderableType] = ""
    table: Frame | None = None
    content: bytes | None = None
    files: Sequence[Path] | Callable[[], Sequence[Path]] = ()
    figure: Callable[[], Any] | None = None
    remark: str = ""
    warnings: Sequence[str] = ()
    code: int = DONE
    refusal: Exception | None = None


def deliver(answer: Answer, *, quiet: bool, json: bool, plot: Path | None) -> None:
    """Print and draw an answer as it was asked for, and leave with its exit code unless all is well."""
    files = [*(answer.files() if callable(answer.files) else answer.files)]
    if plot is not None and answer.figure is not None:
        from edgewise.plots.save import save_figure

        files.append(save_figure(answer.figure(), plot))
    tell_files(files, quiet=quiet)
    printed = answer.content is not None
    if answer.content:
        print_bytes(answer.content)
    if json and not printed and answer.data is not None:
        data = answer.data() if callable(answer.data) else answer.data
        print_json(data if isinstance(data, str) else to_json(data))
    elif not json or printed:
        if answer.table is not None:
            print_table(answer.table)
        _show(answer.text, err=printed)
    for line in (*answer.warnings, *([] if quiet or not answer.remark else [answer.remark])):
        say(line, err=True)
    if answer.refusal is not None:
        raise answer.refusal
    if answer.code != DONE:
        raise typer.Exit(answer.code)


def _show(text: str | Iterable[RenderableType], *, err: bool) -> None:
    if isinstance(text, str):
        if text:
            say(text, err=err)
        return
    # Wide where it is no terminal, so that a file or a pipe gets whole lines.
    shown = console(width=None if sys.stdout.isatty() else 120)
    for part in text:
        shown.print(part, soft_wrap=not isinstance(part, Table), markup=False)


def code_of(interrupts: Interrupts, code: int = DONE) -> int:
    """The exit code of work that Ctrl-C may have ended."""
    return INTERRUPTED if interrupts.happened else code


def to_json(data: Any) -> str:
    """Strict JSON: what is no finite number becomes null."""
    return plain_json.dumps(_plain(data), indent=2, allow_nan=False, ensure_ascii=False)


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return list(map(_plain, data))
    return None if isinstance(data, float) and not math.isfinite(data) else data
