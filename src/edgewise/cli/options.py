"""From a request, a class whose fields are options, to the command that takes it; the options that every command has."""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args, get_type_hints

import typer

from edgewise.cli.config import apply_config
from edgewise.cli.threads import THREADS

# What stands for the value of an option that names a column.
COLUMN = "COLUMN"
_GENERAL = "General options"


@dataclass(frozen=True)
class Wording:
    """How a field is worded on the command line; its long name is that of the field, unless `words` hold one."""

    help: str
    words: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    is_option: bool = True

    def long_word(self, name: str) -> str:
        """The long name of the option of a field."""
        default = f"--{name.replace('_', '-')}"
        return next((word for word in self.words if word.startswith("--")), default)

    def parameter(self, name: str, default: Any) -> Any:
        """What Typer takes for it."""
        # Where nothing is set there is no default to show.
        settings: dict[str, Any] = (
            {"show_default": False} if default in (MISSING, None) else {}
        ) | self.settings
        if not self.is_option:
            return typer.Argument(help=self.help, **settings)
        short = [word for word in self.words if not word.startswith("--")]
        return typer.Option(self.long_word(name), *short, help=self.help, **settings)


def option(help: str, *words: str, **settings: Any) -> Wording:  # noqa: A002
    """An option: its help, its short name, and a long one where it is not that of the field."""
    return Wording(help, words, settings)


def argument(help: str, **settings: Any) -> Wording:  # noqa: A002
    """An argument, which has no name on the command line."""
    return Wording(help, (), settings, is_option=False)


column = partial(option, metavar=COLUMN)
_general = partial(option, rich_help_panel=_GENERAL)


def _set_threads(threads: int | None) -> int | None:
    if threads is not None:
        for name in THREADS:
            os.environ[name] = str(threads)  # read when torch and numpy are loaded, which no command did yet
        if "torch" in sys.modules:
            import torch

            torch.set_num_threads(threads)
    return threads


@dataclass(frozen=True)
class Began:
    """When a command began."""

    wall: float = field(default_factory=lambda: time.monotonic())
    own: float = field(default_factory=lambda: time.process_time())

    @property
    def stretch(self) -> float:
        """How many seconds have passed for each of one core: more than one where other programs run."""
        # A second of each is added, so that short spans count little.
        return max((time.monotonic() - self.wall + 1) / (time.process_time() - self.own + 1), 1.0)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command is asked: a subclass has a field for each argument and option, and the help as its docstring."""

    # Whether the rows that the library is given are those of the file, one for one.
    whole_table: ClassVar[bool] = False

    threads: Annotated[
        int | None,
        _general("Processor threads to use.", min=1, max=1024, callback=_set_threads, show_default="1"),
    ] = None
    quiet: Annotated[bool, _general("No progress or remarks on standard error.", "-q")] = False
    verbose: Annotated[bool, _general("More to read, and a traceback if something breaks.", "-v")] = False
    json: Annotated[bool, _general("Results as JSON on standard output.")] = False
    config: Annotated[
        Path | None,
        _general(
            'Read options from a TOML file: `work = "quick"`, or in a section of the command\'s name.',
            callback=apply_config,
            is_eager=True,
        ),
    ] = None

    began: Began = field(init=False, default_factory=Began)

    def check(self) -> None:
        """Refuse what cannot be done, before anything heavy is loaded."""


def command(request: type[Request], run: Callable[[Any], None]) -> Callable[..., None]:
    """A function for Typer that takes the fields of a request and runs it."""
    parameters = [
        Parameter(
            name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if default is MISSING else default,
            annotation=Annotated[kind, wording.parameter(name, default)],
        )
        for name, kind, wording, default in _worded(request)
    ]

    def asked(**given: Any) -> None:
        made = request(**given)
        made.check()
        run(made)

    asked.__doc__ = inspect.getdoc(request)
    asked.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    asked.__annotations__ = {each.name: each.annotation for each in parameters}
    return asked


def _worded(request: type[Request]) -> Iterator[tuple[str, Any, Wording, Any]]:
    """Name, type, wording and default of each field; those that every request has come last."""
    general = [each.name for each in fields(Request)]
    hints = get_type_hints(request, include_extras=True)
    for each in sorted(
        (each for each in fields(request) if each.init), key=lambda each: each.name in general
    ):
        kind, wording = get_args(hints[each.name])
        yield each.name, kind, wording, each.default


# Arguments of the library that options of another name fill.
_FILLED_BY = {
    "y": "target", "favourable": "target", "sample_weight": "weight", "t": "time", "states": "columns", "rows": "data",
    "bins": "cut", "reference": "reasons", "constraints": "constraint", "costs": "cost", "forms": "only_functions",
    "steps": "bounds", "measure": "command",
}  # fmt: skip


def named_options(request: type[Request]) -> dict[str, str]:
    """What a sentence about an argument of the library is about here: "The option --cost" of costs."""
    worded = list(_worded(request))
    named = {"X": "The table"} if any(name == "data" for name, *_ in worded) else {}
    for name, _, wording, _ in worded:
        if wording.is_option:
            role = "column of" if wording.settings.get("metavar") == COLUMN else "option"
            named[name] = f"The {role} {wording.long_word(name).split('/')[0]}"
    return {argument: named[name] for argument, name in _FILLED_BY.items() if name in named} | named
