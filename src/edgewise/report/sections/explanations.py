"""Explanations on the page: what the model has learned, column by column, and why it answers single rows as it does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise.explaining.local import LocalExplanation
from edgewise.explaining.neighbours import Neighbour
from edgewise.explaining.overview import GlobalExplanation
from edgewise.explaining.shapes import Shape
from edgewise.explaining.surface_view import scales
from edgewise.report.content.content import InputView, ReportContent
from edgewise.report.drawings import panels
from edgewise.report.drawings.surfaces import surface_picture
from edgewise.report.evaluation.partial_dependence import Effect
from edgewise.report.text.numbers import counted, listed, number, percent, signed
from edgewise.report.text.svg import Axes, fit_text, label, picture, tag, text_width, ticks

Floats = NDArray[np.float64]

# Shapes that stand open; so many more wait behind a click.
OPEN_SHAPES, MOST_SHAPES = 9, 60
# Of more levels those with the least and the largest effects are drawn.
MOST_LEVELS = 10
MOST_PAIRS = 8
# Importances and contributions below this share of the largest are not worth a line, or share one.
LEAST, FAINT = 1e-4, 0.02
MOST_STEPS = 12
# Days since 1970 as years.
DAYS = 365.2425


@dataclass(frozen=True)
class ImportanceRow:
    """One column: how much it moves the output, and what it does."""

    column: str
    value: str
    interval: str
    share: str
    words: str
    bar: Markup


@dataclass(frozen=True)
class ShapeCard:
    """One shape function as a picture with its words."""

    name: str
    importance: str
    words: str
    svg: Markup


@dataclass(frozen=True)
class PairRow:
    """Two columns that act together."""

    columns: str
    value: str
    bar: Markup


@dataclass(frozen=True)
class SurfaceCard:
    """What two columns do beyond their shapes, as a picture with its words."""

    name: str
    words: str
    svg: Markup


@dataclass(frozen=True)
class NeighbourRow:
    """A row alike."""

    name: str
    answer: str
    differs: str


@dataclass(frozen=True)
class AnswerView:
    """One answer explained."""

    key: str
    title: str
    lead: str
    picture: Markup
    reasons: tuple[str, ...]
    nodes: tuple[str, ...]
    neighbours: tuple[NeighbourRow, ...]
    outside: str


@dataclass(frozen=True)
class ExplainView:
    """The section as the template takes it; `lead` is empty where only answers are explained."""

    lead: str
    how: str
    importances: tuple[ImportanceRow, ...]
    unused: str
    first: tuple[ShapeCard, ...]
    rest: tuple[ShapeCard, ...]
    folded: bool
    pairs: tuple[PairRow, ...]
    surfaces: tuple[SurfaceCard, ...]
    notes: tuple[str, ...]
    answers: tuple[AnswerView, ...]


def explain_view(content: ReportContent) -> ExplainView | None:
    """What the page says of a model's explanations; None where the content has none.

    Parameters
    ----------
    content : ReportContent
    """
    answers = tuple(answer_view(one, f"answer-{k}") for k, one in enumerate(content.answers))
    found = content.explanation
    if found is None:
        return (
            ExplainView(
                "", "", (), "", (), (), folded=False, pairs=(), surfaces=(), notes=(), answers=answers
            )
            if answers
            else None
        )
    top = max((one.value for one in found.importances), default=0.0)
    told = [
        (one, shape)
        for one, shape in zip(found.importances, found.shapes, strict=True)
        if one.value > LEAST * top
    ]
    unused = [one.column for one in found.importances if one.value <= LEAST * top]
    scale = max((one.high or one.value for one, _ in told), default=1.0) or 1.0
    rows = tuple(
        ImportanceRow(
            one.column,
            number(one.value, 3),
            "" if one.low is None or one.high is None else f"{number(one.low, 3)} to {number(one.high, 3)}",
            _share(one.share),
            _words(shape),
            _bar(one.value, one.low, one.high, scale, f"{one.column}: {number(one.value, 3)}"),
        )
        for one, shape in told
    )
    cards = tuple(
        ShapeCard(
            content.labelled(shape.column),
            number(one.value, 3),
            _does(shape),
            shape_picture(shape, found.output),
        )
        for one, shape in told[:MOST_SHAPES]
    )
    return ExplainView(
        lead=f"What moves the {found.output}, over {counted(found.n_rows, 'row')}; on average it is "
        f"{number(found.base, 3)}.",
        how=_how(found),
        importances=rows,
        unused=listed(unused, 12),
        first=cards[:OPEN_SHAPES],
        rest=cards[OPEN_SHAPES:],
        # The functions on the edges of an additive network are these shapes, and the page has them already.
        folded=found.additive and content.network is not None and len(content.network.layers) == 1,
        pairs=_pairs(found),
        surfaces=_surfaces(found),
        notes=found.notes,
        answers=answers,
    )


def answer_view(found: LocalExplanation, key: str) -> AnswerView:
    """One answer as the page shows it.

    Parameters
    ----------
    found : LocalExplanation
    key : str
        What its parts are called on the page.
    """
    who = "One row" if found.row is None else f"Row {found.row}"
    sure = (
        ""
        if found.probability is None
        else f", a probability of {found.label} of {number(found.probability, 3)}"
    )
    lead = (
        f"The {found.output} is {number(found.value)}{sure}; on average over {counted(found.background, 'row')} it is "
        f"{number(found.base)}. The contributions lead from the one to the other and add up exactly."
    )
    outside = (
        f"Beyond the training range: {listed(found.outside)}. The network extrapolates there."
        if found.outside
        else ""
    )
    return AnswerView(
        key,
        f"{who}: {_answer(found.prediction)}",
        lead,
        waterfall(found),
        tuple(reason.text for reason in found.reasons),
        tuple(
            f"Layer {node.layer}, node {node.node}: {signed(node.effect)}, from "
            + listed([name for name, _ in node.columns], 4)
            for node in found.nodes[:4]
        ),
        tuple(_neighbour(one) for one in found.neighbours),
        outside,
    )


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


def _answer(prediction: object) -> str:
    return number(prediction) if isinstance(prediction, float) else str(prediction)


def _neighbour(one: Neighbour) -> NeighbourRow:
    truth = "" if one.actual is None else f"; truly {_answer(one.actual)}"
    return NeighbourRow(f"row {one.row}", f"{_answer(one.prediction)}{truth}", "; ".join(one.differs))


def _share(share: float) -> str:
    """A share of the variance, which may be negative."""
    if abs(share) < 0.001:
        return "about 0"
    return percent(share) if share > 0 else f"\u2212{percent(-share)}"


def _words(shape: Shape) -> str:
    """What a shape does, in a phrase that can stand by itself."""
    if not shape.labels:
        return shape.words
    bottom, top = int(shape.y.argmin()), int(shape.y.argmax())
    return f"from {signed(shape.y[bottom], 2)} ({shape.labels[bottom]}) to {signed(shape.y[top], 2)} ({shape.labels[top]})"


def _how(found: GlobalExplanation) -> str:
    if found.additive:
        return "The model adds one function a column, so these functions say all there is, exactly."
    return (
        f"The functions of single columns together explain {percent(found.additive_share)} of its variance; the rest is "
        "what columns do together."
    )


def _does(shape: Shape) -> str:
    """What a card says below its name."""
    # Bars say themselves what they do.
    words = "" if shape.labels else shape.words
    told = [words] if words else []
    if not shape.exact:
        told.append("average effect, with a 95 % band")
    told += [
        f"where {mark.name} {signed(mark.effect)}"
        if mark.name == "missing"
        else f"code {mark.name}: {signed(mark.effect)}"
        for mark in shape.marks
        if mark.rows
    ]
    if len(shape.labels) > MOST_LEVELS:
        told.append(f"{len(shape.labels) - MOST_LEVELS} more levels between")
    return "; ".join(told)


def _pairs(found: GlobalExplanation) -> tuple[PairRow, ...]:
    pairs = found.interactions.strongest(MOST_PAIRS)
    top = max((size for _, _, size in pairs), default=1.0)
    return tuple(
        PairRow(
            f"{a} \u00d7 {b}",
            number(size, 3),
            _bar(size, None, None, top, f"{a} with {b}: {number(size, 3)}"),
        )
        for a, b, size in pairs
    )


def _surfaces(found: GlobalExplanation) -> tuple[SurfaceCard, ...]:
    limits = scales(found.surfaces)
    return tuple(
        SurfaceCard(
            " \u00d7 ".join(surface.columns),
            surface.words
            + ("" if surface.exact else "; averaged over the other columns")
            + ("; on a scale of its own" if limit < max(limits) else ""),
            surface_picture(surface, limit, found.output),
        )
        for surface, limit in zip(found.surfaces, limits, strict=True)
    )


def _bar(value: float, low: float | None, high: float | None, top: float, words: str) -> Markup:
    """A bar the height of a line, with its interval."""
    width, height = 150.0, 14.0
    parts = [
        tag("rect", class_="bar", x=0.0, y=2.0, width=max(width * value / top, 0.8), height=10.0, rx=2.0)
    ]
    if low is not None and high is not None:
        ends = (width * low / top, width * high / top)
        parts.append(tag("path", class_="whisker", d=f"M{ends[0]:.1f} 7H{ends[1]:.1f}"))
    return picture(width, height, *parts, words=words, kind="measure")


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
