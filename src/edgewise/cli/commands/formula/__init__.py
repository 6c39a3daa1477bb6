"""`edgewise formula`: a table in; formulas from the simplest to the most accurate out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from edgewise.cli.options import (
    Columns,
    Data,
    Drop,
    Force,
    Loss,
    Request,
    Seconds,
    Seed,
    Target,
    Weight,
    Work,
    column,
    option,
)

_limits = partial(option, rich_help_panel="What a formula may be")
_results = partial(option, rich_help_panel="What is written")
# What --out fills its folder with.
FORMULA_FILES = (
    "formula.kan",
    "formulas.json",
    "formula.py",
    "formula.c",
    "formula.tex",
    "formula_sympy.py",
    "report.html",
)


class FormulaRequest(Request, group="Find the law", place=20, whole_table=True):
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

    results = FORMULA_FILES

    data: Data
    target: Target
    columns: Columns = None
    drop: Drop = None
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    groups: str | None = column(
        "A column of experiments: one law for all, with constants of its own in each where rows show it.",
        bars=["weight", "sigma", "x_sigma", "loss", "units", "export", "pick", "next_places"],
    )
    weight: Weight = None
    sigma: str | None = column("A column with the standard deviation of each value of the target.")
    x_sigma: list[str] | None = option(
        "Standard deviations of columns: 'x=0.1' or 'x=its_error', a number or the name of a column."
    )
    loss: Loss = "squared"
    units: list[str] | None = _limits(
        "Units of columns and of the target: 'm=kg,v=m/s,E=J'; a formula must agree with them."
    )
    unit: list[str] | None = _limits(
        "A unit of your own for --units, once for each: 'furlong=220 yd', or 'plant' for one that has no other."
    )
    exclude_functions: list[str] | None = _limits("Functions never to use: 'sin,tan'.")
    only_functions: list[str] | None = _limits("Use no functions but these: 'exp,sqrt'.")
    require_columns: list[str] | None = _limits("Columns every formula must hold.")
    ignore_columns: list[str] | None = _limits("Columns no formula may hold.")
    constraint: list[str] | None = _limits(
        "What every formula must satisfy, once for each: 'increasing(x)', 'y -> 0 as x -> inf'."
    )
    cost: list[str] | None = _limits("Functions that count as more nodes than one: 'sin=3,exp=2'.")
    next_places: bool = option(
        "Say where to measure next: where formulas that are still possible differ most.",
        "--next",
        bars=["export"],
        default=False,
    )
    bounds: list[str] | None = option(
        "Between which values --next may set columns, else those of the rows: 'm=1:5,r=2' holds r fixed.",
        needs=["next_places"],
    )
    export: Literal["python", "c", "latex", "json", "sympy"] | None = _results(
        "Write one formula to standard output, and nothing else."
    )
    pick: int | None = _results(
        "The number in the table of the formula to write.", min=1, show_default="the recommended one"
    )
    out: Path | None = _results(
        "A folder: formulas.json, report.html, the formula as Python, C, LaTeX, sympy, and formula.kan to predict.",
        "-o",
        writes="folder",
    )
    plot: Path | None = _results(
        "Draw error against complexity into this .png or .svg file.", writes="picture"
    )
    force: Force = False

    @property
    def places(self) -> tuple[Path, ...]:
        """The files in the folder of --out; over groups the first two."""
        return super().places[: None if self.groups is None else 2]
