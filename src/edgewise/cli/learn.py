"""A job carried out: its files written into a folder, its results shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType

from edgewise._core.stopping import StopReason
from edgewise.cli.answer import Answer
from edgewise.cli.job import TableTask, TaskOutcome
from edgewise.cli.job import run as run_job
from edgewise.cli.options import Request
from edgewise.cli.outcome import DONE, INTERRUPTED, make_folder
from edgewise.cli.page import content
from edgewise.cli.progress import ShownProgress
from edgewise.cli.summary import accuracy_table, dim, front_lines, job_as_data
from edgewise.cli.terminal import tell
from edgewise.network import save
from edgewise.report import write_report


def carry_out(task: TableTask, asked: Request, last: str = "") -> Answer:
    """Run a job and write its files into the folder of --out; `last` ends what a person reads."""
    model, report, network = asked.places
    make_folder(model.parent)
    with ShownProgress(asked.quiet) as progress:
        job = run_job(task, progress, asked.began)
    tell(job.remarks, quiet=asked.quiet)
    job.model.save(model)
    files = {"model": model, "report": report}
    small = None if job.reading is None else job.reading.network
    if small is None:
        network.unlink(missing_ok=True)  # of an earlier table; that it may go was asked for
    else:
        save(small, network)
        files["network"] = network
    write_report(report, content(job), overwrite=True)
    code = INTERRUPTED if job.stop_reason is StopReason.INTERRUPTED else DONE
    return Answer(lambda: job_as_data(job, files), _shown(job, files, last, verbose=asked.verbose), code=code)


def _shown(job: TaskOutcome, files: dict[str, Path], last: str, *, verbose: bool) -> Iterator[RenderableType]:
    if verbose:
        yield from dim(job.messages)
    yield from accuracy_table(job.accuracy, job.scores, len(job.test))
    if job.reading is not None and job.reading.found is not None:
        yield from front_lines(job.reading.found, job.task.inputs.target, verbose=verbose)
    yield from dim((job.stop_reason.advice,))
    yield ""
    yield from (f"{name:<8}{path}" for name, path in files.items())
    if last:
        yield last
