"""`edgewise report`: the page anew, from a saved model and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgewise._core.errors import InputError
from edgewise.cli import options
from edgewise.cli.outcome import refuse_to_overwrite, to_standard_output
from edgewise.cli.terminal import print_bytes, print_json, tell


def report(
    model: options.Model,
    data: options.Data,
    target: options.TargetOfModel = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The page to write; - is standard output.", show_default=True)
    ] = Path("report.html"),
    test: Annotated[
        float,
        typer.Option(
            "--test",
            help="Share of the rows to judge on; 1 where the model saw none of them.",
            min=0.01,
            max=1.0,
        ),
    ] = 0.2,
    groups: options.Groups = None,
    time: options.Time = None,
    seed: options.Seed = 0,
    rows: options.Rows = True,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
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
    printed = to_standard_output(out, json=json)
    refuse_to_overwrite([None if printed else out], force)
    from edgewise.cli.pictures import is_of_pictures, report_pictures

    if is_of_pictures(model):
        given = {"--target": target, "--groups": groups, "--time": time}
        for option in (name for name, value in given.items() if value is not None):
            raise InputError(
                subject=f"The option {option}", expected="be left out for a model of pictures", got="it"
            )
        report_pictures(model, data, None if printed else out, test=test, rows=rows, quiet=quiet, json=json)
        return
    from edgewise.data import read_frame

    frame = read_frame(data)
    from edgewise._core.files import write_file
    from edgewise.cli.models import load_model
    from edgewise.cli.page import of_saved, saved_inputs
    from edgewise.cli.progress import ShownProgress
    from edgewise.cli.summary import accuracy_as_data, results_console, show_accuracy, to_json
    from edgewise.report import render_report

    loaded = load_model(model)
    inputs = saved_inputs(loaded, frame, target, groups, time)
    tell(inputs.notes, quiet=quiet)
    with ShownProgress(quiet) as progress:
        progress.begin("judge the model and its rivals")
        page = of_saved(loaded, inputs, test=test, seed=seed, rows=rows)
        progress.begin("draw the page")
        drawn = render_report(page.content).encode("utf-8", errors="replace")
    if printed:
        print_bytes(drawn)
        return
    write_file(out, drawn, overwrite=True)
    accuracy, scores = page.content.accuracy, page.scores
    if json:
        result = {"file": str(out), "rows": page.rows, "accuracy": accuracy_as_data(accuracy, scores)}
        print_json(to_json(result))
        return
    console = results_console()
    show_accuracy(console, accuracy, scores, page.rows)
    console.print(f"report  {out}", soft_wrap=True, markup=False)
