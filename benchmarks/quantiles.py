"""Five measured tables, three random fifths held out: pinball loss and coverage of quantiles, of KANs and of boosting.

LightGBM is left out where it is not installed, and said to be.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _common import Clock, Report, Run, begin
from adoption import PROBLEMS, Problem, as_categories
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split

from edgewise.estimators import KANQuantile

TABLES = ("airfoil", "ames", "bike", "california", "concrete")
LEVELS = np.array([0.05, 0.5, 0.95])
SEEDS = 3


class OneByOne:
    """A model for each level, as gradient boosting offers it."""

    def __init__(self, make: Callable[[float], Any]) -> None:
        self.models = [make(level) for level in LEVELS]

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> OneByOne:
        for model in self.models:
            model.fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.column_stack([model.predict(X) for model in self.models])


def kan(seed: int) -> Any:
    return KANQuantile(LEVELS, random_state=seed)


def lightgbm(seed: int) -> Any:
    from lightgbm import LGBMRegressor

    return OneByOne(
        lambda level: LGBMRegressor(
            objective="quantile", alpha=level, n_jobs=1, random_state=seed, verbose=-1
        )
    )


def boosting(seed: int) -> Any:
    return OneByOne(
        lambda level: HistGradientBoostingRegressor(
            loss="quantile", quantile=level, categorical_features="from_dtype", random_state=seed
        )
    )


MODELS = {"KANQuantile": kan, "LightGBM": lightgbm, "boosting": boosting}


def whole(problem: Problem, files: list[Path]) -> tuple[pd.DataFrame, np.ndarray]:
    """All rows of a table."""
    split = next(problem.splits(files))
    return as_categories(pd.concat([split.X, split.X_test])), np.concatenate([split.y, split.y_test])


def judged(model: Any, X: pd.DataFrame, y: np.ndarray, seed: int) -> np.ndarray:
    """Mean pinball losses, shares of rows at or below, share of rows whose quantiles cross, CPU seconds of the fit."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=seed)
    clock = Clock()
    model.fit(X, y)
    seconds = clock.seconds
    found = model.predict(X_test)
    miss = y_test[:, None] - found
    losses = np.maximum(LEVELS * miss, (LEVELS - 1) * miss).mean(axis=0)
    crossed = (np.diff(found, axis=1) < 0).any(axis=1).mean()
    return np.array([losses.sum(), *losses, *(miss <= 0).mean(axis=0), crossed, seconds])


def measure(run: Run, report: Report, problem: Problem) -> None:
    files = [run.table(file) for file in problem.files]
    if None in files:
        return
    X, y = whole(problem, [file for file in files if isinstance(file, Path)])
    for name, make in MODELS.items():
        try:
            results = np.array([judged(make(seed), X, y, seed) for seed in range(1 if run.quick else SEEDS)])
        except ImportError as missing:
            print(f"skipped: {name} ({missing})")
            continue
        total = results[:, 0]
        error = float(total.std(ddof=1) / np.sqrt(len(total))) if len(total) > 1 else float("nan")
        mean = results.mean(axis=0).tolist()
        report.add(problem.name, name, mean[0], error, *mean[1:])


def main() -> None:
    run = begin("quantiles", "five tables, three quantiles")
    columns = ["table", "model", "pinball", "std error"]
    columns += [f"pinball {level}" for level in LEVELS] + [f"below {level}" for level in LEVELS]
    report = Report(run, "tables", [*columns, "crossing", "CPU s a fit"], [10, 11, *[9] * 10])
    for problem in PROBLEMS:
        if problem.name in TABLES[: 1 if run.quick else None]:
            measure(run, report, problem)
    report.save()


if __name__ == "__main__":
    main()
