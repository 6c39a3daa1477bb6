"""How well the model does, as the page shows it: charts and tables of the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise.report.checks.error_slices import ErrorSlice, worst_slice
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings import charts
from edgewise.report.evaluation import classes
from edgewise.report.evaluation.leaderboard import Leaderboard
from edgewise.report.text.numbers import number

Floats = NDArray[np.float64]


def number_charts(content: ReportContent, table: Leaderboard) -> tuple[tuple[Markup, ...], ErrorSlice | None]:
    """Parity and what is left over of the model the page is about, and where it fails."""
    main = table.main
    if main is None or content.classes or main.row.predicted is None:
        return (), None
    predicted = np.asarray(main.row.predicted, dtype=np.float64)
    off = predicted - content.y_test
    unit, name = content.unit(content.target), content.labelled(content.target)
    drawn = (
        charts.parity(content.y_test, predicted, name),
        charts.residuals(predicted, off, f"predicted {name}", unit),
    )
    views = tuple(content.view(n) for n in content.names)
    return drawn, worst_slice(content.X_test, views, off)


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
    counts = classes.confusion(y, predicted)
    totals = np.maximum(counts.sum(1, keepdims=True), 1)
    cells = tuple(
        (name, tuple((int(n), f"{share:.3f}") for n, share in zip(row, shares, strict=True)))
        for name, row, shares in zip(names, counts, counts / totals, strict=True)
    )
    worst = max((one for _, one in reliable), key=lambda one: one.curve.ece)
    # What is missing to certainty of the right class.
    right = predicted[np.arange(len(y)), y.astype(np.int64)]
    gap = (
        f"They are off by {number(100 * worst.curve.ece, 2)} percentage points on average; "
        f"chance alone would make it about {number(100 * worst.chance, 2)}."
    )
    return ClassSection(
        classes.roc_chart(y, predicted, names),
        classes.reliability_chart(reliable),
        gap,
        cells,
        classes.class_rows(y, predicted, names),
        worst_slice(content.X_test, tuple(content.view(n) for n in content.names), 1.0 - right),
    )
