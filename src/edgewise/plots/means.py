"""How well means of counts and amounts do, drawn: tenths of the rows by prediction, and Lorenz curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from edgewise._core.arrays import Floats
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import LIGHT, SIZE_SMALL, SIZE_TEXT, bare_axes, new_figure, text_style

SIDE = 2.6
LEFT, BOTTOM, TOP, RIGHT = 0.66, 0.42, 0.1, 0.1


def tenths_figure(predicted: Floats, observed: Floats, low: Floats, high: Floats, name: str) -> Figure:
    """Mean outcomes of groups of rows with their intervals, beside the mean predictions.

    Parameters
    ----------
    predicted, observed, low, high : arrays of shape (g,)
    name : str
        What is predicted, with its unit.
    """
    figure = new_figure(LEFT + SIDE + RIGHT, BOTTOM + SIDE + TOP, LIGHT)
    axes = bare_axes(figure, (LEFT, BOTTOM, SIDE, SIDE), LIGHT, grid="y")
    place = np.arange(1, len(predicted) + 1)
    axes.vlines(place, np.maximum(low, 0.0), high, color=LIGHT.faint, linewidth=1.2)
    axes.plot(place, observed, "o", color=LIGHT.symbolic, markersize=3.5)
    axes.plot(place, predicted, color=LIGHT.numeric, linewidth=1.4)
    axes.set_ylim(0.0, 1.08 * float(max(predicted.max(), high.max())) or 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_locator(MultipleLocator(1 if len(place) <= 10 else 2))
    style = text_style(LIGHT, SIZE_TEXT, LIGHT.muted)
    axes.set_xlabel("tenths of the rows, by rising prediction", labelpad=2, **style)
    axes.set_ylabel(drawable(shorten(f"mean {name}", 30)), labelpad=2, **style)
    for words, colour, line in (("predicted", LIGHT.numeric, 0), ("observed", LIGHT.symbolic, 1)):
        small = text_style(LIGHT, SIZE_SMALL, colour)
        axes.text(0.03, 0.96 - 0.07 * line, words, transform=axes.transAxes, ha="left", va="top", **small)
    return figure


def lorenz_figure(curves: Sequence[tuple[str, Floats, Floats]], name: str) -> Figure:
    """Shares of all outcomes that fall to shares of the rows, by rising prediction; the diagonal tells rows not apart.

    Parameters
    ----------
    curves : sequence of (str, ndarray, ndarray)
        What a curve is called; shares of rows and of outcomes.
    name : str
        What is predicted.
    """
    figure = new_figure(LEFT + SIDE + RIGHT, BOTTOM + SIDE + TOP, LIGHT)
    axes = bare_axes(figure, (LEFT, BOTTOM, SIDE, SIDE), LIGHT, grid="both")
    axes.plot((0.0, 1.0), (0.0, 1.0), color=LIGHT.faint, linewidth=0.8, zorder=1)
    for place, (words, across, up) in enumerate(curves):
        colour = (LIGHT.numeric, LIGHT.muted)[place % 2]
        axes.plot(across, up, color=colour, linewidth=(1.4, 0.9)[place % 2])
        small = text_style(LIGHT, SIZE_SMALL, colour)
        axes.text(0.03, 0.96 - 0.07 * place, words, transform=axes.transAxes, ha="left", va="top", **small)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    style = text_style(LIGHT, SIZE_TEXT, LIGHT.muted)
    axes.set_xlabel("share of the rows, by rising prediction", labelpad=2, **style)
    axes.set_ylabel(drawable(shorten(f"share of {name}", 30)), labelpad=2, **style)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.25))
    return figure
