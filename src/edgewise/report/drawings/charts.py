"""The page's charts of numbers: parity, what is left over, training, and error against complexity."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from edgewise.report.text.numbers import counted, number
from edgewise.report.text.svg import (
    TEXT,
    Axes,
    few,
    fit_text,
    label,
    left_margin,
    padded,
    path,
    picture,
    right_margin,
    tag,
    text_width,
    ticks,
)

if TYPE_CHECKING:
    from edgewise.symbolic import Formula
    from edgewise.training import Record

Floats = NDArray[np.float64]

SIDE = 320.0
# More points than these only make the page heavy; rows are taken at even steps, errors are those of all rows.
MOST_POINTS = 900
WIDE = 680.0


def parity(truth: Floats, predicted: Floats, name: str) -> Markup:
    """Predicted against measured; on the diagonal a prediction is right."""
    ends = padded(np.concatenate([truth, predicted]))
    margin = left_margin(ends)
    axes = Axes(SIDE, SIDE, ends, ends, left=margin, right=right_margin(ends), bottom=40.0)
    rows = few(len(truth), MOST_POINTS)
    both = np.array(ends)
    words = f"Scatter of predicted against measured {name}: {_closeness(truth, predicted)}"
    return picture(
        SIDE,
        SIDE,
        axes.frame(f"measured {name}", f"predicted {name}", count=(4, 4)),
        axes.line(both, both, "guide"),
        axes.dots(truth[rows], predicted[rows], "dots"),
        words=words,
    )


def residuals(
    shown: Floats, left: Floats, across: str, unit: str, *, width: float = SIDE, height: float = SIDE
) -> Markup:
    """What is left over (predicted less measured) against a value; around zero without a pattern is good."""
    good = np.isfinite(shown) & np.isfinite(left)
    shown, left = shown[good], left[good]
    high = float(np.abs(left).max(initial=0.0)) * 1.08 or 1.0
    up = (-high, high)
    ends = padded(shown)
    axes = Axes(width, height, ends, up, left=left_margin(up), right=right_margin(ends), bottom=40.0)
    rows = few(len(shown), MOST_POINTS)
    middle = float(np.median(np.abs(left))) if left.size else 0.0
    side = "predicted less measured" + (f" ({unit})" if unit else "")
    words = f"What is left over against {across}: half of the rows are within {number(middle, 3)} of the measured value."
    return picture(
        width,
        height,
        axes.frame(across, side, count=(4, 4)),
        axes.line(np.array(ends), np.zeros(2), "guide"),
        axes.dots(shown[rows], left[rows], "dots"),
        words=words,
    )


def training(history: Sequence[Record]) -> Markup:
    """Training and held-out error over the steps, on a logarithmic scale; a line where a round begins."""
    loss = _positive([step.loss for step in history])
    held = _positive([step.validation for step in history])
    every = np.concatenate([loss, held])
    good = every[np.isfinite(every)]
    up = (float(good.min()) * 0.85, float(good.max()) * 1.18) if good.size else (0.1, 10.0)
    height = 250.0
    names = [("training", loss, "minor")] + ([("held out", held, "major")] if np.isfinite(held).any() else [])
    room = max(text_width(name) for name, _, _ in names) + 14
    axes = Axes(
        WIDE,
        height,
        (0.5, len(history) + 0.5),
        up,
        left=left_margin(up, logarithmic=True),
        right=room,
        top=30.0,
        logarithmic=True,
    )
    steps = np.arange(1.0, len(history) + 1)
    parts = [axes.frame("step", "error", count=(6, 4)), _rounds(axes, history)]
    starts = _starts(history)
    for _, values, kind in names:
        for first, last in zip(starts, [*starts[1:], len(history)], strict=True):
            part = slice(first, last)
            drawn = axes.line(steps[part], values[part], f"curve {kind}")
            parts.append(axes.dots(steps[part], values[part], f"dots {kind}") if last - first == 1 else drawn)
    ends = sorted(
        (float(axes.y(v[np.isfinite(v)][-1])), name, kind) for name, v, kind in names if np.isfinite(v).any()
    )
    below = -1e9
    for at, name, kind in ends:
        below = max(at, below + 13)
        parts.append(label(WIDE - room + 8, below + 3.5, name, "start", f"end {kind}"))
    last = [
        f"{name} error {number(float(v[np.isfinite(v)][-1]), 3)}"
        for name, v, _ in names
        if np.isfinite(v).any()
    ]
    words = (
        f"Error over {counted(len(history), 'step')}, ending at {' and '.join(last) or 'no finite value'}."
    )
    return picture(WIDE, height, *parts, words=words)


def front(formulas: Sequence[Formula], chosen: int | None) -> Markup | None:
    """Held-out error against complexity; every point is a link to its formula further down."""
    shown = [(k, f) for k, f in enumerate(formulas) if np.isfinite(f.error)]
    if not shown:
        return None
    x = np.array([float(f.complexity) for _, f in shown])
    y = np.array([float(f.error) for _, f in shown])
    # An exact formula has no place on a logarithmic axis: it stands on the floor.
    positive = y[y > 0]
    floor = float(positive.min()) * 0.1 if positive.size and (y <= 0).any() else None
    y = np.maximum(y, floor) if floor else np.where(y > 0, y, 1.0)
    up = (float(y.min()) / 1.5, float(y.max()) * 1.5)
    height = 280.0
    axes = Axes(WIDE, height, padded(x, 0.06), up, left=left_margin(up, logarithmic=True), logarithmic=True)
    order = np.argsort(x, kind="stable")
    whole = tuple((v, f"{v:.0f}") for v in ticks(*axes.across, 7) if v == round(v))
    parts = [
        axes.frame("complexity", "error", count=(7, 4), marks=whole),
        axes.line(x[order], y[order], "guide"),
    ]
    for (k, f), at, over in zip(shown, axes.x(x).tolist(), axes.y(y).tolist(), strict=True):
        ring = tag("circle", cx=at, cy=over, r=11.0)
        told = f"Formula {k + 1}: complexity {f.complexity}, error {number(f.error, 3)}"
        kind = "point chosen" if k == chosen else "point"
        parts.append(
            tag(
                "a",
                tag("title", escape(f.text)),
                ring,
                label(at, over + 4, str(k + 1), "middle"),
                href=f"#formula-{k + 1}",
                class_=kind,
                aria_label=told,
            )
        )
    # Links inside must stay reachable, so this drawing is a group and not an image.
    return tag(
        "svg",
        *parts,
        class_="chart",
        viewBox=f"0 0 {WIDE:.0f} {height:.0f}",
        role="group",
        aria_label=f"Error against complexity of {counted(len(shown), 'formula')}",
        style=f"--wide:{round(WIDE)}px",
    )


def sparkline(counts: Sequence[int], *, bars: bool, words: str) -> Markup:
    """A column's distribution, the size of a word."""
    width, height = 84.0, 20.0
    top = max(counts, default=0)
    if top <= 0:
        return Markup("")
    step = width / len(counts)
    gap = min(1.5, 0.2 * step) if bars else 0.0
    d = "".join(
        f"M{k * step + gap / 2:.1f} {height:.0f}v{-max(height * n / top, 0.8):.1f}h{step - gap:.1f}V{height:.0f}Z"
        for k, n in enumerate(counts)
        if n
    )
    return picture(width, height, tag("path", class_="skyline", d=d), words=words, kind="spark")


def _closeness(truth: Floats, predicted: Floats) -> str:
    good = np.isfinite(predicted)
    if good.sum() < 2 or np.ptp(truth[good]) <= 0 or np.ptp(predicted[good]) <= 0:
        return "the points have no spread."
    r = float(np.corrcoef(truth[good], predicted[good])[0, 1])
    return f"the points have a correlation of {number(r, 3)} and lie around the diagonal."


def _positive(values: Sequence[float | None]) -> Floats:
    """Values a logarithmic axis can show; NaN (a gap) for the rest."""
    array = np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    return np.where(np.isfinite(array) & (array > 0), array, np.nan)


def _starts(history: Sequence[Record]) -> list[int]:
    """Where runs of steps with the same phase and grid begin."""
    found: list[int] = []
    start = 0
    for _, run in groupby(history, key=lambda s: (s.phase, s.intervals)):
        found.append(start)
        start += sum(1 for _ in run)
    return found


def _rounds(axes: Axes, history: Sequence[Record]) -> Markup:
    """A faint line where a round begins; above it, as far as there is room, the phase and its intervals."""
    parts: list[Markup] = []
    free = [0.0, 0.0]
    before = ("", -1)
    for start in _starts(history):
        step = history[start]
        at = float(axes.x(start + 0.5))
        if start:
            parts.append(
                tag(
                    "path",
                    class_="grid",
                    d=path(np.full(2, at), np.array([axes.top, axes.top + axes.inner_height])),
                )
            )
        words = (
            step.phase if step.phase != before[0] else "",
            str(step.intervals) if step.intervals != before[1] else "",
        )
        before = (step.phase, step.intervals)
        for row, text in enumerate(words):
            shown = fit_text(text, 110.0)
            if shown and at >= free[row]:
                parts.append(label(at, 10.0 + 13.0 * row, shown, "start", "end" if row == 0 else None))
                free[row] = at + text_width(shown, TEXT) + 6
    return Markup("").join(parts)
