"""The network on the page: diagrams, small multiples, and what each input does."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from edgewise.plots.choice import choose, relative
from edgewise.report.checks.collinearity import collinear_groups
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings import panels
from edgewise.report.drawings.diagram import Diagram, diagram
from edgewise.report.drawings.edge_functions import Edge, EdgeView, edge_view, source_values
from edgewise.report.evaluation.importance import NetworkImportance, by_score, importance
from edgewise.report.evaluation.partial_dependence import effects
from edgewise.report.live.build import live_data
from edgewise.report.live.page_data import LiveData
from edgewise.report.text.numbers import listed, number

# What the first diagram shows of each layer, and what the second one adds on demand.
FIRST_NODES, FIRST_EDGES = 5, 14
MOST_NODES, MOST_EDGES = 16, 60
# Small multiples that stand open; the others wait behind a click.
OPEN_PANELS = 12
MOST_EFFECTS = 12
# Inputs whose score is less than this share of the strongest one's are not worth a drawing.
NEGLIGIBLE = 0.005


@dataclass(frozen=True)
class NetworkPanel:
    """A drawing with its words."""

    view: EdgeView
    svg: Markup


@dataclass(frozen=True)
class PanelGroup:
    """The functions of one layer: those that stand open and those behind a click."""

    heading: str
    first: tuple[NetworkPanel, ...]
    rest: tuple[NetworkPanel, ...]
    unshown: int


@dataclass(frozen=True)
class NetworkSection:
    """The diagrams and the small multiples of the network, and what its script needs to answer."""

    first: Diagram
    second: Diagram | None
    groups: tuple[PanelGroup, ...]
    live: LiveData | None


@dataclass(frozen=True)
class EffectCard:
    """What one input does to the prediction."""

    name: str
    size: str
    words: str
    svg: Markup


@dataclass(frozen=True)
class EffectSection:
    """What inputs do, strongest first, and those of which that cannot be stated."""

    cards: tuple[EffectCard, ...]
    tied: str


def importance_of(content: ReportContent) -> NetworkImportance | None:
    """How much every part of the content's network contributes; None where there is none."""
    net = content.network
    return None if net is None else importance(net, content.columns(content.X, net.input_names))


def network_section(
    content: ReportContent, scores: NetworkImportance | None, *, functions: bool = True
) -> NetworkSection | None:
    """The network: the strongest parts first, more of it on demand; its functions one by one only where they are shown."""
    net = content.network
    if net is None or scores is None or not any(bool(layer.mask.any()) for layer in net.layers):
        return None
    values = source_values(content)
    everything = choose(net, scores.edges, MOST_NODES, MOST_EDGES, scores.nodes)
    shares = tuple(relative(score) for score in scores.edges)
    first = choose(net, scores.edges, FIRST_NODES, FIRST_EDGES, scores.nodes)
    views: dict[Edge, EdgeView] = {}
    # Of fewer nodes others than the very strongest edges are drawn, so that none stands without cause.
    for layer, pairs in enumerate(zip(everything.edges, first.edges, strict=True)):
        for s, t in dict.fromkeys(itertools.chain(*pairs)):
            score, share = float(scores.edges[layer][s, t]), float(shares[layer][s, t])
            views[layer, s, t] = edge_view(content, values, (layer, s, t), score, share)
    # A diagram that would leave out only a little is drawn whole.
    if everything.shown <= sum(min(len(p), FIRST_EDGES) for p in everything.edges) + 4:
        first = everything
    name = "The network, from inputs on the left to outputs on the right"
    drawn = diagram(net, first, views, name=name)
    more = None
    if everything.shown > first.shown:
        more = diagram(net, everything, views, name="More of the network")
    live = live_data(content, tuple(views.values()))
    return NetworkSection(drawn, more, _groups(content, scores, views) if functions else (), live)


def _groups(
    content: ReportContent, scores: NetworkImportance, views: dict[Edge, EdgeView]
) -> tuple[PanelGroup, ...]:
    net = content.network
    assert net is not None
    groups: list[PanelGroup] = []
    for layer, module in enumerate(net.layers):
        pairs = [edge[1:] for edge in views if edge[0] == layer]
        drawn = [
            NetworkPanel(v, panels.panel(v))
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


def effect_section(content: ReportContent, scores: NetworkImportance | None) -> EffectSection | None:
    """What the strongest inputs do to the prediction; for an additive network its edges already say so."""
    net = content.network
    if net is None or scores is None or len(net.layers) == 1 or len(content.classes) > 2 or net.shape[-1] > 1:
        return None
    X, size = content.columns(content.X, net.input_names), scores.inputs
    # An input cannot move by itself where others fix it: its curve would show rows that cannot be.
    fixed = sorted({k for group in collinear_groups(X) for k in group if size[k] > 0})
    least = NEGLIGIBLE * float(size.max(initial=0.0))
    free = [int(k) for k in np.argsort(-size, kind="stable") if size[k] > least and k not in fixed]
    unit = "percentage points" if content.classes else content.unit(content.target)
    scale = 100.0 if content.classes else 1.0
    cards: list[EffectCard] = []
    for one in effects(content, tuple(free[:MOST_EFFECTS])):
        name, typical = content.view(one.name).label, f"{number(scale * one.size, 3)} {unit}".rstrip()
        words = f"{name}: the prediction {one.words}, typically by {typical}."
        cards.append(EffectCard(name, typical, one.words, panels.effect(one, scale, words)))
    tied = listed([content.view(net.input_names[k]).label for k in fixed], 8)
    return EffectSection(tuple(cards), tied) if cards or tied else None
