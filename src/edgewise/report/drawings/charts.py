"""Drawings that lead to other parts of the page, or stand in a line of its tables: the front, and columns at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from edgewise.plots.style import padded
from edgewise.report.text.numbers import counted, number
from edgewise.report.text.svg import (
    Axes,
    label,
    left_margin,
    picture,
    tag,
    ticks,
)

if TYPE_CHECKING:
    from edgewise.symbolic import Formula

Floats = NDArray[np.float64]

WIDE = 680.0


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
