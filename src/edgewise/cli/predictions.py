"""A table with a model's predictions beside it: of a network, or of a formula whose groups may be learned first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise.cli.answer import to_json
from edgewise.cli.inputs import called, complete, find, numbers, refuse_infinite
from edgewise.cli.models import LoadedModel
from edgewise.cli.terminal import print_json, print_table, say, tell
from edgewise.data import provenance, read_frame, write_frame
from edgewise.data.arrow import Cells, Frame
from edgewise.data.encoding_raw import raw_table
from edgewise.data.row_labels import label_text
from edgewise.data.write import check_table_name
from edgewise.symbolic import Formula
from edgewise.symbolic.groups.grouped_formula import LEARNS

if TYPE_CHECKING:
    from edgewise.estimators import FormulaRegressor

OUTSIDE = "outside_training_range"
# What learns the constants of a new group here.
_LEARNS = "--learn FILE learns its constants from its rows"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The table that was made, and how many of its rows lie outside the training range."""

    frame: Frame
    outside: int


def with_predictions(
    model: LoadedModel,
    frame: Frame,
    *,
    keep: bool = False,
    drop_missing: bool = False,
    interval: float | None = None,
) -> Predictions:
    """The model's columns (all columns where `keep`), predictions, probabilities of classes and a flag for extrapolation.

    With `interval` there are the ends of intervals that hold such a share of new rows as well.
    """
    used = model.select(frame)
    if drop_missing:
        rows = pa.array(complete(used, used.column_names))
        used, frame = used.filter(rows), frame.filter(rows)
        if not used.num_rows:
            source = provenance(frame).source
            raise InputError(
                subject=source,
                expected="have at least one row without missing cells",
                got="none",
                advice="leave --drop-missing out",
            )
    fresh = columns_of(model, used, interval)
    return beside(frame if keep else used, fresh, model.outside(used), provenance(frame).source)


def beside(table: Frame, fresh: dict[str, Cells], outside: NDArray[np.bool_], source: str) -> Predictions:
    """The table with predictions and the flag for extrapolation as further columns."""
    fresh = {**fresh, OUTSIDE: pa.array(outside)}
    if taken := [name for name in fresh if name in table.column_names]:
        raise InputError(
            subject=source,
            expected=f"not have a column {taken[0]!r} yet, for the predictions go there",
            got="one",
            advice="rename or remove it",
        )
    for name, values in fresh.items():
        table = table.append_column(name, values)
    return Predictions(table.replace_schema_metadata(None), int(outside.sum()))


def hand_over(predictions: Predictions, out: Path | None, *, quiet: bool, json: bool) -> None:
    """Write the table, or print it, and state how many rows it has."""
    counts = {"rows": predictions.frame.num_rows, "outside": predictions.outside}
    if out is not None:
        write_frame(predictions.frame, out)
        if json:
            print_json(to_json({**counts, "file": str(out)}))
    elif json:
        print_json(to_json({**counts, "predictions": predictions.frame.to_pylist()}))
    else:
        print_table(predictions.frame)
    if not quiet:
        where = "" if out is None else f", written to {out}"
        words = f"{counts['rows']:,} predictions{where}; {counts['outside']:,} outside the training range."
        say(words, err=True)


def columns_of(model: LoadedModel, used: Frame, interval: float | None = None) -> dict[str, Cells]:
    """The predictions by the names they are written under."""
    ends = None if interval is None else model.interval(used, interval).reshape(used.num_rows, -1, 2)
    values = model.values(used)
    if not model.classes:
        columns = dict[str, Cells]()
        for k, (name, column) in enumerate(
            zip(model.outputs, values.reshape(used.num_rows, -1).T, strict=True)
        ):
            columns[f"{name}_predicted"] = pa.array(column)
            if ends is not None:
                columns[f"{name}_low"], columns[f"{name}_high"] = map(pa.array, ends[:, k].T)
        return columns
    labels = pa.array(np.asarray(model.classes)[values.argmax(axis=1)].tolist())
    shares = {
        f"{model.target}_probability_{label}": pa.array(values[:, place])
        for place, label in enumerate(model.classes)
    }
    return {f"{model.target}_predicted": labels, **shares}


@dataclass(frozen=True)
class Learning:
    """What is to be learned before predicting.

    Attributes
    ----------
    rows : a table with rows of groups, their target among the columns
    save : a file for the formula with what was learned
    force : whether that may exist
    """

    rows: Path
    save: Path | None
    force: bool


def learned(model: FormulaRegressor, asked: tuple[str, ...], learning: Learning, *, quiet: bool) -> None:
    """Fit the constants of the groups in a table, those that all share as they are, and tell them."""
    formula = model.formula_
    if isinstance(formula, Formula) or not any(formula.own.values()):
        raise InputError(
            subject="The option --learn",
            expected="come with a formula that has constants of each group's own",
            got="one without",
        )
    frame = read_frame(learning.rows)
    target = find(frame, model.target_names_[0] if model.target_names_ else "y")
    values = numbers(frame.column(target))
    source = provenance(frame).source
    if values is None:
        raise InputError(subject=f"Column {called(target)} of {source}", expected="hold numbers", got="words")
    if np.isinf(values).any():
        raise InputError(
            subject=f"Column {called(target)} of {source}", expected="hold finite numbers", got="an infinity"
        )
    used = LoadedModel(model, asked, (target,)).select(frame)
    tell(provenance(frame).notes([*asked, target]), quiet=quiet)
    from edgewise.estimators import save
    from edgewise.estimators.formula_rows import separated

    X, labels = separated(formula, raw_table(used), model.groups)
    whole = ~(np.isnan(X).any(axis=1) | np.isnan(values))
    model.refit_group(used, values)
    counts = Counter[Hashable](
        {label: 0 for label in labels if label is not None and label not in formula.own}
    )
    counts.update(label for label, there in zip(labels, whole, strict=True) if there and label is not None)
    tell([_told(model, label, count) for label, count in counts.items()], quiet=quiet)
    if learning.save is not None:
        save(model, learning.save, overwrite=learning.force)


def _told(model: FormulaRegressor, label: Hashable, count: int) -> str:
    formula = model.formula_
    assert not isinstance(formula, Formula)
    constants = ", ".join(
        f"{name} = {each.value:.6g} \u00b1 {each.standard_error:.2g}"
        for name, each in formula.own[label].items()
    )
    return f"{label_text(label)}: {constants}, from {plural(count, 'row')}."


def predict_formula(
    model: FormulaRegressor,
    data: Path,
    out: Path | None,
    *,
    learning: Learning | None,
    keep: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Values of a formula for the rows of a table."""
    if out is not None:
        check_table_name(out)
    frame = read_frame(data)
    formula = model.formula_
    columns = list(formula.names if isinstance(formula, Formula) else formula.columns)
    named = getattr(model, "feature_names_in_", None)
    asked = columns if named is None else [str(name) for name in named]
    target = model.target_names_[0] if model.target_names_ else "y"
    if len(asked) != model.n_features_in_:
        raise InputError(
            subject="The model",
            expected="name its columns, the group among them",
            got="one fitted to a table without names",
        )
    used = LoadedModel(model, tuple(asked), (target,)).select(frame)
    source = provenance(frame).source
    refuse_infinite(used, source)
    if learning is not None:
        learned(model, tuple(asked), learning, quiet=quiet)
    tell(provenance(frame).notes(asked), quiet=quiet)
    X = np.column_stack([_numbers(used, name, source) for name in columns])
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
    hand_over(beside(frame if keep else used, fresh, outside, source), out, quiet=quiet, json=json)


def _numbers(used: Frame, name: str, source: str) -> NDArray[np.float64]:
    values = numbers(used.column(name))
    if values is None:
        raise InputError(subject=f"Column {name!r} of {source}", expected="be numeric", got="words")
    return values
