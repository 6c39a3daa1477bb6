"""Intervals of an audit: how often 95 % intervals of the widest gap hold the true gap, which is known here.

Groups whose true measures lie a known gap apart, in three shapes: evenly spread, one group apart from all others, and two
halves. Rows are those of the whole table; groups are of equal size, or the first has four times the rows of the others.
The percentile interval of the two groups that were picked, which audits had before, stands beside it.
The environment may choose a part: COVERAGE_PARTS="parity;odds".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _common import Clock, Report, Run, begin
from scipy.stats import norm

from edgewise.auditing.gaps import Gap, Gaps
from edgewise.auditing.groups import Grouping
from edgewise.auditing.tallies import Outcomes, Resamples, statistics

DRAWS = 500
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
    r = np.random.default_rng(1)
    many = Setting(3_000_000, setting.groups, setting.gap, setting.shape, True)
    codes = many.codes(r)
    values = statistics(draw(many, r, codes), grouping(codes, many.groups), np.ones((many.rows, 1)))[measure][
        0
    ]
    # Places that are equal are equal: what is left between them is chance.
    same = [values[many.places() == place].mean() for place in np.unique(many.places())]
    return float(np.ptp(same)), float(min(same) / max(same))


def grouping(codes: np.ndarray, k: int) -> Grouping:
    return Grouping("g", tuple("abcdefgh"[:k]), codes, ("g",))


def coverage(draw: Callable[..., Outcomes], setting: Setting, measure: str, tables: int) -> tuple[float, ...]:
    """Shares of tables whose intervals hold the gap, the ratio and, of the pair picked, the gap; the mean width."""
    gap, ratio = truth(draw, setting, measure)
    held = np.zeros(4)
    for seed in range(tables):
        r = np.random.default_rng([seed, setting.rows, setting.groups])
        codes = setting.codes(r)
        rows, part = draw(setting, r, codes), grouping(codes, setting.groups)
        boots = Resamples(rows, (part,), seed).draw(DRAWS)
        boot = boots.of(0)
        values = {name: own[0] for name, own in statistics(rows, part, rows.weight[:, None]).items()}
        gaps = Gaps(rows, part, values, boots, boot)
        told: Gap = gaps.odds() if measure == "odds" else gaps.of(measure)
        names = ("tpr", "fpr") if measure == "odds" else (measure,)
        name = max(names, key=lambda each: np.ptp(values[each]))
        own = boot[name]
        picked = own[:, values[name].argmax()] - own[:, values[name].argmin()]
        low, high = np.nanquantile(picked, [0.025, 0.975])
        held += [
            told.interval[0] <= gap + 1e-9 <= told.interval[1] + 2e-9,
            np.isnan(told.ratio_interval[0])
            or told.ratio_interval[0] <= ratio + 1e-9 <= told.ratio_interval[1] + 2e-9,
            low <= gap <= high,
            told.interval[1] - told.interval[0],
        ]
    return tuple((held / tables).tolist())


def measured(run: Run, part: str, draw: Callable[..., Outcomes], measures: tuple[str, ...]) -> None:
    report = Report(
        run,
        part,
        [
            "measure",
            "rows",
            "groups",
            "gap",
            "shape",
            "sizes",
            "held",
            "ratio held",
            "held before",
            "width",
            "CPU s",
        ],
        [15, 5, 6, 5, 9, 7, 6, 10, 11, 6, 6],
    )
    tables = 200 if run.quick else 1000
    for measure in measures:
        for rows in (100, 2_000) if run.quick else (100, 500, 2_000):
            for groups in (2, 6) if run.quick else (2, 3, 4, 6):
                for gap in (0.0, 0.05, 0.2):
                    for shape in ("halves",) if gap == 0 or groups == 2 else SHAPES:
                        for even in (True, False):
                            clock = Clock()
                            held = coverage(draw, Setting(rows, groups, gap, shape, even), measure, tables)
                            sizes = "equal" if even else "unequal"
                            report.add(
                                measure, rows, groups, gap, shape, sizes, *held, clock.seconds / tables
                            )
    held = np.array(report.column("held"))
    inside = ((held >= 0.93) & (held <= 0.97)).mean()
    report.note(
        f"Held: {held.min():.3f} to {held.max():.3f}, {held.mean():.3f} on average, {inside:.0%} within 0.93 to 0.97; "
        f"of {tables} tables one share is known to within 0.014."
    )
    report.save()


PARTS: dict[str, tuple[Callable[..., Outcomes], tuple[str, ...]]] = {
    "parity": (decisions, ("selection_rate",)),
    "odds": (decisions, ("odds",)),
    "numbers": (numbers, ("error", "rmse")),
    "scores": (scores, ("auc", "accuracy", "ppv", "brier", "calibration", "ece")),
}


if __name__ == "__main__":
    begun = begin("coverage", "Coverage of the intervals of an audit")
    wanted = os.environ.get("COVERAGE_PARTS", ";".join(PARTS)).split(";")
    for name, (draw, measures) in PARTS.items():
        if name in wanted:
            print(f"\n## {name}\n")
            measured(begun, name, draw, measures)
