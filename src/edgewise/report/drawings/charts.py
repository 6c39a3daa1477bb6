"""Drawings that lead to other parts of the page, or stand in a line of its tables: the front, and columns at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from edgewise._core.checks import plural
from edgewise.plots.front import plot_front
from edgewise.plots.save import inline_svg
from edgewise.plots.style import LIGHT
from edgewise.report.text.numbers import number
from edgewise.report.text.svg import label, picture, tag

if TYPE_CHECKING:
    from edgewise.symbolic import Formula

# Pixels of the page to an inch of a figure: its words are as large as the page's small print.
SCALE = 116.0


def drawn(figure: Figure, words: str, key: str, *, kind: str = "chart") -> Markup:
    """A figure in the page's colours and font.

    Parameters
    ----------
    figure : Figure
        Drawn in the light theme; its colours follow the page.
    words : str
        What it shows, for screen readers.
    key : str
        Of this drawing alone on its page.
    kind : str
        Classes of the style sheet.
    """
    figure.set_facecolor("none")
    wide = round(SCALE * float(figure.get_figwidth()))
    attributes = f'class="{kind}" role="img" aria-label="{escape(words)}" style="--wide:{wide}px"'
    return Markup(inline_svg(figure, attributes, prefix=key, variables=LIGHT))


# Of a point, in pixels.
RADIUS = 11.0


def front(formulas: Sequence[Formula], chosen: int | None) -> Markup | None:
    """Held-out error against complexity; every point is a link to its formula further down."""
    shown = [(k, f) for k, f in enumerate(formulas) if np.isfinite(f.error)]
    if not shown:
        return None
    figure = plot_front(formulas, numbered=True)
    (axes,) = figure.axes
    line, dots = axes.lines[:2]
    places = axes.transData.transform(np.asarray(line.get_xydata())) / figure.dpi * SCALE
    height = SCALE * float(figure.get_figheight())
    # Points are links here, and so are drawn over the axes.
    numbers = [text for text in axes.texts if text.get_text().isdigit()]
    for part in (dots, *numbers):
        part.remove()
    points: list[Markup] = []
    shown.sort(key=lambda pair: (pair[1].complexity, pair[1].error))
    for (k, f), (at, up) in sorted(zip(shown, places.tolist(), strict=True), key=lambda one: one[0][0]):
        description = f"Formula {k + 1}: complexity {f.complexity}, error {number(f.error, 3)}"
        points.append(
            tag(
                "a",
                tag("title", escape(f.text)),
                tag("circle", cx=at, cy=height - up, r=RADIUS),
                label(at, height - up + 4, str(k + 1), "middle"),
                href=f"#formula-{k + 1}",
                class_="point chosen" if k == chosen else "point",
                aria_label=description,
            )
        )
    words = f"Error against complexity of {plural(len(shown), 'formula')}"
    # Links inside must stay reachable, so this drawing is a group and not an image.
    svg = str(drawn(figure, words, "front")).replace('role="img"', 'role="group"', 1)
    over = tag("g", *points, transform=f"scale({72 / SCALE:.5f})")
    return Markup(f"{svg.removesuffix('</svg>')}{over}</svg>")


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
