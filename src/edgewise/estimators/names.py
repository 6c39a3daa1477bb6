"""Column names at fit and afterwards, by scikit-learn's rules and in its words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import CellError, RawTable, raw_table

# A list of thousands of names helps nobody.
_MOST_LISTED = 5


def table_to_fit(X: Any) -> RawTable:
    """The raw columns of training data, which must have rows and columns.

    Raises
    ------
    InputError
        If there are none, or names are mixed with numbers as column labels.
    """
    if X is None:
        raise InputError(argument="X", expected="be a table", got="None")
    table = raw_table(X)
    labels = getattr(X, "columns", None)
    if labels is not None and not hasattr(X, "column_names") and not callable(labels):
        kinds = {isinstance(label, str) for label in labels}
        if kinds == {True, False}:
            raise CellError(
                "Feature names are only supported if all input features have string names, but the columns of X are "
                "named by strings and others; rename them with X.columns = X.columns.astype(str)."
            )
    if not table.columns:
        raise InputError(
            f"Found array with 0 feature(s) (shape=({table.n_rows}, 0)) while a minimum of 1 is required."
        )
    if not table.n_rows:
        raise InputError(
            f"Found array with 0 sample(s) (shape=(0, {len(table.columns)})) while a minimum of 1 is required."
        )
    return table


def remember_columns(model: Any, table: RawTable) -> None:
    """Keep how many columns an estimator was fitted to and, where they have names of the caller's, these."""
    model.n_features_in_ = len(table.columns)
    if table.named:
        model.feature_names_in_ = np.asarray(table.names, dtype=object)
    elif hasattr(model, "feature_names_in_"):
        del model.feature_names_in_  # of an earlier fit


def table_to_predict(X: Any, fitted: NDArray[Any] | None, n_features: int, of: str) -> RawTable:
    """The columns of the fit among those of new data, by name where both have names.

    A pandas frame of these columns alone in another order is refused, as scikit-learn's contract for it has it.

    Raises
    ------
    InputError
        If a column is absent; without names, if their number differs.
    """
    table = table_to_fit(X)
    if fitted is None and table.named:
        warnings.warn(
            f"X has feature names, but {of} was fitted without feature names", UserWarning, stacklevel=4
        )
    elif fitted is not None and not table.named:
        text = f"X does not have valid feature names, but {of} was fitted with feature names"
        warnings.warn(text, UserWarning, stacklevel=4)
    elif fitted is not None and tuple(fitted) != table.names:
        shuffled = hasattr(X, "iloc") and sorted(fitted) == sorted(table.names)
        if shuffled or not set(fitted) <= set(table.names):
            raise InputError(_mismatch(list(fitted), list(table.names)))
        table = table.select(tuple(fitted), of)
    if len(table.columns) != n_features:
        raise InputError(
            f"X has {len(table.columns)} features, but {of} is expecting {n_features} features as input."
        )
    if fitted is None and table.named:
        return RawTable(table.columns, table.n_rows, named=False)
    return table


def warn_of_order(X: Any, *others: Any) -> None:
    """Warn where a series given beside a frame has its rows by name, but in another order: rows count by place."""
    if not hasattr(X, "iloc") or not X.index.is_unique:
        return
    for other in others:
        index = other.index if hasattr(other, "iloc") else X.index
        if len(index) == len(X.index) and not index.equals(X.index) and index.isin(X.index).all():
            warnings.warn(
                "X and y have the same index in another order, and rows are taken by place; pass y.loc[X.index] if they "
                "belong together by name.",
                UserWarning,
                stacklevel=4,
            )


def _mismatch(fitted: list[str], given: list[str]) -> str:
    parts = ["The feature names should match those that were passed during fit."]
    unknown, absent = sorted(set(given) - set(fitted)), sorted(set(fitted) - set(given))
    for title, names in (
        ("Feature names unseen at fit time:", unknown),
        ("Feature names seen at fit time, yet now missing:", absent),
    ):
        if names:
            parts += [title, *(f"- {name}" for name in names[:_MOST_LISTED])]
            parts += ["- ..."] if len(names) > _MOST_LISTED else []
    if not unknown and not absent:
        parts.append("Feature names must be in the same order as they were in fit.")
        parts.append("Pass X[list(model.feature_names_in_)].")
    return "\n".join(parts) + "\n"
