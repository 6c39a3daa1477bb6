"""From a request, a class whose fields are options, to the command that takes it; the options that commands share."""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache, partial
from importlib import import_module
from inspect import Parameter
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    TypeVar,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import typer

from edgewise._core.checks import did_you_mean
from edgewise._core.errors import InputError
from edgewise._core.work import LEVELS, check_work
from edgewise.cli.config import apply_config
from edgewise.cli.outcome import STANDARD_OUTPUT, refuse_to_overwrite, to_standard_output
from edgewise.cli.threads import THREADS

if TYPE_CHECKING:
    from edgewise.cli.answer import Answer

Result = TypeVar("Result")
# What stands for the value of an option that names a column.
COLUMN = "COLUMN"


@dataclass(frozen=True)
class Wording:
    """How a field is worded on the command line; its long name is that of the field, unless `words` hold one.

    Attributes
    ----------
    help, words, settings : what Typer shows, the names, and what else it is to know
    is_option : whether it has a name there, which arguments have not
    writes : "file", "folder" or "picture" where it names a place for results
    needs, bars : fields that must be given with it, and those that must not
    """

    help: str
    words: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    is_option: bool = True
    writes: str = ""
    needs: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()

    def long_word(self, name: str) -> str:
        """The long name of the option of a field."""
        default = f"--{name.replace('_', '-')}"
        return next((word for word in self.words if word.startswith("--")), default)

    def parameter(self, name: str, default: Any) -> Any:
        """What Typer takes for it."""
        # Where nothing is set there is no default to show.
        settings: dict[str, Any] = {"show_default": False} if default in (MISSING, None) else {}
        settings |= self.settings
        if not self.is_option:
            return typer.Argument(help=self.help, **settings)
        short = [word for word in self.words if not word.startswith("--")]
        return typer.Option(self.long_word(name), *short, help=self.help, **settings)


def option(
    help: str,  # noqa: A002
    *words: str,
    default: Any = None,
    writes: str = "",
    needs: Sequence[str] = (),
    bars: Sequence[str] = (),
    **settings: Any,
) -> Any:
    """An option: its help, its short name, and a long one where it is not that of the field; with ... it must be given."""
    wording = Wording(help, words, settings, writes=writes, needs=tuple(needs), bars=tuple(bars))
    return field(default=MISSING if default is ... else default, metadata={"wording": wording})


def argument(help: str, *, default: Any = None, **settings: Any) -> Any:  # noqa: A002
    """An argument, which has no name on the command line."""
    wording = Wording(help, (), settings, is_option=False)
    return field(default=MISSING if default is ... else default, metadata={"wording": wording})


column = partial(option, metavar=COLUMN)
file = partial(option, writes="file")
folder = partial(option, writes="folder")
picture = partial(option, writes="picture")
_general = partial(option, rich_help_panel="General options")


def _read_work(text: str) -> str | float:
    """A level, or a factor."""
    try:
        return text if text in LEVELS else check_work(float(text))
    except (ValueError, InputError):
        raise typer.BadParameter(
            f"{text!r} is neither {', '.join(LEVELS)} nor a number above 0{did_you_mean(text, LEVELS)}."
        ) from None


# What several commands share.
Data = Annotated[Path, argument("A table: CSV, Excel, Parquet or Feather; - reads standard input.")]
Model = Annotated[Path, argument("A model.kan that `edgewise fit` wrote.")]
Target = Annotated[str, column("The column to predict.", "-t")]
TargetOfModel = Annotated[
    str | None, column("The column of what is predicted.", "-t", show_default="as the model calls it")
]
Weight = Annotated[str | None, column("A column of weights: how much each row counts.")]
Groups = Annotated[str | None, column("A column of what rows belong to: groups are held out whole.")]
Time = Annotated[str | None, column("A column of times: the latest rows are held out.")]
Columns = Annotated[
    list[str] | None, option("Predict from these columns only: 'a,b', or given several times.", "-c")
]
Drop = Annotated[list[str] | None, option("Leave these columns out: 'a,b', or given several times.")]
Loss = Annotated[
    Literal["squared", "robust"], option("'robust' sets gross errors aside and names their rows.")
]
Work = Annotated[
    Any,
    option(
        "How much to do: quick (a fifth), normal, thorough (five times), or a factor such as 0.5.",
        parser=_read_work,
        metavar="AMOUNT",
    ),
]
Seconds = Annotated[
    float | None,
    option(
        "Time limit; none by default. It only interrupts, and the result may then differ from run to run.",
        "-s",
        min=0.1,
    ),
]
Seed = Annotated[int, option("Fixes every random choice.", min=0, max=2**63 - 1)]
Out = Annotated[Path, folder("The folder for model.kan and report.html.", "-o")]
# What `fit` and `demo` write there.
JOB_FILES = ("model.kan", "report.html", "network.kan")
Force = Annotated[bool, option("Overwrite files that exist.", "-f")]
Rows = Annotated[
    bool,
    option("Let single rows into the page, to start from and as points of drawings.", "--rows/--no-rows"),
]


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


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option, argument, field))
@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command is asked: a subclass has a field for each argument and option, and the help as its docstring.

    Attributes
    ----------
    group, place : the purpose under which `edgewise --help` shows the command, and where among all
    whole_table : whether the rows that the library is given are those of the file, one for one
    results : the names of files that go into the folder of --out
    """

    group: ClassVar[str] = ""
    place: ClassVar[int] = 0
    whole_table: ClassVar[bool] = False
    results: ClassVar[tuple[str, ...]] = ()

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

    def __init_subclass__(cls, *, group: str = "", place: int = 0, whole_table: bool = False) -> None:
        cls.group, cls.place, cls.whole_table = group, place, whole_table
        dataclass(frozen=True, kw_only=True)(cls)

    @property
    def places(self) -> tuple[Path, ...]:
        """The files in the folder of --out."""
        out: Path | None = getattr(self, "out", None)
        return () if out is None else tuple(out / name for name in self.results)

    @property
    def file(self) -> Path | None:
        """The file of --out; none where it goes to standard output."""
        out: Path | None = getattr(self, "out", None)
        return None if out == STANDARD_OUTPUT else out

    @property
    def given(self) -> dict[str, WordedField]:
        """The fields for which something other than the default was given."""
        return {item.name: item for item in worded(type(self)) if getattr(self, item.name) != item.default}

    def barred(self, name: str) -> list[str]:
        """The options given that have no meaning beside one."""
        given = self.given
        bars = next(item.wording.bars for item in worded(type(self)) if item.name == name)
        return [given[other].word for other in bars if other in given]

    def check(self) -> None:
        """Refuse what cannot be done before anything heavy is loaded: options at odds, results without a place."""
        words = {item.name: item.word for item in worded(type(self))}
        for name, entry in self.given.items():
            for need in (words[need] for need in entry.wording.needs if need not in self.given):
                raise InputError(
                    subject=f"The option {entry.word}",
                    expected=f"come with {need}",
                    got="it alone",
                    advice=f"add {need}, or leave {entry.word} out",
                )
            for other in self.barred(name):
                raise InputError(f"{entry.word} cannot be combined with {other}; leave one of them out.")
        places = dict[str, list[Path | None]](file=[], folder=[], picture=[])
        for item in worded(type(self)):
            if item.wording.writes:
                places[item.wording.writes].append(getattr(self, item.name))
        files = [place for place in places["file"] if not to_standard_output(place, json=self.json)]
        refuse_to_overwrite(
            [*files, *(self.places if places["folder"] else ())],
            getattr(self, "force", False),
            plot=next(iter(places["picture"]), None),
            folder=next(iter(places["folder"]), None),
        )

    def run(self) -> Answer:
        """Do what is asked; a command that is a folder has a function for it, in its file `run`."""
        return import_module(f"{type(self).__module__}.run").run(self)

    def call(self, function: Callable[..., Result], *args: Any, **given: Any) -> Result:
        """Call a function of the library; arguments called like an option get its value where none is given."""
        missing = list(inspect.signature(function).parameters)[len(args) :]
        asked = {item.name: getattr(self, item.name) for item in fields(self) if item.name in missing}
        # What was not asked is left to the function; lists are entries that somebody has to read first.
        plain = {name: value for name, value in asked.items() if not isinstance(value, list | None)}
        return function(*args, **plain | given)


class WordedField(NamedTuple):
    """A field of a request."""

    name: str
    kind: Any
    wording: Wording
    default: Any

    @property
    def word(self) -> str:
        """What it is called on the command line."""
        return (
            self.wording.long_word(self.name).split("/")[0] if self.wording.is_option else self.name.upper()
        )


@cache
def worded(request: type[Request]) -> tuple[WordedField, ...]:
    """The fields of a request that are options or arguments; those that every request has come last."""
    general = [item.name for item in fields(Request)]
    hints = get_type_hints(request, include_extras=True)
    found = list[WordedField]()
    for item in fields(request):
        if item.init:
            kind, shared = hints[item.name], item
            if get_origin(kind) is Annotated:
                kind, shared = get_args(kind)
            found.append(WordedField(item.name, kind, shared.metadata["wording"], item.default))
    return tuple(sorted(found, key=lambda item: item.name in general))


def command(request: type[Request], run: Callable[[Any], None]) -> Callable[..., None]:
    """A function for Typer that takes the fields of a request and runs it."""
    parameters = [
        Parameter(
            item.name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if item.default is MISSING else item.default,
            annotation=Annotated[_offered(item.kind), item.wording.parameter(item.name, item.default)],
        )
        for item in worded(request)
    ]

    def asked(**given: Any) -> None:
        plain: Any = {
            name: str(value) if isinstance(value, StrEnum) else value for name, value in given.items()
        }
        made = request(**plain)
        made.check()
        run(made)

    asked.__doc__ = inspect.getdoc(request)
    asked.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    asked.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return asked


def _offered(kind: Any) -> Any:
    """A type as Typer knows it, which in older versions takes no literals."""
    if get_origin(kind) is Literal:
        return StrEnum("Choice", {word: word for word in get_args(kind)})
    parts = get_args(kind)
    return _offered(parts[0]) | None if parts and get_origin(parts[0]) is Literal else kind


# Arguments of the library that options of another name fill.
_FILLED_BY = {
    "y": "target", "favourable": "target", "sample_weight": "weight", "t": "time", "states": "columns", "rows": "data",
    "bins": "cut", "reference": "reasons", "constraints": "constraint", "costs": "cost", "forms": "only_functions",
    "steps": "bounds", "measure": "command",
}  # fmt: skip


def named_options(request: type[Request]) -> dict[str, str]:
    """What a sentence about an argument of the library is about here: "The option --cost" of costs."""
    options = worded(request)
    named = {"X": "The table"} if any(item.name == "data" for item in options) else {}
    for item in options:
        if item.wording.is_option:
            role = "column of" if item.wording.settings.get("metavar") == COLUMN else "option"
            named[item.name] = f"The {role} {item.word}"
    return {argument: named[name] for argument, name in _FILLED_BY.items() if name in named} | named
