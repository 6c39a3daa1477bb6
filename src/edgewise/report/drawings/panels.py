"""Drawings of single edge functions: a curve over its data, or bars for the levels of a coded column."""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from edgewise._core.arrays import Floats
from edgewise.plots.cards import LEFT, RIGHT, WIDTH, Card, curve_card, level_card
from edgewise.report.content.content import InputView
from edgewise.report.drawings.charts import SCALE, drawn
from edgewise.report.drawings.edge_functions import EdgeView
from edgewise.report.evaluation.partial_dependence import Effect
from edgewise.report.text.numbers import MISSING, percent, plain
from edgewise.report.text.svg import curves, tag, text_width

# Pixels between two labels of an axis at least.
APART = 8.0


def panel(view: EdgeView) -> Markup:
    """The edge function as a drawing: a curve over its rows, or a bar for each level."""
    key = "edge-" + "-".join(map(str, view.edge))
    if view.levels:
        figure = level_card(view.levels, view.y, view.data, view.axis, _shares(view.data))
        return drawn(figure, view.sentence, key, kind="chart panel bars")
    marks = scaled_ticks(view.view, (float(view.x[0]), float(view.x[-1]))) if view.view else None
    card = Card(
        view.x,
        view.y,
        view.axis,
        view.data,
        (view.low, view.high),
        symbolic=view.form is not None,
        marks=marks,
        rug=view.rug,
    )
    return drawn(curve_card(card), view.sentence, key, kind="chart panel")


def scaled_ticks(view: InputView, span: tuple[float, float]) -> tuple[tuple[float, str], ...] | None:
    """Places along a transformed axis where the table's own numbers are round, with labels that do not touch."""
    if len(view.scale) < 2:
        return None
    seen, raw = np.asarray(view.scale, dtype=np.float64).T
    low, high = (float(v) for v in view.in_table(np.array(span)))
    top = math.floor(math.log10(max(abs(low), abs(high), 1e-300)))
    # Zero and powers of ten come first, then their halves and fifths, then whatever is round in the range.
    round_numbers = [s * m * 10.0**k for m in (1, 5, 2) for k in range(top, top - 9, -1) for s in (1, -1)]
    pixels = SCALE * (WIDTH - LEFT - RIGHT) / (span[1] - span[0])
    taken: list[tuple[float, float, str]] = []
    unit = 10.0 ** max(top - 300, 0)  # the span of numbers near the largest float is none
    between = (float(tick) * unit for tick in MaxNLocator(6).tick_values(low / unit, high / unit))
    for value in (0.0, *round_numbers, *between):
        if not max(low, float(raw[0])) <= value <= min(high, float(raw[-1])):
            continue
        at, name = float(np.interp(value, raw, seen)), plain(value)
        wide = text_width(name)
        inside = wide / 2 - SCALE * RIGHT <= pixels * (span[1] - at)
        if inside and all(pixels * abs(at - b) > (wide + text_width(n)) / 2 + APART for _, b, n in taken):
            taken.append((value, at, name))
    return tuple((at, name) for _, at, name in sorted(taken))


def _shares(data: Floats) -> list[str]:
    """Each level's share of the rows."""
    total = max(float(data.sum()), 1.0)
    return [percent(float(n) / total).replace("under ", "<") if n else MISSING for n in data]


def thumbnail_range(view: EdgeView) -> tuple[float, float, float, float]:
    """Values at the left, right, bottom and top of the box of a thumbnail."""
    if view.levels:
        return 0.0, len(view.y) - 1.0, min(float(view.y.min()), 0.0), max(float(view.y.max()), 0.0)
    good = view.y[(view.x >= view.low) & (view.x <= view.high) & np.isfinite(view.y)]
    low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 0.0)
    return view.low, view.high, low, high


def thumbnail(view: EdgeView, left: float, top: float, width: float, height: float) -> Markup:
    """The bare function, scaled into a box of the network diagram."""
    y = view.y
    _, _, low, high = thumbnail_range(view)
    if view.levels:
        span = high - low or 1.0
        zero = top + height * high / span
        step = width / len(y)
        ends = (top + height * (high - y) / span).tolist()
        starts = (left + (np.arange(len(y)) + 0.12) * step).tolist()
        d = "".join(
            f"M{x:.1f} {zero:.1f}V{end:.1f}h{0.76 * step:.1f}V{zero:.1f}Z"
            for x, end in zip(starts, ends, strict=True)
        )
        return tag("path", class_="fill", d=d)
    assert view.pieces is not None
    ends, points = view.pieces.ends, view.pieces.points
    flat = high - low <= 1e-12 * max(abs(low), abs(high), 1e-300)
    share = np.where(np.isfinite(points), 0.5 if flat else (points - low) / (high - low or 1.0), np.nan)
    span = (view.high - view.low) or 1.0
    across = (ends[:-1, None] + np.diff(ends)[:, None] * np.arange(4) / 3 - view.low) / span
    return tag("path", class_="line", d=curves(left + width * across, top + height * (1 - share)))


def effect(one: Effect, scale: float, words: str) -> Markup:
    """The mean change of the prediction with the band of single rows; `scale` goes to the units of the axis."""
    y, band = scale * one.y, (scale * one.low, scale * one.high)
    key = "effect-" + "".join(c if c.isascii() and c.isalnum() else f"{ord(c):x}" for c in one.name)
    if one.view.levels:
        figure = level_card(one.view.levels[: len(y)], y, one.data, one.axis, _shares(one.data), band)
        return drawn(figure, words, key, kind="chart panel bars")
    marks = scaled_ticks(one.view, one.span)
    card = Card(one.x, y, one.axis, one.data, one.span, band=band, marks=marks)
    return drawn(curve_card(card), words, key, kind="chart panel")
