"""The Typer application: a request is read, the file of its command runs it, and its answer is delivered."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import Annotated, Any

import typer

from edgewise._core.version import __version__
from edgewise.cli import requests
from edgewise.cli.answer import deliver
from edgewise.cli.options import Request, command, named_options
from edgewise.cli.outcome import DONE, ended, guarded
from edgewise.cli.terminal import say

_INTRODUCTION = "Networks a person can read: from a table to a small network to its formula."
_EPILOG = "Start with `edgewise demo`; `edgewise COMMAND --help` shows a command's options and examples."
_SETTINGS = {"help_option_names": ["-h", "--help"]}
# A command has its request in requests.py, and in the file of its name `run`, which answers the request.
_GROUPS: dict[str, dict[str, type[Request]]] = {
    "Learn and predict": {
        "fit": requests.FitRequest,
        "predict": requests.PredictRequest,
        "forecast": requests.ForecastRequest,
        "demo": requests.DemoRequest,
    },
    "Find the law": {
        "formula": requests.FormulaRequest,
        "dynamics": requests.DynamicsRequest,
        "ask": requests.AskRequest,
    },
    "Explain": {"explain": requests.ExplainRequest, "report": requests.ReportRequest},
    "Prove": {"verify": requests.VerifyRequest, "check": requests.CheckRequest},
    "Judge": {"audit": requests.AuditRequest},
    "Carry elsewhere": {"export": requests.ExportRequest},
    "Solve equations": {"pde": requests.PdeRequest},
    "Learn from pictures": {"fit-images": requests.FitImagesRequest},
    "This machine": {"doctor": requests.DoctorRequest},
}


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
    for group, commands in _GROUPS.items():
        for name, request in commands.items():
            made = command(request, partial(_answer, name))
            safe = guarded(made, named_options(request), file_rows=request.whole_table)
            app.command(name, rich_help_panel=group)(safe)
    return app


def _answer(name: str, asked: Request) -> None:
    """Run the file of a command, which is loaded only now, and deliver its answer."""
    answer = import_module(f"edgewise.cli.{name.replace('-', '_')}").run(asked)
    if answer is not None:  # else it has shown itself what it found
        deliver(answer, asked)


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
