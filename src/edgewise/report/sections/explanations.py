"""Explanations on the page: what the model has learned, column by column, and why it answers single rows as it does."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from edgewise._core.checks import plural
from edgewise.explaining.local import LocalExplanation, Neighbour
from edgewise.explaining.overview import GlobalExplanation
from edgewise.explaining.shapes import Shape
from edgewise.explaining.surface_view import scales
from edgewise.plots.explain_local import plot_contributions
from edgewise.plots.explain_shapes import MOST_LEVELS, shape_figure
from edgewise.plots.explain_surfaces import surface_figure
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings.charts import drawn
from edgewise.report.text.numbers import listed, number, percent, signed
from edgewise.report.text.svg import picture, tag

# Shapes that stand open; so many more wait behind a click.
OPEN_SHAPES, MOST_SHAPES = 9, 60
MOST_PAIRS = 8
# Importances below this share of the largest are not worth a line.
LEAST = 1e-4


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
    """The page's section on a model's explanations; None where the content has none.

    Parameters
    ----------
    content : ReportContent
    """
    answers = tuple(
        answer_view(one, f"answer-{k}") for k, one in enumerate(content.answers if content.rows else ())
    )
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
    shown = [
        (one, shape)
        for one, shape in zip(found.importances, found.shapes, strict=True)
        if one.value > LEAST * top
    ]
    unused = [one.column for one in found.importances if one.value <= LEAST * top]
    scale = max((one.high or one.value for one, _ in shown), default=1.0) or 1.0
    rows = tuple(
        ImportanceRow(
            one.column,
            number(one.value, 3),
            "" if one.low is None or one.high is None else f"{number(one.low, 3)} to {number(one.high, 3)}",
            _share(one.share),
            _words(shape),
            _bar(one.value, one.low, one.high, scale, f"{one.column}: {number(one.value, 3)}"),
        )
        for one, shape in shown
    )
    cards = tuple(
        ShapeCard(
            content.labelled(shape.column),
            number(one.value, 3),
            _does(shape),
            drawn(
                shape_figure(shape),
                f"Effect of {shape.column} on {found.output}: {shape.words}.",
                f"shape-{k}",
                kind="chart panel",
            ),
        )
        for k, (one, shape) in enumerate(shown[:MOST_SHAPES])
    )
    return ExplainView(
        lead=f"What moves the {found.output}, over {plural(found.n_rows, 'row')}; on average it is "
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
        f"The {found.output} is {number(found.value)}{sure}; on average over {plural(found.background, 'row')} it is "
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
        drawn(plot_contributions(found), _steps(found), key),
        tuple(reason.text for reason in found.reasons),
        tuple(_neighbour(one) for one in found.neighbours),
        outside,
    )


def _steps(found: LocalExplanation) -> str:
    """The largest contributions in words."""
    parts = [
        f"{one.column} = {one.value} {signed(one.effect)}" for one in found.contributions[:6] if one.effect
    ]
    opening = f"From {number(found.base, 3)} on average to {number(found.value, 3)} for this row"
    return f"{opening}: {'; '.join(parts)}" if parts else opening


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
        return "The model adds one function a column, so these functions describe it completely and exactly."
    return (
        f"The functions of single columns together explain {percent(found.additive_share)} of its variance; the rest is "
        "what columns do together."
    )


def _does(shape: Shape) -> str:
    """The text of a card below its name."""
    # Bars need no description.
    words = "" if shape.labels else shape.words
    notes = [words] if words else []
    if not shape.exact:
        notes.append("average effect, with a 95 % band")
    notes += [
        f"where {mark.name} {signed(mark.effect)}"
        if mark.name == "missing"
        else f"code {mark.name}: {signed(mark.effect)}"
        for mark in shape.marks
        if mark.rows
    ]
    if len(shape.labels) > MOST_LEVELS:
        notes.append(f"{len(shape.labels) - MOST_LEVELS} more levels between")
    return "; ".join(notes)


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
            drawn(
                surface_figure(surface, limit),
                f"Beyond the shapes of both, {surface.a.column} with {surface.b.column} on {found.output}: {surface.words}.",
                f"surface-{k}",
                kind="chart panel",
            ),
        )
        for k, (surface, limit) in enumerate(zip(found.surfaces, limits, strict=True))
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
