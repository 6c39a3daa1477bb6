"""The accuracy table: every model on the same held-out rows, with intervals and the difference from the best rival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.report.content.content import AccuracyRow, ReportContent
from edgewise.report.evaluation.measures import (
    Measure,
    MeasureInterval,
    Yardstick,
    difference,
    interval,
    resamples,
    weighed,
    yardsticks,
)

# Fewer held-out rows than this are too few for the interval of a measure.
FEWEST_ROWS = 8
# Rows that the network predicts at a time.
CHUNK = 8192
# Rows by which the network's row of the table is recognised.
COMPARED = 100


@dataclass(frozen=True)
class LeaderboardRow:
    """One row of the table.

    Attributes
    ----------
    row : AccuracyRow
    measures : tuple of MeasureInterval
        In the order of the yardsticks; without known ends where the row came without predictions.
    gain : MeasureInterval or None
        How much better than the best rival by the leading yardstick (positive is better); None for rivals.
    """

    row: AccuracyRow
    measures: tuple[MeasureInterval, ...]
    gain: MeasureInterval | None = None


@dataclass(frozen=True)
class Leaderboard:
    """The table.

    Attributes
    ----------
    yardsticks : tuple of Yardstick
    rows : tuple of LeaderboardRow
    rival : str
        The best model that is not ours; empty where there is none with predictions.
    main : LeaderboardRow or None
        The model the page is about.
    """

    yardsticks: tuple[Yardstick, ...]
    rows: tuple[LeaderboardRow, ...]
    rival: str
    main: LeaderboardRow | None


def network_predictions(content: ReportContent, X: Floats) -> Floats | None:
    """The network's predictions of rows: numbers (n,), or probabilities (n, K) of the classes."""
    net = content.network
    if net is None or not len(X):
        return None
    X = content.columns(X, net.input_names)
    out = np.concatenate([net.predict(X[k : k + CHUNK]) for k in range(0, len(X), CHUNK)])
    return probabilities(out) if content.classes else out[:, 0]


def probabilities(logits: Floats) -> Floats:
    """Probabilities of the classes from one logit (of the second class) or one logit a class."""
    both = np.column_stack([np.zeros(len(logits)), logits[:, 0]]) if logits.shape[1] == 1 else logits
    return torch.softmax(torch.from_numpy(both), dim=1).numpy()


def main_row(content: ReportContent) -> AccuracyRow | None:
    """The model the page is about: the one of ours that predicts as the network drawn, else the first of ours.

    Without rows of ours it is the network itself, else the formula.
    """
    ours = [row for row in content.accuracy if row.ours and row.predicted is not None]
    few = network_predictions(content, content.X_test[:COMPARED]) if len(ours) > 1 else None
    for row in ours:
        if few is not None and np.allclose(_values(row)[:COMPARED], few, rtol=1e-6, atol=1e-9):
            return row
    if ours:
        return ours[0]
    predicted = network_predictions(content, content.X_test)
    if predicted is not None:
        return AccuracyRow("network", ours=True, predicted=predicted)
    if content.formula is not None and len(content.y_test) and not content.classes:
        values = content.formula.predict(content.formula_rows(content.formula.names))
        return AccuracyRow("formula", ours=True, predicted=values) if np.isfinite(values).all() else None
    return None


def leaderboard(content: ReportContent) -> Leaderboard:
    """Measure every model on the held-out rows."""
    ways = yardsticks(len(content.classes), content.loss, content.power)
    y = content.y_test
    main = main_row(content)
    if len(y) < FEWEST_ROWS:
        rows = tuple(LeaderboardRow(row, _as_given(row, ways)) for row in content.accuracy)
        return Leaderboard(ways, rows, "", None)
    weights = resamples(len(y))
    lead = ways[0]

    def measure(way: Yardstick, row: AccuracyRow) -> Measure:
        return weighed(way.of(y, _values(row)), content.weight_test)

    def measured(row: AccuracyRow) -> tuple[MeasureInterval, ...]:
        if row.predicted is None:
            return _as_given(row, ways)
        return tuple(interval(measure(way, row), weights) for way in ways)

    every = [LeaderboardRow(row, measured(row)) for row in content.accuracy]
    rivals = [one for one in every if not one.row.ours and one.row.predicted is not None]
    best = max(rivals, key=lambda one: lead.improvement(one.measures[0].value), default=None)

    def placed(one: LeaderboardRow) -> LeaderboardRow:
        if best is None or not one.row.ours or one.row.predicted is None:
            return one
        gap = difference(measure(lead, one.row), measure(lead, best.row), weights)
        return LeaderboardRow(one.row, one.measures, _turned(gap, lead))

    rows = tuple(placed(one) for one in every)
    first = next((one for one in rows if one.row is main), None)
    if first is None and main is not None:
        first = placed(LeaderboardRow(main, measured(main)))
    return Leaderboard(ways, rows, best.row.model if best else "", first)


def verdict(gain: MeasureInterval, rival: str) -> str:
    """The difference from the best rival in words."""
    if not gain.known:
        return f"too few rows to compare with {rival}"
    if gain.low > 0:
        return f"better than {rival}"
    if gain.high < 0:
        return f"worse than {rival}"
    return f"no clear difference from {rival}"


def _values(row: AccuracyRow) -> Floats:
    return np.asarray(row.predicted, dtype=np.float64)


def _turned(gap: MeasureInterval, way: Yardstick) -> MeasureInterval:
    """A difference turned so that more is better."""
    ends = sorted((way.improvement(gap.low), way.improvement(gap.high)))
    return MeasureInterval(way.improvement(gap.value), ends[0], ends[1])


def _as_given(row: AccuracyRow, ways: tuple[Yardstick, ...]) -> tuple[MeasureInterval, ...]:
    """The errors a row came with; the measures of classes need predictions."""
    nan = float("nan")
    scores = {"RMSE": row.rmse, "R²": row.r2, "mean abs. error": row.mae}
    values = [scores.get(way.name) for way in ways]
    return tuple(MeasureInterval(nan if value is None else value, nan, nan) for value in values)
