"""The network diagram: every edge's function drawn on the edge, from the inputs on the left to the outputs on the right."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int
from edgewise.network import KAN
from edgewise.plots.choice import choose, input_order, relative
from edgewise.plots.layout import (
    FACTOR_RADIUS,
    NODE_RADIUS,
    Edge,
    NetworkLayout,
    NetworkShape,
    Point,
    Rectangle,
    arrange,
)
from edgewise.plots.mathtext import label_mathtext, shorten, text_size
from edgewise.plots.style import (
    MATH_SCALE,
    SIZE_SMALL,
    SIZE_TEXT,
    Theme,
    math_style,
    new_figure,
    text_style,
    theme_of,
)
from edgewise.plots.trace import chosen_scores, form_of, layer_curves, trace

CURVE_POINTS = 81
MARGIN = 0.12
NAME_LENGTH = 26


def plot_network(
    model: KAN,
    X: Any = None,
    *,
    scores: Any = None,
    theme: str = "light",
    max_edges: int = 48,
    max_nodes: int = 12,
) -> Figure:
    """Draw the network with the function of every alive edge on that edge.

    Read it from left to right: each node adds (+) or multiplies (×) what arrives. Curves and wires are the fainter the
    less an edge contributes within its layer; closed forms stand out in a colour of their own, with their name.

    Parameters
    ----------
    model : KAN
    X : array-like of shape (n, inputs), optional
        Data in the units of the inputs: curves are then drawn over the values that occur, and edges weighed by what they do
        there. Without it, over the grids.
    scores : sequence of arrays of shape (I, O), optional
        Weight of each edge, one array a layer (or the result of `edge_scores`); by default the standard deviation of the
        edge's function on the data.
    theme : "light" or "dark"
    max_edges, max_nodes : int
        Of each layer only so many edges and hidden nodes are drawn, the strongest; the picture then says so.

    Returns
    -------
    Figure
        A matplotlib figure that pyplot knows nothing of.

    Raises
    ------
    InputError
        If X or the scores do not fit the network.

    References
    ----------
    Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024, arXiv:2404.19756, for the idea of functions drawn on edges.

    Examples
    --------
    >>> figure = plot_network(KAN([2, 3, 1], seed=0))
    >>> sum(1 for line in figure.axes[0].lines if str(line.get_gid()).startswith("curve"))
    9
    """
    colours = theme_of(theme)
    check_int(max_edges, "max_edges", low=1)
    check_int(max_nodes, "max_nodes", low=1)
    traces = trace(model, X)
    score = chosen_scores(model, traces, scores)
    weights = [relative(s) for s in score]
    choice = choose(model, score, max_nodes, max_edges)
    drawn, omitted = choice.edges, choice.alive - choice.shown
    forms = {
        (k, s, t): form
        for k, edges in enumerate(drawn)
        for s, t in edges
        if (form := form_of(model, k, s, t)) is not None
    }
    groups = tuple(spec.nodes.groups() for spec in model.spec.layers)
    # Where parts are left out, inputs without a drawn edge are too, and the rest stand beside what they feed.
    single = len(drawn) == 1
    inputs = input_order(drawn[0], score[0], single=single) if omitted else list(range(model.shape[0]))
    row = {source: k for k, source in enumerate(inputs)}
    placed = (tuple((row[s], t) for s, t in drawn[0]), *drawn[1:])
    labelled = frozenset((k, row[s] if k == 0 else s, t) for k, s, t in forms)
    layout = arrange(NetworkShape(len(inputs), groups, placed, labelled))

    names = [shorten(model.input_names[s], NAME_LENGTH) for s in inputs]
    results = [shorten(n, NAME_LENGTH) for n in model.output_names]
    used = {s for s, _ in placed[0]}
    left = MARGIN + NODE_RADIUS + 0.1 + _widest(names)
    right = MARGIN + NODE_RADIUS + 0.1 + _widest(results)
    foot = 0.3 if omitted else 0.0
    width, height = left + layout.width + right, layout.top - layout.bottom + 2 * MARGIN + foot
    figure = new_figure(width, height, colours)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-left, layout.width + right)
    axes.set_ylim(layout.bottom - MARGIN - foot, layout.top + MARGIN)

    for k, one in enumerate(traces):
        points = one.low + np.linspace(0.0, 1.0, CURVE_POINTS)[:, None] * (one.high - one.low)
        curves = layer_curves(model, k, points)
        for (source, target), place in zip(drawn[k], placed[k], strict=True):
            edge, strength = (k, source, target), float(weights[k][source, target])
            _wire(axes, layout, groups[k], (k, *place), strength, colours)
            box, values = layout.thumbs[(k, *place)], curves[:, source, target]
            _thumbnail(axes, box, edge, values, strength, forms.get(edge), colours)
    _products(axes, layout, groups, colours)
    for column, places in enumerate(layout.nodes):
        for node, place in places.items():
            if column == 0 and node not in used:
                _name(axes, place, names[node], -1, colours, colours.faint)
            elif column == 0:
                axes.add_patch(_disc(place, 0.5 * NODE_RADIUS, colours.ink, colours, f"input-{inputs[node]}"))
                _name(axes, place, names[node], -1, colours, colours.ink)
            else:
                _node(axes, place, column - 1, node, groups[column - 1][node], drawn[column - 1], colours)
                if column == len(layout.nodes) - 1:
                    _name(axes, place, results[node], 1, colours, colours.ink)
    if omitted:
        axes.text(
            layout.width / 2,
            layout.bottom - MARGIN - 0.08,
            f"the strongest {choice.shown:,} of {choice.alive:,} edges",
            ha="center",
            va="center",
            **text_style(colours, SIZE_SMALL, colours.muted),
        )
    return figure


def _opacity(strength: float) -> float:
    # The square root keeps an edge of a hundredth of the strongest in sight.
    return 0.18 + 0.82 * strength**0.5


def _thumbnail(
    axes: Axes, box: Rectangle, edge: Edge, values: Floats, strength: float, form: str | None, theme: Theme
) -> None:
    """A small framed curve, and the name of its closed form beneath."""
    colour = theme.numeric if form is None else theme.symbolic
    label = "-".join(str(k) for k in edge)
    frame = FancyBboxPatch(
        (box.left, box.bottom),
        box.width,
        box.height,
        boxstyle=f"round,pad=0,rounding_size={0.14 * box.height}",
        facecolor=theme.panel,
        edgecolor=theme.line,
        linewidth=0.6,
        gid=f"edge-{label}",
    )
    axes.add_patch(frame)
    inner = Rectangle(
        box.left + 0.1 * box.width, box.bottom + 0.16 * box.height, 0.8 * box.width, 0.68 * box.height
    )
    x = inner.left + np.linspace(0.0, 1.0, len(values)) * inner.width
    y = inner.bottom + _fitted(values) * inner.height
    axes.add_line(
        Line2D(
            x,
            y,
            color=colour,
            alpha=_opacity(strength),
            linewidth=1.0 + 0.7 * strength,
            solid_capstyle="round",
            solid_joinstyle="round",
            gid=f"curve-{label}",
        )
    )
    if form is not None:
        axes.text(
            box.left + box.width / 2,
            box.bottom - 0.08,
            label_mathtext(shorten(form, 16)),
            ha="center",
            va="center",
            **math_style(theme, SIZE_SMALL, theme.symbolic),
        )


def _fitted(values: Floats) -> Floats:
    """Values scaled to [0, 1]; a constant runs through the middle, gaps stay gaps."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        return np.where(np.isfinite(values), 0.5, np.nan)
    return np.where(np.isfinite(values), (values - low) / (high - low), np.nan)


def _wire(
    axes: Axes,
    layout: NetworkLayout,
    groups: tuple[tuple[int, ...], ...],
    edge: Edge,
    strength: float,
    theme: Theme,
) -> None:
    """Source node to thumbnail, thumbnail to node (or to the factor of a multiplication node)."""
    layer, source, target = edge
    box = layout.thumbs[edge]
    middle = box.bottom + box.height / 2
    start = layout.nodes[layer][source]
    node = next(k for k, group in enumerate(groups) if target in group)
    end = layout.factors[layer].get(target, layout.nodes[layer + 1][node])
    style: dict[str, Any] = {
        "color": theme.muted,
        "alpha": 0.75 * _opacity(strength),
        "linewidth": 0.5 + 0.7 * strength,
    }
    _bend(axes, start, Point(box.left, middle), **style)
    _bend(axes, Point(box.left + box.width, middle), end, **style)


def _bend(axes: Axes, start: Point, end: Point, *, color: str, alpha: float, linewidth: float) -> None:
    half = 0.5 * (end.x - start.x)
    path = Path(
        [start, (start.x + half, start.y), (end.x - half, end.y), end],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    axes.add_patch(
        PathPatch(path, facecolor="none", edgecolor=color, alpha=alpha, linewidth=linewidth, capstyle="round")
    )


def _products(
    axes: Axes, layout: NetworkLayout, groups: tuple[tuple[tuple[int, ...], ...], ...], theme: Theme
) -> None:
    """The factors of multiplication nodes: a dot for each sum, and a line to the node."""
    for layer, factors in enumerate(layout.factors):
        for node, place in layout.nodes[layer + 1].items():
            for target in groups[layer][node]:
                if target in factors:
                    dot = factors[target]
                    _bend(axes, dot, place, color=theme.ink, alpha=0.85, linewidth=1.1)
                    axes.add_patch(_disc(dot, FACTOR_RADIUS, theme.ink, theme, f"factor-{layer}-{target}"))


def _node(
    axes: Axes,
    place: Point,
    layer: int,
    node: int,
    group: tuple[int, ...],
    edges: tuple[tuple[int, int], ...],
    theme: Theme,
) -> None:
    """A ring with + or x inside; a plain dot where nothing is added."""
    product = len(group) > 1
    arriving = sum(1 for _, target in edges if target in group)
    if not product and arriving <= 1:
        axes.add_patch(_disc(place, 0.5 * NODE_RADIUS, theme.ink, theme, f"sum-{layer}-{node}"))
        return
    kind = "product" if product else "sum"
    ring = Circle(
        place,
        NODE_RADIUS,
        facecolor=theme.ground,
        edgecolor=theme.ink,
        linewidth=1.0,
        zorder=3,
        gid=f"{kind}-{layer}-{node}",
    )
    axes.add_patch(ring)
    arm = 0.5 * NODE_RADIUS * (0.75 if product else 1.0)
    strokes = ((arm, arm), (arm, -arm)) if product else ((arm, 0.0), (0.0, arm))
    for dx, dy in strokes:
        axes.add_line(
            Line2D(
                (place.x - dx, place.x + dx),
                (place.y - dy, place.y + dy),
                color=theme.ink,
                linewidth=1.0,
                zorder=4,
            )
        )


def _disc(place: Point, radius: float, colour: str, theme: Theme, gid: str) -> Circle:
    return Circle(place, radius, facecolor=colour, edgecolor=theme.ground, linewidth=0.0, zorder=3, gid=gid)


def _name(axes: Axes, place: Point, name: str, side: int, theme: Theme, colour: str) -> None:
    axes.text(
        place.x + side * (NODE_RADIUS + 0.08),
        place.y,
        label_mathtext(name),
        ha="left" if side > 0 else "right",
        va="center_baseline",
        **math_style(theme, SIZE_TEXT, colour),
    )


def _widest(names: list[str]) -> float:
    return max(
        (text_size(label_mathtext(n), MATH_SCALE * SIZE_TEXT, math=True)[0] for n in names), default=0.0
    )
