"""Counts and amounts beside their usual models: claims of French motor policies and of Swedish motorcycles.

Mean deviance on a fifth held out, the CPU time of the fit, and by how much the totals of levels are missed on the rows
learned from. EBM and LightGBM are left out where they are not installed, and said to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _common import Clock, Report, Run, begin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import TweedieRegressor
from sklearn.metrics import mean_tweedie_deviance
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from edgewise.estimators import KANRegressor

SEEDS = 3


@dataclass(frozen=True, eq=False)
class Task:
    """Rates of a table: what there was per unit, how much a row counts, and the power of the mean that variances go with."""

    name: str
    X: pd.DataFrame
    rate: np.ndarray
    weight: np.ndarray
    power: float
    seeds: int = SEEDS

    @property
    def loss(self) -> str:
        return {1.0: "poisson", 2.0: "gamma"}.get(self.power, "tweedie")


def french(run: Run) -> list[Task]:
    path = run.table("insurance/french_motor_frequency.parquet")
    if path is None:
        return []
    table = pd.read_parquet(path).drop(columns="IDpol")
    claims, years = table.pop("ClaimNb").clip(upper=4), table.pop("Exposure").clip(upper=1)
    words = table.select_dtypes(exclude="number").columns
    table = table.astype(dict.fromkeys(words, "category"))
    return [Task("French motor, claims", table, (claims / years).to_numpy(), years.to_numpy(), 1.0, seeds=1)]


def motorcycles(run: Run) -> list[Task]:
    path = run.table("insurance/ohlsson_motorcycles.csv")
    if path is None:
        return []
    table = pd.read_csv(path).drop(columns="rownames")
    table = table[table.duration > 0]
    count, cost, years = (
        table.pop(name).to_numpy(dtype=float) for name in ("antskad", "skadkost", "duration")
    )
    table = table.astype({"kon": "category"}).reset_index(drop=True)
    some = (count > 0) & (cost > 0)
    return [
        Task("motorcycles, claims", table, count / years, years, 1.0),
        Task(
            "motorcycles, size",
            table[some].reset_index(drop=True),
            cost[some] / count[some],
            count[some],
            2.0,
        ),
        Task("motorcycles, premium", table, cost / years, years, 1.5),
    ]


class Kan:
    """Counts and exposures, as people give them."""

    def __init__(self, task: Task, **options: Any) -> None:
        power = {"power": task.power} if task.loss == "tweedie" else {}
        self.task, self.model = task, KANRegressor(loss=task.loss, **power, **options)

    def fit(self, X: pd.DataFrame, y: np.ndarray, weight: np.ndarray) -> Kan:
        if self.task.power == 2:
            self.model.fit(X, y, sample_weight=weight)
        else:
            self.model.fit(X, y * weight, exposure=weight)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict(X)


class Weighted:
    """A model of rates whose rows have weights; `step` names the last of a pipeline."""

    def __init__(self, model: Any, step: str = "") -> None:
        self.model, self.step = model, step

    def fit(self, X: pd.DataFrame, y: np.ndarray, weight: np.ndarray) -> Weighted:
        self.model.fit(X, y, **{f"{self.step}sample_weight": weight})
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.model.predict(X))


class Mean:
    def fit(self, X: pd.DataFrame, y: np.ndarray, weight: np.ndarray) -> Mean:
        self.value = float(y @ weight / weight.sum())
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.full(len(X), self.value)


def glm(task: Task) -> Weighted:
    """Every column in levels: words, and numbers cut into ten."""
    words = task.X.select_dtypes("category").columns
    numbers = task.X.columns.difference(words)
    levels = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
        (KBinsDiscretizer(10, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), numbers),
    )
    model = TweedieRegressor(power=task.power, link="log", alpha=1e-6, solver="newton-cholesky", max_iter=300)
    return Weighted(make_pipeline(levels, model), "tweedieregressor__")


def boosting(task: Task) -> Weighted:
    loss = "gamma" if task.power == 2 else "poisson"
    return Weighted(
        HistGradientBoostingRegressor(
            loss=loss, categorical_features="from_dtype", early_stopping=True, random_state=0
        )
    )


def lightgbm(task: Task) -> Weighted:
    from lightgbm import LGBMRegressor

    more = {"tweedie_variance_power": task.power} if task.loss == "tweedie" else {}
    return Weighted(LGBMRegressor(objective=task.loss, n_jobs=1, random_state=0, verbose=-1, **more))


def ebm(task: Task) -> Weighted:
    from interpret.glassbox import ExplainableBoostingRegressor

    objective = (
        f"tweedie_deviance:variance_power={task.power}" if task.loss == "tweedie" else f"{task.loss}_deviance"
    )
    return Weighted(ExplainableBoostingRegressor(objective=objective, n_jobs=1, random_state=0))


MODELS: dict[str, Callable[[Task], Any]] = {
    "mean": lambda task: Mean(),
    "GLM": glm,
    "KAN, additive": lambda task: Kan(task, mode="additive"),
    "KAN, pairs": lambda task: Kan(task, interactions="auto"),
    "LightGBM": lightgbm,
    "boosting": boosting,
    "EBM": ebm,
}


def farthest(task: Task, rows: np.ndarray, predicted: np.ndarray) -> float:
    """By what share the total of a level of words is missed most, of levels with a hundredth of the weight or more."""
    off = [0.0]
    for name in task.X.select_dtypes("category").columns:
        groups = (
            pd.DataFrame(
                {
                    "level": task.X[name].iloc[rows].astype(str).to_numpy(),
                    "observed": task.rate[rows] * task.weight[rows],
                    "expected": predicted * task.weight[rows],
                    "weight": task.weight[rows],
                }
            )
            .groupby("level")
            .sum()
        )
        some = groups[groups.weight >= 0.01 * groups.weight.sum()]
        off.append(float((some.expected / some.observed - 1).abs().max()))
    return max(off)


def measure(run: Run, report: Report, task: Task) -> None:
    for name, make in MODELS.items():
        found = list[tuple[float, float, float]]()
        for seed in range(1 if run.quick else task.seeds):
            rows, test = train_test_split(np.arange(len(task.X)), test_size=0.2, random_state=seed)
            rows = rows[:20_000] if run.quick else rows
            clock = Clock()
            try:
                model = make(task).fit(task.X.iloc[rows], task.rate[rows], task.weight[rows])
            except ImportError as missing:
                print(f"skipped: {name} ({missing})")
                break
            seconds = clock.seconds
            predicted = np.maximum(model.predict(task.X.iloc[test]), 1e-9)
            # Of counts in some time, not of rates, as tariffs are compared.
            share = task.weight[test] ** (2 - task.power) if task.power != 2 else task.weight[test]
            deviance = mean_tweedie_deviance(
                task.rate[test], predicted, sample_weight=share, power=task.power
            )
            scale = share.mean() if task.power == 1 else 1.0
            found.append(
                (100 * scale * deviance, farthest(task, rows, model.predict(task.X.iloc[rows])), seconds)
            )
        if found:
            table = np.array(found)
            spread = float(table[:, 0].std(ddof=1) / np.sqrt(len(table))) if len(table) > 1 else float("nan")
            report.add(
                task.name,
                name,
                float(table[:, 0].mean()),
                spread,
                100 * table[:, 1].max(),
                float(table[:, 2].mean()),
            )


def main() -> None:
    run = begin("counts", "counts and amounts")
    columns = ["task", "model", "deviance x 100", "std error", "level off, %", "CPU s a fit"]
    report = Report(run, "tables", columns, [22, 14, 15, 10, 13, 12])
    for task in (*motorcycles(run), *french(run)):
        measure(run, report, task)
    report.save()


if __name__ == "__main__":
    main()
