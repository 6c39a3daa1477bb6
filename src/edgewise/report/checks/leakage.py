"""How well a single input predicts the target by itself: what finds a column that gives the answer away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.report.content.content import ReportContent
from edgewise.report.evaluation.measures import auc, r_squared

KNOTS = 24
MOST_ROWS = 5000
# Pulls a knot without rows towards its neighbours' line, faintly.
FAINT = 1e-9


@dataclass(frozen=True)
class SingleInputScore:
    """One input by itself: R2 for numbers, AUC for classes, on held-out rows."""

    name: str
    worth: float


def single_input_scores(content: ReportContent) -> tuple[SingleInputScore, ...]:
    """Every input by itself, the best first: fitted on the rows trained on, judged on those held out.

    Numbers are predicted by a curve of straight pieces through quantiles of the input, levels by their means.
    """
    rows = np.arange(0, len(content.y), max(-(-len(content.y) // MOST_ROWS), 1))
    y = content.y[rows]
    if len(content.y_test) < 2 or not len(rows):
        return ()
    aims = _aims(y, len(content.classes))
    found: list[SingleInputScore] = []
    for k, name in enumerate(content.names):
        levels = len(content.view(name).levels)
        train, test = content.X[rows, k], content.X_test[:, k]
        design, judged = _designs(train, test, levels)
        coefficients = _solve(design, aims, smooth=not levels)
        predicted = judged @ coefficients
        worth = _worth(content.y_test, predicted, len(content.classes))
        if np.isfinite(worth):
            found.append(SingleInputScore(name, worth))
    return tuple(sorted(found, key=lambda one: -one.worth))


def _aims(y: Floats, classes: int) -> Floats:
    return (y[:, None] == np.arange(classes)).astype(np.float64) if classes else y[:, None]


def _worth(y: Floats, predicted: Floats, classes: int) -> float:
    every = np.ones((1, len(y)))
    way = auc(y, predicted) if classes else r_squared(y, predicted[:, 0])
    return float(way(every)[0])


def _designs(train: Floats, test: Floats, levels: int) -> tuple[Floats, Floats]:
    if levels:
        codes = np.arange(levels)
        return (train.round()[:, None] == codes).astype(np.float64), (test.round()[:, None] == codes).astype(
            np.float64
        )
    knots = np.unique(np.quantile(train, np.linspace(0.0, 1.0, KNOTS)))
    return _hats(train, knots), _hats(test, knots)


def _hats(x: Floats, knots: Floats) -> Floats:
    """Straight pieces between knots, the outer ones going on beyond: shape (n, knots)."""
    size = len(knots)
    if size == 1:
        return np.ones((len(x), 1))
    piece = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, size - 2)
    # Halved first: the range of the largest numbers would overflow.
    along = (x / 2 - knots[piece] / 2) / (knots[piece + 1] / 2 - knots[piece] / 2)
    design = np.zeros((len(x), size))
    rows = np.arange(len(x))
    design[rows, piece], design[rows, piece + 1] = 1.0 - along, along
    return design


def _solve(design: Floats, aims: Floats, *, smooth: bool) -> Floats:
    """Least squares; a faint penalty on kinks (or on size, for levels) settles what no row determines."""
    size = design.shape[1]
    penalty = np.diff(np.eye(size), n=2, axis=0) if smooth and size > 2 else np.eye(size)
    weight = FAINT * max(float((design**2).sum()), 1.0)
    gram = design.T @ design + weight * (penalty.T @ penalty) + 1e-12 * weight * np.eye(size)
    middle = aims.mean(0)
    answer: Floats = np.linalg.lstsq(gram, design.T @ (aims - middle), rcond=None)[0]
    return answer + middle
