"""Constants of new groups, learned by `edgewise predict` from their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise.cli.inputs import called, find, numbers
from edgewise.cli.models import LoadedModel
from edgewise.cli.terminal import tell
from edgewise.data import provenance, read_frame
from edgewise.data.encoding_raw import raw_table
from edgewise.data.row_labels import label_text
from edgewise.estimators import FormulaRegressor, save
from edgewise.estimators.grouped import separated
from edgewise.symbolic import Formula


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
            "The option --learn needs a formula with constants of each group's own. Got one without."
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
