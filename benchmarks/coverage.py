"""Intervals of an audit: how often 95 % intervals of the widest gap hold the true gap, which is known here.

Groups whose true measures lie a known gap apart, in three shapes: evenly spread, one group apart from all others, and two
halves. Rows are those of the whole table; groups are of equal size, or the first has four times the rows of the others.
An interval holds the gap where the test that it inverts keeps that gap, so this alone is asked, at a twentieth of the cost.
Intervals of single groups are a part of their own, "single".
The environment may choose parts, rows and how many tables: COVERAGE_PARTS="decisions;scores", COVERAGE_ROWS="500;2000",
COVERAGE_TABLES=100.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
from _common import Clock, Report, Run, begin
from scipy.stats import norm

from edgewise.auditing.bootstrap import Outcomes, Resamples, statistics, trials
from edgewise.auditing.gaps import Gap, Gaps
from edgewise.auditing.groups import Grouping
from edgewise.auditing.metrics import group_tables

DRAWS = 500
widest = import_module("edgewise.auditing.widest")
SHAPES: dict[str, Callable[[int], np.ndarray]] = {
    "even": lambda k: np.linspace(0, 1, k),
    "one apart": lambda k: np.r_[0.0, np.ones(k - 1)],
    "halves": lambda k: (np.arange(k) >= k // 2).astype(float),
}


@dataclass(frozen=True)
class Setting:
    """A table to draw: rows, groups, how far these lie apart and how."""

    rows: int
    groups: int
    gap: float
    shape: str
    even: bool

    def codes(self, r: np.random.Generator) -> np.ndarray:
        share = np.ones(self.groups)
        share[0] = 1.0 if self.even else 4.0
        return r.choice(self.groups, self.rows, p=share / share.sum())

    def places(self) -> np.ndarray:
        return self.gap * SHAPES[self.shape](self.groups)


def decisions(setting: Setting, r: np.random.Generator, codes: np.ndarray) -> Outcomes:
    """Selection rates from 0.3 up; true and false positive rates lie as far apart, the latter from 0.1 up."""
    y = (r.random(len(codes)) < 0.5).astype(float)
    chance = np.where(y == 1, 0.5, 0.1) + setting.places()[codes]
    return Outcomes(y, chance, r.random(len(codes)) < chance, np.ones(len(codes)))


def numbers(setting: Setting, r: np.random.Generator, codes: np.ndarray) -> Outcomes:
    """Errors of spread 0.3 whose means lie the gap apart."""
    y = r.normal(size=len(codes))
    return Outcomes(
        y, y + setting.places()[codes] + 0.3 * r.normal(size=len(codes)), None, np.ones(len(codes))
    )


def scores(setting: Setting, r: np.random.Generator, codes: np.ndarray) -> Outcomes:
    """Areas under the curve from 0.7 up, by normal scores; accuracies and the rest follow."""
    y = (r.random(len(codes)) < 0.5).astype(float)
    apart = np.sqrt(2) * norm.ppf(0.7 + setting.places()[codes])
    s = norm.cdf(apart * (y - 0.5) + r.normal(size=len(codes)))
    return Outcomes(y, s, s > 0.5, np.ones(len(codes)))


def truth(draw: Callable[..., Outcomes], setting: Setting, measure: str) -> tuple[float, float]:
    """The gap and ratio among very many rows, of what no formula gives; the places themselves where it is those."""
    if measure in ("selection_rate", "odds", "error", "auc"):
        base = {"selection_rate": 0.3, "odds": 0.1, "auc": 0.7}.get(measure, float("nan"))
        return setting.gap, base / (base + setting.gap)
    values = very_many(draw, setting.groups, setting.gap, setting.shape)[measure]
    # Places that are equal are equal: what is left between them is chance.
    same = [values[setting.places() == place].mean() for place in np.unique(setting.places())]
    return float(np.ptp(same)), float(min(same) / max(same))


@cache
def very_many(draw: Callable[..., Outcomes], groups: int, gap: float, shape: str) -> dict[str, np.ndarray]:
    """Every measure of the groups among three million rows."""
    r = np.random.default_rng(1)
    many = Setting(3_000_000, groups, gap, shape, True)
    codes = many.codes(r)
    found = statistics(draw(many, r, codes), grouping(codes, groups), np.ones((many.rows, 1)))
    return {name: own[0] for name, own in found.items()}


def grouping(codes: np.ndarray, k: int) -> Grouping:
    return Grouping("g", tuple("abcdefgh"[:k]), codes, ("g",))


def coverage(
    draw: Callable[..., Outcomes], setting: Setting, measures: tuple[str, ...], tables: int
) -> dict[str, tuple[float, ...]]:
    """Shares of tables whose intervals hold the gap and the ratio, by measure."""
    true = {measure: truth(draw, setting, measure) for measure in measures}
    held = {measure: np.zeros(2) for measure in measures}
    for seed in range(tables):
        r = np.random.default_rng([seed, setting.rows, setting.groups])
        codes = setting.codes(r)
        rows, part = draw(setting, r, codes), grouping(codes, setting.groups)
        values = {name: own[0] for name, own in statistics(rows, part, rows.weight[:, None]).items()}
        boots = Resamples(rows, (part,), seed)
        if set(measures) <= {*trials(rows, part), "odds"}:
            # Intervals of rates are binomial: of resamples they read only how many there are.
            boot = {name: np.broadcast_to(own, (DRAWS, setting.groups)) for name, own in values.items()}
        else:
            boot = boots.draw(DRAWS).of(0)
        gaps = Gaps(rows, part, values, boots, boot)
        for measure, (gap, ratio) in true.items():
            with asked(gap, ratio):
                told: Gap = gaps.odds() if measure == "odds" else gaps.of(measure)
            low, high = told.ratio_interval
            held[measure] += told.interval[0] <= gap <= told.interval[1], not (high < ratio or low > ratio)
    return {measure: tuple((item / tables).tolist()) for measure, item in held.items()}


def asked(gap: float, ratio: float) -> Any:
    """Within it, intervals are everything where the test keeps the true gap, or ratio, and far from it where it does not."""
    # The difference comes first, then the ratio.
    left = iter((gap, 1 - ratio))

    def inverted(samples: Any, observed: float, least: float, most: float) -> tuple[float, float]:
        c = next(left)
        return (0.0, 9.0) if widest._kept(c, observed, samples(c)) else (9.0, 9.0)

    return patch.object(widest, "_inverted", inverted)


def measured(run: Run, part: str, draw: Callable[..., Outcomes], measures: tuple[str, ...]) -> None:
    columns = ["measure", "rows", "groups", "gap", "shape", "sizes", "held", "ratio held", "CPU s"]
    report = Report(run, part, columns, [15, 5, 6, 5, 9, 7, 6, 10, 6])
    tables = int(os.environ.get("COVERAGE_TABLES", "10" if run.quick else "1000"))
    rows = os.environ.get("COVERAGE_ROWS", "100" if run.quick else "500;2000;10000").split(";")
    for setting in settings([int(row) for row in rows], (2, 6) if run.quick else (2, 3, 4, 6)):
        for measure in measures:
            truth(draw, setting, measure)
        clock = Clock()
        held = coverage(draw, setting, measures, tables)
        seconds = clock.seconds / tables / len(measures)
        sizes = "equal" if setting.even else "unequal"
        for measure, shares in held.items():
            report.add(
                measure,
                setting.rows,
                setting.groups,
                setting.gap,
                setting.shape,
                sizes,
                *shares,
                seconds,
            )
    for measure in measures:
        for name in ("held", "ratio held"):
            held = np.array([row[report.columns.index(name)] for row in report.rows if row[0] == measure])
            inside = ((held >= 0.93) & (held <= 0.97)).mean()
            report.note(
                f"{measure}, {name}: {held.min():.3f} to {held.max():.3f}, {held.mean():.3f} on average, {inside:.0%} of "
                f"{len(held)} settings within 0.93 to 0.97; of {tables} tables one share is known to within "
                f"{1.96 * np.sqrt(0.95 * 0.05 / tables):.3f}."
            )
    report.save()


def settings(rows: Sequence[int], groups: Sequence[int]) -> Iterator[Setting]:
    """Every table to draw."""
    for n, k, gap in product(rows, groups, (0.0, 0.05, 0.2)):
        for shape, even in product(("halves",) if gap == 0 or k == 2 else SHAPES, (True, False)):
            yield Setting(n, k, gap, shape, even)


def single(run: Run) -> None:
    """Intervals of the measures of a single group, whose probabilities are right, or too bold."""
    report = Report(
        run, "single groups", ["rows", "slope", "measure", "true", "held", "width"], [6, 6, 15, 8, 6, 7]
    )
    tables = int(os.environ.get("COVERAGE_TABLES", "10" if run.quick else "1000"))

    def draw(r: np.random.Generator, n: int, slope: float) -> tuple[Outcomes, np.ndarray]:
        z = 1.5 * r.normal(size=n) - 0.5
        s, true = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-slope * z))
        return Outcomes((r.random(n) < true).astype(float), s, s > 0.5, np.ones(n)), true

    for slope in (1.0, 0.8, 0.6):
        many, chance = draw(np.random.default_rng(1), 3_000_000, slope)
        known = statistics(many, grouping(np.zeros(3_000_000, int), 1), many.weight[:, None])
        true = {name: float(own[0, 0]) for name, own in known.items()}
        bins = (10 * many.score).astype(int)
        true["ece"] = (
            float(np.abs(np.bincount(bins, chance - many.score)).sum() / len(bins)) if slope < 1 else 0.0
        )
        for rows in (100,) if run.quick else (100, 500, 2000):
            part, ends = grouping(np.zeros(rows, int), 1), list[dict[str, tuple[float, float]]]()
            for seed in range(tables):
                told, _ = draw(np.random.default_rng([seed, rows]), rows, slope)
                (table,) = group_tables(told, (part,), Resamples(told, (part,), seed).draw(DRAWS))
                ends.append({name: own[0] for name, own in table.intervals.items()})
            for name, value in true.items():
                low, high = np.array([end[name] for end in ends]).T
                held = float(((low <= value) & (value <= high)).mean())
                report.add(rows, slope, name, value, held, float((high - low).mean()))
    held = np.array(report.column("held"))
    report.note(
        f"{held.min():.3f} to {held.max():.3f} hold the truth, {held.mean():.3f} on average, "
        f"{((held >= 0.93) & (held <= 0.97)).mean():.0%} of {len(held)} within 0.93 to 0.97; of {tables} tables one share "
        f"is known to within {1.96 * np.sqrt(0.95 * 0.05 / tables):.3f}."
    )
    report.save()


PARTS: dict[str, tuple[Callable[..., Outcomes], tuple[str, ...]]] = {
    "decisions": (decisions, ("selection_rate", "odds")),
    "numbers": (numbers, ("error", "rmse")),
    "scores": (scores, ("auc", "accuracy", "ppv", "brier", "calibration")),
    "calibration errors": (scores, ("ece",)),
}


if __name__ == "__main__":
    begun = begin("coverage", "Coverage of the intervals of an audit")
    wanted = os.environ.get("COVERAGE_PARTS", ";".join([*PARTS, "single"])).split(";")
    for name, (draw, measures) in PARTS.items():
        if name in wanted:
            print(f"\n## {name}\n")
            measured(begun, name, draw, measures)
    if "single" in wanted:
        print("\n## single groups\n")
        single(begun)
