"""`edgewise fit`: a table in; model.kan, report.html and, where there is one to find, a formula out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.cli.answer import Answer
from edgewise.cli.inputs import ColumnRoles, prepare
from edgewise.cli.outcome import DONE, INTERRUPTED, make_folder, refuse_short
from edgewise.cli.requests import DemoRequest, FitRequest, job_files
from edgewise.cli.streamed import fit_dataset, is_dataset, opened
from edgewise.cli.terminal import say, tell
from edgewise.data import read_frame

if TYPE_CHECKING:
    from edgewise.cli.job import TableTask

# A fifth is held out, and of the rest again a fifth by the stages themselves.
FEWEST_ROWS = 10


def run(asked: FitRequest) -> Answer:
    """Learn from a table, or batch by batch from a dataset of many files."""
    roles = ColumnRoles(asked.target, asked.columns, asked.drop, asked.weight, asked.groups, asked.time)
    kind = None if asked.task is None else asked.task.value
    if is_dataset(asked.data):
        if asked.groups is not None or asked.time is not None:
            raise InputError(
                argument="groups" if asked.time is None else "time",
                expected="be left out where rows are read batch by batch",
                got=asked.groups or asked.time,
                advice="pass one file",
            )
        import edgewise as ew

        source, classes = opened(asked.data, roles, kind)
        make = ew.KANClassifier if classes else ew.KANRegressor
        model = make(
            mode=asked.mode.value,
            hidden=asked.hidden,
            work=asked.work,
            seconds=asked.seconds,
            random_state=asked.seed,
        )
        return fit_dataset(model, source, roles, asked)
    inputs = prepare(read_frame(asked.data), roles, drop_missing=asked.drop_missing, task=kind)
    refuse_short(inputs.source, inputs.n_rows, FEWEST_ROWS)
    tell(inputs.notes, quiet=asked.quiet)
    # Bad columns are reported before torch is loaded, which takes seconds.
    from edgewise.cli.job import TableTask

    task = TableTask(
        inputs,
        work=asked.work,
        seconds=asked.seconds,
        seed=asked.seed,
        test=asked.test,
        mode=asked.mode.value,
        hidden=asked.hidden,
        members=asked.members,
        formula=asked.formula,
        rows=asked.rows,
    )
    return carry_out(task, asked)


def carry_out(task: TableTask, asked: FitRequest | DemoRequest, last: str = "") -> Answer:
    """Run a job and write its files into a folder; `last` ends what a person reads."""
    from edgewise.cli import summary
    from edgewise.cli.job import run as run_job
    from edgewise.cli.page import content
    from edgewise.cli.progress import ShownProgress
    from edgewise.network import save
    from edgewise.report import write_report

    make_folder(asked.out)
    files = job_files(asked.out)
    with ShownProgress(asked.quiet) as progress:
        job = run_job(task, progress, asked.began)
    tell(job.remarks, quiet=asked.quiet)
    job.model.save(files["model"])
    small = None if job.reading is None else job.reading.network
    if small is None:
        files.pop("network").unlink(missing_ok=True)  # of an earlier table; that it may go was asked for
    else:
        save(small, files["network"])
    write_report(files["report"], content(job), overwrite=True)

    def show() -> None:
        console = summary.results_console()
        if asked.verbose:
            summary.show_messages(console, job.messages)
        summary.show_accuracy(console, job.accuracy, job.scores, len(job.test))
        if job.reading is not None and job.reading.found is not None:
            summary.show_front(console, job.reading.found, task.inputs.target, verbose=asked.verbose)
        summary.show_messages(console, (job.stop_reason.advice,))
        console.print()
        for name, path in files.items():
            console.print(f"{name:<8}{path}", soft_wrap=True, markup=False)
        if last:
            say(last)

    code = INTERRUPTED if job.stop_reason is StopReason.INTERRUPTED else DONE
    return Answer(lambda: summary.job_as_data(job, files), show, code=code)
