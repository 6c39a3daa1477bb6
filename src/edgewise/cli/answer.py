"""What came of a command, and the one way in which it is delivered."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from edgewise.cli.options import Request
from edgewise.cli.outcome import DONE, INTERRUPTED, Interrupts
from edgewise.cli.terminal import print_bytes, print_json, say, tell_files


@dataclass(frozen=True)
class Answer:
    """What came of a command.

    Attributes
    ----------
    data : what --json prints, as plain data or as JSON; a function makes it where that takes time
    text : what a person reads instead: lines, or a function that prints them
    content : a file for standard output, which then holds nothing else; the text goes to standard error
    files : what was written
    remark : more for a person, on standard error
    warnings : what even --quiet leaves there
    code : the exit code
    """

    data: Any = None
    text: str | Callable[[], None] = ""
    content: bytes | None = None
    files: Sequence[Path] = ()
    remark: str = ""
    warnings: Sequence[str] = ()
    code: int = DONE


def deliver(answer: Answer, asked: Request) -> None:
    """Print an answer as it was asked for, and leave with its exit code unless all is well."""
    tell_files(answer.files, quiet=asked.quiet)
    printed = answer.content is not None
    if answer.content:
        print_bytes(answer.content)
    if asked.json and not printed:
        data = answer.data() if callable(answer.data) else answer.data
        print_json(data if isinstance(data, str) else to_json(data))
    elif callable(answer.text):
        answer.text()
    elif answer.text:
        say(answer.text, err=printed)
    for line in (*answer.warnings, *([] if asked.quiet or not answer.remark else [answer.remark])):
        say(line, err=True)
    if answer.code != DONE:
        raise typer.Exit(answer.code)


def code_of(interrupts: Interrupts, code: int = DONE) -> int:
    """The exit code of work that Ctrl-C may have ended."""
    return INTERRUPTED if interrupts.happened else code


def to_json(data: Any) -> str:
    """Strict JSON: what is no finite number becomes null."""
    return json.dumps(_plain(data), indent=2, allow_nan=False, ensure_ascii=False)


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return list(map(_plain, data))
    return None if isinstance(data, float) and not math.isfinite(data) else data
