"""`edgewise predict`: a model and a table in; predictions out."""

from __future__ import annotations

from functools import partial
from typing import cast

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.cli.requests import PredictRequest
from edgewise.cli.terminal import tell


def run(asked: PredictRequest) -> None:
    """Carry a request out and show what came of it."""
    out = asked.file
    from edgewise.network.container import kind_of

    kind = kind_of(asked.model)
    if asked.learn is not None and kind not in (None, "FormulaRegressor"):
        raise InputError(
            subject="The option --learn",
            expected="come with a formula over groups",
            got=f"a {kind} in {short(asked.model.name)}",
        )
    if kind == "ImageClassifier":
        from edgewise.cli.pictures import predict_pictures
        from edgewise.vision.files import load

        predict_pictures(load(asked.model), asked.data, out, quiet=asked.quiet, json=asked.json)
        return
    if kind == "FormulaRegressor":
        from edgewise.cli.predictions import Learning, predict_formula
        from edgewise.estimators import FormulaRegressor
        from edgewise.estimators.formula_files import load

        law = cast(FormulaRegressor, load(asked.model))
        if asked.interval is not None or asked.drop_missing:
            raise InputError(
                subject="The option --drop-missing" if asked.interval is None else "The option --interval",
                expected="be left out for a formula",
                got="it",
                advice="a formula gives one value a row",
            )
        learning = None if asked.learn is None else Learning(asked.learn, asked.save, asked.force)
        predict_formula(
            law, asked.data, out, learning=learning, keep=asked.keep, quiet=asked.quiet, json=asked.json
        )
        return
    from edgewise.cli.streamed import is_dataset, predict_dataset

    if is_dataset(asked.data):
        from edgewise.cli.models import load_model
        from edgewise.cli.predictions import with_predictions
        from edgewise.data.streaming.source import open_source

        loaded, source = load_model(asked.model), open_source(str(asked.data))
        if not asked.keep:
            source = source.only([source.check_column(name, "columns") for name in loaded.names])
        predicted = partial(
            with_predictions,
            loaded,
            keep=asked.keep,
            drop_missing=asked.drop_missing,
            interval=asked.interval,
        )
        predict_dataset(predicted, source, out, quiet=asked.quiet, json=asked.json)
        return
    from edgewise.data import provenance, read_frame
    from edgewise.data.write import check_table_name

    if out is not None:
        check_table_name(out)
    frame = read_frame(asked.data)
    from edgewise.cli.models import load_model
    from edgewise.cli.predictions import hand_over, with_predictions

    loaded = load_model(asked.model)
    tell(provenance(frame).notes(loaded.names), quiet=asked.quiet)
    predictions = with_predictions(
        loaded, frame, keep=asked.keep, drop_missing=asked.drop_missing, interval=asked.interval
    )
    hand_over(predictions, out, quiet=asked.quiet, json=asked.json)
