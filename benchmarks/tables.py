"""Five measured tables, five folds: a KAN as `fit` trains it against gradient boosting and ridge regression."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _common import Clock, Report, begin, rmse
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import edgewise as ew

TABLES = {
    "airfoil": "tabular/airfoil/airfoil_self_noise.dat",
    "concrete": "uci_reg/concrete/data.txt",
    "energy": "uci_reg/energy/data.txt",
    "yacht": "uci_reg/yacht/data.txt",
    "kin8nm": "uci_reg/kin8nm/data.txt",
}
# CPU seconds that one KAN may take; it then answers with the best network so far.
GRID = {"learning_rate": [0.05, 0.1], "max_leaf_nodes": [8, 31], "max_iter": [200, 600]}

Predictor = Callable[[np.ndarray], np.ndarray]


def read(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the table; which one is the target stands beside it, else it is the last."""
    first = file.read_text().split(maxsplit=1)[0]
    # A first line of names starts with a letter.
    table = np.loadtxt(file, skiprows=int(first[0].isalpha()))
    beside = file.parent / "index_target.txt"
    target = int(np.loadtxt(beside)) if beside.is_file() else table.shape[1] - 1
    features = (
        np.loadtxt(file.parent / "index_features.txt").astype(int) if beside.is_file() else np.arange(target)
    )
    return table[:, features], table[:, target]


def kan(X: np.ndarray, y: np.ndarray, seed: int) -> Predictor:
    net = ew.KAN([X.shape[1], 8, 1], seed=seed)
    return ew.fit(net, X, y, sparsity="auto", seed=seed).network.predict


def boosting(X: np.ndarray, y: np.ndarray, seed: int) -> Predictor:
    return HistGradientBoostingRegressor(random_state=seed).fit(X, y).predict


def tuned_boosting(X: np.ndarray, y: np.ndarray, seed: int) -> Predictor:
    inner = KFold(3, shuffle=True, random_state=seed)
    model: Any = HistGradientBoostingRegressor(random_state=seed)
    search = GridSearchCV(model, GRID, cv=inner, scoring="neg_root_mean_squared_error")
    return search.fit(X, y).predict


def ridge(X: np.ndarray, y: np.ndarray, seed: int) -> Predictor:
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17))).fit(X, y).predict


MODELS = {"KAN": kan, "boosting": boosting, "tuned boosting": tuned_boosting, "ridge": ridge}


def main() -> None:
    run = begin("tables", "five tables, five folds")
    report = Report(
        run, "tables", ["table", "rows", "model", "RMSE", "std", "CPU s a fold"], [9, 5, 14, 8, 8, 8]
    )
    for name, relative in TABLES.items():
        file = run.table(relative)
        if file is None or (run.quick and name != "yacht"):
            continue
        X, y = read(file)
        folds = list(KFold(5, shuffle=True, random_state=0).split(X))
        for label, model in MODELS.items():
            errors, spent = list[float](), list[float]()
            for fold, (train, test) in enumerate(folds):
                clock = Clock()
                predict = model(X[train], y[train], fold)
                spent.append(clock.seconds)
                errors.append(rmse(predict(X[test]), y[test]))
            report.add(
                name, len(y), label, float(np.mean(errors)), float(np.std(errors)), float(np.median(spent))
            )
    report.save()
    report.across("in short", ["table", "rows"], "model", "RMSE").save()


if __name__ == "__main__":
    main()
