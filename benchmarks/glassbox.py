"""Ten measured tables: glass boxes and gradient boosting on the same splits, scores, calibration and CPU seconds of a fit.

Peers that are not installed (pygam, lightgbm, interpret-core) are left out and said to be. The environment may choose a
part: GLASSBOX_TABLES="german;bike", GLASSBOX_MODELS="EBM;pyGAM"; the other rows of the file then stay as they are.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _common import Report, Run, begin
from adoption import PROBLEMS, Problem, judged, prepared
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.preprocessing import OrdinalEncoder

import edgewise as ew

TABLES = (
    "german",
    "adult",
    "california",
    "bike",
    "attrition",
    "credit",
    "lending",
    "ames",
    "airfoil",
    "concrete",
)
# No table needs more: the number of steps is then that of the recipe.
WORK = 10


class GAM:
    """pyGAM with a spline for each column of numbers and a factor for each column of words; its smoothness as it comes."""

    def __init__(self, classes: bool) -> None:
        self.classes = classes

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> GAM:
        from pygam import LinearGAM, LogisticGAM, f, s

        self.words = [name for name in X if X[name].dtype.kind not in "if"]
        self.numbers = [name for name in X if name not in self.words]
        self.middle = X[self.numbers].median()
        self.codes = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
        )
        if self.words:
            self.codes.fit(X[self.words].astype(object))
        terms = [s(k) for k in range(len(self.numbers))]
        terms += [f(len(self.numbers) + k) for k in range(len(self.words))]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        self.model = (LogisticGAM if self.classes else LinearGAM)(total)
        self.model.fit(self.matrix(X), y)
        return self

    def matrix(self, X: pd.DataFrame) -> np.ndarray:
        parts = [X[self.numbers].fillna(self.middle).to_numpy(float)]
        if self.words:
            # A word that training has not seen is read as the first one: pyGAM refuses codes it does not know.
            parts.append(np.maximum(self.codes.transform(X[self.words].astype(object)), 0))
        return np.hstack(parts)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict(self.matrix(X))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        p = self.model.predict_proba(self.matrix(X))
        return np.column_stack([1 - p, p])


def kan(classes: bool, seed: int, **options: Any) -> Any:
    return (ew.KANClassifier if classes else ew.KANRegressor)(random_state=seed, work=WORK, **options)


def of_the_root(classes: bool, seed: int) -> Any:
    """Pairs that add up to the square root of the target: counts that multiply do."""
    pairs = kan(False, seed, interactions="auto")
    return TransformedTargetRegressor(pairs, func=np.sqrt, inverse_func=np.square, check_inverse=False)


def linear(classes: bool, seed: int) -> Any:
    if not classes:
        return prepared(RidgeCV(np.logspace(-4, 4, 17)))
    return prepared(
        LogisticRegressionCV(
            max_iter=2000, scoring="neg_log_loss", use_legacy_attributes=False, l1_ratios=(0.0,)
        )
    )


def gam(classes: bool, seed: int) -> Any:
    import pygam

    assert pygam
    return GAM(classes)


def boosting(classes: bool, seed: int) -> Any:
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return kind(categorical_features="from_dtype", random_state=seed)


def lightgbm(classes: bool, seed: int) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMClassifier if classes else LGBMRegressor)(n_jobs=1, random_state=seed, verbose=-1)


def ebm(classes: bool, seed: int) -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    kind = ExplainableBoostingClassifier if classes else ExplainableBoostingRegressor
    return kind(random_state=seed, n_jobs=1)


def small_ebm(classes: bool, seed: int) -> Any:
    """With four outer bags instead of sixteen: a quarter of the time."""
    return ebm(classes, seed).set_params(outer_bags=4)


MODELS: dict[str, Callable[[bool, int], Any]] = {
    "KAN": kan,
    "KAN, interactions=0": lambda classes, seed: kan(classes, seed, interactions=0),
    "KAN, interactions=auto": lambda classes, seed: kan(classes, seed, interactions="auto"),
    "KAN of the root, interactions=auto": of_the_root,
    "linear": linear,
    "pyGAM": gam,
    "boosting": boosting,
    "LightGBM": lightgbm,
    "EBM": ebm,
    "EBM, outer_bags=4": small_ebm,
}


def measure(run: Run, report: Report, problem: Problem, names: list[str]) -> None:
    files = [run.table(file) for file in problem.files]
    splits = [] if None in files else list(problem.splits([file for file in files if isinstance(file, Path)]))
    for name in names if splits else ():
        if problem.classes and MODELS[name] is of_the_root:
            continue
        try:
            results = [
                judged(problem, split, MODELS[name](problem.classes, k)) for k, split in enumerate(splits)
            ]
        except ImportError as missing:
            print(f"skipped: {name} ({missing})")
            continue
        score, brier, calibration, seconds = (float(np.mean(column)) for column in zip(*results, strict=True))
        spread = float(np.std([result[0] for result in results])) if len(results) > 1 else float("nan")
        measure_name = "AUC" if problem.classes else "RMSE"
        report.add(problem.name, name, measure_name, score, spread, brier, calibration, seconds)


def chosen(name: str, known: tuple[str, ...]) -> list[str]:
    """Entries named in the environment, all by default."""
    asked = os.environ.get(name)
    return list(known) if not asked else [entry for entry in known if entry in asked.split(";")]


def main() -> None:
    run = begin("glassbox", "ten tables, glass boxes")
    warnings.filterwarnings("ignore")
    columns = ["table", "model", "score", "mean", "std", "Brier", "ECE", "CPU s a fit"]
    report = Report(run, "tables", columns, [10, 22, 5, 8, 8, 8, 8, 8])
    tables = chosen("GLASSBOX_TABLES", TABLES)[: 1 if run.quick else None]
    for problem in PROBLEMS:
        if problem.name in tables:
            measure(run, report, problem, chosen("GLASSBOX_MODELS", tuple(MODELS)))
    report.rows = in_order([*report.earlier(2), *report.rows])
    report.save()
    report.across("in short", ["table", "score"], "model", "mean").save()


def in_order(rows: list[Sequence[Any]]) -> list[Sequence[Any]]:
    """Table by table, model by model."""
    places = {name: k for k, name in enumerate((*TABLES, *MODELS))}
    return sorted(rows, key=lambda row: (places[row[0]], places[row[1]]))


if __name__ == "__main__":
    main()
