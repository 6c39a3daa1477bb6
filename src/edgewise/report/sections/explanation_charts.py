"""Charts of explanations: a shape function over the density of its rows, and the contributions of one row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise.explaining.local import LocalExplanation
from edgewise.explaining.shapes import Shape
from edgewise.report.content.content import InputView
from edgewise.report.drawings import panels
from edgewise.report.evaluation.partial_dependence import Effect
from edgewise.report.text.numbers import counted, number, signed
from edgewise.report.text.svg import Axes, fit_text, label, picture, tag, text_width, ticks

Floats = NDArray[np.float64]

# Of more levels those with the least and the largest effects are drawn.
MOST_LEVELS = 10
MOST_STEPS = 12
# Contributions below this share of the largest share a bar.
FAINT = 0.02
# Days since 1970 as years.
DAYS = 365.2425


def shape_picture(shape: Shape, output: str) -> Markup:
    """A shape function over the density of its rows; levels as bars with their shares of the rows.

    Parameters
    ----------
    shape : Shape
    output : str
        What it is a part of.
    """
    words = f"Effect of {shape.column} on {output}: {shape.words}."
    if shape.labels:
        return panels.effect(_levels(shape), 1.0, words)
    seen, view, axis = _axis(shape)
    x = seen(shape.x)
    edges = seen(shape.edges)
    low, high = (shape.y, shape.y) if shape.low is None or shape.high is None else (shape.low, shape.high)
    span = (float(edges[0]), float(edges[-1]))
    effect = Effect(shape.column, axis, x, shape.y, low, high, shape.counts, span, 0.0, view, shape.words)
    marks = _dates(span) if shape.kind == "date" else None
    return panels.effect(effect, 1.0, words, marks=marks)


def waterfall(found: LocalExplanation) -> Markup:
    """From the average output to that of one row, a bar a column; the faint contributions are one bar.

    Parameters
    ----------
    found : LocalExplanation
    """
    steps = _steps(found)
    places = found.base + np.concatenate([[0.0], np.cumsum([effect for _, effect in steps])])
    low, high = float(places.min()), float(places.max())
    room = 0.14 * (high - low) or 1.0
    wide, line, top = 680.0, 24.0, 26.0
    names = [fit_text(name, 270.0) for name, _ in steps]
    left = max((text_width(name) for name in names), default=0.0) + 16.0
    height = top + line * max(len(steps), 1) + 40.0
    axes = Axes(
        wide, height, (low - room, high + room), (0.0, 1.0), left=left, right=12.0, top=top, bottom=40.0
    )
    base = axes.top + axes.inner_height
    marks = ticks(*axes.across, 5)
    parts = [
        tag("path", class_="grid", d="".join(f"M{float(axes.x(v)):.1f} {top:.0f}V{base:.1f}" for v in marks))
    ]
    parts += [label(float(axes.x(v)), base + 14, number(v, 3), "middle") for v in marks]
    for k, (name, effect) in enumerate(steps):
        start, end = float(axes.x(float(places[k]))), float(axes.x(float(places[k + 1])))
        middle = top + line * (k + 0.5)
        kind = "up" if effect > 0 else "down"
        parts.append(label(left - 8, middle + 4, fit_text(name, 270.0), "end", "level"))
        parts.append(
            tag(
                "rect",
                class_=f"step {kind}",
                x=min(start, end),
                y=middle - 8,
                width=max(abs(end - start), 0.8),
                height=16.0,
                rx=2.0,
            )
        )
        side = end + 5 if effect > 0 else end - 5
        parts.append(
            label(side, middle + 4, signed(effect), "start" if effect > 0 else "end", f"told {kind}")
        )
        if k + 1 < len(steps):
            parts.append(tag("path", class_="axis", d=f"M{end:.1f} {middle + 8:.1f}v{line - 16:.1f}"))
    ends = [(float(axes.x(found.base)), "average"), (float(axes.x(found.value)), "this row")]
    for at, word in ends:
        parts.append(tag("path", class_="guide", d=f"M{at:.1f} {top:.0f}V{base:.1f}"))
        anchor = "middle"
        if abs(ends[0][0] - ends[1][0]) < 70:
            anchor = "end" if at == min(ends[0][0], ends[1][0]) else "start"
        parts.append(label(at, top - 8, word, anchor, "name"))
    parts.append(label(left + axes.inner_width / 2, height - 6, found.output, "middle", "name"))
    words = f"From {number(found.base, 3)} on average to {number(found.value, 3)} for this row: " + "; ".join(
        f"{name} {signed(effect)}" for name, effect in steps[:6]
    )
    return picture(wide, height, *parts, words=words, kind="chart waterfall")


def _dates(span: tuple[float, float]) -> tuple[tuple[float, str], ...]:
    """Whole years along an axis of years, or days where there are none."""
    years = [v for v in ticks(*span, 4) if v == round(v)]
    if len(years) > 1:
        return tuple((v, f"{v:.0f}") for v in years)
    places = [span[0] + share * (span[1] - span[0]) for share in (0.2, 0.8)]
    start = dt.date(1970, 1, 1)
    return tuple((v, (start + dt.timedelta(days=(v - 1970.0) * DAYS)).isoformat()) for v in places)


def _steps(found: LocalExplanation) -> list[tuple[str, float]]:
    top = max((abs(one.effect) for one in found.contributions), default=0.0)
    shown = [one for one in found.contributions if abs(one.effect) > FAINT * top][:MOST_STEPS]
    steps = [(f"{one.column} = {one.value}", one.effect) for one in shown]
    rest = found.contributions[len(shown) :]
    if rest and any(one.effect for one in rest):
        steps.append((counted(len(rest), "other column"), sum(one.effect for one in rest)))
    return steps


def _levels(shape: Shape) -> Effect:
    """The levels of a column, highest effect first."""
    order: Sequence[int] = np.argsort(-shape.y, kind="stable").tolist()
    if len(order) > MOST_LEVELS:
        half = MOST_LEVELS // 2
        order = [*order[:half], *order[-half:]]
    keep = np.array(order)
    band = [shape.y if side is None else side for side in (shape.low, shape.high)]
    view = InputView(shape.column, shape.column, levels=tuple(shape.labels[k] for k in order))
    span = (0.0, float(len(order) - 1))
    return Effect(
        shape.column,
        "",
        keep.astype(np.float64),
        shape.y[keep],
        band[0][keep],
        band[1][keep],
        shape.counts[keep],
        span,
        0.0,
        view,
        shape.words,
    )


class _Bent:
    """An asinh axis: from values of the table to even places."""

    def __init__(self, centre: float, scale: float) -> None:
        self.centre, self.scale = centre, abs(scale)

    def __call__(self, values: Floats) -> Floats:
        return np.arcsinh((values - self.centre) / self.scale)


class _Plain:
    """An axis of values as they are, or of dates in years."""

    def __init__(self, *, date: bool) -> None:
        self.date = date

    def __call__(self, values: Floats) -> Floats:
        return 1970.0 + values / DAYS if self.date else values


def _axis(shape: Shape) -> tuple[_Bent | _Plain, InputView, str]:
    """How values are laid along the axis, how its ticks read, and what stands below."""
    named = f"{shape.column} ({shape.unit})" if shape.unit else shape.column
    plain = _Plain(date=shape.kind == "date")
    if plain.date:
        return plain, InputView(shape.column, shape.column), shape.column
    if shape.bend is None:
        return plain, InputView(shape.column, shape.column), named
    bent = _Bent(*shape.bend)
    pairs = zip(bent(shape.x).tolist(), shape.x.tolist(), strict=True)
    return bent, InputView(shape.column, shape.column, scale=tuple(sorted(pairs))), named
