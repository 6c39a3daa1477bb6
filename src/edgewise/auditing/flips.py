"""Flips: which decisions change when the protected attribute, and nothing else, is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.plain import plain
from edgewise.auditing.certify import Cells, CertifiedFlip, cells_of, certified_flip, inputs_with, seen_of
from edgewise.auditing.subject import AuditedModel, inputs_of, predicted
from edgewise.data.encoding_raw import RawTable, raw_table

# Values of a column of numbers that are tried, at equal shares of its rows.
TRIED = 16


@dataclass(frozen=True)
class AttributeChange:
    """What setting the attribute to one value does.

    Attributes
    ----------
    value : str
    to_yes, to_no : float
        Shares of the rows (of another value) whose decision becomes yes, or no.
    mean, largest : float
        Mean and largest absolute change of the score among them.
    """

    value: str
    to_yes: float
    to_no: float
    mean: float
    largest: float


@dataclass(frozen=True)
class Flips:
    """What changing one attribute does, row by row.

    Attributes
    ----------
    attribute : str
    share : float or None
        Of rows whose decision changes for at least one other value; None for numbers, which decide nothing.
    largest : float
        Largest change of the score (a probability, or the prediction) found on the rows.
    row : int
        The row where it is found.
    changes : tuple of AttributeChange
        One for each value tried.
    certified : CertifiedFlip or None
        Bound over all rows there can be; None of a black box.
    """

    attribute: str
    share: float | None
    largest: float
    row: int
    changes: tuple[AttributeChange, ...]
    certified: CertifiedFlip | None

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        certified = None if self.certified is None else self.certified.to_dict()
        return {**cast("dict[str, Any]", plain(asdict(self))), "certified": certified}


def flips(subject: AuditedModel, X: Any, name: str, weight: Floats, work: float = 1.0) -> Flips:
    """Set the attribute to each of its values in every row, and see what the model predicts; `work` is for the bound."""
    before = subject.scores(X)
    own, labels, after = _counterfactuals(subject, X, name)
    decided = subject.decisions(before)
    changed = np.zeros(len(before), dtype=bool)
    changes = list[AttributeChange]()
    largest, row = 0.0, 0
    for k, (label, scores) in enumerate(zip(labels, after, strict=True)):
        others = own != k
        moved = np.where(others, np.abs(scores - before), 0.0)
        now = subject.decisions(scores)
        flipped = others & (now != decided)
        changed |= flipped
        if moved.max(initial=0.0) > largest:
            largest, row = float(moved.max()), int(moved.argmax())
        total = float(weight[others].sum())
        if total > 0:
            gap = (scores - before)[others]
            changes.append(
                AttributeChange(
                    label,
                    float(weight[flipped & now].sum()) / total,
                    float(weight[flipped & ~now].sum()) / total,
                    float(gap @ weight[others]) / total,
                    float(np.abs(gap).max()),
                )
            )
    certified = None
    if subject.fit is not None and (not subject.of_classes or subject.logit):
        seen = seen_of(subject.fit, name, inputs_of(X, subject.fit)) if subject.fit.encoding is None else None
        certified = certified_flip(subject.fit, name, seen=seen, work=work)
    share = float(weight[changed].sum() / weight.sum()) if subject.of_classes else None
    return Flips(name, share, largest, row, tuple(changes), certified)


def _counterfactuals(
    subject: AuditedModel, X: Any, name: str
) -> tuple[NDArray[np.int64], tuple[str, ...], list[Floats]]:
    """The value each row has (-1 for another one), the values tried, and the scores with each."""
    fit = subject.fit
    if fit is not None and (not subject.of_classes or subject.logit):
        inputs = inputs_of(X, fit)
        cells = _tried(cells_of(fit, name, seen_of(fit, name, inputs)), inputs)
        own = np.full(len(inputs), -1, dtype=np.int64)
        after = list[Floats]()
        for k, cell in enumerate(cells.cells):
            point = np.array([low for low, _ in cell])
            own[(inputs[:, list(cells.inputs)] == point).all(1)] = k
            after.append(_scores(subject, inputs_with(inputs, cells.inputs, point)))
        return own, cells.labels, after
    column = next(item for item in raw_table(X).columns if item.name == name)
    if column.codes is not None:
        values: list[Any] = list(column.words)
        own = np.asarray(column.codes)
    else:
        numbers = cast(Floats, column.numbers)
        chosen = _spread(numbers[np.isfinite(numbers)])
        values = [bool(value) for value in chosen] if column.kind == "bool" else chosen.tolist()
        own = np.full(len(numbers), -1, dtype=np.int64)
        for k, value in enumerate(chosen):
            own[numbers == value] = k
    after = [subject.scores(with_value(X, name, value)) for value in values]
    return own, tuple(f"{v:g}" if isinstance(v, float) else str(v) for v in values), after


def _scores(subject: AuditedModel, inputs: Floats) -> Floats:
    """Scores of rows given as inputs of the network."""
    assert subject.fit is not None
    outputs = predicted(subject.fit.network, inputs)[:, 0]
    if not subject.of_classes:
        return outputs
    if subject.fit.calibration is not None:
        return subject.fit.calibration.probabilities(outputs[:, None])[
            :, subject.classes.index(subject.positive)
        ]
    sign = 1.0 if subject.positive == subject.classes[-1] else -1.0
    return 0.5 * (1.0 + np.tanh(0.5 * sign * outputs))


def _tried(cells: Cells, inputs: Floats) -> Cells:
    """The cells as points: of an interval the values of some rows."""
    if cells.points:
        return cells
    made = list[tuple[tuple[float, float], ...]]()
    labels = list[str]()
    for cell, label in zip(cells.cells, cells.labels, strict=True):
        wide = next((k for k, (low, high) in enumerate(cell) if low < high), None)
        if wide is None:
            made.append(cell)
            labels.append(label)
            continue
        for value in _spread(inputs[:, cells.inputs[wide]]).tolist():
            made.append(tuple((value, value) if k == wide else ends for k, ends in enumerate(cell)))
            labels.append(f"{value:g}")
    return Cells(cells.inputs, tuple(made), tuple(labels))


def _spread(values: Floats) -> Floats:
    distinct = np.unique(values)
    if len(distinct) <= TRIED:
        return distinct
    return np.unique(np.quantile(values, np.linspace(0, 1, TRIED), method="nearest"))


def with_value(X: Any, name: str, value: Any) -> Any:
    """The table with one column set to a value in every row; the table itself is left as it is."""
    if isinstance(X, Mapping):
        table = dict(cast("Mapping[Any, Any]", X))
        table[name] = np.repeat(np.asarray([value]), raw_table(X).n_rows)
        return table
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        import narwhals as nw

        frame: Any = nw.from_native(X, eager_only=True)
        return frame.with_columns(nw.lit(value).cast(frame[name].dtype).alias(name)).to_native()
    array = np.array(X, copy=True)
    names = [column.name for column in raw_table(X).columns]
    array[:, names.index(name)] = value
    return array


def reads(subject: AuditedModel, X: Any, name: str) -> bool:
    """Whether the model reads the attribute as a column."""
    if subject.fit is not None:
        return name in subject.fit.columns
    table: RawTable = raw_table(X)
    if name not in table.names:
        return False
    known = getattr(subject.model, "feature_names_in_", None)
    return known is None or name in [str(item) for item in known]
