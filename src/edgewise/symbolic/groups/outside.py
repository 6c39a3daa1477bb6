"""How a law over groups does where its constants were not fitted: ends of the columns in every group, and whole groups.

References
----------
Geisser (1975), The predictive sample reuse method with applications. Journal of the American Statistical Association
70(350). doi:10.1080/01621459.1975.10479865
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise.data.row_labels import label_text
from edgewise.forms.tree import names_in, ratio
from edgewise.symbolic.groups.constants import Tied, joint, refitted, residuals
from edgewise.symbolic.groups.grouped_formula import GroupedFormula
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.results.outside import Outside, end_of

# Groups that are left out, one at a time: those with most rows.
_GROUPS_LEFT_OUT = 8


def with_outside(
    formulas: Sequence[GroupedFormula], models: Sequence[Tied], rows: GroupedRows, labels: Sequence[Hashable]
) -> list[GroupedFormula]:
    """The formulas of models with their errors outside, all on the same ends and groups."""
    enough = 2 * max([1, *(len(model.own) for model in models)])
    columns = [name for name in rows.columns if any(name in names_in(model.tree) for model in models)]
    return [
        replace(formula, outside=outside(model, rows, labels, columns, enough))
        for formula, model in zip(formulas, models, strict=True)
    ]


def outside(
    model: Tied, rows: GroupedRows, labels: Sequence[Hashable], columns: Sequence[str], enough: int
) -> Outside | None:
    """The errors of a law where an end of a column was left out in every group, or one group.

    A group that is left out has no say in what all groups share; the constants of its own come from every other of its
    rows, and the rest are judged.

    Parameters
    ----------
    model
        The law, fitted to all rows.
    rows
        All rows.
    labels
        What the groups are called.
    columns
        Those whose ends are left out. Laws that are compared need the same.
    enough
        Groups of fewer rows judge nothing: twice as many as the largest of the compared laws has constants of a group's own.

    Returns
    -------
    Outside or None
        None where nothing can be left out.
    """
    found = list[tuple[str, float, float, int]]()
    for region, end in _ends(rows, columns, enough):
        squares = _squares(refitted(model, _some(rows, ~end)), rows)
        found.append((region, float(squares[end].sum()), float(np.mean(squares[~end])), int(end.sum())))
    for at in np.argsort(-rows.sizes, kind="stable")[:_GROUPS_LEFT_OUT]:
        there = rows.places[at]
        if rows.count > 2 and len(there) >= enough:
            squares, inside = _without(model, rows, int(at))
            found.append(
                (f"the group {label_text(labels[at])}", float(squares[1::2].sum()), inside, len(there) // 2)
            )
    if not found:
        return None
    region, worst, inside, count = max(found, key=lambda item: item[1] / item[3])
    total = sum(item[1] for item in found) / sum(item[3] for item in found)
    return Outside(math.sqrt(worst / count), region, math.sqrt(inside), math.sqrt(total))


def _without(model: Tied, rows: GroupedRows, at: int) -> tuple[Floats, float]:
    """The squared errors in a group whose first, third, ... row alone gave its constants, and the mean in the others."""
    others = rows.group != at
    rest = _some(rows, others)
    rest = GroupedRows(rest.columns, rest.X, rest.y, rest.group - (rest.group > at), rows.count - 1)
    trimmed = {
        name: (np.delete(values, at), np.delete(errors, at)) for name, (values, errors) in model.own.items()
    }
    fitted = joint(model, model.shared, trimmed, model.plain, rest)
    X, y = rows.of(at)
    alone = GroupedRows(rows.columns, X, y, np.zeros(len(y), dtype=np.int64), 1)
    if fitted is None:
        return np.full(len(y), np.inf), 0.0
    # As exact ratios they are not fitted.
    known = {**fitted.plain, **{name: ratio(*v.as_integer_ratio()) for name, (v, _) in fitted.shared.items()}}
    mine = {name: (values[[at]], errors[[at]]) for name, (values, errors) in model.own.items()}
    start = Tied(model.tree, model.names, {}, mine, known, 0.0, 0.0)
    half = np.zeros(len(y), dtype=bool)
    half[::2] = True
    learned = joint(start, {}, mine, known, _some(alone, half)) if mine else start
    return _squares(learned, alone), fitted.rss / len(rest.y)


def _some(rows: GroupedRows, kept: Bools) -> GroupedRows:
    return GroupedRows(rows.columns, rows.X[kept], rows.y[kept], rows.group[kept], rows.count)


def _squares(model: Tied | None, rows: GroupedRows) -> Floats:
    """Squared errors of all rows; infinite where there is no value."""
    left = None if model is None else residuals(model, rows)
    return np.full(len(rows.y), np.inf) if left is None else np.square(left)


def _ends(rows: GroupedRows, columns: Sequence[str], enough: int) -> Iterator[tuple[str, Bools]]:
    """Ends of columns, of every group those rows that are there."""
    for name in columns:
        values = rows.X[:, rows.columns.index(name)]
        for which, sign in (("lowest", 1), ("highest", -1)):
            mask = np.zeros(len(rows.y), dtype=bool)
            for there in rows.places:
                if len(there) < enough:
                    continue
                end = end_of(sign * values[there])
                if end is not None:
                    mask[there[end]] = True
            if mask.any():
                yield f"the {which} fifth of {name} in every group", mask
