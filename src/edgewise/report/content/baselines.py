"""What anyone would try first, for the accuracy table: the mean, a linear model, gradient boosting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int
from edgewise._core.work import Meter
from edgewise.report.content.content import AccuracyRow, ReportContent


def baseline_rows(content: ReportContent, *, seed: int = 0) -> tuple[AccuracyRow, ...]:
    """Models of scikit-learn with their defaults, fitted on the content's rows, with predictions of the held-out rows.

    Coded columns are spread over one column a level for the linear model and named as categories to the boosting.

    Parameters
    ----------
    content : ReportContent
    seed : int

    Returns
    -------
    tuple of AccuracyRow

    Examples
    --------
    >>> X = np.linspace(0, 1, 80)[:, None]
    >>> content = ReportContent("A line", "a", ("x",), "y", X[::2], X[::2, 0], X[1::2], X[1::2, 0])
    >>> [row.model for row in baseline_rows(content)]
    ['the mean', 'linear model', 'gradient boosting']
    """
    check_is(content, ReportContent, "content", "a ReportContent")
    seed = check_int(seed, "seed", low=0)
    if not len(content.y_test):
        return ()
    from sklearn.linear_model import LinearRegression, LogisticRegression

    classes, constant = len(content.classes), _constant(content)
    y = content.y.astype(np.int64) if classes else content.y
    if classes and len(np.unique(y)) < 2:
        return (constant,)
    name, linear = (
        ("logistic regression", LogisticRegression(max_iter=1000))
        if classes
        else ("linear model", LinearRegression())
    )
    spread, judged = _spread(content)
    trees = boosting(_coded(content), classes, seed)
    return (
        constant,
        fitted_row(name, linear, spread, y, judged, classes=classes),
        fitted_row("gradient boosting", trees, content.X, y, content.X_test, classes=classes),
    )


def fitted_row(
    name: str,
    model: Any,
    X: Floats,
    y: NDArray[Any],
    X_test: Floats,
    *,
    classes: int = 0,
    weight: Floats | None = None,
) -> AccuracyRow:
    """A model of scikit-learn fitted on some rows, with its predictions of others.

    Parameters
    ----------
    name : str
    model : estimator, or pipeline of them
    X, y, X_test : arrays of shape (n, d), (n,) and (m, d)
    classes : int
        How many classes there are; 0 for numbers. Those that y lacks get a column of zeros.
    weight : array of shape (n,), optional
    """
    step = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    meter = Meter()
    model.fit(X, y, **({} if weight is None else {f"{step}sample_weight": weight}))
    seconds = meter.seconds
    if classes:
        predicted = np.zeros((len(X_test), classes))
        predicted[:, model.classes_.astype(np.int64)] = model.predict_proba(X_test)
    else:
        predicted = np.asarray(model.predict(X_test), dtype=np.float64)
    return AccuracyRow(name, size=_size(model), seconds=seconds, predicted=predicted)


# What boosting offers of the losses of counts and amounts.
_BOOSTED = {
    **dict.fromkeys(("poisson", "negative_binomial", "tweedie"), "poisson"),
    "inverse_gaussian": "gamma",
    "gamma": "gamma",
}


def boosting(categories: Sequence[int], classes: int, seed: int, loss: str = "squared") -> Any:
    """Gradient boosting with its defaults; some columns hold numbers of categories."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind: Any = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    own = {"loss": _BOOSTED[loss]} if loss in _BOOSTED else {}
    return kind(categorical_features=list(categories) or None, random_state=seed % 2**32, **own)


def _size(model: Any) -> str:
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if hasattr(last, "n_iter_") and not hasattr(last, "coef_"):
        return f"{last.n_iter_ * getattr(last, 'n_trees_per_iteration_', 1):,} trees"
    return f"{np.size(last.coef_) + np.size(last.intercept_):,} constants"


def _constant(content: ReportContent) -> AccuracyRow:
    """What needs no input: the mean, or each class's share."""
    classes, rows = len(content.classes), len(content.y_test)
    if not classes:
        return AccuracyRow(
            "the mean", size="1 constant", seconds=0.0, predicted=np.full(rows, content.y.mean())
        )
    share = np.bincount(content.y.astype(np.int64), minlength=classes) / len(content.y)
    return AccuracyRow(
        "class shares", size=f"{classes} constants", seconds=0.0, predicted=np.tile(share, (rows, 1))
    )


def _coded(content: ReportContent) -> list[int]:
    """The columns that are categories; the boosting distinguishes at most 255 levels."""
    return [k for k, name in enumerate(content.names) if 0 < len(content.view(name).levels) <= 255]


def _spread(content: ReportContent) -> tuple[Floats, Floats]:
    """Numbers standardised, coded columns as one column a level, for both sides."""
    sides: tuple[list[Floats], list[Floats]] = ([], [])
    for k, name in enumerate(content.names):
        levels = len(content.view(name).levels)
        column = content.X[:, k]
        middle, size = float(column.mean()), float(column.std()) or 1.0
        for side, X in zip(sides, (content.X, content.X_test), strict=True):
            if levels > 2:
                side.append((X[:, k].round()[:, None] == np.arange(levels)).astype(np.float64))
            else:
                side.append(((X[:, k] - middle) / size)[:, None])
    return np.hstack(sides[0]), np.hstack(sides[1])
