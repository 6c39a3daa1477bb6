"""Shape functions: each edge of a layer on axes of its own, in the units a reader knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int
from edgewise.network import KAN
from edgewise.plots.cards import window
from edgewise.plots.layout import panel_grid
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TEXT,
    Theme,
    bare_axes,
    new_figure,
    say_instead,
    text_style,
    theme_of,
)
from edgewise.plots.trace import LayerTrace, chosen_scores, form_of, layer_curves, trace

CURVE_POINTS = 201
# How far a curve is drawn beyond the data, as a share of their range.
BEYOND = 0.12
PANEL = (2.05, 1.35)
PAD_LEFT, PAD_BOTTOM, PAD_TOP, PAD_RIGHT = 0.55, 0.5, 0.42, 0.15
BINS = 24


def plot_edges(
    model: KAN,
    X: Any = None,
    layer: int = 0,
    *,
    scores: Any = None,
    theme: str = "light",
    max_edges: int = 24,
    columns: int = 4,
) -> Figure:
    """Draw the edge functions of a layer, strongest first, with the data beneath.

    The first layer's horizontal axes are in the units of the inputs; in the last layer of sums, the vertical axes are in the
    units of the output. Each curve is drawn less its mean on the data (constants belong to the node). The part beyond the
    data is dashed: there the network extrapolates. The score above each panel is relative to the layer's strongest edge.

    Parameters
    ----------
    model : KAN
    X : array-like of shape (n, inputs), optional
        Data in the units of the inputs; without it curves are drawn over the grid.
    layer : int
        Which layer of edges, 0 for the one that leaves the inputs.
    scores : sequence of arrays of shape (I, O), optional
        As in `plot_network`.
    theme : "light" or "dark"
    max_edges : int
        At most so many, the strongest.
    columns : int
        Panels in a row.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If the layer does not exist, or X or the scores do not fit.

    Examples
    --------
    >>> len(plot_edges(KAN([2, 3, 1], seed=0), layer=1).axes)
    3
    """
    colours = theme_of(theme)
    check_int(columns, "columns", low=1)
    panels = edge_panels(model, X, layer, scores=scores, max_edges=max_edges)
    grid = panel_grid(len(panels), columns, PANEL, (PAD_LEFT, PAD_BOTTOM, PAD_RIGHT, PAD_TOP))
    figure = new_figure(grid.width, grid.height, colours)
    for box, panel in zip(grid.boxes, panels, strict=True):
        _draw(bare_axes(figure, box, colours, grid="y"), panel, colours)
    return figure if panels else say_instead(figure, "no edge is alive in this layer", colours)


@dataclass(frozen=True, eq=False)
class EdgePanel:
    """One edge, ready to be drawn.

    Attributes
    ----------
    edge : (layer, source, target)
    before, after : str
        Names of the ends.
    form : str or None
        Closed form, None where the edge is numeric.
    share : float
        Score relative to the strongest edge of the layer.
    x, y : arrays of shape (k,)
        The curve.
    values : array of shape (n,)
        The data along x; empty where none were given.
    """

    edge: tuple[int, int, int]
    before: str
    after: str
    form: str | None
    share: float
    x: Floats
    y: Floats
    values: Floats


def edge_panels(
    net: KAN,
    X: Any = None,
    layer: int = 0,
    *,
    scores: Any = None,
    max_edges: int = 24,
) -> tuple[EdgePanel, ...]:
    """The alive edges of a layer as curves, strongest first, at most `max_edges`."""
    traces = trace(net, X)
    check_int(layer, "layer", low=0, high=len(net.layers) - 1)
    check_int(max_edges, "max_edges", low=1)
    score = chosen_scores(net, traces, scores)[layer]
    alive = zip(*np.nonzero(net.layers[layer].mask.cpu().numpy()), strict=True)
    edges = [(int(s), int(t)) for s, t in alive]
    edges = sorted(edges, key=lambda edge: (-float(score[edge]), edge))[:max_edges]
    one = traces[layer]
    points = _points(one, X is not None)
    curves = layer_curves(net, layer, points)
    top = float(score.max(initial=0.0))
    panels: list[EdgePanel] = []
    for s, t in edges:
        shift, scale = _units(net, layer, s)
        before, after, height = _ends(net, layer, s, t)
        panels.append(
            EdgePanel(
                (layer, s, t),
                before,
                after,
                form_of(net, layer, s, t),
                float(score[s, t]) / top if top > 0 else 1.0,
                points[:, s] * scale + shift,
                (curves[:, s, t] - one.mean[s, t]) * height,
                one.values[:, s] * scale + shift if X is not None else np.zeros(0),
            )
        )
    return tuple(panels)


def _points(one: LayerTrace, data: bool) -> Floats:
    """Points over the values of each source and, where data were given, a little beyond."""
    room = BEYOND * (one.high - one.low) if data else np.zeros_like(one.low)
    room = np.where(data & (room == 0), 0.5, room)
    low, high = one.low - room, one.high + room
    return low + np.linspace(0.0, 1.0, CURVE_POINTS)[:, None] * (high - low)


def _units(net: KAN, layer: int, source: int) -> tuple[float, float]:
    """Shift and scale from network units to those of the horizontal axis."""
    if layer > 0:
        return 0.0, 1.0
    return float(net.input_shift[source]), float(net.input_scale[source])


def _ends(net: KAN, layer: int, source: int, target: int) -> tuple[str, str, float]:
    """Names of both ends, and the scale from network units to those of the vertical axis."""
    before = net.input_names[source] if layer == 0 else f"node {source + 1}"
    sums = net.spec.layers[layer].nodes.sums
    if layer == len(net.layers) - 1 and target < sums:
        return before, net.output_names[target], float(net.output_scale[target])
    return before, f"node {target + 1}" if target < sums else f"factor {target - sums + 1}", 1.0


def _draw(axes: Axes, panel: EdgePanel, theme: Theme) -> None:
    """The curve over the density of its data, and the words around it."""
    colour = theme.numeric if panel.form is None else theme.symbolic
    name = "-".join(str(k) for k in panel.edge)
    x, y, values = panel.x, panel.y, panel.values
    inside = (x >= values.min()) & (x <= values.max()) if values.size else np.ones_like(x, dtype=np.bool_)
    axes.set_ylim(*window(y[inside], 0.55))
    axes.set_xlim(float(x[0]), float(x[-1]))
    y = np.where(np.isfinite(y), y, np.nan)
    if values.size:
        axes.plot(
            x, y, color=colour, linewidth=1.1, linestyle=(0, (2.5, 2.0)), alpha=0.75, gid=f"beyond-{name}"
        )
        # Data are a low skyline on the axis, which any number of rows leaves readable.
        counts, edges = np.histogram(values, bins=BINS)
        base, top = axes.get_ylim()
        skyline = base + 0.16 * (top - base) * counts / max(int(counts.max()), 1)
        axes.stairs(skyline, edges, baseline=base, fill=True, color=theme.line, linewidth=0.0, zorder=0.5)
    axes.plot(
        np.where(inside, x, np.nan),
        y,
        color=colour,
        linewidth=1.6,
        solid_capstyle="round",
        gid=f"curve-{name}",
    )
    score = f"score {panel.share:.2f}" if panel.share >= 0.005 else "score under 0.01"
    words = score if panel.form is None else f"{shorten(panel.form, 20)} \u00b7 {score}"
    title = f"{shorten(panel.before, 18)} \u2192 {shorten(panel.after, 18)}"
    place = {"ha": "left", "va": "bottom"}
    style = text_style(theme, SIZE_TEXT)
    axes.text(0.0, 1 + 0.2 / PANEL[1], drawable(title), transform=axes.transAxes, **place, **style)
    style = text_style(theme, SIZE_SMALL, theme.muted if panel.form is None else theme.symbolic)
    axes.text(0.0, 1 + 0.06 / PANEL[1], drawable(words), transform=axes.transAxes, **place, **style)
    axes.set_xlabel(
        drawable(shorten(panel.before, 34)), labelpad=2, **text_style(theme, SIZE_SMALL, theme.muted)
    )
    axes.locator_params(axis="both", nbins=4)
    axes.ticklabel_format(axis="both", scilimits=(-3, 4))
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set(color=theme.muted, size=0.9 * SIZE_SMALL)
