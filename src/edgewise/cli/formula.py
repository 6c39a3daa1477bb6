"""`edgewise formula`: a table in; the Pareto front of formulas out."""

from __future__ import annotations

import warnings
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgewise._core.errors import InputError
from edgewise.cli import options
from edgewise.cli.outcome import (
    INTERRUPTED,
    REFUTED,
    Interrupts,
    make_folder,
    refuse_other_pictures,
    refuse_short,
    refuse_to_overwrite,
)
from edgewise.cli.terminal import tell

if TYPE_CHECKING:
    from edgewise._core.arrays import Floats
    from edgewise.symbolic import Formula
    from edgewise.verifying.results.verdicts import ProofResult

# Each row is judged by a fit to the others.
FEWEST_ROWS = 5
# What --out fills its folder with; named here too, since the room that writes them takes seconds to load.
FILES = (
    "formula.kan",
    "formulas.json",
    "formula.py",
    "formula.c",
    "formula.tex",
    "formula_sympy.py",
    "report.html",
)

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
Weight = Annotated[
    str | None, options.a_column("--weight", help="A column of weights: how much each row counts.")
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
    weight: Weight = None,
    sigma: Sigma = None,
    x_sigma: XSigma = None,
    loss: Loss = LossName.squared,
    units: Units = None,
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
    from edgewise.cli.formula_groups import find_for_groups, words_of

    others = {
        "--weight": weight, "--sigma": sigma, "--x-sigma": x_sigma, "--loss robust": loss is not LossName.squared,
        "--units": units, "--export": export, "--pick": pick, "--next": next_places,
    }  # fmt: skip
    if bounds and not next_places:
        raise InputError(
            "The option --bounds says where --next may look. Got it alone; add --next, or leave it out."
        )
    if export is not None and next_places:
        raise InputError(
            "--next cannot be combined with --export, which writes one formula alone; leave one of them out."
        )
    by_groups = partial(
        find_for_groups, columns=columns, drop=drop, exclude_functions=exclude_functions, only=only_functions,
        require_columns=require_columns, ignore_columns=ignore_columns, constraint=constraint, cost=cost, others=others,
        search={"work": work, "seconds": seconds, "seed": seed}, out=out, plot=plot, force=force, quiet=quiet, json=json,
    )  # fmt: skip
    if groups is not None:
        by_groups(data, target, groups)
        return
    from edgewise.cli.formula_next import ends_of, places_of
    from edgewise.cli.formula_words import columns_of, errors_of, limits_of, notes_of

    _refuse_places(out, plot, force)
    import narwhals as nw
    import numpy as np

    from edgewise.data import provenance, read_frame, to_table

    frame = read_frame(data)
    asked = columns_of(
        frame,
        target,
        columns=columns,
        drop=drop,
        ignore_columns=ignore_columns,
        require_columns=require_columns,
        units=units,
        weight=weight,
        sigma=sigma,
    )
    if words_of(frame, asked.chosen):
        by_groups(frame, target, None)
        return
    limits = limits_of(
        asked, exclude_functions=exclude_functions, only=only_functions, constraints=constraint, costs=cost
    )
    known = provenance(frame)
    apart = () if asked.apart is None else (asked.apart,)
    table = to_table(frame.select(dict.fromkeys([*asked.chosen, asked.target, *apart])), known.source)
    X, y, names = table.features(asked.target, asked.chosen, missing=True)
    counts = None if asked.apart is None else table.features(asked.apart, asked.chosen, missing=True)[1]
    complete = ~(np.isnan(X).any(axis=1) | np.isnan(y))
    notes = notes_of(asked, known, X[complete])
    tell(notes, quiet=quiet)
    refuse_short(table.source, table.n_rows, FEWEST_ROWS)
    # Without whole rows the search has its own sentence.
    ends = ends_of(frame, bounds, names, X[complete]) if next_places and complete.any() else None
    if out is not None:
        make_folder(out)  # before the search, which would be lost

    from edgewise.cli.formula_progress import BestSoFar
    from edgewise.cli.formula_results import FinishedSearch, Wanted, deliver
    from edgewise.cli.progress import ShownProgress
    from edgewise.symbolic import ConstraintWarning, find_formula

    with Interrupts() as interrupts, ShownProgress(quiet) as progress, warnings.catch_warnings():
        progress.begin("find the formula")
        callbacks = (BestSoFar(progress, asked.target), interrupts)
        # What it says is a part of the result's own message.
        warnings.simplefilter("ignore", ConstraintWarning)
        result = find_formula(
            X,
            nw.new_series(asked.target, y, backend="pyarrow"),
            names=names,
            work=work,
            seconds=seconds,
            seed=seed,
            callbacks=callbacks,
            loss=loss.value,
            sample_weight=None if weight is None else counts,
            sigma=None if sigma is None else counts,
            x_sigma=errors_of(frame, x_sigma, asked.chosen, known.source),
            **limits,
        )
    found = FinishedSearch(
        result,
        asked.target,
        tuple(names),
        X[complete],
        y[complete],
        known.source,
        known.fingerprint,
        seed,
        {**known.units, **dict(asked.units)},
        notes,
        _proofs(result.best, constraint, X[complete], asked.target),
        () if ends is None else places_of(result, ends, seed),
    )
    form = None if export is None else export.value
    deliver(found, Wanted(form, pick, out, plot, quiet=quiet, verbose=verbose, json=json))
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if result.broken or any(each.status == "refuted" for each in found.proofs):
        raise typer.Exit(REFUTED)


def _proofs(
    formula: Formula, constraints: list[str] | None, X: Floats, target: str
) -> tuple[ProofResult, ...]:
    """Whether the recommended formula satisfies the constraints in the box of the rows."""
    if not constraints:
        return ()
    from edgewise.verifying import prove_constraints

    ends = zip(formula.names, X.min(axis=0).tolist(), X.max(axis=0).tolist(), strict=True)
    bounds = {name: (low, high) for name, low, high in ends}
    return prove_constraints(formula, constraints, bounds, target=target, work="quick")


def _refuse_places(out: Path | None, plot: Path | None, force: bool) -> None:
    """Stop before any work is done where a result would replace a file or has no place."""
    refuse_other_pictures(plot)
    places = [] if out is None else [out / name for name in FILES]
    refuse_to_overwrite([*places, *([] if plot is None else [plot])], force, folder=out)
