"""`edgewise predict`: a model and a table in; predictions out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.options import Data, Force, Model, Request, file, option
from edgewise.cli.terminal import tell


class PredictRequest(Request, group="Learn and predict", place=11, whole_table=True):
    """Predict from a table's columns.

    The model's columns come back, and beside them a column of predictions, the
    probability of each class where the target is one, and
    outside_training_range: true where a number lies beyond what the model has
    seen, so that its prediction is an extrapolation.

    Examples:

    - `edgewise predict model.kan new.csv -o predicted.csv`

    - `edgewise predict model.kan new.parquet --keep -o predicted.parquet`

    - `edgewise predict model.kan new.csv --interval 0.9 -o predicted.csv`

    - `edgewise predict hazards/model.kan patients.csv --times 1,5,10`

    - `cat new.csv | edgewise predict model.kan - | head`

    - `edgewise predict law/formula.kan lake.csv --learn lake.csv --save with-lake.kan`

    - `edgewise predict model.kan 'rows/*.parquet' -o out.parquet` goes batch by batch
    """

    model: Model
    data: Data
    out: Path | None = file(
        "The file to write: .csv, .tsv, .parquet, .feather, .xlsx; .csv.gz is compressed.",
        "-o",
        show_default="CSV on standard output",
    )
    keep: bool = option("Keep the columns the model does not use as well.", "-k", default=False)
    drop_missing: bool = option("Leave out rows with missing cells.", default=False)
    interval: float | None = option(
        "A share of new rows, such as 0.9: the lowest and highest value that hold so many, by out-of-bag errors.",
        show_default="none",
    )
    times: list[str] | None = option(
        "For a model of hazards: the times to give chances of survival for, '1,5,10'.",
        show_default="quarters of those observed",
    )
    learn: Path | None = option(
        "For a formula over groups: a table with the target, to fit the constants of its groups to."
    )
    save: Path | None = file(
        "Write the formula with what --learn has learned here, a .kan file.", needs=["learn"]
    )
    force: Force = False

    def run(self) -> Answer:
        """Predict the rows of a table, of many files batch by batch, or with a model of another kind."""
        from edgewise.cli.models import load_model, way_of_kind
        from edgewise.network.container import kind_of

        kind = kind_of(self.model)
        if self.learn is not None and kind not in (None, "FormulaRegressor"):
            raise InputError(
                subject="The option --learn",
                expected="come with a formula over groups",
                got=f"a {kind} in {short(self.model.name)}",
            )
        if self.times and kind not in (None, "KANSurvival"):
            raise InputError(
                subject="The option --times",
                expected="come with a model of hazards, of `edgewise fit --event`",
                got=f"a {kind} in {short(self.model.name)}",
            )
        if way := way_of_kind(self.model, "predict"):
            return way(self)
        from edgewise.cli.many_files import is_dataset, streamed
        from edgewise.cli.predictions import handed_over, with_predictions
        from edgewise.data import provenance, read_frame
        from edgewise.data.write import check_table_name

        options: dict[str, Any] = {
            "keep": self.keep,
            "drop_missing": self.drop_missing,
            "interval": self.interval,
        }
        if is_dataset(self.data):
            loaded = load_model(self.model)
            predicted = partial(with_predictions, loaded, **options)
            return streamed().predict(self, predicted, loaded.names)
        if self.file is not None:
            check_table_name(self.file)
        frame = read_frame(self.data)
        loaded = load_model(self.model)
        tell(provenance(frame).notes(loaded.names), quiet=self.quiet)
        return handed_over(with_predictions(loaded, frame, **options), self.file)
