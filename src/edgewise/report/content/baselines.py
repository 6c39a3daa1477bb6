"""What anyone would try first, for the accuracy table: the mean, a linear model, gradient boosting."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise.report.content.content import AccuracyRow, ReportContent

Floats = NDArray[np.float64]


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
    if not len(content.y_test):
        return ()
    return _of_classes(content, seed) if content.classes else _of_numbers(content, seed)


def _of_numbers(content: ReportContent, seed: int) -> tuple[AccuracyRow, ...]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression

    mean = AccuracyRow(
        "the mean", size="1 constant", seconds=0.0, predicted=np.full(len(content.y_test), content.y.mean())
    )
    spread, judged = _spread(content)
    linear: Any = LinearRegression()
    start = time.perf_counter()
    linear.fit(spread, content.y)
    between = time.perf_counter()
    boosted: Any = HistGradientBoostingRegressor(random_state=seed, **_coded(content))
    boosted.fit(content.X, content.y)
    end = time.perf_counter()
    return (
        mean,
        AccuracyRow(
            "linear model",
            size=f"{spread.shape[1] + 1:,} constants",
            seconds=between - start,
            predicted=linear.predict(judged),
        ),
        AccuracyRow(
            "gradient boosting",
            size=f"{boosted.n_iter_:,} trees",
            seconds=end - between,
            predicted=boosted.predict(content.X_test),
        ),
    )


def _of_classes(content: ReportContent, seed: int) -> tuple[AccuracyRow, ...]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    classes = len(content.classes)
    codes = content.y.astype(np.int64)
    share = np.bincount(codes, minlength=classes) / len(codes)
    shares = AccuracyRow(
        "class shares",
        size=f"{classes} constants",
        seconds=0.0,
        predicted=np.tile(share, (len(content.y_test), 1)),
    )
    if len(np.unique(codes)) < 2:
        return (shares,)
    spread, judged = _spread(content)
    linear: Any = LogisticRegression(max_iter=1000)
    start = time.perf_counter()
    linear.fit(spread, codes)
    between = time.perf_counter()
    boosted: Any = HistGradientBoostingClassifier(random_state=seed, **_coded(content))
    boosted.fit(content.X, codes)
    end = time.perf_counter()

    def whole(model: Any, X: Floats) -> Floats:
        # A class that no row trained on holds has no column of its own.
        out = np.zeros((len(X), classes))
        out[:, model.classes_] = model.predict_proba(X)
        return out

    return (
        shares,
        AccuracyRow(
            "logistic regression",
            size=f"{linear.coef_.size + linear.intercept_.size:,} constants",
            seconds=between - start,
            predicted=whole(linear, judged),
        ),
        AccuracyRow(
            "gradient boosting",
            size=f"{boosted.n_iter_:,} rounds of trees",
            seconds=end - between,
            predicted=whole(boosted, content.X_test),
        ),
    )


def _coded(content: ReportContent) -> dict[str, Any]:
    """The columns that are categories; the boosting tells at most 255 levels apart."""
    coded = [k for k, name in enumerate(content.names) if 0 < len(content.view(name).levels) <= 255]
    return {"categorical_features": coded}


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
