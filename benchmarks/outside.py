"""How models go on where nothing was learned: for each column of numbers the rows of its lowest or highest fifth held out.

The error there, beside that on a random fifth. EBM is left out where it is not installed, and said to be.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _common import Clock, Report, Run, begin
from adoption import PROBLEMS, Problem
from quantiles import whole
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgewise.estimators import KANRegressor

TABLES = ("airfoil", "concrete", "yacht")
# Rows, drawn once, that a fit may learn from.
MOST_ROWS = 3000


class Scaled:
    """A model of y in standard deviations."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: np.ndarray, y: np.ndarray) -> Scaled:
        self.mean, self.spread = y.mean(), y.std()
        self.model.fit(X, (y - self.mean) / self.spread)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.mean + self.spread * self.model.predict(X)


def ebm() -> Any:
    from interpret.glassbox import ExplainableBoostingRegressor

    return ExplainableBoostingRegressor(n_jobs=1, random_state=0)


MODELS: dict[str, Callable[[], Any]] = {
    "KAN, additive": lambda: KANRegressor(mode="additive"),
    "KAN": KANRegressor,
    "EBM": ebm,
    "boosting": lambda: HistGradientBoostingRegressor(random_state=0),
    "MLP": lambda: Scaled(
        make_pipeline(
            StandardScaler(), MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=1000, random_state=0)
        )
    ),
    "line": LinearRegression,
}


def ends(X: np.ndarray) -> list[np.ndarray]:
    """Masks of the rows held out: the lowest and the highest fifth of each column, where they are a fifth."""
    found = list[np.ndarray]()
    for column in X.T:
        low, high = np.quantile(column, [0.2, 0.8])
        for mask in (column <= low, column >= high):
            if 0.05 < mask.mean() < 0.5:
                found.append(mask)
    return found


def error(make: Callable[[], Any], X: np.ndarray, y: np.ndarray, out: np.ndarray) -> float:
    """Root mean square error on the rows held out."""
    model = make().fit(X[~out], y[~out])
    return float(np.sqrt(np.mean((np.asarray(model.predict(X[out])).reshape(-1) - y[out]) ** 2)))


def measure(run: Run, report: Report, problem: Problem) -> None:
    files = [run.table(file) for file in problem.files]
    if None in files:
        return
    table, y = whole(problem, [file for file in files if isinstance(file, Path)])
    X = table.select_dtypes("number").to_numpy(dtype=np.float64)
    random = np.random.default_rng(0)
    some = random.permutation(len(y))[:MOST_ROWS]
    X, y = X[some], y[some]
    inside = random.uniform(size=len(y)) < 0.2
    masks = ends(X)[: 2 if run.quick else None]
    for name, make in MODELS.items():
        clock = Clock()
        try:
            here = error(make, X, y, inside)
        except ImportError as missing:
            print(f"skipped: {name} ({missing})")
            continue
        there = [error(make, X, y, mask) for mask in masks]
        seconds = clock.seconds / (1 + len(masks))
        report.add(problem.name, name, here, float(np.median(there)), max(there), len(masks), seconds)


def main() -> None:
    run = begin("outside", "models where an end of a column was held out")
    columns = ["table", "model", "a random fifth", "median of ends", "worst end", "ends", "CPU s a fit"]
    report = Report(run, "tables", columns, [10, 14, 15, 15, 10, 5, 12])
    for problem in PROBLEMS:
        if problem.name in TABLES[: 1 if run.quick else None]:
            measure(run, report, problem)
    report.save()


if __name__ == "__main__":
    main()
