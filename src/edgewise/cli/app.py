"""The Typer application, put together from one file a command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from edgewise._core.version import __version__
from edgewise.cli import (
    ask,
    audit,
    check,
    demo,
    doctor,
    dynamics,
    explain,
    export,
    fit,
    forecast,
    formula,
    images,
    pde,
    predict,
    report,
    verify,
)
from edgewise.cli.options import named_options, with_general
from edgewise.cli.outcome import DONE, ended, guarded
from edgewise.cli.terminal import say

_INTRODUCTION = "Networks a person can read: from a table to a small network to its formula."
_EPILOG = "Start with `edgewise demo`; `edgewise COMMAND --help` shows a command's options and examples."
_SETTINGS = {"help_option_names": ["-h", "--help"]}
_GROUPS: dict[str, tuple[Callable[..., None], ...]] = {
    "From a table": (
        fit.fit,
        formula.formula,
        dynamics.dynamics,
        forecast.forecast,
        images.fit_images,
        demo.demo,
    ),
    "By measuring": (ask.ask,),
    "From an equation": (pde.pde,),
    "With a model": (predict.predict, explain.explain, report.report, audit.audit, export.export),
    "Proofs": (verify.verify, check.check),
    "This machine": (doctor.doctor,),
}

# Other commands hand over parts of their tables, in which rows have other numbers.
_WHOLE_TABLES = (
    formula.formula, dynamics.dynamics, ask.ask, predict.predict, explain.explain, audit.audit, verify.verify,
)  # fmt: skip


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
        for command in commands:
            named, whole = named_options(command), command in _WHOLE_TABLES
            app.command(rich_help_panel=group)(guarded(with_general(command), named, file_rows=whole))
    return app


def run(arguments: list[str]) -> int:
    """Run the command line on the words after `edgewise`; the exit code."""
    command: Any = typer.main.get_command(build())
    try:
        code = command.main(args=arguments or ["--help"], prog_name="edgewise", standalone_mode=False)
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
