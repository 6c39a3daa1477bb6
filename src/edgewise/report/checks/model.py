"""Checks of the model: is it better than its rivals, on new rows as on old ones, for every seed, where the data are."""

from __future__ import annotations

import numpy as np
import torch

from edgewise.report.checks.caveat import Caveat
from edgewise.report.content.content import ReportContent
from edgewise.report.evaluation.classes import reliability, shown_classes
from edgewise.report.evaluation.leaderboard import Leaderboard, network_predictions
from edgewise.report.evaluation.measures import yardsticks
from edgewise.report.text.numbers import counted, listed, number, percent
from edgewise.report.text.svg import few

FEW_HELD_OUT = 50
ROWS_AN_EDGE = 3
MISCALIBRATED = 0.03
# Rows trained on that are predicted anew.
MOST_ROWS = 4_000


def rivals(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """A baseline that is clearly better."""
    main = table.main
    if main is None or main.gain is None or not main.gain.known or main.gain.high >= 0:
        return []
    lead = table.yardsticks[0]
    rival = next(one for one in table.rows if one.row.model == table.rival and not one.row.ours)
    return [
        Caveat(
            "check",
            f"{table.rival.capitalize()} predicts better",
            f"Its {lead.name} on held-out rows is {number(rival.measures[0].value)}, this model's is "
            f"{number(main.measures[0].value)}; the difference is more than chance.",
            "If only the prediction matters, use it. If the model must be read, this is what reading it costs; more work, "
            "interactions or members may narrow the gap.",
        )
    ]


def overfit(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Errors on rows trained on that are far below those on held-out rows."""
    rows = few(len(content.y), MOST_ROWS)
    main, fitted = table.main, network_predictions(content, content.X[rows])
    if main is None or fitted is None:
        return []
    way = yardsticks(len(content.classes))[1 if content.classes else 0]
    inner = float(way.of(content.y[rows], fitted)(np.ones((1, len(rows))))[0])
    outer = main.measures[1 if content.classes else 0]
    scale = float(content.y.std()) if not content.classes else 1.0
    limit = 1.5 if content.classes else 2.0
    # The interval's near end: few held-out rows alone must not raise the alarm. Below rounding nothing is memorised.
    near = outer.low if outer.known else outer.value
    if not (near > limit * inner and outer.value > 1e-6 * scale):
        return []
    return [
        Caveat(
            "check",
            "It fits the rows it learned from much better than new ones",
            f"{way.name} is {number(inner)} on rows trained on and {number(outer.value)} on held-out rows.",
            "Expect the held-out figure. More rows, fewer columns or a simpler model may help.",
        )
    ]


def outside(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Held-out rows beyond the range of the grids."""
    net = content.network
    if net is None or not len(content.y_test):
        return []
    X = content.columns(content.X_test, net.input_names)
    with torch.no_grad():
        beyond = net.outside(torch.from_numpy(X).to(net.output_shift)).cpu().numpy()
    rows = int(beyond.any(1).sum())
    if not rows:
        return []
    names = [net.input_names[k] for k in np.argsort(-beyond.sum(0), kind="stable") if beyond[:, k].any()]
    share = rows / len(beyond)
    return [
        Caveat(
            "check" if share > 0.05 else "note",
            "Some rows lie outside the range trained on",
            f"{counted(rows, 'held-out row')} ({percent(share)}): {listed(names, 4)}. There every function "
            "goes on as a straight line.",
            "Treat predictions beyond the range as guesses; the range of every column is in the section on the data.",
        )
    ]


def few_held_out(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Too few rows to judge by."""
    rows = len(content.y_test)
    if rows >= FEW_HELD_OUT or not rows:
        return []
    return [
        Caveat(
            "check",
            "Few rows to judge by",
            f"Accuracy is measured on only {counted(rows, 'held-out row')}.",
            "Look at the intervals rather than the figures, or judge by cross-validation.",
        )
    ]


def few_rows(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """More functions than the rows can support."""
    net = content.network
    if net is None:
        return []
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    if len(content.y) >= ROWS_AN_EDGE * edges:
        return []
    return [
        Caveat(
            "check",
            "Few rows for so many functions",
            f"{counted(edges, 'edge function')} were learned from {counted(len(content.y), 'row')}.",
            "Do not read much into a single curve; more rows or fewer columns would support them better.",
        )
    ]


def calibration(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Probabilities that cannot be taken at their word."""
    main = table.main
    if not content.classes or main is None or len(content.y_test) < 100:
        return []
    predicted = np.asarray(main.row.predicted, dtype=np.float64)
    shown = shown_classes(content.y_test, content.classes)
    found = [(content.classes[k], reliability(content.y_test == k, predicted[:, k])) for k in shown]
    off = [(name, one) for name, one in found if one.curve.ece > max(MISCALIBRATED, 2.0 * one.chance)]
    if not off:
        return []
    name, worst = max(off, key=lambda pair: pair[1].curve.ece)
    return [
        Caveat(
            "check",
            "Probabilities are off",
            f"For {name}, predicted probabilities and how often it happened differ by {number(100 * worst.curve.ece, 2)} "
            f"percentage points on average; chance alone would make it about {number(100 * worst.chance, 2)}.",
            "Do not take the probabilities at their word; calibrate them on rows of their own.",
        )
    ]


def repeats(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """The same model from other seeds that predicts otherwise."""
    main = table.main
    if main is None or not content.repeats or main.row.predicted is None:
        return []
    every = [np.asarray(p, dtype=np.float64) for p in (main.row.predicted, *content.repeats)]
    lead = table.yardsticks[0]
    weights = np.ones((1, len(content.y_test)))
    values = [float(lead.of(content.y_test, p)(weights)[0]) for p in every]
    if content.classes:
        apart = float(np.stack(every).std(0).max(-1).mean())
        unstable, words = (
            apart > 0.05,
            f"their probabilities differ by {number(100 * apart, 2)} percentage points",
        )
    else:
        apart = float(np.sqrt(np.stack(every).var(0).mean()))
        unstable, words = (
            apart > 0.5 * values[0],
            f"their predictions differ by {number(apart, 3)} (root mean square)",
        )
    if not unstable:
        return []
    return [
        Caveat(
            "check",
            "Other seeds give another model",
            f"Over {counted(len(every), 'fit')} that differ in nothing but the seed, {words}; {lead.name} runs from "
            f"{number(min(values))} to {number(max(values))}.",
            "Average several fits (members), or give the fit more rows or work, before reading single curves.",
        )
    ]
