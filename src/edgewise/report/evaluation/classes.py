"""How well probabilities of classes do: ROC curves, reliability, the confusion table and each class apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.resampling import wilson
from edgewise.explaining.reliability import OutcomeGroups, curve
from edgewise.report.evaluation.measures import auc

MOST_CURVES = 6
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

    curve: OutcomeGroups
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
        right, rows, guessed = int(table[k, k]), int(table[k].sum()), int(table[:, k].sum())
        recall, precision = _share(right, rows), _share(right, guessed)
        both = _share(2 * right, rows + guessed)
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


def shown_classes(y: Floats, names: Sequence[str]) -> list[int]:
    """The classes that charts show: the second of two, else the commonest."""
    if len(names) == 2:
        return [1]
    counts = np.bincount(y.astype(np.int64), minlength=len(names))
    return sorted(np.argsort(-counts, kind="stable")[:MOST_CURVES].tolist())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
