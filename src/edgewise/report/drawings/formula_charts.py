"""The drawings of one candidate formula: its fit, what it leaves over along each input, and how sure a constant is."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise.report.evaluation.residuals import Pattern
from edgewise.report.text.numbers import counted, number
from edgewise.report.text.svg import Axes, few, left_margin, padded, picture, right_margin, tag

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

SIDE = 320.0
PANEL = (340.0, 190.0)
# A front has many drawings; rows are taken at even steps, those missed most always.
MOST_POINTS = 250


def fit(truth: Floats, predicted: Floats, missed: Rows, name: str) -> Markup:
    """Predicted against measured, the rows missed most in another colour."""
    good = np.isfinite(predicted)
    ends = padded(np.concatenate([truth, predicted[good]]))
    axes = Axes(SIDE, SIDE, ends, ends, left=left_margin(ends), right=right_margin(ends), bottom=40.0)
    both = np.array(ends)
    rows = _shown(len(truth), missed)
    words = f"Predicted against measured {name} on {counted(int(good.sum()), 'row')}; on the line a prediction is right."
    return picture(
        SIDE,
        SIDE,
        axes.frame(f"measured {name}", f"predicted {name}", count=(4, 4)),
        axes.line(both, both, "guide"),
        axes.dots(truth[rows], predicted[rows], "dots"),
        axes.dots(truth[missed], predicted[missed], "dots missed", 2.8),
        words=words,
    )


def left_over(
    values: Floats, errors: Floats, missed: Rows, found: Pattern, name: str, reach: float
) -> Markup:
    """Errors along an input between minus and plus `reach`, those beyond at its edge, and their median in parts of it."""
    width, height = PANEL
    errors = np.clip(errors, -0.97 * reach, 0.97 * reach)
    up, across = (-reach, reach), padded(values)
    axes = Axes(width, height, across, up, left=left_margin(up, named=False), right=right_margin(across))
    rows = _shown(len(values), missed)
    told = "their median follows it" if found.real else "their median stays level"
    return picture(
        width,
        height,
        axes.frame(name, "", count=(4, 3)),
        axes.line(np.array(across), np.zeros(2), "guide"),
        axes.dots(values[rows], errors[rows], "dots faint"),
        axes.dots(values[missed], errors[missed], "dots missed", 2.8),
        axes.line(found.x, found.y, "curve trend"),
        words=f"Errors against {name}: {told}.",
    )


def whisker(share: float, scale: float) -> Markup:
    """An interval that reaches a share of the value to both sides, the widest that is drawn being `scale`."""
    width, height = 120.0, 14.0
    middle, zero, room = height / 2, width / 2, width / 2 - 4.0
    # What is thinner than the stroke must still be seen.
    half = max(room * min(share / scale, 1.0) if scale > 0 else 0.0, 0.6)
    return picture(
        width,
        height,
        tag("path", class_="axis", d=f"M2 {middle:.1f}H{width - 2:.1f}"),
        tag("path", class_="span", d=f"M{zero - half:.1f} {middle:.1f}H{zero + half:.1f}"),
        tag("circle", class_="value", cx=zero, cy=middle, r=2.6),
        words=f"to both sides {number(100 * share, 2)} % of the value",
        kind="spark whiskers",
    )


def _shown(count: int, missed: Rows) -> Rows:
    """The rows that are drawn as ordinary dots."""
    return np.setdiff1d(few(count, MOST_POINTS), missed)
