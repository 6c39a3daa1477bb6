"""How well probabilities of classes do: ROC curves, reliability, the confusion table and each class apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise._core.resampling import wilson
from edgewise.explaining.reliability import Curve, curve
from edgewise.report.evaluation.measures import auc
from edgewise.report.text.numbers import number
from edgewise.report.text.svg import Axes, label, left_margin, picture, tag

Floats = NDArray[np.float64]

SIDE = 320.0
MOST_CURVES = 6
MOST_STEPS = 160
BINS = 10


@dataclass(frozen=True)
class ClassRow:
    """One class: how many rows are of it, how many were found, and how many of those found are right."""

    name: str
    rows: int
    recall: float
    precision: float
    f1: float
    auc: float


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """What was predicted and what happened in groups of rows, with the interval of what happened."""

    curve: Curve
    low: Floats
    high: Floats

    @property
    def chance(self) -> float:
        """What the calibration error would be about by chance alone, were the probabilities right."""
        p, rows = self.curve.predicted, self.curve.rows
        spread = np.sqrt(2 / np.pi * p * (1 - p) / rows)
        return float(rows @ spread) / float(rows.sum())


def confusion(y: Floats, predicted: Floats) -> NDArray[np.int64]:
    """Rows of each class (down) by the class that was predicted (across).

    Examples
    --------
    >>> confusion(np.array([0.0, 1.0, 1.0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])).tolist()
    [[1, 0], [1, 1]]
    """
    k = predicted.shape[1]
    return np.bincount(y.astype(np.int64) * k + predicted.argmax(1), minlength=k * k).reshape(k, k)


def class_rows(y: Floats, predicted: Floats, names: Sequence[str]) -> tuple[ClassRow, ...]:
    """Every class apart."""
    table = confusion(y, predicted)
    found: list[ClassRow] = []
    for k, name in enumerate(names):
        right, rows, told = int(table[k, k]), int(table[k].sum()), int(table[:, k].sum())
        recall, precision = _share(right, rows), _share(right, told)
        both = _share(2 * right, rows + told)
        one = np.column_stack([1.0 - predicted[:, k], predicted[:, k]])
        area = float(auc((y == k).astype(np.float64), one)(np.ones((1, len(y))))[0])
        found.append(ClassRow(name, rows, recall, precision, both, area))
    return tuple(found)


def roc(positive: NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats]:
    """False and true positive rates as the threshold falls; ties move together.

    Examples
    --------
    >>> across, up = roc(np.array([False, True]), np.array([0.1, 0.9]))
    >>> across.tolist(), up.tolist()
    ([0.0, 0.0, 1.0], [0.0, 1.0, 1.0])
    """
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], positive[order]
    last = np.flatnonzero(np.concatenate([ranked[1:] != ranked[:-1], [True]]))
    up, across = np.cumsum(hits)[last], np.cumsum(~hits)[last]
    return np.concatenate([[0.0], across / max(across[-1], 1)]), np.concatenate([[0.0], up / max(up[-1], 1)])


def reliability(happened: NDArray[np.bool_], probability: Floats, bins: int = BINS) -> ReliabilityCurve:
    """Groups of about equally many rows, with Wilson's interval of what happened."""
    found = curve(probability, happened, bins)
    ends = [wilson(p, n) for p, n in zip(found.happened.tolist(), found.rows.tolist(), strict=True)]
    low, high = np.array(ends).T
    return ReliabilityCurve(found, low, high)


def roc_chart(y: Floats, predicted: Floats, names: Sequence[str]) -> Markup:
    """The ROC curve of the second of two classes, or of each of the commonest against the rest."""
    axes = _square()
    shown = shown_classes(y, names)
    parts = [
        _frame(axes, "false positives (share)", "true positives (share)"),
        axes.line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "guide"),
    ]
    told: list[str] = []
    for place, k in enumerate(shown):
        positive = y == k
        if positive.all() or not positive.any():
            continue
        across, up = roc(positive, predicted[:, k])
        keep = np.unique(np.linspace(0, len(up) - 1, min(len(up), MOST_STEPS)).round().astype(np.int64))
        parts.append(axes.line(across[keep], up[keep], f"curve series-{place}"))
        area = float(np.diff(across) @ (up[1:] + up[:-1]) / 2)
        told.append(f"{names[k]} {number(area, 3)}")
        if len(shown) > 1:
            name = f"{names[k]} {area:.3f}"
            parts.append(
                label(
                    SIDE - 14, SIDE - 52 - 14.0 * (len(shown) - 1 - place), name, "end", f"end series-{place}"
                )
            )
    return picture(
        SIDE, SIDE, *parts, words=f"ROC curve; area under the curve: {', '.join(told) or 'unknown'}."
    )


def reliability_chart(found: Sequence[tuple[str, ReliabilityCurve]]) -> Markup:
    """What happened against what was predicted; on the diagonal probabilities can be taken at their word."""
    axes = _square()
    parts = [
        _frame(axes, "predicted probability", "how often it happened"),
        axes.line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "guide"),
    ]
    told: list[str] = []
    for place, (name, one) in enumerate(found):
        shown, low, high = one.curve, axes.y(one.low), axes.y(one.high)
        if len(found) == 1:
            bars = "".join(
                f"M{a:.1f} {b:.1f}V{c:.1f}"
                for a, b, c in zip(axes.x(shown.predicted), low, high, strict=True)
            )
            parts.append(tag("path", class_="whisker", d=bars))
        parts.append(axes.line(shown.predicted, shown.happened, f"curve thin series-{place}"))
        parts.append(axes.dots(shown.predicted, shown.happened, f"dots series-{place}", 3.2))
        told.append(f"for {name} the two differ by {number(shown.ece, 2)} on average")
        if len(found) > 1:
            at = 22.0 + 14.0 * place
            parts.append(label(axes.left + 10, at, name, "start", f"end series-{place}"))
    return picture(SIDE, SIDE, *parts, words=f"Reliability diagram: {'; '.join(told)}.")


def shown_classes(y: Floats, names: Sequence[str]) -> list[int]:
    """The classes that charts show: the second of two, else the commonest."""
    if len(names) == 2:
        return [1]
    counts = np.bincount(y.astype(np.int64), minlength=len(names))
    return sorted(np.argsort(-counts, kind="stable")[:MOST_CURVES].tolist())


def _square() -> Axes:
    ends = (0.0, 1.0)
    return Axes(SIDE, SIDE, ends, ends, left=left_margin(ends), right=14.0, bottom=40.0, top=12.0)


def _frame(axes: Axes, across: str, up: str) -> Markup:
    return axes.frame(across, up, count=(5, 5))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
