"""`edgewise formula`: a table in; the Pareto front of formulas out."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edgewise.cli import options

_limits = partial(options.unset, rich_help_panel="What a formula may be")
_RESULTS = "What is written"
_results = partial(options.unset, rich_help_panel=_RESULTS)


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


Units = Annotated[
    list[str] | None,
    _limits(
        "--units",
        help="Units of columns and of the target: 'm=kg,v=m/s,E=J'; a formula must agree with them.",
    ),
]
Unit = Annotated[
    list[str] | None,
    _limits(
        "--unit",
        help="A unit of your own for --units, once for each: 'furlong=220 yd', or 'plant' for one that has no other.",
    ),
]
ExcludeFunctions = Annotated[
    list[str] | None, _limits("--exclude-functions", help="Functions never to use: 'sin,tan'.")
]
OnlyFunctions = Annotated[
    list[str] | None, _limits("--only-functions", help="Use no functions but these: 'exp,sqrt'.")
]
RequireColumns = Annotated[
    list[str] | None, _limits("--require-columns", help="Columns every formula must hold.")
]
IgnoreColumns = Annotated[list[str] | None, _limits("--ignore-columns", help="Columns no formula may hold.")]
Constraints = Annotated[
    list[str] | None,
    _limits(
        "--constraint",
        help="What every formula must satisfy, once for each: 'increasing(x)', 'y -> 0 as x -> inf'.",
    ),
]
Costs = Annotated[
    list[str] | None,
    _limits("--cost", help="Functions that count as more nodes than one: 'sin=3,exp=2'."),
]
Groups = Annotated[
    str | None,
    options.a_column(
        "--groups",
        help="A column of experiments: one law for all, with constants of its own in each where rows show it.",
    ),
]
Next = Annotated[
    bool,
    typer.Option(
        "--next", help="Say where to measure next: where formulas that are still possible differ most."
    ),
]
Bounds = Annotated[
    list[str] | None,
    options.unset(
        "--bounds",
        help="Between which values --next may set columns, else those of the rows: 'm=1:5,r=2' holds r fixed.",
    ),
]
Sigma = Annotated[
    str | None,
    options.a_column("--sigma", help="A column with the standard deviation of each value of the target."),
]
XSigma = Annotated[
    list[str] | None,
    options.unset(
        "--x-sigma",
        help="Standard deviations of columns: 'x=0.1' or 'x=its_error', a number or the name of a column.",
    ),
]
Loss = Annotated[
    LossName, typer.Option("--loss", help="'robust' sets gross errors aside and names their rows.")
]
Export = Annotated[
    FormulaFormat | None, _results("--export", help="Write one formula to standard output, and nothing else.")
]
Pick = Annotated[
    int | None,
    typer.Option(
        "--pick",
        help="The number in the table of the formula to write.",
        min=1,
        show_default="the recommended one",
        rich_help_panel=_RESULTS,
    ),
]
Out = Annotated[
    Path | None,
    _results(
        "--out",
        "-o",
        help="A folder: formulas.json, report.html, the formula as Python, C, LaTeX, sympy, and formula.kan to predict.",
    ),
]
Plot = Annotated[
    Path | None, _results("--plot", help="Draw error against complexity into this .png or .svg file.")
]


def formula(
    data: options.Data,
    target: options.Target,
    columns: options.Columns = None,
    drop: options.Drop = None,
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    seed: options.Seed = 0,
    groups: Groups = None,
    weight: options.Weight = None,
    sigma: Sigma = None,
    x_sigma: XSigma = None,
    loss: Loss = LossName.squared,
    units: Units = None,
    unit: Unit = None,
    exclude_functions: ExcludeFunctions = None,
    only_functions: OnlyFunctions = None,
    require_columns: RequireColumns = None,
    ignore_columns: IgnoreColumns = None,
    constraint: Constraints = None,
    cost: Costs = None,
    next_places: Next = False,
    bounds: Bounds = None,
    export: Export = None,
    pick: Pick = None,
    out: Out = None,
    plot: Plot = None,
    force: options.Force = False,
    *,
    quiet: bool,
    verbose: bool,
    json: bool,
) -> None:
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
    asked = locals()
    from edgewise.cli.formula_search import FormulaQuestion, answer

    answer(FormulaQuestion(**asked))
