"""`edgewise fit`: a table in; model.kan, report.html and, where there is one to find, a formula out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, make_folder, refuse_short, refuse_to_overwrite
from edgewise.cli.terminal import print_json, tell

if TYPE_CHECKING:
    from edgewise.cli.job import TableTask, TaskOutcome
    from edgewise.cli.stages import Began

# A fifth is held out, and of the rest again a fifth by the stages themselves.
FEWEST_ROWS = 10


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


def fit(
    data: options.Data,
    target: options.Target,
    columns: options.Columns = None,
    drop: options.Drop = None,
    weight: options.Weight = None,
    groups: options.Groups = None,
    time: options.Time = None,
    task: Annotated[
        Kind | None,
        typer.Option("--task", help="Predict numbers or classes.", show_default="seen from the target"),
    ] = None,
    mode: Annotated[FitMode, typer.Option("--mode", help="How far columns may act together.")] = FitMode.auto,
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    out: options.Out = Path(),
    test: Annotated[
        float,
        typer.Option("--test", help="Share of the rows to hold out; 0 learns from all.", min=0.0, max=0.9),
    ] = 0.2,
    seed: options.Seed = 0,
    hidden: Annotated[
        int | None,
        typer.Option(
            "--hidden", help="Nodes in the hidden layer.", min=1, max=1024, show_default="from the columns"
        ),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option("--members", help="Networks to average.", min=1, max=100, show_default="from the data"),
    ] = None,
    formula: Annotated[
        bool | None,
        typer.Option(
            "--formula/--no-formula",
            help="Look for a formula as well.",
            show_default="for up to 10 columns of numbers",
        ),
    ] = None,
    drop_missing: options.DropMissing = False,
    rows: options.Rows = True,
    force: options.Force = False,
    *,
    quiet: bool,
    verbose: bool,
    json: bool,
) -> None:
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
    from edgewise.cli.stages import Began

    began = Began()
    refuse_to_overwrite(results(out).values(), force, folder=out)
    from edgewise.cli.inputs import ColumnRoles
    from edgewise.cli.streamed import fit_dataset, is_dataset, opened

    roles = ColumnRoles(target, columns, drop, weight, groups, time)
    kind = None if task is None else task.value
    if is_dataset(data):
        if groups is not None or time is not None:
            raise InputError(
                argument="groups" if time is None else "time",
                expected="be left out where rows are read batch by batch",
                got=groups or time,
                advice="pass one file",
            )
        import edgewise as ew

        source, classes = opened(data, roles, kind)
        make = ew.KANClassifier if classes else ew.KANRegressor
        model = make(mode=mode.value, hidden=hidden, work=work, seconds=seconds, random_state=seed)
        fit_dataset(model, source, roles, out, quiet=quiet, json=json)
        return
    from edgewise.cli.inputs import prepare
    from edgewise.data import read_frame

    inputs = prepare(read_frame(data), roles, drop_missing=drop_missing, task=kind)
    refuse_short(inputs.source, inputs.n_rows, FEWEST_ROWS)
    tell(inputs.notes, quiet=quiet)
    # Bad columns are reported before torch is loaded, which takes seconds.
    from edgewise.cli.job import TableTask

    asked = TableTask(
        inputs,
        work=work,
        seconds=seconds,
        seed=seed,
        test=test,
        mode=mode.value,
        hidden=hidden,
        members=members,
        formula=formula,
        rows=rows,
    )
    job = carry_out(asked, out, began, quiet=quiet, verbose=verbose, as_json=json)
    if job.stop_reason is StopReason.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)


def results(out: Path) -> dict[str, Path]:
    """The files a job leaves in a folder."""
    return {"model": out / "model.kan", "report": out / "report.html", "network": out / "network.kan"}


def carry_out(
    task: TableTask, out: Path, began: Began, *, quiet: bool, verbose: bool, as_json: bool
) -> TaskOutcome:
    """Run a job, write its files into a folder and show what came of it."""
    from edgewise.cli import summary
    from edgewise.cli.job import run
    from edgewise.cli.page import content
    from edgewise.cli.progress import ShownProgress
    from edgewise.network import save
    from edgewise.report import write_report

    make_folder(out)
    files = results(out)
    with ShownProgress(quiet) as progress:
        job = run(task, progress, began)
    tell(job.remarks, quiet=quiet)
    job.model.save(files["model"])
    small = None if job.reading is None else job.reading.network
    if small is None:
        files.pop("network").unlink(missing_ok=True)  # of an earlier table; that it may go was asked for
    else:
        save(small, files["network"])
    write_report(files["report"], content(job), overwrite=True)
    if as_json:
        print_json(summary.as_json(job, files))
        return job
    console = summary.results_console()
    if verbose:
        summary.show_messages(console, job.messages)
    summary.show_accuracy(console, job.accuracy, job.scores, len(job.test))
    if job.reading is not None and job.reading.found is not None:
        summary.show_front(console, job.reading.found, job.task.inputs.target, verbose=verbose)
    summary.show_messages(console, (job.stop_reason.advice,))
    console.print()
    for name, path in files.items():
        console.print(f"{name:<8}{path}", soft_wrap=True, markup=False)
    return job
