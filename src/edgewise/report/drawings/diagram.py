"""The network as the centre of the page: every edge a link that carries its curve, from the inputs to the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from edgewise.network import KAN
from edgewise.plots.choice import Choice, input_order
from edgewise.plots.layout import (
    FACTOR_RADIUS,
    LABEL_HEIGHT,
    NODE_RADIUS,
    NetworkLayout,
    NetworkShape,
    Point,
    Rectangle,
    arrange,
)
from edgewise.plots.mathtext import shorten
from edgewise.report.drawings.edge_functions import Edge, EdgeView, node_name
from edgewise.report.drawings.panels import thumbnail
from edgewise.report.text.svg import label, tag, text_width

# CSS pixels to an inch of the layout.
SCALE = 98.0
MARGIN = 10.0
NAME = 13.0
LONGEST_NAME = 26
# A finger needs more room than a wire.
TOUCH = 9.0


@dataclass(frozen=True)
class Diagram:
    """A drawing of the network, its size in CSS pixels, and what it leaves out."""

    svg: Markup
    width: int
    height: int
    shown: int
    alive: int


def diagram(net: KAN, choice: Choice, views: Mapping[Edge, EdgeView], *, name: str) -> Diagram:
    """Draw the chosen edges.

    Parameters
    ----------
    net : KAN
    choice : Choice
    views : mapping of (layer, source, target) to EdgeView
        One for every chosen edge.
    name : str
        What screen readers call the drawing.
    """
    groups = tuple(spec.nodes.groups() for spec in net.spec.layers)
    forms = frozenset(edge for edge, view in views.items() if view.form and edge[1:] in choice.edges[edge[0]])
    scores = np.zeros((net.shape[0], net.layers[0].out_features))
    for edge in choice.edges[0]:
        scores[edge] = views[(0, *edge)].score
    used = input_order(choice.edges[0], scores, single=len(net.layers) == 1)
    # Inputs without an edge to draw would only lengthen the column.
    at = {source: k for k, source in enumerate(used)}
    edges = (tuple((at[s], t) for s, t in choice.edges[0]), *choice.edges[1:])
    labelled = frozenset((k, at[s] if k == 0 else s, t) for k, s, t in forms)
    layout = arrange(NetworkShape(len(used), groups, edges, labelled))
    inputs = {edge[1]: view.before for edge, view in views.items() if edge[0] == 0}
    names = [shorten(inputs[s], LONGEST_NAME) for s in used]
    results = [shorten(n, LONGEST_NAME) for n in net.output_names]
    left = MARGIN + SCALE * NODE_RADIUS + 8 + max(text_width(n, NAME) for n in [*names, " "])
    right = MARGIN + SCALE * NODE_RADIUS + 8 + max(text_width(n, NAME) for n in results)
    place = _Place(left, layout.top)
    width = left + SCALE * layout.width + right
    height = SCALE * (layout.top - layout.bottom) + 2 * MARGIN

    links: list[Markup] = []
    for layer, pairs in enumerate(edges):
        for source, target in sorted(pairs, key=lambda edge: -_middle(layout, layer, edge)):
            real = (layer, used[source] if layer == 0 else source, target)
            links.append(_link(layout, place, groups[layer], (layer, source, target), views[real]))
    nodes = [_factors(layout, place, groups)]
    for column, places in enumerate(layout.nodes):
        for node, point in places.items():
            nodes.append(_node(net, place, column, used[node] if column == 0 else node, point, edges))
    words = [
        _name(place, point, names[node], -1, inputs[used[node]]) for node, point in layout.nodes[0].items()
    ]
    words += [_name(place, p, results[n], 1, net.output_names[n]) for n, p in layout.nodes[-1].items()]
    svg = tag(
        "svg",
        *links,
        tag("g", *nodes, *words, aria_hidden="true"),
        class_="net",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="group",
        aria_label=name,
        style=f"--wide:{round(width)}px;--tall:{round(height)}px",
    )
    return Diagram(svg, round(width), round(height), choice.shown, choice.alive)


@dataclass(frozen=True)
class _Place:
    """From the layout's inches, y upward, to pixels, y downward."""

    left: float
    top: float

    def x(self, inches: float) -> float:
        return self.left + SCALE * inches

    def y(self, inches: float) -> float:
        return MARGIN + SCALE * (self.top - inches)


def _middle(layout: NetworkLayout, layer: int, edge: tuple[int, int]) -> float:
    box = layout.thumbs[(layer, *edge)]
    return box.bottom + box.height / 2


def _link(
    layout: NetworkLayout, place: _Place, groups: tuple[tuple[int, ...], ...], edge: Edge, view: EdgeView
) -> Markup:
    """An edge: wires, framed curve, and the name of its closed form; a link to its own drawing further down."""
    layer, source, target = edge
    box = layout.thumbs[edge]
    middle = box.bottom + box.height / 2
    node = next(k for k, group in enumerate(groups) if target in group)
    end = layout.factors[layer].get(target, layout.nodes[layer + 1][node])
    wires = _bend(place, layout.nodes[layer][source], Point(box.left, middle))
    wires += _bend(place, Point(box.left + box.width, middle), end)
    x, y, width, height = (
        place.x(box.left),
        place.y(box.bottom + box.height),
        SCALE * box.width,
        SCALE * box.height,
    )
    inner = Rectangle(x + 0.09 * width, y + 0.16 * height, 0.82 * width, 0.68 * height)
    parts = [
        tag("path", class_="wire", d=wires),
        tag("rect", class_="hit", x=x - TOUCH / 2, y=y - 2, width=width + TOUCH, height=height + 4),
        tag("rect", class_="frame", x=x, y=y, width=width, height=height, rx=0.14 * height),
        thumbnail(view, *inner),
    ]
    if view.form:
        lower = place.y(box.bottom - 0.62 * LABEL_HEIGHT)
        parts.append(label(x + width / 2, lower, shorten(view.form, 16), "middle", "form"))
    # The square root keeps an edge of a hundredth of the strongest in sight.
    return tag(
        "a",
        *parts,
        class_="edge symbolic" if view.form else "edge",
        href=f"#fn-{view.key}",
        data_edge=view.key,
        data_layer=layer,
        data_box=" ".join(f"{value:.1f}" for value in inner),
        aria_label=view.sentence,
        style=f"--strength:{view.share**0.5:.3f}",
    )


def _bend(place: _Place, start: Point, end: Point) -> str:
    half = place.x(start.x + 0.5 * (end.x - start.x))
    y0, y1 = place.y(start.y), place.y(end.y)
    return f"M{place.x(start.x):.1f} {y0:.1f}C{half:.1f} {y0:.1f} {half:.1f} {y1:.1f} {place.x(end.x):.1f} {y1:.1f}"


def _factors(layout: NetworkLayout, place: _Place, groups: tuple[tuple[tuple[int, ...], ...], ...]) -> Markup:
    """The factors of multiplication nodes: a dot for each sum, and a line to the node."""
    parts: list[Markup] = []
    for layer, factors in enumerate(layout.factors):
        for node, point in layout.nodes[layer + 1].items():
            for target in groups[layer][node]:
                if target in factors:
                    parts.append(tag("path", class_="factor", d=_bend(place, factors[target], point)))
                    parts.append(_disc(place, factors[target], FACTOR_RADIUS))
    return Markup("").join(parts)


def _node(
    net: KAN,
    place: _Place,
    column: int,
    node: int,
    point: Point,
    edges: tuple[tuple[tuple[int, int], ...], ...],
) -> Markup:
    """A ring with + or × inside; a plain dot where nothing is added. Hidden nodes carry their number."""
    if column == 0:
        return _disc(place, point, 0.5 * NODE_RADIUS)
    own = {"data_node": f"{column}-{node}", "data_at": f"{place.x(point.x):.1f} {place.y(point.y):.1f}"}
    group = net.spec.layers[column - 1].nodes.groups()[node]
    arriving = sum(1 for _, target in edges[column - 1] if target in group)
    x, y, radius = place.x(point.x), place.y(point.y), SCALE * NODE_RADIUS
    hidden = column < len(net.layers)
    name = node_name(net, column, node)
    number = [label(x, y + radius + 10, name.removeprefix("node "), "middle", "number")] if hidden else []
    if len(group) == 1 and arriving <= 1:
        return tag("g", _disc(place, point, 0.5 * NODE_RADIUS), *number, **own)
    arm = 0.5 * radius * (0.75 if len(group) > 1 else 1.0)
    ways = ((arm, arm), (arm, -arm)) if len(group) > 1 else ((arm, 0.0), (0.0, arm))
    strokes = "".join(f"M{x - dx:.1f} {y - dy:.1f}L{x + dx:.1f} {y + dy:.1f}" for dx, dy in ways)
    ring = tag("circle", class_="ring", cx=x, cy=y, r=radius)
    return tag("g", ring, tag("path", class_="sign", d=strokes), *number, **own)


def _disc(place: _Place, point: Point, radius: float) -> Markup:
    return tag("circle", class_="disc", cx=place.x(point.x), cy=place.y(point.y), r=SCALE * radius)


def _name(place: _Place, point: Point, shown: str, side: int, whole: str) -> Markup:
    x = place.x(point.x) + side * (SCALE * NODE_RADIUS + 8)
    words = [tag("title", escape(whole))] if shown != whole else []
    anchor = "end" if side < 0 else None
    return tag("text", *words, escape(shown), x=x, y=place.y(point.y) + 4.5, text_anchor=anchor, class_="end")
