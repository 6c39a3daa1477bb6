"""What is audited: any model as scores, decisions and outcomes of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_labels, place_among
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.data.encoding_raw import RawTable, column_error, raw_table
from edgewise.network.fitted import Fitted, HoldsNetwork, fitted
from edgewise.network.module import KAN

# Rows that are predicted at once; units of work of that, of each cell that is encoded, and of each edge of a row.
AT_ONCE, LOOK, CELL, READ = 65_536, 2e-4, 6e-8, 1.5e-8


@dataclass(frozen=True, eq=False)
class AuditedModel:
    """A model, and how its answers are read.

    Attributes
    ----------
    model : object
        As it was given.
    fit : Fitted or None
        The view of a network; None of a black box.
    kind : "classes" or "numbers"
    positive : object
        The class a decision supports ("yes"); None for numbers.
    scored : bool
        Whether there are probabilities, not only decisions.
    threshold : float
        A row is decided "yes" where its score is above it.
    """

    model: Any
    fit: Fitted | None
    kind: str
    positive: Any
    scored: bool
    threshold: float
    classes: tuple[Any, ...] = ()

    @property
    def of_classes(self) -> bool:
        """Whether it decides; otherwise it predicts numbers."""
        return self.kind == "classes"

    @property
    def logit(self) -> bool:
        """Whether the one output of its network is a log-odds of the positive class or of the other one."""
        return self.fit is not None and self.of_classes and len(self.classes) == 2

    def scores(self, X: Any) -> Floats:
        """Probability of the positive class (or the decision as 0 or 1), or the prediction; shape (n,)."""
        table = self._readable(X)
        if self.fit is None:
            return self._scores(table)
        # By parts, so that what watches the clock can look at it.
        n = table.n_rows if isinstance(table, RawTable) else len(table)
        parts = list[Floats]()
        for start in range(0, n, AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, n))
            charge(LOOK + CELL * len(rows) * len(self.fit.columns))
            parts.append(self._scores(table.take(rows) if isinstance(table, RawTable) else table[rows]))
        return np.concatenate(parts) if parts else self._scores(table)

    def _scores(self, table: Any) -> Floats:
        if not self.of_classes:
            return _flat(self.model.predict(table), "predict")
        if not self.scored:
            predicted = np.asarray(self.model.predict(table)).ravel().tolist()
            return np.array([value == self.positive for value in predicted], dtype=np.float64)
        predicted = np.asarray(self.model.predict_proba(table), dtype=np.float64)
        if predicted.ndim == 2:
            predicted = predicted[:, self.classes.index(self.positive)]
        if predicted.ndim != 1 or not np.isfinite(predicted).all():
            raise InputError(
                argument="model",
                expected="give a finite probability for every row",
                got=f"an array of shape {predicted.shape} from predict_proba",
            )
        return predicted

    def decisions(self, scores: Floats) -> NDArray[np.bool_]:
        """Which rows are decided "yes"."""
        return scores > self.threshold

    def _readable(self, X: Any) -> Any:
        """The columns that the model reads."""
        if self.fit is None:
            return _columns_of(X, getattr(self.model, "feature_names_in_", None))
        if isinstance(self.model, KAN):
            return matrix_of(X, self.fit)
        table = raw_table(X).select(self.fit.columns)
        return RawTable(table.columns, table.n_rows, named=hasattr(self.model, "feature_names_in_"))


def subject(
    model: Any,
    y: Any,
    n_rows: int,
    *,
    positive: Any = None,
    threshold: float | None = None,
) -> tuple[AuditedModel, Floats]:
    """The model as a `AuditedModel`, and the outcomes of the rows: 1 where y is the positive class, or y itself.

    Raises
    ------
    InputError
        If the model has no predict, y does not fit, or the positive class is not one of its classes.
    """
    view = _view(model)
    if view is None and not hasattr(model, "predict"):
        raise InputError(
            argument="model",
            expected="be a KAN, a fitted estimator, or an object with predict (and best predict_proba)",
            got=short(model),
        )
    outcome: list[Any] = as_labels(y.to_numpy() if hasattr(y, "to_numpy") else y, "y").tolist()
    if len(outcome) != n_rows:
        raise InputError(
            argument="y", expected=f"have one outcome for each of {n_rows:,} rows", got=f"{len(outcome):,}"
        )
    classes = tuple(np.asarray(getattr(model, "classes_", ())).tolist())
    scored = hasattr(model, "predict_proba") and bool(classes)
    if not classes and hasattr(model, "predict_proba"):
        classes, scored = tuple(sorted(set(outcome))), True
    if not classes and view is None and _like_classes(outcome):
        classes = tuple(sorted(set(outcome)))
    if not classes:
        values = check_vector(y, "y", length=n_rows)
        level = float(np.median(values)) if threshold is None else check_float(threshold, "threshold")
        return AuditedModel(model, view, "numbers", None, True, level), values
    chosen = _positive(positive, classes)
    level = 0.5 if threshold is None else check_float(threshold, "threshold", low=0.0, high=1.0)
    strange = sorted({str(value) for value in outcome if value not in classes})
    if strange:
        raise InputError(
            argument="y", expected=f"hold the classes {short(list(classes))}", got=short(strange[0])
        )
    actual = np.array([value == chosen for value in outcome], dtype=np.float64)
    return AuditedModel(model, view, "classes", chosen, scored, level, classes), actual


def matrix_of(X: Any, fit: Fitted) -> Floats:
    """Numbers for a plain network, its columns found by name where the table has names."""
    table = raw_table(X).select(fit.columns)
    columns = [column.numbers for column in table.columns]
    if any(column is None for column in columns):
        name = next(column.name for column in table.columns if column.numbers is None)
        raise column_error(name, "hold numbers, for the model is a network of numbers")
    return np.column_stack(cast("list[Floats]", columns))


def predicted(network: KAN, inputs: Floats) -> Floats:
    """Outputs of a network, (n, outputs), as work that can be interrupted."""
    cost = READ * sum(layer.coef.numel() for layer in network.layers) / max(network.layers[0].size, 1)
    parts = list[Floats]()
    for start in range(0, max(len(inputs), 1), AT_ONCE):
        part = inputs[start : start + AT_ONCE]
        charge(LOOK + cost * len(part))
        parts.append(network.predict(part))
    return np.concatenate(parts)


def inputs_of(X: Any, fit: Fitted) -> Floats:
    """Inputs of the network for rows of any table that has its columns, shape (n, inputs)."""
    if fit.encoding is None:
        return matrix_of(X, fit)
    return fit.encoding.apply(raw_table(X).select(fit.columns))


def _view(model: Any) -> Fitted | None:
    try:
        return fitted(model)
    except InputError:
        if isinstance(model, (KAN, HoldsNetwork)) or hasattr(type(model), "network_"):
            raise
        return None


def _positive(positive: Any, classes: tuple[Any, ...]) -> Any:
    if positive is None:
        if len(classes) > 2:
            raise InputError(
                argument="positive",
                expected=f"name the class that is audited, for there are {len(classes)}: {short(list(classes))}",
                got="None",
            )
        return classes[len(classes) - 1]
    place = place_among(positive, classes)
    if place is not None:
        return classes[place]
    raise InputError(
        argument="positive", expected=f"be one of the classes {short(list(classes))}", got=short(positive)
    )


def _like_classes(outcome: list[Any]) -> bool:
    return any(isinstance(value, (str, bool)) for value in outcome[:100]) or len(set(outcome)) == 2


def _columns_of(X: Any, names: Any) -> Any:
    """The columns a scikit-learn model was fitted on, where both have names and the table has more of them."""
    labels = getattr(X, "columns", None)
    if names is None or labels is None or isinstance(X, np.ndarray):
        return X
    wanted = [str(name) for name in names]
    return X if [str(label) for label in labels] == wanted else X[wanted]


def _flat(values: Any, name: str) -> Floats:
    flat = np.asarray(values, dtype=np.float64)
    if flat.ndim == 2 and flat.shape[1] == 1:
        flat = flat[:, 0]
    if flat.ndim != 1:
        raise InputError(
            argument="model", expected="give one number a row", got=f"shape {flat.shape} from {name}"
        )
    return flat
