"""`edgewise report`: the page anew, from a saved model and a table."""

from __future__ import annotations

from pathlib import Path

from edgewise._core.files import write_file
from edgewise.cli.answer import Answer
from edgewise.cli.options import (
    Data,
    Force,
    Groups,
    Model,
    Request,
    Rows,
    Seed,
    TargetOfModel,
    Time,
    column,
    file,
    option,
)
from edgewise.cli.terminal import tell


class ReportRequest(Request, group="Explain", place=31):
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

    model: Model
    data: Data
    target: TargetOfModel = None
    out: Path = file("The page to write; - is standard output.", "-o", default=Path("report.html"))
    test: float = option(
        "Share of the rows to judge on; 1 where the model saw none of them.", default=0.2, min=0.01, max=1.0
    )
    groups: Groups = None
    time: Time = None
    exposure: str | None = column("What counts or amounts are of, for a model that was fitted so.")
    seed: Seed = 0
    rows: Rows = True
    force: Force = False

    def run(self) -> Answer:
        """Judge a model on a table, or one of pictures on a folder, and draw its page."""
        from edgewise.cli.models import load_model, way_of_kind

        if way := way_of_kind(self.model, "report"):
            return way(self)
        from edgewise.cli.page import of_saved, saved_inputs
        from edgewise.cli.progress import ShownProgress
        from edgewise.cli.summary import accuracy_as_data, accuracy_table
        from edgewise.data import read_frame
        from edgewise.report import render_report

        frame = read_frame(self.data)
        loaded = load_model(self.model)
        inputs = saved_inputs(loaded, frame, self.target, self.groups, self.time, self.exposure)
        tell(inputs.notes, quiet=self.quiet)
        with ShownProgress(self.quiet) as progress:
            progress.begin("judge the model and its rivals")
            page = of_saved(loaded, inputs, test=self.test, seed=self.seed, rows=self.rows)
            progress.begin("draw the page")
            drawn = render_report(page.content).encode("utf-8", errors="replace")
        if self.file is None:
            return Answer(content=drawn)
        write_file(self.file, drawn, overwrite=True)
        accuracy, scores = page.content.accuracy, page.scores
        return Answer(
            {"file": str(self.file), "rows": page.rows, "accuracy": accuracy_as_data(accuracy, scores)},
            [*accuracy_table(accuracy, scores, page.rows), f"report  {self.file}"],
        )
