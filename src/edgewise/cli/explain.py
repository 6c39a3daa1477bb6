"""`edgewise explain`: why a model answers what it answers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, refuse_to_overwrite
from edgewise.cli.terminal import print_json, say

_ROWS = "Counterfactuals"
_rows = partial(options.unset, rich_help_panel=_ROWS)
_reasons = partial(options.unset, rich_help_panel="Reasons for an adverse decision")


def explain(
    model: options.Model,
    data: Annotated[
        Path | None,
        typer.Argument(
            help="The table to compare with, best the one the model was fitted on; - reads standard input.",
            show_default="rows drawn over what the model knows",
        ),
    ] = None,
    row: Annotated[
        int | None,
        options.unset(
            "--row", "-r", help="Explain the answer for this row of the table, counted from 0.", min=0
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", help="The class or output to explain.", show_default="the model's answer"),
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Draw what pairs of columns do together, and nothing else.")
    ] = False,
    plot: Annotated[
        Path | None, options.unset("--plot", "-o", help="Draw it to this .png or .svg file.")
    ] = None,
    counterfactual: Annotated[
        bool,
        typer.Option(
            "--counterfactual",
            help="Tell what would have to change in the row for another answer.",
            rich_help_panel=_ROWS,
        ),
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            help="The class that is wanted.",
            show_default="the other one",
            rich_help_panel=_ROWS,
        ),
    ] = None,
    above: Annotated[
        float | None, _rows("--above", help="For numbers: the prediction is to be above this.")
    ] = None,
    below: Annotated[
        float | None, _rows("--below", help="For numbers: the prediction is to be below this.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        _rows("--fixed", help="Columns that cannot change: 'sex,age', or given several times."),
    ] = None,
    increase: Annotated[list[str] | None, _rows("--increase", help="Columns that can only rise.")] = None,
    decrease: Annotated[list[str] | None, _rows("--decrease", help="Columns that can only fall.")] = None,
    reasons: Annotated[
        str | None,
        _reasons(
            "--reasons",
            help="Name what kept the row from the class of --target, against the mean of 'approved' rows, "
            "the 'mean' of all, or the 'best' value of each column.",
        ),
    ] = None,
    protected: Annotated[
        list[str] | None,
        _reasons("--protected", help="Columns that may not be reasons: 'sex,age', or given several times."),
    ] = None,
    codes: Annotated[
        Path | None,
        _reasons(
            "--codes",
            help="A CSV file of the codes of reasons, with columns column, code and, if you like, statement.",
        ),
    ] = None,
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
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
    asked = locals()
    from edgewise.cli.pictures import explain_picture, is_of_pictures

    if is_of_pictures(model):
        given = {
            "--row": row,
            "--counterfactual": counterfactual or None,
            "--pairs": pairs or None,
            "--reasons": reasons,
        }
        if extra := [name for name, value in given.items() if value is not None]:
            raise InputError(
                subject=f"The option {extra[0]}", expected="be left out for a model of pictures", got="it"
            )
        refuse_to_overwrite([], force, plot=plot)
        explain_picture(model, data, output, plot, quiet=quiet, json=json)
        return
    _check(data, row, counterfactual, pairs, plot)
    _check_reasons(reasons, row, counterfactual, plot, bool(protected) or codes is not None)
    refuse_to_overwrite([], force, plot=plot)
    from edgewise.cli.explain_answer import ExplainQuestion, explained, picture

    found = explained(ExplainQuestion(**asked))
    if plot is not None:
        picture(found, plot, pairs=pairs)
    if json:
        from edgewise.cli.summary import to_json

        print_json(to_json(found.to_dict()))
    else:
        say(str(found))
    if plot is not None and not quiet:
        say(f"Drawn to {plot}.", err=True)
    if getattr(found, "stop_reason", None) is StopReason.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)


def _check_reasons(
    reasons: str | None, row: int | None, counterfactual: bool, plot: Path | None, more: bool
) -> None:
    """Options of reasons, which are about one row and come alone."""
    if reasons is None and more:
        raise InputError(
            subject="--protected and --codes", expected="come with --reasons", got="no --reasons"
        )
    if reasons is not None and row is None:
        raise InputError(
            subject="--reasons", expected="be asked of one row", got="none", advice="name it with --row"
        )
    if reasons is not None and (counterfactual or plot is not None):
        raise InputError(subject="--reasons", expected="come without --counterfactual and --plot", got="both")


def _check(data: Path | None, row: int | None, counterfactual: bool, pairs: bool, plot: Path | None) -> None:
    """Options that need each other."""
    if row is not None and data is None:
        raise InputError(
            subject="A row",
            expected="be one of a table",
            got="--row without a table",
            advice="name the table after the model",
        )
    if counterfactual and row is None:
        raise InputError(
            subject="--counterfactual",
            expected="be asked of one row",
            got="none",
            advice="name it with --row",
        )
    if pairs and (plot is None or row is not None):
        raise InputError(subject="--pairs", expected="come with --plot and without --row", got="it otherwise")
