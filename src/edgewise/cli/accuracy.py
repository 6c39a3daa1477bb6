"""How well each model predicts rows that none of them has seen."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise.report import AccuracyRow

Floats = NDArray[np.float64]


def measure(model: str, predicted: Floats, y: Floats, size: str, seconds: float, ours: bool) -> AccuracyRow:
    """A model's errors from its predictions, both of shape (n,)."""
    error = np.asarray(predicted, dtype=np.float64).reshape(-1) - y
    spread = float(np.sum((y - y.mean()) ** 2))
    return AccuracyRow(
        model=model,
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.mean(np.abs(error))),
        r2=1.0 - float(np.sum(error**2)) / spread if spread > 0 else float("nan"),
        size=size,
        seconds=seconds,
        ours=ours,
    )


def baselines(X: Floats, y: Floats, X_test: Floats, y_test: Floats, seed: int) -> tuple[AccuracyRow, ...]:
    """A linear model and gradient boosting, as scikit-learn ships them, fitted on the same rows."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression

    start = time.perf_counter()
    linear: Any = LinearRegression().fit(X, y)
    between = time.perf_counter()
    boosted: Any = HistGradientBoostingRegressor(random_state=seed % 2**32).fit(X, y)
    end = time.perf_counter()
    constants = f"{X.shape[1] + 1} constants"
    return (
        measure("linear model", linear.predict(X_test), y_test, constants, between - start, False),
        measure(
            "gradient boosting",
            boosted.predict(X_test),
            y_test,
            f"{boosted.n_iter_} trees",
            end - between,
            False,
        ),
    )
