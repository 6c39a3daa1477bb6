"""How well the model does, as the page shows it: charts and tables of the held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from edgewise._core.arrays import Floats
from edgewise.plots.classes import reliability_figure, roc_figure
from edgewise.plots.means import lorenz_figure, tenths_figure
from edgewise.plots.residuals import fit_figure, residual_figure
from edgewise.plots.survival import survival_figure
from edgewise.report.checks.error_slices import ErrorSlice, worst_slice
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings.charts import drawn
from edgewise.report.evaluation import classes
from edgewise.report.evaluation.leaderboard import Leaderboard
from edgewise.report.evaluation.means import lorenz, mean_groups
from edgewise.report.evaluation.measures import gini
from edgewise.report.text.numbers import number
from edgewise.training.common.losses import LOG_LOSSES, variance_power

# Corners of a ROC curve; more are not seen.
MOST_STEPS = 160


def number_charts(content: ReportContent, table: Leaderboard) -> tuple[tuple[Markup, ...], ErrorSlice | None]:
    """Parity and what is left over of the model the page is about, and where it fails."""
    main = table.main
    if main is None or content.classes or main.row.predicted is None:
        return (), None
    predicted = np.asarray(main.row.predicted, dtype=np.float64)
    off = predicted - content.y_test
    unit, name = content.unit(content.target), content.labelled(content.target)
    views = tuple(content.view(n) for n in content.names)
    if content.loss in LOG_LOSSES:
        charts = mean_charts(content.y_test, predicted, content.weight_test, name)
        # Where much is expected much is missed.
        variance = np.maximum(predicted, np.finfo(float).tiny) ** variance_power(content.loss, content.power)
        off = off * np.sqrt((1.0 if content.weight_test is None else content.weight_test) / variance)
    else:
        # Every row is a point of these charts.
        charts = parity_charts(content.y_test, predicted, name, unit) if content.rows else ()
    return charts, worst_slice(content.X_test, views, off)


def parity_charts(truth: Floats, predicted: Floats, name: str, unit: str) -> tuple[Markup, ...]:
    """Predicted against measured, and what is left over against the prediction."""
    good = np.isfinite(predicted)
    truth, predicted = truth[good], predicted[good]
    middle = float(np.median(np.abs(predicted - truth))) if truth.size else 0.0
    return (
        drawn(
            fit_figure(truth, predicted, name),
            f"Scatter of predicted against measured {name}: {_closeness(truth, predicted)}",
            "parity",
        ),
        drawn(
            residual_figure(predicted, predicted - truth, f"predicted {name}", unit),
            f"What is left over against predicted {name}: half of the rows are within {number(middle, 3)} of the "
            "measured value.",
            "residuals",
        ),
    )


def mean_charts(truth: Floats, predicted: Floats, weight: Floats | None, name: str) -> tuple[Markup, ...]:
    """What happened where little and much was predicted, and how well predictions part rows."""
    groups = mean_groups(truth, predicted, weight)
    # Corners of a curve; more are not seen.
    across, up = lorenz(truth, predicted, weight)
    keep = np.unique(np.linspace(0, len(up) - 1, min(len(up), MOST_STEPS)).round().astype(np.int64))
    counted = np.ones((1, len(truth))) if weight is None else weight[None, :]
    ours, best = (float(gini(truth, by)(counted)[0]) for by in (predicted, truth))
    far = np.flatnonzero((groups.predicted < groups.low) | (groups.predicted > groups.high))
    return (
        drawn(
            tenths_figure(groups.predicted, groups.observed, groups.low, groups.high, name),
            f"Mean {name} of {len(groups.weight)} groups of rows by rising prediction, observed and predicted: "
            f"{len(far)} predictions lie outside the 95 % interval of what was observed.",
            "tenths",
        ),
        drawn(
            lorenz_figure([("Lorenz curve", across[keep], up[keep])], name),
            f"Lorenz curve: shares of {name} that fall to shares of the rows; its Gini index is {number(ours, 3)}, and "
            f"{number(best, 3)} where rows are in the order of what happened.",
            "lorenz",
        ),
    )


@dataclass(frozen=True)
class SurvivalSection:
    """How good chances of survival are: a picture and a sentence."""

    picture: Markup
    sentence: str


def survival_section(content: ReportContent) -> SurvivalSection | None:
    """The mean of the predicted chances beside the curve of Kaplan and Meier, and how well rows are told apart."""
    found = content.survival
    if found is None:
        return None
    apart = float(np.abs(found.observed - found.predicted).max())
    words = f"Survival, observed and predicted: the two differ by {number(100 * apart, 2)} percentage points at most."
    gain = (
        ""
        if np.isnan(found.brier)
        else f" The integrated Brier score of its chances is {number(found.brier, 3)}, that of the curve of Kaplan and "
        f"Meier, which is the same for all, {number(found.brier_of_all, 3)}."
    )
    return SurvivalSection(
        drawn(survival_figure(found.times, found.observed, found.predicted, found.unit), words, "survival"),
        f"Of two rows held out whose order is known, the one with the higher risk came first in "
        f"{number(100 * found.concordance, 3)} % (Harrell's C; {found.rows:,} rows, {found.events:,} events).{gain}",
    )


def _closeness(truth: Floats, predicted: Floats) -> str:
    if truth.size < 2 or np.ptp(truth) <= 0 or np.ptp(predicted) <= 0:
        return "the points have no spread."
    r = float(np.corrcoef(truth, predicted)[0, 1])
    return f"the points have a correlation of {number(r, 3)} and lie around the diagonal."


@dataclass(frozen=True)
class ClassSection:
    """Charts and tables of a target of classes."""

    roc: Markup
    reliability: Markup
    gap: str
    table: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    rows: tuple[classes.ClassRow, ...]
    weak: ErrorSlice | None


def class_section(content: ReportContent, table: Leaderboard) -> ClassSection | None:
    """ROC, reliability, confusion and each class apart, on the held-out rows."""
    main = table.main
    if main is None or not content.classes or main.row.predicted is None:
        return None
    y, predicted, names = content.y_test, np.asarray(main.row.predicted, dtype=np.float64), content.classes
    shown = classes.shown_classes(y, names)
    reliable = tuple((names[k], classes.reliability(y == k, predicted[:, k])) for k in shown)
    worst = max((one for _, one in reliable), key=lambda one: one.curve.ece)
    # What is missing to certainty of the right class.
    right = predicted[np.arange(len(y)), y.astype(np.int64)]
    gap = (
        f"They are off by {number(100 * worst.curve.ece, 2)} percentage points on average; "
        f"chance alone would make it about {number(100 * worst.chance, 2)}."
    )
    return ClassSection(
        roc_chart(y, predicted, names),
        reliability_chart(reliable),
        gap,
        confusion_cells(y, predicted, names),
        classes.class_rows(y, predicted, names),
        worst_slice(content.X_test, tuple(content.view(n) for n in content.names), 1.0 - right),
    )


def confusion_cells(
    y: Floats, predicted: Floats, names: Sequence[str]
) -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...]:
    """Of each true class: rows by predicted class, and their share of the class."""
    counts = classes.confusion(y, predicted)
    totals = np.maximum(counts.sum(1, keepdims=True), 1)
    return tuple(
        (name, tuple((int(n), f"{share:.3f}") for n, share in zip(row, shares, strict=True)))
        for name, row, shares in zip(names, counts, counts / totals, strict=True)
    )


def roc_chart(y: Floats, predicted: Floats, names: Sequence[str]) -> Markup:
    """The ROC curve of the second of two classes, or of each of the commonest against the rest."""
    curves, areas = list[tuple[str, Floats, Floats]](), list[str]()
    for k in classes.shown_classes(y, names):
        positive = y == k
        if positive.all() or not positive.any():
            continue
        across, up = classes.roc(positive, predicted[:, k])
        keep = np.unique(np.linspace(0, len(up) - 1, min(len(up), MOST_STEPS)).round().astype(np.int64))
        area = float(np.diff(across) @ (up[1:] + up[:-1]) / 2)
        curves.append((f"{names[k]} {area:.3f}", across[keep], up[keep]))
        areas.append(f"{names[k]} {number(area, 3)}")
    words = f"ROC curve; area under the curve: {', '.join(areas) or 'unknown'}."
    return drawn(roc_figure(curves), words, "roc")


def reliability_chart(found: Sequence[tuple[str, classes.ReliabilityCurve]]) -> Markup:
    """What happened against what was predicted, with the intervals where there is one curve."""
    gaps = [f"for {name} the two differ by {number(one.curve.ece, 2)} on average" for name, one in found]
    interval = (found[0][1].low, found[0][1].high) if len(found) == 1 else None
    figure = reliability_figure([(name, one.curve) for name, one in found], interval)
    return drawn(figure, f"Reliability diagram: {'; '.join(gaps)}.", "reliability")
