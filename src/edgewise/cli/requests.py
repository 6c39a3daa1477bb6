"""What can be asked of the command line: a class a command, whose fields are its arguments and options, each worded once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.work import LEVELS, check_work
from edgewise.cli.options import Request, argument, column, option
from edgewise.cli.outcome import STANDARD_OUTPUT, refuse_to_overwrite, to_standard_output


class Kind(StrEnum):
    """What to predict."""

    regression = "regression"
    classification = "classification"


class FitMode(StrEnum):
    """How much the columns may act together."""

    auto = "auto"
    additive = "additive"
    pairwise = "pairwise"
    deep = "deep"


class FormulaFormat(StrEnum):
    """How a formula is written."""

    python = "python"
    c = "c"
    latex = "latex"
    json = "json"
    sympy = "sympy"


class LossName(StrEnum):
    """What errors cost."""

    squared = "squared"
    robust = "robust"


class ExportFormat(StrEnum):
    """What to write."""

    numpy = "numpy"
    c = "c"
    onnx = "onnx"
    latex = "latex"
    torch = "torch"


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
Loss = Annotated[LossName, option("'robust' sets gross errors aside and names their rows.")]
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
Out = Annotated[Path, option("The folder for model.kan and report.html.", "-o")]
Force = Annotated[bool, option("Overwrite files that exist.", "-f")]
Rows = Annotated[
    bool,
    option("Let single rows into the page, to start from and as points of drawings.", "--rows/--no-rows"),
]

_limits = partial(option, rich_help_panel="What a formula may be")
_results = partial(option, rich_help_panel="What is written")
_counterfactuals = partial(option, rich_help_panel="Counterfactuals")
_reasons = partial(option, rich_help_panel="Reasons for an adverse decision")
DEMO_FOLDER = Path("edgewise-demo")
# What --out fills its folder with; over groups the first two.
FORMULA_FILES = (
    "formula.kan",
    "formulas.json",
    "formula.py",
    "formula.c",
    "formula.tex",
    "formula_sympy.py",
    "report.html",
)
DYNAMICS_FILES = ("dynamics.kan", "dynamics.json")


def job_files(out: Path) -> dict[str, Path]:
    """The files that `fit` and `demo` write into a folder."""
    return {"model": out / "model.kan", "report": out / "report.html", "network": out / "network.kan"}


@dataclass(frozen=True)
class FormulaRequest(Request):
    """Find formulas, from the simplest to the most accurate, judged on rows held out.

    The table marks the formula that is recommended with a star: the simplest
    that no other beats by more than chance. Ctrl-C ends the search early with
    the best so far and exit code 130. Exit code 1: no formula was found that
    satisfies the constraints, or a proof refutes that the recommended one does.

    Formulas are made of + - * / ^ and exp, log, sqrt, sin, cos, tan, their
    inverses (asin) and hyperbolic kin (sinh, asinh), abs, sign, step, floor,
    max(a, b), min(a, b) and mod(a, b).

    Where columns hold words, constants, or whole formulas, may follow them.
    Rows with a missing cell are left out; remarks and JSON count rows from 1,
    below the header.

    Examples:

    - `edgewise formula falls.csv --target time --columns height,mass`

    - `edgewise formula falls.csv -t time --work quick --json > front.json`

    - `edgewise formula energy.csv -t E --units m=kg,v=m/s,E=J --exclude-functions sin,cos,tan`

    - `edgewise formula falls.csv -t time --sigma time_error --loss robust`

    - `edgewise formula cooling.csv -t temperature --constraint 'decreasing(minute)'`

    - `edgewise formula cooling.csv -t temperature --groups vessel`

    - `edgewise formula falls.csv -t time --next --bounds 'height=0:50,mass=2'`

    - `edgewise formula falls.csv -t time --export c > formula.c`

    - `edgewise formula falls.csv -t time --pick 2 --out results --plot front.png`
    """

    whole_table: ClassVar[bool] = True

    data: Data
    target: Target
    columns: Columns = None
    drop: Drop = None
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    groups: Annotated[
        str | None,
        column(
            "A column of experiments: one law for all, with constants of its own in each where rows show it."
        ),
    ] = None
    weight: Weight = None
    sigma: Annotated[
        str | None, column("A column with the standard deviation of each value of the target.")
    ] = None
    x_sigma: Annotated[
        list[str] | None,
        option("Standard deviations of columns: 'x=0.1' or 'x=its_error', a number or the name of a column."),
    ] = None
    loss: Loss = LossName.squared
    units: Annotated[
        list[str] | None,
        _limits("Units of columns and of the target: 'm=kg,v=m/s,E=J'; a formula must agree with them."),
    ] = None
    unit: Annotated[
        list[str] | None,
        _limits(
            "A unit of your own for --units, once for each: 'furlong=220 yd', or 'plant' for one that has no other."
        ),
    ] = None
    exclude_functions: Annotated[list[str] | None, _limits("Functions never to use: 'sin,tan'.")] = None
    only_functions: Annotated[list[str] | None, _limits("Use no functions but these: 'exp,sqrt'.")] = None
    require_columns: Annotated[list[str] | None, _limits("Columns every formula must hold.")] = None
    ignore_columns: Annotated[list[str] | None, _limits("Columns no formula may hold.")] = None
    constraint: Annotated[
        list[str] | None,
        _limits("What every formula must satisfy, once for each: 'increasing(x)', 'y -> 0 as x -> inf'."),
    ] = None
    cost: Annotated[
        list[str] | None, _limits("Functions that count as more nodes than one: 'sin=3,exp=2'.")
    ] = None
    next_places: Annotated[
        bool,
        option("Say where to measure next: where formulas that are still possible differ most.", "--next"),
    ] = False
    bounds: Annotated[
        list[str] | None,
        option(
            "Between which values --next may set columns, else those of the rows: 'm=1:5,r=2' holds r fixed."
        ),
    ] = None
    export: Annotated[
        FormulaFormat | None, _results("Write one formula to standard output, and nothing else.")
    ] = None
    pick: Annotated[
        int | None,
        _results(
            "The number in the table of the formula to write.", min=1, show_default="the recommended one"
        ),
    ] = None
    out: Annotated[
        Path | None,
        _results(
            "A folder: formulas.json, report.html, the formula as Python, C, LaTeX, sympy, and formula.kan to predict.",
            "-o",
        ),
    ] = None
    plot: Annotated[Path | None, _results("Draw error against complexity into this .png or .svg file.")] = (
        None
    )
    force: Force = False

    @property
    def not_of_groups(self) -> list[str]:
        """The options given that have no meaning where constants follow groups."""
        given = {
            "--weight": self.weight,
            "--sigma": self.sigma,
            "--x-sigma": self.x_sigma,
            "--loss robust": self.loss != "squared",
            "--units": self.units,
            "--export": self.export,
            "--pick": self.pick,
            "--next": self.next_places,
        }
        return [name for name, value in given.items() if value]

    def check(self) -> None:
        """Refuse options that contradict, and results that would replace a file or have no place."""
        if self.bounds and not self.next_places:
            raise InputError(
                "The option --bounds says where --next may look. Got it alone; add --next, or leave it out."
            )
        if self.export is not None and self.next_places:
            raise InputError(
                "--next cannot be combined with --export, which writes one formula alone; leave one of them out."
            )
        if self.groups is not None and self.not_of_groups:
            raise InputError(
                f"--groups cannot be combined with {self.not_of_groups[0]}; leave one of them out."
            )
        files = FORMULA_FILES if self.groups is None else FORMULA_FILES[:2]
        places = [] if self.out is None else [self.out / name for name in files]
        refuse_to_overwrite(places, self.force, plot=self.plot, folder=self.out)


@dataclass(frozen=True)
class DynamicsRequest(Request):
    """Find the differential equations behind courses in time.

    Every column besides time, inputs and courses is a state and gets its
    equation; constants are shown with their standard errors, and quantities
    that the equations keep are named. Rows with a missing cell are left out;
    dates are counted since the first, in a unit that is told. Ctrl-C ends
    the search early with the best so far and exit code 130.

    Examples:

    - `edgewise dynamics hares.csv --time year`

    - `edgewise dynamics pendulum.csv -t s --columns angle,speed --plot swing.png`

    - `edgewise dynamics reactor.csv -t min --inputs heater --groups run --json`

    - `edgewise dynamics hares.csv -t year --out hares`
    """

    whole_table: ClassVar[bool] = True

    data: Data
    time: Annotated[str, column("The column of times, numbers or dates.", "-t")]
    columns: Columns = None
    drop: Drop = None
    inputs: Annotated[
        list[str] | None, option("Columns that act from outside and get no equation: 'u,v'.", "-i")
    ] = None
    groups: Annotated[
        str | None, column("A column of courses: one law for all, each with its own start.")
    ] = None
    exclude_functions: Annotated[list[str] | None, option("Functions never to use: 'sin,tan'.")] = None
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    out: Annotated[
        Path | None,
        option("A folder: dynamics.kan, which edgewise.load reads to simulate, and dynamics.json.", "-o"),
    ] = None
    plot: Annotated[Path | None, option("Draw courses and solutions into this .png or .svg file.")] = None
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        places = [] if self.out is None else [self.out / name for name in DYNAMICS_FILES]
        refuse_to_overwrite(places, self.force, plot=self.plot, folder=self.out)


@dataclass(frozen=True)
class AskRequest(Request):
    """Find a law by measuring where it tells most.

    Says where to measure, reads the value, searches formulas, and says where
    to measure next: where those that are still possible differ. It ends when
    the formula has predicted what the others did not.

    You type the values, or --command names a program that gives them. Typed,
    nan is a measurement that failed and q ends; so does Ctrl-C. The
    measurements are in the file of --out, whatever happens; --resume goes on
    from there, without measuring anything twice. Exit code 130: it was ended
    before.

    Columns without a step are set, where you type, to a thousandth of their
    range or so.

    Examples:

    - `edgewise ask --bounds 'm=1:5,r=1:3:0.1' --target F --out measured.csv`

    - `edgewise ask -b m=1:5,r=1:3 -t F -o measured.csv --command 'python measure.py {m} {r}'`

    - `edgewise ask -b m=1:5,r=1:3 -t F -o measured.csv --resume`
    """

    whole_table: ClassVar[bool] = True

    bounds: Annotated[
        list[str],
        option("Between which values each column can be set, and in which steps: 'm=1:5,r=1:3:0.1'.", "-b"),
    ]
    target: Annotated[str, option("What is measured, by name.", "-t")]
    out: Annotated[
        Path, option("A .csv file for the measurements; each is in it as soon as it is made.", "-o")
    ]
    command: Annotated[
        str | None,
        option(
            "A program that measures, such as 'python measure.py {m} {r}'; it prints the value as its last line."
        ),
    ] = None
    most: Annotated[int, option("Measurements at most.", min=1)] = 60
    sigma: Annotated[
        float | None,
        option("Standard deviation of a measurement; where it is not given, places are measured again."),
    ] = None
    loss: Loss = LossName.squared
    resume: Annotated[
        bool,
        option(
            "Go on after the measurements in the file of --out; with the same options as if nothing had ended."
        ),
    ] = False
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    force: Force = False

    def check(self) -> None:
        """Refuse options that contradict, and a file that has no place."""
        if self.resume and self.force:
            raise InputError("--resume cannot be combined with --force; leave one of them out.")
        if self.out.suffix.lower() != ".csv":
            raise InputError(
                subject="The file of --out",
                expected="end in .csv, whose rows are added one by one",
                got=short(self.out.name),
            )
        if not self.resume or not self.out.exists():
            refuse_to_overwrite([self.out], self.force)


@dataclass(frozen=True)
class FitRequest(Request):
    """Learn from a table: train a network, find its formula, write model.kan and report.html.

    Columns may hold numbers, words, truth values and gaps. A fifth of the rows
    is held out: no stage sees them, and the errors shown are those on them.
    A table of a few columns of numbers also gets the small network a person
    can read (network.kan) and its formula.

    Examples:

    - `edgewise fit yacht.csv --target resistance`

    - `edgewise fit visits.csv -t score --groups patient` holds out whole patients

    - `edgewise fit credit.csv -t default --drop id --mode additive -o credit`

    - `zcat log.csv.gz | edgewise fit - -t y --work quick --json`

    - `edgewise fit 'rows/*.parquet' -t y` reads batch by batch, whatever the size
    """

    data: Data
    target: Target
    columns: Columns = None
    drop: Drop = None
    weight: Weight = None
    groups: Groups = None
    time: Time = None
    task: Annotated[
        Kind | None, option("Predict numbers or classes.", show_default="seen from the target")
    ] = None
    mode: Annotated[FitMode, option("How far columns may act together.")] = FitMode.auto
    work: Work = "normal"
    seconds: Seconds = None
    out: Out = Path()
    test: Annotated[float, option("Share of the rows to hold out; 0 learns from all.", min=0.0, max=0.9)] = (
        0.2
    )
    seed: Seed = 0
    hidden: Annotated[
        int | None, option("Nodes in the hidden layer.", min=1, max=1024, show_default="from the columns")
    ] = None
    members: Annotated[
        int | None, option("Networks to average.", min=1, max=100, show_default="from the data")
    ] = None
    formula: Annotated[
        bool | None,
        option(
            "Look for a formula as well.",
            "--formula/--no-formula",
            show_default="for up to 10 columns of numbers",
        ),
    ] = None
    drop_missing: Annotated[bool, option("Drop rows with missing cells instead of learning from them.")] = (
        False
    )
    rows: Rows = True
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        refuse_to_overwrite(job_files(self.out).values(), self.force, folder=self.out)


@dataclass(frozen=True)
class DemoRequest(Request):
    """See what edgewise does: from real measurements to a formula a physicist recognises.

    nuclear_binding and moseley_ka1 hold laws of physics; german_credit is a
    table of words and numbers whose rows fall into two classes.

    Examples:

    - `edgewise demo`

    - `edgewise demo moseley_ka1 --work quick`
    """

    name: Annotated[str, argument("The data: nuclear_binding, moseley_ka1 or german_credit.")] = (
        "nuclear_binding"
    )
    work: Work = 0.75
    seconds: Seconds = None
    out: Out = DEMO_FOLDER
    seed: Seed = 0
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        # The folder is the demo's own, so running it again replaces what an earlier run left there.
        force = self.force or self.out == DEMO_FOLDER
        refuse_to_overwrite(job_files(self.out).values(), force, folder=self.out)


@dataclass(frozen=True)
class ForecastRequest(Request):
    """Forecast a column from its past, the calendar and a trend.

    Forecasts of the past, each by a model that had seen nothing later, choose
    the model and determine how wide the intervals are. Other columns are left out:
    they are not known ahead.

    Examples:

    - `edgewise forecast passengers.csv -t passengers --time month -n 24 --plot ahead.png`

    - `edgewise forecast load.parquet -t megawatt --time hour -n 48 --horizon 48 -o tomorrow.csv`
    """

    data: Data
    target: Target
    time: Annotated[str, column("The column of times: dates or numbers, evenly spaced.")]
    steps: Annotated[
        int | None,
        option(
            "How many values to forecast; changes nothing of the model.",
            "-n",
            min=1,
            max=100_000,
            show_default="the horizon",
        ),
    ] = None
    horizon: Annotated[
        int | None,
        option(
            "Judge and choose the model by forecasts of the past up to so many steps ahead.",
            min=1,
            max=100_000,
            show_default="a season, or 12",
        ),
    ] = None
    interval: Annotated[
        float, option("Share of values that shall lie in their interval; 0 for none.", min=0.0, max=0.999)
    ] = 0.9
    out: Annotated[
        Path | None,
        option("The table to write: .csv, .parquet, .xlsx, ...", "-o", show_default="CSV on standard output"),
    ] = None
    plot: Annotated[Path | None, option("Draw it here: .png, .svg or .pdf.")] = None
    work: Work = "normal"
    seed: Seed = 0
    force: Force = False

    @property
    def file(self) -> Path | None:
        """The table to write; none where it goes to standard output."""
        return None if self.out == STANDARD_OUTPUT else self.out

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        to_standard_output(self.out, json=self.json)
        refuse_to_overwrite([self.file], self.force, plot=self.plot)


@dataclass(frozen=True)
class FitImagesRequest(Request):
    """Train a classifier of pictures on a folder of them.

    Each subfolder is a class. Pictures are turned as their EXIF orientation states, laid on white
    where they are transparent, and brought to one size; of each class a tenth
    is held out to judge by. `edgewise predict` and `edgewise report` take the model
    and a folder, `edgewise explain` takes it and a picture.

    Examples:

    - `edgewise fit-images pets -o pets.kan`

    - `edgewise fit-images scans --kind patches --features 5 --balanced --epochs 40`
    """

    folder: Annotated[Path, argument("A folder with a subfolder of pictures for each class.")]
    out: Annotated[Path, option("The model to write.", "-o")] = Path("pictures.kan")
    kind: Annotated[
        str, option("kan, patches (evidence of small patches that adds up), or cnn and mlp, to compare with.")
    ] = "kan"
    parameters: Annotated[int, option("The most numbers it may learn.", "-p", min=100)] = 20_000
    features: Annotated[
        int | None, option("Of kind patches: the most features that a class may be recognised by.", min=1)
    ] = None
    epochs: Annotated[int, option("Times it sees every picture.", "-e", min=1)] = 20
    flip: Annotated[bool, option("Mirror pictures at random, where left and right mean nothing.")] = False
    balanced: Annotated[bool, option("Let every class count the same, however many pictures it has.")] = False
    skip_damaged: Annotated[bool, option("Leave out files that cannot be read as pictures.")] = False
    checkpoint: Annotated[Path | None, option("Keep the state here, and go on from it.")] = None
    seconds: Seconds = None
    seed: Seed = 0
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        refuse_to_overwrite([self.out], self.force)
        if self.checkpoint is not None:
            refuse_to_overwrite([self.checkpoint], force=True)
            if self.checkpoint.resolve() == self.out.resolve():
                raise InputError(
                    subject="The files of --out and --checkpoint",
                    expected="be two",
                    got=f"{short(str(self.out))} for both",
                )


@dataclass(frozen=True)
class PredictRequest(Request):
    """Predict from a table's columns.

    The model's columns come back, and beside them a column of predictions, the
    probability of each class where the target is one, and
    outside_training_range: true where a number lies beyond what the model has
    seen, so that its prediction is an extrapolation.

    Examples:

    - `edgewise predict model.kan new.csv -o predicted.csv`

    - `edgewise predict model.kan new.parquet --keep -o predicted.parquet`

    - `edgewise predict model.kan new.csv --interval 0.9 -o predicted.csv`

    - `cat new.csv | edgewise predict model.kan - | head`

    - `edgewise predict law/formula.kan lake.csv --learn lake.csv --save with-lake.kan`

    - `edgewise predict model.kan 'rows/*.parquet' -o out.parquet` goes batch by batch
    """

    whole_table: ClassVar[bool] = True

    model: Model
    data: Data
    out: Annotated[
        Path | None,
        option(
            "The file to write: .csv, .tsv, .parquet, .feather, .xlsx; .csv.gz is compressed.",
            "-o",
            show_default="CSV on standard output",
        ),
    ] = None
    keep: Annotated[bool, option("Keep the columns the model does not use as well.", "-k")] = False
    drop_missing: Annotated[bool, option("Leave out rows with missing cells.")] = False
    interval: Annotated[
        float | None,
        option(
            "A share of new rows, such as 0.9: the lowest and highest value that hold so many, by out-of-bag errors.",
            show_default="none",
        ),
    ] = None
    learn: Annotated[
        Path | None,
        option("For a formula over groups: a table with the target, to fit the constants of its groups to."),
    ] = None
    save: Annotated[
        Path | None, option("Write the formula with what --learn has learned here, a .kan file.")
    ] = None
    force: Force = False

    @property
    def file(self) -> Path | None:
        """The table to write; none where it goes to standard output."""
        return None if self.out == STANDARD_OUTPUT else self.out

    def check(self) -> None:
        """Refuse options that contradict, and results that would replace a file or have no place."""
        to_standard_output(self.out, json=self.json)
        refuse_to_overwrite([self.file, self.save], self.force)
        if self.save is not None and self.learn is None:
            raise InputError(
                subject="The option --save",
                expected="come with --learn",
                got="it alone",
                advice="there is nothing new to write",
            )


@dataclass(frozen=True)
class ExplainRequest(Request):
    """Explain a model, or its answer for one row.

    Without --row: which columns matter and how, and which act together. With
    it: what each column added to the answer, in words, and the rows most
    alike. With --counterfactual: the least changes that would change the answer;
    --work and --seconds are those of this search. With --reasons: at most four
    reasons why the row was not decided for.

    A model of pictures takes a picture in place of the table: the class, and
    what each patch adds to the logit.

    Examples:

    - `edgewise explain model.kan data.csv`

    - `edgewise explain model.kan data.csv --row 17 --plot row17.png`

    - `edgewise explain model.kan data.csv --row 17 --counterfactual --fixed sex,age`

    - `edgewise explain model.kan data.csv --row 17 --reasons approved --protected sex`

    - `edgewise explain pets.kan new.jpg -o evidence.png`
    """

    whole_table: ClassVar[bool] = True

    model: Model
    data: Annotated[
        Path | None,
        argument(
            "The table to compare with, best the one the model was fitted on; - reads standard input.",
            show_default="rows drawn over what the model knows",
        ),
    ] = None
    row: Annotated[
        int | None, option("Explain the answer for this row of the table, counted from 0.", "-r", min=0)
    ] = None
    output: Annotated[
        str | None, option("The class or output to explain.", show_default="the model's answer")
    ] = None
    pairs: Annotated[bool, option("Draw what pairs of columns do together, and nothing else.")] = False
    plot: Annotated[Path | None, option("Draw it to this .png or .svg file.", "-o")] = None
    counterfactual: Annotated[
        bool, _counterfactuals("Tell what would have to change in the row for another answer.")
    ] = False
    target: Annotated[
        str | None,
        _counterfactuals("The class that is wanted.", "-t", show_default="the other one"),
    ] = None
    above: Annotated[float | None, _counterfactuals("For numbers: the prediction is to be above this.")] = (
        None
    )
    below: Annotated[float | None, _counterfactuals("For numbers: the prediction is to be below this.")] = (
        None
    )
    fixed: Annotated[
        list[str] | None, _counterfactuals("Columns that cannot change: 'sex,age', or given several times.")
    ] = None
    increase: Annotated[list[str] | None, _counterfactuals("Columns that can only rise.")] = None
    decrease: Annotated[list[str] | None, _counterfactuals("Columns that can only fall.")] = None
    reasons: Annotated[
        str | None,
        _reasons(
            "Name what kept the row from the class of --target, against the mean of 'approved' rows, "
            "the 'mean' of all, or the 'best' value of each column."
        ),
    ] = None
    protected: Annotated[
        list[str] | None, _reasons("Columns that may not be reasons: 'sex,age', or given several times.")
    ] = None
    codes: Annotated[
        Path | None,
        _reasons(
            "A CSV file of the codes of reasons, with columns column, code and, if you like, statement."
        ),
    ] = None
    work: Work = "normal"
    seconds: Seconds = None
    force: Force = False


@dataclass(frozen=True)
class ReportRequest(Request):
    """Write the report page of a saved model and a table with its target.

    Of the table `fit` learned from, the same --test, --seed, --groups and
    --time hold out the same rows as `fit` did. Of another table, --test 1
    judges on all rows.

    A model of pictures takes a folder with a subfolder of pictures for each
    class in place of the table; of the folder it was fitted on it is judged on
    those held out. --no-rows leaves pictures out of the page.

    Examples:

    - `edgewise report model.kan yacht.csv -o page.html`

    - `edgewise report model.kan next_year.csv --test 1 --force`

    - `edgewise report pets.kan pets -o pets.html`
    """

    model: Model
    data: Data
    target: TargetOfModel = None
    out: Annotated[Path, option("The page to write; - is standard output.", "-o")] = Path("report.html")
    test: Annotated[
        float, option("Share of the rows to judge on; 1 where the model saw none of them.", min=0.01, max=1.0)
    ] = 0.2
    groups: Groups = None
    time: Time = None
    seed: Seed = 0
    rows: Rows = True
    force: Force = False

    @property
    def file(self) -> Path | None:
        """The page to write; none where it goes to standard output."""
        return None if self.out == STANDARD_OUTPUT else self.out

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        to_standard_output(self.out, json=self.json)
        refuse_to_overwrite([self.file], self.force)


@dataclass(frozen=True)
class AuditRequest(Request):
    """Measure how a model treats the groups of protected attributes.

    Rates, errors and calibration of every group and combination of groups,
    with demographic parity and equalised odds side by side; what changing
    the attribute alone does; which other columns give it away. Exit code 1: a
    limit is exceeded. 3: cut short, so a limit may not have been measured.

    Examples:

    - `edgewise audit model.kan data.csv --protected sex`

    - `edgewise audit model.kan data.csv -p sex -p age --cut age=25,60`

    - `edgewise audit model.kan data.csv -p sex --fail-on 'dp>0.1' --fail-on 'eo>0.1'`
    """

    whole_table: ClassVar[bool] = True

    model: Model
    data: Data
    protected: Annotated[
        list[str], option("A protected attribute, by its column; give it several times.", "-p")
    ]
    target: TargetOfModel = None
    fail_on: Annotated[
        list[str] | None,
        option(
            "A limit: 'dp>0.1', 'eo@sex>0.05', 'dp_ratio<0.8', 'flips>0'; exit code 1 where it is exceeded."
        ),
    ] = None
    positive: Annotated[
        str | None, option("The class a decision supports.", show_default="the second of two")
    ] = None
    threshold: Annotated[
        float | None, option("Decided for above this probability.", min=0.0, max=1.0, show_default="0.5")
    ] = None
    weight: Weight = None
    cut: Annotated[
        list[str] | None, option("Where to cut a column of numbers: 'age=25,60'.", show_default="quarters")
    ] = None
    bootstrap: Annotated[int, option("Resamples behind the intervals; 0 for none.", min=0)] = 500
    proxies: Annotated[
        bool, option("Look for columns that give an attribute away.", "--proxies/--no-proxies")
    ] = True
    html: Annotated[Path | None, option("Write a page to this file.")] = None
    plot: Annotated[Path | None, option("Draw the first attribute's groups to this .png or .svg file.")] = (
        None
    )
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        printed = to_standard_output(self.html, json=self.json)
        refuse_to_overwrite([None if printed else self.html], self.force, plot=self.plot)


@dataclass(frozen=True)
class ExportRequest(Request):
    """Write a model as NumPy source, C source, ONNX or LaTeX that stands alone.

    The exact piecewise polynomials are written, not an approximation. C source
    that goes to a file has its header beside it. Of a model of pictures the
    network is written, as ONNX or as plain torch: logits of pictures
    (n, channels, height, width) with values from 0 to 1.

    Examples:

    - `edgewise export model.kan --to numpy -o predict.py`

    - `edgewise export model.kan --to c -o model.c`

    - `edgewise export model.kan --to latex`

    - `edgewise export pictures.kan -o pictures.onnx`
    """

    model: Model
    to: Annotated[ExportFormat | None, option("What to write.", show_default="seen from the file's name")] = (
        None
    )
    out: Annotated[
        Path | None,
        option("The file to write; - is standard output.", "-o", show_default="standard output, for text"),
    ] = None
    force: Force = False


@dataclass(frozen=True)
class VerifyRequest(Request):
    """Prove that a property holds for every row, or find a row that breaks it.

    Exit code 0: proved. 1: refuted, with the row. 3: undecided with the
    work allowed, with the bounds reached. Ctrl-C ends early with the bounds so far and
    exit code 130.

    Properties:

    - `0 <= output <= 1`, `probability <= 0.9`, `2*age - output <= 3`

    - `increasing(income)` or `monotone(income, increasing)`, `lipschitz(income, 0.01)`

    - `never_flips(sex)`, `changes_at_most(sex, 0.1)`: changing this column alone

    - `never_flips(sex, race) with age within 5`: these together, at will, and
    a number a little besides

    - `decision = "good"`, `robust(row 5, 0.05)`, `robust(row 5, {age: 2})`

    - `equal("other.kan", 0.01)`, `formula("2*x + 1", 0.1)`

    Rows are narrowed by `--where`, or by `where ...` after the property. Names
    that are no single word stand in backticks.

    Examples:

    - `edgewise verify model.kan "monotone(income, increasing)"`

    - `edgewise verify model.kan "never_flips(sex)" --where "age in [18, 65]" -c proof.json`

    - `edgewise verify model.kan "robust(row 5, 0.05)" --data rows.csv --json`
    """

    whole_table: ClassVar[bool] = True

    model: Model
    property: Annotated[
        str, argument("What must hold, as in 'monotone(income, increasing)'; the list is below.")
    ]
    where: Annotated[str | None, option("Of which rows: 'age in [18, 65], job = \"skilled\"'.", "-w")] = None
    data: Annotated[
        Path | None, option("A table of rows to try first, and for 'row 5' to count in.", "-d")
    ] = None
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    certificate: Annotated[
        Path | None, option("Write the evidence here once proved; `edgewise check` reads it.", "-c")
    ] = None
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        printed = to_standard_output(self.certificate, json=self.json)
        refuse_to_overwrite([None if printed else self.certificate], self.force)


@dataclass(frozen=True)
class CheckRequest(Request):
    """Check a certificate in exact rational arithmetic, without trusting the prover.

    The checker is a small program of its own. Exit code 0: accepted, so the
    claim holds for every row of its domain. 1: refused, with the reason, or
    accepted and about something else than --expect. The claim is shown in the
    model's own words and units, then as the checker reads it.

    Examples:

    - `edgewise check proof.json model.kan`

    - `edgewise check proof.json model.kan --expect "never_flips(sex)"`

    - `edgewise check proof.json model.kan --json`
    """

    proof: Annotated[Path, argument("A certificate that `edgewise verify` wrote.")]
    models: Annotated[list[Path], argument("The .kan file it is about; two for equal(...).")]
    expect: Annotated[
        str | None,
        option("The property that it is to prove, as for `edgewise verify`, with its `where ...`."),
    ] = None
    data: Annotated[Path | None, option("A table whose rows --expect counts.", "-d")] = None

    def check(self) -> None:
        """Refuse files that are not there, and too many of them."""
        for path in (self.proof, *self.models):
            if not path.is_file():
                raise FileError(f"The file {path} cannot be read: there is no such file.")
        if len(self.models) > 2:
            raise InputError(
                subject="A certificate",
                expected="be about one model or two",
                got=f"{len(self.models)} files",
            )


@dataclass(frozen=True)
class PdeRequest(Request):
    """Solve a differential equation to a tolerance, and state how far the answer is to be relied on.

    Exit code 0: the estimated error is within the tolerance. 3: it is not, or
    something counts against the answer, which is printed. Ctrl-C ends early with
    the solution so far and exit code 130.

    A problem of one's own is a TOML file (`--show` prints those of the
    gallery), with equations as text: `dx(u, t) + u*dx(u, x) = nu*dx(u, x, 2)`.
    A Python file may build the problem as `edgewise.pde` does.

    Examples:

    - `edgewise pde`

    - `edgewise pde burgers --tolerance 1e-8 --plot burgers.png`

    - `edgewise pde burgers --show > mine.toml`

    - `edgewise pde mine.toml -o mine.kan --json`

    - `edgewise pde kovasznay --report flow.html`

    - `edgewise pde kdv --checkpoint kdv.part -o kdv.kan`
    """

    problem: Annotated[
        str | None,
        argument(
            "A problem of the gallery, a TOML file, or a Python file that defines `problem`; "
            "without it the gallery is listed."
        ),
    ] = None
    tolerance: Annotated[
        float | None,
        option(
            "Relative L2 error to ask for.",
            "-t",
            min=1e-13,
            max=0.1,
            show_default="that of the problem, else 1e-6",
        ),
    ] = None
    road: Annotated[
        str,
        option(
            "auto: what suits the problem. products: one network of products, trained in all of a box at once."
        ),
    ] = "auto"
    work: Work = "normal"
    seconds: Seconds = None
    seed: Annotated[
        int, option("Of the places at which residuals are measured; solving is not random.", min=0)
    ] = 0
    out: Annotated[Path | None, option("Write the solution here, to be read by edgewise.load.", "-o")] = None
    plot: Annotated[
        Path | None, option("Draw the solution into this .png or .svg file; in motion into a .gif or .mp4.")
    ] = None
    report: Annotated[Path | None, option("Write a page about the solution here, one .html file.")] = None
    checkpoint: Annotated[
        Path | None,
        option("Keep a march through time here while it goes on; where the file is there, go on from it."),
    ] = None
    show: Annotated[bool, option("Print the problem's TOML file, to be copied, and leave.")] = False
    force: Force = False


@dataclass(frozen=True)
class DoctorRequest(Request):
    """Check this installation: versions, processor, GPU, kernels, extras.

    Exit code 1 where something edgewise needs is broken; what is merely
    missing comes with the command that installs it.
    """
