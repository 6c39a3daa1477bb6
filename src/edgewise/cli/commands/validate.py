"""`edgewise validate`: a model and rows in; one folder out, under the heads that those who approve it work through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.options import (
    COLUMN,
    Data,
    Force,
    Groups,
    Model,
    Request,
    Rows,
    Seed,
    TargetOfModel,
    Time,
    Work,
    column,
    folder,
    option,
)
from edgewise.cli.outcome import DONE, REFUTED
from edgewise.cli.terminal import tell

if TYPE_CHECKING:
    from edgewise.cli.inputs import Inputs
    from edgewise.report.content.content import ReportContent

# Stretches of time that measures are compared over, and the fewest rows of a stretch.
_STRETCHES, _FEWEST_ROWS = 6, 30


class ValidateRequest(Request, group="Judge", place=54):
    """Write everything that those who approve a model ask about into one folder.

    validation.html is organised as they work: data, limits of use, conceptual
    soundness, outcomes, sensitivity, challenger, proofs, and how it was made;
    what only people can know is left open there. Beside it lie the report,
    tables as CSV, certificates of proofs, and manifest.json with digests of the
    model and of the data. The exit code is 1 where a property is refuted or
    rows have moved.

    Examples:

    - `edgewise validate model.kan next_year.csv --learned learned.csv -o pack`

    - `edgewise validate model.kan next_year.csv --exposure years --against glm.csv --prediction glm -o pack`

    - `edgewise validate model.kan test.csv -p "increasing(age)" -p "output <= 2" --time month -o pack`
    """

    results = ("validation.html", "report.html", "manifest.json")

    model: Model
    data: Data
    out: Path = folder("The folder to write.", "-o", default=...)
    target: TargetOfModel = None
    test: float = option(
        "Share of the rows to judge on; 1 where the model saw none of them.", default=1.0, min=0.01, max=1.0
    )
    groups: Groups = None
    time: Time = None
    exposure: str | None = column("What counts or amounts are of, for a model that was fitted so.")
    learned: Path | None = option("A table of the rows that the model learned from, to compare with.")
    against: Path | None = option(
        "A table with another model's answers, row by row those of the data.", needs=["prediction"]
    )
    prediction: str | None = option(
        "The column of these answers; of two classes chances of the second.",
        metavar=COLUMN,
        needs=["against"],
    )
    property: list[str] | None = option(
        "A property to prove, as for `edgewise verify`; as often as wanted.", "-p"
    )
    work: Work = "normal"
    seed: Seed = 0
    rows: Rows = True
    force: Force = False

    def run(self) -> Answer:
        """Judge the model on the rows, and write the folder."""
        from edgewise._core.files import write_file
        from edgewise.cli.models import load_model
        from edgewise.cli.outcome import make_folder
        from edgewise.cli.page import of_saved, saved_inputs
        from edgewise.cli.progress import ShownProgress
        from edgewise.data import read_frame
        from edgewise.estimators.drift import drift
        from edgewise.report.validation import Validation, sensitivity_rows, validation_files
        from edgewise.verifying.results.verdicts import Refuted

        frame, loaded = read_frame(self.data), load_model(self.model)
        if not loaded.is_estimator:
            raise InputError(
                argument="model",
                expected="read raw columns, as those of `edgewise fit` do",
                got="a plain network",
            )
        inputs = saved_inputs(loaded, frame, self.target, self.groups, self.time, self.exposure)
        tell(inputs.notes, quiet=self.quiet)
        challenger = self._challenger(inputs, frame.num_rows)
        before = None if self.learned is None else loaded.select(read_frame(self.learned))
        with ShownProgress(self.quiet) as progress:
            progress.begin("judge the model and its rivals")
            page = of_saved(loaded, inputs, test=self.test, seed=self.seed, rows=self.rows)
            _, judged = inputs.halves(self.test, self.seed)
            used = inputs.frame.take(judged)
            happened, exposure = inputs.y[judged], inputs.likelihood.exposure
            proofs = tuple(self._proved(loaded.held, text, progress) for text in self.property or ())
            progress.begin("write the folder")
            moved = drift(
                loaded.held, used, before, y=happened, exposure=None if exposure is None else exposure[judged]
            )
            files = validation_files(
                Validation(
                    page.content,
                    self._manifest(page.content),
                    sensitivity_rows(loaded.held, used),
                    self._stability(inputs, judged, page.content),
                    moved,
                    challenger,
                    proofs,
                )
            )
        make_folder(self.out)
        if any(name.startswith("proofs/") for name in files):
            make_folder(self.out / "proofs")
        for name, content in files.items():
            write_file(self.out / name, content, overwrite=True)
        refuted = [proof.property for proof in proofs if isinstance(proof, Refuted)]
        text = [f"{proof.property}: {proof.status}" for proof in proofs]
        data: dict[str, Any] = {
            "folder": str(self.out),
            "files": sorted(files),
            "proofs": {proof.property: proof.status for proof in proofs},
            "alarms": list(moved.alarms),
            "accuracy": list(page.scores),
        }
        lines = [
            *text,
            *moved.alarms,
            f"{len(files)} files in {self.out}; begin with {self.out / 'validation.html'}",
        ]
        return Answer(data, "\n".join(lines), code=REFUTED if refuted or moved.alarms else DONE)

    def _proved(self, model: Any, text: str, progress: Any) -> Any:
        from edgewise.verifying import verify

        progress.begin(f"prove {text}")
        return verify(model, text, work=self.work, seed=self.seed, file=self.model)

    def _challenger(self, inputs: Inputs, rows: int) -> Any:
        """The other model's answers for the rows that are judged."""
        if self.against is None or self.prediction is None:
            return None
        import numpy as np

        from edgewise.cli.inputs import find, numbers_of
        from edgewise.data import read_frame
        from edgewise.report.validation import Challenger

        other = read_frame(self.against)
        values = numbers_of(other, find(other, self.prediction))
        if len(values) != rows or inputs.n_rows != rows:
            raise InputError(
                argument="against",
                expected=f"have a row for each of the {inputs.n_rows:,} rows of the data, of which none lacks its target",
                got=f"{len(values):,}",
            )
        _, judged = inputs.halves(self.test, self.seed)
        if not np.isfinite(values[judged]).all():
            raise InputError(argument="prediction", expected="hold a number in every row", got="gaps")
        return Challenger(self.prediction, values[judged])

    def _stability(self, inputs: Inputs, judged: Any, content: ReportContent) -> list[dict[str, Any]]:
        """The measures by stretches of time with about as many rows."""
        if inputs.time is None:
            return []
        import numpy as np

        from edgewise.report.evaluation.leaderboard import leaderboard
        from edgewise.report.evaluation.measures import weighed

        board = leaderboard(content)
        if board.main is None or board.main.row.predicted is None:
            return []
        predicted, y = np.asarray(board.main.row.predicted, dtype=np.float64), content.y_test
        when = np.asarray(inputs.time)[judged]
        count = int(np.clip(len(when) // _FEWEST_ROWS, 1, _STRETCHES))
        cuts = np.unique(np.quantile(when, np.arange(1, count) / count, method="lower"))
        place, found = np.searchsorted(cuts, when, side="left"), list[dict[str, Any]]()
        for k in np.unique(place):
            at = place == k
            weight = None if content.weight_test is None else content.weight_test[at]
            once = np.ones((1, int(at.sum())))
            found.append(
                {
                    "from": float(when[at].min()),
                    "to": float(when[at].max()),
                    "rows": float(at.sum()),
                    **{
                        way.name: float(weighed(way.of(y[at], predicted[at]), weight)(once)[0])
                        for way in board.yardsticks
                    },
                }
            )
        return found

    def _manifest(self, content: ReportContent) -> dict[str, Any]:
        import hashlib

        return {
            "model": self.model.name,
            "model SHA-256": hashlib.sha256(self.model.read_bytes()).hexdigest(),
            "data": content.source,
            "data SHA-256": content.origin.data_hash,
            "seed": self.seed,
            "command": content.origin.command,
            "date": content.origin.date,
            **{f"version of {name}": version for name, version in content.origin.versions},
        }
