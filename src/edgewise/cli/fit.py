"""`edgewise fit`: a table in; model.kan, report.html and a formula out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, make_folder, print_json, refuse_short, refuse_to_overwrite

if TYPE_CHECKING:
    from edgewise.cli.job import Job, Task

# A fifth is held out, and of the rest again a fifth by the stages themselves.
FEWEST_ROWS = 10


def fit(
    data: options.Data,
    target: options.Target,
    columns: options.Columns = None,
    seconds: options.Seconds = 60.0,
    out: options.Out = Path(),
    seed: options.Seed = 0,
    hidden: Annotated[
        int | None,
        typer.Option("--hidden", help="Nodes in the hidden layer.", min=1, show_default="from the columns"),
    ] = None,
    drop_missing: options.DropMissing = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Train a network, simplify it, find its formula; write model.kan and report.html.

    A fifth of the rows is held out: no stage sees them, and the errors shown are those on them.
    """
    refuse_to_overwrite(results(out).values(), force)
    from edgewise.data import read_table

    table = read_table(data)
    chosen = options.as_names(columns)
    if drop_missing:
        table = table.drop_missing(table.names if chosen is None else (*chosen, target))
    # Bad columns are told before torch and its kin are loaded, which takes seconds.
    table.features(target, chosen)
    refuse_short(table.source, table.n_rows, FEWEST_ROWS)
    from edgewise.cli.job import Task

    job = carry_out(Task(table, target, chosen, seconds, seed, hidden), out, quiet=quiet, as_json=json)
    if job.interrupted:
        raise typer.Exit(INTERRUPTED)


def results(out: Path) -> dict[str, Path]:
    """The files a job leaves in a folder."""
    return {"model": out / "model.kan", "report": out / "report.html"}


def carry_out(task: Task, out: Path, *, quiet: bool, as_json: bool) -> Job:
    """Run a job, write its files into a folder and show what came of it."""
    from edgewise.cli import summary
    from edgewise.cli.job import run
    from edgewise.cli.page import content
    from edgewise.cli.progress import Progress
    from edgewise.network import save
    from edgewise.report import write_report

    make_folder(out)
    files = results(out)
    with Progress(quiet) as progress:
        job = run(task, progress)
    save(job.network, files["model"])
    write_report(files["report"], content(job), overwrite=True)
    if as_json:
        print_json(summary.as_json(job, files))
        return job
    console = summary.results_console()
    summary.show_accuracy(console, job.accuracy, len(job.y_test))
    if job.found is not None:
        summary.show_front(console, job.found)
        summary.show_formula(console, job.task.target, job.found)
    if job.interrupted:
        console.print("Interrupted; this is the best so far.")
    console.print(f"\nmodel   {files['model']}\nreport  {files['report']}", soft_wrap=True, markup=False)
    return job
