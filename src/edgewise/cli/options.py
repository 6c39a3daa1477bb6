"""Options that several commands share, worded once; those that every command has are added to it by `with_general`."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from functools import partial
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from edgewise._core.checks import did_you_mean
from edgewise._core.errors import InputError
from edgewise._core.work import LEVELS, check_work
from edgewise.cli.config import apply_config
from edgewise.cli.threads import THREADS


def _set_threads(threads: int | None) -> int | None:
    if threads is not None:
        for name in THREADS:
            os.environ[name] = str(threads)  # read when torch and numpy are loaded, which no command did yet
        if "torch" in sys.modules:
            import torch

            torch.set_num_threads(threads)
    return threads


def _read_work(text: str) -> str | float:
    """A level, or a factor."""
    try:
        return text if text in LEVELS else check_work(float(text))
    except (ValueError, InputError):
        raise typer.BadParameter(
            f"{text!r} is neither {', '.join(LEVELS)} nor a number above 0{did_you_mean(text, LEVELS)}."
        ) from None


# Of an option that is not set there is no default to show.
unset = partial(typer.Option, show_default=False)
# What stands for the value of an option that names a column.
COLUMN = "COLUMN"
a_column = partial(unset, metavar=COLUMN)

Data = Annotated[
    Path,
    typer.Argument(
        help="A table: CSV, Excel, Parquet or Feather; - reads standard input.", show_default=False
    ),
]
Model = Annotated[Path, typer.Argument(help="A model.kan that `edgewise fit` wrote.", show_default=False)]
Target = Annotated[str, a_column("--target", "-t", help="The column to predict.")]
TargetOfModel = Annotated[
    str | None,
    a_column("--target", "-t", help="The column of what is predicted.", show_default="as the model calls it"),
]
Weight = Annotated[str | None, a_column("--weight", help="A column of weights: how much each row counts.")]
Groups = Annotated[
    str | None, a_column("--groups", help="A column of what rows belong to: groups are held out whole.")
]
Time = Annotated[str | None, a_column("--time", help="A column of times: the latest rows are held out.")]
ExcludeFunctions = Annotated[
    list[str] | None, unset("--exclude-functions", help="Functions never to use: 'sin,tan'.")
]
Columns = Annotated[
    list[str] | None,
    unset("--columns", "-c", help="Predict from these columns only: 'a,b', or given several times."),
]
Drop = Annotated[
    list[str] | None, unset("--drop", help="Leave these columns out: 'a,b', or given several times.")
]
Work = Annotated[
    Any,
    typer.Option(
        "--work",
        help="How much to do: quick (a fifth), normal, thorough (five times), or a factor such as 0.5.",
        parser=_read_work,
        metavar="AMOUNT",
    ),
]
Seconds = Annotated[
    float | None,
    unset(
        "--seconds",
        "-s",
        help="Time limit; none by default. It only interrupts, and the result may then differ from run to run.",
        min=0.1,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Fixes every random choice.", min=0, max=2**63 - 1)]
DropMissing = Annotated[
    bool, typer.Option("--drop-missing", help="Drop rows with missing cells instead of learning from them.")
]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="The folder for model.kan and report.html.", show_default=True)
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite files that exist.")]
Rows = Annotated[
    bool,
    typer.Option(
        "--rows/--no-rows", help="Let single rows into the page, to start from and as points of drawings."
    ),
]

_GENERAL = "General options"
_general = partial(unset, rich_help_panel=_GENERAL)
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="Processor threads to use.",
        min=1,
        max=1024,
        callback=_set_threads,
        show_default="1",
        rich_help_panel=_GENERAL,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress or remarks on standard error.", rich_help_panel=_GENERAL),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="More to read, and a traceback if something breaks.", rich_help_panel=_GENERAL
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Results as JSON on standard output.", rich_help_panel=_GENERAL)
]
Config = Annotated[
    Path | None,
    _general(
        "--config",
        help='Read options from a TOML file: `work = "quick"`, or in a section of the command\'s name.',
        callback=apply_config,
        is_eager=True,
    ),
]

_SHARED = {
    "threads": (Threads, None),
    "quiet": (Quiet, False),
    "verbose": (Verbose, False),
    "json": (Json, False),
    "config": (Config, None),
}


def with_general(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the general options too. It receives those that it names behind `*`; the others act by themselves."""
    named = inspect.signature(command, eval_str=True).parameters.values()
    wanted = [each.name for each in named if each.kind is Parameter.KEYWORD_ONLY]

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        command(*args, **{name: kwargs[name] for name in kwargs if name in wanted or name not in _SHARED})

    own = [each for each in named if each.name not in wanted]
    shared = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)
        for name, (annotation, default) in _SHARED.items()
    ]
    run.__signature__ = inspect.Signature([*own, *shared])  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {each.name: each.annotation for each in (*own, *shared)}
    return run


# Arguments of the library that options of another name fill.
_FILLED_BY = {
    "y": "target", "favourable": "target", "sample_weight": "weight", "t": "time", "states": "columns", "rows": "data",
    "bins": "cut", "reference": "reasons", "constraints": "constraint", "costs": "cost", "forms": "only_functions",
    "steps": "bounds", "measure": "command",
}  # fmt: skip


def named_options(command: Callable[..., None]) -> dict[str, str]:
    """What a sentence about an argument of the library is about here: "The option --cost" of costs."""
    parameters = inspect.signature(command, eval_str=True).parameters
    named = {"X": "The table"} if "data" in parameters else {}
    for parameter in parameters.values():
        (option,) = getattr(parameter.annotation, "__metadata__", None) or (None,)
        if isinstance(option, typer.models.OptionInfo):
            # Typer takes the first word of an option within Annotated for its default.
            words = (option.default, *(option.param_decls or ()), f"--{parameter.name}")
            long = next(word for word in words if isinstance(word, str) and word.startswith("--"))
            role = "column of" if option.metavar == COLUMN else "option"
            named[parameter.name] = f"The {role} {long.split('/')[0]}"
    return {argument: named[name] for argument, name in _FILLED_BY.items() if name in named} | named
