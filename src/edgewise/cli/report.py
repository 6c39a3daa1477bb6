"""`edgewise report`: the page anew, from a saved model and a table."""

from __future__ import annotations

from edgewise._core.errors import InputError
from edgewise._core.files import write_file
from edgewise.cli.answer import Answer
from edgewise.cli.models import load_model
from edgewise.cli.page import of_saved, saved_inputs
from edgewise.cli.pictures import is_of_pictures, report_pictures
from edgewise.cli.progress import ShownProgress
from edgewise.cli.requests import ReportRequest
from edgewise.cli.summary import accuracy_as_data, results_console, show_accuracy
from edgewise.cli.terminal import tell
from edgewise.data import read_frame
from edgewise.report import render_report


def run(asked: ReportRequest) -> Answer:
    """Judge a model on a table, or one of pictures on a folder, and draw its page."""
    if is_of_pictures(asked.model):
        given = {"--target": asked.target, "--groups": asked.groups, "--time": asked.time}
        for option in (name for name, value in given.items() if value is not None):
            raise InputError(
                subject=f"The option {option}", expected="be left out for a model of pictures", got="it"
            )
        return report_pictures(asked)
    frame = read_frame(asked.data)
    loaded = load_model(asked.model)
    inputs = saved_inputs(loaded, frame, asked.target, asked.groups, asked.time)
    tell(inputs.notes, quiet=asked.quiet)
    with ShownProgress(asked.quiet) as progress:
        progress.begin("judge the model and its rivals")
        page = of_saved(loaded, inputs, test=asked.test, seed=asked.seed, rows=asked.rows)
        progress.begin("draw the page")
        drawn = render_report(page.content).encode("utf-8", errors="replace")
    if asked.file is None:
        return Answer(content=drawn)
    write_file(asked.file, drawn, overwrite=True)
    accuracy, scores = page.content.accuracy, page.scores

    def show() -> None:
        console = results_console()
        show_accuracy(console, accuracy, scores, page.rows)
        console.print(f"report  {asked.file}", soft_wrap=True, markup=False)

    rows = accuracy_as_data(accuracy, scores)
    return Answer({"file": str(asked.file), "rows": page.rows, "accuracy": rows}, show)
