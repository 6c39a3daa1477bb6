"""The Typer application, put together from one file a command."""

from __future__ import annotations

from typing import Annotated

import typer

from edgewise import __version__
from edgewise.cli import demo, fit, formula, predict
from edgewise.cli.outcome import guarded

_INTRODUCTION = "Networks a person can read: from a table to a small network to its formula."


def build() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        help=_INTRODUCTION,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_main)
    app.command()(guarded(demo.demo))
    app.command()(guarded(fit.fit))
    app.command()(guarded(predict.predict))
    app.command()(guarded(formula.formula))
    return app


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"edgewise {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


_main.__doc__ = _INTRODUCTION
