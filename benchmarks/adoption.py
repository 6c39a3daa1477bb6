"""Tables as people bring them: the estimators out of the box against boosting, EBM, MLP and linear models, same splits.

The environment may choose models: ADOPTION_MODELS="KAN;KAN, additive".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _common import Clock, Report, Run, begin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import TABLES
from tables import read as read_numbers

import edgewise as ew

# Groups of rows whose calibration is compared.
BINS = 10

ADULT = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours",
    "country",
    "income",
]


@dataclass(frozen=True)
class Split:
    """One way to learn from some rows and be judged on others."""

    X: pd.DataFrame
    y: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray


@dataclass(frozen=True)
class Problem:
    name: str
    classes: bool
    files: tuple[str, ...]
    splits: Callable[[list[Path]], Iterator[Split]]


def five_folds(X: pd.DataFrame, y: np.ndarray) -> Iterator[Split]:
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        yield Split(X.iloc[train], y[train], X.iloc[test], y[test])


def one_fifth(X: pd.DataFrame, y: np.ndarray) -> Iterator[Split]:
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    yield Split(X, y, X_test, y_test)


def german(files: list[Path]) -> Iterator[Split]:
    table = pd.read_csv(files[0], sep=" ", header=None)
    table.columns = [f"attribute {k + 1}" for k in range(20)] + ["bad"]
    return five_folds(table.drop(columns="bad"), (table["bad"] == 2).to_numpy().astype(int))


def adult(files: list[Path]) -> Iterator[Split]:
    train = pd.read_csv(files[0], names=ADULT, skipinitialspace=True, na_values="?")
    test = pd.read_csv(files[1], names=ADULT, skipinitialspace=True, na_values="?", skiprows=1)
    rich = [table.pop("income").str.startswith(">50K").to_numpy().astype(int) for table in (train, test)]
    yield Split(train, rich[0], test, rich[1])


def california(files: list[Path]) -> Iterator[Split]:
    table = pd.read_csv(files[0])
    # In units of 100,000 dollars, as the table is usually told.
    return one_fifth(table, table.pop("median_house_value").to_numpy() / 1e5)


def bike(files: list[Path]) -> Iterator[Split]:
    table = pd.read_csv(files[0]).drop(columns=["casual", "registered", "instant", "dteday"])
    return one_fifth(table, table.pop("cnt").to_numpy().astype(float))


def plain(files: list[Path]) -> Iterator[Split]:
    X, y = read_numbers(files[0])
    return five_folds(pd.DataFrame(X, columns=[f"x{k + 1}" for k in range(X.shape[1])]), y)


def worded(target: str, positive: str | None = None) -> Callable[[list[Path]], Iterator[Split]]:
    """A table of many words: one column is the target, a number or a word that counts as 1."""

    def splits(files: list[Path]) -> Iterator[Split]:
        table = pd.read_csv(files[0], keep_default_na=True).drop(columns="rownames")
        y = table.pop(target)
        return five_folds(
            table, y.to_numpy(float) if positive is None else (y == positive).to_numpy().astype(int)
        )

    return splits


PROBLEMS = (
    Problem("german", True, ("tabular/german/german.data",), german),
    Problem("adult", True, ("tabular/adult/adult.data", "tabular/adult/adult.test"), adult),
    Problem("california", False, ("tabular/california/housing.csv",), california),
    Problem("bike", False, ("tabular/bike_uci/hour.csv",), bike),
    Problem("attrition", True, ("tabular/more/attrition.csv",), worded("Attrition", "Yes")),
    Problem("credit", True, ("tabular/more/credit_data.csv",), worded("Status", "bad")),
    Problem("lending", True, ("tabular/more/lending_club.csv",), worded("Class", "bad")),
    Problem("ames", False, ("tabular/more/ames.csv",), worded("Sale_Price")),
    *(Problem(name, False, (file,), plain) for name, file in TABLES.items()),
)


def prepared(model: Any) -> Any:
    """One-hot words, medians for missing numbers, unit scales: what a linear model and an MLP need."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    is_number = make_column_selector(dtype_include="number")
    is_word = make_column_selector(dtype_exclude="number")
    return make_pipeline(make_column_transformer((numbers, is_number), (words, is_word)), model)


def models(classes: bool, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "KAN": ew.KANClassifier(random_state=seed) if classes else ew.KANRegressor(random_state=seed),
        "KAN, additive": (
            ew.KANClassifier(mode="additive", random_state=seed)
            if classes
            else ew.KANRegressor(mode="additive", random_state=seed)
        ),
        "boosting": (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(
            categorical_features="from_dtype", random_state=seed
        ),
        "MLP": prepared(
            (MLPClassifier if classes else MLPRegressor)(
                hidden_layer_sizes=(128, 128), early_stopping=True, max_iter=300, random_state=seed
            )
        ),
        "linear": prepared(
            LogisticRegressionCV(
                max_iter=2000, scoring="neg_log_loss", use_legacy_attributes=False, l1_ratios=(0.0,)
            )
            if classes
            else RidgeCV(np.logspace(-4, 4, 17))
        ),
    }
    try:
        from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor
    except ImportError:
        print("skipped: EBM (pip install interpret-core)")
    else:
        ebm = ExplainableBoostingClassifier if classes else ExplainableBoostingRegressor
        found["EBM"] = ebm(random_state=seed, n_jobs=1)
    return found


def as_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Words as a categorical dtype, which boosting reads natively."""
    return X.apply(lambda column: column if column.dtype.kind in "if" else column.astype("category"))


def calibration_error(p: np.ndarray, y: np.ndarray) -> float:
    """Expected calibration error: tenths of the rows by rising probability, mean distance of frequency and probability."""
    order = np.argsort(p, kind="stable")
    parts = zip(np.array_split(p[order], BINS), np.array_split(y[order], BINS), strict=True)
    return float(sum(len(a) * abs(a.mean() - b.mean()) for a, b in parts) / len(p))


def judged(problem: Problem, split: Split, model: Any) -> tuple[float, float, float, float]:
    """AUC, Brier score and calibration error, or RMSE and nothing more; CPU seconds of the fit."""
    X, X_test = as_categories(split.X), as_categories(split.X_test)
    clock = Clock()
    model.fit(X, split.y)
    seconds = clock.seconds
    if not problem.classes:
        error = np.asarray(model.predict(X_test)).ravel() - split.y_test
        return float(np.sqrt(np.mean(error**2))), float("nan"), float("nan"), seconds
    p = model.predict_proba(X_test)[:, 1]
    brier = float(np.mean((p - split.y_test) ** 2))
    return float(roc_auc_score(split.y_test, p)), brier, calibration_error(p, split.y_test), seconds


def measure(run: Run, report: Report, problem: Problem) -> None:
    files = [run.table(file) for file in problem.files]
    if any(file is None for file in files):
        return
    splits = list(problem.splits([file for file in files if file is not None]))
    asked = os.environ.get("ADOPTION_MODELS")
    for name in models(problem.classes, 0) if asked is None else asked.split(";"):
        results = [judged(problem, split, models(problem.classes, k)[name]) for k, split in enumerate(splits)]
        score, brier, _, seconds = (float(np.mean(column)) for column in zip(*results, strict=True))
        report.add(
            problem.name,
            name,
            "AUC" if problem.classes else "RMSE",
            score,
            float(np.std([result[0] for result in results])) if len(results) > 1 else float("nan"),
            brier,
            seconds,
        )


def main() -> None:
    run = begin("adoption", "thirteen tables, estimators out of the box")
    report = Report(
        run,
        "tables",
        ["table", "model", "score", "mean", "std", "Brier", "CPU s a fit"],
        [10, 13, 5, 8, 8, 8, 8],
    )
    for problem in PROBLEMS:
        if not run.quick or problem.name == "yacht":
            measure(run, report, problem)
    report.save()
    report.across("in short", ["table", "score"], "model", "mean").save()


if __name__ == "__main__":
    main()
