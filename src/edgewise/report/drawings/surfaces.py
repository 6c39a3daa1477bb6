"""Surfaces of pairs of columns on the page: bands of colour with their borders, the rows as dots."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import numpy as np
from contourpy import FillType, LineType, contour_generator
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise.explaining.surface_view import Laid, SurfacePiece, bands, ends, laid, parts
from edgewise.explaining.surfaces import Surface, SurfaceAxis
from edgewise.plots.explain_axes import spread_ticks
from edgewise.report.text.numbers import alike, number, signed
from edgewise.report.text.svg import (
    Axes,
    Range,
    fit_text,
    label,
    path,
    picture,
    plain,
    tag,
    text_width,
    ticks,
)

Floats = NDArray[np.float64]
Marks = tuple[tuple[float, str], ...]

WIDTH, HEIGHT = 300.0, 244.0
TOP, BOTTOM, KEY = 8.0, 34.0, 44.0
# Room for the name of a level on the left; radius of a row's dot.
LEVEL, DOT = 96.0, 0.9
# How much of its colour the strongest band has.
STRONGEST = 0.85
# Days since 1970 as years.
DAYS = 365.2425


def surface_picture(surface: Surface, limit: float, output: str) -> Markup:
    """A surface with the key of its colours.

    Parameters
    ----------
    surface : Surface
    limit : float
        The largest effect that the colours tell.
    output : str
        What it is a part of.
    """
    view, steps = laid(surface), bands(limit)
    share = 0.5 * WIDTH / max(len(view.across.labels), 1)
    marks = (_marks(view.across, share), _marks(view.up, LEVEL))
    wide = max((text_width(name) for _, name in marks[1]), default=0.0)
    axes = Axes(
        WIDTH,
        HEIGHT,
        _range(view.across),
        _range(view.up),
        left=wide + 26.0,
        right=KEY + 12.0,
        top=TOP,
        bottom=BOTTOM,
    )
    inside = [_part(part, view, axes, steps) for part in parts(view)]
    places = np.column_stack([_even(view.across)(view.rows[:, 0]), _even(view.up)(view.rows[:, 1])])
    kind = "level" if view.up.labels else None
    names = [label(axes.left - 6, float(axes.y(at)) + 3.5, name, "end", kind) for at, name in marks[1]]
    words = (
        f"Beyond the shapes of both, {surface.a.column} with {surface.b.column} on {output}: {surface.words}."
    )
    base = axes.top + axes.inner_height
    across = [label(float(axes.x(at)), base + 14, name, "middle") for at, name in marks[0]]
    middle = axes.left + axes.inner_width / 2
    title = label(middle, HEIGHT - 4, fit_text(_named(view.across), WIDTH - 8), "middle", "name")
    turn = f"translate(11 {axes.top + axes.inner_height / 2:.1f}) rotate(-90)"
    side = tag(
        "text",
        fit_text(_named(view.up), axes.inner_height),
        class_="name",
        transform=turn,
        text_anchor="middle",
    )
    return picture(
        WIDTH,
        HEIGHT,
        axes.clip(*inside),
        axes.dots(places[:, 0], places[:, 1], "rows", DOT),
        *names,
        *across,
        title,
        side,
        _key(axes, steps),
        words=words,
        kind="chart panel surface",
    )


def _part(part: SurfacePiece, view: Laid, axes: Axes, steps: Floats) -> Markup:
    """The bands of a piece, their borders where both columns are numbers, and a veil where no row is near."""
    x = axes.x(_even(view.across)(part.x)) - axes.left
    y = axes.y(_even(view.up)(part.y)) - axes.top
    drawn = contour_generator(x, y, part.z, fill_type=FillType.OuterOffset, line_type=LineType.Separate)
    made = list[Markup]()
    edges = np.concatenate([[-np.inf], steps, [np.inf]])
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if part.z.max() > low and part.z.min() < high:
            made.append(tag("path", **_paint(_share(low, high, steps)), d=_filled(drawn.filled(low, high))))
    if view.smooth:
        lines = [cast("Floats", line) for step in steps.tolist() for line in drawn.lines(step)]
        d = "".join(path(*line.T) for line in lines)
        made.append(tag("path", class_="height", d=d))
    bare = np.minimum(part.near, 1.0)
    if float(bare.min()) < 1.0:
        veil = contour_generator(x, y, bare, fill_type=FillType.OuterOffset)
        d = _filled(veil.filled(-1.0, 0.5))
        made.append(tag("path", class_="veil", d=d))
    return Markup("").join(made)


def _share(low: float, high: float, steps: Floats) -> float:
    """How strong the colour of a band is: 0 about zero, 1 at the end."""
    if low < 0 < high:
        return 0.0
    middle = high if not np.isfinite(low) else low if not np.isfinite(high) else (low + high) / 2
    return float(np.clip(middle / steps[-1], -1.0, 1.0))


def _paint(share: float) -> dict[str, str]:
    """The style sheet knows both colours; how much of them is told here."""
    if share == 0.0:
        return {"class_": "blank"}
    return {"class_": "up" if share > 0 else "down", "fill_opacity": f"{STRONGEST * abs(share):.2f}"}


def _filled(found: Any) -> str:
    """Polygons with their holes, as contourpy gives them: points, and where each ring begins."""
    polygons = cast("tuple[list[Floats], list[NDArray[np.uint32]]]", found)
    rings = (
        points[begin:end]
        for points, offsets in zip(*polygons, strict=True)
        for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    )
    return "".join(f"{path(*ring[:-1].T)}Z" for ring in rings)


def _key(axes: Axes, steps: Floats) -> Markup:
    """The colours and what they tell, right of the surface."""
    left, span = axes.left + axes.inner_width + 8.0, float(steps[-1] - steps[0])
    parts = list[Markup]()
    for low, up in pairwise(steps.tolist()):
        share = _share(low, up, steps)
        top = axes.top + axes.inner_height * (float(steps[-1]) - up) / span
        tall = axes.inner_height * (up - low) / span
        parts.append(tag("rect", **_paint(share), x=left, y=top, width=9.0, height=tall))
    positive = steps[steps > 0]
    told = sorted({float(positive[-1]), float(positive[(len(positive) - 1) // 2])})
    values = [*(-v for v in reversed(told)), 0.0, *told]
    for value in values:
        at = axes.top + axes.inner_height * (float(steps[-1]) - value) / span
        shown = signed(value) if value else "0"
        parts.append(label(left + 13, min(max(at + 3.5, axes.top + 8), axes.top + axes.inner_height), shown))
    return Markup("").join(parts)


def _even(axis: SurfaceAxis) -> Callable[[Floats], Floats]:
    """From values of the table to even places."""
    if axis.kind == "date":
        return lambda values: 1970.0 + np.asarray(values) / DAYS
    return axis.even


def _range(axis: SurfaceAxis) -> Range:
    low, high = _even(axis)(np.array(ends(axis))).tolist()
    return low, high


def _marks(axis: SurfaceAxis, room: float) -> Marks:
    """Places along an axis, and what stands there; `room` is what the name of a level has."""
    if axis.labels:
        return tuple((float(k), fit_text(name, room)) for k, name in enumerate(axis.labels))
    if axis.bend is not None:
        values = spread_ticks(ends(axis), axis.bend)
        return tuple((float(axis.even(np.array([v]))[0]), plain(v)) for v in values)
    shown = [v for v in ticks(*_range(axis), 4) if not axis.whole or v == round(v)]
    # Years are no quantities: 2019, not 2,019.
    names = (
        [f"{v:.0f}" if v == round(v) else number(v, 5) for v in shown]
        if axis.kind == "date"
        else alike(shown)
    )
    return tuple(zip(shown, names, strict=True))


def _named(axis: SurfaceAxis) -> str:
    return f"{axis.column} ({axis.unit})" if axis.unit else axis.column
