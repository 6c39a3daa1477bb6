"""What each section of the page shows, drawn and worded; the template only sets it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise.plots.choice import choose, relative
from edgewise.plots.parity import errors
from edgewise.report import charts, classes, panels
from edgewise.report.charts import sparkline
from edgewise.report.columns import summarise_classes, summarise_numbers
from edgewise.report.content import ColumnSummary, InputView, ReportContent
from edgewise.report.diagram import Diagram, diagram
from edgewise.report.edges import Edge, EdgeView, edge_view, source_values
from edgewise.report.effects import effects
from edgewise.report.mathematics import formula_html
from edgewise.report.numbers import counted, listed, number, percent
from edgewise.report.standings import Standings
from edgewise.report.strength import Strength, by_score, strength
from edgewise.report.ties import ties
from edgewise.report.weak import WeakSpot, weak_spot

Floats = NDArray[np.float64]

# What the first diagram shows of each layer, and what the second one adds on demand.
FIRST_NODES, FIRST_EDGES = 5, 14
MOST_NODES, MOST_EDGES = 16, 60
# Small multiples that stand open; the others wait behind a click.
OPEN_PANELS = 12
MOST_EFFECTS = 12


@dataclass(frozen=True)
class Panel:
    """A drawing with its words."""

    view: EdgeView
    svg: Markup


@dataclass(frozen=True)
class PanelGroup:
    """The functions of one layer: those that stand open and those behind a click."""

    heading: str
    first: tuple[Panel, ...]
    rest: tuple[Panel, ...]
    unshown: int


@dataclass(frozen=True)
class NetworkSection:
    """The diagrams and the small multiples of the network."""

    first: Diagram
    second: Diagram | None
    groups: tuple[PanelGroup, ...]


@dataclass(frozen=True)
class EffectCard:
    """What one input does to the prediction."""

    name: str
    size: str
    words: str
    svg: Markup


@dataclass(frozen=True)
class EffectSection:
    """What inputs do, strongest first, and those of which that cannot be said."""

    cards: tuple[EffectCard, ...]
    tied: str


@dataclass(frozen=True)
class Candidate:
    """A formula of the front."""

    number: int
    html: Markup
    text: str
    python: str
    complexity: int
    error: float
    r2: float
    chosen: bool
    residuals: Markup | None
    fails: str


@dataclass(frozen=True)
class Headline:
    """The formula on top of the page."""

    html: Markup
    text: str
    python: str
    rmse: float
    r2: float


@dataclass(frozen=True)
class ColumnRow:
    """A row of the table of columns."""

    column: ColumnSummary
    role: str
    spark: Markup
    about: str


def network_section(content: ReportContent) -> NetworkSection | None:
    """The network: the strongest parts first, more of it on demand."""
    net = content.network
    if net is None or not any(bool(layer.mask.any()) for layer in net.layers):
        return None
    values = source_values(content)
    scores = strength(net, content.columns(content.X, net.input_names))
    everything = choose(net, scores.edges, MOST_NODES, MOST_EDGES, scores.nodes)
    shares = tuple(relative(score) for score in scores.edges)
    views: dict[Edge, EdgeView] = {}
    for layer, pairs in enumerate(everything.edges):
        for s, t in pairs:
            score, share = float(scores.edges[layer][s, t]), float(shares[layer][s, t])
            views[layer, s, t] = edge_view(content, values, (layer, s, t), score, share)
    first = choose(net, scores.edges, FIRST_NODES, FIRST_EDGES, scores.nodes)
    # A diagram that would leave out only a little is drawn whole.
    if everything.shown <= sum(min(len(p), FIRST_EDGES) for p in everything.edges) + 4:
        first = everything
    name = "The network, from inputs on the left to outputs on the right"
    drawn = diagram(net, first, views, name=name)
    more = None
    if everything.shown > first.shown:
        more = diagram(net, everything, views, name="More of the network")
    return NetworkSection(drawn, more, _groups(content, scores, views))


def _groups(content: ReportContent, scores: Strength, views: dict[Edge, EdgeView]) -> tuple[PanelGroup, ...]:
    net = content.network
    assert net is not None
    groups: list[PanelGroup] = []
    for layer, module in enumerate(net.layers):
        pairs = [edge[1:] for edge in views if edge[0] == layer]
        drawn = [
            Panel(v, panels.panel(v))
            for p in by_score(pairs, scores.edges[layer])
            for v in [views[layer, *p]]
        ]
        alive = int(module.mask.sum())
        last = layer == len(net.layers) - 1
        source = (
            "inputs" if layer == 0 else "hidden nodes" if len(net.layers) == 2 else f"hidden layer {layer}"
        )
        aim = (
            "to the output"
            if last
            else "to the hidden nodes"
            if len(net.layers) == 2
            else f"to hidden layer {layer + 1}"
        )
        heading = f"From the {source} {aim}"
        groups.append(
            PanelGroup(heading, tuple(drawn[:OPEN_PANELS]), tuple(drawn[OPEN_PANELS:]), alive - len(drawn))
        )
    return tuple(groups)


def effect_section(content: ReportContent) -> EffectSection | None:
    """What the strongest inputs do to the prediction; for an additive network its edges already say so."""
    net = content.network
    if net is None or len(net.layers) == 1 or len(content.classes) > 2 or net.shape[-1] > 1:
        return None
    X = content.columns(content.X, net.input_names)
    size = strength(net, X).inputs
    # An input cannot move by itself where others fix it: its curve would show rows that cannot be.
    fixed = sorted({k for group in ties(X) for k in group if size[k] > 0})
    free = [int(k) for k in np.argsort(-size, kind="stable") if size[k] > 0 and k not in fixed]
    unit = "percentage points" if content.classes else content.unit(content.target)
    scale = 100.0 if content.classes else 1.0
    cards: list[EffectCard] = []
    for one in effects(content, tuple(free[:MOST_EFFECTS])):
        name, typical = content.view(one.name).label, f"{number(scale * one.size, 3)} {unit}".rstrip()
        words = f"{name}: the prediction {one.words}, typically by {typical}."
        cards.append(EffectCard(name, typical, one.words, panels.effect(one, scale, words)))
    tied = listed([content.view(net.input_names[k]).label for k in fixed], 8)
    return EffectSection(tuple(cards), tied) if cards or tied else None


def headline(content: ReportContent) -> Headline | None:
    """The formula and its errors on the held-out rows."""
    found = content.formula
    if found is None:
        return None
    html = formula_html(found.sympy, found.text, left=content.target)
    rmse, r2 = found.error, found.r2
    if len(content.y_test):
        # The search chose by rows of its own; these none of its candidates has seen.
        rmse, r2 = errors(content.y_test, found.predict(content.formula_rows(found.names)))
    return Headline(html, f"{content.target} = {found.text}", found.python(), rmse, r2)


def candidates(content: ReportContent) -> tuple[Candidate, ...]:
    """The formulas of the front with what each leaves over on the held-out rows."""
    chosen = None if content.formula is None else content.formula.text
    found: list[Candidate] = []
    for k, formula in enumerate(content.front):
        left, fails = None, ""
        if len(content.y_test):
            X = content.formula_rows(formula.names)
            predicted = np.asarray(formula.predict(X), dtype=np.float64)
            good = np.isfinite(predicted)
            if good.any():
                off = predicted - content.y_test
                unit = content.unit(content.target)
                left = charts.residuals(
                    content.y_test,
                    off,
                    f"measured {content.labelled(content.target)}",
                    unit,
                    width=420.0,
                    height=220.0,
                )
                spot = weak_spot(X, tuple(InputView(name, name) for name in formula.names), off)
                fails = spot.sentence if spot else "Its errors are about as large everywhere."
            if not good.all():
                fails = f"It has no value on {counted(int((~good).sum()), 'held-out row')}. {fails}".strip()
        found.append(
            Candidate(
                k + 1,
                formula_html(formula.sympy, formula.text, digits=4),
                formula.text,
                formula.python(),
                formula.complexity,
                formula.error,
                formula.r2,
                formula.text == chosen,
                left,
                fails,
            )
        )
    return tuple(found)


def front_chart(content: ReportContent) -> Markup | None:
    """Error against complexity of the candidates."""
    chosen = None if content.formula is None else content.formula.text
    place = next((k for k, f in enumerate(content.front) if f.text == chosen), None)
    return charts.front(content.front, place)


def number_charts(content: ReportContent, table: Standings) -> tuple[tuple[Markup, ...], WeakSpot | None]:
    """Parity and what is left over of the model the page is about, and where it fails."""
    main = table.main
    if main is None or content.classes or main.row.predicted is None:
        return (), None
    predicted = np.asarray(main.row.predicted, dtype=np.float64)
    off = predicted - content.y_test
    unit, name = content.unit(content.target), content.labelled(content.target)
    drawn = (
        charts.parity(content.y_test, predicted, name),
        charts.residuals(predicted, off, f"predicted {name}", unit),
    )
    views = tuple(content.view(n) for n in content.names)
    return drawn, weak_spot(content.X_test, views, off)


@dataclass(frozen=True)
class ClassSection:
    """Charts and tables of a target of classes."""

    roc: Markup
    reliability: Markup
    gap: str
    table: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    rows: tuple[classes.ClassRow, ...]


def class_section(content: ReportContent, table: Standings) -> ClassSection | None:
    """ROC, reliability, confusion and each class apart, on the held-out rows."""
    main = table.main
    if main is None or not content.classes or main.row.predicted is None:
        return None
    y, predicted, names = content.y_test, np.asarray(main.row.predicted, dtype=np.float64), content.classes
    shown = classes.shown_classes(y, names)
    reliable = tuple((names[k], classes.reliability(y == k, predicted[:, k])) for k in shown)
    counts = classes.confusion(y, predicted)
    totals = np.maximum(counts.sum(1, keepdims=True), 1)
    cells = tuple(
        (name, tuple((int(n), f"{share:.3f}") for n, share in zip(row, shares, strict=True)))
        for name, row, shares in zip(names, counts, counts / totals, strict=True)
    )
    worst = max((one for _, one in reliable), key=lambda one: one.gap)
    gap = (
        f"They are off by {number(100 * worst.gap, 2)} percentage points on average; "
        f"chance alone would make it about {number(100 * worst.chance, 2)}."
    )
    return ClassSection(
        classes.roc_chart(y, predicted, names),
        classes.reliability_chart(reliable),
        gap,
        cells,
        classes.class_rows(y, predicted, names),
    )


def dropped(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Columns and inputs that the network does not use, and why."""
    net = content.network
    found = list(content.dropped)
    if net is not None:
        alive = net.layers[0].mask.any(1).tolist()
        idle = {name for name, edge in zip(net.input_names, alive, strict=True) if not edge}
        gone = set(content.names) - set(net.input_names)
        found += [
            (
                content.view(name).label,
                "taken out while simplifying" if name in gone else "training turned its edges off",
            )
            for name in content.names
            if name in idle | gone
        ]
    return tuple(found)


def column_rows(content: ReportContent) -> tuple[ColumnRow, ...]:
    """The columns, the target first, and what became of each."""
    X = np.concatenate([content.X, content.X_test])
    y = np.concatenate([content.y, content.y_test])
    if content.classes:
        aim = summarise_classes(content.target, content.classes, y)
    else:
        (aim,) = summarise_numbers((content.target,), y[:, None])
    table = content.table or (aim, *summarise_numbers(content.names, X))
    ordered = sorted(table, key=lambda column: column.name != content.target)
    return tuple(ColumnRow(c, _role(content, c.name), _spark(c), _about(c)) for c in ordered)


def _role(content: ReportContent, name: str) -> str:
    if name == content.target:
        return "predicted"
    inputs = {n for n in content.names if content.view(n).column == name}
    if not inputs:
        return "not used"
    places: list[str] = []
    if content.network is not None:
        alive = content.network.layers[0].mask.any(1).tolist()
        used = {n for n, edge in zip(content.network.input_names, alive, strict=True) if edge}
        places += ["network"] if used & inputs else []
    if content.formula is not None:
        places += ["formula"] if {str(s) for s in content.formula.sympy.free_symbols} & inputs else []
    nothing = content.network is None and content.formula is None
    return ", ".join(places) if places else "" if nothing else "not used"


def _spark(column: ColumnSummary) -> Markup:
    bars = bool(column.levels) or len(column.histogram) < 24
    kind = "values" if bars else "steps"
    words = f"Distribution of {column.name} in {counted(len(column.histogram), kind[:-1])}."
    return sparkline(column.histogram, bars=bars, words=words)


def _about(column: ColumnSummary) -> str:
    """Range or levels in words."""
    if column.kind == "empty":
        return "no values"
    if column.kind == "date":
        return " ".join(word for word, _ in column.levels)
    if column.levels:
        total = sum(n for _, n in column.levels)
        shown = [f"{name} ({percent(n / max(total, 1))})" for name, n in column.levels[:3]]
        more = column.distinct - len(shown)
        return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    if column.low is None or column.high is None:
        return ""
    if column.low == column.high:
        return f"always {number(column.low)}"
    return f"{number(column.low)} to {number(column.high)}, median {number(column.median)}"
