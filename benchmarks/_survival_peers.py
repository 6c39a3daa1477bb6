"""Peers of KANSurvival, which live in an environment of their own: scikit-survival and lifelines.

The folder that the command names has rows.npz: X and outcomes to learn from, rows to predict, `times` and, for each row to
predict, `own`, a time of its own. Left there is answer.npz: for each peer its survival at `times` and at `own`, its risks
and its CPU seconds.

    python -c "import _survival_peers; _survival_peers.main('FOLDER', ['Cox', 'forest'])"
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = dict[str, Any]
# Survival of some rows at times (m,), and their risks.
Predicted = tuple[Callable[[Floats], Floats], Floats]
# A forest keeps a curve of all its times in every node: that many fit into memory.
FOREST_TIMES = 400


def main(folder: str, names: list[str]) -> None:
    warnings.filterwarnings("ignore")
    # Loading a package is no part of a fit.
    for package in ("lifelines", "sksurv.ensemble", "sksurv.linear_model"):
        importlib.import_module(package)
    with np.load(Path(folder) / "rows.npz") as file:
        rows = dict(file)
    answer: Rows = {}
    for name in names:
        began = time.process_time()
        predict = PEERS[name](rows)
        answer[f"{name} seconds"] = time.process_time() - began
        survival, answer[f"{name} risk"] = predict(rows["new"])
        answer[f"{name} survival"] = survival(rows["times"])
        if "own" in rows:
            own, at = np.unique(rows["own"], return_inverse=True)
            answer[f"{name} own"] = survival(own)[np.arange(len(at)), at]
    np.savez(Path(folder) / "answer.npz", **answer)


def outcome(rows: Rows, longest: int | None = None) -> Any:
    """scikit-survival's structured outcome; with times rounded up to so many values where there are more."""
    duration = rows["duration"]
    if longest is not None and len(np.unique(duration)) > longest:
        cuts = np.quantile(duration, np.arange(1, longest + 1) / longest, method="inverted_cdf")
        duration = cuts[np.searchsorted(cuts, duration)]
    return np.array(
        list(zip(rows["event"] > 0, duration, strict=True)), dtype=[("event", "?"), ("time", "f8")]
    )


def of_steps(model: Any, chosen: Callable[[Floats], Floats] | None = None) -> Callable[[Floats], Predicted]:
    """Survival as scikit-survival gives it, which changes at some times only."""

    def predict(new: Floats) -> Predicted:
        curves = model.predict_survival_function(new, return_array=True)
        whole = np.concatenate([np.ones((len(new), 1)), curves], axis=1)
        survival = lambda times: whole[:, np.searchsorted(model.unique_times_, times, side="right")]  # noqa: E731
        return survival, model.predict(new)

    return predict


def scaled(rows: Rows) -> Callable[[Floats], Floats]:
    """Columns of mean 0 and spread 1, which Newton's method wants."""
    mean, spread = rows["X"].mean(axis=0), rows["X"].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return lambda X: (X - mean) / spread


def cox(rows: Rows) -> Callable[[Floats], Predicted]:
    """A penalty of nearly nothing settles columns that are sums of others."""
    from sksurv.linear_model import CoxPHSurvivalAnalysis

    scale = scaled(rows)
    predict = of_steps(CoxPHSurvivalAnalysis(alpha=1e-3).fit(scale(rows["X"]), outcome(rows)))
    return lambda new: predict(scale(new))


def boosting(rows: Rows) -> Callable[[Floats], Predicted]:
    """As it comes: 100 trees of depth 3."""
    from sksurv.ensemble import GradientBoostingSurvivalAnalysis

    return of_steps(
        GradientBoostingSurvivalAnalysis(random_state=int(rows["seed"])).fit(rows["X"], outcome(rows))
    )


def forest(rows: Rows) -> Callable[[Floats], Predicted]:
    """100 trees with leaves of 15 rows, as in scikit-survival's guide."""
    from sksurv.ensemble import RandomSurvivalForest

    model = RandomSurvivalForest(
        min_samples_leaf=15, min_samples_split=30, n_jobs=1, random_state=int(rows["seed"])
    )
    return of_steps(model.fit(rows["X"], outcome(rows, FOREST_TIMES)))


def frame(rows: Rows, X: Floats) -> Any:
    import pandas as pd

    return pd.DataFrame(X, columns=[f"x{k}" for k in range(X.shape[1])])


def weibull(rows: Rows) -> Callable[[Floats], Predicted]:
    """lifelines' accelerated failure times, with the smallest penalty under which it converges."""
    from lifelines import WeibullAFTFitter
    from lifelines.exceptions import ConvergenceError

    scale = scaled(rows)
    table = frame(rows, scale(rows["X"]))
    columns = list(table)
    # lifelines refuses times of zero, and ends of an interval that is no interval.
    least = rows["duration"][rows["duration"] > 0].min() / 2
    for penalizer in (0.0, 1e-3, 1e-2, 1e-1):
        model = WeibullAFTFitter(penalizer=penalizer)
        try:
            if "until" in rows:
                ends = {"low": rows["duration"], "high": np.maximum(rows["until"], rows["duration"])}
                model.fit_interval_censoring(table.assign(**ends), "low", "high")
            else:
                table = table.assign(time=np.maximum(rows["duration"], least), event=rows["event"] > 0)
                table = table.assign(entry=rows["entry"]) if "entry" in rows else table
                model.fit(table, "time", "event", entry_col="entry" if "entry" in rows else None)
            break
        except ConvergenceError:
            continue
    slopes, shape = model.params_["lambda_"], float(np.exp(model.params_["rho_"].iloc[0]))

    def predict(new: Floats) -> Predicted:
        place = scale(new) @ slopes[columns].to_numpy() + float(slopes["Intercept"])
        return lambda times: np.exp(-((times / np.exp(place)[:, None]) ** shape)), -place

    return predict


def late_cox(rows: Rows) -> Callable[[Floats], Predicted]:
    """lifelines' Cox model, which knows late entry."""
    predict = cause_hazard(rows, 1)

    def answer(new: Floats) -> Predicted:
        hazard = predict(new)
        return lambda times: np.exp(-hazard(times)), np.zeros(len(new))

    return answer


def competing_cox(rows: Rows) -> Callable[[Floats], Predicted]:
    """Cox models of two causes; in place of survival the chance that the first has not come first."""
    causes = [cause_hazard(rows, number) for number in (1, 2)]

    def answer(new: Floats) -> Predicted:
        first, second = (predict(new) for predict in causes)

        def survival(times: Floats) -> Floats:
            fine = np.linspace(0, times.max(), 1001)
            one, other = first(fine), second(fine)
            alive = np.exp(-(one + other))
            steps = np.diff(one, axis=1) * (alive[:, 1:] + alive[:, :-1]) / 2
            whole = np.concatenate([np.zeros((len(new), 1)), np.cumsum(steps, axis=1)], axis=1)
            return 1 - np.stack([np.interp(times, fine, row) for row in whole])

        return survival, np.zeros(len(new))

    return answer


def cause_hazard(rows: Rows, cause: int) -> Callable[[Floats], Callable[[Floats], Floats]]:
    """Integrated hazards of a cause, by lifelines' Cox model."""
    from lifelines import CoxPHFitter

    table = frame(rows, rows["X"]).assign(time=rows["duration"], event=rows["event"] == cause)
    table = table.assign(entry=rows["entry"]) if "entry" in rows else table
    model = CoxPHFitter().fit(table, "time", "event", entry_col="entry" if "entry" in rows else None)

    def predict(new: Floats) -> Callable[[Floats], Floats]:
        ratio = model.predict_partial_hazard(frame(rows, new)).to_numpy()
        base = model.baseline_cumulative_hazard_
        when = np.concatenate([[0.0], base.index.to_numpy(dtype=float)])
        passed = np.concatenate([[0.0], base.iloc[:, 0].to_numpy()])
        return lambda times: ratio[:, None] * passed[np.searchsorted(when, times, side="right") - 1]

    return predict


PEERS: dict[str, Callable[[Rows], Callable[[Floats], Predicted]]] = {
    "Cox": cox,
    "boosting": boosting,
    "forest": forest,
    "Weibull AFT": weibull,
    "Cox, late entry": late_cox,
    "Cox, two causes": competing_cox,
}
