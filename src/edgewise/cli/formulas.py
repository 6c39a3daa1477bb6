"""What the command line does with a formula in a file: its values for rows, after those of new groups are learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.inputs import find, numbers_of, refuse_infinite
from edgewise.cli.models import LoadedModel
from edgewise.cli.predictions import beside, handed_over
from edgewise.cli.terminal import tell
from edgewise.data import provenance, read_frame
from edgewise.data.encoding_raw import raw_table
from edgewise.data.row_labels import label_text
from edgewise.data.write import check_table_name
from edgewise.estimators import FormulaRegressor, save
from edgewise.estimators.formula_files import load
from edgewise.estimators.formula_rows import separated
from edgewise.symbolic import Formula
from edgewise.symbolic.groups.grouped_formula import LEARNS

if TYPE_CHECKING:
    from edgewise.cli.commands.predict import PredictRequest

# What learns the constants of a new group here.
_LEARNS = "--learn FILE learns its constants from its rows"


def learned(model: FormulaRegressor, names: tuple[str, ...], asked: PredictRequest) -> None:
    """Fit the constants of the groups in the table of --learn, those that all share as they are, and tell them."""
    formula = model.formula_
    if isinstance(formula, Formula) or not any(formula.own.values()):
        raise InputError(
            subject="The option --learn",
            expected="come with a formula that has constants of each group's own",
            got="one without",
        )
    assert asked.learn is not None
    frame = read_frame(asked.learn)
    target = find(frame, model.target_names_[0] if model.target_names_ else "y")
    values = numbers_of(frame, target)
    refuse_infinite(frame.select([target]), provenance(frame).source)
    used = LoadedModel(model, names, (target,)).select(frame)
    tell(provenance(frame).notes([*names, target]), quiet=asked.quiet)
    X, labels = separated(formula, raw_table(used), model.groups)
    whole = ~(np.isnan(X).any(axis=1) | np.isnan(values))
    model.refit_group(used, values)
    counts = Counter[Hashable](
        {label: 0 for label in labels if label is not None and label not in formula.own}
    )
    counts.update(label for label, there in zip(labels, whole, strict=True) if there and label is not None)
    tell([_told(model, label, count) for label, count in counts.items()], quiet=asked.quiet)
    if asked.save is not None:
        save(model, asked.save, overwrite=asked.force)


def _told(model: FormulaRegressor, label: Hashable, count: int) -> str:
    formula = model.formula_
    assert not isinstance(formula, Formula)
    constants = ", ".join(
        f"{name} = {item.value:.6g} \u00b1 {item.standard_error:.2g}"
        for name, item in formula.own[label].items()
    )
    return f"{label_text(label)}: {constants}, from {plural(count, 'row')}."


def predict(asked: PredictRequest) -> Answer:
    """Values of a formula for the rows of a table."""
    model = cast(FormulaRegressor, load(asked.model))
    if asked.interval is not None or asked.drop_missing:
        raise InputError(
            subject="The option --drop-missing" if asked.interval is None else "The option --interval",
            expected="be left out for a formula",
            got="it",
            advice="a formula gives one value a row",
        )
    if asked.file is not None:
        check_table_name(asked.file)
    frame = read_frame(asked.data)
    formula = model.formula_
    columns = list(formula.names if isinstance(formula, Formula) else formula.columns)
    named = getattr(model, "feature_names_in_", None)
    names = columns if named is None else [str(name) for name in named]
    target = model.target_names_[0] if model.target_names_ else "y"
    if len(names) != model.n_features_in_:
        raise InputError(
            subject="The model",
            expected="name its columns, the group among them",
            got="one fitted to a table without names",
        )
    used = LoadedModel(model, tuple(names), (target,)).select(frame)
    source = provenance(frame).source
    refuse_infinite(used, source)
    if asked.learn is not None:
        learned(model, tuple(names), asked)
    tell(provenance(frame).notes(names), quiet=asked.quiet)
    X = np.column_stack([numbers_of(used, name) for name in columns])
    low, high = model.range_
    outside = ((low > X) | (high < X)).any(axis=1)
    try:
        predicted = model.predict(used)
    except InputError as error:
        if error.advice != LEARNS:
            raise
        raise InputError(
            subject=error.subject, expected=error.expected, got=error.got, advice=_LEARNS
        ) from None
    fresh = {f"{target}_predicted": pa.array(predicted, from_pandas=True)}
    return handed_over(beside(frame if asked.keep else used, fresh, outside, source), asked.file)
