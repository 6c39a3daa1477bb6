"""`edgewise predict` with a formula in place of a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.errors import InputError
from edgewise.cli.formula_learn import Learning, learned
from edgewise.cli.inputs import numbers, refuse_infinite
from edgewise.cli.models import LoadedModel
from edgewise.cli.predictions import beside, hand_over
from edgewise.cli.terminal import tell
from edgewise.data import provenance, read_frame
from edgewise.data.arrow import Frame
from edgewise.data.write import check_table_name
from edgewise.estimators import FormulaRegressor
from edgewise.symbolic import Formula
from edgewise.symbolic.groups.grouped_formula import LEARNS

# What learns the constants of a new group here.
_LEARNS = "--learn FILE learns its constants from its rows"


def predict_formula(
    model: FormulaRegressor,
    data: Path,
    out: Path | None,
    *,
    unfit: Mapping[str, bool],
    learning: Learning | None,
    keep: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Values of a formula for the rows of a table; `unfit` are options that have no meaning here, and whether they came."""
    if given := [name for name, came in unfit.items() if came]:
        raise InputError(
            subject=f"The option {given[0]}",
            expected="be left out for a formula",
            got="it",
            advice="a formula gives one value a row",
        )
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
        raise InputError(str(error).replace(LEARNS, _LEARNS)) from None
    fresh = {f"{target}_predicted": pa.array(predicted, from_pandas=True)}
    hand_over(beside(frame if keep else used, fresh, outside, source), out, quiet=quiet, json=json)


def _numbers(used: Frame, name: str, source: str) -> NDArray[np.float64]:
    values = numbers(used.column(name))
    if values is None:
        raise InputError(subject=f"Column {name!r} of {source}", expected="be numeric", got="words")
    return values
