"""`edgewise predict`: a model and a table in; predictions out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.cli import options
from edgewise.cli.outcome import refuse_to_overwrite, to_standard_output
from edgewise.cli.terminal import tell


def predict(
    model: options.Model,
    data: options.Data,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The file to write: .csv, .tsv, .parquet, .feather, .xlsx; .csv.gz is compressed.",
            show_default="CSV on standard output",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", "-k", help="Keep the columns the model does not use as well.")
    ] = False,
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Leave out rows with missing cells.")
    ] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval",
            help="A share of new rows, such as 0.9: the lowest and highest value that hold so many, by out-of-bag errors.",
            show_default="none",
        ),
    ] = None,
    learn: Annotated[
        Path | None,
        options.unset(
            "--learn",
            help="For a formula over groups: a table with the target, to fit the constants of its groups to.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        options.unset("--save", help="Write the formula with what --learn has learned here, a .kan file."),
    ] = None,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Predict from a table's columns.

    The model's columns come back, and beside them a column of predictions, the
    probability of each class where the target is one, and
    outside_training_range: true where a number lies beyond what the model has
    seen, so that its prediction is an extrapolation.

    Examples:

    - `edgewise predict model.kan new.csv -o predicted.csv`

    - `edgewise predict model.kan new.parquet --keep -o predicted.parquet`

    - `edgewise predict model.kan new.csv --interval 0.9 -o predicted.csv`

    - `cat new.csv | edgewise predict model.kan - | head`

    - `edgewise predict law/formula.kan lake.csv --learn lake.csv --save with-lake.kan`

    - `edgewise predict model.kan 'rows/*.parquet' -o out.parquet` goes batch by batch
    """
    if to_standard_output(out, json=json):
        out = None
    refuse_to_overwrite([out, save], force)
    if save is not None and learn is None:
        raise InputError(
            subject="The option --save",
            expected="come with --learn",
            got="it alone",
            advice="there is nothing new to write",
        )
    from edgewise.network.container import kind_of

    kind = kind_of(model)
    if learn is not None and kind not in (None, "FormulaRegressor"):
        raise InputError(
            subject="The option --learn",
            expected="come with a formula over groups",
            got=f"a {kind} in {short(model.name)}",
        )
    if kind == "ImageClassifier":
        from edgewise.cli.pictures import predict_pictures
        from edgewise.vision.files import load

        predict_pictures(load(model), data, out, quiet=quiet, json=json)
        return
    if kind == "FormulaRegressor":
        from edgewise.cli.predictions import Learning, predict_formula
        from edgewise.estimators import FormulaRegressor
        from edgewise.estimators.formula_files import load

        law = cast(FormulaRegressor, load(model))
        if interval is not None or drop_missing:
            raise InputError(
                subject="The option --drop-missing" if interval is None else "The option --interval",
                expected="be left out for a formula",
                got="it",
                advice="a formula gives one value a row",
            )
        learning = None if learn is None else Learning(learn, save, force)
        predict_formula(law, data, out, learning=learning, keep=keep, quiet=quiet, json=json)
        return
    from edgewise.cli.streamed import is_dataset, predict_dataset

    if is_dataset(data):
        from edgewise.cli.models import load_model
        from edgewise.cli.predictions import with_predictions
        from edgewise.data.streaming.source import open_source

        loaded, source = load_model(model), open_source(str(data))
        if not keep:
            source = source.only([source.check_column(name, "columns") for name in loaded.names])
        predicted = partial(with_predictions, loaded, keep=keep, drop_missing=drop_missing, interval=interval)
        predict_dataset(predicted, source, out, quiet=quiet, json=json)
        return
    from edgewise.data import provenance, read_frame
    from edgewise.data.write import check_table_name

    if out is not None:
        check_table_name(out)
    frame = read_frame(data)
    from edgewise.cli.models import load_model
    from edgewise.cli.predictions import hand_over, with_predictions

    loaded = load_model(model)
    tell(provenance(frame).notes(loaded.names), quiet=quiet)
    predictions = with_predictions(loaded, frame, keep=keep, drop_missing=drop_missing, interval=interval)
    hand_over(predictions, out, quiet=quiet, json=json)
