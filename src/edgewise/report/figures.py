"""The page's drawings: figures as SVG whose colours follow the page's light or dark."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgewise.plots import figure_svg, plot_front, plot_network, plot_parity, plot_training
from edgewise.plots.edges import edge_panels, plot_panel
from edgewise.plots.parity import errors
from edgewise.plots.style import LIGHT
from edgewise.report.content import ReportContent

Floats = NDArray[np.float64]

# Edges of a layer that get axes of their own.
MOST_PANELS = 12
# R2 beyond which parity is only a diagonal and the page shows what is left of it.
CLOSE = 0.998
# CSS pixels to an inch: the drawings' small type then reads like the page's small type.
PIXELS = 118.0
_SIZE = re.compile(r'\s(?:width|height)="[\d.]+pt"')


@dataclass(frozen=True)
class Picture:
    """A drawing, what it shows in words, and how wide it wants to be in CSS pixels."""

    svg: Markup
    alt: str
    width: int


@dataclass(frozen=True)
class Panels:
    """The shape functions of one layer."""

    heading: str
    pictures: tuple[Picture, ...]
    omitted: int


def network_picture(content: ReportContent) -> Picture | None:
    """The network diagram."""
    net = content.network
    if net is None:
        return None
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    alt = (
        f"Diagram of the network {list(net.shape)}: {edges} edge functions from "
        f"{', '.join(net.input_names)} to {', '.join(net.output_names)}."
    )
    return _picture(plot_network(net, content.columns(content.X, net.input_names)), "network", alt)


def shape_pictures(content: ReportContent) -> tuple[Panels, ...]:
    """The strongest edge functions of every layer."""
    net = content.network
    if net is None:
        return ()
    found: list[Panels] = []
    X = content.columns(content.X, net.input_names)
    for layer, edges in enumerate(net.layers):
        panels = edge_panels(net, X, layer, max_edges=MOST_PANELS)
        pictures: list[Picture] = []
        for panel in panels:
            kind = f"closed form {panel.form}" if panel.form else "spline"
            alt = f"Edge function from {panel.before} to {panel.after}: {kind}, score {panel.share:.2f}."
            pictures.append(_picture(plot_panel(panel), "edge-" + "-".join(map(str, panel.edge)), alt))
        heading = "From the inputs" if layer == 0 else f"From hidden layer {layer}"
        found.append(Panels(heading, tuple(pictures), int(edges.mask.sum()) - len(panels)))
    return tuple(found)


def parity_pictures(content: ReportContent) -> tuple[Picture, ...]:
    """Predicted against measured, for the network and for the formula; what they miss where both are close."""
    X, y = np.concatenate([content.X, content.X_test]), np.concatenate([content.y, content.y_test])
    held_out = np.arange(len(y)) >= len(content.y)
    predicted: list[tuple[str, Floats]] = []
    if content.network is not None:
        inputs = content.columns(X, content.network.input_names)
        predicted.append(("network", content.network.predict(inputs)[:, 0]))
    if content.formula is not None:
        inputs = content.columns(X, content.formula.names)
        predicted.append(("formula", np.asarray(content.formula.predict(inputs), dtype=np.float64)))
    valued = [(model, values, good) for model, values in predicted if (good := np.isfinite(values)).any()]
    close = all(errors(y[good], values[good])[1] > CLOSE for _, values, good in valued)
    pictures: list[Picture] = []
    for model, values, good in valued:
        figure = plot_parity(
            y[good],
            values[good],
            held_out=held_out[good],
            residuals=close,
            name=content.target,
            title=model,
        )
        drawn = "less measured " if close else ""
        alt = f"Scatter of {content.target} predicted by the {model} {drawn}against measured values."
        pictures.append(_picture(figure, f"parity-{model}", alt))
    return tuple(pictures)


def training_picture(content: ReportContent) -> Picture | None:
    """Training and held-out error over the steps."""
    if not content.history:
        return None
    last = content.history[-1]
    alt = f"Training and held-out error over {len(content.history)} steps, ending at {last.loss:.3g} on the rows trained on."
    return _picture(plot_training(content.history), "training", alt)


def front_picture(content: ReportContent) -> Picture | None:
    """Error against complexity of the candidates, numbered as in the table."""
    if not any(np.isfinite(one.error) for one in content.front):
        return None
    alt = f"Held-out error against complexity of {len(content.front)} candidate formulas."
    return _picture(plot_front(content.front, numbered=True), "front", alt)


def _picture(figure: Figure, prefix: str, alt: str) -> Picture:
    """The figure without a size of its own: the page's CSS gives it one."""
    svg = _SIZE.sub("", figure_svg(figure, prefix=prefix, variables=LIGHT), count=2)
    svg = svg.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    return Picture(Markup(svg), alt, round(PIXELS * float(figure.get_figwidth())))
