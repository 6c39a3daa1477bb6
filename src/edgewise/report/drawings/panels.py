"""Drawings of single edge functions: a curve over its data, or bars for the levels of a coded column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from edgewise.plots.style import padded
from edgewise.report.content.content import InputView
from edgewise.report.drawings.edge_functions import EdgeView
from edgewise.report.evaluation.partial_dependence import Effect
from edgewise.report.text.numbers import MISSING, alike, percent
from edgewise.report.text.svg import (
    Axes,
    curves,
    fit_text,
    label,
    left_margin,
    path,
    picture,
    plain,
    tag,
    text_width,
    ticks,
)

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 280.0, 176.0
SKYLINE = 0.2
BAR, BAR_GAP = 13.0, 5.0
LEVEL_NAME = 128.0


def panel(view: EdgeView) -> Markup:
    """The edge function as a drawing."""
    return _bars(view) if view.levels else _curve(view)


def _curve(view: EdgeView) -> Markup:
    inside = (view.x >= view.low) & (view.x <= view.high)
    good = view.y[inside & np.isfinite(view.y)]
    low, high = (float(good.min()), float(good.max())) if good.size else (-1.0, 1.0)
    # A constant gets a window as high as itself; beyond the data a closed form may run off, so the data set the scale.
    room = 0.5 * (high - low) if high - low > 1e-12 * max(abs(low), abs(high)) else abs(high) or 1.0
    up = (low - 0.5 * room, high + 0.3 * room)
    across = (float(view.x[0]), float(view.x[-1]))
    axes = Axes(WIDTH, HEIGHT, across, up, left=left_margin(up, named=False), top=6.0, bottom=34.0)
    kind = "curve symbolic" if view.form else "curve"
    parts = [_frame(axes, view), _skyline(axes, view), axes.line(view.x, view.y, f"{kind} beyond")]
    parts.append(axes.line(np.where(inside, view.x, np.nan), view.y, kind))
    if view.rug.size:
        base = axes.top + axes.inner_height
        d = "".join(f"M{at:.1f} {base:.1f}v-4" for at in axes.x(view.rug).tolist())
        parts.append(tag("path", class_="rug", d=d))
    return picture(WIDTH, HEIGHT, *parts, words=view.sentence, kind="chart panel")


def _frame(axes: Axes, view: EdgeView) -> Markup:
    """The axes; a transformed column keeps the even spacing the network sees, labelled in the units of the table."""
    if view.view is None or len(view.view.scale) < 2:
        return axes.frame(view.axis, count=(4, 3))
    marks = scaled_ticks(view.view, axes)
    return axes.frame(view.axis, count=(4, 3), marks=marks)


def scaled_ticks(view: InputView, axes: Axes) -> tuple[tuple[float, str], ...]:
    """Places along a transformed axis where the table's own numbers are round, with labels that do not touch."""
    seen, told = np.asarray(view.scale, dtype=np.float64).T
    low, high = (float(v) for v in view.in_table(np.array(axes.across)))
    top = math.floor(math.log10(max(abs(low), abs(high), 1e-300)))
    # Zero and powers of ten come first, then their halves and fifths, then whatever is round in the range.
    round_numbers = [s * m * 10.0**k for m in (1, 5, 2) for k in range(top, top - 9, -1) for s in (1, -1)]
    taken: list[tuple[float, float, str]] = []
    for value in (0.0, *round_numbers, *ticks(low, high, 6)):
        if not max(low, float(told[0])) <= value <= min(high, float(told[-1])):
            continue
        at = float(np.interp(value, told, seen))
        place, name = float(axes.x(at)), plain(value)
        wide = text_width(name)
        inside = axes.left <= place and place + wide / 2 <= axes.width
        if inside and all(
            abs(place - float(axes.x(b))) > (wide + text_width(n)) / 2 + 8 for _, b, n in taken
        ):
            taken.append((value, at, name))
    return tuple((at, name) for _, at, name in sorted(taken))


def _skyline(axes: Axes, view: EdgeView) -> Markup:
    """The distribution of the data of an edge."""
    span = (view.low, view.high) if view.high > view.low else (view.low - 0.5, view.low + 0.5)
    return _counts(axes, view.data, span)


def _counts(axes: Axes, data: Floats, span: tuple[float, float]) -> Markup:
    """The distribution of the data as a low skyline, which any number of rows leaves readable."""
    top = float(data.max(initial=0.0))
    if top <= 0:
        return Markup("")
    edges = axes.x(np.linspace(*span, len(data) + 1)).tolist()
    base = axes.top + axes.inner_height
    heights = (SKYLINE * axes.inner_height * data / top).tolist()
    steps = "".join(f"V{base - h:.1f}H{x:.1f}" for h, x in zip(heights, edges[1:], strict=True))
    return tag("path", class_="skyline", d=f"M{edges[0]:.1f} {base:.1f}{steps}V{base:.1f}Z")


def _bars(view: EdgeView) -> Markup:
    return _level_rows(view.levels, view.y, view.data, view.axis, view.sentence, None)


def _level_rows(
    levels: Sequence[str], y: Floats, data: Floats, axis: str, words: str, band: tuple[Floats, Floats] | None
) -> Markup:
    """One bar a level, right of the line where it raises the output and left where it lowers it."""
    top = 4.0
    height = top + len(levels) * (BAR + BAR_GAP) + 30.0
    room = min(max(text_width(fit_text(name, LEVEL_NAME)) for name in levels), LEVEL_NAME) + 8
    every = np.concatenate([y, [0.0], *(band or ())])
    low, high = float(every.min()), float(every.max())
    if high - low <= 0:
        low, high = -1.0, 1.0
    spare = 0.06 * (high - low)
    axes = Axes(
        WIDTH, height, (low - spare, high + spare), (0.0, 1.0), left=room, right=46.0, top=top, bottom=30.0
    )
    marks = ticks(*axes.across, 3)
    base = axes.top + axes.inner_height
    parts = [
        tag("path", class_="grid", d="".join(f"M{float(axes.x(v)):.1f} {top}V{base:.1f}" for v in marks))
    ]
    parts += [
        label(float(axes.x(v)), base + 13, name, "middle")
        for v, name in zip(marks, alike(marks), strict=True)
    ]
    zero, total = float(axes.x(0.0)), max(float(data.sum()), 1.0)
    for k, name in enumerate(levels):
        at = top + k * (BAR + BAR_GAP) + BAR_GAP / 2
        end = float(axes.x(float(y[k])))
        share = percent(float(data[k]) / total).replace("under ", "<") if data[k] else MISSING
        shown = [tag("title", escape(f"{name}: {share} of the rows"))]
        shown.append(label(room - 6, at + BAR - 3, fit_text(name, LEVEL_NAME), "end", "level"))
        kind = "bar" if data[k] else "bar unseen"
        shown.append(
            tag(
                "rect",
                x=min(zero, end),
                y=at,
                width=max(abs(end - zero), 0.8),
                height=BAR,
                rx=2.0,
                class_=kind,
            )
        )
        if band is not None:
            ends = [float(axes.x(float(side[k]))) for side in band]
            shown.append(tag("path", class_="whisker", d=f"M{ends[0]:.1f} {at + BAR / 2:.1f}H{ends[1]:.1f}"))
        shown.append(label(WIDTH - 2, at + BAR - 3, share, "end", "share"))
        parts.append(tag("g", *shown))
    parts.append(tag("path", class_="axis", d=f"M{zero:.1f} {top}V{base:.1f}"))
    parts.append(label(WIDTH / 2, height - 3, fit_text(axis, WIDTH - 8), "middle", "name"))
    return picture(WIDTH, height, *parts, words=words, kind="chart panel bars")


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
    y, low, high = scale * one.y, scale * one.low, scale * one.high
    if one.view.levels:
        return _level_rows(one.view.levels[: len(y)], y, one.data, one.axis, words, (low, high))
    up = padded(np.concatenate([low, high]), 0.12)
    axes = Axes(WIDTH, HEIGHT, one.span, up, left=left_margin(up, named=False), top=6.0, bottom=34.0)
    x = np.concatenate([one.x, one.x[::-1]])
    band = path(axes.x(x) - axes.left, axes.y(np.concatenate([high, low[::-1]])) - axes.top)
    marks = scaled_ticks(one.view, axes) if len(one.view.scale) > 1 else None
    return picture(
        WIDTH,
        HEIGHT,
        axes.frame(one.axis, count=(4, 3), marks=marks),
        _counts(axes, one.data, one.span),
        axes.clip(tag("path", class_="band", d=f"{band}Z")),
        axes.line(one.x, np.zeros_like(one.x), "guide"),
        axes.line(one.x, y, "curve"),
        words=words,
        kind="chart panel",
    )
