"""The Typer application: it finds the commands, reads a request, runs it and delivers its answer."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any

import typer

from edgewise._core.version import __version__
from edgewise.cli import commands
from edgewise.cli.answer import deliver
from edgewise.cli.options import Request, command, named_options
from edgewise.cli.outcome import DONE, ended, guarded
from edgewise.cli.terminal import say

_INTRODUCTION = "Networks a person can read: from a table to a small network to its formula."
_EPILOG = "Start with `edgewise demo`; `edgewise COMMAND --help` shows a command's options and examples."
_SETTINGS = {"help_option_names": ["-h", "--help"]}


def requests() -> Iterator[type[Request]]:
    """The request of each file or folder of `edgewise.cli.commands`."""
    for found in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        for var in vars(import_module(found.name)).values():
            if isinstance(var, type) and issubclass(var, Request) and var.__module__ == found.name:
                yield var


def build() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        help=_INTRODUCTION,
        epilog=_EPILOG,
        no_args_is_help=False,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings=_SETTINGS,
    )
    app.callback()(_main)
    for request in sorted(requests(), key=lambda request: request.place):
        safe = guarded(command(request, _answer), named_options(request), file_rows=request.whole_table)
        name = request.__module__.rpartition(".")[2].replace("_", "-")
        app.command(name, rich_help_panel=request.group)(safe)
    return app


def _answer(asked: Request) -> None:
    deliver(asked.run(), quiet=asked.quiet, json=asked.json, plot=getattr(asked, "plot", None))


def run(arguments: list[str]) -> int:
    """Run the command line on the words after `edgewise`; the exit code."""
    app: Any = typer.main.get_command(build())
    try:
        code = app.main(args=arguments or ["--help"], prog_name="edgewise", standalone_mode=False)
        sys.stdout.flush()  # here, where a failure can still be reported
    except Exception as error:
        return ended(error)
    return code if isinstance(code, int) else DONE


def _show_version(asked: bool) -> None:
    if asked:
        say(f"edgewise {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


_main.__doc__ = _INTRODUCTION
